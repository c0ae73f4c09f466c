"""The checks: each is a function of a case, and returns why the case fails, or None.

The solver is asked once about an instance, and the checks look at its answer. Some ask again: about permuted
or split types, from another start, or the same once more. Objectives are compared, never tokens: near the
optimum the objective is flat, and different tokens can be equally good.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.fields import OF_TYPES
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.program.cones import cone_program
from cvxtoken.arrays import FloatArray
from cvxtoken.conic.program import EXPONENTIAL, SECOND_ORDER
from cvxtoken.library import Instance
from cvxtoken.suite.answer import FAILED, INACCURATE, INFEASIBLE, OPTIMAL, Answer, Subject
from cvxtoken.whole.rounding import Neighbourhood

FEASIBILITY = 1e-6  # relative to 1 + max_tokens: so far may tokens lie outside the box
DUAL_TOLERANCE = 1e-4  # relative; solvers promise residuals of about 1e-8 of their own scaled data
_ASKED_AGAIN = 50  # types; with more, a solver is asked about an instance only once


class NotApplicable(Exception):  # noqa: N818 (no error)
    """A check does not apply to this solver or instance; the message says why."""


@dataclass
class Case:
    """A solver, an instance and the answer.

    Attributes:
        subject: the function under test.
        instance: the instance, with its ground truth.
        tolerance: on the error of the objective, relative to 1 + |J*|.
    """

    subject: Subject
    instance: Instance
    tolerance: float

    @cached_property
    def answer(self) -> Answer:
        """The first answer; a solver that changes its input must not change the ground truth."""
        return self.subject.answer(self.instance.workload.replace())

    def again(self, workload: Workload, **arguments: FloatArray) -> float:
        """J of an answer to a related workload, at tokens moved into the box.

        Raises:
            NotApplicable: the instance is large or infeasible.
        """
        if not self.instance.feasible or len(self.instance.workload) > _ASKED_AGAIN:
            raise NotApplicable(f"asked on feasible instances of up to {_ASKED_AGAIN} types")
        if self.answer.status != OPTIMAL:
            raise NotApplicable("the first answer does not claim to be optimal")
        if not np.isfinite(value(self.instance.workload, self.answer)):
            raise NotApplicable("the first answer has no objective")
        return value(workload, self.subject.answer(workload.replace(), **arguments))

    def differs(self, J: float) -> str | None:
        """Why the objective of a related answer differs from that of the first; None where it does not."""
        first = value(self.instance.workload, self.answer)
        if abs(J - first) <= 2 * self.tolerance * (1 + abs(self.instance.objective)):
            return None
        return f"J = {J:.9g} s, but {first:.9g} s before"


def value(workload: Workload, answer: Answer) -> float:
    """J at an answer's tokens, moved into the box; minus infinity where they are missing or not stable."""
    if problem_with(workload, answer.tokens):
        return -np.inf
    tokens = np.clip(np.asarray(answer.tokens, dtype=float), 0, workload.max_tokens)
    return float(model.objective(workload, tokens))


def problem_with(workload: Workload, tokens: FloatArray | None) -> str | None:
    """Why something is not an allocation at all; None where it is one."""
    if tokens is None:
        return "no tokens were returned"
    try:
        l = np.asarray(tokens, dtype=float)
    except (TypeError, ValueError):
        return f"what was returned is not an array of numbers but {type(tokens).__name__}"
    if l.shape != (len(workload),):
        return f"tokens have shape {l.shape}; it must be ({len(workload)},)"
    return None if np.isfinite(l).all() else "tokens are not finite"


def true_error(instance: Instance, tokens: FloatArray) -> float:
    """(J* - J(l)) / (1 + |J*|) at tokens moved into the box, without cancellation; infinite if unstable."""
    w = instance.workload
    losses = Neighbourhood(w, instance.tokens)
    l = np.clip(np.asarray(tokens, dtype=float), 0, w.max_tokens)
    return float(losses.loss(losses.sums(l).sum(axis=-1))) / (1 + abs(instance.objective))


def answers(case: Case) -> str | None:
    """Whether there is an answer at all: one number of tokens for each type."""
    if case.answer.status == INFEASIBLE or not case.instance.feasible:
        return None
    reason = problem_with(case.instance.workload, case.answer.tokens)
    told = case.answer.detail if case.answer.tokens is None and case.answer.status == FAILED else ""
    return told or reason


def _tokens(case: Case) -> FloatArray:
    if not case.instance.feasible:
        raise NotApplicable("the instance is infeasible")
    reason = problem_with(case.instance.workload, case.answer.tokens)
    if reason or case.answer.tokens is None:
        raise NotApplicable(f"there is no answer: {case.answer.detail or reason}")
    return np.asarray(case.answer.tokens, dtype=float)


def feasible(case: Case) -> str | None:
    """Whether the tokens lie in the box, to 1e-6 of it, and are stable."""
    l, w = _tokens(case), case.instance.workload
    outside = np.maximum(-l, l - w.max_tokens) / (1 + w.max_tokens)
    if outside.max() > FEASIBILITY:
        k = int(np.argmax(outside))
        return f"tokens of {w.names[k]!r} are {l[k]:.6g}, outside 0 to {w.max_tokens[k]:g}"
    y = float(model.idle(w, np.clip(l, 0, w.max_tokens)))
    return None if y > 0 else f"the utilisation is 1 + {-y:.2g}, not below 1"


