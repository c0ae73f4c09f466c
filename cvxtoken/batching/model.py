"""Delays of batched service, exactly, by the chain embedded at the ends of batches.

X requests are left when a batch ends. The server waits until at least `a` requests are there, and takes
b = min(max(X, a), b_max) of them. While it serves them, A more arrive: X' = max(X - b, 0) + A. Dynamic and
elastic batching have a = 1, fixed batching a = b_max. Let H be the time of the batch. Given b and H, A is
Poisson of mean lambda H, so that the generating function of A is the transform of H,

    E z^A = E e^{-theta H},  theta = lambda (1 - z),

taken at roots of unity z and inverted by the fast Fourier transform. With the stationary X, renewal reward
and Little's law give the mean wait (derived here, after arXiv 1912.06322):

    E[W] = E[integral of the number waiting over a cycle] / (lambda E[cycle]),
    integral = sum_{i = X}^{a - 1} i / lambda + max(X - b, 0) H + lambda H^2 / 2,
    cycle = max(a - X, 0) / lambda + H,

and the time from a batch's start until a request of it leaves, in the mean S_b, is added:
E[T] = E[W] + E[b S_b] / E[b].

Elastic batching: all waiting requests (at most b_max) start together, and each leaves with its own last
token. Nobody joins in mid-batch, and the next batch starts when the server is free. With b_l members of
length >= l the batch ends after k1 b + k2 + sum_l (k3 b_l + k4) seconds, the sum over l up to its longest
length. The transform of that time is, with p_j the probability of length j and phi_m = sum_{j <= m} p_j
e^{-theta k3 j},

    e^{-theta (k1 b + k2)} sum_m e^{-theta k4 m} (phi_m^b - phi_{m-1}^b).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_banded

from cvxtoken.arrays import FloatArray
from cvxtoken.batching.problem import BatchingProblem, check_discipline, check_largest
from cvxtoken.errors import UnstableError

_TAIL = 1e-12  # probability that may be cut off, of the chain and of arrivals
_LARGEST_BATCH = 4096
_LARGEST_CHAIN, _MOST_ARRIVALS = 65_536, 16_384
_ATOMS = 2048  # lengths that are kept apart; where there are more, neighbours are merged at their mean


@dataclass(frozen=True)
class Batch:
    """What is known of batches of one size.

    Attributes:
        size: b.
        mean: E[H], in s.
        square: E[H^2], in s^2.
        stay: mean time from a batch's start until one of its requests leaves, in s.
        arrivals: P(A = j) for j = 0, 1, ...; the probability cut off is at most 1e-12.
    """

    size: int
    mean: float
    square: float
    stay: float
    arrivals: FloatArray


@dataclass(frozen=True)
class Delays:
    """Stationary behaviour of a discipline.

    Attributes:
        mean_wait: E[W], from a request's arrival until its batch starts, in s.
        mean_system_time: E[T], until the request leaves, in s.
        utilization: share of time the server works.
        mean_batch: E[b].
        batch_sizes: P(b = 1), P(b = 2), ...
        tail: probability of the last states kept of the chain; the error is of its order.
    """

    mean_wait: float
    mean_system_time: float
    utilization: float
    mean_batch: float
    batch_sizes: FloatArray
    tail: float


def largest_rate(problem: BatchingProblem, discipline: str, largest: int) -> float:
    """The arrival rate below which batches of up to b requests keep up, b / E[H(b)], in 1/s."""
    mean, _, _ = _moments(problem, check_discipline(discipline), largest)
    return largest / mean


def delays(problem: BatchingProblem, discipline: str = "dynamic", largest: int | None = None) -> Delays:
    """Exact delays of a discipline with batches of at most (fixed batching: exactly) `largest` requests.

    Args:
        problem: the data.
        discipline: dynamic, fixed or elastic.
        largest: by default the problem's.

    Raises:
        ProblemError: unknown discipline, or elastic without k1..k4.
        UnstableError: the arrival rate is too high; the message says below which it would do.
    """
    b_max = check_largest(problem, largest)
    require_stable(problem, check_discipline(discipline), b_max)
    least = b_max if discipline == "fixed" else 1
    batches = [batch(problem, discipline, b) for b in range(least, b_max + 1)]
    return bulk_queue(problem.arrival_rate, batches)


def delays_without_limit(problem: BatchingProblem, discipline: str = "dynamic") -> Delays:
    """Delays of dynamic or elastic batching where a batch takes all that wait.

    A limit on the size is doubled until batches of that size have a probability of at most 1e-12.

    Raises:
        ProblemError: unknown discipline, or batch times are not known for batches so large.
        UnstableError: not even batches of 4096 keep up.
    """
    largest = 16
    while largest < _LARGEST_BATCH and problem.arrival_rate >= largest_rate(problem, discipline, largest):
        largest *= 2
    found = delays(problem, discipline, largest)
    while found.batch_sizes[-1] > _TAIL and largest < _LARGEST_BATCH:
        largest *= 2
        found = delays(problem, discipline, largest)
    return found


def require_stable(problem: BatchingProblem, discipline: str, b_max: int) -> None:
    """Raise UnstableError where the arrival rate is b_max / E[H(b_max)] or more."""
    limit = largest_rate(problem, discipline, b_max)
    if problem.arrival_rate >= limit:
        raise UnstableError(
            f"arrival_rate is {problem.arrival_rate} /s; {discipline} batches of up to {b_max} keep up with "
            f"less than {limit:.6g} /s"
        )


def batch(problem: BatchingProblem, discipline: str, b: int) -> Batch:
    """Moments and arrivals of batches of one size."""
    mean, square, stay = _moments(problem, discipline, b)
    lam = problem.arrival_rate
    spread = np.sqrt(max(square - mean**2, 0.0))
    size = 64
    while size < lam * (mean + 12 * spread) + 20 * np.sqrt(lam * mean + 1):
        size *= 2
    while True:
        theta = lam * (1 - np.exp(2j * np.pi * np.arange(size) / size))
        arrivals = np.maximum(np.fft.fft(_transform(problem, discipline, b, theta)).real / size, 0.0)
        if arrivals[size // 2 :].sum() <= _TAIL or size >= _MOST_ARRIVALS:
            known = int(
                np.searchsorted(-np.cumsum(arrivals[size // 2 :: -1])[::-1], -_TAIL / 10, side="right")
            )
            return Batch(b, mean, square, stay, arrivals[: max(known, 1)])
        size *= 2


def _longest(problem: BatchingProblem, b: int) -> FloatArray:
    """P(the longest of b outputs is n) = F(n)^b - F(n - 1)^b, shape (n_max,)."""
    F = np.minimum(np.cumsum(problem.lengths.probabilities), 1.0)
    F[-1] = 1.0
    return np.diff(F**b, prepend=0.0)


def _moments(problem: BatchingProblem, discipline: str, b: int) -> tuple[float, float, float]:
    """E[H], E[H^2] and the mean stay of a request in its batch."""
    if discipline != "elastic":
        weights, times = _longest(problem, b), problem.times(b)
        mean = float(weights @ times)
        return mean, float(weights @ times**2), mean
    # H = k1 b + k2 + k3 sum N + k4 max N: the moments of sum N on max N <= m, and their differences
    k, p = problem.linear, problem.lengths.probabilities
    n = np.arange(1.0, len(p) + 1)
    F, M1, M2 = np.minimum(np.cumsum(p), 1.0), np.cumsum(p * n), np.cumsum(p * n**2)
    first = b * M1 * F ** (b - 1)
    second = b * M2 * F ** (b - 1) + (b * (b - 1) * M1**2 * F ** (b - 2) if b > 1 else 0.0)
    longest, once, twice = (np.diff(x, prepend=0.0) for x in (F**b, first, second))
    fixed = k.k1 * b + k.k2
    variable = k.k3 * float(once.sum()) + k.k4 * float(longest @ n)
    squared = (
        k.k3**2 * float(twice.sum()) + 2 * k.k3 * k.k4 * float(once @ n) + k.k4**2 * float(longest @ n**2)
    )
    survival = problem.lengths.survival
    stay = (
        fixed
        + k.k4 * problem.lengths.mean
        + k.k3 * (problem.lengths.mean + (b - 1) * float(survival @ survival))
    )
    return fixed + variable, fixed**2 + 2 * fixed * variable + squared, stay


def _transform(problem: BatchingProblem, discipline: str, b: int, theta: FloatArray) -> FloatArray:
    """The transform E e^{-theta H} at many complex theta."""
    if discipline != "elastic":
        weights, times = _merged(_longest(problem, b), problem.times(b))
        return np.asarray(np.exp(-np.outer(theta, times)) @ weights)
    k, p = problem.linear, problem.lengths.probabilities
    n = np.arange(1.0, len(p) + 1)
    phi = np.cumsum(p * np.exp(-k.k3 * np.outer(theta, n)), axis=1)
    steps = np.diff(phi**b, axis=1, prepend=0.0)
    return np.asarray(
        np.exp(-theta * (k.k1 * b + k.k2)) * (np.exp(-k.k4 * np.outer(theta, n)) * steps).sum(axis=1)
    )


def _merged(weights: FloatArray, times: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The distribution on at most 2048 times: where there are more, neighbours are merged at their mean."""
    kept = weights > 0
    weights, times = weights[kept], times[kept]
    if len(weights) <= _ATOMS:
        return weights, times
    starts = np.linspace(0, len(weights), _ATOMS, endpoint=False).astype(int)
    total = np.add.reduceat(weights, starts)
    return total, np.add.reduceat(weights * times, starts) / total


