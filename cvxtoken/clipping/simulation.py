"""The clipped queue by event: patient requests by Lindley's recursion, impatient ones by the virtual wait.

Where the server shares, its iterations are simulated (`cvxtoken.delay.iterations`).

An impatient request joins only if the virtual wait V is at most tau; with A the time to the next arrival,
V <- max(0, V + S 1{V <= tau} - A). All replications take a step together. Beside the requests counted, each
has a warm-up of a tenth as many, which is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.clipping import model
from cvxtoken.clipping.problem import ClippingProblem
from cvxtoken.delay.iterations import simulate_iterations
from cvxtoken.errors import ProblemError, UnstableError
from cvxtoken.estimates import Estimate, estimate
from cvxtoken.queueing import lindley_waits

_WARM_UP = 0.1  # as a share of the requests that a replication counts


@dataclass(frozen=True)
class ClippingSimulation:
    """What a simulation of one vector of limits shows.

    Attributes:
        mean_wait: in queue, or what requests lose to others; of patient requests, or of the impatient ones
            that are served, in s.
        mean_system_time: of the same requests, in s.
        mean_wait_of_all: of impatient requests, until their service begins or they leave, in s; None where
            they are patient.
        loss: share of the requests that leave; None where they are patient.
        share_whole: share of the requests left whole by the limits; exact where the server shares.
        num_requests: how many were counted in all.
    """

    mean_wait: Estimate
    mean_system_time: Estimate
    mean_wait_of_all: Estimate | None
    loss: Estimate | None
    share_whole: Estimate
    num_requests: int

    def to_document(self) -> dict[str, Any]:
        """A mapping of plain values."""
        return {
            "mean_wait": vars(self.mean_wait),
            "mean_system_time": vars(self.mean_system_time),
            "mean_wait_of_all": None if self.mean_wait_of_all is None else vars(self.mean_wait_of_all),
            "loss": None if self.loss is None else vars(self.loss),
            "share_whole": vars(self.share_whole),
            "num_requests": self.num_requests,
        }


def simulate(
    problem: ClippingProblem,
    limits: Any,
    num_requests: int = 1_000_000,
    seed: int = 0,
    replications: int = 20,
) -> ClippingSimulation:
    """Simulate the server at given limits; of several replicas one.

    Args:
        problem: the data.
        limits: one for each type, whole numbers from 1; a single one stands for all types.
        num_requests: how many to count, over all replications.
        seed: not negative.
        replications: independent runs, at least 2.

    Raises:
        ProblemError: an argument breaks its rule; or the server shares, and input lengths matter or its
            overheads are neither blocking (1) nor shared as tokens are (sigma).
        UnstableError: the requests are patient and the limits unstable.
    """
    given = np.asarray(limits)
    if given.dtype.kind not in "iu" or given.shape not in ((), (len(problem.types),)) or given.min() < 1:
        raise ProblemError(f"limits is {limits!r}; it must be one whole number from 1, or one a type")
    chosen = np.broadcast_to(given, (len(problem.types),))
    whole_numbers = all(type(value) is int for value in (num_requests, replications, seed))
    if not whole_numbers or num_requests < replications or replications < 2 or seed < 0:
        raise ProblemError(
            f"num_requests, replications and seed are {num_requests!r}, {replications!r} and {seed!r}; they "
            "must be whole numbers of at least replications, 2 and 0"
        )
    chosen = np.minimum(chosen, [len(lengths) for lengths in problem.types])
    found = model.total(problem, chosen)
    share = float(model.total(problem.replace(utility="share_whole"), chosen).u)
    rho = float(model.load(problem, found.s1))
    if problem.server.runs_together:
        return _shared(problem, chosen, found, share, num_requests, seed, replications)
    if problem.patience is None and rho >= 1:
        raise UnstableError(f"limits {chosen.tolist()} give a utilisation of {rho:.6g}; it must be below 1")
    counted = -(-num_requests // replications)
    warm = int(_WARM_UP * counted)
    streams = np.random.default_rng(seed).spawn(replications)
    drawn = [_draw(problem, chosen, warm + counted, rng) for rng in streams]
    whole = np.array([left[warm:].mean() for _, _, left in drawn])
    s1 = float(found.s1)
    if problem.patience is None:
        waits = np.array([lindley_waits(0.0, s - a)[warm:-1].mean() for s, a, _ in drawn])
        times = waits + [s[warm:].mean() for s, _, _ in drawn]
        predicted = float(model.mean_wait(problem, found))
        return ClippingSimulation(
            mean_wait=estimate(waits, predicted),
            mean_system_time=estimate(times, predicted + s1),
            mean_wait_of_all=None,
            loss=None,
            share_whole=estimate(whole, share),
            num_requests=counted * replications,
        )
    service, gaps = (np.array([d[i] for d in drawn]) for i in (0, 1))
    lost, waits, times, of_all = _impatient(service, gaps, problem.patience, warm)
    expected = model.impatience(problem, chosen)
    return ClippingSimulation(
        mean_wait=estimate(waits, expected.wait_of_served),
        mean_system_time=estimate(times, expected.wait_of_served + s1),
        mean_wait_of_all=estimate(of_all, expected.mean_wait),
        loss=estimate(lost, expected.loss),
        share_whole=estimate(whole, share),
        num_requests=counted * replications,
    )


def _shared(
    problem: ClippingProblem,
    limits: np.ndarray,
    found: model.Moments,
    share: float,
    num_requests: int,
    seed: int,
    replications: int,
) -> ClippingSimulation:
    """The engine's iterations; what the law says stands beside them where it holds."""
    server, c, s1 = problem.server, problem.time_per_token, float(found.s1)
    blocks = problem.overhead == 0 or server.overhead_share == 1
    if problem.inputs is not None:
        raise ProblemError("inputs is given; the engine that is simulated does not know of input lengths")
    if not blocks and server.overhead_share != server.token_share:
        raise ProblemError(
            f"overhead of the server is {server.overhead_share}; to be simulated it must be 1 (prompts block "
            f"the batch) or sigma = {server.token_share} (they are shared as tokens are)"
        )
    seen = simulate_iterations(
        problem.rate,
        np.array(problem.shares) / sum(problem.shares),
        [item.clipped(int(limit)) for item, limit in zip(problem.types, limits, strict=True)],
        alpha=(1 - server.token_share) * c,
        beta=server.token_share * c,
        prefill=problem.overhead,
        chunked=not blocks,
        max_num_seqs=problem.max_batch,
        patience=problem.patience,
        num_requests=num_requests,
        seed=seed,
        replications=replications,
    )
    T = seen.mean_system_time
    predicted = None if problem.is_simulated else float(model.mean_wait(problem, found))
    return ClippingSimulation(
        mean_wait=Estimate(T.value - s1, T.low - s1, T.high - s1, predicted),
        mean_system_time=Estimate(T.value, T.low, T.high, None if predicted is None else predicted + s1),
        mean_wait_of_all=seen.mean_wait_of_all,
        loss=seen.loss,
        share_whole=Estimate(share, share, share, share),
        num_requests=seen.num_requests,
    )


