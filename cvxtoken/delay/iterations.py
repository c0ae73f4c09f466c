"""An engine that batches continuously, by iterations: an experiment that the law of sharing must agree with.

Queries arrive as a Poisson process and draw their type and their number of tokens. Between two iterations all
that have arrived join the batch, as far as there is room, first come first served. An iteration gives each of
the n that run one token and takes alpha + beta n seconds; nothing else is assumed, and no closed form used.

Prefill is one of two. Where it blocks, the prefills of those who join run one after the other before the next
iteration, and all others wait; those who arrive meanwhile join after that iteration. (An engine whose
iterations take prompts beside the tokens, their times added, does the same.) Where it is chunked, a query
first takes part in t0 / (alpha + beta) iterations that give it no token: its prefill is shared as tokens are.
The number of these is rounded up or down at random, so that its mean is right.

Where there is a patience, a query that has waited that long and not joined leaves. It counts among those in
the system until the phase in which it leaves ends.

A request holds the memory of its prompt from when it joins, and in the iteration that makes its token j that
of j tokens more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cvxtoken.arrays import FloatArray
from cvxtoken.delay.engine import Engine, Phase, Replications
from cvxtoken.errors import ProblemError, UnstableError
from cvxtoken.estimates import Estimate, estimate
from cvxtoken.lengths import LengthDistribution

_RELAXATIONS = 6  # that a replication warms up
_LOADED = 0.8  # the load at which they are counted at most, where queries are impatient
MOST_REQUESTS, MOST_REPLICATIONS = 10**9, 10**4  # some hours on one core
_NO_CAP = np.iinfo(np.int32).max


@dataclass(frozen=True)
class IterationResult:
    """What was measured, with 95 % intervals over the replications.

    Attributes:
        mean_system_time: from arrival to last token, in s; of those that are served.
        per_type: the same of each type, K of them.
        loss: share of the queries that leave unserved; None where no patience is given.
        mean_wait_of_all: from arrival until a query joins the batch or leaves, in s; None without a patience.
        mean_in_system, variance_in_system: of N, the queries that wait, are in prefill or run.
        mean_kv, deviation_kv: of the KV tokens in use.
        more_than: by threshold B, the share of time with N > B.
        memory_above: by threshold M, the share of time with more than M KV tokens in use.
        num_requests: that ended in the windows counted; warm_up: s before each window.
    """

    mean_system_time: Estimate
    per_type: tuple[Estimate, ...]
    mean_in_system: Estimate
    variance_in_system: Estimate
    mean_kv: Estimate
    deviation_kv: Estimate
    more_than: dict[int, Estimate]
    memory_above: dict[float, Estimate]
    num_requests: int
    warm_up: float
    loss: Estimate | None = None
    mean_wait_of_all: Estimate | None = None


def simulate_iterations(
    arrival_rate: float,
    prior: ArrayLike,
    lengths: Sequence[LengthDistribution],
    alpha: float,
    beta: float,
    prefill: ArrayLike = 0.0,
    prompt_tokens: ArrayLike = 0.0,
    chunked: bool = False,
    max_num_seqs: int | None = None,
    more_than: Sequence[int] = (),
    memory_above: Sequence[float] = (),
    num_requests: int = 1_000_000,
    seed: int = 0,
    replications: int = 128,
    patience: float | None = None,
) -> IterationResult:
    """Simulate the engine.

    Each replication starts empty, warms up for six relaxation times t (1 + cv^2) / (1 - rho)^2, where t is
    what a query takes alone, cv^2 that of its tokens and rho the load, and then counts a window of the same
    length as the others, in which num_requests / replications queries arrive on average. Its step is a phase
    with the same batch, so that the time needed grows with the queries and hardly with their tokens; memory
    does not grow with the queries. A seed means the same numbers on any machine with the same NumPy.

    Args:
        arrival_rate: lambda, in 1/s.
        prior: shape (K,), sum 1.
        lengths: the distribution of the tokens of each type, K of them.
        alpha: what an iteration of n requests takes is alpha + beta n, in s; not negative,
        beta: in s a request, and not both 0.
        prefill: t0, in s, shape (K,) or one for all.
        prompt_tokens: m, in tokens, shape (K,) or one for all.
        chunked: whether prefill is shared as tokens are; otherwise it blocks.
        max_num_seqs: requests that run at most; None for no cap.
        more_than: thresholds B of the queries in the system.
        memory_above: thresholds M of the KV tokens in use.
        num_requests: over all replications together, at most 10^9.
        seed: not negative.
        replications: from 2 to 10,000.
        patience: tau, in s; None where nobody leaves.

    Raises:
        ProblemError: an argument breaks its rule.
        UnstableError: the queries ask for more than the engine can do, and they are patient or there is no
            cap.
    """
    numbers = {"num_requests": (num_requests, 1), "seed": (seed, 0), "replications": (replications, 2)}
    if max_num_seqs is not None:
        numbers["max_num_seqs"] = (max_num_seqs, 1)
    for name, (value, least) in numbers.items():
        if type(value) is not int or value < least:
            raise ProblemError(f"{name} is {value!r}; it must be a whole number of at least {least}")
    for name, value, most in (
        ("num_requests", num_requests, MOST_REQUESTS),
        ("replications", replications, MOST_REPLICATIONS),
    ):
        if value > most:
            raise ProblemError(f"{name} is {value}; it must be at most {most}")
    tau = math.inf if patience is None else float(checked("patience", patience, 1)[0])
    cap = max_num_seqs or _NO_CAP
    engine = _engine(arrival_rate, prior, lengths, alpha, beta, prefill, prompt_tokens, chunked, cap, tau)
    warm_up = _warm_up(engine)
    window = num_requests / replications / engine.arrival_rate
    state = Replications(engine, replications, seed)
    sums = _Sums(replications, len(engine.prefill), more_than, memory_above)
    while state.now.min() < warm_up + window:
        phase = state.step()
        sums.add(phase, (phase.start >= warm_up) & (phase.start < warm_up + window))
    return sums.result(warm_up, engine.patience)


def _engine(
    arrival_rate: float,
    prior: ArrayLike,
    lengths: Sequence[LengthDistribution],
    alpha: float,
    beta: float,
    prefill: ArrayLike,
    prompt_tokens: ArrayLike,
    chunked: bool,
    cap: int,
    patience: float,
) -> Engine:
    """Check the data, and put all pairs of a type and a number of tokens in one table."""
    if not all(isinstance(d, LengthDistribution) for d in lengths) or not lengths:
        raise ProblemError(f"lengths is {lengths!r}; it must be a list of LengthDistribution")
    size = len(lengths)
    pi = checked("prior", prior, size)
    if abs(pi.sum() - 1) > 1e-9:
        raise ProblemError(f"prior sums to {pi.sum()}; it must sum to 1 within 1e-9")
    rate, a, b = (
        float(checked(name, value, 1)[0])
        for name, value in (("arrival_rate", arrival_rate), ("alpha", alpha), ("beta", beta))
    )
    if not rate or not a + b:
        raise ProblemError(f"arrival_rate is {rate}, alpha + beta is {a + b}; both must be positive")
    pairs = [np.flatnonzero(d.probabilities) for d in lengths]
    mass = np.concatenate([p * d.probabilities[j] for p, d, j in zip(pi, lengths, pairs, strict=True)])
    share = np.cumsum(mass)
    return Engine(
        arrival_rate=rate,
        alpha=a,
        beta=b,
        share=share[:-1] / share[-1],
        kind=np.repeat(np.arange(size), [len(j) for j in pairs]),
        tokens=np.concatenate(pairs) + 1,
        prefill=checked("prefill", prefill, size),
        prompt=checked("prompt_tokens", prompt_tokens, size),
        chunked=chunked,
        cap=cap,
        patience=patience,
    )


def checked(field: str, values: Any, size: int) -> FloatArray:
    """Finite numbers that are not negative, one a type or one for all, as shape (size,) (ProblemError)."""
    try:
        array = np.broadcast_to(np.asarray(values, dtype=np.float64), (size,))
    except (TypeError, ValueError) as error:
        raise ProblemError(f"{field} is {values!r}; it must be {size} numbers, or one for all") from error
    if not (np.isfinite(array) & (array >= 0)).all():
        raise ProblemError(f"{field} is {values!r}; it must be finite and not negative")
    return array


def _warm_up(e: Engine) -> float:
    """Seconds to drop; see `simulate_iterations` (the rule is this project's)."""
    mass = np.diff(e.share, prepend=0.0, append=1.0)
    x = float(mass @ e.tokens)
    spread = float(mass @ e.tokens**2) / x**2  # 1 + cv^2
    overhead = float(mass @ e.prefill[e.kind])
    token = e.beta + e.alpha / e.cap  # that a token costs at least
    work = overhead * token / (e.alpha + e.beta) if e.chunked else overhead
    rho = e.arrival_rate * (work + token * x)
    if math.isfinite(e.patience) and e.cap < _NO_CAP:
        rho = min(rho, _LOADED)  # who leaves keeps the queue short
    if rho >= 1:
        raise UnstableError(f"the load is {rho:.6g}; it must be below 1, or no steady state exists")
    return _RELAXATIONS * (overhead + (e.alpha + e.beta) * x) * spread / (1 - rho) ** 2


class _Sums:
    """What is counted of each replication, arrays whose last axis is R."""

    def __init__(
        self, replications: int, types: int, more_than: Sequence[int], memory_above: Sequence[float]
    ) -> None:
        self.types, self.more_than, self.memory_above = types, tuple(more_than), tuple(memory_above)
        self.elapsed, self.n, self.n2, self.kv, self.kv2 = np.zeros((5, replications))
        self.many = np.zeros((len(self.more_than), replications))
        self.full = np.zeros((len(self.memory_above), replications))
        self.ended, self.time = np.zeros((2, types, replications))
        self.joined, self.lost, self.waited = np.zeros((3, replications))

    def add(self, p: Phase, counted: np.ndarray[Any, np.dtype[np.bool_]]) -> None:
        """Add a phase to the replications whose window it starts in."""
        size = len(counted)
        length = np.where(counted, p.length, 0.0)
        wait = np.where(counted[p.rows], p.wait, 0.0)
        before = p.present[p.rows] + p.rank  # that each arrival finds
        self.elapsed += length
        self.joined += np.where(counted, p.joined, 0)
        self.lost += np.where(counted, p.lost, 0)
        self.waited += np.where(counted, p.joined_wait, 0.0)
        self.n += p.present * length + np.bincount(p.rows, wait, size)
        self.n2 += p.present**2 * length + np.bincount(p.rows, (2 * before + 1) * wait, size)
        for place, threshold in enumerate(self.more_than):
            crossing = np.bincount(p.rows, np.where(before == threshold, wait, 0.0), size)
            self.many[place] += np.where(p.present > threshold, length, crossing)
        self._add_memory(p, counted)
        ends = p.done_kind * size + p.done_rows
        done = np.where(counted[p.done_rows], 1.0, 0.0)
        shape = (self.types, size)
        self.ended += np.bincount(ends, done, self.types * size).reshape(shape)
        self.time += np.bincount(ends, done * p.done_time, self.types * size).reshape(shape)

    def _add_memory(self, p: Phase, counted: np.ndarray[Any, np.dtype[np.bool_]]) -> None:
        """KV is held + growth j in iteration j = 1 .. k, and held before the first."""
        k, seconds = p.iterations, np.where(counted, p.seconds, 0.0)
        before = np.where(counted, p.length, 0.0) - k * seconds
        ones, squares = k * (k + 1) / 2, k * (k + 1) * (2 * k + 1) / 6
        self.kv += p.held * before + seconds * (k * p.held + p.growth * ones)
        self.kv2 += p.held**2 * before + seconds * (
            k * p.held**2 + 2 * p.held * p.growth * ones + p.growth**2 * squares
        )
        for place, threshold in enumerate(self.memory_above):
            below = np.floor((threshold - p.held) / np.maximum(p.growth, 1))
            below = np.where(p.growth > 0, np.clip(below, 0, k), np.where(p.held > threshold, 0, k))
            self.full[place] += np.where(p.held > threshold, before, 0.0) + seconds * (k - below)

    def result(self, warm_up: float, patience: float) -> IterationResult:
        """Estimates over the replications."""
        with np.errstate(invalid="ignore"):
            per_type = tuple(
                estimate(time / ended) for time, ended in zip(self.time, self.ended, strict=True)
            )
            times = self.time.sum(0) / self.ended.sum(0)
        n, n2, kv, kv2 = (total / self.elapsed for total in (self.n, self.n2, self.kv, self.kv2))
        # moments about a common mean: one about its own would be too small by the noise of that mean
        variance = n2 - 2 * n * n.mean() + n.mean() ** 2
        impatient, decided = math.isfinite(patience), self.joined + self.lost
        square = estimate(kv2 - 2 * kv * kv.mean() + kv.mean() ** 2)
        low, value, high = (math.sqrt(max(0.0, s)) for s in (square.low, square.value, square.high))
        return IterationResult(
            mean_system_time=estimate(times),
            per_type=per_type,
            mean_in_system=estimate(n),
            variance_in_system=estimate(variance),
            mean_kv=estimate(kv),
            deviation_kv=Estimate(value, low, high),
            more_than=dict(zip(self.more_than, map(estimate, self.many / self.elapsed), strict=True)),
            memory_above=dict(zip(self.memory_above, map(estimate, self.full / self.elapsed), strict=True)),
            num_requests=int(self.ended.sum()),
            warm_up=warm_up,
            loss=estimate(self.lost / decided) if impatient else None,
            mean_wait_of_all=estimate((self.waited + patience * self.lost) / decided) if impatient else None,
        )
