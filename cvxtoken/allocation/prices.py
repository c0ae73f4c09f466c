"""The two-price form: the optimum depends on the N types only through two numbers (derived here).

With theta = lambda / y, the price of occupying the server, and p = 1 + lambda^2 E[S^2] / (2 y^2), the price
of a second of mean service, every type answers on its own: l_k is the root, clipped to [0, l_max], of

    alpha A_k b_k exp(-b_k l) = c_k (p + theta (t0_k + c_k l)).

The prices are right where these answers reproduce them, that is where both residuals vanish:

    idle_residual  = y(l) - lambda / theta
    price_residual = p - 1 - theta^2 E[S^2](l) / 2

At a fixed theta both increase with p, because the answers fall. With p such that the first vanishes, the
second has the sign of theta* - theta: it is, up to a positive factor, the derivative in y of
min { F(l) : idle share >= y }, a convex function of y = lambda / theta. So a pair of prices whose
residuals have opposite signs tells on which side the optimal theta lies, and bisection always ends.
Newton's method in (log theta, log p), at O(N) a step, does nearly all of the work.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from math import exp, inf, log, log1p

import numpy as np
from numpy.typing import NDArray

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray

_NEWTON_REACH = 3.0  # a longer first step, in log prices, is not worth trying
_RELIABLE = 1e-9  # below this step Newton's method has converged, and stalls only from rounding
_EXACT = 1e-15  # about the rounding error of a log price
_SLACK = 1e-9  # widens proven brackets, so that rounding cannot exclude their ends


@dataclass(frozen=True)
class PricePoint:
    """The answers of all types to a pair of prices, and Newton's step from there.

    Attributes:
        log_theta, log_p: the prices; theta has no unit of its own (lambda over an idle share, 1/s).
        tokens: l, shape (N,).
        second_moment: E[S^2] in s^2 at these tokens.
        idle_residual, price_residual: see the module's text.
        newton_step: step in (log theta, log p).
        idle_slope: d idle_residual / d log p.
    """

    log_theta: float
    log_p: float
    tokens: FloatArray
    second_moment: float
    idle_residual: float
    price_residual: float
    newton_step: tuple[float, float]
    idle_slope: float

    @property
    def error(self) -> float:
        """Length of Newton's step: the error of the log prices, to first order."""
        size = max(abs(step) for step in self.newton_step)
        return size if size == size else inf  # not a number where the Jacobian overflows

    @property
    def theta_is_low(self) -> bool:
        """Whether theta <= theta*, where the residuals' signs differ; a residual of 0 has no say."""
        return self.idle_residual < 0 or (self.idle_residual == 0 and self.price_residual >= 0)


