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
_RIM = 1e-2  # weight of sizes on a boundary, beside that of depths
_NORM = 1e-5  # weight of |v|
_BITS = 60
_DUAL = sparse.csr_array(np.array([[1.0, -1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))


@dataclass(frozen=True)
class Group:
    """Linear forms G v that must be in a cone of a kind."""

    kind: str
    G: sparse.csr_array


def interior(kind: str, size: int) -> FloatArray:
    """A point inside a cone; 0 of equations."""
    first = 1.0 * (np.arange(size) == 0)
    if kind == EXPONENTIAL:
        return np.array([0.0, 0.5, 1.0])
    found: FloatArray = {ZERO: 0 * first, NONNEGATIVE: np.ones(size)}.get(kind, first)
    return found


def recession(program: ConeProgram, weak: bool = False) -> list[fmpq] | None:
    """d with -A d in K and q'd < 0, or = 0 where weak, of as large a support as can be; None: none."""
    A = -sparse.csr_array(program.A)
    fixed, groups = _split(program, A)
    return _direction(fixed, groups, -program.q, weak)


def separation(program: ConeProgram, weak: bool = False) -> list[fmpq] | None:
    """z in K* with A'z = 0 and b'z < 0, or = 0 where weak, of as large a support as can be; None: none.

    Where not weak, equations and nonnegative rows alone are tried first.
    """
    _, groups = _split(program, sparse.eye_array(program.A.shape[0], format="csr"))
    groups = [Group(g.kind, sparse.csr_array(_DUAL @ g.G)) if g.kind == EXPONENTIAL else g for g in groups]
    equations = [sparse.csr_array(program.A.T)]
    if not weak:
        linear = [g for g in groups if g.kind == NONNEGATIVE]
        others = [g.G for g in groups if g.kind != NONNEGATIVE]
        found = _direction([*equations, *others], linear, -program.b, weak) if others else None
        if found is not None:
            return found
    return _direction(equations, groups, -program.b, weak)


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
        if at[1] <= flat:
            return G[[1]], [Group(NONNEGATIVE, -G[[0]]), Group(NONNEGATIVE, G[[2]])]
        if max(abs(at[0]), abs(at[1] - at[2])) > flat:
            return None  # a ray (x, y, y e^(x / y)), of which rationals know none but (0, 1, 1)
        return sparse.csr_array(sparse.vstack([G[[0]], G[[1]] - G[[2]]])), [Group(NONNEGATIVE, G[[1]])]
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
    """v and the depths t, at most 1, with G v - t e in each cone, the sum of depths as large as can be.

    Of little weight beside them is how large the first entries of second-order cones are, and y and t of
    exponential ones, so that forms which stay on a boundary are not 0 there if they need not be.
    """
    k = len(groups)
    rims = [row for group in groups for row in _rims(group)]
    total = size + k + len(rims) + 1  # v, depths, sizes, and a bound of |v|
    program = _Rows(total)
    for part in fixed:
        program.add(ZERO, {0: part}, 0.0)
    if along is not None:
        program.add(NONNEGATIVE, {0: -along}, -1.0)
    for at, count in ((size, k), (size + k, len(rims))):
        unit = sparse.eye_array(count, format="csr")
        program.add(NONNEGATIVE, {at: unit}, 1.0)
        program.add(NONNEGATIVE, {at: -unit}, 0.0)
    for g, group in enumerate(groups):
        e = interior(group.kind, group.G.shape[0]).reshape(-1, 1)
        program.add(group.kind, {0: -group.G, size + g: sparse.csr_array(e)}, 0.0)
    for g, row in enumerate(rims):
        program.add(NONNEGATIVE, {0: -row, size + k + g: sparse.csr_array([[1.0]])}, 0.0)
    norm = sparse.block_array(
        [[None, sparse.csr_array([[-1.0]])], [-sparse.eye_array(size), None]], format="csr"
    )
    program.add(SECOND_ORDER, {0: norm[:, :size], total - 1: norm[:, size:]}, 0.0)
    q = np.concatenate([np.zeros(size), np.full(k, -1.0), np.full(len(rims), -_RIM), [_NORM]])
    found = run(program.minimising(q))
    if "Infeasible" in found.status or not found.is_finite:
        return None
    return found.x[:size], found.x[size : size + k]


def _rims(group: Group) -> list[sparse.csr_array]:
    """Forms that are not negative in a cone, and not all 0 at some points of its boundary."""
    places = {SECOND_ORDER: [0], EXPONENTIAL: [1, 2]}.get(group.kind, [])
    return [group.G[[i]] for i in places]


class _Rows:
    """Rows of a cone program, added in parts that say at which column they begin."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.parts: list[sparse.coo_array] = []
        self.right: list[FloatArray] = []
        self.cones: list[tuple[str, int]] = []

    def add(self, kind: str, parts: dict[int, sparse.csr_array], right: float) -> None:
        """Add parts side by side, with the same number on each right-hand side."""
        rows = next(iter(parts.values())).shape[0]
        if not rows:
            return
        found = []
        for at, part in parts.items():
            own = sparse.coo_array(part)
            i, j = own.coords
            found.append(sparse.coo_array((own.data, (i, j + at)), shape=(rows, self.columns)))
        self.parts.append(sum(found[1:], start=found[0]))
        self.right.append(np.full(rows, right))
        self.cones.append((kind, rows))

    def minimising(self, q: FloatArray) -> ConeProgram:
        """The program."""
        A = sparse.csc_array(sparse.vstack(self.parts))
        return ConeProgram(A, np.concatenate(self.right), q, 0.0, tuple(self.cones))
