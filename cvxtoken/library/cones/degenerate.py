"""Problems on which interior-point methods have no interior, or no unique answer, or nothing to arrive at."""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from cvxtoken.library.cones.problem import Family

family = Family("degenerate")

BEALE = [[0.25, -8, -1, 9], [0.5, -12, -0.5, 3], [0, 0, 1, 0]]
ASSIGNMENT = [[3, 1, 4, 2], [1, 3, 2, 4], [4, 2, 1, 3], [2, 4, 3, 1]]
HIDDEN = "a point whose value is 1e-30 has a y of 10^29 digits, which no file holds"


@family.problem(source="Bertsimas and Tsitsiklis, Introduction to Linear Optimization, section 2.1")
def many_optima() -> cp.Problem:
    """A linear program with an edge of optima: max x + y, x + y <= 1, x, y >= 0."""
    x = cp.Variable(2, nonneg=True)
    return cp.Problem(cp.Maximize(cp.sum(x)), [cp.sum(x) <= 1])


@family.problem(source="Bertsimas and Tsitsiklis, Introduction to Linear Optimization, section 2.4; our data")
def five_at_a_corner() -> cp.Problem:
    """Five edges in one corner of the plane.

    max 2 x + y, x <= 1, y <= 1, x + y <= 2, x + 2 y <= 3, 2 x + y <= 3.
    """
    x, y = cp.Variable(), cp.Variable()
    return cp.Problem(cp.Maximize(2 * x + y), [x <= 1, y <= 1, x + y <= 2, x + 2 * y <= 3, 2 * x + y <= 3])


@family.problem(source="Beale 1955: the simplex method runs in a circle")
def beale() -> cp.Problem:
    """Beale's linear program.

    min -3/4 x_4 + 20 x_5 - x_6 / 2 + 6 x_7, three rules, x >= 0; the optimum is -5/4.
    """
    x = cp.Variable(4, nonneg=True)
    return cp.Problem(cp.Minimize(np.array([-0.75, 20, -0.5, 6]) @ x), [np.array(BEALE) @ x <= [0, 0, 1]])


@family.problem(source="Klee and Minty 1972, in the form of Chvatal, Linear Programming, chapter 4")
def klee_minty() -> cp.Problem:
    """The cube of Klee and Minty.

    max sum 10^(6 - j) x_j, 2 sum_(j < i) 10^(i - j) x_j + x_i <= 100^(i - 1): 10^10.
    """
    n = 6
    x = cp.Variable(n, nonneg=True)
    rows = [[2 * 10 ** (i - j) if j < i else int(i == j) for j in range(n)] for i in range(n)]
    value = np.array([10 ** (n - 1 - j) for j in range(n)]) @ x
    return cp.Problem(cp.Maximize(value), [np.array(rows) @ x <= [100**i for i in range(n)]])


@family.problem(source="Birkhoff 1946; Kuhn 1955, the assignment problem; our data")
def assignment() -> cp.Problem:
    """Four to four.

    min <C, X>, rows and columns of X sum to 1, X >= 0: each corner is degenerate, an equality redundant: 4.
    """
    X = cp.Variable((4, 4), nonneg=True)
    value = cp.sum(cp.multiply(np.array(ASSIGNMENT), X))
    return cp.Problem(cp.Minimize(value), [cp.sum(X, axis=0) == 1, cp.sum(X, axis=1) == 1])


@family.problem(source="von Neumann 1928, matrix games")
def paper_scissors_stone() -> cp.Problem:
    """Paper, scissors, stone: max v, v <= (A'x)_j, sum x = 1, x >= 0; the value is 0."""
    x, v = cp.Variable(3, nonneg=True), cp.Variable()
    A = np.array([[0, 1, -1], [-1, 0, 1], [1, -1, 0]])
    return cp.Problem(cp.Maximize(v), [v <= A.T @ x, cp.sum(x) == 1])


@family.problem(source="our data")
def single_point() -> cp.Problem:
    """One point is feasible: min x - 2 y, x + y <= 2, x >= 1, y >= 1; the optimum is -1."""
    x, y = cp.Variable(), cp.Variable()
    return cp.Problem(cp.Minimize(x - 2 * y), [x + y <= 2, x >= 1, y >= 1])


@family.problem(source="our data")
def nothing_to_optimise() -> cp.Problem:
    """A constant objective, 7, on a disc: every point is an optimum."""
    x = cp.Variable(2)
    return cp.Problem(cp.Minimize(7), [cp.norm(x) <= 1])


@family.problem(source="our data")
def touching_discs() -> cp.Problem:
    """Two discs that touch: max x_2 + x_1, |x| <= 1, |x - (2, 0)| <= 1; the optimum is 1."""
    x = cp.Variable(2)
    return cp.Problem(cp.Maximize(cp.sum(x)), [cp.norm(x) <= 1, cp.norm(x - np.array([2, 0])) <= 1])


