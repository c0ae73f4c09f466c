"""Exact directions: of recession, and proofs of infeasibility (derived here).

Both are vectors v with E v = 0 and linear forms G v in cones. A direction of recession of the program has -A
v in K; a proof of infeasibility is a v in K* with A'v = 0 (of an exponential cone, (u, v, w) is in K* where
(u - v, -u, w) is in K). Clarabel finds one as deep in the cones as can be. Forms that stay on the boundary
are put on a face, by equations, and it is asked again. What is left is in the interiors, so that rounding to
a grid and an exact solution of the equations keep it there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import arb, fmpq
from scipy import sparse

from cvxtoken.arrays import FloatArray
from cvxtoken.conic.program import EXPONENTIAL, NONNEGATIVE, SECOND_ORDER, ZERO, ConeProgram, blocks
from cvxtoken.conic.search.exact import entries, precision
from cvxtoken.conic.search.repair import repaired
from cvxtoken.conic.search.start import run
from cvxtoken.errors import SolverError

_DEEP = 1e-3  # of the depths, at most 1: beyond it a form is in the interior
_FLAT = 1e-4  # of a point's size: a form that counts as 0
_ROUNDS = 8
_BITS = 60
_DUAL = sparse.csr_array(np.array([[1.0, -1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))
_INTERIOR = {EXPONENTIAL: np.array([0.0, 0.5, 1.0])}


@dataclass(frozen=True)
class Group:
    """Linear forms G v that must be in a cone of a kind."""

    kind: str
    G: sparse.csr_array

    @property
    def interior(self) -> FloatArray:
        """A point of the interior."""
        size = self.G.shape[0]
        first = np.arange(size) == 0
        return np.ones(size) if self.kind == NONNEGATIVE else _INTERIOR.get(self.kind, 1.0 * first)


def recession(program: ConeProgram, weak: bool = False) -> list[fmpq] | None:
    """d with -A d in K and q'd < 0, or = 0 where weak, of as large a support as can be; None: none."""
    A = -sparse.csr_array(program.A)
    fixed, groups = _split(program, A)
    return _direction(fixed, groups, -program.q, weak)


def separation(program: ConeProgram, weak: bool = False) -> list[fmpq] | None:
    """z in K* with A'z = 0 and b'z < 0, or = 0 where weak, of as large a support as can be; None: none."""
    _, groups = _split(program, sparse.eye_array(program.A.shape[0], format="csr"))
    groups = [Group(g.kind, sparse.csr_array(_DUAL @ g.G)) if g.kind == EXPONENTIAL else g for g in groups]
    return _direction([sparse.csr_array(program.A.T)], groups, -program.b, weak)


def _split(program: ConeProgram, forms: sparse.csr_array) -> tuple[list[sparse.csr_array], list[Group]]:
    """The forms of zero rows, and the groups of the others, nonnegative ones row by row."""
    fixed, groups = [], []
    for kind, rows in blocks(program.cones):
        part = forms[list(rows)]
        if kind == ZERO:
            fixed.append(part)
        elif kind == NONNEGATIVE:
            groups += [Group(kind, part[[k]]) for k in range(len(rows))]
        elif kind == EXPONENTIAL and not part[[1]].nnz:
            groups += [Group(NONNEGATIVE, -part[[0]]), Group(NONNEGATIVE, part[[2]])]
        else:
            groups.append(Group(kind, part))
    return fixed, groups


