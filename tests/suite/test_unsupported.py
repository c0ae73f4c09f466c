"""What a solver cannot be asked is unsupported by name, on scoreboards and on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken.library.problems.modelled import modelled
from cvxtoken.library.problems.written import Written
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
