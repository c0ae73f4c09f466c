"""Closed forms of clipping, for all limits at once.

An answer of N tokens clipped at n has N_n = min(N, n) tokens, and S = t0 + c N_n. Its moments are
E[N_n] = sum_{j <= n} P(N >= j) and E[N_n^2] = sum_{j <= n} (2 j - 1) P(N >= j), so that cumulative sums give
them for every limit in O(n_max).

Patient requests: E[W] = lambda E[S^2] / (2 (1 - rho)), or by the law of the server. Impatient ones that are
served first come first served, M/G/1+D with patience tau (derived here, exact for every rho): let
H(x) = sum_i rho^i G_e^{*i}(x), where G_e is the equilibrium distribution of the service time. Then

    H(x) = 1 + lambda * integral_0^x H(x - v) P(S > v) dv,      loss = 1 - H(tau) / (1 + rho H(tau)),

and the served requests wait integral_0^tau (1 - H(x) / H(tau)) dx in the mean. Who leaves has waited tau, so
that all requests wait tau loss + (1 - loss) E[W | served] (the paper's identity, second-hand). The
interpolation of De Kok and Tijms, which the paper uses, is (1 - cv^2) times the loss of a constant service
time plus cv^2 times that of an exponential one, both of the same mean; cv is the coefficient of variation of
S.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.clipping.problem import ClippingProblem
from cvxtoken.errors import ProblemError
from cvxtoken.lengths import LengthDistribution

_HUGE = 1e150  # where H is scaled down
# Steps of the renewal equation: so many in a mean service time and in a mean time between arrivals, within
# these limits. The error falls with the square of the step, and extrapolation removes that part of it.
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
    lengths, c, t0 = problem.types[number], problem.time_per_token, problem.overhead
    survival = lengths.survival
    m1 = np.cumsum(survival)
    m2 = np.cumsum((2 * np.arange(1, len(survival) + 1) - 1) * survival)
    s1, s2 = c * m1 + t0, c**2 * m2 + 2 * c * t0 * m1 + t0**2
    if problem.inputs is not None:
        s1, s2 = problem.inputs.mean * s1, problem.inputs.square * s2
    return Moments(s1, s2, utility(problem, number))


def mean_overhead(problem: ClippingProblem) -> float:
    """T0, what of E[S] no limit changes, in s."""
    return problem.overhead * (1.0 if problem.inputs is None else problem.inputs.mean)


def load(problem: ClippingProblem, s1: FloatArray) -> FloatArray:
    """rho = lambda (overhead_share T0 + token_share (E[S] - T0)), the shares being those of the server."""
    server = problem.server
    overheads = (server.overhead_share - server.token_share) * mean_overhead(problem)
    return np.asarray(problem.rate * (server.token_share * s1 + overheads))


def idle(problem: ClippingProblem, s1: FloatArray) -> FloatArray:
    """y = 1 - rho."""
    return np.asarray(1 - load(problem, s1))


def utility(problem: ClippingProblem, number: int = 0) -> FloatArray:
    """E[u] of one type for every limit n.

    It is P(N <= n) for whole answers, E[N_n] / E[N] with E[N] over all types for delivered tokens, else
    sum_{j < n} P(N = j) u(j) + P(N >= n) u(n).
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
    """What each type adds to the totals, times its share, at m limits common to all types; shape (types, m).

    A limit beyond a type's longest answer leaves all its answers whole.
    """
    parts = []
    for k, (share, lengths) in enumerate(zip(problem.shares, problem.types, strict=True)):
        found, place = moments(problem, k), np.minimum(limits, len(lengths)) - 1
        parts.append((share * found.s1[place], share * found.s2[place], share * found.u[place]))
    return Moments(*(np.array(column) for column in zip(*parts, strict=True)))


def mean_wait(problem: ClippingProblem, found: Moments) -> FloatArray:
    """E[W] = E[T] - E[S], in s; infinite where unstable."""
    return problem.server.mean_wait(problem.rate, found.s1, found.s2, idle(problem, found.s1))


