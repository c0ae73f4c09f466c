"""Badly scaled problems: numbers from 1e-9 to 1e9 side by side, as users write them."""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from cvxtoken.library.cones.problem import Family

family = Family("scaled")

NOISE = [1e-6, 1e-3, 1, 1e3, 1e6]
MASSES = [1e-6, 1e-3, 1, 1e4, 1e8]
MIXTURE = [[1e-3, 2, 5e4, 0], [3e-6, 0, 7e2, 1], [1, 1, 1, 1e-5]]
LIMITS = [1e5, 3e3, 40]
PAYOFFS = [1e-6, 3e-2, 5e3, 1e8]
CITIES = [[4e6, 1e6], [7e6, 1e6], [4e6, 5e6], [1e-3, 2e-3]]
COEFFICIENTS = [1e-6, 1e3, 1e8]
FAR = [[1048576, 1], [1048577, 3], [1048574, -2], [1048575, 5]]
INCOMES, BOUGHT = [18000, 25000, 31000, 42000, 56000, 78000, 120000], [0, 0, 1, 0, 1, 1, 1]
BASIS_POINTS = [[3e-4, -1e-4], [-2e-4, 4e-4], [1e-4, 2e-4]]
STAKE = 1e7
FACTOR = [[3e-4, 1e-4, 0], [0, 2, 1], [0, 0, 5e3]]
ENERGIES = [0, 10, 40]
DISTANCES = [[0, 100, 300], [150, 0, 80], [400, 90, 10]]
MARGIN = [0.5, 0.25, 0.25]
RATE = [0.04, 30, 9000]


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, example 5.2; our data")
def water_filling() -> cp.Problem:
    """Noise from 1e-6 to 1e6: max sum ln(a_i + x_i), sum x = 2000, x >= 0."""
    x = cp.Variable(5, nonneg=True)
    return cp.Problem(cp.Maximize(cp.sum(cp.log(np.array(NOISE) + x))), [cp.sum(x) == 2000])


@family.problem(source="Csiszar 1975; our data")
def masses() -> cp.Problem:
    """Masses from 1e-6 to 1e8: min sum x ln(x / m), sum x = 1000, x_5 <= 1."""
    x = cp.Variable(5)
    rules = [cp.sum(x) == 1000, x[4] <= 1]
    return cp.Problem(cp.Minimize(cp.sum(cp.rel_entr(x, np.array(MASSES)))), rules)


@family.problem(source="Bertsimas and Tsitsiklis, Introduction to Linear Optimization, section 1.1; our data")
def blending() -> cp.Problem:
    """A linear program with entries from 3e-6 to 5e4.

    max p'x, A x <= b, x >= 0, prices p from 1e-6 to 1e8.
    """
    x = cp.Variable(4, nonneg=True)
    return cp.Problem(cp.Maximize(np.array(PAYOFFS) @ x), [np.array(MIXTURE) @ x <= LIMITS])


@family.problem(source="Weber 1909; our data")
def far_cities() -> cp.Problem:
    """Towns millions of metres away and one at the origin.

    min sum |x - p_i|: the optimum is the first town.
    """
    x = cp.Variable(2)
    return cp.Problem(cp.Minimize(sum(cp.norm(x - np.array(p)) for p in CITIES)))


@family.problem(source="Duffin, Peterson and Zener 1967; our data")
def coefficients() -> cp.Problem:
    """A geometric program with factors from 1e-6 to 1e8: min 1e-6 e^(2 u + v) + 1e3 e^-u + 1e8 e^-v."""
    u, v, c = cp.Variable(), cp.Variable(), COEFFICIENTS
    value = c[0] * cp.exp(2 * u + v) + c[1] * cp.exp(-u) + c[2] * cp.exp(-v)
    return cp.Problem(cp.Minimize(value))


@family.problem(source="Sylvester 1857; our data")
def small_circle_far_away() -> cp.Problem:
    """The least disc round points near (2^20, 0): min r, |x - p_i| <= r."""
    x, r = cp.Variable(2), cp.Variable()
    return cp.Problem(cp.Minimize(r), [cp.norm(x - np.array(p)) <= r for p in FAR])


@family.problem(source="Hosmer and Lemeshow, Applied Logistic Regression, section 1.1; our data")
def incomes() -> cp.Problem:
    """Logistic regression on incomes in dollars: min sum ln(1 + e^t_i) - y_i t_i, t_i = a + b x_i."""
    a, b, t = cp.Variable(), cp.Variable(), cp.Variable(7)
    loss = cp.sum(cp.logistic(t)) - np.array(BOUGHT) @ t
    return cp.Problem(cp.Minimize(loss), [t == a + b * np.array(INCOMES)])


@family.problem(source="Kelly 1956; our data")
def basis_points() -> cp.Problem:
    """Gains of some 1e-4 a day, large loans: max sum_k ln(1 + r_k'x), x_1 + x_2 <= 1000."""
    x = cp.Variable(2)
    return cp.Problem(cp.Maximize(cp.sum(cp.log(1 + np.array(BASIS_POINTS) @ x))), [cp.sum(x) <= 1000])


