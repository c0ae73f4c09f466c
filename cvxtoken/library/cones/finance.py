"""Money: bets, portfolios, and measures of risk."""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from cvxtoken.library.cones.problem import Family

family = Family("finance")

GROWTH = [[1.5, 0.75, 1], [0.75, 1.25, 1], [1, 1.25, 1], [1.25, 0.75, 1]]
"""What a dollar becomes in four equally likely states: two stocks and cash."""
RETURNS = [[8, -4], [-6, 5], [2, 3], [-2, -1], [4, -3]]
LOSSES = [0, 1, 2, 3, 7]
CHANCES = [0.5, 0.25, 0.125, 0.0625, 0.0625]
FACTOR = [[2, 1, 0], [0, 3, 1], [1, 0, 2], [1, 1, 1]]
"""F: the covariance is F'F."""
MEANS = [1, 2, 3]
SHARES = [1, 2, 3]
SCENARIOS = [[4, 1, 2], [-2, 3, 1], [1, -3, 2], [3, 2, -4], [0, 1, 1]]


@family.problem(source="Kelly 1956; Cover and Thomas, Elements of Information Theory, section 6.1")
def kelly_coin() -> cp.Problem:
    """A coin that wins 3 of 4.

    max 3/4 ln(1 + x) + 1/4 ln(1 - x); the optimum is ln 2 - H(1/4), at x = 1/2.
    """
    x = cp.Variable()
    return cp.Problem(cp.Maximize(0.75 * cp.log(1 + x) + 0.25 * cp.log(1 - x)))


@family.problem(
    source="Cover and Thomas, Elements of Information Theory, exercise 6.2: odds that do not favour"
)
def kelly_horses() -> cp.Problem:
    """Three horses at 3 for 1 and cash.

    max sum n_i ln(3 b_i + c), sum b + c = 1, n = (5, 2, 1); the odds are fair.
    """
    b, c = cp.Variable(3, nonneg=True), cp.Variable(nonneg=True)
    value = np.array([5, 2, 1]) @ cp.log(3 * b + c)
    return cp.Problem(cp.Maximize(value), [cp.sum(b) + c == 1])


@family.problem(source="Thorp 1969; our data")
def kelly_track_take() -> cp.Problem:
    """The track takes its part.

    max 5 ln(2 b1 + c) + 2 ln(2 b2 + c) + ln(2 b3 + c): only the favourite is bet on.
    """
    b, c = cp.Variable(3, nonneg=True), cp.Variable(nonneg=True)
    value = np.array([5, 2, 1]) @ cp.log(2 * b + c)
    return cp.Problem(cp.Maximize(value), [cp.sum(b) + c == 1])


@family.problem(source="Cover and Thomas, Elements of Information Theory, section 16.2; our data")
def log_optimal() -> cp.Problem:
    """Growth of a portfolio: max sum_k ln(r_k'x), sum x = 1, x >= 0: two stocks and cash, four states."""
    x = cp.Variable(3, nonneg=True)
    return cp.Problem(cp.Maximize(cp.sum(cp.log(np.array(GROWTH) @ x))), [cp.sum(x) == 1])


@family.problem(source="Busseti, Ryu and Boyd 2016, risk-constrained Kelly gambling; our data")
def kelly_drawdown() -> cp.Problem:
    """A coin under a bound on drawdowns.

    max 3 ln u + ln v, u + v = 2, E W^-3 <= 1 as 3 e^-3a + e^-3b <= 4, a <= ln u.
    """
    u, v, a, b = (cp.Variable() for _ in range(4))
    rules = [u + v == 2, a <= cp.log(u), b <= cp.log(v), 3 * cp.exp(-3 * a) + cp.exp(-3 * b) <= 4]
    return cp.Problem(cp.Maximize(3 * cp.log(u) + cp.log(v)), rules)


@family.problem(source="Markowitz 1959; Luenberger, Investment Science, section 9; our data")
def exponential_utility() -> cp.Problem:
    """Utility -e^-W in five equally likely states: min sum_k e^(-r_k'x), two assets."""
    x = cp.Variable(2)
    return cp.Problem(cp.Minimize(cp.sum(cp.exp(-np.array(RETURNS) @ x))))


@family.problem(source="Ahmadi-Javid 2012, entropic value-at-risk; our data")
def evar() -> cp.Problem:
    """Entropic value-at-risk at level e^-1/2: min u + t / 2, t E e^((L - u) / t) <= t."""
    u, t, z = cp.Variable(), cp.Variable(), cp.Variable(5)
    rules = [cp.ExpCone(np.array(LOSSES) - u, t * np.ones(5), z), np.array(CHANCES) @ z <= t]
    return cp.Problem(cp.Minimize(u + 0.5 * t), rules)