def _direction(
    fixed: list[sparse.csr_array], groups: list[Group], gain: FloatArray, weak: bool
) -> list[fmpq] | None:
    """v with the fixed forms 0, the groups in their cones, and gain'v >= 1, or = 0 where weak."""
    size, along = len(gain), sparse.csr_array(gain.reshape(1, -1))
    if weak:
        fixed = [*fixed, along]
    for _ in range(_ROUNDS):
        groups = [g for g in groups if g.G.nnz]
        if weak and not groups:
            return None
        found = _deepest(fixed, groups, None if weak else along, size)
        if found is None:
            return None
        v, depths = found
        scale, new, changed = max((float(np.abs(g.G @ v).max()) for g in groups), default=1.0), [], False
        for group, depth in zip(groups, depths.tolist(), strict=True):
            if depth > _DEEP:
                new.append(group)
                continue
            face = _face(group, group.G @ v, _FLAT * max(scale, 1.0))
            if face is None:
                return None
            changed = True
            fixed, new = [*fixed, face[0]], [*new, *face[1]]
        groups = new
        if not changed:
            break
    if weak and not groups:
        return None
    equations = [row for part in fixed for row in entries(sparse.csr_array(part)) if row]
    try:
        with precision(200):
            return repaired(equations, [0.0] * len(equations), [arb(a) for a in v.tolist()], _BITS)
    except (SolverError, ZeroDivisionError):
        return None


def _face(group: Group, at: FloatArray, flat: float) -> tuple[sparse.csr_array, list[Group]] | None:
    """Forms that are 0 on the face of the boundary where a point is, and what is left of the cone there."""
    G = group.G
    if group.kind == EXPONENTIAL:
        if at[1] > flat:
            return None  # a ray (x, y, y e^(x / y)), of which rationals know none but x = 0
        return G[[1]], [Group(NONNEGATIVE, -G[[0]]), Group(NONNEGATIVE, G[[2]])]
    if group.kind == SECOND_ORDER and at[0] > flat:
        along = 1 + int(np.abs(at[1:]).argmax())
        rest = [k for k in range(1, len(at)) if k != along]
        if np.abs(at[rest]).max(initial=0.0) > flat:
            return None  # a ray along no axis
        together = G[[0]] - np.sign(at[along]) * G[[along]]
        return sparse.csr_array(sparse.vstack([together, G[rest]])), [Group(NONNEGATIVE, G[[0]])]
    return G, []


def _deepest(
    fixed: list[sparse.csr_array], groups: list[Group], along: sparse.csr_array | None, size: int
) -> tuple[FloatArray, FloatArray] | None:
    """v and the depths t, at most 1, with G v - t e in each cone, the sum of depths as large as can be."""
    k = len(groups)
    parts, cones, b = [], [], []

    def add(kind: str, block: sparse.csr_array, right: FloatArray) -> None:
        if block.shape[0]:
            parts.append(block)
            cones.append((kind, block.shape[0]))
            b.append(right)

    for part in fixed:
        kept = sparse.csr_array(part)[np.flatnonzero(np.diff(sparse.csr_array(part).indptr))]
        add(ZERO, _beside(kept, k + 1), np.zeros(kept.shape[0]))
    if along is not None:
        add(NONNEGATIVE, _beside(-along, k + 1), np.array([-1.0]))
    depths = sparse.csr_array(
        sparse.hstack([sparse.csr_array((k, size)), sparse.eye_array(k), sparse.csr_array((k, 1))])
    )
    add(NONNEGATIVE, depths, np.ones(k))
    add(NONNEGATIVE, -depths, np.zeros(k))
    for g, group in enumerate(groups):
        column = np.zeros((group.G.shape[0], k + 1))
        column[:, g] = group.interior
        block = sparse.csr_array(sparse.hstack([-group.G, sparse.csr_array(column)]))
        add(group.kind, block, np.zeros(group.G.shape[0]))
    top = sparse.csr_array(([-1.0], ([0], [size + k])), shape=(1, size + k + 1))
    bound = sparse.vstack([top, _beside(-sparse.eye_array(size, format="csr"), k + 1)])
    add(SECOND_ORDER, sparse.csr_array(bound), np.zeros(size + 1))
    q = np.concatenate([np.zeros(size), -np.ones(k), [1e-5]])
    A = sparse.csc_array(sparse.vstack(parts))
    found = run(ConeProgram(A, np.concatenate(b), q, 0.0, tuple(cones)))
    if "Solved" not in found.status or not found.is_finite:
        return None
    return found.x[:size], found.x[size : size + k]


def _beside(part: sparse.csr_array, columns: int) -> sparse.csr_array:
    return sparse.csr_array(sparse.hstack([part, sparse.csr_array((part.shape[0], columns))]))
