from __future__ import annotations

from typing import Any

import cvxpy
import numpy as np
import pytest
from scipy import sparse

import cvxtoken
from cvxtoken import LibraryError, ProblemError, Workload
from cvxtoken.highs import LinearProgram, solve
from cvxtoken.suite import check_solver, parametrize
from cvxtoken.suite.answer import subject
from cvxtoken.suite.isolation import Lost, _in_thread, call
from cvxtoken.suite.scoreboard import score


def half(workload: Workload) -> np.ndarray:
    return 0.5 * cvxtoken.price_newton(workload).tokens


def newton(workload: Workload) -> Any:
    return cvxtoken.price_newton(workload)


def test_counts_are_always_printed() -> None:
    assert str(check_solver(newton, "size/1")) == "9 passed, 0 failed, 0 expected failures, 6 unsupported"
    text = str(check_solver(half, "realistic/n6-0"))
    assert text.splitlines()[-1].startswith("7 passed, 2 failed, 0 expected failures")
    assert "| accurate |      1 | realistic/n6-0 | the objective is off by" in text


def test_expected_failures_carry_their_reason() -> None:
    reasons = {"realistic/n6-0": "known bug 7", "realistic/n6-1:accurate": "rounded"}
    report = check_solver(half, ["realistic/n6-0", "realistic/n6-1"], expected_failures=reasons)
    assert {(o.instance, o.check, o.reason) for o in report.expected_failures} == {
        ("realistic/n6-0", "accurate", "known bug 7"),
        ("realistic/n6-0", "honest", "known bug 7"),
        ("realistic/n6-1", "accurate", "rounded"),
    }
    assert [(o.instance, o.check) for o in report.failed] == [("realistic/n6-1", "honest")]


def test_what_came_later_is_left_out_of_a_pinned_run() -> None:
    assert check_solver(newton, "size/1", added_before="0.1.0").outcomes == []
    assert len(check_solver(newton, "size/1", added_before="0.1.1").outcomes) == 10
    assert {o.since for o in check_solver(newton, "size/1").outcomes} == {"0.1.0", "0.2.0"}
    with pytest.raises(ProblemError, match="added_before is 'soon'; it must be a version"):
        check_solver(newton, "size/1", added_before="soon")


@parametrize(newton, include="workloads/qwen3*")
def test_as_cases_of_pytest(case: Any) -> None:
    case()


def test_a_failing_case_says_why() -> None:
    mark = parametrize(half, include="realistic/n6-0").mark
    (case,) = mark.args[1]
    assert case.id == "realistic/n6-0"
    with pytest.raises(
        AssertionError,
        match=r"^realistic/n6-0: accurate: the objective is off by .*; honest: claims 'optimal'",
    ):
        case.values[0]()
    mark = parametrize(half, include="realistic/n6-0", expected_failures={"*": "known"}).mark
    mark.args[1][0].values[0]()


def test_kinds_are_told_by_annotation_number_or_name() -> None:
    def problem(problem: cvxpy.Problem) -> None: ...
    def cones(A: Any, b: Any, q: Any, cones: Any) -> None: ...
    def quoted(w: cvxtoken.Workload) -> None: ...
    def bare(w) -> None: ...  # type: ignore[no-untyped-def]

    assert subject(problem).kind == "problem"
    assert subject(cones).kind == "cones"
    assert subject(quoted).kind == "workload"
    assert subject(bare, "problem").kind == "problem"
    for function, kind, message in (
        (bare, None, "what solve_fn takes cannot be told"),
        (bare, "matrix", "kind is 'matrix'; it must be one of workload, problem, cones"),
        (7, None, "solve_fn is 7; it must be a function"),
    ):
        with pytest.raises(ProblemError, match=message):
            subject(function, kind)


def test_threads_stand_in_where_processes_cannot_be_forked() -> None:
    import time

    assert _in_thread(lambda: 3, 5) == 3
    with pytest.raises(Lost, match=r"did not come back within 0\.1 s"):
        _in_thread(lambda: time.sleep(1), 0.1)
    assert call(lambda: [1, 2], 5) == [1, 2]


def test_bad_arguments() -> None:
    for arguments, message in (
        ({"tolerance": -1}, "tolerance is -1; it must be positive"),
        ({"time_limit": float("nan")}, "time_limit is nan; it must be positive"),
        ({"form": "Raw"}, "form is 'Raw'; it must be one of presolved, raw"),
        ({"expected_failures": ["size/1"]}, "expected_failures must map patterns to reasons"),
    ):
        with pytest.raises(ProblemError, match=message):
            check_solver(newton, "size/1", **arguments)
    with pytest.raises(ProblemError, match="is infeasible: it has no optimum"):
        _ = cvxtoken.instances("infeasible/n2-2")[0].objective
    with pytest.raises(ProblemError, match="there is no witness"):
        _ = cvxtoken.instances("size/1")[0].witness


def test_what_is_not_implemented_is_skipped() -> None:
    def nothing(workload: Workload) -> Any:
        raise NotImplementedError("yet")

    (case,) = parametrize(nothing, include="size/1").mark.args[1]
    with pytest.raises(pytest.skip.Exception):
        case.values[0]()


def test_a_fault_of_the_library_is_raised_and_no_solver_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(workload: Workload) -> str:
        return "0" * 64

    monkeypatch.setattr(Workload, "sha256", property(damaged))
    with pytest.raises(LibraryError, match="size/1: the instance's SHA-256 is not"):
        check_solver(newton, "size/1")
    with pytest.raises(LibraryError, match="size/1: the instance's SHA-256 is not"):
        score(subject(newton), "presolved", cvxtoken.instances("size/1")[0], 60.0)


def test_highs_runs_in_a_process_although_it_has_run_here_before() -> None:
    """Its threads are not forked; without a pool of its own the call would not come back."""

    def chosen() -> int:
        size = np.arange(3.0, 43.0)
        none = sparse.csr_matrix((0, 40))
        weights = sparse.csr_matrix(size[None] ** 0.7)
        program = LinearProgram(-(size**0.5), none, np.zeros(0), weights, np.array([37.3]), whole=True)
        return int(solve(program).x.sum())

    assert chosen() == call(chosen, 20.0) > 0
