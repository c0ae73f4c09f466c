"""The mean objective over several draws as one convex program in CVXPY, one equation a line.

Symbols as in `cvxtoken.allocation.program.forms`; matrices have one row a draw. The unit of tokens is 1 / b
at its geometric mean over the draws.
"""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from cvxtoken.allocation.fields import PER_TYPE
from cvxtoken.allocation.program.forms import Program
from cvxtoken.arrays import FloatArray
from cvxtoken.robust.problem import Ensemble


def ensemble_program(ensemble: Ensemble) -> Program:
    """Maximise the mean of J over the draws; for an ensemble that some allocation is stable in."""
    pi, A, b, D, t0, c, s0, s1 = (_rows(ensemble, field) for field in PER_TYPE)
    lam, alpha = _rows(ensemble, "arrival_rate"), _rows(ensemble, "accuracy_weight")
    unit = np.exp(-np.log(b).mean(axis=0))
    x = cp.Variable(len(unit), name="x")
    ones = np.ones((len(ensemble), 1))
    l = cp.multiply(unit, x)
    L = ones @ cp.reshape(l, (1, len(unit)), order="C")
    p = cp.multiply(A, 1 - cp.exp(-cp.multiply(b, L))) + D
    t = t0 + cp.multiply(c, L)
    ES = cp.sum(cp.multiply(pi, t), axis=1)
    y = 1 - cp.multiply(lam, ES)
    v = cp.multiply(np.sqrt(pi), t)
    if ensemble.is_random:
        s = s0 + cp.multiply(s1, L)
        v = cp.hstack([v, cp.multiply(np.sqrt(pi), s)])
    EW = cp.hstack([lam[r] / 2 * cp.quad_over_lin(v[r], y[r]) for r in range(len(ensemble))])
    J = cp.sum(cp.multiply(alpha, cp.sum(cp.multiply(pi, p), axis=1)) - ES - EW) / len(ensemble)
    problem = cp.Problem(cp.Maximize(J), [x >= 0, l <= ensemble.max_tokens])
    return Program(problem, l, {"x": x, "p": p, "t": t, "y": y, "E[S]": ES, "E[W]": EW, "J": J})


def _rows(ensemble: Ensemble, field: str) -> FloatArray:
    return np.array([getattr(draw, field) for draw in ensemble.draws])
