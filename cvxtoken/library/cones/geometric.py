"""Geometric programs: in logarithms by hand, so that nothing is rounded, and as CVXPY compiles them."""

from __future__ import annotations

import cvxpy as cp

from cvxtoken.library.cones.problem import Family

family = Family("geometric")

GAINS = [[8, 1, 2], [1, 6, 1], [1, 2, 8]]
POPULATION: list[list[float]] = [[1, 2, 4], [0.5, 0, 0], [0, 0.25, 0]]
"""A Leslie matrix: births of three ages, and who survives to the next."""
LOGS = "CVXPY takes logarithms of the constants, to the nearest double"


@family.problem(source="Duffin, Peterson and Zener, Geometric Programming 1967, chapter I")
def gravel() -> cp.Problem:
    """400 cubic yards in boxes (u = ln t): min 40 / (t1 t2 t3) + 20 t1 t3 + 10 t1 t2 + 40 t2 t3 = 100."""
    u = cp.Variable(3)
    cost = 40 * cp.exp(-u[0] - u[1] - u[2]) + 20 * cp.exp(u[0] + u[2])
    return cp.Problem(cp.Minimize(cost + 10 * cp.exp(u[0] + u[1]) + 40 * cp.exp(u[1] + u[2])))


@family.problem(source="Duffin, Peterson and Zener, Geometric Programming 1967, chapter I")
def gravel_on_a_budget() -> cp.Problem:
    """Boxes of limited walls (u = ln t): min 40 / (t1 t2 t3) + 40 t2 t3, t1 t3 / 2 + t1 t2 / 4 <= 1: 60."""
    u = cp.Variable(3)
    cost = 40 * cp.exp(-u[0] - u[1] - u[2]) + 40 * cp.exp(u[1] + u[2])
    wall = 0.5 * cp.exp(u[0] + u[2]) + 0.25 * cp.exp(u[0] + u[1])
    return cp.Problem(cp.Minimize(cost), [wall <= 1])


@family.problem(
    source="Boyd, Kim, Vandenberghe and Hassibi, A Tutorial on Geometric Programming 2007, section 2"
)
def box() -> cp.Problem:
    """The largest box in logarithms.

    max h + w + d, 2 e^(h + w) + 2 e^(h + d) <= 200, e^(w + d) <= 10: ln(50 sqrt 10).
    """
    h, w, d = cp.Variable(), cp.Variable(), cp.Variable()
    rules = [2 * cp.exp(h + w) + 2 * cp.exp(h + d) <= 200, cp.exp(w + d) <= 10]
    return cp.Problem(cp.Maximize(h + w + d), rules)


@family.problem(source="Boyd, Kim, Vandenberghe and Hassibi 2007, section 2", gp=True, rounded=LOGS)
def box_by_cvxpy() -> cp.Problem:
    """The largest box as a geometric program: max h w d, 2 (h w + h d) <= 200, w d <= 10: 50 sqrt 10."""
    h, w, d = (cp.Variable(pos=True) for _ in range(3))
    return cp.Problem(cp.Maximize(h * w * d), [2 * (h * w + h * d) <= 200, w * d <= 10])


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, section 4.5", gp=True)
def means() -> cp.Problem:
    """Arithmetic and geometric mean.

    min x + y + 1 / (x y) = 3; all constants are 1, so nothing is rounded.
    """
    x, y = cp.Variable(pos=True), cp.Variable(pos=True)
    return cp.Problem(cp.Minimize(x + y + 1 / (x * y)))


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, section 4.5.4: Perron's value")
def perron_golden() -> cp.Problem:
    """Growth of Fibonacci's rabbits.

    min t, sum_j A_ij e^(v_j - v_i - t) <= 1; the optimum is ln of the golden ratio.
    """
    v, t = cp.Variable(2), cp.Variable()
    rules = [cp.exp(-t) + cp.exp(v[1] - v[0] - t) <= 1, cp.exp(v[0] - v[1] - t) <= 1]
    return cp.Problem(cp.Minimize(t), rules)


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, section 4.5.4; Leslie 1945; our data")
def leslie() -> cp.Problem:
    """Growth of a population of three ages: min t, sum_j A_ij e^(v_j - v_i - t) <= 1."""
    v, t, A = cp.Variable(3), cp.Variable(), POPULATION
    rows = [sum(A[i][j] * cp.exp(v[j] - v[i] - t) for j in range(3) if A[i][j]) <= 1 for i in range(3)]
    return cp.Problem(cp.Minimize(t), rows)


@family.problem(source="Sutherland, Sproull and Harris, Logical Effort 1999: a chain of inverters")
def inverters() -> cp.Problem:
    """Sizes of four gates (u = ln x).

    min e^u1 + e^(u2 - u1) + e^(u3 - u2) + e^(u4 - u3), e^-u4 <= 1 / 128: 4 128^(1/4).
    """
    u = cp.Variable(4)
    delay = cp.exp(u[0]) + cp.sum(cp.exp(u[1:] - u[:-1]))
    return cp.Problem(cp.Minimize(delay), [cp.exp(-u[3]) <= 1 / 128])


@family.problem(source="Chiang, Geometric Programming for Communication Systems 2005; our data")
def power_control() -> cp.Problem:
    """Least power of three senders (u = ln p): min sum e^u_i, signal at least 2 (noise + interference)."""
    u, G = cp.Variable(3), GAINS
    rules = [
        2 * cp.exp(-u[i]) + sum(2 * G[i][j] * cp.exp(u[j] - u[i]) for j in range(3) if j != i) <= G[i][i]
        for i in range(3)
    ]
    return cp.Problem(cp.Minimize(cp.sum(cp.exp(u))), rules)


@family.problem(source="Duffin, Peterson and Zener 1967: one degree of difficulty; our data")
def one_degree() -> cp.Problem:
    """A posynomial with a cubic equation (u = ln x): min x + 1 / x + x^2, where 1 + 2 x = 1 / x^2."""
    u = cp.Variable()
    return cp.Problem(cp.Minimize(cp.exp(u) + cp.exp(-u) + cp.exp(2 * u)))


@family.problem(
    source="Boyd, Kim, Vandenberghe and Hassibi 2007; our data",
    gp=True,
    rounded=LOGS,
)
def two_bars() -> cp.Problem:
    """Weight of a frame as a geometric program.

    min 2 x y + z, 3 / x + 1 / y <= 1, 4 x <= z: 24 + 12 sqrt 3.
    """
    x, y, z = (cp.Variable(pos=True) for _ in range(3))
    return cp.Problem(cp.Minimize(2 * x * y + z), [3 / x + 1 / y <= 1, 4 * x / z <= 1])


@family.problem(source="Hardy, Littlewood and Polya, Inequalities, section 2.5; our data")
def weighted_means() -> cp.Problem:
    """Weighted means by hand: min 3 e^u + e^v + 2 e^w, u + v + 2 w = 0: the dual is a product of powers."""
    u, v, w = cp.Variable(), cp.Variable(), cp.Variable()
    value = 3 * cp.exp(u) + cp.exp(v) + 2 * cp.exp(w)
    return cp.Problem(cp.Minimize(value), [u + v + 2 * w == 0])