@family.problem(source="Kelly 1956; our data")
def stake_in_cents() -> cp.Problem:
    """A coin and ten million: max 3 ln(w + x) + ln(w - x), w = 1e7: 4 ln w + 3 ln(3/2) + ln(1/2)."""
    x = cp.Variable()
    return cp.Problem(cp.Maximize(3 * cp.log(STAKE + x) + cp.log(STAKE - x)))


@family.problem(source="Markowitz 1952; our data")
def three_currencies() -> cp.Problem:
    """Deviations from 1e-4 to 1e3: min |F x|, sum x = 1."""
    x = cp.Variable(3)
    return cp.Problem(cp.Minimize(cp.norm(np.array(FACTOR) @ x)), [cp.sum(x) == 1])


@family.problem(source="White, Johnson and Dantzig 1958: trace species; our data")
def trace_species() -> cp.Problem:
    """A species of one part in 10^17.

    min sum x_i (c_i + ln(x_i / s)), s = sum x = 1, c = (0, 10, 40): -ln sum e^-c.
    """
    x, s = cp.Variable(3), cp.Variable()
    value = np.array(ENERGIES) @ x + cp.sum(cp.rel_entr(x, s * np.ones(3)))
    return cp.Problem(cp.Minimize(value), [s == cp.sum(x), s == 1])


@family.problem(source="Cuturi 2013; our data: a small regularisation")
def cold_transport() -> cp.Problem:
    """Optimal transport at a low temperature: min <C, P> + sum P ln P, costs to 400, P down to e^-560."""
    P = cp.Variable((3, 3))
    value = cp.sum(cp.multiply(np.array(DISTANCES), P)) - cp.sum(cp.entr(P))
    return cp.Problem(cp.Minimize(value), [cp.sum(P, axis=1) == MARGIN, cp.sum(P, axis=0) == MARGIN])


@family.problem(source="Huber 1964; our data")
def wild_reading() -> cp.Problem:
    """A mean with a reading of 1e9: min huber(m - 1) + huber(m - 1.25) + huber(m - 1e9), threshold 1."""
    m = cp.Variable()
    return cp.Problem(cp.Minimize(cp.sum(cp.huber(m - np.array([1, 1.25, 1e9]), 1))))


@family.problem(source="Robertson 1966: three rates; our data")
def three_clocks() -> cp.Problem:
    """Rates from 0.04 to 9000: min sum k_i e^x_i - x_i, sum x = -3."""
    x = cp.Variable(3)
    value = np.array(RATE) @ cp.exp(x) - cp.sum(x)
    return cp.Problem(cp.Minimize(value), [cp.sum(x) == -3])


@family.problem(source="Fiacco and McCormick 1968: a barrier at its end; our data")
def barrier() -> cp.Problem:
    """A linear program with a small barrier: min x + 2 y - 1e-6 (ln x + ln y + ln(x + y - 1))."""
    x, y = cp.Variable(), cp.Variable()
    return cp.Problem(cp.Minimize(x + 2 * y - 1e-6 * (cp.log(x) + cp.log(y) + cp.log(x + y - 1))))


@family.problem(source="Nesterov 2005: a sharp soft maximum; our data")
def sharp_maximum() -> cp.Problem:
    """A soft maximum that is nearly a hard one.

    min ln(e^(1000 x) + e^(-3000 x + 1) + e^(500 x - 700)); x near 0.
    """
    x = cp.Variable()
    terms = cp.hstack([1000 * x, 1 - 3000 * x, 500 * x - 700])
    return cp.Problem(cp.Minimize(cp.log_sum_exp(terms)))


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, section 4.4.2; our data")
def robust_prices() -> cp.Problem:
    """A robust linear program in large units.

    max 1e-3 x + 6e3 y, 1e-6 x + 10 y + |(1e-6 x, 4 y)| <= 1e3, x, y >= 0.
    """
    x, y = cp.Variable(nonneg=True), cp.Variable(nonneg=True)
    rule = 1e-6 * x + 10 * y + cp.norm(cp.hstack([1e-6 * x, 4 * y])) <= 1e3
    return cp.Problem(cp.Maximize(1e-3 * x + 6e3 * y), [rule])


@family.problem(source="White, Johnson and Dantzig 1958: trace species; our data")
def deeper_trace() -> cp.Problem:
    """Species below the least double.

    The problem of `trace_species` with energies (0, 400, 900): -ln(1 + e^-400 + e^-900).
    """
    x, s = cp.Variable(3), cp.Variable()
    value = np.array([0, 400, 900]) @ x + cp.sum(cp.rel_entr(x, s * np.ones(3)))
    return cp.Problem(cp.Minimize(value), [s == cp.sum(x), s == 1])


@family.problem(source="our data")
def beyond_doubles() -> cp.Problem:
    """A value above the greatest double: min e^x + e^-x, x >= 800: 2.7e347."""
    x = cp.Variable()
    return cp.Problem(cp.Minimize(cp.exp(x) + cp.exp(-x)), [x >= 800])


@family.problem(source="our data")
def large_exponent() -> cp.Problem:
    """A large exponential: min e^x - 1e9 x, x <= 100: at x = ln 1e9."""
    x = cp.Variable()
    return cp.Problem(cp.Minimize(cp.exp(x) - 1e9 * x), [x <= 100])
