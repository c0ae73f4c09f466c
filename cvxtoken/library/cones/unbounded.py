"""Problems without a bound: along a ray, along a parabola, or as slowly as a logarithm."""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from cvxtoken.library.cones.problem import Family

family = Family("unbounded")

FACTOR = [[2, 1, 0], [0, 3, 1], [1, 0, 2], [1, 1, 1]]
ARBITRAGE = [[0.5, -0.25], [-0.25, 0.5], [0.25, 0.25]]
"""Gains of two stocks in three states: equal parts never lose."""


@family.problem(
    source="Bertsimas and Tsitsiklis, Introduction to Linear Optimization, section 4.8; our data",
    claim="unbounded",
)
def ray() -> cp.Problem:
    """A linear program: max 2 x - y, x - y <= 1, x, y >= 0: along (1, 1)."""
    x, y = cp.Variable(nonneg=True), cp.Variable(nonneg=True)
    return cp.Problem(cp.Maximize(2 * x - y), [x - y <= 1])


@family.problem(source="our data", claim="unbounded")
def steep_ray() -> cp.Problem:
    """A ray that hardly gains: max 1000001 x - 1000000 y, x <= y, x, y >= 0."""
    x, y = cp.Variable(nonneg=True), cp.Variable(nonneg=True)
    return cp.Problem(cp.Maximize(1000001 * x - 1000000 * y), [x <= y])


@family.problem(source="our data", claim="unbounded")
def cone() -> cp.Problem:
    """Rays near the rim of a cone: max -4 x_0 - 3 x_1 - 3 x_2, |(x_1, x_2)| <= x_0: 4 < 3 sqrt 2."""
    x = cp.Variable(3)
    return cp.Problem(cp.Maximize(-4 * x[0] - 3 * x[1] - 3 * x[2]), [cp.norm(x[1:]) <= x[0]])


@family.problem(source="our data", claim="unbounded")
def edge_of_the_cone() -> cp.Problem:
    """Only rays on the cone's rim.

    min x_0 - x_1 - 2 x_3, |(x_1, x_2)| <= x_0, x_2 = 0, |x_3| <= x_0 - x_1 + 1, x_3 <= x_0 / 2.
    """
    x = cp.Variable(4)
    rules = [cp.norm(x[1:3]) <= x[0], x[2] == 0, cp.abs(x[3]) <= x[0] - x[1] + 1, x[3] <= 0.5 * x[0]]
    return cp.Problem(cp.Minimize(x[0] - x[1] - 2 * x[3]), rules)


@family.problem(source="Markowitz 1959; Sharpe 1966; our data", claim="unbounded")
def return_above_risk() -> cp.Problem:
    """Return without a budget: max m'x - |F x| / 4: the best ratio of return and risk is above 1/4."""
    x = cp.Variable(3)
    return cp.Problem(cp.Maximize(np.array([1, 2, 3]) @ x - 0.25 * cp.norm(np.array(FACTOR) @ x)))


@family.problem(
    source="Ben-Tal and Nemirovski, Lectures on Modern Convex Optimization; our data",
    claim="unbounded",
)
def parabola() -> cp.Problem:
    """Along a parabola, on no ray: max x, x^2 <= y."""
    x, y = cp.Variable(), cp.Variable()
    return cp.Problem(cp.Maximize(x), [cp.square(x) <= y])


@family.problem(source="our data", claim="unbounded")
def parabola_of_a_parabola() -> cp.Problem:
    """As slowly as a fourth root: max x, x^2 <= y, y^2 <= z."""
    x, y, z = cp.Variable(), cp.Variable(), cp.Variable()
    return cp.Problem(cp.Maximize(x), [cp.square(x) <= y, cp.square(y) <= z])


@family.problem(source="our data", claim="unbounded")
def geometric_mean() -> cp.Problem:
    """A geometric mean with one side held: max sqrt(x y), x = 1."""
    x = cp.Variable(2, nonneg=True)
    return cp.Problem(cp.Maximize(cp.geo_mean(x)), [x[0] == 1])