def bulk_queue(lam: float, batches: list[Batch]) -> Delays:
    """The queue that serves batches of the sizes a, a + 1, ..., b_max given, each as large as it can be."""
    a, b_max = batches[0].size, batches[-1].size
    size = 4 * b_max + 64
    while True:
        X = _stationary(batches, size)
        tail = float(X[-b_max - 8 :].sum())
        if tail <= _TAIL or size >= _LARGEST_CHAIN:
            break
        size = min(2 * size, _LARGEST_CHAIN)
    n = np.arange(size)
    taken = np.clip(n, a, b_max)
    left = np.maximum(n - taken, 0)
    H, H2, stay = (
        np.array([getattr(item, field) for item in batches])[taken - a]
        for field in ("mean", "square", "stay")
    )
    forming = np.maximum(a - n, 0)
    waiting = np.where(n < a, (a * (a - 1) - n * (n - 1)) / 2 / lam, 0.0)
    cycle = X @ (forming / lam + H)
    wait = X @ (waiting + left * H + lam * H2 / 2) / (lam * cycle)
    sizes = np.asarray(np.bincount(taken, weights=X, minlength=b_max + 1)[1:], dtype=float)
    mean_batch = float(X @ taken)
    return Delays(
        mean_wait=float(wait),
        mean_system_time=float(wait + X @ (taken * stay) / mean_batch),
        utilization=float(X @ H / cycle),
        mean_batch=mean_batch,
        batch_sizes=sizes,
        tail=tail,
    )


