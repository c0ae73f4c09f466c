"""The mean objective over several draws as one convex program in CVXPY, one equation a line.

Symbols as in `cvxtoken.allocation.program.forms`; matrices have one row a draw. The unit of tokens is 1 / b
at its geometric mean over the draws.
"""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from cvxtoken.allocation.fields import REQUIRED
from cvxtoken.allocation.program.forms import Program, delay, numerator
from cvxtoken.arrays import FloatArray
from cvxtoken.robust.problem import Ensemble


def ensemble_program(ensemble: Ensemble) -> Program:
    """Maximise the mean of J over the draws; for an ensemble that some allocation is stable in."""
    pi, A, b, D, t0, c = (_rows(ensemble, field) for field in REQUIRED)
    alpha = _rows(ensemble, "accuracy_weight")
    unit = np.exp(-np.log(b).mean(axis=0))
    x = cp.Variable(len(unit), name="x")
    ones = np.ones((len(ensemble), 1))
    l = cp.multiply(unit, x)
    L = ones @ cp.reshape(l, (1, len(unit)), order="C")
    p = cp.multiply(A, 1 - cp.exp(-cp.multiply(b, L))) + D
    t = t0 + cp.multiply(c, L)
    ES = cp.sum(cp.multiply(pi, t), axis=1)
    thinking = cp.sum(cp.multiply(pi * c, L), axis=1)
    y0, load = np.array([(float(w.idle_at_zero), w.rate * w.law.token_share) for w in ensemble.draws]).T
    y = y0 - cp.multiply(load, thinking)
    every = np.arange(len(unit))
    parts = [delay(w, ES[r], numerator(w, every, l), y[r]) for r, w in enumerate(ensemble.draws)]
    ET = cp.hstack([own + shared for own, shared in parts])
    J = cp.sum(cp.multiply(alpha, cp.sum(cp.multiply(pi, p), axis=1)) - ET) / len(ensemble)
    problem = cp.Problem(cp.Maximize(J), [x >= 0, l <= ensemble.max_tokens])
    return Program(problem, l, {"x": x, "p": p, "t": t, "y": y, "E[T]": ET, "J": J})


def _rows(ensemble: Ensemble, field: str) -> FloatArray:
    return np.array([getattr(draw, field) for draw in ensemble.draws])
