"""Second-order cones: points, distances, balls, and regressions with norms."""

from __future__ import annotations

from itertools import pairwise

import cvxpy as cp
import numpy as np

from cvxtoken.library.cones.problem import Family

family = Family("socp")

TOWNS = [[0, 0], [6, 1], [5, 5], [1, 7], [3, 2]]
DEMAND = [2, 1, 3, 1, 2]
BALLS: list[list[float]] = [[0, 0, 1], [6, 0, 2], [1, 5, 0.5]]
"""Centre and radius."""
HALFPLANES = [[-3, -4, 0], [5, -12, 10], [4, 3, 48], [-5, 12, 60], [0, 1, 7]]
"""a_1 x + a_2 y <= b with whole |a|."""
ROUGH = [[1, 2], [3, -1], [2, 2], [-1, 4], [1, -3]]
HEIGHTS = [3, 1, 7, 2, -4]
TIMES, READINGS = [0, 1, 2, 3, 4, 5, 6], [1, 3, 4, 7, 9, 30, 13]
GROUPS, TARGETS = [[0, 1], [2, 3], [4, 5]], [3, 4, 0.5, 0.25, 5, 12]
WALK = [1, 1, 5, 5, 5, 2]
STRETCH = [[2, 1], [0, 1]]


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, section 8.7; Fermat and Torricelli")
def fermat() -> cp.Problem:
    """Least sum of distances to the corners of the triangle 3-4-5.

    min sum |x - p_i| = sqrt(25 + 12 sqrt 3).
    """
    x = cp.Variable(2)
    return cp.Problem(cp.Minimize(sum(cp.norm(x - np.array(p)) for p in [(0, 0), (4, 0), (0, 3)])))


@family.problem(source="Weber 1909; Weiszfeld 1937; our data")
def weber() -> cp.Problem:
    """A depot for five towns: min sum w_i |x - p_i|."""
    x = cp.Variable(2)
    costs = [w * cp.norm(x - np.array(p)) for w, p in zip(DEMAND, TOWNS, strict=True)]
    return cp.Problem(cp.Minimize(sum(costs)))


@family.problem(source="Weiszfeld 1937: the optimum is a town; our data")
def weber_in_town() -> cp.Problem:
    """Sum of distances where a norm is 0.

    min |x| + |x - (4, 0)| + |x - (-3, 1)|: wider than 120 degrees: 4 + sqrt 10.
    """
    x = cp.Variable(2)
    return cp.Problem(
        cp.Minimize(cp.norm(x) + cp.norm(x - np.array([4, 0])) + cp.norm(x - np.array([-3, 1])))
    )


@family.problem(source="Gilbert and Pollak 1968, Steiner minimal trees")
def steiner() -> cp.Problem:
    """Steiner's tree of the unit square, its topology given.

    min |s - a| + |s - b| + |s - t| + |t - c| + |t - d| = 1 + sqrt 3.
    """
    s, t = cp.Variable(2), cp.Variable(2)
    ends = [(s, (0, 0)), (s, (0, 1)), (t, (1, 0)), (t, (1, 1))]
    return cp.Problem(cp.Minimize(cp.norm(s - t) + sum(cp.norm(v - np.array(p)) for v, p in ends)))


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, section 8.5.1; our data")
def chebyshev_centre() -> cp.Problem:
    """The largest disc in a polygon.

    max r, a_i'x + |a_i| r <= b_i: a linear program, as the |a_i| are whole.
    """
    x, r = cp.Variable(2), cp.Variable()
    rules = [a * x[0] + b * x[1] + int(np.hypot(a, b)) * r <= c for a, b, c in HALFPLANES]
    return cp.Problem(cp.Maximize(r), rules)


@family.problem(source="Sylvester 1857, the least circle round points")
def enclosing_ball() -> cp.Problem:
    """The least disc round the triangle 13-14-15: min r, |x - p_i| <= r; the optimum is 65/8."""
    x, r = cp.Variable(2), cp.Variable()
    rules = [cp.norm(x - np.array(p)) <= r for p in [(0, 0), (14, 0), (5, 12)]]
    return cp.Problem(cp.Minimize(r), rules)


@family.problem(source="Sylvester 1857: two points decide")
def enclosing_ball_on_a_side() -> cp.Problem:
    """The least ball round six points in space, two of which decide, one on the rim.

    min r, |x - p_i| <= r; 5.
    """
    x, r = cp.Variable(3), cp.Variable()
    points = [(5, 0, 0), (-5, 0, 0), (0, 3, 4), (1, 1, 1), (-2, 2, 0), (0, 0, -3)]
    return cp.Problem(cp.Minimize(r), [cp.norm(x - np.array(p)) <= r for p in points])


@family.problem(source="Apollonius; Fischer and Gaertner 2003, the smallest ball of balls; our data")
def ball_of_balls() -> cp.Problem:
    """The least disc that holds three discs: min r, |x - c_i| + r_i <= r."""
    x, r = cp.Variable(2), cp.Variable()
    rules = [cp.norm(x - np.array([a, b])) + c <= r for a, b, c in BALLS]
    return cp.Problem(cp.Minimize(r), rules)


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, section 8.1; our data")
def to_an_ellipse() -> cp.Problem:
    """Distance to an ellipse: min |x - (5, 4)|, |(x_1 / 4, x_2 / 2)| <= 1."""
    x = cp.Variable(2)
    rule = cp.norm(cp.hstack([0.25 * x[0], 0.5 * x[1]])) <= 1
    return cp.Problem(cp.Minimize(cp.norm(x - np.array([5, 4]))), [rule])


