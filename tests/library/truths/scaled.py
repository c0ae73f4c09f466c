"""Badly scaled problems: the same roads as elsewhere; 60 digits do not mind."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from mpmath import exp, ln, matrix, mp, mpf, sqrt, workdps

from cvxtoken.library.cones import scaled as data
from tests.library.truths.channels import level
from tests.library.truths.tools import best_vertex, bisect, dot, exact, newton, norm, number, plog


def water_filling() -> Any:
    return sum(ln(number(v)) for v in level([Fraction(a) for a in data.NOISE], 2000))


def masses() -> Any:
    """x_5 = 1, the others share 999 as their masses."""
    m = exact(data.MASSES)
    total = sum(m[:4])
    assert 1000 * m[4] / sum(m) > 1
    return 999 * ln(999 / total) + ln(1 / m[4])


def blending() -> Any:
    A = [*data.MIXTURE, *[[-int(i == j) for j in range(4)] for i in range(4)]]
    return -best_vertex([-p for p in data.PAYOFFS], A, [*data.LIMITS, 0, 0, 0, 0])


def far_cities() -> Any:
    """The first town: the three unit vectors from it to the others add up to less than 1."""
    p = exact(data.CITIES)
    ways = [[u - v for u, v in zip(q, p[0], strict=True)] for q in p[1:]]
    pull = [sum(w[k] / norm(w) for w in ways) for k in range(2)]
    assert norm(pull) < 1
    return sum(norm(w) for w in ways)


def coefficients() -> Any:
    """Weights of the terms: 2 d_1 = d_2, d_1 = d_3."""
    a, b, c = exact(data.COEFFICIENTS)
    return sqrt(sqrt((4 * a) * (2 * b) ** 2 * (4 * c)))


def small_circle_far_away() -> Any:
    """The least of the discs through two or three points that hold all."""
    p, best = [[mpf(u - 1048576), mpf(v)] for u, v in data.FAR], None
    centres = [[(p[i][k] + p[j][k]) / 2 for k in range(2)] for i in range(4) for j in range(i)]
    for skipped in range(4):
        a, b, c = (p[i] for i in range(4) if i != skipped)
        M = matrix([[2 * (v[0] - a[0]), 2 * (v[1] - a[1])] for v in (b, c)])
        centres.append(list(mp.lu_solve(M, matrix([dot(v, v) - dot(a, a) for v in (b, c)]))))
    for x in centres:
        r = max(norm([x[0] - q[0], x[1] - q[1]]) for q in p)
        best = r if best is None or r < best else best
    return best


def incomes() -> Any:
    x, y = [mpf(v) / 10000 for v in data.INCOMES], data.BOUGHT

    def slopes(a: Any, b: Any) -> list[Any]:
        rest = [1 / (1 + exp(-a - b * u)) - v for u, v in zip(x, y, strict=True)]
        return [sum(rest), dot(rest, x)]

    a, b = newton(slopes, [-3, 1])
    return sum(ln(1 + exp(a + b * u)) - v * (a + b * u) for u, v in zip(x, y, strict=True))


def basis_points() -> Any:
    """The loan is at its limit; x = (a, 1000 - a)."""
    R = exact(data.BASIS_POINTS)

    def marginals(x: Any) -> list[Any]:
        return [sum(r[j] / (1 + dot(r, x)) for r in R) for j in range(2)]

    def difference(a: Any) -> Any:
        g = marginals([a, 1000 - a])
        return g[0] - g[1]

    a = bisect(difference, -500, 1500)
    assert min(marginals([a, 1000 - a])) > 0
    return sum(ln(1 + dot(r, [a, 1000 - a])) for r in R)


def stake_in_cents() -> Any:
    return 4 * ln(mpf(data.STAKE)) + 3 * ln(mpf(3) / 2) + ln(mpf(1) / 2)


def three_currencies() -> Any:
    """1 / |F^-T 1|."""
    y = mp.lu_solve(matrix(exact(data.FACTOR)).T, matrix([1] * 3))
    return 1 / norm(list(y))


def trace_species() -> Any:
    return -ln(sum(exp(-mpf(c)) for c in data.ENERGIES))


def cold_transport() -> Any:
    """Potentials by Newton in 250 digits, as the plan off the diagonal is e^-85 and less."""
    with workdps(250):
        C, r = exact(data.DISTANCES), exact(data.MARGIN)

        def plan(potentials: Any) -> list[list[Any]]:
            u, v = potentials[:3], [*potentials[3:], mpf(0)]
            return [[exp(u[i] + v[j] - C[i][j]) for j in range(3)] for i in range(3)]

        def margins(*potentials: Any) -> list[Any]:
            P = plan(potentials)
            rows = [sum(P[i]) - r[i] for i in range(3)]
            return rows + [sum(row[j] for row in P) - r[j] for j in range(2)]

        v = [mpf(0), mpf(0)]  # the diagonal holds nearly all: u_i + v_i = C_ii + ln r_i
        start = [C[i][i] + ln(r[i]) - w for i, w in enumerate([*v, mpf(0)])]
        P = plan(newton(margins, [*start, *v]))
        return sum(C[i][j] * P[i][j] + plog(P[i][j]) for i in range(3) for j in range(3))


def wild_reading() -> Any:
    """2 (m - 1) + 2 (m - 5/4) = 2."""
    m = mpf(13) / 8
    return (m - 1) ** 2 + (m - 1.25) ** 2 + 2 * (mpf(1e9) - m) - 1


def three_clocks() -> Any:
    """All k_i e^x_i are equal: (prod k e^-3)^(1/3)."""
    k = exact(data.RATE)
    return 3 * (k[0] * k[1] * k[2]) ** (mpf(1) / 3) * exp(mpf(-1)) + 3


def barrier() -> Any:
    m = mpf(1e-6)

    def slopes(x: Any, y: Any) -> list[Any]:
        s = m / (x + y - 1)
        return [x * (1 - s) - m, y * (2 - s) - m]

    x, y = newton(slopes, [1 + m, m])
    assert min(x, y, x + y - 1) > 0
    return x + 2 * y - m * (ln(x) + ln(y) + ln(x + y - 1))


def sharp_maximum() -> Any:
    def terms(x: Any) -> list[Any]:
        return [exp(1000 * x), exp(1 - 3000 * x), exp(500 * x - 700)]

    x = bisect(lambda x: dot([1000, -3000, 500], terms(x)), 0, 1)
    return ln(sum(terms(x)))


def robust_prices() -> Any:
    """With X = 1e-6 x.

    |(X, 4 y)| = L - X, L = 1e3 - 10 y, so X = (L - 16 y^2 / L) / 2; dX/dy = -6 up to rounding.
    """
    a, c, d = mpf(1e-6), mpf(1e-3), mpf(6e3)

    def slope(y: Any) -> Any:
        L = 1000 - 10 * y
        return c * (-5 - 16 * y / L - 80 * (y / L) ** 2) / a + d

    y = bisect(slope, 0, 80)
    L = 1000 - 10 * y
    return c * (L - 16 * y * y / L) / 2 / a + d * y


def deeper_trace() -> Any:
    with workdps(500):
        return -ln(1 + exp(mpf(-400)) + exp(mpf(-900)))


def beyond_doubles() -> Any:
    return exp(800) + exp(-800)


def large_exponent() -> Any:
    c = mpf(1e9)
    return c - c * ln(c)
