"""Clarabel on cone data: a point to start from, never a result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import clarabel
import numpy as np
from scipy import sparse

from cvxtoken.arrays import FloatArray
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
    order_of,
)

_CONES: dict[str, Callable[[int], Any]] = {
    ZERO: clarabel.ZeroConeT,
    NONNEGATIVE: clarabel.NonnegativeConeT,
    SECOND_ORDER: clarabel.SecondOrderConeT,
    EXPONENTIAL: lambda _: clarabel.ExponentialConeT(),
    SEMIDEFINITE: lambda size: clarabel.PSDTriangleConeT(order_of(size)),
}


@dataclass(frozen=True)
class Run:
    """What Clarabel says of a program, and its last point."""

    status: str
    x: FloatArray
    s: FloatArray
    z: FloatArray

    @property
    def is_finite(self) -> bool:
        """Whether its numbers are numbers."""
        return all(bool(np.isfinite(v).all()) for v in (self.x, self.s, self.z))


def run(program: ConeProgram, tolerance: float = 1e-8) -> Run:
    """Solve with this tolerance of gap and feasibility.

    In Clarabel's semidefinite cones what is off the diagonal stands times sqrt(2), in s and in z.
    """
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.presolve_enable = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
    n = program.A.shape[1]
    root = _off_diagonal(program)
    nothing, A = sparse.csc_matrix((n, n)), sparse.csc_matrix(sparse.diags_array(root) @ program.A)
    exponents = iter(program.exponents)
    cones = [
        clarabel.PowerConeT(next(exponents)) if kind == POWER else _CONES[kind](size)
        for kind, size in program.cones
    ]
    found = clarabel.DefaultSolver(nothing, program.q, A, root * program.b, cones, settings).solve()
    return Run(str(found.status), np.array(found.x), np.array(found.s) / root, np.array(found.z) * root)


def _off_diagonal(program: ConeProgram) -> FloatArray:
    """sqrt(2) in the rows that stand for entries off a diagonal, and 1."""
    root = np.ones(program.A.shape[0])
    for kind, rows in blocks(program.cones):
        if kind == SEMIDEFINITE:
            own = np.full(len(rows), np.sqrt(2))
            own[diagonal(len(rows))] = 1
            root[rows.start : rows.stop] = own
    return root
