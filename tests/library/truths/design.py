"""Designs: closed forms, one weight at a time, vertices."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import Any

from mpmath import ln, mpf, sqrt

from cvxtoken.library.cones import design as data
from tests.library.truths.tools import bisect, dot, number, solve_exact


def a_optimal_diagonal() -> Any:
    return mpf(225)


def neyman() -> Any:
    return mpf(dot(data.STRATA, data.DEVIATIONS) ** 2) / 14


def a_optimal_elfving() -> Any:
    """Two points s < t decide; then z_s, z_t are the rows of the inverse of [[1, 1], [s, t]]'.

    Least over the pairs. The units u of z_s, z_t fix a line a + b t; |a + b t_i| <= 1 at all t_i proves it.
    """
    pairs = [(mpf(s), mpf(t)) for s, t in combinations(data.POINTS, 2)]
    best, dual = None, None
    for s, t in pairs:
        rows = [[t / (t - s), -1 / (t - s)], [-s / (t - s), 1 / (t - s)]]  # z_s and z_t
        value = sum(sqrt(dot(r, r)) for r in rows)
        if best is None or value < best:
            units = [[v / sqrt(dot(r, r)) for v in r] for r in rows]
            slope = [(b - a) / (t - s) for a, b in zip(*units, strict=True)]
            best, dual = value, ([a - g * s for a, g in zip(units[0], slope, strict=True)], slope)
    assert best is not None
    assert dual is not None
    for t in data.POINTS:
        u = [a + b * t for a, b in zip(*dual, strict=True)]
        assert dot(u, u) <= 1 + mpf(10) ** -50
    return best


def a_optimal_line() -> Any:
    return a_optimal_elfving() ** 2


def d_optimal_line() -> Any:
    return mpf(2)


def d_optimal_vectors() -> Any:
    """det = sum over pairs of w_i w_j d_ij^2.

    at the best weights of a support the derivatives are equal, elsewhere less.
    """
    A = data.SPREAD
    d = [[Fraction((p[0] * q[1] - p[1] * q[0]) ** 2) for q in A] for p in A]
    for size in (2, 3):
        for support in combinations(range(4), size):
            M = [[*[d[i][j] for j in support], Fraction(-1)] for i in support]
            M.append([*[Fraction(1)] * size, Fraction(0)])
            found = solve_exact(M, [*[0] * size, 1])
            if found is None or min(found[:-1]) < 0:
                continue
            w = dict(zip(support, found[:-1], strict=True))
            slopes = [sum(d[i][j] * v for j, v in w.items()) for i in range(4)]
            if max(slopes) == slopes[support[0]]:
                return sqrt(number(slopes[support[0]] / 2))
    raise AssertionError


def e_optimal_line() -> Any:
    """Weight w at t, the rest at 0: the least eigenvalue of [[1, t w], [t w, t^2 w]] at its greatest."""
    best = None
    for t in (1, 2, 4):

        def slope(w: Any, t: int = t) -> Any:
            c = t * t * w
            return t * t / mpf(2) - (8 * t * t * w + 2 * (c - 1) * t * t) / (
                4 * sqrt(4 * t * t * w * w + (c - 1) ** 2)
            )

        w = bisect(slope, mpf(10) ** -30, 1) if slope(mpf(10) ** -30) * slope(mpf(1)) < 0 else mpf(1)
        c = t * t * w
        value = (1 + c - sqrt(4 * t * t * w * w + (c - 1) ** 2)) / 2
        best = value if best is None or value > best else best
    return best


def extrapolation() -> Any:
    return mpf(7)


def slope_of_a_cubic() -> Any:
    """The least over the bases of the linear program in fractions."""
    t, best = [Fraction(v) for v in data.CUBIC], None
    for chosen in combinations(range(9), 4):
        M = [[t[i] ** k for i in chosen] for k in range(4)]
        z = solve_exact(M, [0, 1, 0, 0])
        value = None if z is None else sum(abs(v) for v in z)
        best = value if best is None or (value is not None and value < best) else best
    assert best is not None
    return number(Fraction(best))


def d_optimal_budget() -> Any:
    """w_3 = 1, the others share 8 by 2 : 1."""
    assert 3 * 12 / (4 * mpf(6)) > 1
    return 2 * ln(mpf(16) / 3) + ln(mpf(4) / 3)
