"""Degenerate problems: most values are seen at once, or are those of a corner."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from mpmath import ln, mpf

from cvxtoken.library.cones import degenerate as data
from tests.library.truths.tools import best_vertex


def identity(n: int, sign: int = 1) -> list[list[int]]:
    return [[sign * int(i == j) for j in range(n)] for i in range(n)]


def many_optima() -> Any:
    return -best_vertex([-1, -1], [[1, 1], [-1, 0], [0, -1]], [1, 0, 0])


def five_at_a_corner() -> Any:
    return -best_vertex([-2, -1], [[1, 0], [0, 1], [1, 1], [1, 2], [2, 1]], [1, 1, 2, 3, 3])


def beale() -> Any:
    return best_vertex([-0.75, 20, -0.5, 6], data.BEALE + identity(4, -1), [0, 0, 1, 0, 0, 0, 0])


def klee_minty() -> Any:
    """At x = (0, .., 0, 100^5)."""
    return mpf(100) ** 5


def assignment() -> Any:
    """The least over the permutations (Birkhoff)."""
    C = data.ASSIGNMENT
    return mpf(min(sum(C[i][p[i]] for i in range(4)) for p in permutations(range(4))))


def paper_scissors_stone() -> Any:
    return mpf(0)


def single_point() -> Any:
    return mpf(-1)


def nothing_to_optimise() -> Any:
    return mpf(7)


def touching_discs() -> Any:
    """The point (1, 0)."""
    return mpf(1)


def ray_of_the_cone() -> Any:
    """x_2 = 0, x_1 = 3, x_3 = -1."""
    return mpf(2)


def dice_that_shows_six() -> Any:
    return mpf(0)


def impossible_cells() -> Any:
    """x_3 = (3, 0); the column 2 has 1 of the rows (2, 1): independent, 2 / 3 and 1 / 3."""
    cells = [mpf(v) / 3 for v in (4, 2, 2, 1)]
    return 3 * ln(3) + sum(v * ln(v) for v in cells)


def two_faces() -> Any:
    return mpf(0)


four_faces = two_faces
exponential_at_infinity = two_faces
hyperbola = two_faces
asymptote = two_faces
logarithm_at_infinity = two_faces
slow_infimum = two_faces
not_strict = two_faces
tangent_line = two_faces


def faces_of_both_kinds() -> Any:
    """|(x, y)| >= (3 x + 4 y) / 5, with equality only where y = 4/3 x = 4."""
    return 3 * ln(mpf(3) / 4)


def duality_gap() -> Any:
    return mpf(1)


def flat() -> Any:
    """x^4 grows by less than |u| falls: u = 0."""
    x = mpf(1) / 1024
    assert 4 * x**3 < 1
    return x**4


def redundant_equalities() -> Any:
    return 2 * ln(mpf(1) / 2) + 2 * ln(mpf(3) / 2)


def nothing_at_zero() -> Any:
    return 3 * ln(3) / 2


def neither_side() -> Any:
    return mpf(1)


posynomial_at_infinity = neither_side
parabola_at_infinity = two_faces
two_parabolas_at_infinity = two_faces
