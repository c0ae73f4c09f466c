"""The allocation problem as disciplined convex programs in CVXPY, one equation a line.

All forms have the same optimum. Symbols: l tokens, x = b l, p accuracy, t service time, y idle share,
pi prior, A accuracy gain, b saturation rate, D base accuracy, t0 overhead, c time per token, s deviation of
service times (s0 + s1 l; it has no entries where all are certain).

Why it is convex: each accuracy is concave in l (minus an exponential of an affine function), and the delay
law (`delay.law`) is E[T] = offset + direct E[S] + (lambda / 2) |v|^2 / y with
v = (sqrt(square pi) t, sqrt(square pi) s, sqrt(constant)): a quadratic over a linear function, jointly convex
in v and y, all affine in l. So are the targets: E[T], E[W] = E[T] - E[S], rho and the mean tokens are convex,
each accuracy is concave.

Source: arXiv 2601.10274 for the model; targets, presolve and scaling are derived here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import cvxpy as cp
import numpy as np
from scipy import sparse

from cvxtoken.allocation import model
from cvxtoken.allocation.memory import memory_row
from cvxtoken.allocation.problem import FIFO, Workload
from cvxtoken.allocation.targeted.feasible import least_tokens
from cvxtoken.allocation.targets import MEMORY, Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.delay import Server
from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest

NO_TARGETS = Targets()
_LAW = ("offset", "direct", "constant")  # the numbers of a delay law that may depend on the arrival rate
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
        server, T0: the kind of server and sum pi t0 in s, of which the parametric form makes its law anew.
    """

    problem: cp.Problem
    tokens: cp.Expression
    terms: dict[str, cp.Expression]
    parameters: dict[str, cp.Parameter] = field(default_factory=dict)
    priced: dict[str | int, cp.Constraint] = field(default_factory=dict)
    server: Server = FIFO
    T0: float = 0.0

    def update(self, arrival_rate: float, accuracy_weight: float) -> None:
        """Give the parametric form new values for a re-solve without compiling anew."""
        lam = arrival_rate / self.server.replicas
        law = self.server.law(lam, self.T0, float)
        self.parameters["mean_interarrival_time"].value = 1 / lam
        self.parameters["accuracy_weight"].value = accuracy_weight
        for name in _LAW:
            self.parameters[name].value = getattr(law, name)


def raw_program(workload: Workload, targets: Targets = NO_TARGETS, extra: Extra = None) -> Program:
    """The program as the paper writes it, in raw tokens: badly scaled, a stress test for a solver."""
    w = workload
    pi, A, b, D = w.prior, w.accuracy_gain, w.saturation_rate, w.base_accuracy
    lam, alpha, weight = w.rate, targets.accuracy_weight(w), targets.delay_weight
    l = cp.Variable(len(w), name="l")
    p = cp.multiply(A, 1 - cp.exp(cp.multiply(-b, l))) + D
    t = w.overhead + cp.multiply(w.time_per_token, l)
    y = 1 - lam * (w.law.overhead_share * (pi @ w.overhead) + w.law.token_share * (pi @ (t - w.overhead)))
    ES = pi @ t
    v = numerator(w, np.arange(len(w)), l)
    own, shared = delay(w, ES, v, y)
    J = alpha * (pi @ p) - own - shared if weight else pi @ p
    priced = _priced(w, targets, l, ES, own, shared, y)
    floors = [p[w.names.index(name)] >= q for name, q in targets.min_accuracy.items()]
    box = [l >= 0, l <= w.max_tokens]
    problem = cp.Problem(cp.Maximize(J), [*box, *floors, *priced.values(), *_added(extra, l)])
    terms = {"l": l, "t": t, "y": y, "v": v, "p": p, "own": own, "shared": shared, "J": J}
    return Program(problem, l, terms, priced=priced)


def numerator(
    w: Workload, types: np.ndarray, l: cp.Expression, scale: float = 1.0, constant: float | None = None
) -> cp.Expression:
    """v / sqrt(scale) where some types have the tokens l and the others none, without entries that are 0."""
    law, entries = w.law, []
    fixed = np.setdiff1d(np.arange(len(w)), types)
    rest = max(law.constant, 0) if constant is None else constant  # negative where nothing is stable
    rest += law.square * float(w.prior[fixed] @ (w.overhead[fixed] ** 2 + w.deviation[fixed] ** 2))
    affine = [(w.overhead, w.time_per_token), (w.deviation, w.deviation_per_token)][: 1 + w.is_random]
    if law.square:
        root = np.sqrt(law.square * w.prior[types] / scale)
        entries = [cp.multiply(root, start[types] + cp.multiply(slope[types], l)) for start, slope in affine]
    if rest or not entries:
        entries.append(np.sqrt(rest / scale))
    return cp.hstack(entries)


def delay(w: Workload, ES: Any, v: cp.Expression, y: cp.Expression) -> tuple[Any, Any]:
    """The two parts of E[T]: offset + direct E[S], and (lambda / 2) |v|^2 / y."""
    law = w.law
    own = ES if law.direct == 1 and not law.offset else law.offset + law.direct * ES
    return own, w.rate / 2 * cp.quad_over_lin(v, y) if law.square or law.constant else cp.Constant(0)


