"""Solvers scored on a user's own problems: honest ones pass, broken ones fail the check that says why."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np
import pytest
from scipy import sparse

from cvxtoken import ProblemError, Workload
from cvxtoken.suite import Report, check_solver
from cvxtoken.suite.answer import subject
from cvxtoken.suite.problem_case import ProblemCase
from cvxtoken.suite.problems import own_problems
from tests.suite import own
from tests.support.thorough import some


def results(report: Report) -> dict[tuple[str, str], str]:
    return {(outcome.instance, outcome.check): outcome.result for outcome in report.outcomes}


@pytest.mark.parametrize("solver", [own.plain, own.first_order, own.of_cones], ids=lambda f: f.__name__)
def test_honest_solvers_pass(solver: Any) -> None:
    report = check_solver(solver, problems=own.problems())
    assert report.ok, str(report)
    optima = ("entropy", "distance", "geometric", "maximum")
    checks = ("adapter", "answers", "feasible", "accurate", "honest", "objective")
    passed = {(o.instance, o.check) for o in report.passed}
    assert {(name, check) for name in optima for check in checks} <= passed
    assert {("nothing", "detects"), ("endless", "detects")} <= passed
    assert {o.instance for o in report.outcomes} == set(own.problems())


@pytest.mark.parametrize("broken", some(own.BROKEN, 3), ids=str)
def test_broken_solvers_are_caught_by_the_check_that_says_why(broken: own.Broken) -> None:
    report = check_solver(
        broken.solver,
        broken.where,
        kind=None,
        problems=own.problems(),
        time_limit=0.5 if broken.solver is own.hangs else 60,
    )
    reasons = {o.check: o.reason for o in report.failed}
    assert broken.check in reasons, str(report)
    assert broken.reason in reasons[broken.check]
    assert not report.ok


def test_a_failure_and_less_accuracy_that_are_admitted_are_honest() -> None:
    found = results(check_solver(own.always("max_iterations", "gives_up"), problems=own.problems()))
    assert found["entropy", "honest"] == found["nothing", "honest"] == "PASS"
    assert found["entropy", "answers"] == found["nothing", "detects"] == "FAIL"
    found = results(
        check_solver(own.always("optimal_inaccurate", "rough"), "distance", problems=own.problems())
    )
    assert found["distance", "honest"] == "PASS"
    assert found["distance", "accurate"] == "FAIL"
    found = results(check_solver(own.always("infeasible_or_unbounded", "open"), problems=own.problems()))
    assert found["nothing", "detects"] == found["endless", "detects"] == found["endless", "honest"] == "PASS"
    assert found["entropy", "honest"] == "FAIL"
    found = results(check_solver(own.always("unsupported", "knows_nothing"), problems=own.problems()))
    assert set(found.values()) == {"PASS", "UNSUPPORTED"}
    found = results(check_solver(own.always("DUAL_INFEASIBLE", "dual"), problems=own.problems()))
    assert found["nothing", "honest"] == found["nothing", "detects"] == "UNSUPPORTED", (
        "it may be true as well"
    )
    assert found["distance", "honest"] == "FAIL"


def test_an_error_with_such_words_detects_nothing() -> None:
    def solver(problem: cp.Problem) -> None:
        raise ValueError("infeasible or unbounded")

    assert results(check_solver(solver, "nothing", problems=own.problems()))["nothing", "detects"] == "FAIL"


def test_what_cannot_be_proven_is_named_and_has_not_passed() -> None:
    x = cp.Variable(2, name="x")
    hard = {
        "integer": cp.Problem(cp.Minimize(cp.Variable(integer=True, name="n"))),
        "weak": cp.Problem(cp.Minimize(x[0]), [cp.exp(x[0]) <= 0]),
        "rounded": cp.Problem(
            cp.Minimize(cp.sum_squares(x)), [x[0] + x[1] == 0.3, 0.1 * (x[0] + x[1]) == 0.03]
        ),
    }
    report = check_solver(own.plain, problems=hard)
    reasons = {o.instance: o.reason for o in report.unproven}
    assert reasons["integer"] == "the variable n is integer; only continuous ones can be proven"
    assert reasons["weak"].startswith("nothing is proven: ")
    assert reasons["rounded"].startswith(
        "its optimum is proven to be at least 0.045, if it is feasible, and no more; x is outside"
    )
    assert not report.ok
    assert not report.failed
    assert "3 unproven" in str(report)
    assert "unproven: integer: the variable n is integer" in str(report)
    found = results(report)
    assert {check for (name, check) in found if name in ("integer", "weak")} == {"proven"}
    for check in ("accurate", "honest", "objective", "detects"):
        assert found["rounded", check] == "UNSUPPORTED", check
    known = {
        "integer:proven": "whole numbers",
        "weak": "no proof exists",
        "rounded:proven": "off by rounding",
    }
    report = check_solver(own.plain, problems=hard, expected_failures=known)
    assert report.ok
    assert [o.reason for o in report.expected_failures] == list(known.values())
    low = own.always("optimal", "too_low")  # 0 is below what is proven, and outside
    found = results(check_solver(low, "rounded", problems=hard))
    assert found["rounded", "accurate"] == found["rounded", "honest"] == "FAIL"
    never = own.always("unbounded", "never")
    assert results(check_solver(never, "rounded", problems=hard))["rounded", "honest"] == "FAIL"
    empty = own.always("infeasible", "empty")
    assert results(check_solver(empty, "rounded", problems=hard))["rounded", "honest"] == "UNSUPPORTED"


def test_what_doubles_do_not_show_is_not_asked_for() -> None:
    x = cp.Variable(name="x")
    by_little = cp.Problem(cp.Minimize(x), [x >= 1e-9, x <= 0])
    (proven,) = own_problems([by_little])
    assert proven.claim == "infeasible"
    assert 1e-10 < proven.margin < 1e-9
    optimal = own.always("optimal", "optimal")
    report = check_solver(optimal, problems=[by_little])
    told = {o.check: o.reason for o in report.unsupported}
    assert "too little to ask for in doubles (tolerance 1e-06)" in told["honest"]
    assert "too little" in told["detects"]
    assert check_solver(optimal, problems=[by_little], tolerance=1e-12).passed, (
        "the tolerance is 1e-6 at least"
    )
    assert check_solver(own.always("infeasible", "exact"), problems=[by_little]).ok


def test_values_from_before_do_not_count_and_the_problem_is_left_alone() -> None:
    solved = own.problems()["distance"]
    own.plain(solved)
    before = solved.variables()[0].value.copy()
    report = check_solver(own.leaves_no_values, problems=[solved])
    assert "answers" in {o.check for o in report.failed}
    assert {o.instance for o in report.outcomes} == {"problems[0]"}
    assert np.array_equal(solved.variables()[0].value, before)
    assert solved.status == "optimal"


def test_a_point_outside_of_a_domain_by_rounding_is_judged_inside_of_it() -> None:
    x = cp.Variable(2, name="x")
    edge = cp.Problem(cp.Maximize(cp.sum(cp.entr(x))), [cp.sum(x) == 1, x[0] <= 0])
    inside = cp.Problem(cp.Maximize(cp.log(x[0])), [x[0] <= 2, x[1] == 0])

    def at(first: float, value: float | None) -> Report:
        def solver(problem: cp.Problem) -> str:
            x.save_value(np.array([first, 1 - first]))
            problem._value = value
            return "optimal"

        return check_solver(solver, problems=[edge])

    by_rounding = at(-1e-10, -np.inf)
    assert by_rounding.ok, "minus infinity is CVXPY's there"
    assert "accurate" in {o.check for o in by_rounding.passed}, "at 0 in place of -1e-10"
    assert "objective" in {o.check for o in by_rounding.unsupported}
    assert "objective" in {o.check for o in at(-1e-10, 0.1).failed}
    assert {"feasible", "accurate"} <= {o.check for o in at(-0.1, 0).failed}

    def affine(problem: cp.Problem) -> str:
        x.save_value(np.array([1 + 1e-10, 0.0]))
        problem._value = -np.inf
        return "optimal"

    unseen = cp.Problem(cp.Maximize(cp.entr(1 - x[0])), [x[0] >= 1, x[1] == 0])
    found = results(check_solver(affine, problems=[unseen]))
    for check in ("accurate", "objective", "honest"):
        assert found["problems[0]", check] == "UNSUPPORTED", check

    def on_the_edge(problem: cp.Problem) -> str:
        x.save_value(np.zeros(2))
        problem._value = np.log(2)
        return "optimal"

    (proven,) = own_problems([edge])
    assert proven.truth == "its optimum is proven to be 0", "and not 1e-33"
    report = check_solver(on_the_edge, problems=[inside])
    assert {o.check for o in report.failed} == {"accurate", "honest"}, "no rounding made that minus infinity"


def test_names_choose_and_bad_input_is_refused() -> None:
    done: list[str] = []
    check_solver(own.plain, ["d*", "maximum"], "m*", problems=own.problems(), on_instance=done.append)
    assert done == ["distance"]
    named = {"a[0]": own.problems()["maximum"]}
    assert check_solver(own.plain, "a[0]", problems=named).ok, "a name is no pattern"

    def of_workload(workload: Workload) -> Any:
        return None

    for arguments, message in (
        ({"problems": [1]}, "problems[0] is a int; it must be a cvxpy.Problem"),
        ({"problems": own.problems()["maximum"]}, "problems is a Problem; it must be a list or a map"),
        ({"problems": 3}, "problems is a int"),
        ({"problems": []}, "problems is empty"),
        ({"problems": {1: own.problems()["maximum"]}}, "problems has the name 1; names must be text"),
        ({"problems": own.problems(), "include": "distanze"}, "'distanze' matches no problem (did you mean"),
        ({"problems": own.problems(), "form": "raw"}, "form and added_before are of the library's instances"),
        ({"problems": own.problems(), "added_before": "0.2.0"}, "form and added_before are"),
        ({"problems": own.problems(), "solve_fn": of_workload}, "solve_fn takes workloads"),
        ({"problems": own.problems(), "certificates": __file__}, "is no folder to keep certificates in"),
    ):
        with pytest.raises(ProblemError) as caught:
            check_solver(**{"solve_fn": own.plain, **arguments})  # type: ignore[arg-type]
        assert message in str(caught.value)


def test_problems_of_all_shapes_are_asked_about_as_they_are() -> None:
    """Without rows, with a constant objective, of matrices, complex numbers, bounds and sparse data."""
    x, X, z = cp.Variable(2, name="x"), cp.Variable((2, 2), symmetric=True), cp.Variable(2, complex=True)
    b = cp.Variable(2, bounds=[np.zeros(2), np.array([1, 2])])
    shapes = {
        "no rows": cp.Problem(cp.Minimize(0 * x[0])),
        "constant": cp.Problem(cp.Minimize(3), [x >= 1]),
        "matrix": cp.Problem(cp.Minimize(cp.norm(X - np.array([[1, 2], [2, 4]]), "fro")), [X[0, 1] <= 1]),
        "complex": cp.Problem(cp.Minimize(cp.norm(z - np.array([1 + 1j, 2]))), [cp.real(z) <= 0.5]),
        "bounds": cp.Problem(cp.Maximize(cp.sum(b) + cp.log(b[0]))),
        "sparse": cp.Problem(cp.Minimize(cp.norm(sparse.eye_array(2).tocsr() @ x)), [cp.sum(x) == 1]),
    }
    for solver in (own.plain, own.of_cones):
        report = check_solver(solver, problems=shapes)
        assert report.ok, str(report)
        accurate = {o.instance for o in report.passed if o.check == "accurate"}
        assert accurate == set(shapes)


def test_a_geometric_program_is_told_to_who_takes_it() -> None:
    def keywords(problem: cp.Problem, **options: Any) -> None:
        problem.solve(solver="CLARABEL", **options)

    def without(problem: cp.Problem) -> None:
        problem.solve(solver="CLARABEL")

    assert check_solver(keywords, ["geometric", "maximum"], problems=own.problems()).ok
    (failed,) = check_solver(without, "geometric", problems=own.problems()).failed
    assert failed.check == "answers"
    assert failed.reason.startswith("it failed: raised DCPError: ")
    assert "\n" not in failed.reason


def test_power_and_semidefinite_cones_are_asked_about_as_problems_only() -> None:
    X = cp.Variable((2, 2), symmetric=True, name="X")
    far = cp.Problem(cp.Minimize(cp.trace(X)), [X >> 0, X[0, 1] == 1])
    assert check_solver(own.plain, problems=[far]).ok

    def outside(problem: cp.Problem) -> str:
        X.save_value(np.array([[0.5, 1.0], [1.0, 1.5]]))  # of trace 2, and an eigenvalue below 0
        return "optimal"

    assert {o.check for o in check_solver(outside, problems=[far]).failed} == {"feasible", "honest"}
    (outcome,) = check_solver(own.of_cones, problems=[far]).outcomes
    assert (outcome.check, outcome.result) == ("answers", "UNSUPPORTED")
    assert outcome.reason == "functions of cone data are not asked about semidefinite cones"


def test_a_function_that_takes_integers_is_told_that_there_are_none() -> None:
    x = cp.Variable(name="x")
    told = []

    def cones(A, b, q, cones, integers):  # type: ignore[no-untyped-def]
        told.append(integers)
        return {"x": [1.0], "status": "optimal"}

    tested = subject(cones)
    (own_one,) = own_problems({"one": cp.Problem(cp.Minimize(x), [x >= 1])})
    assert ProblemCase(tested, own_one, 1e-6).answer.status == "optimal"
    assert told == [()]
