"""Cone programs as plain data, every rule of theirs checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError

ZERO, NONNEGATIVE, SECOND_ORDER, EXPONENTIAL = "zero", "nonnegative", "second-order", "exponential"
KINDS = (ZERO, NONNEGATIVE, SECOND_ORDER, EXPONENTIAL)
Cones = tuple[tuple[str, int], ...]


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
    all points. A second-order cone holds the points (x_0, x') with |x'| <= x_0. An exponential cone holds the
    points (x_0, x_1, x_2) with x_1 > 0 and x_1 e^(x_0 / x_1) <= x_2, and their limits. The order of their
    entries is Clarabel's.

    Attributes:
        A: sparse, shape (rows, columns).
        b: shape (rows,).
        q: shape (columns,).
        offset: a constant of the objective.
        cones: pairs (kind, rows) in the order of the rows; kinds are zero, nonnegative, second-order and
            exponential, which has 3 rows.
        sense: 'maximize' where the problem as posed maximises -(q'v + offset), else 'minimize'.

    Raises:
        ProblemError: shapes do not agree, a number is not finite, or a cone is not one of these.
    """

    A: sparse.csc_array
    b: FloatArray
    q: FloatArray
    offset: float
    cones: Cones
    sense: str = "minimize"

    def __post_init__(self) -> None:
        rows, columns = self.A.shape
        for name, vector, length in (("b", self.b, rows), ("q", self.q, columns)):
            if vector.shape != (length,):
                raise ProblemError(f"{name} has shape {vector.shape}; by the shape of A it is ({length},)")
        for name, values in (("A", self.A.data), ("b", self.b), ("q", self.q), ("offset", self.offset)):
            if not np.isfinite(values).all():
                raise ProblemError(f"{name} has a number that is not finite")
        for kind, size in self.cones:
            if kind not in KINDS:
                raise ProblemError(f"cones has the kind {kind!r}; kinds are {', '.join(KINDS)}")
            if size < 1 or (kind == EXPONENTIAL and size != 3):
                least = "exactly 3" if kind == EXPONENTIAL else "at least 1"
                raise ProblemError(f"cones has {size} rows in a cone that is {kind}; it has {least}")
        if self.sense not in ("minimize", "maximize"):
            raise ProblemError(f"sense is {self.sense!r}; it is 'minimize' or 'maximize'")
        if sum(size for _, size in self.cones) != rows:
            raise ProblemError(f"cones have {sum(size for _, size in self.cones)} rows, and A has {rows}")

    def to_clarabel(self) -> dict[str, Any]:
        """The mapping of Clarabel's own problem file (JSON), which `clarabel.load_from_file` reads.

        That file has no place for the offset, which is left out.
        """
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
