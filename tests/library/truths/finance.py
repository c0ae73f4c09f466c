"""Bets and portfolios: closed forms, multipliers, roots of one equation."""

from __future__ import annotations

from typing import Any

from mpmath import exp, ln, matrix, mp, mpf, sqrt

from cvxtoken.library.cones import finance as data
from tests.library.truths.tools import best_vertex, bisect, dot, exact, newton, plog


def kelly_coin() -> Any:
    return ln(2) + plog(mpf(3) / 4) + plog(mpf(1) / 4)


def kelly_horses() -> Any:
    """Proportional bets b_i = p_i."""
    return sum(p * ln(3 * mpf(p) / 8) for p in (5, 2, 1))


def kelly_track_take() -> Any:
    """Bets b on the favourite alone and c = 1 - b.

    5 / (1 + b) = 3 / (1 - b), b = 1/4; others must not pay.
    """
    b = mpf(1) / 4
    price = 5 / (1 + b) + 3 / (1 - b)  # of a dollar of cash
    assert 2 * 5 / (1 + b) == price
    assert 2 * 2 / (1 - b) < price
    return 5 * ln(1 + b) + 3 * ln(1 - b)


def log_optimal() -> Any:
    R = exact(data.GROWTH)

    def marginals(x: list[Any]) -> list[Any]:
        return [sum(r[i] / dot(r, x) for r in R) for i in range(3)]

    def equations(a: Any, b: Any) -> list[Any]:
        g = marginals([a, b, 1 - a - b])
        return [g[0] - 4, g[1] - 4]

    a, b = newton(equations, [0.3, 0.3])
    x = [a, b, 1 - a - b]
    if min(x) < 0:  # no cash: one unknown
        a = bisect(lambda a: marginals([a, 1 - a, 0])[0] - marginals([a, 1 - a, 0])[1], 0, 1)
        x = [a, 1 - a, mpf(0)]
        assert marginals(x)[2] < 4
    return sum(ln(dot(r, x)) for r in R)


def kelly_drawdown() -> Any:
    """The bound is tight: 3 / u^3 + 1 / v^3 = 4 with u + v = 2, u > 1, which the best bet u = 3/2 breaks."""

    def bound(u: Any) -> Any:
        return 3 / u**3 + 1 / (2 - u) ** 3 - 4

    assert bound(mpf(1.5)) > 0
    u = bisect(bound, mpf(1.25), mpf(1.5))
    return 3 * ln(u) + ln(2 - u)


def exponential_utility() -> Any:
    R = exact(data.RETURNS)
    x = newton(lambda *x: [sum(r[j] * exp(-dot(r, x)) for r in R) for j in range(2)], [0, 0])
    return sum(exp(-dot(r, x)) for r in R)


def tilt(s: Any) -> list[Any]:
    w = [mpf(p) * exp(s * v) for p, v in zip(data.CHANCES, data.LOSSES, strict=True)]
    return [v / sum(w) for v in w]


def evar() -> Any:
    """The worst distribution is p e^(s L), with the s at which the divergence is 1/2."""

    def divergence(s: Any) -> Any:
        return sum(q * ln(q / p) for q, p in zip(tilt(s), data.CHANCES, strict=True)) - 0.5

    return dot(data.LOSSES, tilt(bisect(divergence, 0, 5)))


evar_dual = evar


def evar_portfolio() -> Any:
    """With x = (a, 1 - a): v(a, t) = t ln(E e^(loss / t)) + t / 4 is stationary in both."""
    R = exact(data.RETURNS[:4])

    def losses(a: Any) -> list[Any]:
        return [-dot(r, [a, 1 - a]) for r in R]

    def tilted(a: Any, t: Any) -> list[Any]:
        w = [exp(v / t) for v in losses(a)]
        return [v / sum(w) for v in w]

    def slopes(a: Any, t: Any) -> list[Any]:
        q = tilted(a, t)
        return [dot([r[1] - r[0] for r in R], q), sum(v * ln(4 * v) for v in q) - 0.25]

    a, t = newton(slopes, [mpf(1) / 2, 3])
    assert t > 0
    return dot(losses(a), tilted(a, t))


def covariance() -> Any:
    F = matrix(exact(data.FACTOR))
    return F.T * F


def products() -> tuple[Any, Any, Any]:
    """1'S^-1 1, 1'S^-1 m, m'S^-1 m."""
    one, m = matrix([1] * 3), matrix(exact(data.MEANS))
    u, v = mp.lu_solve(covariance(), one), mp.lu_solve(covariance(), m)
    return (one.T * u)[0], (one.T * v)[0], (m.T * v)[0]


def least_risk() -> Any:
    return 1 / sqrt(products()[0])


def best_return() -> Any:
    """The efficient frontier: return = b / a + sqrt((c - b^2 / a) (r^2 - 1 / a)) at the risk r."""
    a, b, c = products()
    return b / a + sqrt((c - b * b / a) * (9 - 1 / a))


def robust_return() -> Any:
    """Over the frontier.

    b / a + sqrt(d) y - 2 sqrt(1 / a + y^2) at its greatest, (b - sqrt(4 a - ...)) by calculus.
    """
    a, b, c = products()
    d = c - b * b / a
    assert d < 4
    return b / a - sqrt((4 - d) / a)


def risk_parity() -> Any:
    S = covariance()

    def slopes(*x: Any) -> list[Any]:
        return [x[i] * sum(S[i, j] * x[j] for j in range(3)) - data.SHARES[i] for i in range(3)]

    x = newton(slopes, [0.3, 0.3, 0.5])
    assert min(x) > 0
    return mpf(6) / 2 - sum(b * ln(v) for b, v in zip(data.SHARES, x, strict=True))


def risk_parity_of_two() -> Any:
    """x_i = y / s_i with y^2 (1 + 3/5) = 1."""
    y = 1 / sqrt(mpf(8) / 5)
    return 1 - ln(y / 3) - ln(y / 5)


def expected_shortfall() -> Any:
    """The mean of the two worst of five states, as a linear program over its vertices.

    x = (a, b, 1 - a - b).
    """
    R = data.SCENARIOS
    pairs = [(i, j) for i in range(5) for j in range(i)]
    # min v: v >= -(r_i + r_j)'x / 2
    rows, right = [[-1, 0, 0], [0, -1, 0], [1, 1, 0]], [0, 0, 1]
    for i, j in pairs:
        s = [R[i][k] + R[j][k] for k in range(3)]
        rows.append([s[2] - s[0], s[2] - s[1], -2])
        right.append(s[2])
    return best_vertex([0, 0, 1], rows, right)


def consumption() -> Any:
    """Shares 4 : 2 : 1 of the wealth's present value."""
    c = [mpf(4), mpf(1.5) * 2, mpf(1.5) ** 2]
    return 4 * ln(c[0]) + 2 * ln(c[1]) + ln(c[2])