def objective(problem: ClippingProblem, found: Moments) -> FloatArray:
    """The objective theta E[u] - (1 - theta) E[W] of patient requests; minus infinity where unstable."""
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
        wait_of_served: mean wait in queue of the requests that are served, in s.
        mean_wait: that of all, tau loss + (1 - loss) wait_of_served, in s.
        interpolated: the loss by the interpolation of De Kok and Tijms.
    """

    loss: float
    wait_of_served: float
    mean_wait: float
    interpolated: float


def impatience(problem: ClippingProblem, limits: FloatArray) -> Impatience:
    """Loss and wait at one limit a type, shape (number of types,); the problem must have a patience."""
    tau, lam = _patience(problem), problem.rate
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
    # constant service times: E[min(S, x)] = min(s1, x)
    constant = np.minimum(s1, edges)
    loss_d, _ = _loss_and_wait(lam, s1, edges, constant, constant**2)
    cv2 = s2 / s1**2 - 1
    interpolated = (1 - cv2) * loss_d + cv2 * _exponential_loss(lam, s1, tau)
    return Impatience(loss, wait, tau * loss + (1 - loss) * wait, interpolated)


def _patience(problem: ClippingProblem) -> float:
    assert problem.patience is not None, "the caller asks only where requests are impatient"
    return problem.patience


def _partial_moments(
    problem: ClippingProblem, limits: FloatArray, x: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """E[min(S, x)] and E[min(S, x)^2] at many x, without discretisation (but of many input lengths)."""
    first, second = np.zeros_like(x), np.zeros_like(x)
    for share, lengths, limit in zip(problem.shares, problem.types, limits, strict=True):
        for weight, g in zip(*_stretches(problem), strict=True):
            # E[min(g S, x)] = g E[min(S, x / g)]
            one, two = _of_type(lengths, int(limit), problem.time_per_token, problem.overhead, x / g)
            first, second = first + share * weight * g * one, second + share * weight * g**2 * two
    return first, second


def _stretches(problem: ClippingProblem) -> tuple[FloatArray, FloatArray]:
    """By what the inputs make times longer, and with which probabilities."""
    return (np.ones(1), np.ones(1)) if problem.inputs is None else problem.inputs.grouped()


def _of_type(
    lengths: LengthDistribution, limit: int, c: float, t0: float, x: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Integrals from 0 to x of P(S > v) and of 2 v P(S > v) for one type clipped at n.

    P(S > v) is 1 below t0 + c, then P(N > j) from t0 + c j on for j = 1, ..., n - 1, and 0 from t0 + c n on.
    """
    times = np.concatenate([[0.0], c * np.arange(1, limit + 1) + t0])
    heights = np.concatenate([lengths.survival[:limit], [0.0]])  # of the piece that begins at each time
    area = np.concatenate([[0.0], np.cumsum(heights[:-1] * np.diff(times))])
    moment = np.concatenate([[0.0], np.cumsum(heights[:-1] * np.diff(times**2))])
    at = np.searchsorted(times, x, side="right") - 1
    return area[at] + heights[at] * (x - times[at]), moment[at] + heights[at] * (x**2 - times[at] ** 2)


def _loss_and_wait(
    lam: float, s1: float, x: FloatArray, first: FloatArray, second: FloatArray
) -> tuple[float, float]:
    """Loss and wait: the renewal equation solved on a grid and on every other point of it, extrapolated."""
    fine = _solve(lam, s1, x, first, second)
    coarse = _solve(lam, s1, x[::2], first[::2], second[::2])
    return tuple(f + (f - g) / 3 for f, g in zip(fine, coarse, strict=True))  # type: ignore[return-value]


def _solve(
    lam: float, s1: float, x: FloatArray, first: FloatArray, second: FloatArray
) -> tuple[float, float]:
    """Loss and wait with H linear between grid points, and the kernel integrated exactly."""
    h = x[1] - x[0]
    K = lam * np.diff(first)  # integral of lambda P(S > v) over each cell
    M = lam * np.diff(second) / 2 - x[:-1] * K  # and of lambda (v - x_j) P(S > v)
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
    """The loss of M/M/1+D: H(x) = (1 - rho e^{-(1 - rho) x / s1}) / (1 - rho), or 1 + x / s1 at rho = 1."""
    rho = lam * s1
    delta = (1 - rho) * tau / s1
    with np.errstate(over="ignore"):
        H = 1 + rho * tau / s1 * (-np.expm1(-delta) / delta if delta else 1.0)
    return float(1 - 1 / (rho + 1 / H))