def best_response(workload: Workload, theta: float, p: float) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Tokens of every type at given prices, shape (N,), and which of them lie strictly inside the box.

    With x = b l, L = ln(alpha A b / (c q)), q = p + theta t0 and s = theta c / (b q) the equation reads
    x + log1p(s x) = L. Halley's method from min(L, (e^L - 1) / s), a bound from above, ends in four steps
    for all s from 1e-14 to 1e14 and L up to 600; a step of relative size r leaves an error of order r^3.
    """
    w = workload
    b, c = w.saturation_rate, w.time_per_token
    q = p + theta * w.overhead
    L = np.maximum(np.log(w.accuracy_weight * w.accuracy_gain * b / (c * q)), 0.0)
    s = theta * c / (b * q)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        x = np.fmin(L, np.expm1(L) / s)
    for _ in range(100):
        sx = s * x
        u = s / (1 + sx)
        newton = (x + np.log1p(sx) - L) / (1 + u)
        step = newton / (1 + newton * u * u / (2 * (1 + u)))
        x -= step
        if (np.abs(step) <= 3e-6 * x).all():
            break
    l = np.clip(x / b, 0.0, w.max_tokens)
    return l, (L > 0) & (l < w.max_tokens)


def evaluate(workload: Workload, log_theta: float, log_p: float) -> PricePoint:
    """Answers, residuals and Newton step at a pair of prices, in O(N)."""
    w, lam = workload, workload.arrival_rate
    theta, p = exp(log_theta), exp(log_p)
    l, free = best_response(w, theta, p)
    t = model.service_time(w, l)
    s2 = float(w.prior @ (t * t))
    eta = lam / theta
    # dl/dp = -1 / (b (p + theta t) + theta c) for the free types, and dl/dtheta = t dl/dp
    curvature = w.saturation_rate * (p + theta * t) + theta * w.time_per_token
    weight = np.where(free, w.prior * w.time_per_token / curvature, 0.0)
    sum_w, sum_wt, sum_wt2 = float(weight.sum()), float(weight @ t), float(weight @ (t * t))
    r1 = float(model.idle(w, l)) - eta
    r2 = p - 1 - theta**2 * s2 / 2
    j11, j12 = lam * theta * sum_wt + eta, lam * p * sum_w
    j21, j22 = theta**3 * sum_wt2 - theta**2 * s2, p + theta**2 * p * sum_wt
    determinant = j11 * j22 - j12 * j21
    step = ((j12 * r2 - j22 * r1) / determinant, (j21 * r1 - j11 * r2) / determinant)
    return PricePoint(log_theta, log_p, l, s2, r1, r2, step, j12)


@dataclass
class _Bracket:
    """Proven bounds of the optimal log prices."""

    theta_low: float
    theta_high: float
    p_low: float
    p_high: float

    @classmethod
    def of(cls, workload: Workload) -> _Bracket:
        """Prices with no thinking tokens bound both from below.

        From above: theta = lambda / y with the least idle share of `model.least_idle`, and no type thinks
        at p >= max alpha A b / c.
        """
        w, zero = workload, np.zeros(len(workload))
        theta0 = w.arrival_rate / float(w.idle_at_zero)
        p0 = 1 + theta0**2 * float(model.moments(w, zero)[1]) / 2
        p_silent = float(np.max(w.accuracy_weight * w.accuracy_gain * w.saturation_rate / w.time_per_token))
        return cls(
            log(theta0) - _SLACK,
            log(w.arrival_rate / model.least_idle(w, zero)) + _SLACK,
            log(p0) - _SLACK,
            max(log(p0), log(p_silent)) + _SLACK,
        )

    @property
    def middle(self) -> float:
        return (self.theta_low + self.theta_high) / 2

    def holds(self, log_theta: float, log_p: float) -> bool:
        return self.theta_low <= log_theta <= self.theta_high and self.p_low <= log_p <= self.p_high


def price_path(workload: Workload, start: FloatArray | None = None) -> Iterator[PricePoint]:
    """Pairs of prices, each evaluated in O(N), that end at the optimum.

    The globally convergent search: Newton's method while its steps keep halving, else one bisection of
    theta, each followed by Newton's method again.

    Args:
        workload: with an exact idle share y0 > 0 (see `model.require_stable`).
        start: a stable allocation to take the first prices from; by default no thinking tokens.
    """
    bracket = _Bracket.of(workload)
    l = np.zeros(len(workload)) if start is None else start
    s2 = float(model.moments(workload, l)[1])
    log_theta = log(workload.arrival_rate / float(model.idle(workload, l)))
    point = evaluate(workload, log_theta, log1p(exp(2 * log_theta) * s2 / 2))
    yield point
    point = yield from _newton(workload, point, bracket)
    while point.error > _RELIABLE and bracket.theta_low < bracket.middle < bracket.theta_high:
        point = yield from _balance(workload, bracket.middle, point.second_moment, bracket)
        if point.theta_is_low:
            bracket.theta_low = point.log_theta
        else:
            bracket.theta_high = point.log_theta
        point = yield from _newton(workload, point, bracket)


def solve_prices(workload: Workload, start: FloatArray | None = None) -> FloatArray:
    """The optimal tokens to about float64 accuracy, shape (N,); arguments as in `price_path`."""
    *_, last = price_path(workload, start)
    return last.tokens


def _newton(
    workload: Workload, point: PricePoint, bracket: _Bracket
) -> Generator[PricePoint, None, PricePoint]:
    """Full Newton steps while they stay in the bracket and halve; the point they lead to."""
    largest = _NEWTON_REACH
    while _EXACT < point.error <= largest:
        log_theta = point.log_theta + point.newton_step[0]
        log_p = point.log_p + point.newton_step[1]
        if not bracket.holds(log_theta, log_p):
            break
        largest = point.error / 2
        point = evaluate(workload, log_theta, log_p)
        yield point
    return point


def _balance(
    workload: Workload, log_theta: float, second_moment: float, bracket: _Bracket
) -> Generator[PricePoint, None, PricePoint]:
    """At a fixed theta, bisect log p (helped by Newton's guess) until the residuals' signs differ.

    Any p between the roots of the two residuals will do; the guess is the middle of their estimates.
    """
    low, high = bracket.p_low, bracket.p_high
    log_p = log1p(exp(2 * log_theta) * second_moment / 2)
    for turn in range(400):
        point = evaluate(workload, log_theta, min(max(log_p, low), high))
        yield point
        if point.idle_residual * point.price_residual <= 0:
            break
        if point.idle_residual < 0:
            low = point.log_p
        else:
            high = point.log_p
        if not low < (low + high) / 2 < high:
            break
        root1 = point.log_p - point.idle_residual / point.idle_slope if point.idle_slope > 0 else high
        root2 = log1p(exp(2 * log_theta) * point.second_moment / 2)
        log_p = (min(root1, high) + root2) / 2
        if turn % 2 or not low < log_p < high:
            log_p = (low + high) / 2
    return point
