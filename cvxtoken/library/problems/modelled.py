"""Cone data as a CVXPY problem: of any kind that has no program of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cvxpy as cp
import numpy as np
from scipy import sparse

from cvxtoken.arrays import FloatArray
from cvxtoken.conic.program import EXPONENTIAL, NONNEGATIVE, SECOND_ORDER, ZERO
from cvxtoken.errors import ProblemError
from cvxtoken.library.problems.written import Modelled, Written


def modelled(written: Written, sense: int = 1) -> Modelled:
    """Minimise q'v + offset with b - A v in the cones, and whole columns as integers of CVXPY.

    With a sense of -1 the same is maximised with its sign changed, so that its value is that of the problem.
    """
    p = written.program
    v, values = _variables(len(p.q), p.integers)
    s = p.b - p.A @ v
    constraints, exponential, row = [], [], 0
    for kind, rows in p.cones:
        part = s[row : row + rows]
        if kind == EXPONENTIAL:
            exponential.append(row)
        elif kind == SECOND_ORDER:
            constraints.append(cp.SOC(part[0], part[1:]))
        elif kind == ZERO:
            constraints.append(part == 0)
        elif kind == NONNEGATIVE:
            constraints.append(part >= 0)
        else:
            raise ProblemError(f"a cone that is {kind} has no CVXPY problem here")
        row += rows
    if exponential:
        first = np.array(exponential)
        constraints.append(cp.ExpCone(s[first], s[first + 1], s[first + 2]))
    value = p.q @ v + p.offset
    problem = cp.Problem(cp.Minimize(value) if sense > 0 else cp.Maximize(-value), constraints)

    def read() -> FloatArray | None:
        return None if values() is None else written.read(np.asarray(values(), dtype=float))

    return Modelled(problem, read)


def _variables(columns: int, integers: tuple[int, ...]) -> tuple[cp.Expression, Callable[[], Any]]:
    """All columns as one expression of a real and a whole variable, and a function of their values."""
    if not integers:
        v = cp.Variable(columns, name="v")
        return v, lambda: v.value
    whole = cp.Variable(len(integers), integer=True, name="whole")
    others = np.setdiff1d(np.arange(columns), integers)
    eye = sparse.eye_array(columns, format="csc")
    v = eye[:, list(integers)] @ whole
    if len(others):
        v = v + eye[:, others] @ cp.Variable(len(others), name="real")
    return v, lambda: v.value