@family.problem(source="Snell and Fermat; our data")
def refraction() -> cp.Problem:
    """The fastest way through the shore y = 0: min |x - (0, 3)| + 2 |x - (4, -2)|, x_2 = 0."""
    x = cp.Variable(2)
    time = cp.norm(x - np.array([0, 3])) + 2 * cp.norm(x - np.array([4, -2]))
    return cp.Problem(cp.Minimize(time), [x[1] == 0])


@family.problem(source="Lobo, Vandenberghe, Boyd and Lebret 1998, section 3.6, springs and weights; our data")
def chain() -> cp.Problem:
    """A chain of four links of length 2 between (0, 0) and (5, 0).

    min y_1 + y_2 + y_3, |p_i+1 - p_i| <= 2.
    """
    p = cp.Variable((3, 2))
    ends = [np.zeros(2), p[0], p[1], p[2], np.array([5, 0])]
    return cp.Problem(cp.Minimize(cp.sum(p[:, 1])), [cp.norm(b - a) <= 2 for a, b in pairwise(ends)])


@family.problem(
    source="Boyd and Vandenberghe, Convex Optimization, section 4.4.2: robust linear programs; our data"
)
def robust_lp() -> cp.Problem:
    """A linear program with uncertain rows: max x + y, 2 x + y + |(x, y)| <= 8, x + 3 y + |(x, y)| <= 9."""
    x = cp.Variable(2)
    rules = [2 * x[0] + x[1] + cp.norm(x) <= 8, x[0] + 3 * x[1] + cp.norm(x) <= 9]
    return cp.Problem(cp.Maximize(cp.sum(x)), rules)


@family.problem(source="El Ghaoui and Lebret 1997, robust least squares; our data")
def robust_least_squares() -> cp.Problem:
    """Least squares with an uncertain matrix: min |A x - b| + |x|."""
    x = cp.Variable(2)
    return cp.Problem(cp.Minimize(cp.norm(np.array(ROUGH) @ x - np.array(HEIGHTS)) + cp.norm(x)))


@family.problem(source="Belloni, Chernozhukov and Wang 2011, the square-root lasso; our data")
def root_lasso() -> cp.Problem:
    """The square-root lasso: min |A x - b| + 2 |x|_1."""
    x = cp.Variable(2)
    return cp.Problem(cp.Minimize(cp.norm(np.array(ROUGH) @ x - np.array(HEIGHTS)) + 2 * cp.norm1(x)))


@family.problem(source="Huber 1964; Boyd and Vandenberghe, Convex Optimization, section 6.1.2; our data")
def huber() -> cp.Problem:
    """A line through seven points, one of them wild.

    min sum huber(a + b t_i - y_i), threshold 1; a fraction.
    """
    a, b = cp.Variable(), cp.Variable()
    return cp.Problem(cp.Minimize(cp.sum(cp.huber(a + b * np.array(TIMES) - np.array(READINGS), 1))))


@family.problem(source="Yuan and Lin 2006, the group lasso; our data")
def group_lasso() -> cp.Problem:
    """Groups shrink and vanish: min |x - t|^2 / 2 + 2 sum |x_g|, t = (3, 4, 1/2, 1/4, 5, 12): 32 + 5/32."""
    x = cp.Variable(6)
    value = 0.5 * cp.sum_squares(x - np.array(TARGETS)) + 2 * sum(cp.norm(x[g]) for g in GROUPS)
    return cp.Problem(cp.Minimize(value))


@family.problem(source="Rudin, Osher and Fatemi 1992, total variation; our data")
def total_variation() -> cp.Problem:
    """A step between noise: min |x - t|^2 / 2 + sum |x_i+1 - x_i|, t = (1, 1, 5, 5, 5, 2); a fraction."""
    x = cp.Variable(6)
    value = 0.5 * cp.sum_squares(x - np.array(WALK)) + cp.norm1(cp.diff(x))
    return cp.Problem(cp.Minimize(value))


@family.problem(
    source="Lobo, Vandenberghe, Boyd and Lebret 1998, section 2.3: hyperbolic constraints; our data"
)
def rectangle() -> cp.Problem:
    """The cheapest rectangle of area 4: min 3 x + y, sqrt(x y) >= 2; the optimum is 4 sqrt 3."""
    x = cp.Variable(2, nonneg=True)
    return cp.Problem(cp.Minimize(3 * x[0] + x[1]), [cp.geo_mean(x) >= 2])


@family.problem(source="Lobo, Vandenberghe, Boyd and Lebret 1998, section 3.2: grasping; our data")
def grasp() -> cp.Problem:
    """Two fingers with friction 1/2 hold a weight of 6, one bears twice as much.

    min of the larger force, |tangential| <= normal / 2; the optimum is sqrt 80.
    """
    f, t = cp.Variable((2, 3)), cp.Variable()
    rules = [cp.sum(f[:, 2]) == 6, f[0, 0] + f[1, 0] == 0, cp.sum(f[:, 1]) == 0, 2 * f[0, 2] - f[1, 2] == 0]
    rules += [cp.norm(f[0, 1:]) <= 0.5 * f[0, 0], cp.norm(f[1, 1:]) <= -0.5 * f[1, 0]]
    return cp.Problem(cp.Minimize(t), [*rules, cp.norm(f[0]) <= t, cp.norm(f[1]) <= t])
