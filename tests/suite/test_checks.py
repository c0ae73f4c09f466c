"""Tests of the tests: good solvers pass everything, each broken one fails the check that names its fault."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from typing import Any

import clarabel
import cvxpy as cp
import numpy as np
import pytest
from scipy import sparse

import cvxtoken
from cvxtoken import Workload
from cvxtoken.suite import Answer, check_solver
from tests.suite.broken import BROKEN, never_says_infeasible, no_projection

SOME = ["realistic/n3*", "realistic/n6*", "workloads*", "all-zero*", "infeasible/n2*"]


def price_newton(workload: Workload, start: Any = None) -> Any:
    return cvxtoken.price_newton(workload, start=start)


def test_price_newton_passes_the_whole_suite() -> None:
    report = check_solver(price_newton)
    assert report.ok, str(report)
    assert len(report.passed) > 1000
    assert {outcome.check for outcome in report.passed} == {
        *("answers", "feasible", "accurate", "honest", "permutation", "split types", "start", "untouched"),
        "repeatable",
    }
    assert {outcome.instance for outcome in report.outcomes} == {i.id for i in cvxtoken.instances()}


def test_clarabel_on_problems_passes() -> None:
    def solve(problem: cp.Problem) -> None:
        problem.solve(solver="CLARABEL")

    report = check_solver(solve, ["realistic/n6*", "workloads*"])
    assert report.ok, str(report)
    assert "duals" in {outcome.check for outcome in report.passed}


def clarabel_on_cones(A: Any, b: Any, q: Any, cones: Any) -> Any:
    kinds = {"nonnegative": clarabel.NonnegativeConeT, "second-order": clarabel.SecondOrderConeT}
    blocks = [kinds[kind](rows) if kind in kinds else clarabel.ExponentialConeT() for kind, rows in cones]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    none = sparse.csc_matrix((len(q), len(q)))
    found = clarabel.DefaultSolver(none, q, sparse.csc_matrix(A), b, blocks, settings).solve()
    return {"x": np.array(found.x), "z": np.array(found.z), "status": str(found.status)}


def test_clarabel_on_cone_data_passes() -> None:
    report = check_solver(clarabel_on_cones, ["realistic/n6*", "workloads*"])
    assert report.ok, str(report)
    assert "duals" in {outcome.check for outcome in report.passed}


def test_wrong_duals_are_caught() -> None:
    def negated(A: Any, b: Any, q: Any, cones: Any) -> Any:
        found = clarabel_on_cones(A, b, q, cones)
        return found | {"z": -found["z"]}

    def feasible_but_outside(A: Any, b: Any, q: Any, cones: Any) -> Any:
        found = clarabel_on_cones(A, b, q, cones)
        n = (len(q) - 1) // 2
        z = found["z"].copy()
        z[:n] -= 1.0  # both multipliers of the box, so that A'z stays as it is
        z[n : 2 * n] -= 1.0
        return found | {"z": z}

    for solver, reason in (
        (negated, "A'z + q is off"),
        (feasible_but_outside, "not in the dual of the nonneg"),
    ):
        report = check_solver(solver, "realistic/n6-1")
        (failed,) = report.failed
        assert failed.check == "duals"
        assert reason in failed.reason


@pytest.mark.parametrize("solver", BROKEN, ids=lambda f: f.__name__)
def test_broken_solvers_are_caught_by_the_check_that_names_the_fault(solver: Callable[..., Any]) -> None:
    report = check_solver(solver, SOME)
    assert BROKEN[solver] in {outcome.check for outcome in report.failed}, str(report)
    assert not report.ok


def test_reasons_are_sentences_with_numbers() -> None:
    reasons = {o.check: o.reason for o in check_solver(no_projection, "all-zero/n6-0.5").failed}
    assert reasons["feasible"] == "tokens of 'task 0' are -5, outside 0 to 32768"
    reasons = {o.check: o.reason for o in check_solver(never_says_infeasible, "infeasible/n2-2").failed}
    assert reasons == {"honest": "claims 'optimal', but the utilisation is 2 even without tokens"}


# --- solvers that misbehave ------------------------------------------------------------------------------


def hangs(workload: Workload) -> np.ndarray:
    time.sleep(60)
    return np.zeros(len(workload))


def crashes(workload: Workload) -> np.ndarray:
    __import__("os")._exit(7)


def raises(workload: Workload) -> np.ndarray:
    raise ZeroDivisionError("by zero")


@pytest.mark.parametrize(
    ("solver", "reason"),
    [
        (hangs, "did not come back within 0.5 s"),
        (crashes, "crashed with exit status 7"),
        (raises, "raised ZeroDivisionError: by zero"),
        (lambda workload: None, "no tokens were returned"),
        (lambda workload: np.full(len(workload), np.nan), "tokens are not finite"),
        (lambda workload: np.zeros(len(workload) + 1), "tokens have shape (7,); it must be (6,)"),
        (lambda workload: "many", "what was returned is not an array of numbers but str"),
    ],
)
def test_misbehaviour_is_scored_and_never_stops_the_run(solver: Callable[..., Any], reason: str) -> None:
    # what comes back, or dies, may take its time on a busy machine
    limit = 0.5 if solver is hangs else 60
    report = check_solver(solver, ["realistic/n6-0", "realistic/n6-1"], kind="workload", time_limit=limit)
    found = [o for o in report.failed if o.check == "answers"]
    assert [o.instance for o in found] == ["realistic/n6-0", "realistic/n6-1"]
    assert {o.reason for o in found} == {reason}


def test_what_is_not_implemented_is_unsupported() -> None:
    def refuses(workload: Workload) -> np.ndarray:
        raise NotImplementedError("more than one type")

    report = check_solver(refuses, "realistic/n6-0")
    assert not report.failed
    assert not report.ok, "nothing passed"
    assert {o.reason for o in report.unsupported} >= {"not implemented: more than one type"}


def test_wrong_multipliers_of_a_problem_are_caught() -> None:
    def inflated(problem: cp.Problem) -> None:
        problem.solve(solver="CLARABEL")
        for constraint in problem.constraints:
            constraint.save_dual_value(1e6 + np.abs(constraint.dual_value))

    report = check_solver(inflated, "realistic/n6-1")
    assert [o.check for o in report.failed] == ["duals"]
    assert "a multiplier is off by" in report.failed[0].reason


def test_answers_of_many_shapes_are_understood() -> None:
    class Solution:
        __slots__ = ("status", "x")

    def slots(A: Any, b: Any, q: Any, cones: Any) -> Any:
        found, solution = clarabel_on_cones(A, b, q, cones), Solution()
        solution.x, solution.status = found["x"][:, None], found["status"]
        return solution

    assert check_solver(slots, "realistic/n6-1").ok

    def parallel(workload: Workload) -> Any:
        with multiprocessing.get_context("fork").Pool(1) as pool:
            return pool.apply(list, (cvxtoken.price_newton(workload).tokens.tolist(),))

    assert check_solver(parallel, "realistic/n2-1").ok

    def short(workload: Workload) -> Any:
        return Answer(np.zeros(7), "optimal")

    reasons = {o.check: o.reason for o in check_solver(short, "realistic/n6-1").failed}
    assert reasons["answers"] == "tokens have shape (7,); it must be (6,)"


def test_an_inaccurate_optimum_of_an_infeasible_instance_is_no_honest_answer() -> None:
    def sloppy(workload: Workload) -> Any:
        return Answer(np.zeros(len(workload)), "optimal_inaccurate")

    report = check_solver(sloppy, "infeasible/n2-2")
    assert [o.check for o in report.failed] == ["honest"]


def test_a_solver_that_does_nothing_is_told_so() -> None:
    def idle(problem: cp.Problem) -> None:
        """Solve nothing."""

    report = check_solver(idle, "workloads/qwen3-8b-0.1-30")
    assert not report.ok
    assert "nothing solved the problem" in str(report)
