"""Log-sum-exp: stationarity in closed form, or by Newton."""

from __future__ import annotations

from typing import Any

from mpmath import exp, lambertw, ln, mpf, sqrt

from cvxtoken.library.cones import logsumexp as data
from tests.library.truths.tools import dot, exact, newton, plog


def three_exponentials() -> Any:
    return 2 * sqrt(mpf(2)) * exp(-mpf(0.1))


def conjugate() -> Any:
    return -sum(plog(mpf(c)) for c in data.PULLS)


def unconstrained_gp() -> Any:
    A, b = exact(data.TERMS), exact(data.SHIFTS)

    def terms(x: Any) -> list[Any]:
        return [exp(dot(a, x) + s) for a, s in zip(A, b, strict=True)]

    def gradient(*x: Any) -> list[Any]:
        return [dot([a[j] for a in A], terms(x)) for j in range(3)]

    return ln(sum(terms(newton(gradient, [0, 0, 0]))))


def smoothed_maximum() -> Any:
    s = exact(data.SCORES)

    def weights(x: Any) -> list[Any]:
        return [exp(v + c) for v, c in zip(x, s, strict=True)]

    def stationary(*x: Any) -> list[Any]:
        w = weights(x)
        return [v / sum(w) + t for v, t in zip(w, x, strict=True)]

    x = newton(stationary, [-0.25] * 4)
    return ln(sum(weights(x))) + dot(x, x) / 2


def smallest_norm() -> Any:
    return sqrt(mpf(3)) * ln(3)


def largest_of_several() -> Any:
    """At y = x the first two are e^x + e^-x >= 2.

    their mean is >= 2 at every point, and the third is 1 at 0.
    """
    return mpf(2)


def lambert() -> Any:
    return 3 - lambertw(exp(3)).real


def x_exp_x() -> Any:
    """x + x ln x falls until ln x = -2."""
    return -exp(mpf(-2))


def game() -> Any:
    """Two multipliers' equations on the support that a scan of the supports finds.

    here it has x_1, x_2, x_3 > 0.
    """
    A = exact(data.SCHEDULE)

    def weights(x: Any) -> list[Any]:
        return [exp(dot(a, x)) for a in A]

    def slopes(x: Any) -> list[Any]:
        w = weights(x)
        return [dot([a[j] for a in A], w) / sum(w) for j in range(3)]

    def equations(x: Any, y: Any) -> list[Any]:
        g = slopes([x, y, 1 - x - y])
        return [g[0] - g[1], g[1] - g[2]]

    x, y = newton(equations, [mpf(1) / 3, mpf(1) / 3])
    assert min(x, y, 1 - x - y) > 0
    return ln(sum(weights([x, y, 1 - x - y])))