def _stationary(batches: list[Batch], size: int) -> FloatArray:
    """The stationary distribution of X on 0..size - 1; moves beyond the last state end there.

    X falls by at most b_max and rises by at most the longest list of arrivals, so that the equations
    X (P - I) = 0 are banded; X_0 is set to 1 in place of the first of them.
    """
    a, b_max = batches[0].size, batches[-1].size
    rise = max(len(item.arrivals) for item in batches) + b_max
    band = np.zeros((b_max + rise + 1, size))  # band[b_max + y - x, x] = P(x -> y)
    common = batches[-1].arrivals
    band[: len(common), b_max:] = common[:, None]
    for x in range(min(b_max, size)):
        b = max(x, a)
        row = batches[b - a].arrivals
        first = b_max + max(x - b, 0) - x
        band[first : first + len(row), x] = row
    for x in range(max(0, size - rise), size):
        last = b_max + size - 1 - x  # the place in the band of the last state
        beyond = band[last + 1 :, x].sum()
        band[last + 1 :, x] = 0.0
        band[min(last, len(band) - 1), x] += beyond
    band[b_max] -= 1.0
    right = np.zeros(size - 1)
    first_column = band[b_max + 1 :, 0]
    right[: min(rise, size - 1)] = -first_column[: size - 1]
    X = np.concatenate([[1.0], solve_banded((rise, b_max), band[:, 1:], right)])
    X = np.maximum(X, 0.0)
    return np.asarray(X / X.sum())
