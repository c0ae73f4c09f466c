"""Filters and paths: vertices and linear equations in fractions, roots of one equation."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import Any

from mpmath import ln, matrix, mp, mpf, sqrt

from cvxtoken.library.cones import signals as data
from tests.library.truths.tools import dot, exact, newton, norm, number, solve_exact


def least_maximum(rows: list[list[Fraction]], right: list[Fraction], weights: list[int]) -> Any:
    """min max |row'c - right| / weight.

    the greatest of the levels of k + 1 rows, k unknowns (de la Vallee Poussin).
    """
    k, best = len(rows[0]), Fraction(0)
    for chosen in combinations(range(len(rows)), k + 1):
        # multipliers y with sum y row = 0, level = |sum y right| / sum |y| weight
        M = [[rows[i][j] for i in chosen] for j in range(k)]
        for last in range(k + 1):
            others = [n for n in range(k + 1) if n != last]
            y = solve_exact([[row[n] for n in others] for row in M], [-row[last] for row in M])
            if y is not None:
                break
        else:
            continue
        y.insert(last, Fraction(1))
        level = abs(sum(v * right[i] for v, i in zip(y, chosen, strict=True)))
        best = max(best, level / sum(abs(v) * weights[i] for v, i in zip(y, chosen, strict=True)))
    return number(best)


def chebyshev_quartic() -> Any:
    t = sorted({Fraction(v) ** 2 for v in data.GRID})
    return least_maximum([[Fraction(1), v] for v in t], [v * v for v in t], [1] * len(t))


def absolute_value() -> Any:
    t = [Fraction(v) for v in data.GRID if v >= 0]
    return least_maximum([[Fraction(1), v**2, v**4] for v in t], t, [1] * len(t))


def low_pass() -> Any:
    x = [Fraction(v) for v in data.COSINES + data.STOP]
    right = [Fraction(1)] * len(data.COSINES) + [Fraction(0)] * len(data.STOP)
    return least_maximum(
        [[v**k for k in range(4)] for v in x], right, [2] * len(data.COSINES) + [1] * len(data.STOP)
    )


def capon() -> Any:
    """1 / |F^-T a|."""
    F = matrix(exact(data.FACTOR))
    y = mp.lu_solve(F.T, matrix([1, 2, 3]))
    return 1 / sqrt(dot(list(y), list(y)))


def robust_beam() -> Any:
    """The rule is tight and the slopes agree: S w / |F w| = m (a - w / |w|)."""
    F = matrix(exact(data.FACTOR))
    S, a = F.T * F, [1, 2, 3]

    def conditions(u: Any, v: Any, w: Any, m: Any) -> list[Any]:
        x = [u, v, w]
        pull = S * matrix(x)
        return [pull[i] - m * (a[i] - x[i] / norm(x)) for i in range(3)] + [dot(a, x) - 1 - norm(x)]

    *x, m = newton(conditions, [-0.1, 0.1, 0.4, 0.2])
    assert m > 0
    return norm(list(F * matrix(x)))


def sidelobes() -> Any:
    """u, v = 1/2 +- i y / 2, y real: (1 - y) / sqrt(2) <= t, (1 + y) / sqrt(2) <= 2 t, y <= t: y = 1/3."""
    return sqrt(mpf(2)) / 3


def smoothing() -> Any:
    """(I + 4 D'D) x = t; the value is t'(t - x)."""
    D = [[Fraction({0: 1, 1: -2, 2: 1}.get(j - i, 0)) for j in range(7)] for i in range(5)]
    M = [[Fraction(i == j) + 4 * sum(row[i] * row[j] for row in D) for j in range(7)] for i in range(7)]
    x = solve_exact(M, data.PULSE)
    assert x is not None
    return number(sum((t * (t - v) for t, v in zip(data.PULSE, x, strict=True)), Fraction(0)))


def least_effort() -> Any:
    """The nearest u of sum u = 0, sum (5 - k) u_k = 10: the slopes 2.5, 1.5 .. -2.5 have the square 17.5."""
    return 10 / sqrt(mpf(17.5))


def least_fuel() -> Any:
    """By symmetry u = (a, b, c, -c, -b, -a), 5 a + 3 b + c = 10.

    Per cost a moves 5 up to a = 1 and 5/2 beyond, b moves 3 up to b = 1 and 3/2 beyond.
    In the order 5, 3, 5/2: a = 1, b = 1 give 8, and the other 2 come of a.
    """
    a = 1 + mpf(2) / 5
    return 2 * ((2 * a - 1) + 1)


def tomography() -> Any:
    def slopes(x: Any, y: Any) -> list[Any]:
        return [2 - 4 / x - 9 / (x + 2 * y), 3 - 18 / (x + 2 * y) - 3 / y]

    x, y = newton(slopes, [4, 3])
    assert min(x, y) > 0
    return 2 * x + 3 * y - 4 * ln(x) - 9 * ln(x + 2 * y) - 3 * ln(y)