def _priced(
    w: Workload, targets: Targets, l: cp.Expression, ES: Any, own: Any, shared: Any, y: cp.Expression
) -> dict[str | int, cp.Constraint]:
    """The upper and the linear targets, by name or number."""
    values = {
        "max_mean_system_time": own + shared,
        "max_mean_wait": shared if own is ES else own - ES + shared,
        "max_utilization": 1 - y,
        "max_mean_tokens": w.prior @ l,
    }
    priced: dict[str | int, cp.Constraint] = {
        name: values[name] <= limit for name, limit in targets.limits.items() if name != MEMORY
    }
    if MEMORY in targets.limits:
        row = memory_row(w, targets.limits[MEMORY], float)
        a, q = np.array(row.a), np.array(row.q)
        priced[MEMORY] = a @ l + cp.sum(cp.multiply(q / 2, cp.square(l))) <= row.limit
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
    lam, alpha, weight = w.rate, targets.accuracy_weight(w), targets.delay_weight
    least = np.array([float(l) for l in least_tokens(w, targets)])
    presolve = weight and not targets.linear and extra is None
    u = np.maximum(model.upper_bounds(w), least) if presolve else w.max_tokens
    free, select = _free_types(u)
    pi, A, b = w.prior[free], w.accuracy_gain[free], w.saturation_rate[free]
    t0, c = w.overhead[free], w.time_per_token[free]
    constant = float(w.prior @ w.base_accuracy)

    x = cp.Variable(len(free), name="x")
    p = constant + (pi * A) @ (1 - cp.exp(-x))
    t = t0 + cp.multiply(c / b, x)
    y = float(w.idle_at_zero) - (lam * w.law.token_share * pi * c / b) @ x
    v = numerator(w, free, cp.multiply(1 / b, x))
    ES = float(w.prior @ w.overhead) + (pi * c / b) @ x
    own, shared = delay(w, ES, v, y)
    J = alpha * p - own - shared if weight else p
    l = select @ cp.multiply(1 / b, x)
    priced = _priced(w, targets, l, ES, own, shared, y)
    box = [x >= b * least[free], x <= b * u[free]]
    problem = cp.Problem(cp.Maximize(J), [*box, *priced.values(), *_added(extra, l)])
    terms = {"x": x, "t": t, "y": y, "v": v, "p": p, "own": own, "shared": shared, "J": J}
    return Program(problem, l, terms, priced=priced)


def balanced_program(workload: Workload) -> Program:
    """For extreme data: variables d = b (u - l), every term of order one, the objective scaled.

    Minimises F = -J less its constants, divided by lambda Q / (2 y0), Q = |v|^2 at l = 0, at least 1e-6.
    """
    w = workload
    lam, alpha, y0, law = w.rate, w.accuracy_weight, float(w.idle_at_zero), w.law
    u = model.upper_bounds(w)
    free, select = _free_types(u)
    pi, A, b, u = w.prior[free], w.accuracy_gain[free], w.saturation_rate[free], u[free]
    t0, c = w.overhead[free], w.time_per_token[free]
    Q = max(float(model.spread(w, np.zeros(len(w)))), 1e-6)
    scale = lam * Q / (2 * y0)

    d = cp.Variable(len(free), name="d")
    l = u - cp.multiply(1 / b, d)
    t = t0 + cp.multiply(c, l)
    y = 1 - (lam * law.token_share * pi * c / y0) @ l
    v = numerator(w, free, l, Q)
    loss = (alpha / scale * pi * A * np.exp(-b * u)) @ cp.exp(d)
    ES = (pi * c / scale) @ l
    own, shared = law.direct * ES, cp.quad_over_lin(v, y)
    F = loss + own + shared
    problem = cp.Problem(cp.Minimize(F), [d >= 0, d <= b * u])
    terms = {"d": d, "t": t, "y/y0": y, "v": v, "loss": loss, "own": own, "shared": shared, "F": F}
    return Program(problem, select @ l, terms)


def parametric_program(workload: Workload) -> Program:
    """For re-solves: arrival rate and weight are parameters (`Program.update`), compiled once (DPP).

    The parameters are mu = 1 / lambda, alpha, and the numbers of the delay law that depend on lambda. DPP
    forbids mu inside quad_over_lin, so that the second argument is a variable of its own, 1 / lambda of the
    idle share: E[T] = offset + direct E[S] + Q / (2 y) with y = mu - sigma0 T0 - sigma sum pi c l.
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
    offset, direct, constant = (cp.Parameter(name=name, nonneg=name != "offset") for name in _LAW)
    law, T0 = w.law, float(pi @ w.overhead)
    own, shared = offset + direct * ES, constant * cp.inv_pos(y) / 2
    v = numerator(w, np.arange(len(w)), cp.multiply(1 / b, x), constant=0.0)
    shared = shared + cp.quad_over_lin(v, y) / 2 if law.square else shared
    J = alpha * (pi @ p) - own - shared
    thinking = law.overhead_share * T0 + law.token_share * (ES - T0)
    problem = cp.Problem(cp.Maximize(J), [x >= 0, x <= b * w.max_tokens, y == mu - thinking])
    terms = {"x": x, "t": t, "y": y, "v": v, "p": p, "own": own, "shared": shared, "J": J}
    parameters = {"mean_interarrival_time": mu, "accuracy_weight": alpha}
    parameters |= dict(zip(_LAW, (offset, direct, constant), strict=True))
    program = Program(problem, cp.multiply(1 / b, x), terms, parameters, server=w.server, T0=T0)
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
