"""Exact directions: of recession, and proofs of infeasibility (derived here).

Both are vectors v with E v = 0 and linear forms G v in cones. A direction of recession of the program has -A
v in K; a proof of infeasibility is a v in K* with A'v = 0 (of an exponential cone, (u, v, w) is in K* where
(u - v, -u, w) is in K). Clarabel finds one as deep in the cones as can be. Forms that stay on the boundary
are put on a face, by equations, and it is asked again. What is left is in the interiors, so that rounding to
a grid and an exact solution of the equations keep it there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from flint import arb, fmpq
from scipy import sparse

from cvxtoken.arrays import FloatArray
from cvxtoken.conic.program import (
    EXPONENTIAL,
    KINDS,
    NONNEGATIVE,
    POWER,
    SECOND_ORDER,
    SEMIDEFINITE,
    ZERO,
    ConeProgram,
    blocks,
    diagonal,
)
from cvxtoken.conic.search.cones import interior, split_triangle
from cvxtoken.conic.search.effort import Effort
from cvxtoken.conic.search.exact import entries, precision
from cvxtoken.conic.search.repair import repaired
from cvxtoken.conic.search.start import run
from cvxtoken.errors import SolverError

_DEEP = 1e-3  # of the depths, at most 1: beyond it a form is in the interior
_FLAT = 1e-4  # of a point's size: a form that counts as 0
_ASIDE = 0.03  # of a ray's length: what counts as 0 beside it, where the rest is second order
_ROUNDS = 8
_RIM = 1e-2  # weight of sizes on a boundary, beside that of depths
_NORM = 1e-5  # weight of |v|
_BITS = 60
_DUAL = sparse.csr_array(np.array([[1.0, -1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))


@dataclass(frozen=True)
class Cone:
    """Linear forms G v that must be in a cone of more than one row; the exponent is of power cones."""

    kind: str
    G: sparse.csr_array
    exponent: float = 0.0

    def dual(self) -> Cone:
        """Forms that are in the cone where these are in its dual."""
        halves = np.full(self.G.shape[0], 0.5)
        halves[diagonal(self.G.shape[0])] = 1
        a = self.exponent
        maps = {
            EXPONENTIAL: _DUAL,
            POWER: sparse.diags_array([1 - a, a, a * (1 - a)]),
            SEMIDEFINITE: sparse.diags_array(halves),
        }
        return replace(self, G=sparse.csr_array(maps[self.kind] @ self.G)) if self.kind in maps else self


@dataclass(frozen=True)
class Forms:
    """Linear forms of v: those that must be 0, those that must not be negative, and those of other cones."""

    fixed: sparse.csr_array
    linear: sparse.csr_array
    cones: tuple[Cone, ...]

    def without_empty(self) -> Forms:
        """The same without forms that are 0 for all v."""
        fixed, linear = (part[np.flatnonzero(np.diff(part.indptr))] for part in (self.fixed, self.linear))
        return Forms(fixed, linear, tuple(cone for cone in self.cones if cone.G.nnz))


def recession(program: ConeProgram, weak: bool = False) -> list[fmpq] | None:
    """d with -A d in K and q'd < 0, or = 0 where weak, of as large a support as can be; None: none."""
    forms = -sparse.csr_array(program.A)
    zero, linear, cones = _split(program, forms)
    return _direction(Forms(forms[zero], forms[linear], cones), -program.q, weak)


def separation(program: ConeProgram, weak: bool = False) -> list[fmpq] | None:
    """z in K* with A'z = 0 and b'z < 0, or = 0 where weak, of as large a support as can be; None: none.

    Where not weak, equations and nonnegative rows alone are tried first.
    """
    unit = sparse.eye_array(program.A.shape[0], format="csr")
    _, linear, cones = _split(program, unit)
    cones = tuple(cone.dual() for cone in cones)
    equations = sparse.csr_array(program.A.T)
    if not weak and cones:
        without = _stacked([equations, *(cone.G for cone in cones)])
        found = _direction(Forms(without, unit[linear], ()), -program.b, weak)
        if found is not None:
            return found
    return _direction(Forms(equations, unit[linear], cones), -program.b, weak)


