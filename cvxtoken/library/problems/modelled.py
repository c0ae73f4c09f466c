"""Cone data as a CVXPY problem: of any kind that has no program of its own."""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.conic.program import EXPONENTIAL, SECOND_ORDER
from cvxtoken.library.problems.written import Modelled, Written


def modelled(written: Written) -> Modelled:
    """Minimise q'v + offset with b - A v in the cones, and whole columns as integers of CVXPY."""
    p = written.program
    places = [(column,) for column in p.integers]
    v = cp.Variable(len(p.q), name="v", **({"integer": places} if places else {}))
    s = p.b - p.A @ v
    constraints, exponential, row = [], [], 0
    for kind, rows in p.cones:
        part = s[row : row + rows]
        if kind == EXPONENTIAL:
            exponential.append(row)
        elif kind == SECOND_ORDER:
            constraints.append(cp.SOC(part[0], part[1:]))
        else:
            constraints.append(part >= 0)
        row += rows
    if exponential:
        first = np.array(exponential)
        constraints.append(cp.ExpCone(s[first], s[first + 1], s[first + 2]))
    problem = cp.Problem(cp.Minimize(p.q @ v + p.offset), constraints)

    def read() -> FloatArray | None:
        return None if v.value is None else written.read(np.asarray(v.value, dtype=float))

    return Modelled(problem, read)
