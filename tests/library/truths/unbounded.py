"""Curves of feasible points along which the objective passes every bound.

each is checked at three of its points.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpmath import exp, inf, ln, mpf, sqrt

from cvxtoken.library.cones import unbounded as data
from tests.library.truths import finance
from tests.library.truths.tools import dot, norm

Point = tuple[Any, bool]
"""The objective, to be made large, and whether the point is feasible."""


def grows(curve: Callable[[Any], Point]) -> Any:
    values = []
    for size in (10, 10**3, 10**5):
        value, feasible = curve(mpf(size))
        assert feasible
        assert not values or value > values[-1] + 1
        values.append(value)
    return inf


def ray() -> Any:
    return grows(lambda t: (2 * t - t, t - t <= 1))


def steep_ray() -> Any:
    return grows(lambda t: (1000001 * t - 1000000 * t, True))


def cone() -> Any:
    return grows(lambda t: (-40 * t + 21 * t + 21 * t, norm([7 * t, 7 * t]) <= 10 * t))


def edge_of_the_cone() -> Any:
    """x = (2 t, t, 0, t): x_0 - x_1 - 2 x_3 = -t."""
    return -grows(lambda t: (-(2 * t - t - 2 * t), norm([t, 0]) <= 2 * t and t <= 2 * t - t + 1 and t <= t))


def return_above_risk() -> Any:
    """Along the portfolio S^-1 m of the best ratio sqrt(m'S^-1 m)."""
    ratio = sqrt(finance.products()[2])
    assert data.FACTOR == finance.data.FACTOR
    return grows(lambda t: (ratio * t - t / 4, True))


def parabola() -> Any:
    return grows(lambda t: (t, t**2 <= t * t))


def parabola_of_a_parabola() -> Any:
    return parabola()


def geometric_mean() -> Any:
    return grows(lambda t: (sqrt(t), True))


def logarithm() -> Any:
    return grows(lambda t: (ln(t), t >= 1))


def logarithm_of_a_logarithm() -> Any:
    """u = t, v = e^t, w = e^v."""
    return grows(lambda t: (t, t <= ln(exp(t))))


def logarithm_of_a_root() -> Any:
    return logarithm()


def arbitrage() -> Any:
    return grows(lambda t: (sum(ln(1 + dot(r, [t, t])) for r in data.ARBITRAGE), True))


def market_without_a_limit() -> Any:
    return grows(lambda t: (ln(1 + t) + ln(2 * t), True))


def conjugate_outside() -> Any:
    """Along (1, 1, -t): c'x - ln sum e^x."""
    return -grows(lambda t: (0.5 + 0.75 + t / 4 - ln(2 * exp(1) + exp(-t)), True))


def impossible_counts() -> Any:
    return -grows(lambda t: (12 * t - 10 * (t + ln(1 + exp(-t))), True))


def measure_without_a_sum() -> Any:
    return -grows(lambda t: (ln(t), True))


def logarithm_less_a_root() -> Any:
    return grows(lambda t: (sqrt(t), t >= 1))


def lone_column() -> Any:
    return grows(lambda t: (t, norm([0, 1]) <= 2))
