"""Affine rows in the domains of the Conic Benchmark Format as a `ConeProgram`, without any rounding.

A domain takes rows r_0, r_1, ... of M v + c. What becomes of them:

    F       nothing: they are free
    L=      a zero cone
    L+, L-  a nonnegative cone, of r and of -r
    Q       a second-order cone
    QR      2 r_0 r_1 >= |r'|^2 with r_0, r_1 >= 0: a second-order cone of r_0 / 2 + r_1, r_0 / 2 - r_1, r',
            because (r_0 / 2 + r_1)^2 - (r_0 / 2 - r_1)^2 = 2 r_0 r_1
    EXP     r_0 >= r_1 e^(r_2 / r_1) with r_1 > 0: an exponential cone of r_2, r_1, r_0
    EXP*    r_0 >= -r_2 e^(r_1 / r_2 - 1) with r_2 < 0: an exponential cone of r_2 - r_1, -r_2, r_0, because
            (r_2 - r_1) / (-r_2) = r_1 / r_2 - 1

All cones are closed. The limits of EXP* (r_2 = 0 and r_0, r_1 >= 0) become those of the exponential cone.

Only QR and EXP* add rows. Two numbers are added where their sum is a double. Where a sum or a half is none,
a new variable t = r_0 (of EXP* t = r_2) gets a row in a zero cone, and the rows are t / 2 + r_1 and
t / 2 - r_1 (t - r_1 and -t), in which no two numbers meet.

The domains are those of H. A. Friberg, "The Conic Benchmark Format"; both maps are derived here.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isfinite

import numpy as np
from scipy import sparse

from cvxtoken.arrays import FloatArray
from cvxtoken.conic.program import EXPONENTIAL, MINIMIZE, NONNEGATIVE, SECOND_ORDER, ZERO, ConeProgram, Cones

_KINDS = {
    "L=": ZERO,
    "L+": NONNEGATIVE,
    "L-": NONNEGATIVE,
    "Q": SECOND_ORDER,
    "QR": SECOND_ORDER,
    "EXP": EXPONENTIAL,
    "EXP*": EXPONENTIAL,
}
DOMAINS = ("F", *_KINDS)
Row = dict[int, float]  # the numbers of a row by column, without zeros; its constant is in column -1
_CONSTANT = -1


def program_in(
    domains: Cones, M: sparse.csr_array, c: FloatArray, q: FloatArray, offset: float, sense: str = MINIMIZE
) -> ConeProgram:
    """The program min q'v + offset with M v + c in a product of domains.

    Args:
        domains: pairs (name, rows) in the order of the rows; the names are `DOMAINS`. QR has 2 rows or more,
            EXP and EXP* have 3.
        M: shape (rows, variables), no entry twice.
        c: shape (rows,).
        q: shape (variables,).
        offset: a constant of the objective.
        sense: of the problem that the program states.

    Returns:
        The program. A domain other than F is a cone, in the same order; behind them stands one zero cone for
        all new variables, where there are any. New variables stand behind those of M.

    Raises:
        ProblemError: as `ConeProgram`.
    """
    rows = _Rows(M, c)
    start = 0
    for name, size in domains:
        if name != "F":
            rows.add(name, range(start, start + size))
        start += size
    rows.define()
    A, b = rows.matrix()
    return ConeProgram(
        A, b, np.append(q, np.zeros(len(rows.defined))), offset, tuple(rows.cones), sense=sense
    )


class _Rows:
    """The rows of the program: each is a row of M with a sign, or is given by its numbers."""

    def __init__(self, M: sparse.csr_array, c: FloatArray) -> None:
        self.M, self.c = M, c
        self.cones: list[tuple[str, int]] = []
        self.origins: list[int] = []  # the rows of M; -1 for rows given by their numbers
        self.signs: list[float] = []
        self.given: list[tuple[int, int, float]] = []  # row, column, value
        self.constants: dict[int, float] = {}  # of the rows given by their numbers
        self.defined: list[int] = []  # the row of M that each new variable equals

    def add(self, name: str, rows: range) -> None:
        """Add the cone of a domain."""
        self.cones.append((_KINDS[name], len(rows)))
        if name == "QR":
            one, minus = self.row(rows[1], 1), self.row(rows[1], -1)
            half = self.row(rows[0], 0.5)
            exact = {j: 2 * x for j, x in half.items()} == self.row(rows[0], 1)
            if not (exact and _summable(half, one) and _summable(half, minus)):
                half = {self.new(rows[0]): 0.5}
            self.give(_sum(half, one))
            self.give(_sum(half, minus))
            self.copy(rows[2:])
        elif name == "EXP*":
            u, minus = self.row(rows[2], 1), self.row(rows[1], -1)
            if not _summable(u, minus):
                u = {self.new(rows[2]): 1.0}
            self.give(_sum(u, minus))
            self.give({j: -x for j, x in u.items()})
            self.copy(rows[:1])
        else:
            self.copy(rows[::-1] if name == "EXP" else rows, -1 if name == "L-" else 1)

    def define(self) -> None:
        """Add the zero cone of the new variables: t = r."""
        if self.defined:
            self.cones.append((ZERO, len(self.defined)))
        for place, row in enumerate(self.defined):
            self.give(self.row(row, 1) | {self.M.shape[1] + place: -1.0})

    def new(self, row: int) -> int:
        """The column of a new variable, which equals a row of M."""
        self.defined.append(row)
        return int(self.M.shape[1]) + len(self.defined) - 1

    def row(self, row: int, factor: float) -> Row:
        """The numbers of a row of M, times a factor."""
        part = slice(*self.M.indptr[row : row + 2].tolist())
        found = dict(zip(self.M.indices[part].tolist(), self.M.data[part].tolist(), strict=True))
        found[_CONSTANT] = float(self.c[row])
        return {j: x * factor for j, x in found.items() if x}

    def copy(self, rows: Sequence[int], sign: float = 1) -> None:
        """Add rows of M."""
        self.origins.extend(rows)
        self.signs.extend([sign] * len(rows))

    def give(self, row: Row) -> None:
        """Add a row by its numbers."""
        self.given.extend((len(self.origins), j, x) for j, x in row.items() if j != _CONSTANT)
        self.constants[len(self.origins)] = row.get(_CONSTANT, 0.0)
        self.copy([-1])

    def matrix(self) -> tuple[sparse.csc_array, FloatArray]:
        """A and b of A v + s = b, where s are the rows."""
        origins, signs = np.array(self.origins, dtype=np.intp), np.array(self.signs, dtype=float)
        copies = np.flatnonzero(origins >= 0)
        copied = sparse.coo_array(self.M[origins[copies]])
        b = np.zeros(len(origins))
        b[copies] = signs[copies] * self.c[origins[copies]] + 0.0  # no -0.0
        b[list(self.constants)] = list(self.constants.values())
        rows, columns, values = np.array(self.given).reshape(-1, 3).T
        i = np.append(copies[copied.row], rows.astype(np.intp))
        j = np.append(copied.col, columns.astype(np.intp))
        x = np.append(copied.data * signs[copies][copied.row], values)
        A = sparse.csc_array((-x, (i, j)), shape=(len(origins), self.M.shape[1] + len(self.defined)))
        A.eliminate_zeros()
        A.sort_indices()
        return A, b


def _summable(one: Row, other: Row) -> bool:
    """Whether all sums of two rows' numbers are doubles; one may be too large."""
    pairs = [(one[j], other[j]) for j in one.keys() & other]
    return all(isfinite(x + y) and Fraction(x) + Fraction(y) == Fraction(x + y) for x, y in pairs)


def _sum(one: Row, other: Row) -> Row:
    return other | {j: x + other.get(j, 0.0) for j, x in one.items()}
