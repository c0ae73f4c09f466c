"""Problems that are solved again with other parameters: what is kept from the solve before is found."""

from __future__ import annotations

import cvxpy as cp
import pytest

import cvxtoken
from cvxtoken import ProblemError, Workload
from cvxtoken.suite import check_solver
from cvxtoken.suite.answer import PARAMETRIC, subject
from cvxtoken.suite.scoreboard import run
from cvxtoken.suite.solvers import find_solver
from tests.suite.asked import asked
from tests.suite.broken_resolves import INTERIOR, STALE, StaleFault, compiles_once, remembering
from tests.suite.broken_resolves import solve as clarabel_solve

EASY = ["workloads/qwen3*", "realistic/n6-3", "infeasible/n2-2", "size/10"]


def solve(problem: cp.Problem) -> None:
    clarabel_solve(problem)


def warm(problem: cp.Problem) -> None:
    problem.solve(solver="CLARABEL", warm_start=True)


@pytest.mark.parametrize("solver", [solve, warm])
def test_a_solver_that_reads_the_parameters_passes(solver) -> None:  # type: ignore[no-untyped-def]
    report = check_solver(solver, EASY, form=PARAMETRIC)
    assert report.ok, str(report)
    assert {outcome.check for outcome in report.passed} >= {"duals", "objective", "detects", "untouched"}


@pytest.mark.parametrize("fault", STALE, ids=lambda fault: fault.name)
def test_what_is_kept_from_the_solve_before_is_found(fault: StaleFault) -> None:
    report = asked(fault.solver(), fault.instance, "problem", PARAMETRIC)
    reasons = {outcome.check: outcome.reason for outcome in report.failed}
    assert fault.reason in reasons.get(fault.check, ""), str(report)


def test_each_of_them_is_right_at_its_first_solve() -> None:
    """So that what is found above is a fault of the second solve, which other forms do not see."""
    (instance,) = cvxtoken.instances(INTERIOR)
    for fault in STALE:
        answer = subject(fault.solver(), "problem", PARAMETRIC).answer(instance.problem)
        assert answer.status == "optimal", fault.name
        assert instance.error(answer.tokens) < 1e-5, fault.name


def test_the_problem_is_one_and_what_is_scored_is_a_solve_with_new_numbers() -> None:
    problems: list[cp.Problem] = []
    loads: list[float] = []

    def watching(problem: cp.Problem) -> None:
        problems.append(problem)
        loads.append(float(problem.param_dict["y0"].value))
        clarabel_solve(problem)

    tested = subject(watching, "problem", PARAMETRIC)
    (instance,) = cvxtoken.instances(INTERIOR)
    answers = [tested.of(instance), tested.of(instance)]
    before = tested.before[INTERIOR]
    assert len({id(problem) for problem in problems}) == 1
    assert loads == [float(i.workload.idle_at_zero) for i in (before, instance)] * 2
    assert answers[0].tokens == pytest.approx(instance.tokens, rel=1e-3)
    assert before.workload.sha256 != instance.workload.sha256
    (alone,) = cvxtoken.instances("size/10")
    assert alone.id not in tested.before
    tested.of(alone)
    w = alone.workload
    assert loads[-2:] == [float(x.idle_at_zero) for x in (w.replace(arrival_rate=w.arrival_rate / 2), w)]
    assert problems[-1] is not problems[0]


def test_before_an_infeasible_instance_stands_one_with_an_optimum() -> None:
    before = subject(solve, form=PARAMETRIC).before
    infeasible = [i for i in cvxtoken.instances() if not i.feasible]
    assert all(before[instance.id].feasible for instance in infeasible)
    first = next(i for i in cvxtoken.instances() if i.kind == "allocation" and len(i.workload) == 2)
    assert not before[first.id].feasible, "and after the last infeasible one comes the first of its size"


def test_a_scoreboard_asks_in_the_same_way() -> None:
    named = find_solver("CLARABEL", form=PARAMETRIC)
    chosen = cvxtoken.instances(INTERIOR)
    (score,) = run(named.subjects, chosen, 60.0)
    assert score.correct
    stale = subject(remembering(compiles_once)(), "problem", PARAMETRIC)
    (score,) = run({PARAMETRIC: stale}, chosen, 60.0)
    assert score.wrongly_optimal


def test_who_cannot_be_asked_again_is_told_so(command) -> None:  # type: ignore[no-untyped-def]
    def of_workloads(workload: Workload) -> None: ...

    with pytest.raises(ProblemError, match="kind must be problem, not workload"):
        check_solver(of_workloads, form=PARAMETRIC)
    report = check_solver(solve, "size/1000", form=PARAMETRIC)
    assert str(report).endswith("1 of 1 left out: it has over 100 types, too many parameters for CVXPY")
    code, _, err = command("check", "json:loads", "--kind", "cones", "--form", PARAMETRIC)
    assert code == 2
    assert err.endswith("form is 'parametric'; for this solver it must be presolved or raw\n")
