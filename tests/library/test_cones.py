"""The problems of `cvxtoken.library.cones`: what they are, and that independent truths agree with them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import cvxpy as cp
import numpy as np
import pytest
from mpmath import isfinite, isinf, mp

from cvxtoken.library.cones import ConeProblem, cone_problems, unbounded
from tests.support.thorough import some

PROBLEMS = cone_problems()
SOLVED = [p for p in PROBLEMS if p.claim == "enclosed"]
SOLVER = {"solver": cp.CLARABEL, "use_quad_obj": False}

CLARABEL_ERRS = {
    "degenerate/klee-minty": "it fails",
    "degenerate/touching-discs": "accurate to 1e-7",
    "degenerate/dice-that-shows-six": "accurate to 1e-6",
    "degenerate/two-faces": "accurate to 1e-3",
    "degenerate/four-faces": "it is off by 0.2",
    "degenerate/faces-of-both-kinds": "accurate to 1e-6",
    "degenerate/hyperbola": "accurate to 1e-3",
    "degenerate/asymptote": "accurate to 1e-4",
    "degenerate/logarithm-at-infinity": "accurate to 1e-7",
    "degenerate/two-parabolas-at-infinity": "accurate to 1e-6",
    "degenerate/slow-infimum": "the infimum is not attained, and far away",
    "degenerate/duality-gap": "it fails",
    "scaled/blending": "it says unbounded",
    "scaled/stake-in-cents": "it says optimal, 0.5 below the optimum",
    "scaled/cold-transport": "accurate to 1e-6",
    "scaled/beyond-doubles": "it says infeasible; the value is no double",
    "scaled/large-exponent": "it says unbounded",
}
"""Problems whose value Clarabel 0.11 does not find; the certifier's enclosures judge their truths."""


def short(problem: ConeProblem) -> str:
    return problem.name.removeprefix("cones/")


@pytest.fixture(autouse=True)
def digits() -> Iterator[None]:
    with mp.workdps(60):
        yield


def truth(problem: ConeProblem) -> Any:
    module = import_module(f"tests.library.truths.{problem.family}")
    return getattr(module, problem.build.__name__)()


def test_names_are_unique_and_say_the_family() -> None:
    names = [p.name for p in PROBLEMS]
    assert len(names) == len(set(names)) >= 64
    assert all(p.build.__module__ == f"cvxtoken.library.cones.{p.family}" for p in PROBLEMS)
    assert {p.claim for p in PROBLEMS} == {"enclosed", "infeasible", "unbounded"}


def test_problems_are_found_by_pattern() -> None:
    assert cone_problems("cones/entropy/*") == cone_problems("entropy/*") != []
    assert cone_problems("no/such") == []
    assert {p.family for p in cone_problems("*/*-lasso")} == {"socp"}


@pytest.mark.parametrize("problem", PROBLEMS, ids=short)
def test_a_problem_states_what_it_is(problem: ConeProblem) -> None:
    assert problem.statement.endswith(".")
    assert problem.source
    assert problem.without_proof == "" or problem.family in {"degenerate", "infeasible"}


@pytest.mark.parametrize("problem", some(PROBLEMS, 3), ids=short)
def test_a_problem_compiles_to_the_four_cones_and_the_same_data_each_time(problem: ConeProblem) -> None:
    built = problem.build()
    assert built.is_dgp() if problem.gp else built.is_dcp()
    assert not built.is_mixed_integer()
    assert sum(v.size for v in built.variables()) <= 60
    data, again = (
        p.get_problem_data(cp.CLARABEL, gp=problem.gp, solver_opts={"use_quad_obj": False})[0]
        for p in (built, problem.build())
    )
    dims = data["dims"]
    assert not dims.psd
    assert not dims.p3d
    assert not getattr(dims, "pnd", None)
    assert data.get("P") is None
    assert (data["A"] != again["A"]).nnz == 0
    assert np.array_equal(data["b"], again["b"])
    assert np.array_equal(data["c"], again["c"])


@pytest.mark.parametrize("problem", some(SOLVED, 3), ids=short)
def test_the_truth_agrees_with_clarabel(problem: ConeProblem) -> None:
    value = truth(problem)
    assert isfinite(value)
    if short(problem) in CLARABEL_ERRS:
        return
    built = problem.build()
    built.solve(gp=problem.gp, **SOLVER)
    assert built.status == cp.OPTIMAL
    # where an entropy at -1e-12 makes the value at the point infinite, the solver's own is taken
    found = built.value if math.isfinite(built.value) else built.solution.opt_val
    assert math.isclose(found, float(value), rel_tol=1e-6, abs_tol=1e-6)


@pytest.mark.parametrize("problem", [p for p in PROBLEMS if p.claim != "enclosed"], ids=short)
def test_the_reason_of_an_infinite_value_holds(problem: ConeProblem) -> None:
    """Each truth checks a reason by hand; it has the sign of the sense and the claim."""
    value = truth(problem)
    assert isinf(value)
    up = isinstance(problem.build().objective, cp.Minimize) == (problem.claim == "infeasible")
    assert (value > 0) == up


