"""Entropy and relative entropy: distributions that know no more than they are told."""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from cvxtoken.library.cones.problem import Family

family = Family("entropy")

PRIOR = [5, 1, 4, 2, 8]
"""Counts; divided by 20 they are a distribution."""
SUPPORT = [-3, -2, -1, 0, 1, 2, 3]
TABLE_2 = [[1, 2], [3, 4]]
TABLE_3 = [[1, 2, 3, 1], [4, 1, 1, 2], [2, 5, 1, 3]]
ROWS_3, COLUMNS_3 = [6, 9, 5], [4, 7, 3, 6]
COST = [[0, 2, 5], [3, 1, 2], [6, 2, 0]]
SUPPLY, DEMAND = [0.5, 0.25, 0.25], [0.125, 0.375, 0.5]
WHITE = [-6.089, -17.164, -34.054, -5.914, -24.721, -14.986, -24.1, -10.708, -26.662, -22.179]
"""Free energies at 3500 K and 51 atm of H, H2, H2O, N, N2, NH, NO, O, O2, OH."""
ATOMS = [[1, 2, 2, 0, 0, 1, 0, 0, 0, 1], [0, 0, 0, 1, 2, 1, 1, 0, 0, 0], [0, 0, 1, 0, 0, 0, 1, 1, 2, 1]]
AMOUNT = [2, 1, 1]


@family.problem(source="Cover and Thomas, Elements of Information Theory, theorem 2.6.4")
def uniform() -> cp.Problem:
    """The most uncertain of ten outcomes: max sum entr(p), sum p = 1; the optimum is ln 10."""
    p = cp.Variable(10)
    return cp.Problem(cp.Maximize(cp.sum(cp.entr(p))), [cp.sum(p) == 1])


@family.problem(source="Jaynes, Brandeis lectures 1962: the dice problem")
def dice() -> cp.Problem:
    """A die whose mean is 4.5: max sum entr(p), sum p = 1, sum i p_i = 4.5, i = 1 .. 6."""
    p = cp.Variable(6)
    return cp.Problem(cp.Maximize(cp.sum(cp.entr(p))), [cp.sum(p) == 1, np.arange(1, 7) @ p == 4.5])


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, section 7.2; our data")
def two_moments() -> cp.Problem:
    """Mean 1/2 and second moment 2 on -3 .. 3: max sum entr(p), sum p = 1, a'p = 1/2, (a^2)'p = 2."""
    p, a = cp.Variable(7), np.array(SUPPORT)
    return cp.Problem(cp.Maximize(cp.sum(cp.entr(p))), [cp.sum(p) == 1, a @ p == 0.5, a**2 @ p == 2])


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, section 7.2; our data")
def prior_bounds() -> cp.Problem:
    """Entropy under inequalities.

    max sum entr(p), sum p = 1, -1/8 <= a'p <= 1/8, (a^2)'p <= 2, p_4 <= 1/8.
    """
    p, a = cp.Variable(7), np.array(SUPPORT)
    rules = [cp.sum(p) == 1, a @ p >= -0.125, a @ p <= 0.125, a**2 @ p <= 2, p[3] <= 0.125]
    return cp.Problem(cp.Maximize(cp.sum(cp.entr(p))), rules)


@family.problem(source="Csiszar 1975, I-divergence geometry; our data")
def information_projection() -> cp.Problem:
    """Nearest distribution to a prior with mean 2.

    min sum x ln(x / c), sum x = 20, sum i x_i = 40, i = 0 .. 4.
    """
    x = cp.Variable(5)
    mean = np.arange(5) @ x == 40
    return cp.Problem(cp.Minimize(cp.sum(cp.rel_entr(x, np.array(PRIOR)))), [cp.sum(x) == 20, mean])


@family.problem(source="Bregman 1967; our data")
def bregman_projection() -> cp.Problem:
    """Bregman projection of (1, 2, 3, 4) on sum x = 5.

    min sum x ln(x / a) - x + a; the optimum is 5 - 5 ln 2.
    """
    x = cp.Variable(4)
    return cp.Problem(cp.Minimize(cp.sum(cp.kl_div(x, np.arange(1, 5)))), [cp.sum(x) == 5])


