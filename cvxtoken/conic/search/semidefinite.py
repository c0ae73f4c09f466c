"""The cone of positive semidefinite matrices, in the smooth equations of `smooth`.

Its rows are the upper triangle of a symmetric matrix S, column by column, as it is. Of z, whose product with
these is <S, Z>, the entries off the diagonal count twice in Z: Z_ij = z_ij / 2. On the path S Z = mu I, of
which the symmetric part (S Z + Z S) / 2 = mu I is smooth and as many equations as unknowns.

Source: F. Alizadeh, J. Haeberly and M. Overton, Primal-dual interior-point methods for semidefinite
programming, 1998.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cvxtoken.conic.program import order_of
from cvxtoken.conic.search.smooth import Cone, Rows


class Semidefinite(Cone):
    """Rows of the upper triangle of a matrix of an order n, which is the degree too."""

    def __init__(self, rows: Sequence[int]) -> None:
        super().__init__(rows)
        self.order = self.degree = order_of(len(self.rows))

    def equations(self, s: Any, z: Any, w: Any, mu: Any) -> list[Any]:
        """See `Cone`."""
        S, Z, n = self.matrix(s, 1), self.matrix(z, 2), range(self.order)
        return [
            sum((S[i][k] * Z[k][j] + Z[i][k] * S[k][j] for k in n), 0 * s[0]) / 2 - (mu if i == j else 0)
            for i, j in self.places()
        ]

    def jacobian(self, s: Any, z: Any, w: Any) -> tuple[Rows, Rows]:
        """See `Cone`."""
        S, Z = self.matrix(s, 1), self.matrix(z, 2)
        return [self._derivative(i, j, Z, 1) for i, j in self.places()], [
            self._derivative(i, j, S, 2) for i, j in self.places()
        ]

    def _derivative(self, i: int, j: int, M: Any, off: int) -> dict[int, Any]:
        """Of the entry (i, j) of (X M + M X) / 2 in X's triangle, what is off the diagonal over `off`."""
        row: dict[int, Any] = {}
        for k in range(self.order):
            for p, q, value in ((i, k, M[k][j]), (k, j, M[i][k])):
                place = _place(p, q)
                row[place] = row.get(place, 0) + value / (2 if p == q else 2 * off)
        return row

    def inside(self, v: Any, dual: bool) -> bool:
        """See `Cone`."""
        M = self.matrix(v, 2 if dual else 1)
        for k in range(self.order):  # elimination without pivoting: all pivots are positive
            if not bool(M[k][k] > 0):
                return False
            for i in range(k + 1, self.order):
                factor = M[i][k] / M[k][k]
                for j in range(k, self.order):
                    M[i][j] = M[i][j] - factor * M[k][j]
        return True

    def centre(self, dual: bool) -> list[float]:
        """See `Cone`."""
        return [float(i == j) for i, j in self.places()]

    def places(self) -> list[tuple[int, int]]:
        """The entries of the triangle, in the order of the rows."""
        return [(i, j) for j in range(self.order) for i in range(j + 1)]

    def matrix(self, v: Any, off: int) -> list[list[Any]]:
        """The matrix, what is off the diagonal over `off`."""
        n = range(self.order)
        return [[v[_place(i, j)] / (1 if i == j else off) for j in n] for i in n]


def _place(i: int, j: int) -> int:
    """Where an entry stands in the triangle."""
    low, high = min(i, j), max(i, j)
    return high * (high + 1) // 2 + low
