"""Simulation of batched service, all disciplines on the same arrivals and lengths.

A free server takes a batch as its discipline says. The loop runs over batches, not over requests. The first
tenth of every run is warm-up and not counted.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.batching.model import delays, require_stable
from cvxtoken.batching.problem import BatchingProblem, BatchTime, check_discipline, check_largest
from cvxtoken.errors import ProblemError
from cvxtoken.estimates import Estimate, estimate

MOST_REQUESTS = 10**8  # some minutes on one core; a replication is in memory as a whole
_WARM_UP = 0.1


@dataclass(frozen=True)
class BatchingSimulation:
    """What a simulation of a discipline shows.

    Attributes:
        mean_system_time: E[T], in s.
        mean_batch: mean size of the batches.
        per_replication: mean system time of each run, in s, shape (replications,); runs of different
            disciplines with the same seed share arrivals and lengths, so that they can be compared in pairs.
    """

    mean_system_time: Estimate
    mean_batch: Estimate
    per_replication: FloatArray


def simulate(
    problem: BatchingProblem,
    discipline: str = "dynamic",
    largest: int | None = None,
    num_requests: int = 1_000_000,
    seed: int = 0,
    replications: int = 20,
    predict: bool = True,
) -> BatchingSimulation:
    """Simulate a discipline with batches of at most (fixed batching: exactly) `largest` requests.

    Args:
        problem: the data.
        discipline: dynamic, fixed or elastic.
        largest: by default the problem's.
        num_requests: over all replications, warm-up included; at most 10^8.
        seed: not negative.
        replications: independent runs, at least 2.
        predict: whether the exact delays are computed too.

    Raises:
        ProblemError: an argument breaks its rule.
        UnstableError: the arrival rate is too high.
    """
    b_max = check_largest(problem, largest)
    require_stable(problem, check_discipline(discipline), b_max)
    whole_numbers = all(type(value) is int for value in (num_requests, replications, seed))
    if not whole_numbers or replications < 2 or seed < 0 or num_requests < 100 * replications:
        raise ProblemError(
            f"num_requests, replications and seed are {num_requests!r}, {replications!r} and {seed!r}; they "
            "must be whole numbers of at least 100 a replication, 2 and 0"
        )
    if num_requests > MOST_REQUESTS:
        raise ProblemError(f"num_requests is {num_requests}; it must be at most {MOST_REQUESTS}")
    means, sizes = [], []
    for rng in np.random.default_rng(seed).spawn(replications):
        arrivals, lengths = sample_path(problem, -(-num_requests // replications), rng)
        times, starts = run_path(problem, discipline, b_max, arrivals, lengths)
        dropped = int(_WARM_UP * len(times))
        means.append(float(np.mean(times[dropped:])))
        sizes.append(len(times) / starts)
    exact = delays(problem, discipline, b_max) if predict else None
    per_replication = np.array(means)
    return BatchingSimulation(
        estimate(per_replication, exact.mean_system_time if exact else None),
        estimate(np.array(sizes), exact.mean_batch if exact else None),
        per_replication,
    )


def sample_path(
    problem: BatchingProblem, size: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Arrival times in s and output lengths of so many requests, each from a stream of its own."""
    gaps, outputs = rng.spawn(2)
    arrivals = np.cumsum(gaps.exponential(1 / problem.arrival_rate, size))
    return arrivals, problem.lengths.quantile(outputs.random(size))


def run_path(
    problem: BatchingProblem,
    discipline: str,
    b_max: int,
    arrivals: Sequence[float] | FloatArray,
    lengths: Sequence[float] | FloatArray,
) -> tuple[FloatArray, int]:
    """System times of the requests of one path that are served, in s, and how many batches served them."""
    times = np.asarray(arrivals, dtype=float)
    outputs = np.asarray(lengths, dtype=float)
    at = times.tolist()
    fixed, elastic = discipline == "fixed", discipline == "elastic"
    durations = _Durations(problem, elastic)
    system = np.zeros(len(at))
    free, first, batches = 0.0, 0, 0
    while first < len(at):
        if fixed:
            if first + b_max > len(at):
                break  # the last requests never fill a batch
            last = first + b_max
            start = max(free, at[last - 1])
        else:
            start = max(free, at[first])
            last = min(bisect_right(at, start, first), first + b_max)
        stays, duration = durations.of(outputs[first:last])
        system[first:last] = start - times[first:last] + stays
        free, first, batches = start + duration, last, batches + 1
    return system[:first], max(batches, 1)


class _Durations:
    """How long batches take, and how long their requests stay."""

    def __init__(self, problem: BatchingProblem, elastic: bool) -> None:
        self.problem, self.elastic = problem, elastic
        self.known: dict[int, FloatArray] = {}

    def of(self, lengths: FloatArray) -> tuple[FloatArray | float, float]:
        """Seconds from the start until each request leaves, and until the batch ends."""
        b = len(lengths)
        if not self.elastic:
            if b not in self.known:
                self.known[b] = self.problem.times(b)
            duration = float(self.known[b][int(lengths.max()) - 1])
            return duration, duration
        return elastic_stays(self.problem.linear, lengths)


def elastic_stays(k: BatchTime, lengths: FloatArray) -> tuple[FloatArray, float]:
    """Seconds until each request leaves an elastic batch, and until the batch ends.

    A request of n tokens leaves after k1 b + k2 + k4 n + k3 sum_j min(n_j, n).
    """
    b = len(lengths)
    order = np.sort(lengths)
    below = np.concatenate([[0.0], np.cumsum(order)])
    rank = np.searchsorted(order, lengths, side="right")
    stays = k.k1 * b + k.k2 + k.k4 * lengths + k.k3 * (below[rank] + lengths * (b - rank))
    return stays, float(stays.max())
