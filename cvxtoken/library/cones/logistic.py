"""Logistic and Poisson regressions, and what follows from their likelihoods."""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from cvxtoken.library.cones.problem import Family

family = Family("logistic")

DOSE = [1.6907, 1.7242, 1.7552, 1.7842, 1.8113, 1.8369, 1.861, 1.8839]
BEETLES = [59, 60, 62, 56, 63, 59, 62, 60]
KILLED = [6, 13, 18, 28, 52, 53, 61, 60]
DEGREES = [66, 70, 69, 68, 67, 72, 73, 70, 57, 63, 70, 78, 67, 53, 67, 75, 70, 81, 76, 79, 75, 76, 58]
DISTRESS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1]
FEATURES = [[1, 2], [2, 1], [3, -1], [-1, -2], [-2, 1], [1, -3]]
LABELS = [1, 1, 1, -1, -1, -1]
CLASSES = [7, 2, 11]
WINS = [[0, 3, 5], [1, 0, 4], [2, 6, 0]]
"""Entry (i, j): how often i beat j."""
EVENTS, EXPOSURES = [2, 3, 6, 7, 8, 9, 10, 12, 15], [-1, -1, 0, 0, 0, 0, 1, 1, 1]
ARMS = [[1, 0], [0, 1], [1, 1]]
GOOD, BAD = [3, 2, 4], [2, 3, 1]


@family.problem(
    source="Bliss 1935, beetles and carbon disulphide; Dobson, Generalized Linear Models, table 7.2"
)
def beetles() -> cp.Problem:
    """Dose and death: min sum n_i ln(1 + e^t_i) - y_i t_i, t_i = a + b d_i."""
    a, b, t = cp.Variable(), cp.Variable(), cp.Variable(8)
    loss = np.array(BEETLES) @ cp.logistic(t) - np.array(KILLED) @ t
    return cp.Problem(cp.Minimize(loss), [t == a + b * np.array(DOSE)])


@family.problem(source="Dalal, Fowlkes and Hoadley 1989: the O-rings of the space shuttle, 23 flights")
def o_rings() -> cp.Problem:
    """Temperature and damage: min sum ln(1 + e^t_i) - y_i t_i, t_i = a + b d_i (d in degrees Fahrenheit)."""
    a, b, t = cp.Variable(), cp.Variable(), cp.Variable(23)
    loss = cp.sum(cp.logistic(t)) - np.array(DISTRESS) @ t
    return cp.Problem(cp.Minimize(loss), [t == a + b * np.array(DEGREES)])


@family.problem(source="Agresti, Categorical Data Analysis, section 5.1; our data")
def two_groups() -> cp.Problem:
    """Two groups, 3 of 10 and 9 of 12: min 10 f(a) - 3 a + 12 f(a + b) - 9 (a + b), f(t) = ln(1 + e^t)."""
    a, b = cp.Variable(), cp.Variable()
    loss = 10 * cp.logistic(a) - 3 * a + 12 * cp.logistic(a + b) - 9 * (a + b)
    return cp.Problem(cp.Minimize(loss))


@family.problem(
    source="Hastie, Tibshirani and Friedman, Elements of Statistical Learning, section 4.4; our data"
)
def ridge() -> cp.Problem:
    """Separable data held by a ridge: min sum ln(1 + e^(-y_i a_i'x)) + |x|^2 / 2."""
    x = cp.Variable(2)
    margins = np.array(FEATURES) * np.array(LABELS)[:, None] @ x
    return cp.Problem(cp.Minimize(cp.sum(cp.logistic(-margins)) + 0.5 * cp.sum_squares(x)))


@family.problem(source="Tibshirani 1996; our data")
def lasso() -> cp.Problem:
    """A penalty that leaves one feature: min sum ln(1 + e^(-y_i a_i'x)) + 7/2 |x|_1."""
    x = cp.Variable(2)
    margins = np.array(FEATURES) * np.array(LABELS)[:, None] @ x
    return cp.Problem(cp.Minimize(cp.sum(cp.logistic(-margins)) + 3.5 * cp.norm1(x)))


