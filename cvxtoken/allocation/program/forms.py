"""The allocation problem as disciplined convex programs in CVXPY, one equation a line.

All forms have the same optimum. Symbols: l tokens, x = b l, p accuracy, t service time, y idle share,
pi prior, A accuracy gain, b saturation rate, D base accuracy, t0 overhead, c time per token, s deviation of
service times (s0 + s1 l; it has no entries where all are certain).

Why it is convex: each accuracy is concave in l (minus an exponential of an affine function), and
E[W] = (lambda / 2) sum pi (t^2 + s^2) / y is a quadratic over a linear function, jointly convex in t, s and
y, all affine in l. So are the targets: E[T], E[W], rho and the mean tokens are convex, each accuracy is
concave.

Source: arXiv 2601.10274 for the model; targets, presolve and scaling are derived here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import cvxpy as cp
import numpy as np
from scipy import sparse

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.targeted.feasible import least_tokens
from cvxtoken.allocation.targets import Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest

NO_TARGETS = Targets()
Extra = Callable[[cp.Expression], Iterable[cp.Constraint]] | None


@dataclass(frozen=True)
class Program:
    """A convex program and how to read it.

    Attributes:
        problem: the CVXPY problem.
        tokens: l as an affine expression of the problem's variable, shape (N,).
        terms: the named expressions of the objective and its affine parts, for teaching.
        parameters: CVXPY parameters by name; empty but for the parametric form.
        priced: the constraints of upper targets by name, of linear rows by number; their dual values are
            the shadow prices, as far as the solver's word goes.
    """

    problem: cp.Problem
    tokens: cp.Expression
    terms: dict[str, cp.Expression]
    parameters: dict[str, cp.Parameter] = field(default_factory=dict)
    priced: dict[str | int, cp.Constraint] = field(default_factory=dict)

    def update(self, arrival_rate: float, accuracy_weight: float) -> None:
        """Give the parametric form new values for a re-solve without compiling anew."""
        self.parameters["mean_interarrival_time"].value = 1 / arrival_rate
        self.parameters["accuracy_weight"].value = accuracy_weight


def raw_program(workload: Workload, targets: Targets = NO_TARGETS, extra: Extra = None) -> Program:
    """The program as the paper writes it, in raw tokens: badly scaled, a stress test for a solver."""
    w = workload
    pi, A, b, D = w.prior, w.accuracy_gain, w.saturation_rate, w.base_accuracy
    lam, alpha, weight = w.arrival_rate, targets.accuracy_weight(w), targets.delay_weight
    l = cp.Variable(len(w), name="l")
    p = cp.multiply(A, 1 - cp.exp(cp.multiply(-b, l))) + D
    t = w.overhead + cp.multiply(w.time_per_token, l)
    y = 1 - lam * (pi @ t)
    ES = pi @ t
    v = cp.hstack([cp.multiply(np.sqrt(pi), t), *deviations(w, np.arange(len(w)), l)])
    EW = lam / 2 * cp.quad_over_lin(v, y)
    J = alpha * (pi @ p) - ES - EW if weight else pi @ p
    priced = _priced(targets, lam, pi, l, ES, EW)
    floors = [p[w.names.index(name)] >= q for name, q in targets.min_accuracy.items()]
    box = [l >= 0, l <= w.max_tokens]
    problem = cp.Problem(cp.Maximize(J), [*box, *floors, *priced.values(), *_added(extra, l)])
    terms = {"l": l, "t": t, "y": y, "v": v, "p": p, "E[S]": ES, "E[W]": EW, "J": J}
    return Program(problem, l, terms, priced=priced)


def deviations(w: Workload, types: np.ndarray, l: cp.Expression, scale: float = 1.0) -> list[cp.Expression]:
    """Entries sqrt(pi / scale) s of the numerator of E[W] for some types at their tokens l, if any vary."""
    s0, s1 = w.deviation[types], w.deviation_per_token[types]
    root = np.sqrt(w.prior[types] / scale)
    return [cp.multiply(root, s0 + cp.multiply(s1, l))] if w.is_random else []


def _priced(
    targets: Targets, lam: float, pi: FloatArray, l: cp.Expression, ES: cp.Expression, EW: cp.Expression
) -> dict[str | int, cp.Constraint]:
    """The upper and the linear targets, by name or number."""
    values = {
        "max_mean_system_time": ES + EW,
        "max_mean_wait": EW,
        "max_utilization": lam * ES,
        "max_mean_tokens": pi @ l,
    }
    priced: dict[str | int, cp.Constraint] = {
        name: values[name] <= limit for name, limit in targets.limits.items()
    }
    rows = enumerate(targets.linear)
    return priced | {number: np.array(row[:-1]) @ l <= row[-1] for number, row in rows}


def _added(extra: Extra, l: cp.Expression) -> list[cp.Constraint]:
    """Further constraints on the tokens."""
    return [] if extra is None else list(extra(l))


def presolved_program(workload: Workload, targets: Targets = NO_TARGETS, extra: Extra = None) -> Program:
    """The default: variables x = b l of the types that may think, bounded by the presolve.

    The others are fixed at 0; their service times make one constant entry of the second-order cone. Least
    accuracies are bounds from below. The presolve's upper bounds hold with any upper target, which only
    raises prices; not where E[T] has no weight, nor with linear or further constraints.
    """
    w = workload
    lam, alpha, weight = w.arrival_rate, targets.accuracy_weight(w), targets.delay_weight
    least = np.array([float(l) for l in least_tokens(w, targets)])
    presolve = weight and not targets.linear and extra is None
    u = np.maximum(model.upper_bounds(w), least) if presolve else w.max_tokens
    free, select = _free_types(u)
    pi, A, b = w.prior[free], w.accuracy_gain[free], w.saturation_rate[free]
    t0, c = w.overhead[free], w.time_per_token[free]
    fixed = np.setdiff1d(np.arange(len(w)), free)
    fixed_moment = float(w.prior[fixed] @ (w.overhead[fixed] ** 2 + w.deviation[fixed] ** 2))
    constant = float(w.prior @ w.base_accuracy)

    x = cp.Variable(len(free), name="x")
    p = constant + (pi * A) @ (1 - cp.exp(-x))
    t = t0 + cp.multiply(c / b, x)
    y = float(w.idle_at_zero) - (lam * pi * c / b) @ x
    v = cp.hstack(
        [cp.multiply(np.sqrt(pi), t), *deviations(w, free, cp.multiply(1 / b, x)), np.sqrt(fixed_moment)]
    )
    ES = float(w.prior @ w.overhead) + (pi * c / b) @ x
    EW = lam / 2 * cp.quad_over_lin(v, y)
    J = alpha * p - ES - EW if weight else p
    l = select @ cp.multiply(1 / b, x)
    priced = _priced(targets, lam, w.prior, l, ES, EW)
    box = [x >= b * least[free], x <= b * u[free]]
    problem = cp.Problem(cp.Maximize(J), [*box, *priced.values(), *_added(extra, l)])
    terms = {"x": x, "t": t, "y": y, "v": v, "p": p, "E[S]": ES, "E[W]": EW, "J": J}
    return Program(problem, l, terms, priced=priced)


def balanced_program(workload: Workload) -> Program:
    """For extreme data: variables d = b (u - l), every term of order one, the objective scaled.

    Minimises F = -J less its constant, divided by lambda s2 / (2 y0), s2 = E[S^2] at l = 0, at least 1e-6.
    """
    w = workload
    lam, alpha, y0 = w.arrival_rate, w.accuracy_weight, float(w.idle_at_zero)
    u = model.upper_bounds(w)
    free, select = _free_types(u)
    pi, A, b, u = w.prior[free], w.accuracy_gain[free], w.saturation_rate[free], u[free]
    t0, c = w.overhead[free], w.time_per_token[free]
    fixed = np.setdiff1d(np.arange(len(w)), free)
    fixed_moment = float(w.prior[fixed] @ (w.overhead[fixed] ** 2 + w.deviation[fixed] ** 2))
    s2 = max(float(model.moments(w, np.zeros(len(w)))[1]), 1e-6)
    scale = lam * s2 / (2 * y0)

    d = cp.Variable(len(free), name="d")
    l = u - cp.multiply(1 / b, d)
    t = t0 + cp.multiply(c, l)
    y = 1 - (lam * pi * c / y0) @ l
    v = cp.hstack([cp.multiply(np.sqrt(pi / s2), t), *deviations(w, free, l, s2), np.sqrt(fixed_moment / s2)])
    loss = (alpha / scale * pi * A * np.exp(-b * u)) @ cp.exp(d)
    ES = (pi * c / scale) @ l
    EW = cp.quad_over_lin(v, y)
    F = loss + ES + EW
    problem = cp.Problem(cp.Minimize(F), [d >= 0, d <= b * u])
    terms = {"d": d, "t": t, "y/y0": y, "v": v, "loss": loss, "E[S]": ES, "E[W]": EW, "F": F}
    return Program(problem, select @ l, terms)


def parametric_program(workload: Workload) -> Program:
    """For re-solves: arrival rate and weight are parameters (`Program.update`), compiled once (DPP).

    The parameters are mu = 1 / lambda and alpha. DPP forbids mu inside quad_over_lin, so that the second
    argument is a variable of its own, y = mu - E[S] (lambda times smaller than the idle share):
    E[W] = quad_over_lin((sqrt(pi) t, sqrt(pi) s), y) / 2.
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
    v = cp.hstack([cp.multiply(np.sqrt(pi), t), *deviations(w, np.arange(len(w)), cp.multiply(1 / b, x))])
    EW = cp.quad_over_lin(v, y) / 2
    J = alpha * (pi @ p) - ES - EW
    problem = cp.Problem(cp.Maximize(J), [x >= 0, x <= b * w.max_tokens, y == mu - ES])
    terms = {"x": x, "t": t, "y": y, "v": v, "p": p, "E[S]": ES, "E[W]": EW, "J": J}
    program = Program(
        problem, cp.multiply(1 / b, x), terms, {"mean_interarrival_time": mu, "accuracy_weight": alpha}
    )
    program.update(w.arrival_rate, w.accuracy_weight)
    return program


