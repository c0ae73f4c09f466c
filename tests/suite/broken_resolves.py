"""Broken adapters of problems that are solved again: right at the first solve, wrong at the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import clarabel
import cvxpy as cp
import numpy as np

INTERIOR, INFEASIBLE = "workloads/qwen3-8b-0.5-100", "infeasible/n2-2"
Keep = dict[Any, Any]


@dataclass(frozen=True)
class StaleFault:
    """What a broken adapter keeps from one solve to the next.

    Attributes:
        name: of it.
        report: where such a fault was reported in public; empty where the kind stands for many.
        check: the check whose name says what is wrong.
        reason: a part of the sentence.
        solver: a maker of the broken function, with a memory of its own.
        instance: where it shows.
    """

    name: str
    report: str
    check: str
    reason: str
    solver: Callable[[], Callable[[cp.Problem], Any]]
    instance: str = INTERIOR


def solve(problem: cp.Problem) -> None:
    problem.solve(solver="CLARABEL")


def remembering(step: Callable[[cp.Problem, Keep], Any]) -> Callable[[], Callable[[cp.Problem], Any]]:
    """An adapter with a memory, which knows a problem again."""

    def made() -> Callable[[cp.Problem], Any]:
        memory: dict[int, Keep] = {}
        return lambda problem: step(problem, memory.setdefault(id(problem), {}))

    return made


def caches_the_result(problem: cp.Problem, kept: Keep) -> str:
    """The point and the status are those of the first solve."""
    if not kept:
        solve(problem)
        kept["status"] = problem.status
    return str(kept["status"])


def compiles_once(problem: cp.Problem, kept: Keep) -> None:
    """The data of the first parameters are solved every time."""
    if not kept:
        kept["data"] = problem.get_problem_data("CLARABEL", solver_opts={})
    data, chain, inverse = kept["data"]
    problem.unpack_results(chain.solve_via_data(problem, data, solver_opts={}), chain, inverse)


def stale(*names: str) -> Callable[[cp.Problem, Keep], None]:
    """Compiled anew, but some of the data are those of the first solve."""

    def step(problem: cp.Problem, kept: Keep) -> None:
        data, chain, inverse = problem.get_problem_data("CLARABEL", solver_opts={})
        for name in names:
            data[name] = kept.setdefault(name, data[name].copy())
        problem.unpack_results(chain.solve_via_data(problem, data, solver_opts={}), chain, inverse)

    return step


def updates_the_objective_only(problem: cp.Problem, kept: Keep) -> None:
    """A solver object that lives on: Clarabel's own update, of q alone."""
    data, chain, inverse = problem.get_problem_data("CLARABEL", solver_opts={})
    if "solver" not in kept:
        cache: dict[str, Any] = {}
        kept["solver"] = cache
        raw = chain.solver.solve_via_data(data, False, False, {}, cache)
    else:
        solver = kept["solver"]["CLARABEL"]
        solver.update(q=data["c"])
        raw = solver.solve()
    problem.unpack_results(raw, chain, inverse)


def duals_of_the_first(problem: cp.Problem, kept: Keep) -> None:
    solve(problem)
    for number, constraint in enumerate(problem.constraints):
        if constraint.dual_value is not None:
            constraint.save_dual_value(kept.setdefault(number, constraint.dual_value))


def dual_of_one_constraint_of_the_first(problem: cp.Problem, kept: Keep) -> None:
    solve(problem)
    equation = problem.constraints[-1]
    equation.save_dual_value(kept.setdefault("dual", equation.dual_value))


def status_of_the_first(problem: cp.Problem, kept: Keep) -> str:
    solve(problem)
    return str(kept.setdefault("status", problem.status))


def value_of_the_first(problem: cp.Problem, kept: Keep) -> None:
    solve(problem)
    problem._value = kept.setdefault("value", problem.value)


def scales_parameters(problem: cp.Problem, kept: Keep) -> None:
    """Solves rightly, but the user's numbers are rounded in place."""
    solve(problem)
    for parameter in problem.parameters():
        np.copyto(parameter.value, np.float32(parameter.value))


def swallows_an_error(problem: cp.Problem, kept: Keep) -> None:
    """From the second solve on an error is swallowed; what is left is what stood there before."""
    if not kept:
        solve(problem)
        kept["solved"] = True


def stops_at_the_warm_start(problem: cp.Problem, kept: Keep) -> str:
    """SCS, started at the point before and stopped at once, is said to be solved."""
    steps = 5000 if not kept else 1
    kept["seen"] = True
    problem.solve(solver="SCS", warm_start=True, max_iters=steps)
    return "optimal"


def raises_at_the_second(problem: cp.Problem, kept: Keep) -> None:
    if kept:
        raise clarabel_error()
    solve(problem)
    kept["solved"] = True


def clarabel_error() -> Exception:
    return cp.SolverError(f"the workspace of Clarabel {clarabel.__version__.split('.')[0]} is freed")


STALE = [
    StaleFault("result cached", "cvxpy/cvxpy#3455", "honest", "claims 'optimal', but the utilisation is",
               remembering(caches_the_result)),
    StaleFault("compiled data cached", "cvxpy/cvxpy#2842", "honest", "claims 'optimal', but the utilisation",
               remembering(compiles_once)),
    StaleFault("an old b", "cvxpy/cvxpy#786", "honest", "claims 'optimal', but the objective",
               remembering(stale("b"))),
    StaleFault("an old A", "cvxpy/cvxpy#392", "feasible", "the utilisation is 1 +", remembering(stale("A"))),
    StaleFault("an old c", "", "honest", "claims 'optimal', but the objective", remembering(stale("c"))),
    StaleFault("a solver told of a new q only", "cvxpy/cvxpy#2697", "feasible", "the utilisation is 1 +",
               remembering(updates_the_objective_only)),
    StaleFault("duals of the first solve", "scipopt/PySCIPOpt#75", "duals", ", expected",
               remembering(duals_of_the_first)),
    StaleFault("a dual of the first solve", "", "duals", ", expected",
               remembering(dual_of_one_constraint_of_the_first)),
    StaleFault("status of the first solve", "", "honest", "but the utilisation is 2 even",
               remembering(status_of_the_first), INFEASIBLE),
    StaleFault("value of the first solve", "cvxpy/cvxpy#513", "objective", "the reported objective is",
               remembering(value_of_the_first)),
    StaleFault("parameters changed", "", "untouched", "the parameters ", remembering(scales_parameters)),
    StaleFault("a later error swallowed", "", "honest", "claims 'optimal', but",
               remembering(swallows_an_error)),
    StaleFault("stopped at the warm start", "cvxgrp/scs#229", "honest", "claims 'optimal', but",
               remembering(stops_at_the_warm_start)),
    StaleFault("an error at the second solve", "", "answers", "raised SolverError: the workspace",
               remembering(raises_at_the_second)),
]  # fmt: skip
