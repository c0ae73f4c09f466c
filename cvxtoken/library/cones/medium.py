"""Problems of twenty to sixty unknowns, whose structure still gives their answers away.

Random data are whole numbers of a recorded seed.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import cvxpy as cp
import numpy as np

from cvxtoken.library.cones.problem import Family

family = Family("medium")


def whole(seed: int, low: int, high: int, *shape: int) -> list[Any]:
    """Whole numbers from low to high, the same on every machine."""
    found: list[Any] = np.random.default_rng(seed).integers(low, high + 1, shape).tolist()
    return found


PATIENTS = whole(1, -3, 3, 40, 4)
OUTCOMES = [int(sum(row) + noise > 0) for row, noise in zip(PATIENTS, whole(2, -4, 4, 40), strict=True)]
TABLE = whole(3, 1, 9, 6, 7)
ROWS, COLUMNS = [21, 14, 28, 7, 35, 42], [21, 21, 21, 21, 21, 21, 21]
COSTS = whole(4, 0, 30, 7, 7)
ROW = [0.25, 0.25, 0.125, 0.125, 0.125, 0.0625, 0.03125, 0.03125]
"""The chances to be received 0 .. 7 letters further in the alphabet."""
NOISE = whole(5, 1, 60, 40)
TREND = [k + noise for k, noise in enumerate(whole(6, -8, 8, 30))]
LOSSES = whole(7, -20, 40, 32)
SCORES = whole(8, -5, 5, 24)
TOLLS = whole(9, 1, 9, 4, 5), whole(10, 1, 9, 5, 4)
"""Of the steps to the right, and of those down, on a 5 x 5 grid of crossings."""
FLOWS = [k * k for k in range(1, 21)]
PYTHAGORAS = [(3, 4), (5, 12), (8, 15), (7, 24), (20, 21), (12, 35), (9, 40), (28, 45), (11, 60), (16, 63)]
LOANS = whole(11, 1, 5, 30)
BASES, CALLS = whole(12, 1000, 9000, 25), whole(13, -2, 2, 25)
VISITS = [base * 3 for base in BASES]
HORSES = [20, 15, 12, 10, 8, 7, 6, 5, 4, 3, 2, 2, 2, 1, 1, 1, 1]
LINKS, SPAN = 20, 30


@family.problem(
    source="Hastie, Tibshirani and Friedman, Elements of Statistical Learning, section 4.4; our data"
)
def forty_patients() -> cp.Problem:
    """Logistic regression with a ridge: min sum ln(1 + e^t_i) - y_i t_i + |x|^2 / 2, t = A x, A of 40 x 4."""
    x, t = cp.Variable(4), cp.Variable(40)
    loss = cp.sum(cp.logistic(t)) - np.array(OUTCOMES) @ t
    return cp.Problem(cp.Minimize(loss + 0.5 * cp.sum_squares(x)), [t == np.array(PATIENTS) @ x])


@family.problem(source="Deming and Stephan 1940; our data")
def table_of_forty_two() -> cp.Problem:
    """A 6 x 7 table scaled to margins: min sum x ln(x / a), x 1 = r, x'1 = c; one equality is redundant."""
    x = cp.Variable((6, 7))
    rules = [cp.sum(x, axis=1) == ROWS, cp.sum(x, axis=0) == COLUMNS]
    return cp.Problem(cp.Minimize(cp.sum(cp.rel_entr(x, np.array(TABLE)))), rules)


@family.problem(source="Kuhn 1955; our data")
def assignment_of_seven() -> cp.Problem:
    """Seven to seven: min <C, X>, rows and columns of X sum to 1, X >= 0."""
    X = cp.Variable((7, 7), nonneg=True)
    rules = [cp.sum(X, axis=0) == 1, cp.sum(X, axis=1) == 1]
    return cp.Problem(cp.Minimize(cp.sum(cp.multiply(np.array(COSTS), X))), rules)


