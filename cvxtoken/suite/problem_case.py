"""A solver asked about a problem of the user's: the answer, and what can be measured of it."""

from __future__ import annotations

import inspect
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cvxtoken.conic import residuals
from cvxtoken.library.problems.problem import FEASIBILITY
from cvxtoken.library.problems.written import INTEGERS, Written
from cvxtoken.suite.answer import Subject
from cvxtoken.suite.points import outside_domain, value_inside, worst_violation
from cvxtoken.suite.problems import OwnProblem
from cvxtoken.suite.reading import Answer, answered, read_cones
from cvxtoken.suite.status import FAILED, SAYS_INFEASIBLE, SAYS_UNBOUNDED


@dataclass
class ProblemCase:
    """A solver, a problem with its proof, and the answer.

    Attributes:
        subject: the function under test, of a CVXPY problem or of cone data.
        own: the problem.
        tolerance: on values, relative to 1 + |bound|.
    """

    subject: Subject
    own: OwnProblem
    tolerance: float

    @property
    def allowed(self) -> float:
        """So far may a point be outside of the constraints."""
        return max(FEASIBILITY, self.tolerance)

    @cached_property
    def asked(self) -> Any:
        """The problem without any value that it had before; its variables are the user's."""
        import cvxpy

        problem = cvxpy.Problem(self.own.problem.objective, self.own.problem.constraints)
        for variable in problem.variables():
            variable.save_value(None)
        for constraint in problem.constraints:
            for variable in constraint.dual_variables:
                variable.save_value(None)
        return problem

    @cached_property
    def answer(self) -> Answer:
        """The answer; an error becomes a failed one, except NotImplementedError."""
        started = time.perf_counter()
        try:
            found = self._cones() if self.subject.kind == "cones" else self._problem()
        except NotImplementedError:
            raise
        except Exception as error:  # a solver under test may raise anything
            told = " ".join(f"raised {type(error).__name__}: {error}".split())
            found = Answer(None, FAILED, detail=told)
        return found.replace(seconds=time.perf_counter() - started)

    def _problem(self) -> Answer:
        from cvxtoken.conic.problems import is_geometric

        function, problem = self.subject.function, self.asked
        parameters = inspect.signature(function).parameters.values()
        takes_gp = any(p.name == "gp" or p.kind == p.VAR_KEYWORD for p in parameters)
        said = function(problem, gp=True) if takes_gp and is_geometric(problem) else function(problem)
        status = said if isinstance(said, str) else problem.status
        answer = answered(status, objective=problem.value)
        if status is None:
            return answer.replace(fault="nothing solved the problem: its status is None")
        return answer

    def _cones(self) -> Answer:
        p = self.own.program
        whole = {INTEGERS: p.integers} if self.subject.takes_integers else {}
        found = self.subject.function(p.A.copy(), p.b.copy(), p.q.copy(), p.cones, **whole)
        return read_cones(Written(p, lambda x: x), found)  # the answer is the point as it is

    @property
    def says_either(self) -> bool:
        """Whether the solver leaves open which of infeasible and unbounded it is."""
        word = self.answer.detail.lower()
        claimed = self.answer.status in (*SAYS_INFEASIBLE, *SAYS_UNBOUNDED)
        return claimed and "inf" in word and "unb" in word

    @cached_property
    def violation(self) -> tuple[float, str]:
        """How far the point is outside, relative, and of what."""
        if self.subject.kind == "problem":
            return worst_violation(self.asked)
        assert self.answer.point is not None
        return residuals.primal_residual(self.own.program, self.answer.point), "b - A x in the cones"

    @property
    def is_outside_by_rounding(self) -> bool:
        """Whether the point is outside of the domain of the objective, and not by more than is allowed."""
        return self.subject.kind == "problem" and 0 < outside_domain(self.asked) <= self.allowed

    @cached_property
    def value(self) -> float:
        """The objective at the point; where that is outside of its domain by rounding, at one inside."""
        if self.subject.kind == "problem":
            with np.errstate(all="ignore"):  # outside of their domains atoms are not finite
                found = float(np.asarray(self.asked.objective.value, dtype=float))
            if not np.isfinite(found) and self.is_outside_by_rounding:
                return value_inside(self.asked, self.allowed)
            return found
        assert self.answer.point is not None
        return self.own.posed(float(self.own.program.q @ self.answer.point))
