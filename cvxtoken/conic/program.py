"""Cone programs as plain data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scipy import sparse

from cvxtoken.arrays import FloatArray

NONNEGATIVE, SECOND_ORDER, EXPONENTIAL = "nonnegative", "second-order", "exponential"
Cones = tuple[tuple[str, int], ...]


@dataclass(frozen=True, eq=False)
class ConeProgram:
    """Minimise q'v + offset subject to A v + s = b, s in a product of cones; dual A'z + q = 0, z in K*.

    A second-order cone holds (u, v) with |v| <= u, an exponential cone (r, s, t) with
    s e^(r / s) <= t and s > 0, and the limits of such points: Clarabel's order.

    Attributes:
        A: sparse, shape (M, V).
        b: shape (M,).
        q: shape (V,).
        offset: of the objective.
        cones: (kind, rows) in the order of the rows; kinds nonnegative, second-order, exponential.
    """

    A: sparse.csc_array
    b: FloatArray
    q: FloatArray
    offset: float
    cones: Cones

    def to_clarabel(self) -> dict[str, Any]:
        """The mapping of Clarabel's own problem file (JSON), which `clarabel.load_from_file` reads.

        The objective offset has no place there and is left out.
        """
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
