"""The answers of solvers under test, of all kinds, in one form.

Three kinds of function can be tested. The annotation of the first parameter, the number of parameters, or
`kind=` says which kind a function is:

    workload   f(workload) -> tokens, a `Result`, or an `Answer`; raises UnstableError if nothing is stable,
               and NotImplementedError where it does not know the workload's server
    problem    f(problem) solves a CVXPY problem in place; what it returns, if anything, is its status
    cones      f(A, b, q, cones) -> an object or mapping with x, status and, optionally, z: see `ConeProgram`
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxtoken.allocation.methods.loop import Result
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.program.cones import AllocationCones, cone_program
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import LibraryError, ProblemError, UnstableError

KINDS, FORMS = ("workload", "problem", "cones"), ("presolved", "raw")
OPTIMAL, INACCURATE, INFEASIBLE, FAILED = "optimal", "inaccurate", "infeasible", "failed"
_CLAIMS = {
    OPTIMAL: ("optimal", "solved", "converged", "success"),
    INACCURATE: ("optimal_inaccurate", "inaccurate", "almostsolved", "user_limit"),
    INFEASIBLE: ("infeasible", "infeasible_inaccurate", "primalinfeasible", "almostprimalinfeasible"),
}


@dataclass(frozen=True)
class Answer:
    """A solver's answer to one instance.

    Attributes:
        tokens: shape (N,), or None where there are none.
        status: what the solver claims: optimal, inaccurate, infeasible or failed.
        duals: for a problem the dual values of its constraints, for cone data the vector z; or None.
        detail: the solver's own words, or why it failed.
        seconds: how long the call took, without the writing of the problem.
    """

    tokens: FloatArray | None
    status: str = OPTIMAL
    duals: Any = None
    detail: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Subject:
    """A function under test.

    Attributes:
        function: the user's function.
        kind: workload, problem or cones.
        form: in which form a problem or cone data are written: presolved or raw.
    """

    function: Callable[..., Any]
    kind: str
    form: str = "presolved"

    @property
    def takes_start(self) -> bool:
        """Whether the function takes a start, in a parameter named `start`."""
        return self.kind == "workload" and "start" in inspect.signature(self.function).parameters

    def answer(self, workload: Workload, **arguments: Any) -> Answer:
        """Call the function; an error becomes a failed answer, except NotImplementedError.

        Raises:
            LibraryError: the problem could not be written; no solver is scored for that.
        """
        try:
            ask: Callable[[], Answer] = getattr(self, f"_{self.kind}")(workload, **arguments)
        except Exception as error:
            raise LibraryError(
                f"an instance cannot be written as {self.kind}: {type(error).__name__}: {error}"
            ) from error
        started = time.perf_counter()
        try:
            found = ask()
        except UnstableError as error:
            claimed = INFEASIBLE if self.kind == "workload" else FAILED
            found = Answer(None, claimed, detail=str(error))
        except NotImplementedError:
            raise
        except Exception as error:  # a solver under test may raise anything
            found = Answer(None, FAILED, detail=f"raised {type(error).__name__}: {error}")
        return Answer(found.tokens, found.status, found.duals, found.detail, time.perf_counter() - started)

    def _workload(self, workload: Workload, **arguments: Any) -> Callable[[], Answer]:
        def ask() -> Answer:
            found = self.function(workload, **arguments)
            if isinstance(found, Answer):
                told = found.detail or str(found.status)
                return Answer(found.tokens, claim(found.status), found.duals, told)
            if isinstance(found, Result):
                return Answer(found.tokens, OPTIMAL if found.converged else FAILED, detail=found.outcome)
            return Answer(found)

        return ask

    def _problem(self, workload: Workload) -> Callable[[], Answer]:
        from cvxtoken.allocation.program.forms import FORMS

        program = FORMS[self.form](workload)
        problem = program.problem

        def ask() -> Answer:
            said = self.function(problem)
            status = said if isinstance(said, str) else problem.status or "nothing solved the problem"
            duals = [constraint.dual_value for constraint in problem.constraints]
            given = duals if all(value is not None for value in duals) else None
            return Answer(program.tokens.value, claim(status), given, str(status))

        return ask

    def _cones(self, workload: Workload) -> Callable[[], Answer]:
        cones = cone_program(workload, self.form)
        p = cones.program
        return lambda: self._read(cones, self.function(p.A, p.b, p.q, p.cones))

    @staticmethod
    def _read(cones: AllocationCones, found: Any) -> Answer:
        """What a function of cone data returned."""
        if isinstance(found, Mapping):
            x, status, z = found.get("x"), found.get("status", OPTIMAL), found.get("z")
        elif hasattr(found, "x"):
            x, status, z = found.x, getattr(found, "status", OPTIMAL), getattr(found, "z", None)
        else:
            x, status, z = found, OPTIMAL, None
        if x is None:
            return Answer(None, claim(str(status)), detail=str(status))
        point = np.asarray(x, dtype=float)
        if point.size != cones.program.q.size:
            told = f"x has shape {point.shape}; it must be {cones.program.q.shape}"
            return Answer(None, FAILED, detail=told)
        return Answer(cones.tokens(point.ravel()), claim(str(status)), z, str(status))


def subject(function: Callable[..., Any], kind: str | None = None, form: str = "presolved") -> Subject:
    """A function under test; its kind is found out where it is not given.

    Raises:
        ProblemError: it is not callable, or its kind cannot be found out.
    """
    if not callable(function):
        raise ProblemError(f"solve_fn is {function!r}; it must be a function")
    if kind is None:
        kind = _kind(function)
    for name, value, known in (("kind", kind, KINDS), ("form", form, FORMS)):
        if value not in known:
            raise ProblemError(f"{name} is {value!r}; it must be one of {', '.join(known)}")
    return Subject(function, kind, form)


def _kind(function: Callable[..., Any]) -> str:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:  # a built-in without a signature
        parameters = []
    needed = [
        p
        for p in parameters
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    if len(needed) == 4:
        return "cones"
    annotation = parameters[0].annotation if parameters else inspect.Parameter.empty
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    for ending, kind in (("Workload", "workload"), ("Problem", "problem")):
        if name.split(".")[-1] == ending:
            return kind
    raise ProblemError(
        "what solve_fn takes cannot be told: annotate its parameter as cvxtoken.Workload or cvxpy.Problem, "
        f"give it the four parameters A, b, q, cones, or say kind= one of {', '.join(KINDS)}"
    )


def claim(status: str) -> str:
    """The status of any solver, in its own words, as optimal, inaccurate, infeasible or failed."""
    word = str(status).rpartition(".")[2].strip().lower()  # the name of an enumeration's member
    return next((known for known, words in _CLAIMS.items() if word in words), FAILED)
