"""Problems without a feasible point, nearly all with a vector that separates: z in K*, A'z = 0, b'z < 0."""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from cvxtoken.library.cones.problem import Family

family = Family("infeasible")

WEAK = (
    "weakly infeasible: the cone and the affine set do not meet, at a distance of 0: nothing separates them"
)
CROWD = [[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]]
"""Three men who know only the same two jobs."""
GAINS = [[2, 1, 1], [1, 2, 1], [1, 1, 2]]
FACTOR = [[2, 1, 0], [0, 3, 1], [1, 0, 2], [1, 1, 1]]


@family.problem(source="Farkas 1902; our data", claim="infeasible")
def farkas() -> cp.Problem:
    """A linear program.

    min x, x + 2 y >= 4, 2 x + y >= 4, x + y <= 2: the first two add up to x + y >= 8/3.
    """
    x, y = cp.Variable(), cp.Variable()
    return cp.Problem(cp.Minimize(x), [x + 2 * y >= 4, 2 * x + y >= 4, x + y <= 2])


@family.problem(source="Hall 1935, the marriage theorem; our data", claim="infeasible")
def marriage() -> cp.Problem:
    """Three men for two jobs: X >= 0 where they know the job, else 0, rows sum to 1, columns at most to 1."""
    X = cp.Variable((4, 4), nonneg=True)
    rules = [cp.sum(X, axis=1) == 1, cp.sum(X, axis=0) <= 1, cp.multiply(1 - np.array(CROWD), X) == 0]
    return cp.Problem(cp.Minimize(cp.sum(X[0])), rules)


@family.problem(source="our data", claim="infeasible")
def parity() -> cp.Problem:
    """Equalities that contradict: max entr(x) + entr(y), x + y = 1, 2 x + 2 y = 3."""
    x, y = cp.Variable(), cp.Variable()
    return cp.Problem(cp.Maximize(cp.entr(x) + cp.entr(y)), [x + y == 1, 2 * x + 2 * y == 3])


@family.problem(source="Monge 1781, Kantorovich 1942; our data", claim="infeasible")
def unequal_supply() -> cp.Problem:
    """A transport of 6 to a demand of 7: min -sum entr(P), P 1 = (3, 3), P'1 = (2, 2, 3)."""
    P = cp.Variable((2, 3))
    rules = [cp.sum(P, axis=1) == 3, cp.sum(P, axis=0) == [2, 2, 3]]
    return cp.Problem(cp.Minimize(-cp.sum(cp.entr(P))), rules)


@family.problem(source="our data", claim="infeasible")
def disc_and_line() -> cp.Problem:
    """A disc and a half-plane beside it: min x_2, |x| <= 1, 3 x_1 + 4 x_2 >= 6."""
    x = cp.Variable(2)
    return cp.Problem(cp.Minimize(x[1]), [cp.norm(x) <= 1, 3 * x[0] + 4 * x[1] >= 6])


@family.problem(source="our data", claim="infeasible")
def disc_and_line_close_by() -> cp.Problem:
    """A disc and a half-plane a billionth away: min x_2, |x| <= 1, x_1 >= 1 + 2^-30."""
    x = cp.Variable(2)
    return cp.Problem(cp.Minimize(x[1]), [cp.norm(x) <= 1, x[0] >= 1 + 2**-30])


@family.problem(source="Helly 1923; our data", claim="infeasible")
def three_discs() -> cp.Problem:
    """Each two of three discs meet, not all three.

    min r, r >= x_1, |x - p_i| <= 29/8, p = (0, 0), (7, 0), (3, 6).
    """
    x, r = cp.Variable(2), cp.Variable()
    rules = [cp.norm(x - np.array(p)) <= 3.625 for p in [(0, 0), (7, 0), (3, 6)]]
    return cp.Problem(cp.Minimize(r), [r >= x[0], *rules])


@family.problem(source="Markowitz 1952; our data", claim="infeasible")
def too_little_risk() -> cp.Problem:
    """A deviation that no portfolio has: max x_1, sum x = 1, |F x| <= 2 (the least is 2.0928)."""
    x = cp.Variable(3)
    return cp.Problem(cp.Maximize(x[0]), [cp.sum(x) == 1, cp.norm(np.array(FACTOR) @ x) <= 2])


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, section 3.1.3", claim="infeasible")
def logarithm_above_its_line() -> cp.Problem:
    """The logarithm is below x - 1: min x, ln x >= x."""
    x = cp.Variable()
    return cp.Problem(cp.Minimize(x), [cp.log(x) >= x])


@family.problem(source="our data", claim="infeasible")
def logarithm_just_above() -> cp.Problem:
    """Less than a millionth too high: min x, ln x >= x - 1 + 2^-20."""
    x = cp.Variable()
    return cp.Problem(cp.Minimize(x), [cp.log(x) >= x - 1 + 2**-20])


@family.problem(source="our data", claim="infeasible")
def tower() -> cp.Problem:
    """A tower of exponentials: min x, e^x <= y, e^y <= z, e^z <= 15, x >= 0: e^e is 15.15."""
    x, y, z = cp.Variable(), cp.Variable(), cp.Variable()
    return cp.Problem(cp.Minimize(x), [cp.exp(x) <= y, cp.exp(y) <= z, cp.exp(z) <= 15, x >= 0])


@family.problem(
    source="Cover and Thomas, Elements of Information Theory, theorem 2.6.4; our data", claim="infeasible"
)
def too_much_entropy() -> cp.Problem:
    """More entropy than ten outcomes have: min p_1, sum p = 1, sum entr(p) >= 2.5 (ln 10 is 2.303)."""
    p = cp.Variable(10)
    return cp.Problem(cp.Minimize(p[0]), [cp.sum(p) == 1, cp.sum(cp.entr(p)) >= 2.5])


