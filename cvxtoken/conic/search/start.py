"""Clarabel on cone data: a point to start from, never a result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import clarabel
import numpy as np
from scipy import sparse

from cvxtoken.arrays import FloatArray
from cvxtoken.conic.program import EXPONENTIAL, NONNEGATIVE, SECOND_ORDER, ZERO, ConeProgram

_CONES: dict[str, Callable[[int], Any]] = {
    ZERO: clarabel.ZeroConeT,
    NONNEGATIVE: clarabel.NonnegativeConeT,
    SECOND_ORDER: clarabel.SecondOrderConeT,
    EXPONENTIAL: lambda _: clarabel.ExponentialConeT(),
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
    """Solve with this tolerance of gap and feasibility."""
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.presolve_enable = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
    n = program.A.shape[1]
    nothing, A = sparse.csc_matrix((n, n)), sparse.csc_matrix(program.A)
    cones = [_CONES[kind](size) for kind, size in program.cones]
    found = clarabel.DefaultSolver(nothing, program.q, A, program.b, cones, settings).solve()
    return Run(str(found.status), *(np.array(v) for v in (found.x, found.s, found.z)))
