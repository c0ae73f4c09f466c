"""The cones of a program in their smooth equations, and a point inside each."""

from __future__ import annotations

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.conic.program import (
    EXPONENTIAL,
    NONNEGATIVE,
    POWER,
    SECOND_ORDER,
    SEMIDEFINITE,
    ZERO,
    ConeProgram,
    blocks,
    diagonal,
    order_of,
)
from cvxtoken.conic.search.semidefinite import Semidefinite
from cvxtoken.conic.search.smooth import Cone, Exponential, Nonnegative, Power, SecondOrder

_KINDS: dict[str, type[SecondOrder | Exponential | Semidefinite]] = {
    SECOND_ORDER: SecondOrder,
    EXPONENTIAL: Exponential,
    SEMIDEFINITE: Semidefinite,
}


def cones_of(program: ConeProgram) -> list[Cone]:
    """All cones but the zero rows: one a row for nonnegative rows."""
    found: list[Cone] = []
    exponents = iter(program.exponents)
    for kind, rows in blocks(program.cones):
        if kind == NONNEGATIVE:
            found += [Nonnegative([i]) for i in rows]
        elif kind == POWER:
            found.append(Power(rows, next(exponents)))
        elif kind != ZERO:
            found.append(_KINDS[kind](rows))
    return found


def interior(kind: str, size: int) -> FloatArray:
    """A point inside a cone of a kind; 0 of equations."""
    found = np.zeros(size)
    if kind == NONNEGATIVE:
        found[:] = 1
    elif kind == EXPONENTIAL:
        found[1:] = 0.5, 1.0
    elif kind == SECOND_ORDER:
        found[0] = 1
    elif kind == POWER:
        found[:2] = 1
    elif kind == SEMIDEFINITE:
        found[diagonal(size)] = 1
    return found


def split_triangle(size: int, zero: list[bool]) -> tuple[list[int], list[int]]:
    """The entries of a triangle in rows or columns that are zero, and those of the triangle that is left."""
    places = [(i, j) for j in range(order_of(size)) for i in range(j + 1)]
    gone = [k for k, (i, j) in enumerate(places) if zero[i] or zero[j]]
    return gone, sorted(set(range(size)) - set(gone))