@family.problem(source="Ahmadi-Javid 2012, the dual representation; our data")
def evar_dual() -> cp.Problem:
    """The worst distribution near p: max q'L, sum q ln(q / p) <= 1/2, sum q = 1; equal to `evar`."""
    q = cp.Variable(5)
    near = cp.sum(cp.rel_entr(q, np.array(CHANCES))) <= 0.5
    return cp.Problem(cp.Maximize(np.array(LOSSES) @ q), [cp.sum(q) == 1, near])


@family.problem(source="Ahmadi-Javid and Fallah-Tafti 2019; our data")
def evar_portfolio() -> cp.Problem:
    """Least entropic value-at-risk at level e^-1/4 of -r_k'x, x_1 + x_2 = 1, four of five states."""
    x, u, t, z = cp.Variable(2), cp.Variable(), cp.Variable(), cp.Variable(4)
    loss = -np.array(RETURNS[:4]) @ x
    rules = [cp.ExpCone(loss - u, t * np.ones(4), z), cp.sum(z) <= 4 * t, cp.sum(x) == 1]
    return cp.Problem(cp.Minimize(u + 0.25 * t), rules)


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, section 4.4.1; Markowitz 1952; our data")
def least_risk() -> cp.Problem:
    """Least deviation: min |F x|, sum x = 1; the optimum is 1 / sqrt(1'(F'F)^-1 1)."""
    x = cp.Variable(3)
    return cp.Problem(cp.Minimize(cp.norm(np.array(FACTOR) @ x)), [cp.sum(x) == 1])


@family.problem(source="Lobo, Vandenberghe, Boyd and Lebret 1998, section 3.4; our data")
def best_return() -> cp.Problem:
    """Return under a risk: max m'x, sum x = 1, |F x| <= 3."""
    x = cp.Variable(3)
    rules = [cp.sum(x) == 1, cp.norm(np.array(FACTOR) @ x) <= 3]
    return cp.Problem(cp.Maximize(np.array(MEANS) @ x), rules)


@family.problem(source="Ben-Tal and Nemirovski 1999; Goldfarb and Iyengar 2003; our data")
def robust_return() -> cp.Problem:
    """The worst return over an ellipsoid: max m'x - 2 |F x|, sum x = 1, short sales allowed."""
    x = cp.Variable(3)
    value = np.array(MEANS) @ x - 2 * cp.norm(np.array(FACTOR) @ x)
    return cp.Problem(cp.Maximize(value), [cp.sum(x) == 1])


@family.problem(source="Spinu 2013, risk parity; our data")
def risk_parity() -> cp.Problem:
    """Shares (1, 2, 3) of the risk: min |F x|^2 / 2 - sum b_i ln x_i."""
    x = cp.Variable(3)
    value = 0.5 * cp.sum_squares(np.array(FACTOR) @ x) - np.array(SHARES) @ cp.log(x)
    return cp.Problem(cp.Minimize(value))


@family.problem(source="Maillard, Roncalli and Teiletche 2010: two assets; our data")
def risk_parity_of_two() -> cp.Problem:
    """Deviations 3 and 5, correlation 3/5: min |F x|^2 / 2 - ln x_1 - ln x_2 = 1 + ln 24."""
    x = cp.Variable(2)
    value = 0.5 * cp.sum_squares(np.array([[3, 3], [0, 4]]) @ x) - cp.log(x[0]) - cp.log(x[1])
    return cp.Problem(cp.Minimize(value))


@family.problem(source="Rockafellar and Uryasev 2000; our data")
def expected_shortfall() -> cp.Problem:
    """A linear program: min u + 5/2 E (-r_k'x - u)+ over five equal states (level 3/5), sum x = 1, x >= 0."""
    x, u = cp.Variable(3, nonneg=True), cp.Variable()
    excess = cp.pos(-np.array(SCENARIOS) @ x - u)
    return cp.Problem(cp.Minimize(u + 0.5 * cp.sum(excess)), [cp.sum(x) == 1])


@family.problem(source="Merton 1969: consumption over time with logarithmic utility; our data")
def consumption() -> cp.Problem:
    """Wealth eaten over three years that grows by half.

    max 4 ln c0 + 2 ln c1 + ln c2, w' = 3/2 (w - c), w0 = 7.
    """
    c, w = cp.Variable(3), cp.Variable(4)
    rules = [w[0] == 7, w[1:] == 1.5 * (w[:3] - c), w[3] >= 0]
    return cp.Problem(cp.Maximize(4 * cp.log(c[0]) + 2 * cp.log(c[1]) + cp.log(c[2])), rules)