def _split(program: ConeProgram, forms: sparse.csr_array) -> tuple[list[int], list[int], tuple[Cone, ...]]:
    """The zero rows, the nonnegative rows, and the other cones."""
    of = {kind: [i for own, rows in blocks(program.cones) if own == kind for i in rows] for kind in KINDS}
    others = [(kind, rows) for kind, rows in blocks(program.cones) if kind not in (ZERO, NONNEGATIVE)]
    exponents = iter(program.exponents)
    powers = [next(exponents) if kind == POWER else 0.0 for kind, _ in others]
    cones = (Cone(kind, forms[list(rows)], a) for (kind, rows), a in zip(others, powers, strict=True))
    return of[ZERO], of[NONNEGATIVE], tuple(cones)


def _stacked(parts: Sequence[sparse.csr_array]) -> sparse.csr_array:
    return sparse.csr_array(sparse.vstack(parts))


def _direction(forms: Forms, gain: FloatArray, weak: bool) -> list[fmpq] | None:
    """v with the forms where they must be, and gain'v >= 1, or = 0 where weak."""
    along = sparse.csr_array(gain.reshape(1, -1))
    if weak:
        forms = replace(forms, fixed=_stacked([forms.fixed, along]))
    for _ in range(_ROUNDS):
        forms = forms.without_empty()
        if weak and not forms.linear.shape[0] and not forms.cones:
            return None
        found = _deepest(forms, None if weak else along)
        if found is None:
            return None
        v, of_linear, of_cones = found
        if min([1.0, *of_linear, *of_cones]) > _DEEP:
            break
        faced = _on_faces(forms, v, of_linear, of_cones)
        if faced is None:
            return None
        forms = faced
    if weak and not forms.linear.shape[0] and not forms.cones:
        return None
    equations = [row for row in entries(forms.fixed) if row]
    try:
        with precision(200):
            return repaired(equations, [0.0] * len(equations), [arb(a) for a in v.tolist()], _BITS, Effort())
    except (SolverError, ZeroDivisionError):
        return None


def _on_faces(forms: Forms, v: FloatArray, of_linear: FloatArray, of_cones: FloatArray) -> Forms | None:
    """The forms, those on a boundary put on the faces where they are; None where that cannot be done."""
    flat = _FLAT * max(1.0, *(float(np.abs(G @ v).max(initial=0.0)) for G in _all(forms)))
    fixed, linear = [forms.fixed, forms.linear[of_linear <= _DEEP]], [forms.linear[of_linear > _DEEP]]
    cones = []
    for cone, depth in zip(forms.cones, of_cones.tolist(), strict=True):
        if depth > _DEEP:
            cones.append(cone)
            continue
        face = _face(cone, cone.G @ v, flat)
        if face is None:
            return None
        fixed, linear, cones = [*fixed, face.fixed], [*linear, face.linear], [*cones, *face.cones]
    return Forms(_stacked(fixed), _stacked(linear), tuple(cones))


def _all(forms: Forms) -> list[sparse.csr_array]:
    return [forms.linear, *(cone.G for cone in forms.cones)]


def _face(cone: Cone, at: FloatArray, flat: float) -> Forms | None:
    """What is left of a cone on the face of its boundary where a point is; None where that is not known."""
    G, none = cone.G, cone.G[[]]
    if cone.kind == EXPONENTIAL:
        if (
            min(at[1], at[2]) <= flat
        ):  # y e^(x / y) <= z is as good as 0 at large -x, though y is 0 where z is
            return Forms(G[[1]], _stacked([-G[[0]], G[[2]]]), ())
        if max(abs(at[0]), abs(at[1] - at[2])) > flat:
            return None  # a ray (x, y, y e^(x / y)), of which rationals know none but (0, 1, 1)
        return Forms(_stacked([G[[0]], G[[1]] - G[[2]]]), G[[1]], ())
    if cone.kind == SEMIDEFINITE:
        zero, rest = split_triangle(len(at), [v <= flat for v in at[diagonal(len(at))].tolist()])
        left = (replace(cone, G=G[rest]),) if rest else ()
        return Forms(G[zero], none, left) if zero else None  # a face that is none of coordinates
    if cone.kind == SECOND_ORDER and at[0] > flat:
        along = 1 + int(np.abs(at[1:]).argmax())
        rest = [k for k in range(1, len(at)) if k != along]
        if np.abs(at[rest]).max(initial=0.0) > max(flat, _ASIDE * at[0]):
            return None  # a ray along no axis
        return Forms(_stacked([G[[0]] - np.sign(at[along]) * G[[along]], G[rest]]), G[[0]], ())
    if cone.kind == POWER and np.abs(at).max() > flat:
        return None
    return Forms(G, none, ())


