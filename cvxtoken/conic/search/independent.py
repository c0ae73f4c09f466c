"""Programs without dependent equations and columns, whose Newton systems are not singular."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg
from scipy import sparse
from scipy.sparse.linalg import splu

from cvxtoken.conic.program import NONNEGATIVE, ZERO, ConeProgram, blocks

_RANK = 1e-11  # relative, of a pivot that counts
_DENSE = 400  # columns up to which QR decides
_SHIFT, _PIVOT = 1e-13, 1e-10  # where a factorisation decides: of squares, next to entries of 1


@dataclass(frozen=True)
class Kept:
    """A program without dependent equations and columns, and where its rows and columns stood."""

    program: ConeProgram
    rows: list[int]
    columns: list[int]


def without_dependent(program: ConeProgram) -> Kept:
    """Leave out equations that others imply, rows 0 <= 0, and columns that others make up."""
    rows = program.A.tocsr()
    filled = np.diff(rows.indptr) > 0
    zero = [i for kind, block in blocks(program.cones) if kind == ZERO for i in block]
    live = [i for i in zero if filled[i]]
    use = set(_spanning(rows[live].T.tocsc())) if live else set()
    drop = {i for i in zero if not filled[i]} | {i for k, i in enumerate(live) if k not in use}
    for kind, block in blocks(program.cones):
        if kind == NONNEGATIVE:
            drop |= {i for i in block if not filled[i] and program.b[i] == 0}
    kept = [i for i in range(len(filled)) if i not in drop]
    columns = _spanning(rows[kept].tocsc()) if kept else []
    sizes = [(kind, sum(i not in drop for i in block)) for kind, block in blocks(program.cones)]
    cones = tuple((kind, size) for kind, size in sizes if size)
    A = sparse.csc_array(rows[kept].tocsc()[:, columns]) if kept else sparse.csc_array((0, len(columns)))
    small = replace(program, A=A, b=program.b[kept], q=program.q[columns], cones=cones)
    return Kept(small, kept, columns)


def _spanning(columns: sparse.csc_array) -> list[int]:
    """Independent columns that span the others.

    One that is alone in a row is independent of all others, and so on without it. QR decides of the rest; LU
    where it is large.
    """
    C, G = sparse.csc_array(columns), sparse.csr_array(columns)
    in_row = [set(G.indices[i:j].tolist()) for i, j in zip(G.indptr[:-1], G.indptr[1:], strict=True)]
    alone, good = [i for i, row in enumerate(in_row) if len(row) == 1], []
    while alone:
        i = alone.pop()
        if len(in_row[i]) != 1:
            continue
        (j,) = in_row[i]
        good.append(j)
        for k in C.indices[C.indptr[j] : C.indptr[j + 1]].tolist():
            in_row[k].discard(j)
            if len(in_row[k]) == 1:
                alone.append(k)
    known = set(good)
    left = [j for j in range(C.shape[1]) if j not in known and C.indptr[j + 1] > C.indptr[j]]
    if left:
        D = C[:, left] @ sparse.diags_array(1 / abs(C[:, left]).max(axis=0).toarray().ravel())
        filled = np.flatnonzero(np.diff(sparse.csr_array(D).indptr))
        D = sparse.csr_array(D)[filled]
        use = basis(D.toarray())[1] if len(left) <= _DENSE else _sparse_basis(D)
        good += [left[k] for k in use]
    return sorted(good)


def _sparse_basis(D: sparse.csr_array) -> list[int]:
    """Columns of D whose pivots in [I, D; D', -e I] are not of the size of e."""
    m, n = D.shape
    M = sparse.block_array([[sparse.eye_array(m), D], [D.T, -_SHIFT * sparse.eye_array(n)]], format="csc")
    factors = splu(sparse.csc_array(M))
    pivots = np.empty(m + n)
    pivots[np.argsort(factors.perm_c)] = np.abs(factors.U.diagonal())
    return np.flatnonzero(pivots[m:] > _PIVOT).tolist()


def basis(D: np.ndarray) -> tuple[list[int], list[int]]:
    """As many rows and columns of a matrix as its rank, independent in doubles."""
    if not D.any():
        return [], []
    _, r, columns = scipy.linalg.qr(D, mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(r))
    rank = int((diagonal > _RANK * diagonal[0]).sum())
    rows = np.arange(len(D))
    if rank < len(D):
        _, _, rows = scipy.linalg.qr(D[:, columns[:rank]].T, mode="economic", pivoting=True)
    return sorted(rows[:rank].tolist()), columns[:rank].tolist()