@family.problem(source="Cover and Thomas, Elements of Information Theory, section 10.8; our data")
def two_coins() -> cp.Problem:
    """Two distributions that come close: min D(x || y), x_1 >= 3/4, y_1 <= 1/4; the optimum is ln(3) / 2."""
    x, y = cp.Variable(2), cp.Variable(2)
    rules = [cp.sum(x) == 1, cp.sum(y) == 1, x[0] >= 0.75, y[0] <= 0.25]
    return cp.Problem(cp.Minimize(cp.sum(cp.rel_entr(x, y))), rules)


@family.problem(source="Deming and Stephan 1940; our data")
def table_of_four() -> cp.Problem:
    """A 2 x 2 table fitted to margins: min sum x ln(x / a), rows (4, 6), columns (5, 5)."""
    x = cp.Variable((2, 2))
    rules = [cp.sum(x, axis=1) == [4, 6], cp.sum(x[:, 0]) == 5]
    return cp.Problem(cp.Minimize(cp.sum(cp.rel_entr(x, np.array(TABLE_2)))), rules)


@family.problem(source="Sinkhorn and Knopp 1967: scaling of matrices; our data")
def matrix_scaling() -> cp.Problem:
    """A 3 x 4 table scaled to margins, one equality redundant: min sum x ln(x / a), x 1 = r, x'1 = c."""
    x = cp.Variable((3, 4))
    rules = [cp.sum(x, axis=1) == ROWS_3, cp.sum(x, axis=0) == COLUMNS_3]
    return cp.Problem(cp.Minimize(cp.sum(cp.rel_entr(x, np.array(TABLE_3)))), rules)


@family.problem(source="Cuturi 2013, Sinkhorn distances; our data")
def transport() -> cp.Problem:
    """Optimal transport with entropy: min <C, P> + sum P ln P, P 1 = r, P'1 = c, all data dyadic."""
    P = cp.Variable((3, 3))
    value = cp.sum(cp.multiply(np.array(COST), P)) - cp.sum(cp.entr(P))
    return cp.Problem(cp.Minimize(value), [cp.sum(P, axis=1) == SUPPLY, cp.sum(P, axis=0) == DEMAND])


@family.problem(source="White, Johnson and Dantzig 1958; Hock and Schittkowski 1981, problem 112")
def chemical_equilibrium() -> cp.Problem:
    """Hydrazine and oxygen burn: min sum x_i (c_i + ln(x_i / s)), s = sum x, atoms of H, N, O conserved."""
    x, s = cp.Variable(10), cp.Variable()
    energy = np.array(WHITE) @ x + cp.sum(cp.rel_entr(x, s * np.ones(10)))
    return cp.Problem(cp.Minimize(energy), [np.array(ATOMS) @ x == AMOUNT, s == cp.sum(x)])


@family.problem(source="Smith and Missen 1982, Chemical Reaction Equilibrium Analysis; our data")
def dimer() -> cp.Problem:
    """A gas and its dimer: min a ln(a / s) + b ln(b / s) - b, s = a + b, a + 2 b = 2: a closed form in e."""
    a, b, s = cp.Variable(), cp.Variable(), cp.Variable()
    energy = cp.rel_entr(a, s) + cp.rel_entr(b, s) - b
    return cp.Problem(cp.Minimize(energy), [s == a + b, a + 2 * b == 2])


@family.problem(source="Fisk 1980, stochastic user equilibrium; our data")
def logit_traffic() -> cp.Problem:
    """Drivers choose among four roads by logit: min sum c_i x_i + x_i ln x_i, sum x = 8, x_4 <= 1."""
    x = cp.Variable(4)
    value = np.array([3, 2, 4, 1]) @ x - cp.sum(cp.entr(x))
    return cp.Problem(cp.Minimize(value), [cp.sum(x) == 8, x[3] <= 1])
