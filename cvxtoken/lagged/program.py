"""The allocation problem with the concave envelopes of lagged curves, in CVXPY, one equation a line.

Symbols as in `cvxtoken.allocation.program.forms`; a, d and the envelope as in `cvxtoken.lagged.envelope`.
"""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from cvxtoken.allocation.program.forms import Program, delay, numerator
from cvxtoken.lagged.envelope import Choices, pieces
from cvxtoken.lagged.problem import LaggedWorkload


def envelope_program(problem: LaggedWorkload, choices: Choices) -> Program:
    """The envelope's program, an upper bound of the true one; for a stable problem.

    Variables are x = b d, and the share s of each chord, a = chord s.
    """
    w, e = problem.workload, pieces(problem, choices)
    pi, b, c, t0 = w.prior, w.saturation_rate, w.time_per_token, w.overhead
    lam, alpha, law = w.rate, w.accuracy_weight, w.law
    s = cp.Variable(len(w), name="s")
    x = cp.Variable(len(w), name="x")
    a = cp.multiply(e.chord, s)
    d = cp.multiply(1 / b, x)
    l = e.base + a + d
    p = e.level + cp.multiply(e.slope, a) + cp.multiply(e.gain, 1 - cp.exp(-x))
    t = t0 + cp.multiply(c, l)
    ES = pi @ t
    y = 1 - lam * (law.overhead_share * (pi @ t0) + law.token_share * (pi @ (t - t0)))
    own, shared = delay(w, ES, numerator(w, np.arange(len(w)), l), y)
    J = alpha * (pi @ p) - own - shared
    problem_ = cp.Problem(cp.Maximize(J), [s >= 0, s <= 1, x >= 0, x <= b * e.room])
    return Program(
        problem_, l, {"s": s, "x": x, "p": p, "t": t, "y": y, "own": own, "shared": shared, "J": J}
    )
