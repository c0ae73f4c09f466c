"""Markets: prices at which each buyer wants what he gets."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from mpmath import ln, mpf, sqrt

from cvxtoken.library.cones import markets as data
from tests.library.truths.tools import bisect, newton, number


def fisher_of_two() -> Any:
    """Good 1 to the first for 1, good 2 to the second for 2: 2 / 1 >= 1 / 2 and 3 / 2 >= 1 / 1."""
    return ln(2) + 2 * ln(3)


def prices() -> list[Fraction]:
    """Goods 1 and 3 go to the first, good 2 to the second; p_1 : p_3 = 2 : 3 of the money 3, p_2 = 2.

    Each gets the most for a dollar: the first 5/3 > 1/2, the second 2 > 5/6, 5/9.
    """
    p, U = [Fraction(6, 5), Fraction(2), Fraction(9, 5)], data.TASTES
    assert U[0][0] / p[0] == U[0][2] / p[2] > U[0][1] / p[1]
    assert U[1][1] / p[1] > max(U[1][0] / p[0], U[1][2] / p[2])
    return p


def fisher_of_three() -> Any:
    assert sum(prices()) == 5
    return 3 * ln(5) + 2 * ln(4)


def fisher_by_prices() -> Any:
    p = [number(v) for v in prices()]
    tastes = [data.TASTES[0][0], data.TASTES[1][1], data.TASTES[0][2]]  # of the buyer of each good
    return sum(v * ln(u / v) for u, v in zip(tastes, p, strict=True))


def nash_bargaining() -> Any:
    """u (u - 1) = v^2 = 25 - u^2."""
    u = (1 + sqrt(mpf(201))) / 4
    return ln(u - 1) + ln(25 - u * u) / 2


def weighted_bargaining() -> Any:
    """Prices p, q of the two rules: 3 / u = p + q, 2 / v = p + 2 q, 1 / w = p."""

    def rules(p: Any, q: Any) -> list[Any]:
        u, v, w = 3 / (p + q), 2 / (p + 2 * q), 1 / p
        return [u + v + w - 6, u + 2 * v - 4]

    p, q = newton(rules, [0.3, 1])
    assert min(p, q) > 0
    return 3 * ln(3 / (p + q)) + 2 * ln(2 / (p + 2 * q)) - ln(p)


def parking_lot() -> Any:
    return 3 * ln(mpf(3) / 4) + ln(mpf(1) / 4)


def unequal_links() -> Any:
    c = data.CAPACITIES
    x = bisect(lambda x: 1 / x - sum(1 / (v - x) for v in c), mpf(10) ** -9, 1 - mpf(10) ** -9)
    return ln(x) + sum(ln(v - x) for v in c)


def least_delay_shares() -> Any:
    return (1 + sqrt(mpf(3))) ** 2


def leontief() -> Any:
    """Prices p, q of the goods: 1 / u_i = the cost of the recipe i."""
    D = data.DEGREES

    def shares(p: Any, q: Any) -> list[Any]:
        return [1 / (a * p + b * q) for a, b in D]

    def goods(p: Any, q: Any) -> list[Any]:
        u = shares(p, q)
        return [sum(d[k] * v for d, v in zip(D, u, strict=True)) - (6, 5)[k] for k in range(2)]

    p, q = newton(goods, [0.25, 0.25])
    assert min(p, q) > 0
    return sum(ln(v) for v in shares(p, q))


def kleinrock() -> Any:
    return mpf(36) / 10
