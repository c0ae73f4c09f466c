"""Roots and systems of equations in many digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

from mpmath import inf, matrix, mp, mpf

Numbers = Sequence[Any]


def exact(values: Numbers) -> list[Any]:
    """Doubles as numbers of many digits, without a change of value; nested lists stay nested."""
    return [exact(v) if isinstance(v, list | tuple) else mpf(v) for v in values]


def dot(a: Numbers, b: Numbers) -> Any:
    """The scalar product."""
    return sum((mpf(u) * v for u, v in zip(a, b, strict=True)), mpf(0))


def norm(v: Numbers) -> Any:
    """The Euclidean norm."""
    return mp.sqrt(dot(v, v))


def plog(x: Any) -> Any:
    """The function x ln x, 0 at 0."""
    return x * mp.log(x) if x > 0 else mpf(0)


def bisect(f: Callable[[Any], Any], low: Any, high: Any) -> Any:
    """The root of an increasing or decreasing function between two points of different signs."""
    low, high = mpf(low), mpf(high)
    sign = f(low)
    assert sign * f(high) <= 0, "no change of sign"
    for _ in range(210):
        middle = (low + high) / 2
        low, high = (middle, high) if f(middle) * sign > 0 else (low, middle)
    return (low + high) / 2


def newton(F: Callable[..., Any], start: Numbers) -> list[Any]:
    """A root of n equations in n unknowns by Newton's method with a Jacobian of differences, damped."""
    n, x = len(start), [mpf(v) for v in start]
    value = list(F(*x))
    for _ in range(200):
        size = norm(value)
        if size < mpf(10) ** (6 - mp.dps):
            return x
        h, J = mpf(10) ** (-mp.dps // 2), matrix(n, n)
        for j in range(n):
            up, down = list(x), list(x)
            up[j], down[j] = x[j] + h, x[j] - h
            for i, (u, v) in enumerate(zip(F(*up), F(*down), strict=True)):
                J[i, j] = (u - v) / (2 * h)
        step, t = mp.lu_solve(J, matrix(value)), mpf(1)
        while t > mpf(10) ** -8:
            trial = [x[j] - t * step[j] for j in range(n)]
            try:
                found = list(F(*trial))
                good = all(mp.im(v) == 0 for v in found) and norm(found) < size
            except (ValueError, ZeroDivisionError):
                good = False
            if good:
                break
            t /= 2
        else:
            break
        x, value = trial, found
    assert norm(value) < mpf(10) ** (12 - mp.dps), f"Newton stops at {mp.nstr(norm(value), 3)}"
    return x


def solve_exact(M: Sequence[Sequence[Any]], r: Sequence[Any]) -> list[Fraction] | None:
    """The solution of n linear equations in n unknowns in fractions, None of a singular matrix."""
    n = len(r)
    rows = [[Fraction(v) for v in row] + [Fraction(b)] for row, b in zip(M, r, strict=True)]
    for j in range(n):
        pivot = next((i for i in range(j, n) if rows[i][j]), None)
        if pivot is None:
            return None
        rows[j], rows[pivot] = rows[pivot], rows[j]
        rows[j] = [v / rows[j][j] for v in rows[j]]
        for i in range(n):
            if i != j and rows[i][j]:
                factor = rows[i][j]
                rows[i] = [a - factor * b for a, b in zip(rows[i], rows[j], strict=True)]
    return [row[-1] for row in rows]


def best_vertex(c: Numbers, A: Sequence[Numbers], b: Numbers) -> Any:
    """The least c'x over the vertices of A x <= b, in fractions.

    the optimum of a linear program that has one.
    """
    n, best = len(c), None
    A, b = [[Fraction(v) for v in row] for row in A], [Fraction(v) for v in b]
    for chosen in combinations(range(len(b)), n):
        x = solve_exact([A[i] for i in chosen], [b[i] for i in chosen])
        if x is None or any(
            sum(a * v for a, v in zip(row, x, strict=True)) > r for row, r in zip(A, b, strict=True)
        ):
            continue
        value = sum(Fraction(a) * v for a, v in zip(c, x, strict=True))
        best = value if best is None or value < best else best
    assert best is not None, "no vertex"
    return number(best)


def number(value: Fraction) -> Any:
    """A fraction in many digits."""
    return mpf(value.numerator) / value.denominator


def nowhere(holds: bool) -> Any:
    """The value of a minimum without feasible points, once its reason has been checked."""
    assert holds
    return inf


__all__ = [
    "best_vertex",
    "bisect",
    "dot",
    "exact",
    "newton",
    "norm",
    "nowhere",
    "number",
    "plog",
    "solve_exact",
]
