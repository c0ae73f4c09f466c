"""Geometric programs: their duals in closed form, eigenvalues, linear equations and roots of polynomials."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from mpmath import ln, mpf, sqrt

from cvxtoken.library.cones import geometric as data
from tests.library.truths.tools import bisect, number, solve_exact


def product_of_powers(costs: Any, weights: Any) -> Any:
    """The dual function of a posynomial: prod (c_i / d_i)^d_i."""
    value = mpf(1)
    for c, d in zip(costs, weights, strict=True):
        value *= (mpf(c) / d) ** d
    return value


def gravel() -> Any:
    """The exponents' equations have one solution: (2, 1, 1, 1) / 5."""
    return product_of_powers([40, 20, 10, 40], [mpf(v) / 5 for v in (2, 1, 1, 1)])


def gravel_on_a_budget() -> Any:
    """Weights (2/3, 1/3) of the costs and (1/3, 1/3) of the wall, whose sum 2/3 comes as a power."""
    third = mpf(1) / 3
    wall = (mpf(1) / 2 / third) ** third * (mpf(1) / 4 / third) ** third * (2 * third) ** (2 * third)
    return product_of_powers([40, 40], [2 * third, third]) * wall


def box_by_cvxpy() -> Any:
    """w = d = sqrt 10 and 4 h w = 200."""
    return 50 * sqrt(mpf(10))


def box() -> Any:
    return ln(box_by_cvxpy())


def means() -> Any:
    return mpf(3)


def perron_golden() -> Any:
    return ln((1 + sqrt(mpf(5))) / 2)


def leslie() -> Any:
    """Euler and Lotka: 1 = sum of births times survivors over powers of the growth."""
    b, (s, t) = data.POPULATION[0], (data.POPULATION[1][0], data.POPULATION[2][1])
    return ln(bisect(lambda x: x**3 - b[0] * x**2 - b[1] * s * x - b[2] * s * t, 1, 4))


def inverters() -> Any:
    return 4 * mpf(128) ** (mpf(1) / 4)


def power_control() -> Any:
    """All three hold with equality: a linear system, in fractions."""
    G = data.GAINS
    M = [[G[i][i] if i == j else -2 * G[i][j] for j in range(3)] for i in range(3)]
    p = solve_exact(M, [2, 2, 2])
    assert p is not None
    assert min(p) > 0
    return number(sum(p, Fraction(0)))


def one_degree() -> Any:
    x = bisect(lambda x: 2 * x**3 + x**2 - 1, 0, 1)
    return x + 1 / x + x**2


def two_bars() -> Any:
    """z = 4 x, y = x / (x - 3): 2 x^2 / (x - 3) + 4 x is least at x = 3 + s, 6 s^2 = 18."""
    s = sqrt(mpf(3))
    x = 3 + s
    return 2 * x * x / s + 4 * x


def weighted_means() -> Any:
    """The three terms are as 1 : 1 : 2."""
    return product_of_powers([3, 1, 2], [mpf(1) / 4, mpf(1) / 4, mpf(1) / 2])