@family.problem(
    source="Cover and Thomas, Elements of Information Theory, section 7.2: symmetric channels; our data"
)
def alphabet() -> cp.Problem:
    """A channel of eight letters that shifts them: max H(P x) - sum_j x_j H(P_j) = ln 8 - H(row)."""
    x, n = cp.Variable(8), range(8)
    P = np.array([[ROW[(i - j) % 8] for j in n] for i in n])
    noise = sum(ROW[k] * cp.sum(cp.rel_entr(x, ROW[k] * x)) for k in n)
    return cp.Problem(cp.Maximize(cp.sum(cp.entr(P @ x)) - noise), [cp.sum(x) == 1])


@family.problem(source="Jaynes 1957; our data")
def fifty_states() -> cp.Problem:
    """Most entropy on 0 .. 49 with mean 20 and second moment 500: max sum entr(p), sum p = 1."""
    p, i = cp.Variable(50), np.arange(50)
    rules = [cp.sum(p) == 1, i @ p == 20, i**2 @ p == 500]
    return cp.Problem(cp.Maximize(cp.sum(cp.entr(p))), rules)


@family.problem(source="Markowitz 1952; our data")
def thirty_loans() -> cp.Problem:
    """Least deviation of thirty assets, each tied to the next.

    min |F x|, F_ii = d_i, F_i,i+1 = 1, sum x = 1.
    """
    x = cp.Variable(30)
    F = np.diag(LOANS) + np.diag(np.ones(29), 1)
    return cp.Problem(cp.Minimize(cp.norm(F @ x)), [cp.sum(x) == 1])


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, example 5.2; our data")
def forty_channels() -> cp.Problem:
    """Power over forty channels: max sum ln(a_i + x_i), sum x = 300, x >= 0."""
    x = cp.Variable(40, nonneg=True)
    return cp.Problem(cp.Maximize(cp.sum(cp.log(np.array(NOISE) + x))), [cp.sum(x) == 300])


@family.problem(source="Barlow and others 1972, isotonic regression; our data")
def isotonic() -> cp.Problem:
    """The nearest sequence that does not fall: min |x - t|^2, x_i <= x_i+1, thirty readings."""
    x = cp.Variable(30)
    return cp.Problem(cp.Minimize(cp.sum_squares(x - np.array(TREND))), [cp.diff(x) >= 0])


@family.problem(source="Ahmadi-Javid 2012, entropic value-at-risk; our data")
def evar_of_many() -> cp.Problem:
    """Entropic value-at-risk at level e^-1 of 32 equal states: min u + t, E t e^((L - u) / t) <= t."""
    u, t, z = cp.Variable(), cp.Variable(), cp.Variable(32)
    rules = [cp.ExpCone(np.array(LOSSES) - u, t * np.ones(32), z), cp.sum(z) <= 32 * t]
    return cp.Problem(cp.Minimize(u + t), rules)


@family.problem(source="Beck and Teboulle 2012; our data")
def proximal_step() -> cp.Problem:
    """The proximal step of log-sum-exp in 24 dimensions: min ln sum e^x_i + |x - s|^2 / 2."""
    x = cp.Variable(24)
    return cp.Problem(cp.Minimize(cp.log_sum_exp(x) + 0.5 * cp.sum_squares(x - np.array(SCORES))))


@family.problem(source="Dijkstra 1959; Ahuja, Magnanti and Orlin, Network Flows, chapter 4; our data")
def cheapest_way() -> cp.Problem:
    """A way through a 5 x 5 grid as a flow: min tolls'f, f >= 0, a unit from one corner to the other."""
    across, down = cp.Variable((5, 4), nonneg=True), cp.Variable((4, 5), nonneg=True)
    value = cp.sum(cp.multiply(np.array(TOLLS[1]), across)) + cp.sum(cp.multiply(np.array(TOLLS[0]), down))
    rules = []
    for i in range(5):
        for j in range(5):
            out = ([across[i, j]] if j < 4 else []) + ([down[i, j]] if i < 4 else [])
            into = ([across[i, j - 1]] if j else []) + ([down[i - 1, j]] if i else [])
            rules.append(sum(out) - sum(into) == int(i == j == 0) - int(i == j == 4))
    return cp.Problem(cp.Minimize(value), rules)


