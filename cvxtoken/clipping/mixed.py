"""The best randomised limits where a server shares: a point of the concave envelope of (E[S], E[u]).

There E[W] hangs on the mean of S alone, and is convex and rising in it. A rule that draws each request's
limit mixes the points (s1(n), u(n)) of the limits, so that it reaches their convex hull, and its objective is

    theta u - (1 - theta) W(s1),   W(s1) = K / y - 1 / (lambda sigma) - s1,   y = A - lambda sigma s1,

with A = 1 - lambda (sigma0 - sigma) T0 and K of `cvxtoken.delay.sharing`. Its maximum lies on the upper edge
of
the hull: on the line between two limits that are neighbours on it. (Of several types the hull is the sum of
theirs, and the line is between two vectors of limits.) The edge is found by halving: the limits that are
farthest above the line between two points of the edge are a new point of it, and its supporting slope m says
on which side of it the maximum lies, by the sign of theta m - (1 - theta) W'. All limits are seen in each
step.

Bound: 1 / y >= 2 z - z^2 y for every z >= 0, equal at z = 1 / y. So no rule has a better objective than

    sum max_n [theta u_n - (1 - theta) (K lambda sigma z^2 - 1) s1_n]
        - (1 - theta) (K (2 z - z^2 A) - 1 / (lambda sigma)),

which is evaluated in rational numbers, with the greatest terms in float64 rounded up. (All derived here.)
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from cvxtoken.clipping import model
from cvxtoken.clipping.problem import ClippingProblem
from cvxtoken.rigorous import double_above

_STEPS = 200  # each is a new point of the edge; some ten are needed
_ROUNDED = Fraction(5, 2**53)  # more than the relative error of a term of the bound in float64


@dataclass(frozen=True)
class MixedLimits:
    """The best rule that draws each request's limit.

    Attributes:
        first, second: two vectors of limits, one limit a type, in tokens; the same where nothing is mixed.
        weight: the probability of the second.
        objective: theta E[u] - (1 - theta) E[W].
        upper: no rule over the limits considered has a better one, proven for the doubles of their moments.
        utility, mean_wait, mean_system_time: E[u], and E[W] and E[T] in s.
    """

    first: tuple[int, ...]
    second: tuple[int, ...]
    weight: float
    objective: float
    upper: float
    utility: float
    mean_wait: float
    mean_system_time: float

    def to_document(self) -> dict[str, Any]:
        """A mapping of plain values."""
        return vars(self) | {"first": list(self.first), "second": list(self.second)}

    def __str__(self) -> str:
        one, two = (", ".join(map(str, limits)) for limits in (self.first, self.second))
        if not 0 < self.weight < 1:
            return f"{two if self.weight else one} tokens for all"
        return f"{one} tokens with probability {1 - self.weight:.4f}, else {two}"


def best_mixture(problem: ClippingProblem, considered: np.ndarray) -> MixedLimits:
    """The best randomised limits, for a server that shares; the least limit considered must be stable.

    Args:
        problem: of patient requests.
        considered: limits in rising order, common to all types.
    """
    theta = problem.theta
    tables = model.by_type(problem, considered)
    rows = np.arange(len(tables.s1))

    def point(places: np.ndarray) -> tuple[float, float]:
        return float(tables.s1[rows, places].sum()), float(tables.u[rows, places].sum())

    low = np.zeros(len(rows), dtype=int)
    high = np.argmax(tables.u, axis=1)  # the first, and so the cheapest, of the greatest utility
    for _ in range(_STEPS):
        (x0, u0), (x1, u1) = point(low), point(high)
        if x1 <= x0:
            break
        m = (u1 - u0) / (x1 - x0)
        above = tables.u - m * tables.s1
        new = np.argmax(above, axis=1)
        x, u = point(new)
        if u - u0 - m * (x - x0) <= 1e-15 * (abs(u0) + abs(u1) + m * x1):
            break
        price = _price(problem, x)
        beyond = price is None or (1 - theta) * price >= theta * m
        low, high = (low, new) if beyond else (new, high)
    return _between(problem, considered, tables, low, high)


def _between(
    problem: ClippingProblem,
    considered: np.ndarray,
    tables: model.Moments,
    low: np.ndarray,
    high: np.ndarray,
) -> MixedLimits:
    """The best point of the line between two neighbours of the edge, with its bound."""
    rows, theta, lam = np.arange(len(low)), problem.theta, problem.rate
    (x0, u0), (x1, u1) = (
        (float(tables.s1[rows, at].sum()), float(tables.u[rows, at].sum())) for at in (low, high)
    )
    sigma, A, K = _constants(problem, lam, model.mean_overhead(problem))
    candidates = [0.0, 1.0] if x1 > x0 else [0.0]
    if x1 > x0 and sigma and theta < 1:
        price = theta * (u1 - u0) / (x1 - x0) / (1 - theta)
        y = np.sqrt(K * lam * sigma / (1 + price))  # there W' = K lambda sigma / y^2 - 1 is the price
        candidates.append(float(np.clip(((A - y) / (lam * sigma) - x0) / (x1 - x0), 0.0, 1.0)))
    weights = np.array(candidates)
    s1, u = x0 + weights * (x1 - x0), u0 + weights * (u1 - u0)
    values = model.objective(problem, model.Moments(s1, np.zeros_like(s1), u))
    best = int(np.argmax(values))
    wait = float(model.mean_wait(problem, model.Moments(s1, np.zeros_like(s1), u))[best])
    longest = [len(item) for item in problem.types]
    first, second = (tuple(np.minimum(considered[places], longest).tolist()) for places in (low, high))
    value = float(values[best])
    upper = max(value, upper_bound(problem, tables, 1 / float(model.idle(problem, s1[best]))))
    system_time = wait + float(s1[best])
    return MixedLimits(first, second, candidates[best], value, upper, float(u[best]), wait, system_time)


def _constants(problem: ClippingProblem, lam: Any, T0: Any) -> tuple[Any, Any, Any]:
    """sigma, A, and K, where sigma is 0 1 / A in its place; numbers of the kind of lambda."""
    number = type(lam)
    sigma, sigma0 = number(problem.server.token_share), number(problem.server.overhead_share)
    A = 1 - lam * (sigma0 - sigma) * T0
    return sigma, A, T0 + (1 - lam * sigma0 * T0) / (lam * sigma) if sigma else 1 / A


def _price(problem: ClippingProblem, s1: float) -> float | None:
    """W'(s1), the seconds of everybody's wait that a second more of service costs; None where unstable."""
    y = float(model.idle(problem, np.asarray(s1)))
    if y <= 0:
        return None
    sigma, _, K = _constants(problem, problem.rate, model.mean_overhead(problem))
    return float(K * problem.rate * sigma / y**2 - 1 if sigma else 1 / y - 1)


def upper_bound(problem: ClippingProblem, tables: model.Moments, z: float) -> float:
    """The bound of the module's text at z, for the doubles of the tables, rounded up."""
    theta, lam, Z = Fraction(problem.theta), Fraction(problem.rate), Fraction(z)
    T0 = Fraction(model.mean_overhead(problem))
    sigma, A, K = _constants(problem, lam, T0)
    if sigma:
        slope = (1 - theta) * (K * lam * sigma * Z**2 - 1)
        constant = (1 - theta) * (K * (2 * Z - Z**2 * A) - 1 / (lam * sigma))
    else:  # y = A whatever the limits, and W = s1 / A - s1
        slope, constant = (1 - theta) * (K - 1), Fraction(0)
    total = -constant
    for s1, u in zip(tables.s1, tables.u, strict=True):
        terms = problem.theta * u - float(slope) * s1
        # two products, a difference and the slope are rounded, each by at most 2^-53 of the largest product
        size = Fraction(float(np.abs(u).max())) + abs(slope) * Fraction(float(np.abs(s1).max()))
        total += Fraction(float(terms.max())) + _ROUNDED * size
    return double_above(total)
