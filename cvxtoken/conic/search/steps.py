"""Newton's steps on the central path: by elimination in balls, or by a factorisation in doubles.

With d(z, w) = g - H ds of each cone and ds = r - A dx, r = b - A x - s, what is left is A'H A dx and
A_0'dz_0, A_0 being the zero rows. In doubles nothing is eliminated: the equations stay well posed where mu
goes to 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from flint import arb, arb_mat
from scipy import sparse
from scipy.sparse.linalg import splu

from cvxtoken.conic.search.elimination import solve_sparse
from cvxtoken.conic.search.equations import Equations, Point, Vector
from cvxtoken.conic.search.smooth import Matrix
from cvxtoken.conic.search.smooth import Rows as Jacobian

_WIDE = 40  # entries of a cone's rows beyond which its products are made by matrices
Rows = list[dict[int, arb]]


def ball_step(path: Equations, point: Point, mu: arb) -> Point:
    """The step in the current precision (ZeroDivisionError: the equations are singular)."""
    n = len(path.q)
    primal, right = path.residuals(point)
    right = [*right, *(primal[i] for i in path.zero)]
    M: Rows = [{} for _ in right]
    steps, wide = [], []
    for k, cone in enumerate(path.cones):
        local = path.local(point, k)
        H, g = cone.eliminated(*local, cone.equations(*local, mu))
        steps.append((H, g))
        r = [primal[i] for i in cone.rows]
        for i, row, own in zip(cone.rows, H, g, strict=False):
            known = own - _dot(row, r)
            for j, value in path.rows[i].items():
                right[j] -= known * value
        if sum(len(path.rows[i]) for i in cone.rows) > _WIDE:
            wide.append((cone.rows, H[: len(cone.rows)]))
        else:
            _add(M, path, cone.rows, H)
    if wide:
        _add_wide(M, path, wide)
    for k, i in enumerate(path.zero):
        for j, value in path.rows[i].items():
            M[j][n + k] = M[n + k][j] = arb(value)
    return _completed(path, solve_sparse(M, right), primal, steps)


def _dot(a: Sequence[arb], c: Sequence[arb]) -> arb:
    return sum((x * y for x, y in zip(a, c, strict=True)), arb(0))


def _add(M: Rows, path: Equations, rows: list[int], H: Matrix) -> None:
    """M += A'H A of one cone."""
    for a, i in enumerate(rows):
        for c, i2 in enumerate(rows):
            h = H[a][c]
            if h == 0:
                continue
            for j, value in path.rows[i].items():
                part, into = h * value, M[j]
                for j2, value2 in path.rows[i2].items():
                    old = into.get(j2)
                    into[j2] = part * value2 if old is None else old + part * value2


def _add_wide(M: Rows, path: Equations, wide: list[tuple[list[int], Matrix]]) -> None:
    """M += A'H A of cones with many entries, by matrix products."""
    columns = sorted({j for rows, _ in wide for i in rows for j in path.rows[i]})
    place = {j: k for k, j in enumerate(columns)}
    left, right = [], []
    for rows, H in wide:
        B = [[arb(0)] * len(columns) for _ in rows]
        for into, i in zip(B, rows, strict=True):
            for j, a in path.rows[i].items():
                into[place[j]] = arb(a)
        left += B
        right += (arb_mat(H) * arb_mat(B)).tolist()
    product = (arb_mat(left).transpose() * arb_mat(right)).mid().tolist()
    for j, row in zip(columns, product, strict=True):
        total = M[j]
        for j2, value in zip(columns, row, strict=True):
            if value != 0:
                total[j2] = total[j2] + value if j2 in total else value


