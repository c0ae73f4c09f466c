"""Programs without an interior point: one step of facial reduction, on either side (derived here).

y in K* with A'y = 0 and b'y = 0 has s'y = 0 for every feasible s, which is then on the face of K that s'y =
0 has. d with -A d in K and q'd = 0 likewise puts every dual feasible z on a face of K*. On the faces the
program is one with other rows, L'A and L'b, and its dual values are z = L z'. What is feasible there is
feasible in the whole program after x + t d and z + t y, with t large enough.

Source: J. Borwein and H. Wolkowicz, Regularizing the abstract convex program, 1981.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flint import fmpq
from scipy import sparse

from cvxtoken.conic.program import (
    EXPONENTIAL,
    NONNEGATIVE,
    POWER,
    SECOND_ORDER,
    SEMIDEFINITE,
    ZERO,
    ConeProgram,
    blocks,
    diagonal,
)
from cvxtoken.conic.search.cones import split_triangle
from cvxtoken.conic.search.enclose import Exact, Fits, Rule
from cvxtoken.conic.search.exact import Row, columns_of, exact, rows_of, times
from cvxtoken.conic.search.rays import recession, separation
from cvxtoken.errors import SolverError

_POWERS = (None, *range(-2, 130, 3))  # of two, as the t of x + t d


@dataclass(frozen=True)
class Face:
    """A program on the faces that y and d force; of each of its rows, the combination of the given ones."""

    program: ConeProgram
    combinations: list[Row]
    rows: int
    y: Exact | None
    d: Exact | None

    @property
    def note(self) -> str:
        """Which side has no interior."""
        sides = [name for name, v in (("feasible", self.y), ("dual feasible", self.d)) if v is not None]
        return f"there is no strictly {' and no strictly '.join(sides)} point"

    def within(self, whole: Fits) -> Fits:
        """What is feasible here, carried over to where it is feasible in the given program."""
        return Fits(
            lambda x: _first(x, self.d, whole.primal),
            lambda z: _first(self.lifted(z), self.y, whole.dual),
        )

    def lifted(self, z: Exact) -> Exact:
        """L z."""
        found = [fmpq(0)] * self.rows
        for value, combination in zip(z, self.combinations, strict=True):
            for i, a in combination.items():
                found[i] += exact(a) * value
        return found


def _first(v: Exact, direction: Exact | None, fits: Rule) -> Exact | str:
    """v, or the first v + 2^k direction, that fits; else why the last one does not."""
    result: Exact | str = ""
    for power in _POWERS if direction is not None else (None,):
        moved = v
        if power is not None and direction is not None:
            t = fmpq(2) ** power
            moved = [a + t * c for a, c in zip(v, direction, strict=True)]
        result = fits(moved)
        if not isinstance(result, str):
            return result
    return result


def face_of(program: ConeProgram) -> Face:
    """The faces that hold the feasible points and the dual feasible ones.

    Raises:
        SolverError: neither is found to be on a face.
    """
    y, d = separation(program, weak=True), recession(program, weak=True)
    if y is not None and any(times(columns_of(program), y)):
        y = None
    y = y if y is not None and any(y) else None
    d = d if d is not None and any(d) else None
    if y is None and d is None:
        raise SolverError("neither side of the problem is seen to have no interior")
    return reduced(program, y, d)


def reduced(program: ConeProgram, y: Exact | None, d: Exact | None) -> Face:
    """The program on the faces of exact y and d."""
    m = program.A.shape[0]
    away = [fmpq(0)] * m if d is None else [-a for a in times(rows_of(program), d)]
    kept: dict[str, list[Row]] = {ZERO: [], NONNEGATIVE: []}
    powers, exponents = [], iter(program.exponents)
    others: list[tuple[str, list[Row]]] = []
    for kind, block in blocks(program.cones):
        rows = list(block)
        own = [fmpq(0)] * len(rows) if y is None else [y[i] for i in rows]
        far = [away[i] for i in rows]
        exponent = next(exponents) if kind == POWER else None
        if kind == ZERO:
            kept[ZERO] += [{i: 1.0} for i in rows]
        elif kind == NONNEGATIVE:
            for i, a, c in zip(rows, own, far, strict=True):
                if a > 0:
                    kept[ZERO].append({i: 1.0})
                elif not c > 0:
                    kept[NONNEGATIVE].append({i: 1.0})
        elif not any(own) and not any(far):
            others.append((kind, [{i: 1.0} for i in rows]))
            powers += [] if exponent is None else [exponent]
        else:
            on_face = {SECOND_ORDER: _second_order, EXPONENTIAL: _exponential}.get(kind, _at_once)
            if kind == SEMIDEFINITE:
                zero, left = _semidefinite(rows, own, far)
                others += [(kind, left)] if left else []
                positive: list[Row] = []
            else:
                zero, positive = on_face(rows, own, far)
            kept[ZERO] += zero
            kept[NONNEGATIVE] += positive
    together = [(kind, rows) for kind, rows in kept.items() if rows] + others
    combinations = [row for _, rows in together for row in rows]
    L = sparse.dok_array((len(combinations), m))
    for k, combination in enumerate(combinations):
        for i, factor in combination.items():
            L[k, i] = factor
    L = sparse.csr_array(L)
    cones = tuple((kind, len(rows)) for kind, rows in together)
    A = sparse.csc_array(L @ program.A)
    A.eliminate_zeros()
    small = replace(program, A=A, b=L @ program.b, cones=cones, exponents=tuple(powers))
    return Face(small, combinations, m, y, d)


def _second_order(rows: Sequence[int], own: Exact, far: Exact) -> tuple[list[Row], list[Row]]:
    """The rows that are 0, and those that are not negative, on the face of a second-order cone."""
    v = own if any(own) else far
    if v[0] * v[0] > sum((a * a for a in v[1:]), fmpq(0)):
        return ([{i: 1.0} for i in rows], []) if any(own) else ([], [])
    along = [k for k, a in enumerate(v) if k and a]
    if len(along) != 1:
        raise SolverError("a second-order cone is forced onto a ray along no axis")
    (k,) = along
    sign = 1.0 if v[k] > 0 else -1.0
    if any(own):  # s = a (1, -sign) in these rows
        rest = [{i: 1.0} for n, i in enumerate(rows) if n not in (0, k)]
        return [{rows[0]: 1.0, rows[k]: sign}, *rest], [{rows[0]: 1.0}]
    return [], [{rows[0]: 1.0, rows[k]: -sign}]  # z = a (1, -sign)


def _semidefinite(rows: Sequence[int], own: Exact, far: Exact) -> tuple[list[Row], list[Row]]:
    """The rows that are 0 on the face, and those of the triangle that is left."""
    v = own if any(own) else far
    gone, left = split_triangle(len(rows), [v[k] > 0 for k in diagonal(len(rows))])
    zero = [{rows[k]: 1.0} for k in gone] if any(own) else []
    return zero, [{rows[k]: 1.0} for k in left]


def _at_once(rows: Sequence[int], own: Exact, far: Exact) -> tuple[list[Row], list[Row]]:
    """The same of other cones, where directions are from the interior or 0: all are 0, or none is left."""
    return ([{i: 1.0} for i in rows] if any(own) else []), []


def _exponential(rows: Sequence[int], own: Exact, far: Exact) -> tuple[list[Row], list[Row]]:
    """The same of an exponential cone; its ray (0, 1, 1) and (-1, -1, 1) of its dual face each other."""
    x, y, t = ({i: 1.0} for i in rows)
    i, j, k = rows
    if any(own):
        u, v, w = own
        if u < 0:
            on_ray = u == v == -w
            return ([x, {j: 1.0, k: -1.0}], [y]) if on_ray else ([x, y, t], [])
        return ([y, t], [{i: -1.0}]) if w > 0 else ([y], [{i: -1.0}, t])
    a, c, e = far
    if c > 0:
        return [], [{i: -1.0, j: -1.0, k: 1.0}] if a == 0 and c == e else []
    return [], [y] if e > 0 else [y, t]