def accurate(case: Case) -> str | None:
    """Whether the true error of the objective, against the certified optimum, is within the tolerance."""
    error = true_error(case.instance, _tokens(case))
    return None if error <= case.tolerance else f"the objective is off by {error:.3g} relative"


def honest(case: Case) -> str | None:
    """Whether the status is true: it says optimal or infeasible only where that is so."""
    status, instance = case.answer.status, case.instance
    if status == INFEASIBLE:
        return f"claims '{INFEASIBLE}', but the instance has an optimum" if instance.feasible else None
    if status == FAILED or (status == INACCURATE and instance.feasible):
        return None  # a solver that admits it is honest
    if not instance.feasible:
        return f"claims '{status}', but the utilisation is {float(instance.witness):g} even without tokens"
    reason = problem_with(instance.workload, case.answer.tokens) or feasible(case) or accurate(case)
    return f"claims '{OPTIMAL}', but {reason}" if reason else None


def duals(case: Case) -> str | None:
    """Whether the dual values given are feasible, to 1e-4; for a problem, whether they are the exact ones.

    A problem's constraints are x >= 0 and x <= x_max; their multipliers are unique where x_max > 0.
    """
    _tokens(case)
    if case.answer.duals is None:
        raise NotApplicable("no dual values were given")
    if case.answer.status != OPTIMAL:
        raise NotApplicable("the answer does not claim to be optimal")
    cones = cone_program(case.instance.workload, case.subject.form)
    program = cones.program
    if case.subject.kind == "problem":
        given = np.concatenate([np.ravel(np.asarray(value, dtype=float)) for value in case.answer.duals])
        exact = cones.duals(case.instance.certificate.tokens)[: 2 * len(cones.types)]
        if given.shape != exact.shape or not program.b[len(exact) // 2 : len(exact)].all():
            raise NotApplicable("the multipliers are not unique")
        scale = 1 + np.abs(exact).max() + np.abs(program.q[:-1]).max()
        off = float(np.abs(given - exact).max() / scale)
        return None if off <= 10 * DUAL_TOLERANCE else f"a multiplier is off by {off:.3g} relative"
    given = np.asarray(case.answer.duals, dtype=float)
    if given.shape != program.b.shape or not np.isfinite(given).all():
        return f"z has shape {given.shape}; it must be {program.b.shape}, and finite"
    size = float(np.abs(program.q).max() + (abs(program.A.T) @ np.abs(given)).max())
    residual = float(np.abs(program.A.T @ given + program.q).max()) / size
    if residual > DUAL_TOLERANCE:
        return f"A'z + q is off by {residual:.3g} relative"
    return _outside_dual_cone(given, program.cones)


def _outside_dual_cone(z: FloatArray, cones: tuple[tuple[str, int], ...]) -> str | None:
    row = 0
    for kind, rows in cones:
        part = z[row : row + rows]
        slack = DUAL_TOLERANCE * (1 + float(np.abs(part).max(initial=0)))
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
            return f"z is not in the dual of the {kind} cone that ends in row {row}"
    return None


def permutation(case: Case) -> str | None:
    """Whether the order of the types does not matter."""
    w = case.instance.workload
    if len(w) < 2:
        raise NotApplicable("there is one type only")
    order = np.roll(np.arange(len(w))[::-1], 1)
    fields = {name: getattr(w, name)[order] for name in OF_TYPES}
    return case.differs(case.again(w.replace(names=[w.names[k] for k in order], **fields)))


def split_types(case: Case) -> str | None:
    """Whether a type split into two equal halves is answered as well as the whole type."""
    w = case.instance.workload
    k = int(np.argmax(w.prior))
    fields = {name: np.append(getattr(w, name), getattr(w, name)[k]) for name in OF_TYPES}
    fields["prior"][[k, -1]] /= 2
    return case.differs(case.again(w.replace(names=[*w.names, "the other half"], **fields)))


def start(case: Case) -> str | None:
    """Whether the start does not matter, for functions that take one."""
    if not case.subject.takes_start:
        raise NotApplicable("it takes no start")
    w = case.instance.workload
    l = 0.3 * case.instance.tokens if case.instance.feasible else np.zeros(len(w))
    return case.differs(case.again(w, start=l))


def untouched(case: Case) -> str | None:
    """Whether the input was left as it was."""
    if case.subject.kind != "workload":
        raise NotApplicable("only a workload's data are shared between calls")
    copy = case.instance.workload.replace()
    before = copy.to_instance()
    case.subject.answer(copy)
    return None if copy.to_instance() == before else "the workload was changed"


def repeatable(case: Case) -> str | None:
    """Whether the same question has the same answer."""
    return case.differs(case.again(case.instance.workload))


@dataclass(frozen=True)
class Check:
    """A check and the version that first had it."""

    name: str
    since: str
    run: Callable[[Case], str | None]


CHECKS = [
    Check("answers", "0.1.0", answers),
    Check("feasible", "0.1.0", feasible),
    Check("accurate", "0.1.0", accurate),
    Check("honest", "0.1.0", honest),
    Check("duals", "0.1.0", duals),
    Check("permutation", "0.1.0", permutation),
    Check("split types", "0.1.0", split_types),
    Check("start", "0.1.0", start),
    Check("untouched", "0.1.0", untouched),
    Check("repeatable", "0.1.0", repeatable),
]