def _completed(path: Equations, found: Vector, primal: Vector, steps: list[tuple[Matrix, Vector]]) -> Point:
    """The step in all unknowns, from that in x and in z of the zero rows."""
    n, m = len(path.q), len(path.b)
    dx, ds, dz, dw = found[:n], [arb(0)] * m, [arb(0)] * m, []
    for i, value in zip(path.zero, found[n:], strict=True):
        dz[i] = value
    for cone, (H, g) in zip(path.cones, steps, strict=True):
        for i in cone.rows:
            change = sum((dx[j] * value for j, value in path.rows[i].items()), arb(0))
            ds[i] = (primal[i] - change).mid()
        step = [ds[i] for i in cone.rows]
        own = [(x - _dot(row, step)).mid() for row, x in zip(H, g, strict=True)]
        for i, x in zip(cone.rows, own, strict=False):
            dz[i] = x
        dw.append(own[len(cone.rows) :])
    return Point(dx, ds, dz, dw)


def double_step(path: Equations, point: Point, mu: arb) -> Point:
    """The step in doubles, from right-hand sides in balls.

    Raises:
        ZeroDivisionError: the equations are singular in doubles, or their numbers are beyond them.
    """
    n, m = len(path.q), len(path.b)
    primal, dual = path.residuals(point)
    right = [*map(float, dual), *map(float, primal)]
    A, unit = path.program.A.tocoo(), np.setdiff1d(np.arange(m), path.zero)
    i, j = A.coords
    # unknowns: x, z, s of all rows but the zero ones, w
    own = np.full(m, -1)
    own[unit] = n + m + np.arange(len(unit))
    entries = [(j, n + i, A.data), (n + i, j, A.data), (n + unit, own[unit], np.ones(len(unit)))]
    local = _Entries(n + m, n + m + len(unit))
    for k, cone in enumerate(path.cones):
        at, F = path.local(point, k), [float(x) for x in cone.equations(*path.local(point, k), mu)]
        try:
            in_s, in_z = cone.jacobian(*([float(a) for a in part] for part in at))
        except OverflowError as error:
            raise ZeroDivisionError(f"doubles overflow: {error}") from error
        right += local.add(F, in_s, in_z, own[cone.rows].tolist(), [n + r for r in cone.rows], cone.extra)
    i, j, values = (np.concatenate(part) for part in zip(*entries, local.arrays(), strict=True))
    if local.row != local.column or not (np.isfinite(values).all() and np.isfinite(right).all()):
        raise ZeroDivisionError("the equations are not as many as the unknowns, or beyond doubles")
    M = sparse.csc_array((values, (i, j)), shape=(local.row, local.row))
    try:
        found = splu(M).solve(np.array(right))
    except RuntimeError as error:
        raise ZeroDivisionError(f"the system is singular: {error}") from error
    if not np.isfinite(found).all():
        raise ZeroDivisionError("the system is singular")
    return _apart(path, [arb(a) for a in found.tolist()], own.tolist())


class _Entries:
    """Entries of the cones' equations, each divided by its largest."""

    def __init__(self, row: int, column: int) -> None:
        self.row, self.column = row, column
        self.i: list[int] = []
        self.j: list[int] = []
        self.values: list[float] = []

    def add(
        self, F: list[float], in_s: Jacobian, in_z: Jacobian, of_s: list[int], of_z: list[int], extra: int
    ) -> list[float]:
        """Add the equations of a cone with the places of its unknowns; the right-hand sides."""
        of_z, right = [*of_z, *range(self.column, self.column + extra)], []
        for f, own_s, own_z in zip(F, in_s, in_z, strict=True):
            row = {of_s[k]: a for k, a in own_s.items()} | {of_z[k]: a for k, a in own_z.items()}
            scale = max(map(abs, row.values())) or 1.0
            for place, a in row.items():
                self.i.append(self.row)
                self.j.append(place)
                self.values.append(a / scale)
            right.append(-f / scale)
            self.row += 1
        self.column += extra
        return right

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows, columns and values."""
        return np.array(self.i, int), np.array(self.j, int), np.array(self.values)


def _apart(path: Equations, found: Vector, own: list[int]) -> Point:
    """The unknowns of a step in doubles, where they belong."""
    n, m = len(path.q), len(path.b)
    s = [found[place] if place >= 0 else arb(0) for place in own]
    w, at = [], n + 2 * m - len(path.zero)
    for cone in path.cones:
        w.append(found[at : at + cone.extra])
        at += cone.extra
    return Point(found[:n], s, found[n : n + m], w)