def _deepest(
    forms: Forms, along: sparse.csr_array | None
) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """v and the depths t, at most 1, with G v - t e in each cone, the sum of depths as large as can be.

    Of little weight beside them is how large the first entries of second-order cones are, and y and t of
    exponential ones, so that forms which stay on a boundary are not 0 there if they need not be.
    """
    size, k, c = forms.fixed.shape[1], forms.linear.shape[0], len(forms.cones)
    rims = _stacked([forms.linear[[]], *(cone.G[_rims(cone)] for cone in forms.cones)])
    r, unit = rims.shape[0], sparse.eye_array
    # columns: v, depths of linear forms and of cones, sizes of rims, a bound of |v|
    at_depth, at_rim, last = size, size + k + c, size + k + c + r
    program = _Rows(last + 1)
    program.add(ZERO, {0: forms.fixed}, 0.0)
    if along is not None:
        program.add(NONNEGATIVE, {0: -along}, -1.0)
    for at, count in ((at_depth, k + c), (at_rim, r)):
        program.add(NONNEGATIVE, {at: unit(count)}, 1.0)
        program.add(NONNEGATIVE, {at: -unit(count)}, 0.0)
    program.add(NONNEGATIVE, {0: -forms.linear, at_depth: unit(k)}, 0.0)
    program.add(NONNEGATIVE, {0: -rims, at_rim: unit(r)}, 0.0)
    for g, cone in enumerate(forms.cones):
        e = interior(cone.kind, cone.G.shape[0]).reshape(-1, 1)
        program.add(cone.kind, {0: -cone.G, at_depth + k + g: sparse.coo_array(e)}, 0.0)
    below = sparse.coo_array(([-1.0], ([0], [0])), shape=(size + 1, 1))
    norm = sparse.coo_array(
        (np.full(size, -1.0), (np.arange(1, size + 1), np.arange(size))), (size + 1, size)
    )
    program.add(SECOND_ORDER, {0: norm, last: below}, 0.0)
    q = np.concatenate([np.zeros(size), np.full(k + c, -1.0), np.full(r, -_RIM), [_NORM]])
    exponents = tuple(cone.exponent for cone in forms.cones if cone.kind == POWER)
    found = run(program.minimising(q, exponents))
    if "Infeasible" in found.status or not found.is_finite:
        return None
    return found.x[:size], found.x[size : size + k], found.x[size + k : at_rim]


def _rims(cone: Cone) -> list[int]:
    """Forms that are not negative in a cone, and not all 0 at some points of its boundary."""
    if cone.kind == SEMIDEFINITE:
        return diagonal(cone.G.shape[0])
    return {SECOND_ORDER: [0], EXPONENTIAL: [1, 2]}.get(cone.kind, [])


class _Rows:
    """Rows of a cone program, added in parts that say at which column they begin."""

    def __init__(self, columns: int) -> None:
        self.columns, self.rows = columns, 0
        self.entries: list[tuple[FloatArray, FloatArray, FloatArray]] = []
        self.right: list[FloatArray] = []
        self.cones: list[tuple[str, int]] = []

    def add(self, kind: str, parts: dict[int, Any], right: float) -> None:
        """Add parts side by side, with the same number on each right-hand side."""
        count = next(iter(parts.values())).shape[0]
        for at, part in parts.items():
            own = sparse.coo_array(part)
            i, j = own.coords
            self.entries.append((i + self.rows, j + at, own.data))
        self.right.append(np.full(count, right))
        self.cones += [(kind, count)] if count else []
        self.rows += count

    def minimising(self, q: FloatArray, exponents: tuple[float, ...]) -> ConeProgram:
        """The program."""
        i, j, values = (np.concatenate(part) for part in zip(*self.entries, strict=True))
        A = sparse.csc_array((values, (i, j)), shape=(self.rows, self.columns))
        return ConeProgram(A, np.concatenate(self.right), q, 0.0, tuple(self.cones), exponents=exponents)
