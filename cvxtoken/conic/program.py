"""Cone programs as plain data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scipy import sparse

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError

NONNEGATIVE, SECOND_ORDER, EXPONENTIAL = "nonnegative", "second-order", "exponential"
Cones = tuple[tuple[str, int], ...]


@dataclass(frozen=True, eq=False)
class ConeProgram:
    """Minimise q'v + offset subject to A v + s = b, with s in a product K of cones.

    The dual values obey A'z + q = 0 with z in the dual cone K*. A second-order cone holds the points (x_0,
    x') with |x'| <= x_0. An exponential cone holds the points (x_0, x_1, x_2) with x_1 e^(x_0 / x_1) <= x_2
    and x_1 > 0, and their limits. The order is Clarabel's.

    Attributes:
        A: sparse, shape (rows, columns).
        b: shape (rows,).
        q: shape (columns,).
        offset: a constant of the objective.
        cones: pairs (kind, rows) in the order of the rows; kinds are nonnegative, second-order, exponential.
        integers: the columns that must be whole numbers, rising; such a program has no dual values.
    """

    A: sparse.csc_array
    b: FloatArray
    q: FloatArray
    offset: float
    cones: Cones
    integers: tuple[int, ...] = ()

    def to_clarabel(self) -> dict[str, Any]:
        """The mapping of Clarabel's own problem file (JSON), which `clarabel.load_from_file` reads.

        That file has no place for the offset, which is left out.

        Raises:
            ProblemError: the program has integers, for which it has no place either.
        """
        if self.integers:
            raise ProblemError("Clarabel's files have no place for whole numbers, which this program has")
        rows, columns = self.A.shape
        kinds: dict[str, Callable[[int], Any]] = {
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
