"""Norms: elementary geometry, roots of one equation, quadratic pieces in fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

from mpmath import mpf, sqrt

from cvxtoken.library.cones import socp as data
from tests.library.truths.tools import best_vertex, bisect, dot, newton, norm, number, solve_exact


def fermat() -> Any:
    """(a^2 + b^2 + c^2) / 2 + 2 sqrt(3) area is the square of the sum."""
    return sqrt(25 + 12 * sqrt(mpf(3)))


def weber() -> Any:
    def away(x: Any, p: Any) -> list[Any]:
        return [u - v for u, v in zip(x, p, strict=True)]

    def slopes(*x: Any) -> list[Any]:
        parts = [(w, away(x, p)) for w, p in zip(data.DEMAND, data.TOWNS, strict=True)]
        return [sum(w * d[k] / norm(d) for w, d in parts) for k in range(2)]

    x = newton(slopes, [3.4, 3])
    return sum(w * norm(away(x, p)) for w, p in zip(data.DEMAND, data.TOWNS, strict=True))


def weber_in_town() -> Any:
    """At 0 the two other unit vectors add up to less than 1."""
    pull = [1 - 3 / sqrt(mpf(10)), 1 / sqrt(mpf(10))]
    assert norm(pull) < 1
    return 4 + sqrt(mpf(10))


def steiner() -> Any:
    return 1 + sqrt(mpf(3))


def chebyshev_centre() -> Any:
    rows = [[a, b, sqrt_of(a * a + b * b)] for a, b, _ in data.HALFPLANES]
    return -best_vertex([0, 0, -1], rows, [c for _, _, c in data.HALFPLANES])


def sqrt_of(square: int) -> int:
    root = round(square**0.5)
    assert root * root == square
    return root


def enclosing_ball() -> Any:
    """13 * 14 * 15 / (4 * 84); the triangle is acute."""
    return mpf(65) / 8


def enclosing_ball_on_a_side() -> Any:
    return mpf(5)


def ball_of_balls() -> Any:
    """All three touch: |x - c_i| = r - r_i, and x is inside the triangle of the centres."""

    def touch(x: Any, y: Any, r: Any) -> list[Any]:
        return [(x - a) ** 2 + (y - b) ** 2 - (r - c) ** 2 for a, b, c in data.BALLS]

    x, y, r = newton(touch, [3, 2, 4])
    assert r > 2
    pulls = [[(x - a) / (r - c), (y - b) / (r - c)] for a, b, c in data.BALLS]
    turns = [pulls[i][0] * pulls[j][1] - pulls[i][1] * pulls[j][0] for i, j in [(0, 1), (1, 2), (2, 0)]]
    if min(turns) < 0 < max(turns):  # two decide
        candidates = [
            (norm([a - d, b - e]) + c + f) / 2
            for (a, b, c), (d, e, f) in zip(data.BALLS, data.BALLS[1:] + data.BALLS[:1], strict=True)
        ]
        r = max(candidates)
    return r


def to_an_ellipse() -> Any:
    """The nearest point is (16 u / (16 + s).

    4 v / (4 + s)) of (u, v), with the s that puts it on the ellipse.
    """
    u, v = 5, 4
    s = bisect(lambda s: 16 * u * u / (16 + s) ** 2 + 4 * v * v / (4 + s) ** 2 - 1, 0, 100)
    return norm([u * s / (16 + s), v * s / (4 + s)])


def refraction() -> Any:
    def slope(x: Any) -> Any:
        return x / norm([x, 3]) - 2 * (4 - x) / norm([4 - x, 2])

    x = bisect(slope, 0, 4)
    return norm([x, 3]) + 2 * norm([4 - x, 2])


def chain() -> Any:
    """By symmetry two slopes; pulls (h, -3/2), (h, -1/2) along the links.

    the middle one bears half the third node.
    """
    # 2 links of direction (h, 3) and (h, 1) over their lengths, whose x add up to 5 / 2
    h = bisect(lambda h: 2 * h / norm([h, 3]) + 2 * h / norm([h, 1]) - mpf(5) / 2, 0, 50)
    first, second = -6 / norm([h, 3]), -2 / norm([h, 1])
    return 2 * first + (first + second)


def robust_lp() -> Any:
    """Both hold with equality, and their multipliers are positive."""

    def tight(x: Any, y: Any) -> list[Any]:
        return [2 * x + y + norm([x, y]) - 8, x + 3 * y + norm([x, y]) - 9]

    x, y = newton(tight, [2, 1])
    n = norm([x, y])
    g = [[2 + x / n, 1 + y / n], [1 + x / n, 3 + y / n]]
    D = g[0][0] * g[1][1] - g[0][1] * g[1][0]
    assert (g[1][1] - g[1][0]) / D > 0
    assert (g[0][0] - g[0][1]) / D > 0
    return x + y


def rest(x: Any) -> list[Any]:
    return [dot(a, x) - b for a, b in zip(data.ROUGH, data.HEIGHTS, strict=True)]


def robust_least_squares() -> Any:
    def slopes(*x: Any) -> list[Any]:
        r = rest(x)
        return [dot([a[j] for a in data.ROUGH], r) / norm(r) + x[j] / norm(x) for j in range(2)]

    x = newton(slopes, [1, 1])
    return norm(rest(x)) + norm(x)


def root_lasso() -> Any:
    """Both entries are positive: the slopes of |A x - b| are -2."""

    def slopes(*x: Any) -> list[Any]:
        r = rest(x)
        return [dot([a[j] for a in data.ROUGH], r) / norm(r) + 2 for j in range(2)]

    x = newton(slopes, [1, 1])
    assert min(x) > 0
    return norm(rest(x)) + 2 * sum(x)


def huber() -> Any:
    """Every pattern of (below, near, above): the one whose optimum shows that pattern."""
    t, y = [Fraction(v) for v in data.TIMES], [Fraction(v) for v in data.READINGS]
    for pattern in product((-1, 0, 1), repeat=7):
        near = [i for i in range(7) if pattern[i] == 0]
        # sum over near of 2 r + sum of 2 sign over far, times (1, t)
        M = [[Fraction(len(near)), sum((t[i] for i in near), Fraction(0))]]
        M.append([M[0][1], sum((t[i] ** 2 for i in near), Fraction(0))])
        right = [sum((y[i] for i in near), Fraction(0)) - sum(pattern)]
        right.append(
            sum((t[i] * y[i] for i in near), Fraction(0))
            - sum(s * u for s, u in zip(pattern, t, strict=True))
        )
        found = solve_exact(M, right)
        if found is None:
            continue
        r = [found[0] + found[1] * u - v for u, v in zip(t, y, strict=True)]
        if all((v > 1) - (v < -1) == s for v, s in zip(r, pattern, strict=True)):
            return number(sum((v * v if abs(v) <= 1 else 2 * abs(v) - 1 for v in r), Fraction(0)))
    raise AssertionError


def group_lasso() -> Any:
    """A group t of norm n > 2 shrinks to (1 - 2 / n) t and costs 2 n - 2.

    a smaller one is 0 and costs n^2 / 2.
    """
    value = mpf(0)
    for g in data.GROUPS:
        n = norm([data.TARGETS[i] for i in g])
        value += 2 * n - 2 if n > 2 else n * n / 2
    return value


def total_variation() -> Any:
    """Runs (1, 1), (5, 5, 5), (2): the ends move by 1 over their length, the middle by 2."""
    low, middle, last = Fraction(1) + Fraction(1, 2), Fraction(5) - Fraction(2, 3), Fraction(3)
    square = 2 * (low - 1) ** 2 + 3 * (middle - 5) ** 2 + (last - 2) ** 2
    return number(square / 2 + (middle - low) + (middle - last))


def rectangle() -> Any:
    return 4 * sqrt(mpf(3))


def grasp() -> Any:
    """One finger bears 2, the other 4: it needs a normal force of 8, which acts on both: sqrt(64 + 16)."""
    return sqrt(mpf(80))
