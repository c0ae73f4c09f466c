"""A cone program written down equation by equation, in unknowns that are asked for one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import sparse

from cvxtoken.conic.program import (
    EXPONENTIAL,
    MINIMIZE,
    NONNEGATIVE,
    SECOND_ORDER,
    ZERO,
    ConeProgram,
    blocks,
)

Terms = Mapping[int, float]  # factors by unknown; those that are 0 leave no trace
Affine = tuple[Terms, float]  # factors, and a constant
_Row = tuple[dict[int, float], float]  # of A and b


class Writer:
    """The rows of s = b - A x in K: all equations, all inequalities, and the other cones as they are written.

    The numbers given stand in A and b as they are, or with the other sign: none is added to another or
    multiplied by one.
    """

    def __init__(self) -> None:
        self._unknowns = 0
        self._linear: dict[str, list[_Row]] = {ZERO: [], NONNEGATIVE: []}
        self._cones: list[tuple[str, list[_Row]]] = []
        self._exponents: list[float] = []

    def unknown(self) -> int:
        """A further unknown: its column."""
        self._unknowns += 1
        return self._unknowns - 1

    def unknowns(self, number: int) -> list[int]:
        """Further unknowns."""
        return [self.unknown() for _ in range(number)]

    def equal(self, terms: Terms, right: float = 0.0) -> None:
        """sum of terms = right."""
        self._linear[ZERO].append((dict(terms), right))

    def at_most(self, terms: Terms, right: float = 0.0) -> int:
        """sum of terms <= right; its place among the inequalities."""
        self._linear[NONNEGATIVE].append((dict(terms), right))
        return len(self._linear[NONNEGATIVE]) - 1

    def cone(self, kind: str, *points: Affine) -> None:
        """A cone of its own that holds the point of these coordinates."""
        rows = [({j: -a for j, a in terms.items()}, constant) for terms, constant in points]
        self._cones.append((kind, rows))

    def exponential(self, x: Affine, y: Affine, z: Affine) -> None:
        """y e^(x / y) <= z."""
        self.cone(EXPONENTIAL, x, y, z)

    def square(self, t: int, w: int, y: int) -> None:
        """t^2 <= 2 w y, as |(2 w - y, 2 t)| <= 2 w + y."""
        self.cone(SECOND_ORDER, ({w: 2.0, y: 1.0}, 0.0), ({w: 2.0, y: -1.0}, 0.0), ({t: 2.0}, 0.0))

    def square_over(self, l: int, n: int, L: float) -> None:
        """l^2 <= 2 L n, as |(2 n - L, 2 l)| <= 2 n + L."""
        self.cone(SECOND_ORDER, ({n: 2.0}, L), ({n: 2.0}, -L), ({l: 2.0}, 0.0))

    def join(self, other: ConeProgram, shared: Sequence[int]) -> None:
        """All rows of another program, but not its objective.

        Args:
            other: its first columns are unknowns of this one, the others further ones.
            shared: those unknowns, in order.
        """
        columns = [*shared, *self.unknowns(other.A.shape[1] - len(shared))]
        rows: list[_Row] = [({}, right) for right in other.b.tolist()]
        A = other.A.tocoo()
        for i, j, a in zip(*(place.tolist() for place in A.coords), A.data.tolist(), strict=True):
            rows[i][0][columns[j]] = a
        for kind, places in blocks(other.cones):
            part = rows[places.start : places.stop]
            if kind in self._linear:
                self._linear[kind].extend(part)
            else:
                self._cones.append((kind, part))
        self._exponents += other.exponents

    @property
    def equations(self) -> int:
        """How many equations there are, which come before all inequalities."""
        return len(self._linear[ZERO])

    def program(self, costs: Terms, sense: str = MINIMIZE) -> ConeProgram:
        """The program of the least sum of costs, which `sense` may say to be one that is negated."""
        cones = [*((kind, rows) for kind, rows in self._linear.items() if rows), *self._cones]
        rows = [row for _, cone in cones for row in cone]
        entries = [(i, j, a) for i, (terms, _) in enumerate(rows) for j, a in terms.items() if a]
        q = np.zeros(self._unknowns)
        for j, cost in costs.items():
            q[j] = cost
        return ConeProgram(
            _matrix(entries, (len(rows), self._unknowns)),
            np.array([right for _, right in rows], dtype=float),
            q,
            0.0,
            tuple((kind, len(cone)) for kind, cone in cones),
            sense,
            tuple(self._exponents),
        )


def _matrix(entries: Sequence[tuple[int, int, float]], shape: tuple[int, int]) -> sparse.csc_array:
    rows, columns, values = (np.array([entry[k] for entry in entries]) for k in range(3))
    A = sparse.coo_array((values.astype(float), (rows.astype(int), columns.astype(int))), shape=shape)
    return sparse.csc_array(A)
