"""Closed forms of clipping, for all limits at once.

N_n = min(N, n), S = a N_n + c. With S_j = P(N >= j): E[N_n] = sum_{j <= n} S_j and
E[N_n^2] = sum_{j <= n} (2 j - 1) S_j, so that cumulative sums give every limit in O(n_max).

Patient: E[W] = lambda E[S^2] / (2 (1 - rho)). Impatient, M/G/1+D (derived here, exact for every rho): with
H(x) = sum_n rho^n G_e^{*n}(x), G_e the equilibrium distribution of the service time,

    H(x) = 1 + lambda * integral_0^x H(x - u) P(S > u) du,      loss = 1 - H(tau) / (1 + rho H(tau)),

and who is served waits integral_0^tau (1 - H(x) / H(tau)) dx in the mean. The interpolation of De Kok and
Tijms, which the paper uses, is (1 - cv^2) times the loss of a constant and cv^2 times that of an exponential
service time of the same mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.clipping.problem import ClippingProblem
from cvxtoken.errors import ProblemError
from cvxtoken.lengths import LengthDistribution
from cvxtoken.queueing import pollaczek_khinchine

_HUGE = 1e150  # where H is scaled down
# Steps of the renewal equation, whose error falls with their square and is extrapolated away: so many a mean
# service time and a mean time between arrivals, within these limits.
_LEAST_STEPS, _MOST_STEPS, _STEPS_EACH = 1000, 8000, 20


@dataclass(frozen=True)
class Moments:
    """Moments of the service time and the utility for limits 1..n_max of one type.

    Attributes:
        s1: E[S], in s, shape (n_max,).
        s2: E[S^2], in s^2, shape (n_max,).
        u: E[u], shape (n_max,).
    """

    s1: FloatArray
    s2: FloatArray
    u: FloatArray


@lru_cache(maxsize=16)
def moments(problem: ClippingProblem, number: int = 0) -> Moments:
    """Moments and utility of one type, for every limit."""
    lengths, a, c = problem.types[number], problem.time_per_token, problem.overhead
    S = lengths.survival
    m1 = np.cumsum(S)
    m2 = np.cumsum((2 * np.arange(1, len(S) + 1) - 1) * S)
    return Moments(a * m1 + c, a**2 * m2 + 2 * a * c * m1 + c**2, utility(problem, number))


def utility(problem: ClippingProblem, number: int = 0) -> FloatArray:
    """E[u] of one type for every limit.

    P(N <= n), or E[N_n] / E[N] with the mean over all types, or sum_{m < n} p_m u(m) + S_n u(n).
    """
    lengths = problem.types[number]
    if isinstance(problem.utility, str):
        if problem.utility == "share_whole":
            return np.cumsum(lengths.probabilities)
        mean = sum(share * item.mean for share, item in zip(problem.shares, problem.types, strict=True))
        return np.asarray(np.cumsum(lengths.survival) / mean)
    u = problem.utility_values(number)
    before = np.cumsum(lengths.probabilities * u) - lengths.probabilities * u
    return np.asarray(before + lengths.survival * u)


def total(problem: ClippingProblem, limits: FloatArray) -> Moments:
    """Moments and utility over all types at limits of shape (..., number of types)."""
    parts = [moments(problem, number) for number in range(len(problem.types))]
    index = [np.asarray(limits)[..., k].astype(int) - 1 for k in range(len(parts))]
    weighted = [
        sum(
            share * getattr(part, field)[i]
            for share, part, i in zip(problem.shares, parts, index, strict=True)
        )
        for field in ("s1", "s2", "u")
    ]
    return Moments(*(np.asarray(value) for value in weighted))


def by_type(problem: ClippingProblem, limits: np.ndarray) -> Moments:
    """What each type adds to the totals, share included, at common limits of shape (m,); shape (types, m).

    A limit beyond a type's longest answer leaves it whole.
    """
    parts = []
    for k, (share, lengths) in enumerate(zip(problem.shares, problem.types, strict=True)):
        found, place = moments(problem, k), np.minimum(limits, len(lengths)) - 1
        parts.append((share * found.s1[place], share * found.s2[place], share * found.u[place]))
    return Moments(*(np.array(column) for column in zip(*parts, strict=True)))


def mean_wait(problem: ClippingProblem, found: Moments) -> FloatArray:
    """E[W] in queue, in s; infinite where unstable."""
    return pollaczek_khinchine(problem.arrival_rate, found.s2, 1 - problem.arrival_rate * found.s1)


def objective(problem: ClippingProblem, found: Moments) -> FloatArray:
    """Theta E[u] - (1 - theta) E[W] of patient requests; minus infinity where unstable."""
    theta = problem.theta
    wait = mean_wait(problem, found)
    if theta == 1:
        return np.where(np.isfinite(wait), found.u, -np.inf)
    return np.asarray(theta * found.u - (1 - theta) * wait)


@dataclass(frozen=True)
class Impatience:
    """What happens to impatient requests at one limit.

    Attributes:
        loss: share of the requests that leave.
        wait_of_served: mean wait in queue of who is served, in s.
        interpolated: the loss by the interpolation of De Kok and Tijms.
    """

    loss: float
    wait_of_served: float
    interpolated: float


def impatience(problem: ClippingProblem, limits: FloatArray) -> Impatience:
    """Loss and wait at one limit a type, shape (number of types,); needs a patience."""
    tau, lam = _patience(problem), problem.arrival_rate
    found = total(problem, limits)
    s1, s2 = float(found.s1), float(found.s2)
    steps = int(np.clip(_STEPS_EACH * tau * max(lam, 1 / s1), _LEAST_STEPS, _MOST_STEPS))
    if lam * tau / steps > 0.5:
        raise ProblemError(
            f"patience is {tau} s, in which {lam * tau:.3g} requests arrive; "
            f"at most {_MOST_STEPS / 2:g} can be treated"
        )
    edges = np.linspace(0, tau, steps + 1 - steps % 2)
    loss, wait = _loss_and_wait(lam, s1, edges, *_partial_moments(problem, limits, edges))
    # constant service times: E[min(S, y)] = min(s1, y)
    constant = np.minimum(s1, edges)
    loss_d, _ = _loss_and_wait(lam, s1, edges, constant, constant**2)
    cv2 = s2 / s1**2 - 1
    return Impatience(loss, wait, (1 - cv2) * loss_d + cv2 * _exponential_loss(lam, s1, tau))


def _patience(problem: ClippingProblem) -> float:
    assert problem.patience is not None, "the caller asks only where requests are impatient"
    return problem.patience


def _partial_moments(
    problem: ClippingProblem, limits: FloatArray, y: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """E[min(S, y)] and E[min(S, y)^2] at many y, exactly."""
    first, second = np.zeros_like(y), np.zeros_like(y)
    for share, lengths, limit in zip(problem.shares, problem.types, limits, strict=True):
        one, two = _of_type(lengths, int(limit), problem.time_per_token, problem.overhead, y)
        first, second = first + share * one, second + share * two
    return first, second


def _of_type(
    lengths: LengthDistribution, limit: int, a: float, c: float, y: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Integrals of P(S > u) and 2 u P(S > u): it is 1 below a + c, S_{j+1} from a j + c, 0 from a n + c."""
    times = np.concatenate([[0.0], a * np.arange(1, limit + 1) + c])
    heights = np.concatenate([lengths.survival[:limit], [0.0]])  # of the piece that begins at each time
    area = np.concatenate([[0.0], np.cumsum(heights[:-1] * np.diff(times))])
    moment = np.concatenate([[0.0], np.cumsum(heights[:-1] * np.diff(times**2))])
    at = np.searchsorted(times, y, side="right") - 1
    return area[at] + heights[at] * (y - times[at]), moment[at] + heights[at] * (y**2 - times[at] ** 2)


