"""Cone programs as plain data, every rule of theirs checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
from scipy import sparse

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError

ZERO, NONNEGATIVE, SECOND_ORDER, EXPONENTIAL = "zero", "nonnegative", "second-order", "exponential"
POWER, SEMIDEFINITE = "power", "semidefinite"
KINDS = (ZERO, NONNEGATIVE, SECOND_ORDER, EXPONENTIAL, POWER, SEMIDEFINITE)
MOST_ORDER = 30  # of a semidefinite cone
MINIMIZE, MAXIMIZE = "minimize", "maximize"
Cones = tuple[tuple[str, int], ...]


def order_of(size: int) -> int:
    """The order n of a matrix whose triangle has so many entries, n (n + 1) / 2; 0 where there is none."""
    n = (isqrt(8 * size + 1) - 1) // 2
    return n if n * (n + 1) // 2 == size else 0


def diagonal(size: int) -> list[int]:
    """Where the diagonal stands in a triangle of so many entries."""
    return [n * (n + 1) // 2 + n for n in range(order_of(size))]


def blocks(cones: Cones) -> Iterator[tuple[str, range]]:
    """The kind of each cone, and its rows."""
    start = 0
    for kind, size in cones:
        yield kind, range(start, start + size)
        start += size


@dataclass(frozen=True, eq=False)
class ConeProgram:
    """Minimise q'v + offset subject to A v + s = b, with s in a product K of cones.

    The dual values obey A'z + q = 0 with z in the dual cone K*. A zero cone holds the point 0, and its dual
    all points. A second-order cone holds the points (x_0, x') with |x'| <= x_0. An exponential cone holds
    the points (x_0, x_1, x_2) with x_1 e^(x_0 / x_1) <= x_2 and x_1 > 0, and their limits. The order is
    Clarabel's.

    A power cone of an exponent a holds the points with x_0^a x_1^(1 - a) >= |x_2|, x_0 and x_1 not negative.
    A semidefinite cone holds the upper triangles, column by column, of positive semidefinite matrices; the
    entries of z off the diagonal are then twice those of the matrix Z, so that s'z = <S, Z>.

    A problem that is to be maximised is stated by its negated objective, with `sense` "maximize": whatever is
    true of the program is then true of the problem with the sign of every objective value changed, and lower
    bounds made upper ones.

    Attributes:
        A: sparse, shape (rows, columns).
        b: shape (rows,).
        q: shape (columns,).
        offset: a constant of the objective.
        cones: pairs (kind, rows) in the order of the rows; kinds are zero, nonnegative, second-order,
            exponential and power, which have 3 rows, and semidefinite, of an order of at most 30.
        exponents: a of each power cone, in their order.
        sense: of the problem that the program states, "minimize" or "maximize"; the program itself is always
            minimised.
        integers: the columns that must be whole numbers, rising; such a program has no dual values.

    Raises:
        ProblemError: shapes do not agree, a number is not finite, integers are no columns, or a cone or the
            sense is not one of these.
    """

    A: sparse.csc_array
    b: FloatArray
    q: FloatArray
    offset: float
    cones: Cones
    sense: str = MINIMIZE
    exponents: tuple[float, ...] = ()
    integers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        rows, columns = self.A.shape
        for name, vector, length in (("b", self.b, rows), ("q", self.q, columns)):
            if vector.shape != (length,):
                raise ProblemError(f"{name} has shape {vector.shape}; by the shape of A it is ({length},)")
        for name, values in (("A", self.A.data), ("b", self.b), ("q", self.q), ("offset", self.offset)):
            if not np.isfinite(values).all():
                raise ProblemError(f"{name} has a number that is not finite")
        if self.sense not in (MINIMIZE, MAXIMIZE):
            raise ProblemError(f"sense is {self.sense!r}; it is {MINIMIZE!r} or {MAXIMIZE!r}")
        for kind, size in self.cones:
            if kind not in KINDS:
                raise ProblemError(f"cones has the kind {kind!r}; kinds are {', '.join(KINDS)}")
            if size < 1 or (kind in (EXPONENTIAL, POWER) and size != 3):
                least = "exactly 3" if kind in (EXPONENTIAL, POWER) else "at least 1"
                raise ProblemError(f"cones has {size} rows in a cone that is {kind}; it has {least}")
            if kind == SEMIDEFINITE and not 1 <= order_of(size) <= MOST_ORDER:
                rule = f"n (n + 1) / 2, with an order n of at most {MOST_ORDER}"
                raise ProblemError(f"cones has {size} rows in a cone that is semidefinite; it has {rule}")
        powers = sum(kind == POWER for kind, _ in self.cones)
        if len(self.exponents) != powers or not all(0 < a < 1 for a in self.exponents):
            rule = f"a number between 0 and 1 for each of {powers} power cones"
            raise ProblemError(f"exponents is {self.exponents}; it has {rule}")
        if sum(size for _, size in self.cones) != rows:
            raise ProblemError(f"cones have {sum(size for _, size in self.cones)} rows, and A has {rows}")
        if list(self.integers) != sorted(set(self.integers) & set(range(columns))):
            raise ProblemError(f"integers is {self.integers}; it has columns from 0 to {columns - 1}, rising")

    def to_clarabel(self) -> dict[str, Any]:
        """The mapping of Clarabel's own problem file (JSON), which `clarabel.load_from_file` reads.

        That file has no place for the offset, which is left out.

        Raises:
            ProblemError: the program has power or semidefinite cones, or integers.
        """
        if {POWER, SEMIDEFINITE} & {kind for kind, _ in self.cones}:
            raise ProblemError("power and semidefinite cones are not written in Clarabel's form")
        if self.integers:
            raise ProblemError("Clarabel's files have no place for whole numbers, which this program has")
        rows, columns = self.A.shape
        kinds: dict[str, Callable[[int], Any]] = {
            ZERO: lambda size: {"ZeroConeT": size},
            NONNEGATIVE: lambda size: {"NonnegativeConeT": size},
            SECOND_ORDER: lambda size: {"SecondOrderConeT": size},
            EXPONENTIAL: lambda _: {"ExponentialConeT": []},
        }
        pointers, places, values = (x.tolist() for x in (self.A.indptr, self.A.indices, self.A.data))
        return {
            "P": {"m": columns, "n": columns, "colptr": [0] * (columns + 1), "rowval": [], "nzval": []},
            "q": self.q.tolist(),
            "A": {"m": rows, "n": columns, "colptr": pointers, "rowval": places, "nzval": values},
            "b": self.b.tolist(),
            "cones": [kinds[kind](size) for kind, size in self.cones],
            "settings": {},
        }