@family.problem(source="Tibshirani 1996; our data")
def lasso_of_nothing() -> cp.Problem:
    """A penalty that leaves no feature, with a kink at the optimum.

    The objective of `lasso` with weight 8; the optimum is 6 ln 2.
    """
    x = cp.Variable(2)
    margins = np.array(FEATURES) * np.array(LABELS)[:, None] @ x
    return cp.Problem(cp.Minimize(cp.sum(cp.logistic(-margins)) + 8 * cp.norm1(x)))


@family.problem(source="Tibshirani 1996; our data")
def lasso_at_the_edge() -> cp.Problem:
    """Without strict complementarity.

    The objective of `lasso` with weight 4, at which the first feature just leaves: 6 ln 2.
    """
    x = cp.Variable(2)
    margins = np.array(FEATURES) * np.array(LABELS)[:, None] @ x
    return cp.Problem(cp.Minimize(cp.sum(cp.logistic(-margins)) + 4 * cp.norm1(x)))


@family.problem(source="Albert and Anderson 1984: complete separation")
def separable() -> cp.Problem:
    """No optimum is attained: min sum ln(1 + e^(-y_i a_i'x)) on separable data; the infimum is 0."""
    x = cp.Variable(2)
    margins = np.array(FEATURES) * np.array(LABELS)[:, None] @ x
    return cp.Problem(cp.Minimize(cp.sum(cp.logistic(-margins))))


@family.problem(source="Agresti, Categorical Data Analysis, section 7.1; our data")
def multinomial() -> cp.Problem:
    """Three classes without features, with a line of optima: min 20 ln sum e^t_k - n't = 20 H(n / 20)."""
    t = cp.Variable(3)
    return cp.Problem(cp.Minimize(20 * cp.log_sum_exp(t) - np.array(CLASSES) @ t))


@family.problem(source="Bradley and Terry 1952; our data")
def bradley_terry() -> cp.Problem:
    """Strengths from games won: min sum_ij w_ij ln(1 + e^(t_j - t_i)), sum t = 0."""
    t, w = cp.Variable(3), WINS
    games = [w[i][j] * cp.logistic(t[j] - t[i]) for i in range(3) for j in range(3) if i != j]
    return cp.Problem(cp.Minimize(sum(games)), [cp.sum(t) == 0])


@family.problem(source="Dobson, Generalized Linear Models, table 4.3: nine counts at x = -1, 0, 1")
def poisson() -> cp.Problem:
    """Poisson regression with a logarithmic link: min sum e^t_i - y_i t_i, t_i = a + b x_i."""
    a, b, t = cp.Variable(), cp.Variable(), cp.Variable(9)
    loss = cp.sum(cp.exp(t)) - np.array(EVENTS) @ t
    return cp.Problem(cp.Minimize(loss), [t == a + b * np.array(EXPOSURES)])


@family.problem(source="Faury and others 2020, logistic bandits; our data")
def bandit() -> cp.Problem:
    """Optimism in a logistic bandit: max t_1 + t_2 over the parameters of loss at most 10, three arms."""
    t = cp.Variable(2)
    s = np.array(ARMS) @ t
    loss = np.array(GOOD) @ cp.logistic(-s) + np.array(BAD) @ cp.logistic(s)
    return cp.Problem(cp.Maximize(cp.sum(t)), [loss <= 10])


@family.problem(source="Royall 1997, Statistical Evidence: a likelihood interval; our data")
def likelihood_bound() -> cp.Problem:
    """The largest log-odds that 3 of 8 allow: max t, 3 ln(1 + e^-t) + 5 ln(1 + e^t) <= 6."""
    t = cp.Variable()
    return cp.Problem(cp.Maximize(t), [3 * cp.logistic(-t) + 5 * cp.logistic(t) <= 6])