@family.problem(source="Andersen, Roos and Terlaky 2002; our data")
def ray_of_the_cone() -> cp.Problem:
    """Feasible points on one ray of the cone.

    min x_3 + x_1, |(x_1, x_2)| <= x_1, x_1 >= 3, |x_3 - 1| <= 2; 2.
    """
    x = cp.Variable(3)
    return cp.Problem(cp.Minimize(x[2] + x[0]), [cp.norm(x[:2]) <= x[0], x[0] >= 3, cp.abs(x[2] - 1) <= 2])


@family.problem(source="Jaynes 1957; a mean at the end of the range; our data")
def dice_that_shows_six() -> cp.Problem:
    """The most uncertain die of mean 6 is certain.

    max sum entr(p), sum p = 1, sum i p_i = 6; the optimum is 0.
    """
    p = cp.Variable(6)
    return cp.Problem(cp.Maximize(cp.sum(cp.entr(p))), [cp.sum(p) == 1, np.arange(1, 7) @ p == 6])


@family.problem(source="Csiszar 1975; our data")
def impossible_cells() -> cp.Problem:
    """A table two cells of which the margins force to 0.

    min sum x ln x, rows (2, 1, 3), columns (5, 1), x_32 <= 0.
    """
    x = cp.Variable((3, 2))
    rules = [cp.sum(x, axis=1) == [2, 1, 3], cp.sum(x, axis=0) == [5, 1], x[2, 1] <= 0]
    return cp.Problem(cp.Minimize(-cp.sum(cp.entr(x))), rules)


@family.problem(source="Borwein and Wolkowicz 1981; Pataki 2013; our data")
def two_faces() -> cp.Problem:
    """Two steps to the least face.

    max x_1, x_1^2 <= x_2, x_2^2 <= x_3, x_3 <= 0; the optimum is 0, without a dual one.
    """
    x = cp.Variable(3)
    return cp.Problem(cp.Maximize(x[0]), [cp.square(x[0]) <= x[1], cp.square(x[1]) <= x[2], x[2] <= 0])


@family.problem(source="Borwein and Wolkowicz 1981; Tuncel and Wolkowicz 2012; our data")
def four_faces() -> cp.Problem:
    """Four steps to the least face.

    max x_1, x_i^2 <= x_i+1, x_5 <= 0; the optimum is 0, without a dual one.
    """
    x = cp.Variable(5)
    return cp.Problem(cp.Maximize(x[0]), [*(cp.square(x[i]) <= x[i + 1] for i in range(4)), x[4] <= 0])


@family.problem(source="our data")
def faces_of_both_kinds() -> cp.Problem:
    """An entropy on a face that a norm cuts out.

    min x ln(x / y), 5 |(x, y)| <= z, z = 3 x + 4 y + w, x = 3, w <= 0.
    """
    x, y, z, w = (cp.Variable() for _ in range(4))
    rules = [cp.norm(cp.hstack([5 * x, 5 * y])) <= z, z == 3 * x + 4 * y + w, x == 3, w <= 0]
    return cp.Problem(cp.Minimize(cp.rel_entr(x, y)), rules)


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, section 4.1.1: unattained")
def exponential_at_infinity() -> cp.Problem:
    """An infimum that no point attains: min e^x = 0."""
    return cp.Problem(cp.Minimize(cp.exp(cp.Variable())))


@family.problem(source="Ben-Tal and Nemirovski, Lectures on Modern Convex Optimization")
def hyperbola() -> cp.Problem:
    """An infimum that no point attains: min x, x y >= 1 as sqrt(x y) >= 1; the infimum is 0."""
    x = cp.Variable(2, nonneg=True)
    return cp.Problem(cp.Minimize(x[0]), [cp.geo_mean(x) >= 1])


@family.problem(source="Ben-Tal and Nemirovski, Lectures on Modern Convex Optimization; our data")
def asymptote() -> cp.Problem:
    """A norm and its asymptote: max x - |(x, 1)| = 0, not attained."""
    x = cp.Variable()
    return cp.Problem(cp.Maximize(x - cp.norm(cp.hstack([x, 1]))))


@family.problem(source="our data")
def logarithm_at_infinity() -> cp.Problem:
    """An infimum approached along a curve: min e^-x, x <= ln y; the infimum is 0, at y = 1e30 it is 1e-30."""
    x, y = cp.Variable(), cp.Variable()
    return cp.Problem(cp.Minimize(cp.exp(-x)), [x <= cp.log(y)])


