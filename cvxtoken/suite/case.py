"""One solver, one instance and the answer, as the checks see them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.program.cones import AllocationCones, cone_program
from cvxtoken.arrays import FloatArray
from cvxtoken.library import Instance
from cvxtoken.library.problems.problem import Problem
from cvxtoken.library.problems.written import Written
from cvxtoken.library.shipped import PLAIN
from cvxtoken.suite.answer import PRESOLVED, RAW, Subject
from cvxtoken.suite.reading import Answer
from cvxtoken.suite.status import OPTIMAL, SAYS_INFEASIBLE, SAYS_UNBOUNDED, UNSUPPORTED
from cvxtoken.suite.vectors import kind_of, real

_ASKED_AGAIN = (
    50  # types, or numbers of another answer; with more, a solver is asked about an instance only once
)


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
    def cones(self) -> Written:
        """The instance as cone data, in the subject's form; of a parametric problem raw."""
        return self.instance.problem.cones(self._form)

    @cached_property
    def allocation(self) -> AllocationCones:
        """The cone data of a plain allocation (NotApplicable: another kind)."""
        return cone_program(self.workload, self._form, stable=False)

    @property
    def _form(self) -> str:
        return PRESOLVED if self.subject.form == PRESOLVED else RAW

    @property
    def workload(self) -> Workload:
        """That of a plain allocation, which alone has related questions (NotApplicable: another kind)."""
        if self.instance.kind != PLAIN:
            raise NotApplicable(f"asked of plain allocations; this is of kind {self.instance.kind!r}")
        return self.instance.workload

    def again(self, problem: Problem, **arguments: FloatArray) -> float:
        """The objective of an answer to a related problem, moved to where the rules hold.

        Raises:
            NotApplicable: the instance is large or infeasible.
        """
        if not self.instance.feasible or len(self.instance.problem.names) > _ASKED_AGAIN:
            raise NotApplicable(f"asked on feasible instances of up to {_ASKED_AGAIN} types")
        self.require_optimal()
        if not np.isfinite(value(self.instance.problem, self.answer)):
            raise NotApplicable("the first answer has no objective")
        return value(problem, self.subject.answer(problem.copy(), **arguments))

    def differs(self, J: float) -> str | None:
        """Why the objective of a related answer differs from that of the first; None where it does not."""
        first, unit = value(self.instance.problem, self.answer), self.instance.problem.unit
        allowed = 2 * self.tolerance * (1 + abs(self.instance.objective))
        if abs(J - first) <= allowed:
            return None
        told = f"{self.instance.problem.symbol} = {J:.9g} {unit}, but {first:.9g} {unit} before"
        return f"{told} (tolerance {allowed:.2g} {unit})"

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
        reason = problem_with(self.instance.problem, self.answer.tokens)
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


def value(problem: Problem, answer: Answer) -> float:
    """The objective at an answer, moved to where the rules hold; minus infinity where there is no answer."""
    if problem_with(problem, answer.tokens):
        return -np.inf
    return problem.value(np.asarray(answer.tokens, dtype=float))


def problem_with(problem: Problem, tokens: FloatArray | None) -> str | None:
    """Why something is not an answer at all, such as an allocation; None where it is one."""
    if tokens is None:
        return "no tokens were returned"
    try:
        l = real(tokens)
    except (TypeError, ValueError):
        return f"what was returned is not an array of numbers but {kind_of(tokens)}"
    if l.shape != (len(problem.names),):
        return f"tokens have shape {l.shape}; it must be ({len(problem.names)},)"
    return None if np.isfinite(l).all() else "tokens are not finite"
