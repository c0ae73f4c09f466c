"""An optimum enclosed: the end of the central path, rounded, and made exactly feasible (derived here)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb, fmpq

from cvxtoken.conic.program import ZERO, ConeProgram, blocks
from cvxtoken.conic.search.equations import Point
from cvxtoken.conic.search.exact import Row, columns_of, precision, rows_of
from cvxtoken.conic.search.follow import Search
from cvxtoken.conic.search.independent import Kept, without_dependent
from cvxtoken.conic.search.repair import repaired
from cvxtoken.errors import SolverError

_FINER = 24  # bits of the grid below the least slack
Exact = list[fmpq]
Rule = Callable[[Exact], Exact | str]


@dataclass(frozen=True)
class Fits:
    """Of exact points of a program that is searched: those of the whole that are feasible, or a reason."""

    primal: Rule
    dual: Rule


@dataclass(frozen=True)
class Pair:
    """Exact points, either of which may be missing, with a note why."""

    x: Exact | None
    z: Exact | None
    notes: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether both are there."""
        return self.x is not None and self.z is not None

    def joined(self, other: Pair) -> Pair:
        """The points of another search where it has them, and these where it has not."""
        x = self.x if other.x is None else other.x
        z = self.z if other.z is None else other.z
        return Pair(x, z, other.notes if x is not None and z is not None else (*self.notes, *other.notes))


NOTHING = Pair(None, None)


class Enclosure:
    """The search for exact x and z at the end of the path of a program.

    Args:
        program: equilibrated, or a face of it.
        digits: of the gap.
        fits: says of exact points whether they are feasible in the whole program.

    Raises:
        SolverError: a variable in no constraint has a cost.
    """

    def __init__(self, program: ConeProgram, digits: int, fits: Fits) -> None:
        self.program, self.fits, self.kept = program, fits, without_dependent(program)
        _require_bounded_columns(program, self.kept)
        self.search = Search(self.kept.program, digits)

    def quick(self) -> Pair:
        """Where steps in doubles lead to the end (SolverError: they do not)."""
        return _exactly(self.program, self.kept, *self.search.quick(), self.fits)

    def patient(self) -> Pair:
        """By the path in balls (SolverError: there is none, or it cannot be followed)."""
        return _exactly(self.program, self.kept, *self.search.patient(), self.fits)


def _exactly(program: ConeProgram, kept: Kept, point: Point, mu: arb, fits: Fits) -> Pair:
    """Exact x and z near a central point."""
    least = min((abs(float(v)) for v in point.s + point.z if v != 0), default=1.0)
    bits = _FINER - math.floor(math.log2(max(min(least, float(mu)), 1e-300)))
    m, n = program.A.shape
    x, z = _spread(point.x, kept.columns, n), _spread(point.z, kept.rows, m)
    rows, inside = rows_of(program), set(kept.rows)
    zero = [i for kind, block in blocks(program.cones) if kind == ZERO for i in block]
    columns = [{i: a for i, a in column.items() if i in inside} for column in columns_of(program)]
    primal = _feasible([rows[i] for i in zero], program.b[zero].tolist(), x, bits, fits.primal)
    dual = _feasible(columns, (-program.q).tolist(), z, bits, fits.dual)
    if isinstance(primal, str) and set(zero) - inside:
        primal += "; some equations follow from others but for rounding, and exactly they may contradict them"
    notes = tuple(note for note in (primal, dual) if isinstance(note, str))
    return Pair(None if isinstance(primal, str) else primal, None if isinstance(dual, str) else dual, notes)


def _require_bounded_columns(program: ConeProgram, kept: Kept) -> None:
    """SolverError where a variable in no constraint has a cost."""
    for part in (program, kept.program):
        if part.q[np.diff(part.A.indptr) == 0].any():
            raise SolverError("a variable in no constraint has a cost")


def _spread(values: list[arb], places: list[int], size: int) -> list[arb]:
    """Values at their places, and 0 elsewhere."""
    found = [arb(0)] * size
    for value, place in zip(values, places, strict=True):
        found[place] = value
    return found


def _feasible(
    equations: Sequence[Row], right: Sequence[float], values: list[arb], bits: int, fits: Rule
) -> Exact | str:
    """A point on the equations that is feasible, on the coarsest grid of some that has one, or a reason."""
    result: Exact | str = ""
    most = 4 * bits + 600
    while bits <= most:
        with precision(bits + 200):
            result = fits(repaired(equations, right, values, bits))
        if not isinstance(result, str):
            return result
        bits = bits + bits // 4 + 10
    return result
