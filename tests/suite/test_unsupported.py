"""What a solver cannot be asked is unsupported by name, on scoreboards and on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

import cvxtoken
from cvxtoken.library.problems.modelled import modelled
from cvxtoken.library.problems.written import Written
from cvxtoken.suite import check_solver
from cvxtoken.suite.answer import PARAMETRIC, _before
from cvxtoken.suite.scoreboard import run
from cvxtoken.suite.solvers import find_solver
from cvxtoken.suite.unsupported import unsupported
from tests.support.cones import solved

NAMES = ["schedules/n3", "limits/n10", "whole/n1", "lagged/n1", "targets/wait", "size/1"]
CHOSEN = cvxtoken.instances(NAMES)


def test_solvers_of_cvxpy_are_asked_what_their_cones_and_integers_allow() -> None:
    highs, clarabel = find_solver("HIGHS"), find_solver("CLARABEL")
    scores = run(highs.subjects, CHOSEN, 30)
    assert {score.instance for score in scores} == {"schedules/n3", "limits/n10"}
    assert all(score.correct for score in scores)
    assert len(scores) == 4, "in both forms"
    rows = "it takes no exponential and no second-order cones"
    assert unsupported(highs.subjects, CHOSEN) == {
        **{family: {rows: 1} for family in ("size", "targets")},
        **{family: {f"{rows} with integers": 1} for family in ("whole", "lagged")},
    }
    assert set(unsupported(clarabel.subjects, CHOSEN)) == {"schedules", "whole", "lagged"}


def test_the_command_names_what_is_unsupported(command: Any, tmp_path: Path) -> None:
    code, out, _ = command("check", "HIGHS", "--family", "limits/n10", "--family", "whole/n1")
    assert code == 0
    told = "unsupported: whole (2): it takes no exponential and no second-order cones with integers"
    assert told in out
    code, out, _ = command("check", "HIGHS", "--family", "limits/n10", "--family", "whole/n1", "--json")
    assert list(json.loads(out)["unsupported"]) == ["whole"]
    code, out, err = command("check", "HIGHS", "--family", "whole/n1")
    assert code == 1
    assert "nothing was scored" in err


@pytest.mark.parametrize("name", ["whole/n3", "lagged/n3", "robust/n6"])
def test_a_cvxpy_problem_made_of_cone_data_is_the_same_problem(name: str) -> None:
    """Without the integers, which no solver here takes together with exponential cones."""
    (instance,) = cvxtoken.instances(name)
    program = instance.problem.cones("presolved").program
    relaxed = type(program)(program.A, program.b, program.q, program.offset, program.cones)
    v, _, value = solved(relaxed)
    made = modelled(Written(relaxed, lambda v: v))
    assert made.read() is None
    made.problem.solve(solver="CLARABEL")
    assert made.problem.value == pytest.approx(value, rel=1e-6)
    np.testing.assert_allclose(made.read(), v, rtol=1e-3, atol=1e-3)
    assert modelled(Written(program, lambda v: v)).problem.is_mixed_integer() == bool(program.integers)


def test_other_kinds_are_not_solved_again_with_parameters() -> None:
    """They are named, by instance and in a scoreboard, and not counted; plain allocations are."""
    chosen = [cvxtoken.instances(f"{family}*")[0] for family in ("whole", "robust", "limits", "deviations")]
    ids = [instance.id for instance in chosen]
    report = check_solver(
        lambda problem: problem.solve(solver="CLARABEL"), ids, kind="problem", form=PARAMETRIC
    )
    assert {outcome.instance for outcome in report.passed} == {ids[3]}
    told = {o.instance: (o.result, o.reason) for o in report.outcomes if o.instance != ids[3]}
    why = "only plain allocations are re-solved with parameters; this is of kind {!r}"
    assert told == {i.id: ("UNSUPPORTED", why.format(i.kind)) for i in chosen[:3]}
    assert set(_before()) <= {i.id for i in cvxtoken.instances() if i.kind == "allocation"}
    found = find_solver("CLARABEL", form=PARAMETRIC)
    scores = run(found.subjects, chosen, 60.0)
    assert [score.instance for score in scores] == [ids[3]]
    assert set(unsupported(found.subjects, chosen)) == {"whole", "robust", "limits"}


def test_the_value_of_a_problem_of_cvxpy_is_that_of_its_kind() -> None:
    """J, and not what cone data minimise: else a true value would be said to be wrong."""
    (instance,) = cvxtoken.instances("lagged/n1")
    chosen = instance.problem.program("presolved").problem
    assert type(chosen.objective).__name__ == "Maximize"


def test_the_bound_of_a_mixed_integer_solver_is_no_dual_objective() -> None:
    (instance,) = cvxtoken.instances("schedules/n3")

    def bounds(A, b, q, cones, integers):  # type: ignore[no-untyped-def]
        found = milp(q, integrality=np.isin(np.arange(len(q)), integers), bounds=Bounds(-np.inf, np.inf),
                     constraints=LinearConstraint(A, -np.inf, b), options={"mip_rel_gap": 0.0})  # fmt: skip
        return {"x": found.x, "status": "optimal", "dual_objective": -1e9, "z": np.zeros(len(b))}

    results = {o.check: (o.result, o.reason) for o in check_solver(bounds, instance.id).outcomes}
    assert results["accurate"][0] == "PASS"
    assert results["objective"] == ("UNSUPPORTED", "no objective value of the problem itself was reported")
    assert results["duals"] == ("UNSUPPORTED", "a program with integers has no dual values")
