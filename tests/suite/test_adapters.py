"""Broken adapters are caught by the check whose name says why; honest ones pass what asks for honesty."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken import UnstableError, Workload
from cvxtoken.suite import Answer, check_solver
from cvxtoken.suite.answer import subject
from cvxtoken.suite.case import Case
from tests.suite.asked import asked, library
from tests.suite.broken import BROKEN
from tests.suite.broken_adapters import FAULTS, FEASIBLE, HONEST, Fault, clarabel_solution, solved
from tests.suite.broken_reports import REPORTED
from tests.suite.broken_resolves import STALE
from tests.support.thorough import some


def test_there_are_enough_of_both() -> None:
    faults = [*FAULTS, *REPORTED, *STALE]
    assert len(FAULTS) + len(BROKEN) >= 40
    assert len(HONEST) >= 10
    assert len({fault.name for fault in faults}) == len(faults)
    assert len({fault.report for fault in faults if fault.report}) >= 40, "reports in public trackers"


@pytest.mark.parametrize("fault", some([*FAULTS, *REPORTED], 3), ids=lambda fault: fault.name)
def test_a_broken_adapter_is_caught_by_the_check_that_names_its_fault(fault: Fault) -> None:
    report = asked(fault.solver, fault.instance, fault.kind, fault.form)
    reasons = {outcome.check: outcome.reason for outcome in report.failed}
    assert not report.ok
    assert fault.reason in reasons.get(fault.check, ""), str(report)


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_adapter_passes_what_asks_for_honesty(name: str) -> None:
    solver, instance, form, status = HONEST[name]
    assert Case(subject(solver, "cones", form), library()[instance], 1e-6).answer.status == status
    report = asked(solver, instance, "cones", form)
    assert {outcome.check for outcome in report.passed} >= {"adapter", "honest"}
    assert not {outcome.check for outcome in report.failed} - {"answers", "accurate", "detects"}, str(report)
    assert report.ok or status in ("failed", "inaccurate")


def test_an_unknown_status_is_named_once_and_what_needs_none_is_checked_all_the_same() -> None:
    def new_word(A: Any, b: Any, q: Any, cones: Any) -> dict[str, Any]:
        return solved(A, b, q, cones) | {"status": "SPLENDID"}

    report = check_solver(new_word, "workloads/qwen3*")
    (failed,) = report.failed
    assert (failed.instance, failed.check) == ("workloads/qwen3-8b-0.01-30", "adapter")
    assert "status 'SPLENDID' is not known; return one of optimal" in str(failed)
    again = [o.reason for o in report.unsupported if o.check == "adapter"]
    assert len(again) == 5
    assert again[0].startswith("as at workloads/qwen3-8b-0.01-30: status 'SPLENDID'")
    assert len([o for o in report.passed if o.check in ("feasible", "accurate", "duals")]) == 18
    assert not [o for o in report.outcomes if o.check == "honest" and o.result != "UNSUPPORTED"]


def test_an_answers_own_objective_and_word_are_read() -> None:
    def exact(workload: Workload) -> Any:
        found = cvxtoken.price_newton(workload)
        return Answer(found.tokens, "SOLVED", objective=found.objective)

    def other_sign(workload: Workload) -> Any:
        return exact(workload).replace(objective=-exact(workload).objective)

    assert check_solver(exact, FEASIBLE, kind="workload").ok
    (failed,) = check_solver(other_sign, FEASIBLE, kind="workload").failed
    assert failed.check == "objective"
    assert failed.reason == (
        "the reported objective is -9.02383992 s, but J = 9.02383992 s at the optimum (tolerance 0.00019 s)"
    )
    assert str(failed).startswith(f"{FEASIBLE}: objective: FAIL: the reported objective is")


def test_infeasibility_that_doubles_cannot_see_is_not_asked_for() -> None:
    def gives_up(workload: Workload) -> Any:
        try:
            return cvxtoken.price_newton(workload)
        except UnstableError:
            return Answer(None, "failed")

    names = ["infeasible/n2-exactly-1", "infeasible/n2-1.001"]
    found = {o.instance: o for o in check_solver(gives_up, names).outcomes if o.check == "detects"}
    assert found[names[0]].reason == "the utilisation is 1 + 0, too near to 1 to ask for in doubles"
    assert found[names[1]].reason == (
        "claims 'failed', not 'infeasible': the utilisation is 1.001 even without tokens"
    )


def test_an_empty_selection_says_why() -> None:
    report = check_solver(solved, "infeasible/n2*")
    assert not report.ok
    assert str(report) == (
        "0 passed, 0 failed, 0 expected failures, 0 unsupported; nothing was run: 5 of 5 left out: it is "
        "infeasible and cannot be presolved; form='raw' asks about it"
    )
    report = check_solver(solved, FEASIBLE, added_before="0.1.0")
    assert "nothing was run: 1 of 1 left out: new in 0.1.0 or later (added_before)" in str(report)

    def refuses(workload: Workload) -> np.ndarray:
        raise NotImplementedError("yet")

    assert str(check_solver(refuses, "size/1")).endswith("nothing passed: not implemented: yet (13 times)")
    (case,) = cvxtoken.suite.parametrize(solved, include="infeasible/n2*").mark.args[1]
    assert case.marks[0].kwargs["reason"].startswith("nothing was run: 5 of 5 left out")


def test_what_clarabel_returns_is_read_as_it_is() -> None:
    def itself(A: Any, b: Any, q: Any, cones: Any) -> Any:
        return clarabel_solution(A, b, q, cones)

    report = check_solver(itself, "workloads/qwen3*")
    assert report.ok, str(report)
    assert {o.check for o in report.passed} >= {"adapter", "honest", "objective", "primal", "duals"}


def test_reasons_hold_the_found_and_the_expected_value_and_the_tolerance() -> None:
    def told(name: str) -> str:
        (fault,) = (fault for fault in FAULTS if fault.name == name)
        report = asked(fault.solver, fault.instance, fault.kind, fault.form)
        return next(str(outcome) for outcome in report.failed if outcome.check == fault.check)

    assert re.fullmatch(
        r"workloads/qwen3-8b-0\.1-30: duals: FAIL: not complementary: q'x = 10\.0\d+, -b'z = -7\.\d+, "
        r"off by 0\.\d+ relative \(tolerance 0\.0001\)",
        told("duals of an earlier b"),
    )
    assert re.fullmatch(
        r"degenerate/at-top-501: duals: FAIL: multiplier \d is -\S+, expected \S+: of an inequality it must "
        r"not be negative \(tolerance \S+\)",
        told("multipliers negated"),
    )
