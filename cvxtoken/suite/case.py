"""One solver, one instance and the answer, as the checks see them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.program.cones import AllocationCones, cone_program
from cvxtoken.arrays import FloatArray
from cvxtoken.library import Instance
from cvxtoken.suite.answer import PRESOLVED, RAW, Subject
from cvxtoken.suite.reading import Answer
from cvxtoken.suite.status import OPTIMAL, SAYS_INFEASIBLE, SAYS_UNBOUNDED, UNSUPPORTED
from cvxtoken.suite.vectors import kind_of, real
from cvxtoken.whole.rounding import Neighbourhood

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
        return self.subject.of(self.instance)

    @cached_property
    def cones(self) -> AllocationCones:
        """The instance as cone data, in the subject's form; of a parametric problem raw."""
        form = PRESOLVED if self.subject.form == PRESOLVED else RAW
        return cone_program(self.instance.workload, form, stable=False)

    def again(self, workload: Workload, **arguments: FloatArray) -> float:
        """J of an answer to a related workload, at tokens moved into the box.

        Raises:
            NotApplicable: the instance is large or infeasible.
        """
        if not self.instance.feasible or len(self.instance.workload) > _ASKED_AGAIN:
            raise NotApplicable(f"asked on feasible instances of up to {_ASKED_AGAIN} types")
        self.require_optimal()
        if not np.isfinite(value(self.instance.workload, self.answer)):
            raise NotApplicable("the first answer has no objective")
        return value(workload, self.subject.answer(workload.replace(), **arguments))

    def differs(self, J: float) -> str | None:
        """Why the objective of a related answer differs from that of the first; None where it does not."""
        first = value(self.instance.workload, self.answer)
        allowed = 2 * self.tolerance * (1 + abs(self.instance.objective))
        if abs(J - first) <= allowed:
            return None
        return f"J = {J:.9g} s, but {first:.9g} s before (tolerance {allowed:.2g} s)"

    def tokens(self) -> FloatArray:
        """The tokens, shape (N,).

        Raises:
            NotApplicable: the instance is infeasible, or there are none to look at.
        """
        if not self.instance.feasible:
            raise NotApplicable("the instance is infeasible")
        status = self.answer.status
        if status in (*SAYS_INFEASIBLE, *SAYS_UNBOUNDED, UNSUPPORTED):
            raise NotApplicable(f"the solver says '{status}'")
        reason = problem_with(self.instance.workload, self.answer.tokens)
        if reason or self.answer.tokens is None:
            raise NotApplicable(f"there is no answer: {self.answer.detail or reason}")
        return np.asarray(self.answer.tokens, dtype=float)

    def require_optimal(self) -> None:
        """Go on only where the answer claims the optimum.

        Raises:
            NotApplicable: it does not.
        """
        if self.answer.status != OPTIMAL:
            raise NotApplicable(f"the answer claims '{self.answer.status}', not '{OPTIMAL}'")


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
        l = real(tokens)
    except (TypeError, ValueError):
        return f"what was returned is not an array of numbers but {kind_of(tokens)}"
    if l.shape != (len(workload),):
        return f"tokens have shape {l.shape}; it must be ({len(workload)},)"
    return None if np.isfinite(l).all() else "tokens are not finite"


def true_error(instance: Instance, tokens: FloatArray) -> float:
    """(J* - J(l)) / (1 + |J*|) at tokens moved into the box, without cancellation; infinite if unstable."""
    w = instance.workload
    losses = Neighbourhood(w, instance.tokens)
    l = np.clip(np.asarray(tokens, dtype=float), 0, w.max_tokens)
    return float(losses.loss(losses.sums(l).sum(axis=-1))) / (1 + abs(instance.objective))
