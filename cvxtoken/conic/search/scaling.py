"""Equilibration by powers of two, which loses nothing: D A E, D b and E q have entries near 1.

Rows of one cone share a factor, but for zero and nonnegative rows, so that the cone stays what it is. A
point x~ of the scaled program is x = E x~ of the given one, and z = D z~.

Source: Ruiz's iteration (A scaling algorithm to equilibrate both rows and columns norms in matrices, 2001),
its factors rounded to powers of two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import fmpq, fmpz
from scipy import sparse

from cvxtoken.conic.program import NONNEGATIVE, ZERO, ConeProgram, blocks

_ROUNDS = 12
_MOST = 400  # of binary places: far from where a double's range ends


@dataclass(frozen=True)
class Scaled:
    """A scaled program, and the exponents of two of its rows (of D) and columns (of E)."""

    program: ConeProgram
    rows: list[int]
    columns: list[int]

    def primal(self, x: list[fmpq]) -> list[fmpq]:
        """E x~."""
        return [_shifted(v, k) for v, k in zip(x, self.columns, strict=True)]

    def dual(self, z: list[fmpq]) -> list[fmpq]:
        """D z~."""
        return [_shifted(v, k) for v, k in zip(z, self.rows, strict=True)]


def scaled(program: ConeProgram) -> Scaled:
    """The program equilibrated."""
    size = abs(program.A).tocoo()
    i, j = size.coords
    with np.errstate(divide="ignore"):
        logs = np.log2(size.data)
    rows, columns = np.zeros(size.shape[0]), np.zeros(size.shape[1])
    for _ in range(_ROUNDS):
        now = logs + rows[i] + columns[j]
        top = np.full(len(rows), -np.inf)
        np.maximum.at(top, i, now)
        for kind, block in blocks(program.cones):
            if kind not in (ZERO, NONNEGATIVE):
                top[block.start : block.stop] = top[block.start : block.stop].max()
        side = np.full(len(columns), -np.inf)
        np.maximum.at(side, j, now)
        rows -= np.where(np.isfinite(top), top, 0) / 2
        columns -= np.where(np.isfinite(side), side, 0) / 2
    d, e = (np.clip(np.round(v), -_MOST, _MOST).astype(int) for v in (rows, columns))
    A = sparse.csc_array(
        (np.ldexp(size.data, d[i] + e[j]) * np.sign(program.A.tocoo().data), (i, j)), size.shape
    )
    b, q = np.ldexp(program.b, d), np.ldexp(program.q, e)
    if not (np.isfinite(A.data).all() and np.isfinite(b).all() and np.isfinite(q).all()) or _lost(
        program, A, b, q
    ):
        d, e, A, b, q = 0 * d, 0 * e, program.A, program.b, program.q
    same = ConeProgram(A, b, q, program.offset, program.cones, program.sense, program.exponents)
    return Scaled(same, d.tolist(), e.tolist())


def _lost(program: ConeProgram, A: sparse.csc_array, b: np.ndarray, q: np.ndarray) -> bool:
    """Whether a number fell below the normal doubles, where a power of two is no exact factor, or to 0."""
    least, pairs = np.finfo(float).tiny, ((A.data, program.A.data), (b, program.b), (q, program.q))
    fell = any(bool((np.abs(v[v != 0]) < least).any()) for v, _ in pairs)
    return fell or any(np.count_nonzero(v) != np.count_nonzero(given) for v, given in pairs)


def _shifted(v: fmpq, k: int) -> fmpq:
    return v * fmpq(fmpz(1) << k) if k >= 0 else v / fmpq(fmpz(1) << -k)
