"""Markets, bargaining, and fair shares."""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from cvxtoken.library.cones.problem import Family

family = Family("markets")

KELLY = "Kelly, Maulloo and Tan 1998, proportional fairness; our data"
TASTES = [[2, 1, 3], [1, 4, 1]]
DEGREES = [[3, 1], [1, 2], [2, 2]]
CAPACITIES = [1, 2, 5]


@family.problem(source="Eisenberg and Gale 1959; our data")
def fisher_of_two() -> cp.Problem:
    """Two buyers with money 1 and 2, two goods.

    max ln(2 x_11 + x_12) + 2 ln(x_21 + 3 x_22), a unit of each good.
    """
    x = cp.Variable((2, 2), nonneg=True)
    value = cp.log(2 * x[0, 0] + x[0, 1]) + 2 * cp.log(x[1, 0] + 3 * x[1, 1])
    return cp.Problem(cp.Maximize(value), [cp.sum(x, axis=0) == 1])


@family.problem(source="Eisenberg and Gale 1959; Vazirani, Algorithmic Game Theory, chapter 5; our data")
def fisher_of_three() -> cp.Problem:
    """Two buyers, three goods: max 3 ln u_1 + 2 ln u_2, a unit of each good."""
    x, U = cp.Variable((2, 3), nonneg=True), np.array(TASTES)
    value = 3 * cp.log(U[0] @ x[0]) + 2 * cp.log(U[1] @ x[1])
    return cp.Problem(cp.Maximize(value), [cp.sum(x, axis=0) == 1])


@family.problem(source="Shmyrev 2009; Birnbaum, Devanur and Xiao 2011; our data")
def fisher_by_prices() -> cp.Problem:
    """The same market by what is spent.

    max sum s_ij ln u_ij - sum p_j ln p_j: the taste's logarithm as -rel_entr(s, u s).
    """
    s, U = cp.Variable((2, 3), nonneg=True), TASTES
    tastes = sum(cp.rel_entr(s[i, j], U[i][j] * s[i, j]) for i in range(2) for j in range(3) if U[i][j] > 1)
    value = cp.sum(cp.entr(cp.sum(s, axis=0))) - tastes
    return cp.Problem(cp.Maximize(value), [cp.sum(s, axis=1) == [3, 2]])


@family.problem(source="Nash 1950, the bargaining problem; our data")
def nash_bargaining() -> cp.Problem:
    """Two bargain over a disc: max ln(u - 1) + ln(v), |(u, v)| <= 5; the threat is (1, 0)."""
    u = cp.Variable(2)
    return cp.Problem(cp.Maximize(cp.log(u[0] - 1) + cp.log(u[1])), [cp.norm(u) <= 5])


@family.problem(source="Kalai 1977, asymmetric bargaining; our data")
def weighted_bargaining() -> cp.Problem:
    """Three bargain over a polyhedron: max 3 ln u + 2 ln v + ln w, u + v + w <= 6, u + 2 v <= 4."""
    u = cp.Variable(3)
    rules = [cp.sum(u) <= 6, u[0] + 2 * u[1] <= 4]
    return cp.Problem(cp.Maximize(np.array([3, 2, 1]) @ cp.log(u)), rules)


@family.problem(source=KELLY)
def parking_lot() -> cp.Problem:
    """One long and three short flows.

    max sum ln x_i, x_0 + x_i <= 1; the long one gets 1/4: 3 ln(3/4) + ln(1/4).
    """
    x = cp.Variable(4)
    return cp.Problem(cp.Maximize(cp.sum(cp.log(x))), [x[0] + x[i] <= 1 for i in (1, 2, 3)])


@family.problem(source=KELLY)
def unequal_links() -> cp.Problem:
    """One long and three short flows: max sum ln x_i, x_0 + x_i <= c_i, c = (1, 2, 5)."""
    x = cp.Variable(4)
    return cp.Problem(
        cp.Maximize(cp.sum(cp.log(x))), [x[0] + x[i + 1] <= c for i, c in enumerate(CAPACITIES)]
    )


@family.problem(source="Mo and Walrand 2000, fair congestion control, alpha = 2; our data")
def least_delay_shares() -> cp.Problem:
    """Fairness by delays: min sum 1 / x_i, x_0 + x_i <= 1, three short flows: (1 + sqrt 3)^2."""
    x = cp.Variable(4)
    return cp.Problem(cp.Minimize(cp.sum(cp.inv_pos(x))), [x[0] + x[i] <= 1 for i in (1, 2, 3)])


@family.problem(source="Codenotti and Varadarajan 2004, Leontief economies; our data")
def leontief() -> cp.Problem:
    """Buyers of fixed recipes: max ln u + ln v + ln w, D'(u, v, w) <= (6, 5): two goods, three buyers."""
    u = cp.Variable(3)
    return cp.Problem(cp.Maximize(cp.sum(cp.log(u))), [np.array(DEGREES).T @ u <= [6, 5]])


@family.problem(source="Kleinrock 1964, capacities of a network; our data")
def kleinrock() -> cp.Problem:
    """Capacities that keep queues short.

    min sum f_i / (c_i - f_i), sum c = 24, f = (1, 4, 9): (1 + 2 + 3)^2 / 10.
    """
    c = cp.Variable(3)
    delay = sum(cp.quad_over_lin(r, c[i] - r * r) for i, r in enumerate((1, 2, 3)))
    return cp.Problem(cp.Minimize(delay), [cp.sum(c) == 24])
