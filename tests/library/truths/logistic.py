"""Regressions: the equations of the likelihood, by hand."""

from __future__ import annotations

from typing import Any

from mpmath import exp, ln, mpf

from cvxtoken.library.cones import logistic as data
from tests.library.truths.tools import bisect, dot, exact, newton, plog


def f(t: Any) -> Any:
    """The logistic loss ln(1 + e^t)."""
    return ln(1 + exp(t))


def sigmoid(t: Any) -> Any:
    return 1 / (1 + exp(-t))


def regression(d: Any, n: Any, y: Any, start: Any) -> Any:
    """The least sum n f(a + b d) - y (a + b d)."""
    d, n, y = exact(d), exact(n), exact(y)

    def slopes(a: Any, b: Any) -> list[Any]:
        rest = [m * sigmoid(a + b * u) - v for u, m, v in zip(d, n, y, strict=True)]
        return [sum(rest), dot(rest, d)]

    a, b = newton(slopes, start)
    return sum(m * f(a + b * u) - v * (a + b * u) for u, m, v in zip(d, n, y, strict=True))


def beetles() -> Any:
    return regression(data.DOSE, data.BEETLES, data.KILLED, [-60.7, 34.27])


def o_rings() -> Any:
    return regression(data.DEGREES, [1] * 23, data.DISTRESS, [15, -0.232])


def binomial(n: int, y: int) -> Any:
    """n f(t) - y t at its least, where sigmoid(t) = y / n."""
    p = mpf(y) / n
    return -n * (plog(p) + plog(1 - p))


def two_groups() -> Any:
    return binomial(10, 3) + binomial(12, 9)


def margins() -> list[list[Any]]:
    return [[mpf(y) * v for v in a] for a, y in zip(data.FEATURES, data.LABELS, strict=True)]


def slope(x: Any) -> list[Any]:
    """The gradient of sum f(-m_i'x)."""
    M = margins()
    return [-sum(sigmoid(-dot(m, x)) * m[j] for m in M) for j in range(2)]


def ridge() -> Any:
    x = newton(lambda *x: [g + v for g, v in zip(slope(x), x, strict=True)], [1, 1])
    return sum(f(-dot(m, x)) for m in margins()) + dot(x, x) / 2


def lasso() -> Any:
    """x_2 = 0, and the first entry has the slope -7/2."""
    t = bisect(lambda t: slope([t, 0])[0] + 3.5, 0, 5)
    assert t > 0
    assert abs(slope([t, 0])[1]) < 3.5
    return sum(f(-dot(m, [t, 0])) for m in margins()) + 3.5 * t


def lasso_of_nothing() -> Any:
    assert all(abs(g) < 8 for g in slope([0, 0]))
    return 6 * ln(2)


def lasso_at_the_edge() -> Any:
    assert [abs(g) for g in slope([0, 0])] == [4, 3]
    return 6 * ln(2)


def separable() -> Any:
    """Some x has all margins positive: along it the losses fall to 0."""
    assert all(dot(m, [2, 1]) > 0 for m in margins())
    return mpf(0)


def multinomial() -> Any:
    return -20 * sum(plog(mpf(n) / 20) for n in data.CLASSES)


def bradley_terry() -> Any:
    w = exact(data.WINS)

    def slopes(s: Any, t: Any) -> list[Any]:
        v = [s, t, -s - t]
        return [
            sum(w[j][i] * sigmoid(v[i] - v[j]) - w[i][j] * sigmoid(v[j] - v[i]) for j in range(3) if j != i)
            for i in range(2)
        ]

    s, t = newton(slopes, [0, 0])
    v = [s, t, -s - t]
    return sum(w[i][j] * f(v[j] - v[i]) for i in range(3) for j in range(3) if i != j)


def poisson() -> Any:
    """With u = e^a and v = e^b: the sums of the counts at -1, 0, 1 give two equations."""
    x, y = data.EXPOSURES, data.EVENTS

    def slopes(a: Any, b: Any) -> list[Any]:
        rest = [exp(a + b * u) - v for u, v in zip(x, y, strict=True)]
        return [sum(rest), dot(rest, x)]

    a, b = newton(slopes, [2, 0.5])
    return sum(y) - sum(v * (a + b * u) for u, v in zip(x, y, strict=True))


def bandit() -> Any:
    """At the optimum 1 = m dL/dt_1 = m dL/dt_2 and L = 10."""

    def loss(s: Any, t: Any) -> Any:
        return sum(g * f(-u) + b * f(u) for g, b, u in zip(data.GOOD, data.BAD, [s, t, s + t], strict=True))

    def equations(s: Any, t: Any) -> list[Any]:
        h = [
            b * sigmoid(u) - g * sigmoid(-u)
            for g, b, u in zip(data.GOOD, data.BAD, [s, t, s + t], strict=True)
        ]
        return [h[0] - h[1], loss(s, t) - 10]

    s, t = newton(equations, [1, 1])
    assert s + t > 0.5  # the other root is the least
    return s + t


def likelihood_bound() -> Any:
    return bisect(lambda t: 3 * f(-t) + 5 * f(t) - 6, ln(mpf(3) / 5), 3)
