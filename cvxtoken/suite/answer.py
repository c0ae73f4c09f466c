"""The answers of solvers under test, of all kinds, in one form.

Three kinds of function can be tested. The annotation of the first parameter, the number of parameters, or
`kind=` says which kind a function is:

    workload   f(workload) -> tokens, which claims the optimum, a `Result`, or an `Answer`; raises
               UnstableError if nothing is stable, and NotImplementedError where it does not know the server
    problem    f(problem) solves a CVXPY problem in place; what it returns, if anything, is its status
    cones      f(A, b, q, cones) -> an object or mapping with x, status and what `cvxtoken.suite.reading`
               reads besides; of the data see `ConeProgram`

A parametric problem is one object for all instances of a size: between solves only its parameters change.
What is scored is a re-solve: before it is asked about an instance, the function has solved the same problem
for another of that size, the one before it in the library.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from cvxtoken.allocation.methods.loop import Result
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.program.cones import cone_program
from cvxtoken.errors import LibraryError, ProblemError, UnstableError
from cvxtoken.library import Instance, instances
from cvxtoken.suite.reading import Answer, answered, read_cones
from cvxtoken.suite.status import FAILED, INFEASIBLE, OPTIMAL

if TYPE_CHECKING:
    from cvxtoken.allocation.program.resolves import Resolvable
    from cvxtoken.arrays import FloatArray

KINDS = ("workload", "problem", "cones")
PRESOLVED, RAW, PARAMETRIC = "presolved", "raw", "parametric"
FORMS = (PRESOLVED, RAW, PARAMETRIC)
PARAMETRIC_TYPES = 100  # with more, CVXPY takes longer to put parameters in than solvers to solve


@dataclass(frozen=True)
class Subject:
    """A function under test.

    Attributes:
        function: the user's function.
        kind: workload, problem or cones.
        form: in which form a problem or cone data are written: presolved or raw; a problem also parametric.
        before: of parametric problems, by id the instance of the same size that is solved before.
        problems: the parametric problems made so far, by their number of types.
    """

    function: Callable[..., Any]
    kind: str
    form: str = PRESOLVED
    before: Mapping[str, Instance] = field(default_factory=dict, repr=False, compare=False)
    problems: dict[int, Resolvable] = field(default_factory=dict, repr=False, compare=False)

    @property
    def takes_start(self) -> bool:
        """Whether the function takes a start, in a parameter named `start`."""
        return self.kind == "workload" and "start" in inspect.signature(self.function).parameters

    def of(self, instance: Instance) -> Answer:
        """The answer to an instance, of a parametric problem to a re-solve; its own data cannot be changed.

        Raises:
            LibraryError: the problem could not be written.
            NotImplementedError: the function says so.
        """
        if self.form == PARAMETRIC:
            other = self.before.get(instance.id)
            w = instance.workload
            with suppress(NotImplementedError):  # the other instance is not what is asked about
                self.answer(w.replace(arrival_rate=w.arrival_rate / 2) if other is None else other.workload)
        return self.answer(instance.workload.replace())

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
        return found.replace(seconds=time.perf_counter() - started)

    def _workload(self, workload: Workload, **arguments: Any) -> Callable[[], Answer]:
        def ask() -> Answer:
            found = self.function(workload, **arguments)
            if isinstance(found, Answer):
                read = answered(found.status)
                told = found.detail or read.detail
                return found.replace(status=read.status, detail=told, fault=read.fault)
            if isinstance(found, Result):
                claimed = OPTIMAL if found.converged else FAILED
                return Answer(found.tokens, claimed, detail=found.outcome, objective=found.objective)
            return Answer(found)

        return ask

    def _problem(self, workload: Workload) -> Callable[[], Answer]:
        if self.form == PARAMETRIC:
            shared = self.parametric(len(workload))
            shared.update(workload)
            copies = {name: np.copy(parameter.value) for name, parameter in shared.parameters.items()}

            def ask() -> Answer:
                answer = self._solved(shared.problem, lambda: shared.tokens(workload))
                now = {name: parameter.value for name, parameter in shared.parameters.items()}
                return answer.replace(changed=_changed(copies, now))

            return ask
        from cvxtoken.allocation.program.forms import FORMS

        program = FORMS[self.form](workload)
        return lambda: self._solved(program.problem, lambda: program.tokens.value)

    def _solved(self, problem: Any, tokens: Callable[[], FloatArray | None]) -> Answer:
        """What the function leaves in a problem."""
        said = self.function(problem)
        status = said if isinstance(said, str) else problem.status
        duals = [constraint.dual_value for constraint in problem.constraints]
        given = duals if any(value is not None for value in duals) else None
        answer = answered(status, tokens(), duals=given, objective=problem.value)
        if status is None:
            return answer.replace(fault="nothing solved the problem: its status is None")
        return answer

    def parametric(self, size: int) -> Resolvable:
        """The problem of that many types: always the same one."""
        from cvxtoken.allocation.program.resolves import resolvable_program

        if size not in self.problems:
            self.problems[size] = resolvable_program(size)
        return self.problems[size]

    def _cones(self, workload: Workload) -> Callable[[], Answer]:
        cones = cone_program(workload, self.form, stable=False)
        p = cones.program

        def ask() -> Answer:
            copies = {"A": np.copy(p.A.data), "b": np.copy(p.b), "q": np.copy(p.q)}
            answer = read_cones(cones, self.function(p.A, p.b, p.q, p.cones))
            return answer.replace(changed=_changed(copies, {"A": p.A.data, "b": p.b, "q": p.q}))

        return ask

    def asks(self, instance: Instance) -> str:
        """Why an instance cannot be written in this form; empty where it can: only optima are presolved."""
        if self.form == PARAMETRIC and len(instance.workload) > PARAMETRIC_TYPES:
            return f"it has over {PARAMETRIC_TYPES} types, too many parameters for CVXPY"
        if instance.feasible or self.kind == "workload" or self.form != PRESOLVED:
            return ""
        return "it is infeasible and cannot be presolved; form='raw' asks about it"


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The names of the arrays that are others now."""
    return ", ".join(name for name, value in before.items() if not np.array_equal(value, now[name]))


def subject(function: Callable[..., Any], kind: str | None = None, form: str = PRESOLVED) -> Subject:
    """A function under test; its kind is found out where it is not given.

    Raises:
        ProblemError: it is not callable, its kind cannot be found out, or it is not asked in that form.
    """
    if not callable(function):
        raise ProblemError(f"solve_fn is {function!r}; it must be a function")
    if kind is None:
        kind = _kind(function)
    for name, value, known in (("kind", kind, KINDS), ("form", form, FORMS)):
        if value not in known:
            raise ProblemError(f"{name} is {value!r}; it must be one of {', '.join(known)}")
    if form != PARAMETRIC:
        return Subject(function, kind, form)
    if kind != "problem":
        raise ProblemError(
            f"form is {form!r}; it needs CVXPY's parameters, so that kind must be problem, not {kind}"
        )
    return Subject(function, kind, form, _before())


@cache
def _before() -> dict[str, Instance]:
    """Of each instance the one of its size before it in the library, of the first the last.

    Of an infeasible one it is the last one before that has an optimum, so that the claim must change.
    """
    sizes: dict[int, list[Instance]] = {}
    for instance in instances():
        sizes.setdefault(len(instance.workload), []).append(instance)
    before = {}
    for alike in sizes.values():
        for place, instance in enumerate(alike):
            others = [*alike[place + 1 :], *alike[:place]]
            if not instance.feasible:
                others = [other for other in others if other.feasible]
            if others:
                before[instance.id] = others[-1]
    return before


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