@family.problem(source="our data", claim="unbounded")
def logarithm() -> cp.Problem:
    """As slowly as a logarithm: max ln x, x >= 1."""
    x = cp.Variable()
    return cp.Problem(cp.Maximize(cp.log(x)), [x >= 1])


@family.problem(source="our data", claim="unbounded")
def logarithm_of_a_logarithm() -> cp.Problem:
    """As slowly as ln ln: max u, u <= ln v, v <= ln w."""
    u, v, w = cp.Variable(), cp.Variable(), cp.Variable()
    return cp.Problem(cp.Maximize(u), [u <= cp.log(v), v <= cp.log(w)])


@family.problem(source="our data", claim="unbounded")
def logarithm_of_a_root() -> cp.Problem:
    """A logarithm under a parabola: max ln x, x^2 <= y."""
    x, y = cp.Variable(), cp.Variable()
    return cp.Problem(cp.Maximize(cp.log(x)), [cp.square(x) <= y])


@family.problem(source="Kelly 1956; our data: a riskless gain", claim="unbounded")
def arbitrage() -> cp.Problem:
    """Two stocks that together never lose, on credit: max sum_k ln(1 + r_k'x)."""
    x = cp.Variable(2)
    return cp.Problem(cp.Maximize(cp.sum(cp.log(1 + np.array(ARBITRAGE) @ x))))


@family.problem(source="Eisenberg and Gale 1959; our data", claim="unbounded")
def market_without_a_limit() -> cp.Problem:
    """One good without a supply.

    max ln(x_1 + x_2) + ln(y_1 + 2 y_2), x_1 + y_1 = 1, x_2, y_2 free of limits.
    """
    x, y = cp.Variable(2, nonneg=True), cp.Variable(2, nonneg=True)
    value = cp.log(cp.sum(x)) + cp.log(y[0] + 2 * y[1])
    return cp.Problem(cp.Maximize(value), [x[0] + y[0] == 1])


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, example 3.25", claim="unbounded")
def conjugate_outside() -> cp.Problem:
    """The conjugate of log-sum-exp is infinite beside the simplex.

    min ln sum e^x_i - c'x, c = (1/2, 3/4, -1/4).
    """
    x = cp.Variable(3)
    return cp.Problem(cp.Minimize(cp.log_sum_exp(x) - np.array([0.5, 0.75, -0.25]) @ x))


@family.problem(source="Agresti, Categorical Data Analysis, section 5.1; our data", claim="unbounded")
def impossible_counts() -> cp.Problem:
    """Twelve successes of ten: min 10 ln(1 + e^t) - 12 t."""
    t = cp.Variable()
    return cp.Problem(cp.Minimize(10 * cp.logistic(t) - 12 * t))


@family.problem(source="Kullback and Leibler 1951; our data", claim="unbounded")
def measure_without_a_sum() -> cp.Problem:
    """A divergence from a measure that may grow: min sum x ln(x / y), sum x = 1, y_1 <= 1."""
    x, y = cp.Variable(2), cp.Variable(2)
    return cp.Problem(cp.Minimize(cp.sum(cp.rel_entr(x, y))), [cp.sum(x) == 1, y[0] <= 1])


@family.problem(source="our data", claim="unbounded")
def logarithm_less_a_root() -> cp.Problem:
    """A root outgrows logarithms: max sqrt(x) - u, u >= -ln(y), u >= 0, y <= x, x >= 1: u = 0 for y = 1."""
    x, y, u = cp.Variable(), cp.Variable(), cp.Variable()
    return cp.Problem(cp.Maximize(cp.sqrt(x) - u), [u >= -cp.log(y), u >= 0, y <= x, x >= 1])


@family.problem(source="our data", claim="unbounded")
def lone_column() -> cp.Problem:
    """A variable in no constraint: max x + y, |(x, 1)| <= 2."""
    x, y = cp.Variable(), cp.Variable()
    return cp.Problem(cp.Maximize(x + y), [cp.norm(cp.hstack([x, 1])) <= 2])