FORMS: dict[str, Callable[..., Program]] = {
    "presolved": presolved_program,
    "raw": raw_program,
    "balanced": balanced_program,
    "parametric": parametric_program,
}
_TARGETED = ("presolved", "raw")  # the forms that take targets


def program(
    workload: Workload, form: str = "presolved", targets: Targets = NO_TARGETS, extra: Extra = None
) -> Program:
    """The workload's convex program in one of the forms `presolved`, `raw`, `balanced`, `parametric`.

    Args:
        workload: the instance.
        form: the balanced and the parametric form take no targets.
        targets: the objective and the targets.
        extra: further constraints, as a function of the tokens.

    Raises:
        ProblemError: unknown form, or one that takes no targets.
        UnstableError: no allocation is stable.
    """
    if form not in FORMS:
        raise ProblemError(f"form is {form!r}; it must be one of {', '.join(FORMS)}{nearest(form, FORMS)}")
    model.require_stable(workload)
    if form in _TARGETED:
        return FORMS[form](workload, targets, extra)
    if not targets.is_trivial or extra is not None:
        raise ProblemError(f"form {form!r} takes no targets; {' and '.join(_TARGETED)} do")
    return FORMS[form](workload)


def _free_types(u: FloatArray) -> tuple[np.ndarray, sparse.csr_array]:
    """Indices of the types that may think (the first where none may), and the map back to all types."""
    free = np.flatnonzero(u > 0)
    if not free.size:
        free = np.array([0])
    ones = np.ones(len(free))
    return free, sparse.csr_array((ones, (free, np.arange(len(free)))), shape=(len(u), len(free)))
