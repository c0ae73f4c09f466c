"""Experiment design: where to measure."""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from cvxtoken.library.cones.problem import Family

family = Family("design")

PUKELSHEIM = "Pukelsheim, Optimal Design of Experiments, "
COSTS = [1, 4, 9, 16, 25]
STRATA, DEVIATIONS = [5, 3, 2], [2, 4, 10]
POINTS = [0, 1, 2, 4]
"""Where a line can be measured: rows (1, t) of the design."""
NODES = [-1, -0.5, 0, 0.5, 1]
SPREAD = [[1, 0], [2, 1], [1, 3], [-1, 2]]
CUBIC = [-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1]


def information(w: cp.Variable) -> list[cp.Expression]:
    """Entries a, b, c of the matrix [[a, b], [b, c]] = sum w_i (1, t_i)(1, t_i)'."""
    t = np.array(POINTS)
    return [cp.sum(w), t @ w, t**2 @ w]


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, section 7.5.2: orthogonal experiments")
def a_optimal_diagonal() -> cp.Problem:
    """A-optimal, experiments that do not mix.

    min sum c_i / w_i, sum w = 1; the optimum is (sum sqrt c_i)^2 = 225.
    """
    w = cp.Variable(5)
    return cp.Problem(
        cp.Minimize(sum(cp.quad_over_lin(int(c**0.5), w[i]) for i, c in enumerate(COSTS))), [cp.sum(w) == 1]
    )


@family.problem(source="Neyman 1934, stratified sampling; our data")
def neyman() -> cp.Problem:
    """How many of each stratum to ask.

    min sum (N_i s_i)^2 / n_i, sum n = 14; the optimum is (sum N_i s_i)^2 / 14.
    """
    n = cp.Variable(3)
    parts = [cp.quad_over_lin(a * s, n[i]) for i, (a, s) in enumerate(zip(STRATA, DEVIATIONS, strict=True))]
    return cp.Problem(cp.Minimize(sum(parts)), [cp.sum(n) == 14])


@family.problem(
    source=PUKELSHEIM + "chapter 6; Boyd and Vandenberghe, Convex Optimization, section 7.5; our data"
)
def a_optimal_line() -> cp.Problem:
    """A-optimal line.

    min trace (sum w_i a_i a_i')^-1 as min sum |z_i|^2 / w_i, sum a_i z_i' = I, a_i = (1, t_i).
    """
    w, z = cp.Variable(4), cp.Variable((4, 2))
    rows = np.array([[1, t] for t in POINTS])
    value = sum(cp.quad_over_lin(z[i], w[i]) for i in range(4))
    return cp.Problem(cp.Minimize(value), [rows.T @ z == np.eye(2), cp.sum(w) == 1])


@family.problem(source="Sagnol 2011, optimal designs by second-order cones; our data")
def a_optimal_elfving() -> cp.Problem:
    """The same without weights: min sum |z_i|, sum a_i z_i' = I: the root of `a_optimal_line`."""
    z = cp.Variable((4, 2))
    rows = np.array([[1, t] for t in POINTS])
    return cp.Problem(cp.Minimize(sum(cp.norm(z[i]) for i in range(4))), [rows.T @ z == np.eye(2)])


@family.problem(source=PUKELSHEIM + "chapter 9; our data")
def d_optimal_line() -> cp.Problem:
    """D-optimal line.

    max t, t^2 + b^2 <= a c with the information matrix [[a, b], [b, c]]: half at either end, 2.
    """
    w, t = cp.Variable(4, nonneg=True), cp.Variable()
    a, b, c = information(w)
    cone = cp.SOC(a + c, cp.hstack([2 * t, 2 * b, a - c]))
    return cp.Problem(cp.Maximize(t), [cone, cp.sum(w) == 1])


@family.problem(source=PUKELSHEIM + "chapter 9; our data")
def d_optimal_vectors() -> cp.Problem:
    """D-optimal among four vectors of the plane: max t, t^2 + b^2 <= a c."""
    w, t, A = cp.Variable(4, nonneg=True), cp.Variable(), np.array(SPREAD)
    a, b, c = A[:, 0] ** 2 @ w, (A[:, 0] * A[:, 1]) @ w, A[:, 1] ** 2 @ w
    return cp.Problem(cp.Maximize(t), [cp.SOC(a + c, cp.hstack([2 * t, 2 * b, a - c])), cp.sum(w) == 1])


@family.problem(source=PUKELSHEIM + "chapter 6; our data")
def e_optimal_line() -> cp.Problem:
    """E-optimal line: max of the least eigenvalue, max (a + c - |(2 b, a - c)|) / 2."""
    w = cp.Variable(4, nonneg=True)
    a, b, c = information(w)
    return cp.Problem(cp.Maximize(0.5 * (a + c) - 0.5 * cp.norm(cp.hstack([2 * b, a - c]))), [cp.sum(w) == 1])


@family.problem(source="Hoel and Levine 1964, extrapolation; Elfving 1952")
def extrapolation() -> cp.Problem:
    """Where to measure a parabola to know it at 2.

    min sum |z_i|, sum z_i (1, t_i, t_i^2) = (1, 2, 4): Chebyshev's T_2(2) = 7.
    """
    z, t = cp.Variable(5), np.array(NODES)
    rules = [cp.sum(z) == 1, t @ z == 2, t**2 @ z == 4]
    return cp.Problem(cp.Minimize(cp.norm1(z)), rules)


@family.problem(source=PUKELSHEIM + "chapter 2: c-optimality; our data")
def slope_of_a_cubic() -> cp.Problem:
    """Where to measure a cubic to know its slope at 0.

    min sum |z_i|, sum z_i (1, t, t^2, t^3) = (0, 1, 0, 0).
    """
    z, t = cp.Variable(9), np.array(CUBIC)
    rules = [cp.sum(z) == 0, t @ z == 1, t**2 @ z == 0, t**3 @ z == 0]
    return cp.Problem(cp.Minimize(cp.norm1(z)), rules)


@family.problem(
    source="Boyd and Vandenberghe, Convex Optimization, section 7.5.2: D-optimal without mixing; our data"
)
def d_optimal_budget() -> cp.Problem:
    """Experiments that do not mix, with costs.

    max sum 2 ln w_1 + ln w_2 + 3 ln w_3, w_1 + 2 w_2 + 4 w_3 = 12, w_3 <= 1.
    """
    w = cp.Variable(3)
    value = np.array([2, 1, 3]) @ cp.log(w)
    return cp.Problem(cp.Maximize(value), [np.array([1, 2, 4]) @ w == 12, w[2] <= 1])
