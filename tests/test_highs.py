"""Runs of HiGHS: quiet, the same whatever ran before, and an error where they fail."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import highspy
import numpy as np
import pytest
import scipy.sparse as sp

from cvxtoken import SolverError, highs
from cvxtoken.highs import InfeasibleError, LinearProgram, solve

STATES = highspy.HighsModelStatus


def knapsack(n: int = 12, whole: bool = True, seed: int = 0) -> LinearProgram:
    """Two budgets, and exactly half of the things are taken."""
    rng = np.random.default_rng(seed)
    return LinearProgram(
        cost=-rng.integers(1, 50, n).astype(float),
        equal=sp.csr_matrix(np.ones((1, n))),
        right=np.array([n // 2], dtype=float),
        less=sp.csr_matrix(rng.integers(1, 30, (2, n)).astype(float)),
        limit=np.full(2, 8.0 * n),
        whole=whole,
    )


def by_hand(program: LinearProgram) -> float:
    """The least cost over all choices of zeros and ones."""
    n = len(program.cost)
    choices = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    good = (choices @ program.equal.T.toarray() == program.right).all(axis=1)
    good &= (choices @ program.less.T.toarray() <= program.limit).all(axis=1)
    return float((choices[good] @ program.cost).min())


def test_optima_are_those_of_all_choices_and_duals_close_the_gap() -> None:
    for seed in range(10):
        whole, relaxed = knapsack(seed=seed), knapsack(whole=False, seed=seed)
        found = solve(whole)
        assert found.status == "optimal"
        assert found.objective == pytest.approx(by_hand(whole), abs=1e-6)
        assert found.objective == pytest.approx(float(whole.cost @ found.x), abs=1e-6)
        for options in ({}, {"solver": "ipm"}):
            below = solve(relaxed, **options)
            assert below.objective <= found.objective + 1e-6
            assert (below.multipliers >= 0).all()
            # Lagrange: with these multipliers all is put on the things of least reduced cost
            reduced = relaxed.cost + relaxed.less.T @ below.multipliers
            bound = reduced.min() * relaxed.right[0] - below.multipliers @ relaxed.limit
            assert bound == pytest.approx(below.objective, rel=1e-6)


def test_nothing_is_printed_and_nothing_depends_on_the_pool() -> None:
    """Each process's pool of threads is made before, by a run of somebody else that is quiet too."""
    code = """
import json, sys, highspy
from cvxtoken import highs
if sys.argv[1] != "0":
    other = highs._Quiet()
    other.setOptionValue("threads", int(sys.argv[1]))
    other.addCol(-1.0, 0.0, 1.0, 0, [], [])
    assert other.run() == highspy.HighsStatus.kOk
from tests.test_highs import knapsack
found = [highs.solve(knapsack(40, whole, seed)) for whole in (True, False) for seed in range(5)]
print(json.dumps([[s.status, s.x.tolist(), s.multipliers.tolist(), s.bound] for s in found]))
"""
    seen = [
        subprocess.run([sys.executable, "-c", code, threads], capture_output=True, text=True, check=True)
        for threads in "0124"
    ]
    assert [len(json.loads(run.stdout)) for run in seen] == [10] * 4
    assert len({run.stdout for run in seen}) == 1
    assert {run.stderr for run in seen} == {""}


def test_no_solution_is_told_from_failure() -> None:
    program = knapsack()
    impossible = LinearProgram(
        program.cost, program.equal, np.array([99.0]), program.less, program.limit, True
    )
    with pytest.raises(InfeasibleError, match="kInfeasible"):
        solve(impossible)
    beyond = LinearProgram(program.cost * np.nan, program.equal, program.right, program.less, program.limit)
    with pytest.raises(SolverError):
        solve(beyond)


def test_an_option_that_is_not_there_is_not_passed_over() -> None:
    with pytest.raises(SolverError, match="does not take the option no_such_option = 1"):
        solve(knapsack(), no_such_option=1)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("said", sorted(set(STATES.__members__) - {"kOptimal", "kTimeLimit"}))
def test_every_other_status_is_an_error(monkeypatch: pytest.MonkeyPatch, said: str, whole: bool) -> None:
    monkeypatch.setattr(highspy.Highs, "getModelStatus", lambda _: STATES.__members__[said])
    with pytest.raises(SolverError, match=said):
        solve(knapsack(whole=whole))


def test_a_run_that_fails_is_an_error_whatever_the_status(monkeypatch: pytest.MonkeyPatch) -> None:
    run = highspy.Highs.run

    def failing(self: highspy.Highs) -> highspy.HighsStatus:
        run(self)
        return highspy.HighsStatus.kError

    monkeypatch.setattr(highspy.Highs, "run", failing)
    with pytest.raises(SolverError, match="kError"):
        solve(knapsack())


@pytest.mark.parametrize("damage", ["nan", "short", "empty", "invalid", "infeasible"])
def test_points_that_are_none_are_errors(monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    get, info = highspy.Highs.getSolution, highspy.Highs.getInfo
    values = {"nan": [np.nan] * 12, "short": [0.0] * 5, "empty": []}

    def damaged(self: highspy.Highs) -> SimpleNamespace:
        found = get(self)
        x = values.get(damage, list(found.col_value))
        return SimpleNamespace(
            col_value=x, row_dual=found.row_dual, value_valid=damage != "invalid", dual_valid=True
        )

    monkeypatch.setattr(highspy.Highs, "getSolution", damaged)
    if damage == "infeasible":
        monkeypatch.setattr(highspy.Highs, "getSolution", get)
        monkeypatch.setattr(
            highspy.Highs, "getInfo", lambda self: info(self) and SimpleNamespace(primal_solution_status=1)
        )
    with pytest.raises(SolverError, match="without a usable point, at the status 'optimal'"):
        solve(knapsack(whole=False))


@pytest.mark.parametrize("duals", [None, [np.nan] * 3, [0.0]])
def test_multipliers_that_are_none_are_errors(
    monkeypatch: pytest.MonkeyPatch, duals: list[float] | None
) -> None:
    get = highspy.Highs.getSolution

    def damaged(self: highspy.Highs) -> SimpleNamespace:
        found = get(self)
        given = list(found.row_dual) if duals is None else duals
        return SimpleNamespace(
            col_value=found.col_value, row_dual=given, value_valid=True, dual_valid=duals is not None
        )

    monkeypatch.setattr(highspy.Highs, "getSolution", damaged)
    with pytest.raises(SolverError, match="without usable multipliers"):
        solve(knapsack(whole=False))


def test_a_time_limit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A point found by then is not called the best; without one, and for multipliers, it is an error."""
    monkeypatch.setattr(highspy.Highs, "getModelStatus", lambda _: STATES.kTimeLimit)
    assert solve(knapsack()).status == highs.TIME_LIMIT
    with pytest.raises(SolverError, match="time limit"):
        solve(knapsack(whole=False))
    monkeypatch.undo()
    with pytest.raises(SolverError, match="time limit"):
        solve(knapsack(400), time_limit=0.0)
