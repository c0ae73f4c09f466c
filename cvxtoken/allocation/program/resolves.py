"""One convex program for all workloads of a size: every number is a parameter, to be solved again and again.

With x = b l, the constraints are x >= 0, x <= x_max and y = y0 - slope . x, and what is maximised is

    J = level - gain . e^(-x) - cost . x - |v|^2 / y,    v = (t0 + t1 x, s0 + s1 x, rest).

In the symbols of `cvxtoken.allocation.program.forms`, lambda of one server and the delay law's numbers:

    gain   alpha pi A                                cost   direct pi c / b
    level  alpha sum pi (A + D) - offset - direct sum pi t0
    slope  lambda token_share pi c / b               y0     the idle share without tokens
    t0, t1  sqrt(lambda square pi / 2) (t0, c / b)   s0, s1  the same of the deviations
    rest   sqrt(lambda constant / 2)                 x_max  b max_tokens

It is compiled once (DPP): between solves only these parameters change. Derived here.
"""

from __future__ import annotations

from dataclasses import dataclass

import cvxpy as cp
import numpy as np

from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError

_VECTORS = ("gain", "cost", "slope", "t0", "t1", "s0", "s1", "x_max")
_NONNEGATIVE = ("gain", "cost")  # or CVXPY would not know that J is concave


@dataclass(frozen=True, eq=False)
class Resolvable:
    """A program of N types without numbers of its own.

    Attributes:
        problem: the CVXPY problem; its constraints are x >= 0, x <= x_max and the equation of y.
        x: b times the tokens, shape (N,).
        parameters: by the names above.
    """

    problem: cp.Problem
    x: cp.Variable
    parameters: dict[str, cp.Parameter]

    def update(self, workload: Workload) -> None:
        """Give the parameters the workload's numbers (ProblemError: it has another number of types)."""
        if len(workload) != self.x.size:
            raise ProblemError(f"the workload has {len(workload)} types; it must have {self.x.size}")
        for name, value in numbers(workload).items():
            self.parameters[name].value = value

    def tokens(self, workload: Workload) -> FloatArray | None:
        """The tokens l = x / b, shape (N,), of the solve before; None where the solver left no point."""
        return None if self.x.value is None else np.asarray(self.x.value / workload.saturation_rate)


def resolvable_program(size: int) -> Resolvable:
    """The program of that many types; its parameters have no values before `Resolvable.update`."""
    p = {name: cp.Parameter(size, name=name, nonneg=name in _NONNEGATIVE) for name in _VECTORS}
    p |= {name: cp.Parameter(name=name) for name in ("level", "rest", "y0")}
    x, y = cp.Variable(size, name="x"), cp.Variable(name="y")
    times = [p["t0"] + cp.multiply(p["t1"], x), p["s0"] + cp.multiply(p["s1"], x)]
    v = cp.hstack([*times, p["rest"]])
    J = p["level"] - p["gain"] @ cp.exp(-x) - p["cost"] @ x - cp.quad_over_lin(v, y)
    problem = cp.Problem(cp.Maximize(J), [x >= 0, x <= p["x_max"], y == p["y0"] - p["slope"] @ x])
    return Resolvable(problem, x, p)


def numbers(workload: Workload) -> dict[str, FloatArray]:
    """The parameters' values, by name: vectors of shape (N,), and scalars."""
    w, law, lam, alpha = workload, workload.law, workload.rate, workload.accuracy_weight
    pi, A, b = w.prior, w.accuracy_gain, w.saturation_rate
    root = np.sqrt(lam * law.square * pi / 2)
    found = {
        "gain": alpha * pi * A,
        "cost": law.direct * pi * w.time_per_token / b,
        "slope": lam * law.token_share * pi * w.time_per_token / b,
        "t0": root * w.overhead,
        "t1": root * w.time_per_token / b,
        "s0": root * w.deviation,
        "s1": root * w.deviation_per_token / b,
        "x_max": b * w.max_tokens,
        "level": alpha * (pi @ (A + w.base_accuracy)) - law.offset - law.direct * (pi @ w.overhead),
        "rest": np.sqrt(lam * max(law.constant, 0.0) / 2),  # below 0 only where nothing is stable
        "y0": float(w.idle_at_zero),
    }
    return {name: np.asarray(value, dtype=float) for name, value in found.items()}
