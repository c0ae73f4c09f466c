"""Sums of exponentials and their logarithm."""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from cvxtoken.library.cones.problem import Family

family = Family("logsumexp")

TERMS = [[2, -1, 0], [-1, 2, 1], [0, -1, -2], [-1, 0, 2], [1, 1, -1]]
SHIFTS = [0, 1, -2, 0.5, -1]
SCORES = [3, 1, -2, 0.25]
PULLS = [0.5, 0.25, 0.25]
SCHEDULE = [[1, 0, 2], [0, 3, 1], [2, 1, 0], [1, 1, 1]]


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, section 9.3.2, equation 9.20")
def three_exponentials() -> cp.Problem:
    """The test function of Newton's method.

    min e^(x + 3 y - 0.1) + e^(x - 3 y - 0.1) + e^(-x - 0.1) = 2 sqrt(2) e^-0.1.
    """
    x, y = cp.Variable(), cp.Variable()
    f = cp.exp(x + 3 * y - 0.1) + cp.exp(x - 3 * y - 0.1) + cp.exp(-x - 0.1)
    return cp.Problem(cp.Minimize(f))


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, example 3.25")
def conjugate() -> cp.Problem:
    """The conjugate is an entropy, with a line of optima.

    min ln sum e^x_i - c'x = H(c), c = (1/2, 1/4, 1/4).
    """
    x = cp.Variable(3)
    return cp.Problem(cp.Minimize(cp.log_sum_exp(x) - np.array(PULLS) @ x))


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, section 9.1.1; our data")
def unconstrained_gp() -> cp.Problem:
    """A geometric program without constraints: min ln sum_k e^(a_k'x + b_k), five terms in three unknowns."""
    x = cp.Variable(3)
    return cp.Problem(cp.Minimize(cp.log_sum_exp(np.array(TERMS) @ x + np.array(SHIFTS))))


@family.problem(source="Beck and Teboulle 2012, smoothing of the largest entry; our data")
def smoothed_maximum() -> cp.Problem:
    """A proximal step: min ln sum e^(x_i + s_i) + sum x_i^2 / 2: x = -softmax(x + s)."""
    x = cp.Variable(4)
    return cp.Problem(cp.Minimize(cp.log_sum_exp(x + np.array(SCORES)) + 0.5 * cp.sum_squares(x)))


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, section 3.1.5; our data")
def smallest_norm() -> cp.Problem:
    """The nearest point with ln sum e^x_i <= 0: min |x|, x in R^3; the optimum is sqrt(3) ln 3."""
    x = cp.Variable(3)
    return cp.Problem(cp.Minimize(cp.norm(x)), [cp.log_sum_exp(x) <= 0])


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, exercise 4.33; our data")
def largest_of_several() -> cp.Problem:
    """The larger of two sums of exponentials: min max(e^x + e^-y, e^-x + e^y, e^(y - x)): by symmetry 2."""
    x, y = cp.Variable(), cp.Variable()
    terms = [cp.exp(x) + cp.exp(-y), cp.exp(-x) + cp.exp(y), cp.exp(y - x)]
    return cp.Problem(cp.Minimize(cp.maximum(*terms)))


@family.problem(source="Lambert W; Corless and others 1996; our data")
def lambert() -> cp.Problem:
    """A line against an exponential: max x, x + e^x <= 3; the optimum is 3 - W(e^3)."""
    x = cp.Variable()
    return cp.Problem(cp.Maximize(x), [x + cp.exp(x) <= 3])


@family.problem(source="Lambert W; Corless and others 1996; our data")
def x_exp_x() -> cp.Problem:
    """A perspective by hand: min x + y, y >= x ln x - that is (-y, x, 1) in the exponential cone: -e^-2."""
    x, y = cp.Variable(), cp.Variable()
    return cp.Problem(cp.Minimize(x + y), [cp.ExpCone(-y, x, np.array(1.0))])


@family.problem(source="Auer and others 2002, exponential weights; our data")
def game() -> cp.Problem:
    """A softened matrix game: min over the simplex x of ln sum_k e^((A x)_k), A of 4 x 3."""
    x = cp.Variable(3)
    return cp.Problem(cp.Minimize(cp.log_sum_exp(np.array(SCHEDULE) @ x)), [cp.sum(x) == 1, x >= 0])