def _draw(
    problem: ClippingProblem, limits: np.ndarray, size: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Service times, times to the next arrival, and whether each request is left whole."""
    kinds, sizes, gaps, prompts = rng.spawn(4)
    kind = kinds.choice(len(limits), size=size, p=np.array(problem.shares) / sum(problem.shares))
    lengths = np.empty(size)
    uniform = sizes.random(size)
    for k, item in enumerate(problem.types):
        chosen = kind == k
        lengths[chosen] = item.quantile(uniform[chosen])
    clipped = np.minimum(lengths, limits[kind])
    service = problem.time_per_token * clipped + problem.overhead
    if problem.inputs is not None:
        inputs = problem.inputs
        service *= inputs.factors[inputs.lengths.quantile(prompts.random(size)).astype(int) - 1]
    return service, gaps.exponential(1 / problem.arrival_rate, size), (lengths <= limits[kind]).astype(float)


def _impatient(service: FloatArray, gaps: FloatArray, tau: float, warm: int) -> tuple[FloatArray, ...]:
    """Share lost, mean wait and system time of the served, mean wait of all, from shape (replications, n)."""
    virtual = np.zeros(len(service))
    lost, waited, served, busy = np.zeros((4, len(service)))
    for n in range(service.shape[1]):
        joins = virtual <= tau
        if n >= warm:
            lost += ~joins
            served += joins
            waited += np.where(joins, virtual, 0.0)
            busy += np.where(joins, service[:, n], 0.0)
        virtual = np.maximum(0.0, virtual + np.where(joins, service[:, n], 0.0) - gaps[:, n])
    all_waits = (waited + tau * lost) / (lost + served)
    return lost / (lost + served), waited / served, (waited + busy) / served, all_waits
