"""Cone programs under Clarabel itself, without a modelling language."""

from __future__ import annotations

import clarabel
import numpy as np
from scipy import sparse

from cvxtoken.conic.program import EXPONENTIAL, NONNEGATIVE, SECOND_ORDER, ZERO, ConeProgram


def solved(program: ConeProgram) -> tuple[np.ndarray, np.ndarray, float]:
    """Clarabel's primal and dual point and objective, which is minimised."""
    make = {
        ZERO: clarabel.ZeroConeT,
        NONNEGATIVE: clarabel.NonnegativeConeT,
        SECOND_ORDER: clarabel.SecondOrderConeT,
        EXPONENTIAL: lambda _: clarabel.ExponentialConeT(),
    }
    cones = [make[kind](rows) for kind, rows in program.cones]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    none = sparse.csc_matrix((len(program.q),) * 2)
    found = clarabel.DefaultSolver(
        none, program.q, sparse.csc_matrix(program.A), program.b, cones, settings
    ).solve()
    return np.array(found.x), np.array(found.z), found.obj_val + program.offset
