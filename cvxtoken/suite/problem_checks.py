"""The checks of a solver's answer to a problem of the user's, against what is proven.

As in `checks`, each check returns why the answer fails, or None, and has a name that says what is wrong.
Values are held against the proven enclosure, relative to 1 + |bound|.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

import numpy as np

from cvxtoken.conic import residuals
from cvxtoken.conic.certificate import ENCLOSED, INFEASIBLE
from cvxtoken.conic.program import POWER, SEMIDEFINITE
from cvxtoken.errors import CvxtokenError, LibraryError, ProblemError
from cvxtoken.suite.answer import Subject
from cvxtoken.suite.case import NotApplicable
from cvxtoken.suite.isolation import Lost, call
from cvxtoken.suite.outcomes import outcome_of
from cvxtoken.suite.points import missing_values
from cvxtoken.suite.problem_case import ProblemCase
from cvxtoken.suite.problems import OwnProblem
from cvxtoken.suite.report import FAIL, UNPROVEN, Outcome
from cvxtoken.suite.report import UNSUPPORTED as DOES_NOT_APPLY
from cvxtoken.suite.status import (
    FAILED,
    INACCURATE,
    OPTIMAL,
    SAYS_INFEASIBLE,
    SAYS_OPTIMUM,
    SAYS_UNBOUNDED,
    UNKNOWN,
    UNSUPPORTED,
)
from cvxtoken.suite.vectors import DUAL_TOLERANCE

SINCE = "0.2.0"  # the version that first had these checks
_SMALL = 1e-3  # costs, such as those of a constant objective


def adapter(case: ProblemCase) -> str | None:
    """Whether the suite understands what the function returned: its status is there, and is a known word."""
    return case.answer.fault or None


def answers(case: ProblemCase) -> str | None:
    """Whether there is a point where an optimum is claimed, and no failure where there is an optimum."""
    answer = case.answer
    if answer.status == UNSUPPORTED:
        raise NotApplicable("the solver says 'unsupported'")
    if case.own.claim != ENCLOSED or answer.status in (*SAYS_INFEASIBLE, *SAYS_UNBOUNDED):
        return None
    if answer.status == FAILED:
        return f"it failed: {answer.detail or 'no reason is given'}; {case.own.truth}"
    if case.subject.kind == "problem":
        missing = missing_values(case.asked)
        return f"the variable {missing[0]} has no finite value" if missing else None
    if answer.point is None:
        return "there is no x"
    return None if np.isfinite(answer.point).all() else "x is not finite"


def _require_optimum(case: ProblemCase) -> None:
    """Go on only where there may be an optimum, one is claimed, and a point is there."""
    if case.own.claim != ENCLOSED:
        raise NotApplicable(f"the problem is {case.own.claim}")
    if case.answer.status not in SAYS_OPTIMUM:
        raise NotApplicable(f"the solver says '{case.answer.status}'")
    if answers(case):
        raise NotApplicable("there is no point")


def feasible(case: ProblemCase) -> str | None:
    """Whether the point meets the constraints, as far as that can be seen."""
    _require_optimum(case)
    far, what = case.violation
    if far <= case.allowed:
        return None
    return f"the point violates {what} by {far:.3g} relative (tolerance {case.allowed:g})"


def accurate(case: ProblemCase) -> str | None:
    """Whether the objective at the point is in the enclosure."""
    _require_optimum(case)
    _leave_rounding(case, case.value)
    return _off(case, case.value, "at the point")


def objective(case: ProblemCase) -> str | None:
    """Whether the value that the solver reports is in the enclosure, where it claims the optimum."""
    _require_optimum(case)
    if case.answer.status != OPTIMAL:
        raise NotApplicable(f"the answer claims '{case.answer.status}', not 'optimal'")
    if case.answer.objective is None:
        raise NotApplicable("no objective value was reported")
    try:
        reported = float(np.asarray(case.answer.objective, dtype=float).reshape(()))
    except (TypeError, ValueError):
        return f"the reported objective is no number but {case.answer.objective!r:.60}"
    value = case.own.posed(reported) if case.subject.kind == "cones" else reported
    _leave_rounding(case, value)
    return _off(case, value, "reported")


def _leave_rounding(case: ProblemCase, value: float) -> None:
    """Infinity at a point that is outside of a domain by rounding is CVXPY's, and no value of the solver."""
    if not np.isfinite(value) and case.is_outside_by_rounding:
        raise NotApplicable("the point is outside of a domain by rounding, where CVXPY's value is infinite")


def _off(case: ProblemCase, value: float, where: str) -> str | None:
    error = case.own.error(value)
    if error <= case.tolerance:
        if case.own.reason:
            raise NotApplicable(case.own.reason)
        return None
    told = f"the objective {where} is {value:.9g}, off by {error:.3g} relative"
    return f"{told} (tolerance {case.tolerance:g}); {case.own.truth}"


def honest(case: ProblemCase) -> str | None:
    """Whether the claim is true; a solver that admits a failure, or less accuracy, is honest."""
    status, own = case.answer.status, case.own
    if status == UNKNOWN:
        raise NotApplicable(case.answer.fault)
    if status in (FAILED, UNSUPPORTED):
        return None
    if status in SAYS_OPTIMUM:
        return _honest_optimum(case)
    said = f"claims '{status}', but {own.truth}"
    if own.claim != ENCLOSED:
        if case.says_either or (status in SAYS_INFEASIBLE) == (own.claim == INFEASIBLE):
            return None
        _leave_dual_infeasible(case)
        return said
    if own.reason and (not own.has_point if status in SAYS_INFEASIBLE else not own.is_bounded):
        raise NotApplicable(f"whether '{status}' is true is not proven: {own.reason}")
    return said


