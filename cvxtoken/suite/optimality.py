"""The checks of what comes with a point: reported objective, residuals, dual values, proofs of infeasibility.

For cone data, minimise q'x with A x + s = b, s in K, the conditions of an optimum are

    s = b - A x in K,    A'z + q = 0,    z in K*,    q'x + b'z = 0,

and z with A'z = 0, b'z < 0, z in K* proves that there is no point at all. Solvers promise residuals of about
1e-8 of their own scaled data; the tolerances here are far above that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cvxtoken.allocation.program.cones import cone_program
from cvxtoken.arrays import FloatArray
from cvxtoken.conic.program import EXPONENTIAL, SECOND_ORDER, Cones
from cvxtoken.library.problems.written import INTEGERS
from cvxtoken.suite.case import Case, NotApplicable
from cvxtoken.suite.status import OPTIMAL, SAYS_INFEASIBLE

DUAL_TOLERANCE = 1e-4  # relative, of dual residuals, complementarity and rays
PRIMAL_TOLERANCE = 1e-4  # relative to each cone's own size
VALUE_TOLERANCE = 1e-5  # of a reported objective, relative to 1 + |J*| + |offset|
_ROUGH = 1e-2  # of dual cones, where the answer is said to be inaccurate
_NEGATIVE, _MULTIPLIER = 1e-5, 1e-2  # of a multiplier, relative to its size: below 0, and off
_PINNED = 1e-6  # where a variable has less room than this, the multipliers of its two bounds are not unique


def objective(case: Case) -> str | None:
    """Whether the reported objective value is the optimum where that is claimed, else that of its own x."""
    case.tokens()
    if case.answer.objective is None:
        raise NotApplicable("no objective value was reported")
    try:
        reported = float(np.asarray(case.answer.objective, dtype=float).reshape(()))
    except (TypeError, ValueError):
        return f"the reported objective is no number but {case.answer.objective!r:.60}"
    J, unit = case.instance.objective, case.instance.problem.unit
    what, offset, best = case.instance.problem.symbol, 0.0, J
    if case.subject.kind == "cones":
        what, offset = "q'x", case.cones.program.offset
        best = case.instance.minimised - offset
    if case.answer.status == OPTIMAL:
        expected, rule = best, "at the optimum"
    elif case.answer.point is not None:
        expected, rule = float(case.cones.program.q @ case.answer.point), "at its own x"
    else:
        raise NotApplicable(f"the answer claims '{case.answer.status}', not '{OPTIMAL}'")
    allowed = max(VALUE_TOLERANCE, case.tolerance) * (1 + abs(J) + abs(offset) + abs(expected))
    if abs(reported - expected) <= allowed:
        return None
    return (
        f"the reported objective is {reported:.9g} {unit}, but {what} = {expected:.9g} {unit} {rule} "
        f"(tolerance {allowed:.2g} {unit})"
    )


def primal(case: Case) -> str | None:
    """Whether the whole point x of cone data is feasible, b - A x in K, and the slacks are b - A x."""
    case.tokens()
    if case.answer.point is None:
        raise NotApplicable("only answers to cone data have a whole point")
    case.require_optimal()
    p, x = case.cones.program, case.answer.point
    if not np.isfinite(x).all():
        return _not_finite("x", x)
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
    slacks = np.asarray(given, dtype=float).ravel()
    if slacks.shape != s.shape:
        return f"s has shape {slacks.shape}; it must be {s.shape}"
    if not np.isfinite(slacks).all():
        return _not_finite("s", slacks)
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
        return _multipliers(case)
    p = case.cones.program
    z, reason = _vector("z", case.answer.duals, p.b.shape)
    if z is None:
        return reason
    size = np.abs(p.q) + abs(p.A.T) @ np.abs(z)
    size += 1e-2 * size.max()  # each column by its own size: raw tokens have far smaller ones than the rest
    residual, turned = (float((np.abs(p.A.T @ (sign * z) + p.q) / size).max()) for sign in (1, -1))
    if turned < residual / 10 and residual > DUAL_TOLERANCE:
        told = f"z is negated: A'z + q is off by {residual:.3g} relative, with -z by {turned:.3g}"
        return f"{told} (tolerance {DUAL_TOLERANCE:g})"
    if case.answer.status != OPTIMAL:
        return outside_dual_cone(z, p.cones, _ROUGH)
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


def _multipliers(case: Case) -> str | None:
    """The multipliers of x >= 0 and x <= x_max, against the exact ones, which are unique where x_max > 0.

    Each is a derivative of the objective, and compared with the size of what that is made of: alpha pi A b of
    the accuracy, and the multiplier itself.
    """
    cones = cone_program(case.workload, case.subject.form)
    q = cones.program.q
    n, types = len(cones.types), cones.types
    exact = cones.duals(case.instance.certificate.tokens)[: 2 * n]
    joined = np.concatenate([np.ravel(np.asarray(value, dtype=float)) for value in case.answer.duals])
    given, reason = _vector("the vector of multipliers", joined, None)
    if given is None:
        return reason
    if given.shape != exact.shape:
        raise NotApplicable(f"{given.size} multipliers were given, and {exact.size} are known")
    slopes = q[n : 2 * n] * case.workload.saturation_rate[types] * cones.scale
    size = np.tile(slopes, 2) + np.abs(exact)
    largest = 1 + float(np.abs(q[:-1]).max())
    allowed = _NEGATIVE * size + 1e-9 * largest
    least = int(np.argmin(given / allowed))
    if given[least] < -allowed[least]:
        told = f"multiplier {least} is {given[least]:.6g}, expected {exact[least]:.6g}"
        return f"{told}: of an inequality it must not be negative (tolerance {allowed[least]:.2g})"
    if (cones.program.b[n : 2 * n] <= _PINNED).any():
        raise NotApplicable("the multipliers are not unique")
    case.require_optimal()
    allowed = _MULTIPLIER * size + 1e-6 * largest
    worst = int(np.argmax(np.abs(given - exact) / allowed))
    if abs(given[worst] - exact[worst]) <= allowed[worst]:
        return None
    told = f"multiplier {worst} is {given[worst]:.6g}, expected {exact[worst]:.6g}"
    return f"{told} (tolerance {allowed[worst]:.2g})"


def certificate(case: Case) -> str | None:
    """Whether the ray that comes with a claim of infeasibility proves it: A'z = 0, b'z < 0, z in K*."""
    answer = case.answer
    if case.instance.feasible:
        raise NotApplicable("the instance has an optimum")
    if answer.status not in SAYS_INFEASIBLE:
        raise NotApplicable(f"the solver says '{answer.status}'")
    given = answer.duals if answer.ray is None else answer.ray
    if case.subject.kind != "cones" or given is None:
        raise NotApplicable("no ray was returned")
    p = case.cones.program
    z, reason = _vector("the ray z", given, p.b.shape)
    if z is None:
        return reason
    value, size = float(p.b @ z), float(np.abs(p.b) @ np.abs(z))
    if not value < -1e-12 * size:
        return f"the ray proves nothing: b'z = {value:.3g}; it must be below 0"
    residual = float(np.abs(p.A.T @ z).max()) / float((abs(p.A.T) @ np.abs(z)).max())
    if residual > DUAL_TOLERANCE:
        return f"the ray proves nothing: A'z is {residual:.3g} relative, not 0 (tolerance {DUAL_TOLERANCE:g})"
    return outside_dual_cone(z, p.cones)


def _vector(name: str, given: Any, shape: tuple[int, ...] | None) -> tuple[FloatArray | None, str]:
    """A vector of the right shape with finite numbers, or None and what is wrong with it."""
    try:
        vector = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        return None, f"{name} is no array of numbers but {type(given).__name__}"
    if shape is not None and vector.size == int(np.prod(shape)):
        vector = vector.reshape(shape)
    if shape is not None and vector.shape != shape:
        return None, f"{name} has shape {vector.shape}; it must be {shape}"
    return (vector, "") if np.isfinite(vector).all() else (None, _not_finite(name, vector))


def _not_finite(name: str, vector: FloatArray) -> str:
    row = int(np.flatnonzero(~np.isfinite(vector))[0])
    return f"{name} is not finite: entry {row} is {vector[row]}"


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


def outside_dual_cone(z: FloatArray, cones: Cones, tolerance: float = DUAL_TOLERANCE) -> str | None:
    """Which dual cone z lies outside of, by more than the tolerance of 1 + |z|; None where it is in all."""
    row = 0
    for kind, rows in cones:
        part = z[row : row + rows]
        slack = tolerance * (1 + float(np.abs(part).max(initial=0)))
        row += rows
        if kind == SECOND_ORDER:
            good = np.linalg.norm(part[1:]) <= part[0] + slack
        elif kind == EXPONENTIAL:  # -u e^(v / u) <= e w for u < 0
            u, v, w = part[0] - slack, part[1], part[2]
            with np.errstate(over="ignore"):
                good = u < 0 and -u * np.exp(min(v / u, 700)) <= np.e * (w + slack) + slack
        else:
            good = (part >= -slack).all()
        if not good:
            return (
                f"z is not in the dual of the {kind} cone of rows {row - rows} to {row - 1} "
                f"(tolerance {slack:.2g}): {np.array2string(part, precision=3, threshold=6)}"
            )
    return None