@family.problem(source="our data", without_proof=HIDDEN)
def slow_infimum() -> cp.Problem:
    """An infimum approached very slowly: min 1 / x, x <= ln y; the infimum is 0, at 1e-3 y is 1e434."""
    x, y = cp.Variable(), cp.Variable()
    return cp.Problem(cp.Minimize(cp.inv_pos(x)), [x <= cp.log(y)])


@family.problem(
    source="Boyd and Vandenberghe, Convex Optimization, exercise 5.21",
    without_proof="the dual's optimum is 0: a bound of 1 from below needs x = 0 first, that is the face",
)
def duality_gap() -> cp.Problem:
    """A convex problem with a duality gap.

    min e^-x, x^2 / y <= 0: x = 0, so the optimum is 1; the dual's is 0.
    """
    x, y = cp.Variable(), cp.Variable()
    return cp.Problem(cp.Minimize(cp.exp(-x)), [cp.quad_over_lin(x, y) <= 0])


@family.problem(source="our data")
def flat() -> cp.Problem:
    """A flat optimum: min t + |u|, x^2 <= y, y^2 <= t, x + u = 1/1024: no strict complementarity near."""
    x, y, t, u = (cp.Variable() for _ in range(4))
    rules = [cp.square(x) <= y, cp.square(y) <= t, x + u == 1 / 1024]
    return cp.Problem(cp.Minimize(t + cp.abs(u)), rules)


@family.problem(source="Ye, Todd and Mizuno 1994: without strict complementarity; our data")
def not_strict() -> cp.Problem:
    """A parabola on its rim: min y, y >= x^2, x >= 0, y >= x: the optimum is 0, three rules meet there."""
    x, y = cp.Variable(), cp.Variable()
    return cp.Problem(cp.Minimize(y), [y >= cp.square(x), x >= 0, y >= x])


@family.problem(source="our data")
def tangent_line() -> cp.Problem:
    """An exponential and its tangent.

    max x + 1 - y, y >= e^x, y <= x + 1: the point (0, 1) alone; the optimum is 0.
    """
    x, y = cp.Variable(), cp.Variable()
    return cp.Problem(cp.Maximize(x + 1 - y), [y >= cp.exp(x), y <= x + 1])


@family.problem(source="our data")
def redundant_equalities() -> cp.Problem:
    """Three copies of an equality.

    max sum ln x_i, sum x = 4, 2 sum x = 8, x_1 + x_2 = 1, x_3 + x_4 = 3: 2 ln(3/4).
    """
    x = cp.Variable(4)
    rules = [cp.sum(x) == 4, 2 * cp.sum(x) == 8, x[0] + x[1] == 1, x[2] + x[3] == 3]
    return cp.Problem(cp.Maximize(cp.sum(cp.log(x))), rules)


@family.problem(source="Kullback and Leibler 1951; our data")
def nothing_at_zero() -> cp.Problem:
    """Relative entropy where both are 0.

    min sum rel_entr(x, y), x + y = (2, 0), x, y >= 0, x_1 >= 3/2: 3/2 ln 3.
    """
    x, y = cp.Variable(2), cp.Variable(2)
    rules = [x + y == np.array([2, 0]), x[0] >= 1.5]
    return cp.Problem(cp.Minimize(cp.sum(cp.rel_entr(x, y))), rules)


@family.problem(source="our data")
def neither_side() -> cp.Problem:
    """No interior on either side: min y + e^x, |(y, z)| <= y, y >= 1: the infimum is 1."""
    x, y, z = cp.Variable(), cp.Variable(), cp.Variable()
    return cp.Problem(cp.Minimize(y + cp.exp(x)), [cp.norm(cp.hstack([y, z])) <= y, y >= 1])


@family.problem(source="our data")
def parabola_at_infinity() -> cp.Problem:
    """An infimum approached along a parabola.

    min e^-x, x^2 <= y: two steps on the dual side; the infimum is 0.
    """
    x, y = cp.Variable(), cp.Variable()
    return cp.Problem(cp.Minimize(cp.exp(-x)), [cp.square(x) <= y])


@family.problem(source="our data")
def two_parabolas_at_infinity() -> cp.Problem:
    """An infimum approached along a fourth root: min e^-x, x^2 <= y, y^2 <= z; the infimum is 0."""
    x, y, z = cp.Variable(), cp.Variable(), cp.Variable()
    return cp.Problem(cp.Minimize(cp.exp(-x)), [cp.square(x) <= y, cp.square(y) <= z])


@family.problem(source="Duffin, Peterson and Zener 1967, degenerate programs; our data")
def posynomial_at_infinity() -> cp.Problem:
    """A geometric program without an optimum: min 1 + e^(x - y) + e^-x: the infimum is 1, along x = y / 2."""
    x, y = cp.Variable(), cp.Variable()
    return cp.Problem(cp.Minimize(1 + cp.exp(x - y) + cp.exp(-x)))