def _honest_optimum(case: ProblemCase) -> str | None:
    status, own = case.answer.status, case.own
    if own.claim == ENCLOSED:
        if status == INACCURATE:
            return None
        if (reason := answers(case)) is None:
            reason = feasible(case)
        seen = False
        for check in (accurate, objective):
            with suppress(NotApplicable):
                reason = reason or check(case)
                seen = True
        if not reason and (own.reason or not seen):
            raise NotApplicable(own.reason or "no value of the objective can be judged")
        return f"claims '{status}', but {reason}" if reason else None
    _require_margin(case)
    return f"claims '{status}', but {own.truth} (tolerance {case.allowed:g})"


def _require_margin(case: ProblemCase) -> None:
    """Go on only where doubles show that there is no optimum."""
    if case.own.margin <= case.allowed:
        told = f"it is {case.own.claim}, but by {case.own.margin:.2g} relative"
        raise NotApplicable(f"{told}, too little to ask for in doubles (tolerance {case.allowed:g})")


def _leave_dual_infeasible(case: ProblemCase) -> None:
    """Of an infeasible problem the dual may be infeasible as well, which is what some solvers say."""
    if case.own.claim == INFEASIBLE and "dual" in case.answer.detail.lower():
        raise NotApplicable(f"it says {case.answer.detail!r}, which is not 'unbounded' and may be true")


def detects(case: ProblemCase) -> str | None:
    """Whether it is found that there is no optimum, where doubles show it."""
    status, own = case.answer.status, case.own
    if own.claim == ENCLOSED:
        raise NotApplicable("the problem has an optimum" if not own.reason else own.reason)
    if case.says_either or status in (SAYS_INFEASIBLE if own.claim == INFEASIBLE else SAYS_UNBOUNDED):
        return None
    if status in (UNSUPPORTED, UNKNOWN):
        raise NotApplicable(case.answer.fault or f"the solver says '{status}'")
    _require_margin(case)
    _leave_dual_infeasible(case)
    told = f" ({case.answer.detail})" if case.answer.detail not in ("", status) else ""
    return f"claims '{status}'{told}, not '{own.claim}': {own.truth} (tolerance {case.allowed:g})"


def duals(case: ProblemCase) -> str | None:
    """Whether z of cone data is dual feasible, and as good as x, where the optimum is claimed."""
    _require_optimum(case)
    if case.subject.kind == "problem":
        raise NotApplicable("the dual values of CVXPY problems are not judged")
    if case.answer.status != OPTIMAL or case.answer.duals is None or case.answer.point is None:
        raise NotApplicable("no dual values were given of what is claimed to be optimal")
    p, x = case.own.program, case.answer.point
    if np.abs(p.q).max() < _SMALL:
        raise NotApplicable(f"all costs are below {_SMALL:g}, where z is small beside absolute tolerances")
    z = np.asarray(case.answer.duals, dtype=float).ravel()
    if z.shape != p.b.shape:
        return f"z has shape {z.shape}; it must be {p.b.shape}"
    if not np.isfinite(z).all():
        return "z is not finite"
    for told, far in (
        ("A'z + q = 0 with z in the dual cones fails by", residuals.dual_residual(p, z)),
        ("q'x + b'z = 0 fails by", residuals.gap(p, x, z)),
    ):
        if not far <= max(DUAL_TOLERANCE, case.tolerance):
            return f"{told} {far:.3g} relative (tolerance {max(DUAL_TOLERANCE, case.tolerance):g})"
    return None


PROBLEM_CHECKS: dict[str, Callable[[ProblemCase], str | None]] = {
    check.__name__: check
    for check in (adapter, answers, feasible, accurate, honest, detects, objective, duals)
}


def run_problem(subject: Subject, own: OwnProblem, tolerance: float, time_limit: float) -> list[Outcome]:
    """All checks of a problem, in a process of their own; what is not proven is an outcome by itself.

    Raises:
        ProblemError: the function takes neither problems nor cone data.
    """
    if subject.kind == "workload":
        raise ProblemError(
            "solve_fn takes workloads; own problems are for functions of problems or cone data"
        )
    unproven = [Outcome(own.name, "proven", UNPROVEN, own.reason, SINCE)] if own.reason else []
    if own.certificate is None:
        return unproven
    beyond = {kind for kind, _ in own.program.cones} & {POWER, SEMIDEFINITE}
    if subject.kind == "cones" and beyond:
        told = f"functions of cone data are not asked about {' and '.join(sorted(beyond))} cones"
        return [*unproven, Outcome(own.name, "answers", DOES_NOT_APPLY, told, SINCE)]

    def outcomes() -> list[Outcome] | CvxtokenError:
        case = ProblemCase(subject, own, tolerance)
        try:
            return [
                outcome_of(own.name, name, SINCE, partial(check, case))
                for name, check in PROBLEM_CHECKS.items()
            ]
        except CvxtokenError as error:  # not the solver's: those are answers
            return LibraryError(f"{own.name}: {error}")

    try:
        found: list[Outcome] | CvxtokenError = call(outcomes, time_limit)
    except Lost as lost:
        return [*unproven, Outcome(own.name, "answers", FAIL, str(lost), SINCE)]
    if isinstance(found, CvxtokenError):
        raise found
    return [*unproven, *found]
