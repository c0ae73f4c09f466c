"""Medium problems: structure by hand, or Newton on few multipliers."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations
from typing import Any

from mpmath import exp, lambertw, ln, mpf, sqrt

from cvxtoken.library.cones import medium as data
from tests.library.truths.channels import level
from tests.library.truths.tools import bisect, dot, newton, norm, number, plog


def forty_patients() -> Any:
    A, y = data.PATIENTS, data.OUTCOMES

    def slopes(*x: Any) -> list[Any]:
        rest = [1 / (1 + exp(-dot(a, x))) - v for a, v in zip(A, y, strict=True)]
        return [dot([a[j] for a in A], rest) + x[j] for j in range(4)]

    x = newton(slopes, [0] * 4)
    return sum(ln(1 + exp(dot(a, x))) - v * dot(a, x) for a, v in zip(A, y, strict=True)) + dot(x, x) / 2


def table_of_forty_two() -> Any:
    """Row factors r_i / sum_j a_ij v_j, so that the columns give six equations for six potentials."""
    A, r, c = data.TABLE, data.ROWS, data.COLUMNS

    def cells(w: Any) -> list[list[Any]]:
        v = [*(exp(t) for t in w), mpf(1)]
        return [[r[i] * A[i][j] * v[j] / dot(A[i], v) for j in range(7)] for i in range(6)]

    def margins(*w: Any) -> list[Any]:
        x = cells(w)
        return [sum(row[j] for row in x) - c[j] for j in range(6)]

    x = cells(newton(margins, [0] * 6))
    return sum(v * ln(v / a) for row, of in zip(x, A, strict=True) for v, a in zip(row, of, strict=True))


def assignment_of_seven() -> Any:
    C = data.COSTS
    return mpf(min(sum(C[i][p[i]] for i in range(7)) for p in permutations(range(7))))


def alphabet() -> Any:
    return ln(8) + sum(plog(mpf(p)) for p in data.ROW)


def fifty_states() -> Any:
    """p_i ~ exp(s (i - 20) + t (i - 20)^2): two equations, mean 20 and variance 100."""
    d = [i - 20 for i in range(50)]

    def p(s: Any, t: Any) -> list[Any]:
        w = [exp(s * v + t * v * v) for v in d]
        return [v / sum(w) for v in w]

    s, t = newton(lambda s, t: [dot(d, p(s, t)), dot([v * v for v in d], p(s, t)) / 100 - 1], [0, -0.005])
    return -sum(plog(v) for v in p(s, t))


def thirty_loans() -> Any:
    """1 / |F^-T 1|, forward: d_0 y_0 = 1, y_i-1 + d_i y_i = 1."""
    y = [Fraction(1, data.LOANS[0])]
    for d in data.LOANS[1:]:
        y.append((1 - y[-1]) / d)
    return 1 / sqrt(number(sum((v * v for v in y), Fraction(0))))


def forty_channels() -> Any:
    return sum(ln(number(v)) for v in level([Fraction(a) for a in data.NOISE], 300))


def isotonic() -> Any:
    """Pool adjacent violators: blocks of (sum, size)."""
    blocks: list[tuple[int, int]] = []
    for t in data.TREND:
        total, size = t, 1
        while blocks and Fraction(*blocks[-1]) >= Fraction(total, size):
            a, b = blocks.pop()
            total, size = total + a, size + b
        blocks.append((total, size))
    squares = sum(t * t for t in data.TREND)
    return number(squares - sum((Fraction(a * a, b) for a, b in blocks), Fraction(0)))


def evar_of_many() -> Any:
    """The tilted distribution whose divergence from the uniform one is 1."""
    L = data.LOSSES

    def tilted(s: Any) -> list[Any]:
        w = [exp(s * v) for v in L]
        return [v / sum(w) for v in w]

    (s,) = newton(lambda s: [ln(32) + sum(plog(q) for q in tilted(s)) - 1], [0.05])
    assert s > 0
    return dot(L, tilted(s))


def proximal_step() -> Any:
    """x_i + e^x_i / Z = s_i, so x_i = s_i - W(e^s_i / Z): one equation for ln Z."""

    def x(log_z: Any) -> list[Any]:
        return [s - lambertw(exp(s - log_z)).real for s in data.SCORES]

    (log_z,) = newton(lambda z: [ln(sum(exp(v) for v in x(z))) - z], [6])
    found = x(log_z)
    return log_z + sum((v - s) ** 2 for v, s in zip(found, data.SCORES, strict=True)) / 2


def cheapest_way() -> Any:
    """From the last crossing backwards."""
    down, across = data.TOLLS
    cost = [[0] * 5 for _ in range(5)]
    for i in reversed(range(5)):
        for j in reversed(range(5)):
            ways = ([across[i][j] + cost[i][j + 1]] if j < 4 else []) + (
                [down[i][j] + cost[i + 1][j]] if i < 4 else []
            )
            cost[i][j] = min(ways, default=0)
    return mpf(cost[0][0])


def twenty_links() -> Any:
    return mpf(4410)


def ten_groups() -> Any:
    return sum(20 * n - 200 if (n := norm(t)) > 20 else n * n / 2 for t in data.PYTHAGORAS)


def cross_polytope() -> Any:
    return mpf(3)


def long_chain() -> Any:
    """By symmetry the link i bears a pull of (h, 2 i - 1) half units, i = 1 .. 10 from the middle."""
    half = data.LINKS // 2

    def width(h: Any) -> Any:
        return sum(2 * h / norm([h, 2 * i - 1]) for i in range(1, half + 1)) - mpf(data.SPAN) / 2

    h = bisect(width, 0, 1000)
    fall = [2 * (2 * i - 1) / norm([h, 2 * i - 1]) for i in range(half, 0, -1)]
    heights = [-sum(fall[: k + 1]) for k in range(half)]
    return 2 * sum(heights[:-1]) + heights[-1]


def large_counts() -> Any:
    return sum(data.VISITS) * (1 - ln(3))


def seventeen_horses() -> Any:
    """Bets on the first k of the falling chances.

    c = (1 - P_k) / (1 - k / 16), b_i = p_i - c / 16 where positive.
    """
    p = [Fraction(v, 100) for v in data.HORSES]
    assert sum(p) == 1
    for k in range(len(p)):
        c = (1 - sum(p[:k])) / (1 - Fraction(k, 16))
        if 16 * p[k] <= c:
            wealth = [max(16 * v, c) for v in p]
            return sum(100 * number(v) * ln(number(w)) for v, w in zip(p, wealth, strict=True))
    raise AssertionError


def long_drive() -> Any:
    """sum u = 0, sum (17 - k) u_k = 100: the slopes 8.5 .. -8.5."""
    return 100 / sqrt(2 * sum((k + mpf(0.5)) ** 2 for k in range(9)))
