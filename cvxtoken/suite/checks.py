"""The checks: each is a function of a case, and returns why the case fails, or None.

The solver is asked once about an instance, and the checks look at its answer. Some ask again: about permuted
or split types, from another start, or the same once more. Objectives are compared, never tokens: near the
optimum the objective is flat, and different tokens can be equally good.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cvxtoken.allocation.fields import OF_TYPES
from cvxtoken.library.problems.allocation import Allocation
from cvxtoken.suite.answer import PARAMETRIC
from cvxtoken.suite.case import Case, NotApplicable, problem_with, value
from cvxtoken.suite.optimality import duals, objective, primal
from cvxtoken.suite.rays import certificate
from cvxtoken.suite.status import (
    FAILED,
    INACCURATE,
    SAYS_INFEASIBLE,
    SAYS_UNBOUNDED,
    UNKNOWN,
    UNSUPPORTED,
)

DETECTABLE = 1e-4  # a solver in doubles cannot be asked to see a utilisation nearer to 1


def adapter(case: Case) -> str | None:
    """Whether the suite understands what the function returned: its status is there, and is a known word."""
    return case.answer.fault or None


def answers(case: Case) -> str | None:
    """Whether there is an answer at all: one number of tokens for each type."""
    status = case.answer.status
    if not case.instance.feasible or status in (*SAYS_INFEASIBLE, *SAYS_UNBOUNDED):
        return None
    if status == UNSUPPORTED:
        raise NotApplicable(f"the solver says '{status}'")
    reason = problem_with(case.instance.problem, case.answer.tokens)
    if case.answer.tokens is None and case.answer.fault:
        raise NotApplicable(case.answer.fault)
    told = case.answer.detail if case.answer.tokens is None and status == FAILED else ""
    return told or reason


def feasible(case: Case) -> str | None:
    """Whether the answer keeps the rules: tokens lie in the box, to 1e-6 of it, and are stable."""
    return case.instance.problem.broken(case.tokens())


def accurate(case: Case) -> str | None:
    """Whether the true error of the objective, against the certified optimum, is within the tolerance."""
    l, problem = case.tokens(), case.instance.problem
    error = case.instance.error(l)
    if error <= case.tolerance:
        return None
    reason = problem.broken(l)
    if reason and not np.isfinite(error):
        return f"the objective counts for nothing: {reason}"
    J, best, unit = value(problem, case.answer), case.instance.objective, problem.unit
    told = f"the objective is off by {error:.3g} relative (tolerance {case.tolerance:g})"
    return f"{told}: {problem.symbol} = {J:.9g} {unit}, expected {best:.9g} {unit}"


def honest(case: Case) -> str | None:
    """Whether the claim is true; a solver that admits a failure, or what it does not support, is honest.

    The problems are bounded: the objective is at most alpha less the least delay, whatever the tokens. So
    'unbounded' is never true, of an infeasible instance neither.
    """
    status, instance = case.answer.status, case.instance
    if status == UNKNOWN:
        raise NotApplicable(case.answer.fault)
    truth = "the instance has an optimum"
    if not instance.feasible:
        truth = f"the utilisation is {float(instance.witness):g} even without tokens"
    if status in SAYS_UNBOUNDED:
        return f"claims '{status}', but {truth}; no instance is unbounded"
    if status in SAYS_INFEASIBLE:
        return f"claims '{status}', but {truth}" if instance.feasible else None
    if status in (FAILED, UNSUPPORTED) or (status == INACCURATE and instance.feasible):
        return None
    if not instance.feasible:
        return f"claims '{status}', but {truth}"
    reason = problem_with(instance.problem, case.answer.tokens) or feasible(case) or accurate(case)
    return f"claims '{status}', but {reason}" if reason else None


def detects(case: Case) -> str | None:
    """Whether infeasibility is found, where doubles show it and the solver does not say that it cannot."""
    status, instance = case.answer.status, case.instance
    if instance.feasible:
        raise NotApplicable("the instance has an optimum")
    if status in SAYS_INFEASIBLE:
        return None
    if status in (UNSUPPORTED, UNKNOWN):
        raise NotApplicable(case.answer.fault or f"the solver says '{status}'")
    load = float(instance.witness)
    if load - 1 <= DETECTABLE:
        raise NotApplicable(f"the utilisation is 1 + {load - 1:.2g}, too near to 1 to ask for in doubles")
    told = f" ({case.answer.detail})" if case.answer.detail not in ("", status) else ""
    return f"claims '{status}'{told}, not 'infeasible': the utilisation is {load:g} even without tokens"


def permutation(case: Case) -> str | None:
    """Whether the order of the types does not matter."""
    w = case.workload
    if len(w) < 2:
        raise NotApplicable("there is one type only")
    order = np.roll(np.arange(len(w))[::-1], 1)
    fields = {name: getattr(w, name)[order] for name in OF_TYPES}
    other = w.replace(names=[w.names[k] for k in order], **fields)
    return case.differs(case.again(Allocation(other)))


def split_types(case: Case) -> str | None:
    """Whether a type split into two equal halves is answered as well as the whole type."""
    w = case.workload
    k = int(np.argmax(w.prior))
    fields = {name: np.append(getattr(w, name), getattr(w, name)[k]) for name in OF_TYPES}
    fields["prior"][[k, -1]] /= 2
    other = w.replace(names=[*w.names, "the other half"], **fields)
    return case.differs(case.again(Allocation(other)))


def start(case: Case) -> str | None:
    """Whether the start does not matter, for functions that take one."""
    if not case.subject.takes_start:
        raise NotApplicable("it takes no start")
    w = case.workload
    l = 0.3 * case.instance.tokens if case.instance.feasible else np.zeros(len(w))
    return case.differs(case.again(Allocation(w), start=l))


def untouched(case: Case) -> str | None:
    """Whether the input was left as it was: a workload, cone data, or the parameters of a problem."""
    kind = case.subject.kind
    if kind == "cones" or case.subject.form == PARAMETRIC:
        changed, one = case.answer.changed, "," not in case.answer.changed
        what = "" if kind == "cones" else f"the parameter{'' if one else 's'} "
        return f"{what}{changed} {'was' if one else 'were'} changed" if changed else None
    if kind != "workload":
        raise NotApplicable("a problem's data are its own")
    copy = case.instance.problem.copy()
    before = copy.to_record()
    case.subject.answer(copy)
    return None if copy.to_record() == before else "the workload was changed"


def repeatable(case: Case) -> str | None:
    """Whether the same question has the same answer."""
    return case.differs(case.again(case.instance.problem))


@dataclass(frozen=True)
class Check:
    """A check and the version that first had it."""

    name: str
    since: str
    run: Callable[[Case], str | None]


CHECKS = [
    Check("adapter", "0.2.0", adapter),
    Check("answers", "0.1.0", answers),
    Check("feasible", "0.1.0", feasible),
    Check("accurate", "0.1.0", accurate),
    Check("honest", "0.1.0", honest),
    Check("detects", "0.2.0", detects),
    Check("objective", "0.2.0", objective),
    Check("primal", "0.2.0", primal),
    Check("duals", "0.1.0", duals),
    Check("certificate", "0.2.0", certificate),
    Check("permutation", "0.1.0", permutation),
    Check("split types", "0.1.0", split_types),
    Check("start", "0.1.0", start),
    Check("untouched", "0.1.0", untouched),
    Check("repeatable", "0.1.0", repeatable),
]