@family.problem(source="Kleinrock 1964; our data")
def twenty_links() -> cp.Problem:
    """Capacities of twenty links.

    min sum k^2 / (c_k - k^2), sum c = sum k^2 + 10: (1 + .. + 20)^2 / 10 = 4410.
    """
    c = cp.Variable(20)
    delay = sum(cp.quad_over_lin(k, c[k - 1] - k * k) for k in range(1, 21))
    return cp.Problem(cp.Minimize(delay), [cp.sum(c) == sum(FLOWS) + 10])


@family.problem(source="Yuan and Lin 2006; our data")
def ten_groups() -> cp.Problem:
    """Ten pairs of legs of right triangles: min |x - t|^2 / 2 + 20 sum |x_g|; a whole or half number."""
    x = cp.Variable((10, 2))
    value = 0.5 * cp.sum_squares(x - np.array(PYTHAGORAS)) + 20 * sum(cp.norm(x[g]) for g in range(10))
    return cp.Problem(cp.Minimize(value))


@family.problem(source="Sylvester 1857; our data: all points decide")
def cross_polytope() -> cp.Problem:
    """The least ball round 20 points +-3 e_i + (1, .., 10).

    min r, |x - p| <= r: 3, with very many dual optima.
    """
    x, r, c = cp.Variable(10), cp.Variable(), np.arange(1, 11)
    points = [c + sign * 3 * np.eye(10, dtype=int)[i] for i in range(10) for sign in (1, -1)]
    return cp.Problem(cp.Minimize(r), [cp.norm(x - p) <= r for p in points])


@family.problem(source="Lobo, Vandenberghe, Boyd and Lebret 1998, section 3.6; our data")
def long_chain() -> cp.Problem:
    """A chain of 20 links of length 2 over a span of 30: min sum of the heights, |p_i+1 - p_i| <= 2."""
    p = cp.Variable((LINKS - 1, 2))
    ends = [np.zeros(2), *(p[i] for i in range(LINKS - 1)), np.array([SPAN, 0])]
    return cp.Problem(cp.Minimize(cp.sum(p[:, 1])), [cp.norm(b - a) <= 2 for a, b in pairwise(ends)])


@family.problem(source="McCullagh and Nelder, Generalized Linear Models, chapter 6; our data")
def large_counts() -> cp.Problem:
    """Poisson regression with counts of thousands.

    min sum n_i e^t_i - y_i t_i, t = a + b x, y = 3 n: a = ln 3, b = 0.
    """
    a, b, t = cp.Variable(), cp.Variable(), cp.Variable(25)
    loss = np.array(BASES) @ cp.exp(t) - np.array(VISITS) @ t
    return cp.Problem(cp.Minimize(loss), [t == a + b * np.array(CALLS)])


@family.problem(source="Thorp 1969; Kelly 1956; our data")
def seventeen_horses() -> cp.Problem:
    """A race at 16 for 1, of 17 horses: max sum p_i ln(16 b_i + c), sum b + c = 1, p in percent."""
    b, c = cp.Variable(17, nonneg=True), cp.Variable(nonneg=True)
    return cp.Problem(cp.Maximize(np.array(HORSES) @ cp.log(16 * b + c)), [cp.sum(b) + c == 1])


@family.problem(source="Bryson and Ho, Applied Optimal Control, chapter 2; our data")
def long_drive() -> cp.Problem:
    """A cart moved from rest to rest by 100 in 18 steps: min |u|, p' = p + v, v' = v + u."""
    p, v, u = cp.Variable(19), cp.Variable(19), cp.Variable(18)
    rules = [p[0] == 0, v[0] == 0, p[18] == 100, v[18] == 0]
    rules += [p[1:] == p[:-1] + v[:-1], v[1:] == v[:-1] + u]
    return cp.Problem(cp.Minimize(cp.norm(u)), rules)
