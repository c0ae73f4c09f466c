"""Entropies: the distributions are known up to multipliers, which solve the equations of the moments."""

from __future__ import annotations

from typing import Any

from mpmath import e, exp, ln, mpf, sqrt

from cvxtoken.library.cones import entropy as data
from tests.library.truths.tools import bisect, dot, exact, newton, plog


def uniform() -> Any:
    return ln(10)


def tilted(weights: Any, a: Any, t: Any) -> list[Any]:
    w = [c * exp(t * v) for c, v in zip(weights, a, strict=True)]
    total = sum(w)
    return [v / total for v in w]


def dice() -> Any:
    faces = range(1, 7)
    t = bisect(lambda t: dot(faces, tilted([1] * 6, faces, t)) - 4.5, 0, 2)
    return -sum(plog(p) for p in tilted([1] * 6, faces, t))


def two_moments() -> Any:
    a = [mpf(v) for v in data.SUPPORT]

    def p(s: Any, t: Any) -> list[Any]:
        return tilted([exp(t * v * v) for v in a], a, s)

    s, t = newton(lambda s, t: (dot(a, p(s, t)) - 0.5, dot([v * v for v in a], p(s, t)) - 2), [0, 0])
    return -sum(plog(v) for v in p(s, t))


def prior_bounds() -> Any:
    """The mean is 0 by symmetry; p_4 = 1/8 and the second moment 2 are tight."""
    others = [1, 4, 9]  # squares of +-1, +-2, +-3, which share 7/8 in pairs
    share = mpf(7) / 8

    def pairs(t: Any) -> list[Any]:
        return [share * v for v in tilted([1] * 3, others, t)]

    t = bisect(lambda t: dot(others, pairs(t)) - 2, -3, 3)
    assert t < 0  # so that the bound on the second moment pushes
    return -plog(mpf(1) / 8) - 2 * sum(plog(v / 2) for v in pairs(t))


def information_projection() -> Any:
    prior, i = data.PRIOR, range(5)
    t = bisect(lambda t: dot(i, tilted(prior, i, t)) - 2, -3, 3)
    return sum(20 * v * ln(20 * v / c) for v, c in zip(tilted(prior, i, t), prior, strict=True))


def bregman_projection() -> Any:
    return 5 - 5 * ln(2)


def two_coins() -> Any:
    return ln(3) / 2


def table_of_four() -> Any:
    """The odds ratio 1 * 4 / (2 * 3) stays: x (1 + x) 3 = 2 (4 - x) (5 - x), x the first entry."""
    x = (-21 + sqrt(mpf(21 * 21 + 4 * 40))) / 2  # x^2 + 21 x - 40 = 0
    cells = [x, 4 - x, 5 - x, 1 + x]
    assert abs(3 * cells[0] * cells[3] - 2 * cells[1] * cells[2]) < mpf(10) ** -50
    return sum(v * ln(v / a) for v, a in zip(cells, [1, 2, 3, 4], strict=True))


def matrix_scaling() -> Any:
    A, r, c = exact(data.TABLE_3), data.ROWS_3, data.COLUMNS_3

    def cells(u1: Any, u2: Any, u3: Any, v1: Any, v2: Any, v3: Any) -> list[list[Any]]:
        u, v = [u1, u2, u3], [v1, v2, v3, mpf(0)]
        return [[A[i][j] * exp(u[i] + v[j]) for j in range(4)] for i in range(3)]

    def margins(*potentials: Any) -> list[Any]:
        x = cells(*potentials)
        return [sum(x[i]) - r[i] for i in range(3)] + [sum(row[j] for row in x) - c[j] for j in range(3)]

    x = cells(*newton(margins, [0] * 6))
    return sum(v * ln(v / a) for row, of in zip(x, A, strict=True) for v, a in zip(row, of, strict=True))


def transport() -> Any:
    C, r, c = exact(data.COST), data.SUPPLY, data.DEMAND

    def plan(u1: Any, u2: Any, u3: Any, v1: Any, v2: Any) -> list[list[Any]]:
        u, v = [u1, u2, u3], [v1, v2, mpf(0)]
        return [[exp(u[i] + v[j] - C[i][j]) for j in range(3)] for i in range(3)]

    def margins(*potentials: Any) -> list[Any]:
        P = plan(*potentials)
        return [sum(P[i]) - r[i] for i in range(3)] + [sum(row[j] for row in P) - c[j] for j in range(2)]

    P = plan(*newton(margins, [-1] * 5))
    return sum(C[i][j] * P[i][j] + plog(P[i][j]) for i in range(3) for j in range(3))


def chemical_equilibrium() -> Any:
    """x_i = s exp(pi' a_i - c_i).

    the atoms and sum x = s are four equations for pi and ln s; the value is pi'b.
    """
    c, A, b = exact(data.WHITE), data.ATOMS, data.AMOUNT

    def parts(p: Any) -> list[Any]:
        return [exp(sum(p[k] * A[k][i] for k in range(3)) - c[i]) for i in range(10)]

    def equations(p1: Any, p2: Any, p3: Any, log_s: Any) -> list[Any]:
        f = parts([p1, p2, p3])
        return [exp(log_s) * dot(A[k], f) - b[k] for k in range(3)] + [sum(f) - 1]

    p1, p2, p3, _ = newton(equations, [-9.785, -12.969, -15.222, 0.4918])
    return dot(b, [p1, p2, p3])


def dimer() -> Any:
    """With the share f of the dimer.

    (1 - f)^2 e = f, so that the energies of two single ones and a dimer agree.
    """
    f = (2 * e + 1 - sqrt(4 * e + 1)) / (2 * e)
    s = 2 / (1 + f)
    a, b = s * (1 - f), s * f
    return a * ln(a / s) + b * ln(b / s) - b


def logit_traffic() -> Any:
    """Without the limit road 4 had more than 1; with it the others share 7 by exp(-c)."""
    weights = [exp(-mpf(c)) for c in (3, 2, 4)]
    x = [7 * w / sum(weights) for w in weights] + [mpf(1)]
    assert 8 * exp(mpf(-1)) / (sum(weights) + exp(mpf(-1))) > 1
    return dot([3, 2, 4, 1], x) + sum(plog(v) for v in x)
