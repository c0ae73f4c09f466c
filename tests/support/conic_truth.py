"""Whether a cone proof is true, found out anew: rationals for what is rational, balls for exponentials.

It shares no code with the checker. `arb` is python-flint's ball arithmetic.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import Any

from flint import arb, ctx, fmpq

from tests.support.conic_proofs import Document, values

Vector = list[Fraction]
_BITS = 4000
_TIMES = (0, 1, 7, 300)  # the t for which a point on a ray is looked for
_POWERS = (0, 3, 10, 40, 200, 1000)  # of two, the l


def is_true(document: Document) -> bool:
    """Whether the vectors prove what is stated."""
    p = document["program"]
    x, z, ray, far = (None if document[k] is None else values(document[k]) for k in ("x", "z", "ray", "far"))
    if document["claim"] == "infeasible":
        return z is not None and dual(p, z) and not any(columns(p, z)) and dot(p["b"], z) < 0
    if document["claim"] == "unbounded":
        if x is None or ray is None:
            return False
        return falls(p, x, ray, far or [Fraction(0)] * p["columns"])
    lower, upper = document["lower"], document["upper"]
    if p["sense"] == "maximize":
        lower, upper = upper, lower
    good = True
    if x is not None:
        good &= feasible(p, x) and reaches(document, dot(p["q"], x) + Fraction(p["offset"]), upper, 1)
    if z is not None:
        stationary = all(a + Fraction(q) == 0 for a, q in zip(columns(p, z), p["q"], strict=True))
        value = Fraction(p["offset"]) - dot(p["b"], z)
        good &= dual(p, z) and stationary and reaches(document, value, lower, -1)
    return good and (x is None) == (upper is None) and (z is None) == (lower is None)


def reaches(document: Document, value: Fraction, limit: str | None, side: int) -> bool:
    """Whether a value of the program, as one of the problem, is within a bound: above it for side -1."""
    if limit is None:
        return False
    if document["program"]["sense"] == "maximize":
        value, side = -value, -side
    if not document["exponential"]:
        return side * value <= side * Fraction(limit)
    with precise():
        off = side * (ball(value).exp() - ball(Fraction(limit)))
        return bool(off <= 0) or (value == 0 and Fraction(limit) == 1)


def falls(p: Document, x: Vector, ray: Vector, far: Vector) -> bool:
    """Whether points of the ray, and as far along the other direction as they need, are feasible."""
    if not (feasible(p, x) and dot(p["q"], ray) < 0 and dot(p["q"], far) <= 0):
        return False
    for t in _TIMES:
        found = False
        for power in _POWERS:
            point = [a + t * c + 2**power * e for a, c, e in zip(x, ray, far, strict=True)]
            found = found or feasible(p, point)
        if not found:
            return False
    return True


def feasible(p: Document, x: Vector) -> bool:
    """b - A x in K."""
    s = [Fraction(b) for b in p["b"]]
    for i, j, a in p["A"]:
        s[i] -= Fraction(a) * x[j]
    return in_cones(p, s, dual=False)


def dual(p: Document, z: Vector) -> bool:
    """z in K*."""
    return in_cones(p, z, dual=True)


def columns(p: Document, z: Vector) -> Vector:
    """A'z."""
    found = [Fraction(0)] * p["columns"]
    for i, j, a in p["A"]:
        found[j] += Fraction(a) * z[i]
    return found


def dot(numbers: list[float], v: Vector) -> Fraction:
    """An exact product."""
    return sum((Fraction(a) * c for a, c in zip(numbers, v, strict=True)), Fraction(0))


def in_cones(p: Document, v: Vector, dual: bool) -> bool:
    """Each cone by its definition."""
    start, exponents = 0, iter(p["exponents"])
    for kind, size in p["cones"]:
        part, start = v[start : start + size], start + size
        if kind == "zero":
            good = dual or not any(part)
        elif kind == "nonnegative":
            good = all(a >= 0 for a in part)
        elif kind == "second-order":
            good = part[0] >= 0 and sum((a * a for a in part[1:]), Fraction(0)) <= part[0] ** 2
        elif kind == "power":
            a = Fraction(next(exponents))
            x, y, z = part
            good = power(a, x / a, y / (1 - a), z) if dual else power(a, x, y, z)
        elif kind == "semidefinite":
            good = semidefinite(part, Fraction(1, 2) if dual else Fraction(1))
        else:
            good = dual_exponential(*part) if dual else exponential(*part)
        if not good:
            return False
    return start == len(v)


def exponential(x: Fraction, y: Fraction, z: Fraction) -> bool:
    """y e^(x / y) <= z, or the limit y = 0."""
    if y <= 0:
        return y == 0 and x <= 0 <= z
    if x == 0:
        return y <= z
    with precise():
        return bool(ball(y) * ball(x / y).exp() <= ball(z))


def dual_exponential(u: Fraction, v: Fraction, w: Fraction) -> bool:
    """-u e^(v / u - 1) <= w, or the limit u = 0."""
    if u >= 0:
        return u == 0 and v >= 0 and w >= 0
    if v == u:
        return -u <= w
    with precise():
        return bool(ball(-u) * ball(v / u - 1).exp() <= ball(w))


def power(a: Fraction, x: Fraction, y: Fraction, z: Fraction) -> bool:
    """x^a y^(1 - a) >= |z|."""
    if min(x, y) < 0:
        return False
    if abs(z) <= min(x, y):
        return True
    if min(x, y) == 0:
        return False
    with precise():
        return bool(ball(x) ** ball(a) * ball(y) ** ball(1 - a) >= ball(abs(z)))


def semidefinite(triangle: Vector, off: Fraction) -> bool:
    """Every principal minor is at least 0, of the matrix with `off` times what is off the diagonal."""
    n = next(n for n in range(len(triangle) + 1) if n * (n + 1) // 2 == len(triangle))
    entries = iter(triangle)
    M = [[Fraction(0)] * n for _ in range(n)]
    for j in range(n):
        for i in range(j + 1):
            M[i][j] = M[j][i] = next(entries) * (1 if i == j else off)
    subsets = (rows for size in range(1, n + 1) for rows in combinations(range(n), size))
    return all(determinant([[M[i][j] for j in rows] for i in rows]) >= 0 for rows in subsets)


def determinant(M: list[Vector]) -> Fraction:
    """By the first row."""
    if not M:
        return Fraction(1)
    parts = (
        (-1) ** j * M[0][j] * determinant([row[:j] + row[j + 1 :] for row in M[1:]]) for j in range(len(M))
    )
    return sum(parts, Fraction(0))


def ball(a: Fraction) -> arb:
    """A rational, enclosed."""
    return arb(fmpq(a.numerator, a.denominator))


class precise:  # noqa: N801
    """Balls of many bits inside the block."""

    def __enter__(self) -> None:
        self.before, ctx.prec = ctx.prec, _BITS

    def __exit__(self, *_: Any) -> None:
        ctx.prec = self.before
