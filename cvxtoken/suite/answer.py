"""The answers of solvers under test, of all kinds, in one form.

Three kinds of function can be tested. The annotation of the first parameter, the number of parameters, or
`kind=` says which kind a function is:

    workload   f(workload) -> tokens, which claims the optimum, a `Result`, or an `Answer`; raises
               UnstableError if nothing is stable, and NotImplementedError where it does not know the server.
               Or of the data of another kind of problem, as its first parameter is annotated
    problem    f(problem) solves a CVXPY problem in place; what it returns, if anything, is its status
    cones      f(A, b, q, cones) -> an object or mapping with x, status and what `cvxtoken.suite.reading`
               reads besides; of the data see `ConeProgram`. One that takes `integers` too is asked about
               problems with whole numbers

A parametric problem is one object for all instances of a size: between solves only its parameters change.
What is scored is a re-solve: before it is asked about an instance, the function has solved the same problem
for another of that size, the one before it in the library. Only plain allocations have this form.
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
from cvxtoken.errors import LibraryError, ProblemError, UnstableError
from cvxtoken.library import Instance, instances
from cvxtoken.library.problems import DATA
from cvxtoken.library.problems.allocation import Allocation
from cvxtoken.library.problems.problem import Problem
from cvxtoken.library.problems.written import INTEGERS
from cvxtoken.library.shipped import PLAIN
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
        data: of a function of a workload, the class that it takes: one of `cvxtoken.library.problems.DATA`.
        takes: what a solver is known to take without integers, and with them; None where nothing is known.
        before: of parametric problems, by id the instance of the same size that is solved before.
        problems: the parametric problems made so far, by their number of types.
    """

    function: Callable[..., Any]
    kind: str
    form: str = PRESOLVED
    data: str = "Workload"
    takes: tuple[frozenset[str], frozenset[str]] | None = None
    before: Mapping[str, Instance] = field(default_factory=dict, repr=False, compare=False)
    problems: dict[int, Resolvable] = field(default_factory=dict, repr=False, compare=False)

    @property
    def takes_start(self) -> bool:
        """Whether the function takes a start, in a parameter named `start`."""
        return self.kind == "workload" and "start" in self._parameters

    @property
    def takes_integers(self) -> bool:
        """Whether a function of cone data takes the whole columns, in a parameter named `integers`."""
        return self.kind == "cones" and INTEGERS in self._parameters

    @property
    def _parameters(self) -> set[str]:
        return {parameter.name for parameter in _signature(self.function)}

    def unsupported(self, problem: Problem) -> str:
        """Why the function cannot be asked about a problem; empty where it can."""
        if self.kind == "workload":
            given = type(problem.data).__name__
            return "" if given == self.data else f"it takes a {self.data}, and this is a {given}"
        if self.form == PARAMETRIC and problem.kind != PLAIN:
            return f"only plain allocations are re-solved with parameters; this is of kind {problem.kind!r}"
        whole = INTEGERS in problem.needs
        if self.kind == "cones" and whole and not self.takes_integers:
            return "it has no parameter 'integers', and some numbers must be whole"
        if self.takes is None:
            return ""
        if whole and not self.takes[True]:
            return "it takes no integers"
        missing = problem.needs - {INTEGERS} - self.takes[whole]
        added = " with integers" if whole else ""
        return f"it takes no {' and no '.join(sorted(missing))} cones{added}" if missing else ""

    def of(self, instance: Instance) -> Answer:
        """The answer to an instance, of a parametric problem to a re-solve; its own data cannot be changed.

        Raises:
            LibraryError: the problem could not be written.
            NotImplementedError: the function says so.
        """
        if self.form == PARAMETRIC:
            other = self.before.get(instance.id)
            w = instance.workload
            half = w.replace(arrival_rate=w.arrival_rate / 2)
            with suppress(NotImplementedError):  # the other instance is not what is asked about
                self.answer(Allocation(half) if other is None else other.problem)
        return self.answer(instance.problem.copy())

    def answer(self, problem: Problem, **arguments: Any) -> Answer:
        """Call the function; an error becomes a failed answer, except NotImplementedError.

        Raises:
            LibraryError: the problem could not be written; no solver is scored for that.
        """
        try:
            ask: Callable[[], Answer] = getattr(self, f"_{self.kind}")(problem, **arguments)
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

    def _workload(self, problem: Problem, **arguments: Any) -> Callable[[], Answer]:
        def ask() -> Answer:
            found = self.function(problem.data, **arguments)
            if isinstance(found, Answer):
                read = answered(found.status)
                told = found.detail or read.detail
                return found.replace(status=read.status, detail=told, fault=read.fault)
            if isinstance(found, Result):
                claimed = OPTIMAL if found.converged else FAILED
                return Answer(found.tokens, claimed, detail=found.outcome, objective=found.objective)
            return Answer(found)

        return ask

    def _problem(self, asked: Problem) -> Callable[[], Answer]:
        if self.form == PARAMETRIC:
            workload = asked.data
            shared = self.parametric(len(workload))
            shared.update(workload)
            copies = {name: np.copy(parameter.value) for name, parameter in shared.parameters.items()}

            def ask() -> Answer:
                answer = self._solved(shared.problem, lambda: shared.tokens(workload))
                now = {name: parameter.value for name, parameter in shared.parameters.items()}
                return answer.replace(changed=_changed(copies, now))

            return ask
        program = asked.program(self.form)
        return lambda: self._solved(program.problem, program.read)

    def _solved(self, problem: Any, read: Callable[[], FloatArray | None]) -> Answer:
        """What the function leaves in a problem."""
        said = self.function(problem)
        status = said if isinstance(said, str) else problem.status
        duals = [constraint.dual_value for constraint in problem.constraints]
        given = duals if any(value is not None for value in duals) else None
        answer = answered(status, read(), duals=given, objective=problem.value)
        if status is None:
            return answer.replace(fault="nothing solved the problem: its status is None")
        return answer

    def parametric(self, size: int) -> Resolvable:
        """The problem of that many types: always the same one."""
        from cvxtoken.allocation.program.resolves import resolvable_program

        if size not in self.problems:
            self.problems[size] = resolvable_program(size)
        return self.problems[size]

    def _cones(self, problem: Problem) -> Callable[[], Answer]:
        written = problem.cones(self.form)
        p = written.program
        whole = {INTEGERS: p.integers} if self.takes_integers else {}

        def ask() -> Answer:
            copies = {"A": np.copy(p.A.data), "b": np.copy(p.b), "q": np.copy(p.q)}
            answer = read_cones(written, self.function(p.A, p.b, p.q, p.cones, **whole))
            return answer.replace(changed=_changed(copies, {"A": p.A.data, "b": p.b, "q": p.q}))

        return ask

    def asks(self, instance: Instance) -> str:
        """Why an instance cannot be written in this form; empty where it can: only optima are presolved."""
        if self.form == PARAMETRIC and len(instance.problem.names) > PARAMETRIC_TYPES:
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
    if form == PARAMETRIC:
        if kind != "problem":
            raise ProblemError(
                f"form is {form!r}; it needs CVXPY's parameters, so that kind must be problem, not {kind}"
            )
        return Subject(function, kind, form, before=_before())
    data = _annotation(function)
    return Subject(function, kind, form, data if kind == "workload" and data in DATA else "Workload")


@cache
def _before() -> dict[str, Instance]:
    """Of each plain allocation the one of its size before it in the library, of the first the last.

    Of an infeasible one it is the last one before that has an optimum, so that the claim must change.
    """
    sizes: dict[int, list[Instance]] = {}
    for instance in instances():
        if instance.kind == PLAIN:
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


def _signature(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except ValueError:  # a built-in without a signature
        return []


def _annotation(function: Callable[..., Any]) -> str:
    """The name of the class of the first parameter, empty where none is given."""
    parameters = _signature(function)
    annotation = parameters[0].annotation if parameters else inspect.Parameter.empty
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return str(name).split(".")[-1]


def _kind(function: Callable[..., Any]) -> str:
    needed = [
        p
        for p in _signature(function)
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        if p.name != INTEGERS
    ]
    if len(needed) == 4:
        return "cones"
    name = _annotation(function)
    if name in DATA or name == "Problem":
        return "problem" if name == "Problem" else "workload"
    raise ProblemError(
        "what solve_fn takes cannot be told: annotate its parameter as cvxtoken.Workload or cvxpy.Problem, "
        f"give it the four parameters A, b, q, cones, or say kind= one of {', '.join(KINDS)}"
    )