INFEASIBLE_UNSEEN = {
    "infeasible/disc-and-line-close-by": "it says so without being sure",
    "infeasible/loud-neighbours": "it reaches its limit",
    "infeasible/rounding": "it says optimal, within its tolerance",
    "infeasible/exponential-below-zero": "it says unbounded",
    "infeasible/hyperbola-and-its-asymptote": "it fails",
}
"""Infeasible problems that Clarabel 0.11 does not call so."""


@pytest.mark.parametrize("problem", cone_problems("infeasible/*"), ids=short)
def test_clarabel_finds_nothing_feasible(problem: ConeProblem) -> None:
    if short(problem) in INFEASIBLE_UNSEEN:
        return
    built = problem.build()
    built.solve(gp=problem.gp, **SOLVER)
    assert built.status == cp.INFEASIBLE


BEST_RATIO = np.linalg.solve(np.array(unbounded.FACTOR).T @ np.array(unbounded.FACTOR), [1, 2, 3])
CURVES: dict[str, Callable[[float], list[Any]]] = {
    "ray": lambda t: [t, t],
    "steep-ray": lambda t: [t, t],
    "cone": lambda t: [[10 * t, -7 * t, -7 * t]],
    "edge-of-the-cone": lambda t: [[2 * t, t, 0, t]],
    "return-above-risk": lambda t: [t * BEST_RATIO],
    "parabola": lambda t: [t, t**2],
    "parabola-of-a-parabola": lambda t: [t, t**2, t**4],
    "geometric-mean": lambda t: [[1, t]],
    "logarithm": lambda t: [t],
    "logarithm-of-a-logarithm": lambda t: [math.log(t), t, math.exp(t) * (1 + 1e-12)],
    "logarithm-of-a-root": lambda t: [t, t**2],
    "arbitrage": lambda t: [[t, t]],
    "market-without-a-limit": lambda t: [[0.5, t], [0.5, t]],
    "conjugate-outside": lambda t: [[1, 1, -t]],
    "impossible-counts": lambda t: [t],
    "measure-without-a-sum": lambda t: [[0, 1], [1, t]],
    "logarithm-less-a-root": lambda t: [t, 1, 0],
    "lone-column": lambda t: [0, t],
}
"""Feasible points, the variables in the order in which the builder makes them."""


@pytest.mark.parametrize("problem", cone_problems("unbounded/*"), ids=short)
def test_the_objective_passes_all_bounds_along_a_curve(problem: ConeProblem) -> None:
    built = problem.build()
    up = isinstance(built.objective, cp.Maximize)
    values = []
    for t in (5.0, 50.0, 500.0):
        for variable, value in zip(
            sorted(built.variables(), key=lambda v: v.id), CURVES[problem.name.split("/")[2]](t), strict=True
        ):
            variable.value = np.array(value, dtype=float)
        assert all(np.max(rule.violation()) <= 1e-9 for rule in built.constraints)
        values.append(built.objective.value if up else -built.objective.value)
    assert values[0] + 0.5 < values[1] < values[2] - 0.5


def test_every_truth_belongs_to_a_problem() -> None:
    """No problem takes its truth from a helper's name, and the exceptions name problems that exist."""
    assert set(CLARABEL_ERRS) <= {short(p) for p in SOLVED}
    assert set(INFEASIBLE_UNSEEN) <= {short(p) for p in PROBLEMS}
    for problem in PROBLEMS:
        module = import_module(f"tests.library.truths.{problem.family}")
        assert callable(getattr(module, problem.build.__name__, None)), problem.name


POINTS = {
    "scaled/stake-in-cents": [np.array(5e6)],
    "scaled/trace-species": [np.array([1 - 4.53978687e-5, 4.53978687e-5, 4.24816e-18]), np.array(1.0)],
    "scaled/cold-transport": [np.diag([0.5, 0.25, 0.25])],
    "scaled/large-exponent": [np.array(math.log(1e9))],
    "degenerate/dice-that-shows-six": [np.array([0, 0, 0, 0, 0, 1.0])],
    "degenerate/nothing-at-zero": [np.array([1.5, 0]), np.array([0.5, 0])],
}


@pytest.mark.parametrize("name", POINTS)
def test_a_point_by_hand_has_the_true_value(name: str) -> None:
    """As CVXPY evaluates the objective; at Clarabel's point it is off by 0.5, infinite, or not there."""
    (problem,) = cone_problems(name)
    built = problem.build()
    for variable, value in zip(built.variables(), POINTS[name], strict=True):
        variable.value = value
    assert all(np.max(rule.violation()) < 1e-9 for rule in built.constraints)
    assert math.isclose(built.objective.value, float(truth(problem)), rel_tol=1e-9, abs_tol=1e-6)