@family.problem(source="Csiszar 1975; our data", claim="infeasible")
def two_balls_of_information() -> cp.Problem:
    """Distributions near (3/4, 1/4) and near (1/4, 3/4).

    max x_1, D(x || p) <= 1/8, D(x || q) <= 1/8 (1/2 ln 4/3 > 1/8).
    """
    x = cp.Variable(2)
    rules = [cp.sum(cp.rel_entr(x, np.array(p))) <= 0.125 for p in ([0.75, 0.25], [0.25, 0.75])]
    return cp.Problem(cp.Maximize(x[0]), [cp.sum(x) == 1, *rules])


@family.problem(
    source="Boyd and Vandenberghe, Convex Optimization, section 3.1.5; our data", claim="infeasible"
)
def soft_maximum_too_low() -> cp.Problem:
    """ln sum e^x_i >= ln 4 where sum x = 0: min x_1, ln sum e^x_i <= 1.375."""
    x = cp.Variable(4)
    return cp.Problem(cp.Minimize(x[0]), [cp.sum(x) == 0, cp.log_sum_exp(x) <= 1.375])


@family.problem(source="Chiang 2005, power control; our data", claim="infeasible")
def loud_neighbours() -> cp.Problem:
    """Three senders disturb each other too much (u = ln p).

    min sum e^u_i, 2 >= e^-u_i + sum_j e^(u_j - u_i), sum u <= 40.
    """
    u, G = cp.Variable(3), GAINS
    rules = [
        cp.exp(-u[i]) + sum(G[i][j] * cp.exp(u[j] - u[i]) for j in range(3) if j != i) <= G[i][i]
        for i in range(3)
    ]
    return cp.Problem(cp.Minimize(cp.sum(cp.exp(u))), [*rules, cp.sum(u) <= 40])


@family.problem(
    source="Boyd and Vandenberghe, Convex Optimization, section 4.5; our data", claim="infeasible", gp=True
)
def arithmetic_and_geometric_mean() -> cp.Problem:
    """A geometric program: min x, x + y <= 1, x y >= 1: two numbers of product 1 sum to 2 at least."""
    x, y = cp.Variable(pos=True), cp.Variable(pos=True)
    return cp.Problem(cp.Minimize(x), [x + y <= 1, x * y >= 1])


@family.problem(
    source="Cover and Thomas, Elements of Information Theory, section 7.1.5; our data", claim="infeasible"
)
def above_capacity() -> cp.Problem:
    """A rate of 5/8 over the erasure channel of capacity 3/4 ln 2.

    min x_1, 3/4 sum entr(x) >= 5/8, sum x = 1.
    """
    x = cp.Variable(2)
    return cp.Problem(cp.Minimize(x[0]), [cp.sum(x) == 1, 0.75 * cp.sum(cp.entr(x)) >= 0.625])


@family.problem(source="Royall 1997, Statistical Evidence; our data", claim="infeasible")
def unlikely() -> cp.Problem:
    """A loss below the least: max t, 3 ln(1 + e^-t) + 5 ln(1 + e^t) <= 5.25 (8 H(3/8) is 5.29)."""
    t = cp.Variable()
    return cp.Problem(cp.Maximize(t), [3 * cp.logistic(-t) + 5 * cp.logistic(t) <= 5.25])


@family.problem(source="Stieltjes 1894, the problem of moments; our data", claim="infeasible")
def impossible_moments() -> cp.Problem:
    """A second moment below the mean's square.

    max sum entr(p), sum p = 1, i'p = 3, (i^2)'p = 8, i = 0 .. 6.
    """
    p, i = cp.Variable(7), np.arange(7)
    return cp.Problem(cp.Maximize(cp.sum(cp.entr(p))), [cp.sum(p) == 1, i @ p == 3, i**2 @ p == 8])


@family.problem(source="our data", claim="infeasible")
def beyond_a_large_number() -> cp.Problem:
    """Two large numbers: min x, e^x <= y, x >= 50, y <= 5e21: e^50 is 5.18e21."""
    x, y = cp.Variable(), cp.Variable()
    return cp.Problem(cp.Minimize(x), [cp.exp(x) <= y, x >= 50, y <= 5e21])


@family.problem(source="Goldberg 1991: sums of doubles", claim="infeasible")
def rounding() -> cp.Problem:
    """What doubles do.

    min x, x = 0.1, y = 0.2, x + y = 0.3: of decimals true, of the doubles false by 2.8e-17.
    """
    x, y = cp.Variable(), cp.Variable()
    return cp.Problem(cp.Minimize(x), [x == 0.1, y == 0.2, x + y == 0.3])


@family.problem(
    source="Boyd and Vandenberghe, Convex Optimization, section 5.8", claim="infeasible", without_proof=WEAK
)
def exponential_below_zero() -> cp.Problem:
    """An exponential that is not positive: min x, e^x <= 0."""
    x = cp.Variable()
    return cp.Problem(cp.Minimize(x), [cp.exp(x) <= 0])


@family.problem(source="Luo, Sturm and Zhang 1997; Andersen 2002", claim="infeasible", without_proof=WEAK)
def hyperbola_and_its_asymptote() -> cp.Problem:
    """A hyperbola and its asymptote: min y, sqrt(x y) >= 1, x = 0."""
    x = cp.Variable(2)
    return cp.Problem(cp.Minimize(x[1]), [cp.SOC(x[0] + x[1], cp.hstack([2, x[0] - x[1]])), x[0] == 0])
