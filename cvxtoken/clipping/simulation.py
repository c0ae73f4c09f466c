"""The clipped queue by event: patient requests by Lindley's recursion, impatient ones by the virtual wait.

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
from cvxtoken.errors import ProblemError, UnstableError
from cvxtoken.estimates import Estimate, estimate
from cvxtoken.queueing import lindley_waits

_WARM_UP = 0.1  # as a share of the requests that a replication counts


@dataclass(frozen=True)
class ClippingSimulation:
    """What a simulation of one vector of limits shows.

    Attributes:
        mean_wait: in queue, in s; of patient requests, or of the impatient ones that are served.
        loss: share of the requests that leave; None where they are patient.
        share_whole: share of the requests left whole by the limits.
        num_requests: how many were counted in all.
    """

    mean_wait: Estimate
    loss: Estimate | None
    share_whole: Estimate
    num_requests: int

    def to_document(self) -> dict[str, Any]:
        """A mapping of plain values."""
        return {
            "mean_wait": vars(self.mean_wait),
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
    """Simulate first come first served at given limits.

    Args:
        problem: the data.
        limits: one for each type, whole numbers from 1; a single one stands for all types.
        num_requests: how many to count, over all replications.
        seed: not negative.
        replications: independent runs, at least 2.

    Raises:
        ProblemError: an argument breaks its rule.
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
    rho = problem.arrival_rate * float(model.total(problem, chosen).s1)
    if problem.patience is None and rho >= 1:
        raise UnstableError(f"limits {chosen.tolist()} give a utilisation of {rho:.6g}; it must be below 1")
    counted = -(-num_requests // replications)
    warm = int(_WARM_UP * counted)
    streams = np.random.default_rng(seed).spawn(replications)
    drawn = [_draw(problem, chosen, warm + counted, rng) for rng in streams]
    whole = np.array([left[warm:].mean() for _, _, left in drawn])
    found = model.total(problem, chosen)
    share = float(model.total(problem.replace(utility="share_whole"), chosen).u)
    if problem.patience is None:
        waits = np.array([lindley_waits(0.0, s - a)[warm:-1].mean() for s, a, _ in drawn])
        wait = estimate(waits, float(model.mean_wait(problem, found)))
        return ClippingSimulation(wait, None, estimate(whole, share), counted * replications)
    service, gaps = (np.array([d[i] for d in drawn]) for i in (0, 1))
    lost, waits = _impatient(service, gaps, problem.patience, warm)
    expected = model.impatience(problem, chosen)
    return ClippingSimulation(
        estimate(waits, expected.wait_of_served),
        estimate(lost, expected.loss),
        estimate(whole, share),
        counted * replications,
    )


def _draw(
    problem: ClippingProblem, limits: np.ndarray, size: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Service times, times to the next arrival, and whether each request is left whole."""
    kinds, sizes, gaps = rng.spawn(3)
    kind = kinds.choice(len(limits), size=size, p=np.array(problem.shares) / sum(problem.shares))
    lengths = np.empty(size)
    uniform = sizes.random(size)
    for k, item in enumerate(problem.types):
        chosen = kind == k
        lengths[chosen] = item.quantile(uniform[chosen])
    clipped = np.minimum(lengths, limits[kind])
    service = problem.time_per_token * clipped + problem.overhead
    return service, gaps.exponential(1 / problem.arrival_rate, size), (lengths <= limits[kind]).astype(float)


def _impatient(service: FloatArray, gaps: FloatArray, tau: float, warm: int) -> tuple[FloatArray, FloatArray]:
    """Share lost and mean wait of the served, by replication, from shape (replications, requests)."""
    virtual = np.zeros(len(service))
    lost, waited, served = np.zeros(len(service)), np.zeros(len(service)), np.zeros(len(service))
    for n in range(service.shape[1]):
        joins = virtual <= tau
        if n >= warm:
            lost += ~joins
            served += joins
            waited += np.where(joins, virtual, 0.0)
        virtual = np.maximum(0.0, virtual + np.where(joins, service[:, n], 0.0) - gaps[:, n])
    return lost / (lost + served), waited / served