def _loss_and_wait(
    lam: float, s1: float, x: FloatArray, first: FloatArray, second: FloatArray
) -> tuple[float, float]:
    """Solve the renewal equation on a grid and on every other point of it, and extrapolate."""
    fine = _solve(lam, s1, x, first, second)
    coarse = _solve(lam, s1, x[::2], first[::2], second[::2])
    return tuple(f + (f - g) / 3 for f, g in zip(fine, coarse, strict=True))  # type: ignore[return-value]


def _solve(
    lam: float, s1: float, x: FloatArray, first: FloatArray, second: FloatArray
) -> tuple[float, float]:
    """Loss and wait with H linear between grid points, and the kernel integrated exactly."""
    h = x[1] - x[0]
    K = lam * np.diff(first)  # integral of lambda P(S > u) over each cell
    M = lam * np.diff(second) / 2 - x[:-1] * K  # and of lambda (u - x_j) P(S > u)
    near, far = K - M / h, M / h  # weights of H at x_i - x_j and at x_i - x_{j+1}
    H, one = np.ones(len(x)), 1.0
    for i in range(1, len(x)):
        known = near[1:i] @ H[i - 1 : 0 : -1] + far[:i] @ H[i - 1 :: -1] if i > 1 else far[0] * H[0]
        H[i] = (one + known) / (1 - near[0])
        if H[i] > _HUGE:  # H grows exponentially where rho > 1; only ratios are needed
            H[: i + 1] /= _HUGE
            one /= _HUGE
    loss = 1 - 1 / (lam * s1 + one / H[-1])
    shape = 1 - H / H[-1]
    return float(loss), float(h * (shape.sum() - (shape[0] + shape[-1]) / 2))


def _exponential_loss(lam: float, s1: float, tau: float) -> float:
    """M/M/1+D: H(x) = (1 - rho e^{-(1 - rho) x / s1}) / (1 - rho), or 1 + x / s1 at rho = 1."""
    rho = lam * s1
    delta = (1 - rho) * tau / s1
    with np.errstate(over="ignore"):
        H = 1 + rho * tau / s1 * (-np.expm1(-delta) / delta if delta else 1.0)
    return float(1 - 1 / (rho + 1 / H))
