"""The checks of what comes with a point: reported objective, residuals, dual values.

For cone data, minimise q'x with A x + s = b, s in K, the conditions of an optimum are

    s = b - A x in K,    A'z + q = 0,    z in K*,    q'x + b'z = 0.

Solvers promise residuals of about 1e-8 of their own scaled data; the tolerances here are far above that.
"""

from __future__ import annotations

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.conic.program import EXPONENTIAL, SECOND_ORDER, Cones
from cvxtoken.library.problems.written import INTEGERS
from cvxtoken.suite.case import Case, NotApplicable
from cvxtoken.suite.multipliers import multipliers
from cvxtoken.suite.status import OPTIMAL
from cvxtoken.suite.vectors import DUAL_TOLERANCE, ROUGH, not_finite, outside_dual_cone, real, vector_of

PRIMAL_TOLERANCE = 1e-4  # relative to each cone's own size
VALUE_TOLERANCE = 1e-5  # of a reported objective, relative to 1 + |J*| + |offset|


def objective(case: Case) -> str | None:
    """Whether the reported objective values are the optimum where that is claimed, else that of its own x.

    The dual one, -b'z, is that of the optimum only, and not asked for where no optimum is claimed.
    """
    case.tokens()
    answer, J = case.answer, case.instance.objective
    if answer.objective is None and answer.dual_objective is None:
        raise NotApplicable("no objective value was reported")
    problem, offset = case.instance.problem, 0.0
    what, unit, best = problem.symbol, problem.unit, J
    if case.subject.kind == "cones":
        what, offset = "q'x", case.cones.program.offset
        best = case.instance.minimised - offset
    if answer.status == OPTIMAL:
        expected, rule = best, "at the optimum"
    elif answer.point is not None:
        expected, rule = float(case.cones.program.q @ answer.point), "at its own x"
    else:
        raise NotApplicable(f"the answer claims '{answer.status}', not '{OPTIMAL}'")
    allowed = max(VALUE_TOLERANCE, case.tolerance) * (1 + abs(J) + abs(offset) + abs(expected))
    has_dual = answer.status == OPTIMAL and INTEGERS not in problem.needs
    dual = answer.dual_objective if has_dual else None
    if answer.objective is None and dual is None:
        raise NotApplicable("no objective value of the problem itself was reported")
    for name, value in (("objective", answer.objective), ("dual objective", dual)):
        if value is None:
            continue
        try:
            reported = float(real(value).reshape(()))
        except (TypeError, ValueError):
            return f"the reported {name} is no number but {value!r:.60}"
        if not abs(reported - expected) <= allowed:
            told = f"the reported {name} is {reported:.9g} {unit}, but {what} = {expected:.9g} {unit} {rule}"
            return f"{told} (tolerance {allowed:.2g} {unit})"
    return None


def primal(case: Case) -> str | None:
    """Whether the whole point x of cone data is feasible, b - A x in K, and the slacks are b - A x."""
    case.tokens()
    if case.answer.point is None:
        raise NotApplicable("only answers to cone data have a whole point")
    case.require_optimal()
    p, x = case.cones.program, case.answer.point
    if not np.isfinite(x).all():
        return not_finite("x", x)
    s = p.b - p.A @ x
    size = 1 + np.abs(p.b) + abs(p.A) @ np.abs(x)
    for name, rows, outside in _outside(s, p.cones, size):
        if outside > PRIMAL_TOLERANCE:
            return (
                f"b - A x lies outside the {name} cone of rows {rows} by {outside:.3g} relative "
                f"(tolerance {PRIMAL_TOLERANCE:g})"
            )
    given = case.answer.slacks
    if given is None:
        return None
    slacks, reason = vector_of("s", given, s.shape)
    if slacks is None:
        return reason
    off = float((np.abs(slacks - s) / size).max())
    told = f"s differs from b - A x by {off:.3g} relative (tolerance {PRIMAL_TOLERANCE:g})"
    return None if off <= PRIMAL_TOLERANCE else told


def duals(case: Case) -> str | None:
    """Whether the dual values given are the instance's: those of cone data, or of a problem's constraints.

    Whatever the status, they must be finite, not negated, and in the dual cone (to 1e-2). Where the optimum
    is claimed, that to 1e-4, and A'z + q = 0 and q'x + b'z = 0 must hold too, or the multipliers of a problem
    be the exact ones, to 1e-2.
    """
    case.tokens()
    if case.answer.duals is None:
        raise NotApplicable("no dual values were given")
    if INTEGERS in case.instance.problem.needs:
        raise NotApplicable("a program with integers has no dual values")
    if case.subject.kind == "problem":
        return multipliers(case)
    p = case.cones.program
    z, reason = vector_of("z", case.answer.duals, p.b.shape)
    if z is None:
        return reason
    size = np.abs(p.q) + abs(p.A.T) @ np.abs(z)
    size += 1e-2 * size.max()  # each column by its own size: raw tokens have far smaller ones than the rest
    residual, turned = (float((np.abs(p.A.T @ (sign * z) + p.q) / size).max()) for sign in (1, -1))
    if turned < residual / 10 and residual > DUAL_TOLERANCE:
        told = f"z is negated: A'z + q is off by {residual:.3g} relative, with -z by {turned:.3g}"
        return f"{told} (tolerance {DUAL_TOLERANCE:g})"
    if case.answer.status != OPTIMAL:
        return outside_dual_cone(z, p.cones, ROUGH)
    if residual > DUAL_TOLERANCE:
        return f"A'z + q is off by {residual:.3g} relative (tolerance {DUAL_TOLERANCE:g})"
    return outside_dual_cone(z, p.cones) or _gap(case, z)


def _gap(case: Case, z: FloatArray) -> str | None:
    """Complementarity: whether -b'z is the optimal value q'x; it is not for the z of another b."""
    p, x = case.cones.program, case.answer.point
    primal_value = case.instance.minimised - p.offset if x is None else float(p.q @ x)
    dual_value = -float(p.b @ z)
    gap = abs(primal_value - dual_value) / (1 + abs(primal_value) + abs(dual_value))
    if gap <= DUAL_TOLERANCE:
        return None
    return (
        f"not complementary: q'x = {primal_value:.6g}, -b'z = {dual_value:.6g}, off by {gap:.3g} relative "
        f"(tolerance {DUAL_TOLERANCE:g})"
    )


def _outside(s: FloatArray, cones: Cones, size: FloatArray) -> list[tuple[str, str, float]]:
    """How far a point lies outside each cone, relative to the sizes of the rows it is made of."""
    found, row = [], 0
    for kind, rows in cones:
        part, scale = s[row : row + rows], float(size[row : row + rows].max(initial=1))
        if kind == SECOND_ORDER:
            outside = float(np.linalg.norm(part[1:]) - part[0]) / scale
        elif kind == EXPONENTIAL:  # s_1 e^(s_0 / s_1) <= s_2
            with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
                top = part[1] * np.exp(min(part[0] / part[1], 700)) if part[1] > 0 else 0.0
            outside = float(max(top - part[2], -part[1])) / scale
        else:  # each row is a cone of its own
            outside = float((-part / size[row : row + rows]).max(initial=0))
        found.append((kind, f"{row} to {row + rows - 1}", outside))
        row += rows
    return found
