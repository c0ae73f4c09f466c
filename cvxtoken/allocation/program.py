"""The allocation problem as disciplined convex programs in CVXPY, one equation a line.

All forms have the same optimum. Symbols: l tokens, x = b l, p accuracy, t service time, y idle share,
pi prior, A accuracy gain, b saturation rate, D base accuracy, t0 overhead, c time per token.

Why it is convex: each accuracy is concave in l (minus an exponential of an affine function), and
E[W] = (lambda / 2) sum pi t^2 / y is a quadratic over a linear function, jointly convex in t and y, both
affine in l.

Source: arXiv 2601.10274 for the model; presolve and scaling are derived here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cvxpy as cp
import numpy as np
from scipy import sparse

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest


@dataclass(frozen=True)
class Program:
    """A convex program and how to read it.

    Attributes:
        problem: the CVXPY problem.
        tokens: l as an affine expression of the problem's variable, shape (N,).
        terms: the named expressions of the objective and its affine parts, for teaching.
        parameters: CVXPY parameters by name; empty but for the parametric form.
    """

    problem: cp.Problem
    tokens: cp.Expression
    terms: dict[str, cp.Expression]
    parameters: dict[str, cp.Parameter] = field(default_factory=dict)

    def update(self, arrival_rate: float, accuracy_weight: float) -> None:
        """Give the parametric form new values for a re-solve without compiling anew."""
        self.parameters["mean_interarrival_time"].value = 1 / arrival_rate
        self.parameters["accuracy_weight"].value = accuracy_weight


def raw_program(workload: Workload) -> Program:
    """The program as the paper writes it, in raw tokens: badly scaled, a stress test for a solver."""
    w = workload
    pi, A, b, D = w.prior, w.accuracy_gain, w.saturation_rate, w.base_accuracy
    lam, alpha = w.arrival_rate, w.accuracy_weight
    l = cp.Variable(len(w), name="l")
    p = cp.multiply(A, 1 - cp.exp(cp.multiply(-b, l))) + D
    t = w.overhead + cp.multiply(w.time_per_token, l)
    y = 1 - lam * (pi @ t)
    ES = pi @ t
    EW = lam / 2 * cp.quad_over_lin(cp.multiply(np.sqrt(pi), t), y)
    J = alpha * (pi @ p) - ES - EW
    problem = cp.Problem(cp.Maximize(J), [l >= 0, l <= w.max_tokens])
    return Program(problem, l, {"l": l, "t": t, "y": y, "p": p, "E[S]": ES, "E[W]": EW, "J": J})


def presolved_program(workload: Workload) -> Program:
    """The default: variables x = b l of the types that may think, bounded by the presolve.

    The others are fixed at 0; their service times make one constant entry of the second-order cone.
    """
    w = workload
    lam, alpha = w.arrival_rate, w.accuracy_weight
    u = model.upper_bounds(w)
    free, select = _free_types(u)
    pi, A, b = w.prior[free], w.accuracy_gain[free], w.saturation_rate[free]
    t0, c = w.overhead[free], w.time_per_token[free]
    fixed = np.setdiff1d(np.arange(len(w)), free)
    fixed_moment = float(w.prior[fixed] @ w.overhead[fixed] ** 2)
    constant = float(w.prior @ w.base_accuracy)

    x = cp.Variable(len(free), name="x")
    p = constant + (pi * A) @ (1 - cp.exp(-x))
    t = t0 + cp.multiply(c / b, x)
    y = float(w.idle_at_zero) - (lam * pi * c / b) @ x
    v = cp.hstack([cp.multiply(np.sqrt(pi), t), np.sqrt(fixed_moment)])
    ES = float(w.prior @ w.overhead) + (pi * c / b) @ x
    EW = lam / 2 * cp.quad_over_lin(v, y)
    J = alpha * p - ES - EW
    problem = cp.Problem(cp.Maximize(J), [x >= 0, x <= b * u[free]])
    l = select @ cp.multiply(1 / b, x)
    return Program(problem, l, {"x": x, "t": t, "y": y, "p": p, "E[S]": ES, "E[W]": EW, "J": J})


def balanced_program(workload: Workload) -> Program:
    """For extreme data: variables d = b (u - l), every term of order one, the objective scaled.

    Minimises F = -J less its constant, divided by lambda s2 / (2 y0) with s2 = sum pi t0^2 at least 1e-6.
    """
    w = workload
    lam, alpha, y0 = w.arrival_rate, w.accuracy_weight, float(w.idle_at_zero)
    u = model.upper_bounds(w)
    free, select = _free_types(u)
    pi, A, b, u = w.prior[free], w.accuracy_gain[free], w.saturation_rate[free], u[free]
    t0, c = w.overhead[free], w.time_per_token[free]
    fixed = np.setdiff1d(np.arange(len(w)), free)
    fixed_moment = float(w.prior[fixed] @ w.overhead[fixed] ** 2)
    s2 = max(float(w.prior @ w.overhead**2), 1e-6)
    scale = lam * s2 / (2 * y0)

    d = cp.Variable(len(free), name="d")
    l = u - cp.multiply(1 / b, d)
    t = t0 + cp.multiply(c, l)
    y = 1 - (lam * pi * c / y0) @ l
    v = cp.hstack([cp.multiply(np.sqrt(pi / s2), t), np.sqrt(fixed_moment / s2)])
    loss = (alpha / scale * pi * A * np.exp(-b * u)) @ cp.exp(d)
    ES = (pi * c / scale) @ l
    EW = cp.quad_over_lin(v, y)
    F = loss + ES + EW
    problem = cp.Problem(cp.Minimize(F), [d >= 0, d <= b * u])
    terms = {"d": d, "t": t, "y/y0": y, "loss": loss, "E[S]": ES, "E[W]": EW, "F": F}
    return Program(problem, select @ l, terms)


def parametric_program(workload: Workload) -> Program:
    """For re-solves: arrival rate and weight are parameters (`Program.update`), compiled once (DPP).

    The parameters are mu = 1 / lambda and alpha. DPP forbids mu inside quad_over_lin, so that the second
    argument is a variable of its own, y = mu - E[S] (lambda times smaller than the idle share):
    E[W] = quad_over_lin(sqrt(pi) t, y) / 2.
    """
    w = workload
    pi, A, b, D = w.prior, w.accuracy_gain, w.saturation_rate, w.base_accuracy
    mu = cp.Parameter(pos=True, name="mu")
    alpha = cp.Parameter(pos=True, name="alpha")
    x = cp.Variable(len(w), name="x")
    y = cp.Variable(name="y")
    p = cp.multiply(A, 1 - cp.exp(-x)) + D
    t = w.overhead + cp.multiply(w.time_per_token / b, x)
    ES = pi @ t
    EW = cp.quad_over_lin(cp.multiply(np.sqrt(pi), t), y) / 2
    J = alpha * (pi @ p) - ES - EW
    problem = cp.Problem(cp.Maximize(J), [x >= 0, x <= b * w.max_tokens, y == mu - ES])
    terms = {"x": x, "t": t, "y": y, "p": p, "E[S]": ES, "E[W]": EW, "J": J}
    program = Program(
        problem, cp.multiply(1 / b, x), terms, {"mean_interarrival_time": mu, "accuracy_weight": alpha}
    )
    program.update(w.arrival_rate, w.accuracy_weight)
    return program


FORMS: dict[str, Callable[[Workload], Program]] = {
    "presolved": presolved_program,
    "raw": raw_program,
    "balanced": balanced_program,
    "parametric": parametric_program,
}


def program(workload: Workload, form: str = "presolved") -> Program:
    """The workload's convex program in one of the forms `presolved`, `raw`, `balanced`, `parametric`.

    Raises:
        ProblemError: unknown form.
        UnstableError: no allocation is stable.
    """
    if form not in FORMS:
        raise ProblemError(f"form is {form!r}; it must be one of {', '.join(FORMS)}{nearest(form, FORMS)}")
    model.require_stable(workload)
    return FORMS[form](workload)


def _free_types(u: FloatArray) -> tuple[np.ndarray, sparse.csr_array]:
    """Indices of the types that may think (the first where none may), and the map back to all types."""
    free = np.flatnonzero(u > 0)
    if not free.size:
        free = np.array([0])
    ones = np.ones(len(free))
    return free, sparse.csr_array((ones, (free, np.arange(len(free)))), shape=(len(u), len(free)))
