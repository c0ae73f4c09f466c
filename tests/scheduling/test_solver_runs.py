"""What the bound is worth where solvers ran before, and where they fail."""

from __future__ import annotations

import json
import subprocess
import sys

import highspy
import numpy as np
import pytest

from cvxtoken.errors import SolverError
from cvxtoken.scheduling import Requests, best_schedule, reference, snapshots
from cvxtoken.scheduling import bounds as lower_bounds
from cvxtoken.scheduling.snapshots import Cells, best_weights


def requests() -> Requests:
    return Requests(
        arrival=[0, 0, 0, 1, 1, 2, 3],
        prompt_tokens=[1, 3, 2, 1, 2, 1, 3],
        output_tokens=[8, 4, 7, 2, 6, 9, 3],
        memory=13,
    )


def bounds(before: str) -> list[object]:
    code = f"""
import contextlib, sys, json, cvxpy as cp, highspy
{before}
print("-- ours --", flush=True)
from cvxtoken.scheduling import best_schedule
from tests.scheduling.test_solver_runs import requests
found = [best_schedule(requests(), bound) for bound in ("lp", "milp")]
print(json.dumps([[f.lower, f.upper, f.certificate.proof, f.starts.tolist(), f.fallbacks] for f in found]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return list(json.loads(done.stdout.rpartition("-- ours --")[2]))


def test_bounds_and_proofs_do_not_depend_on_what_ran_before() -> None:
    """HiGHS keeps its pool of threads: a run that asks for another number fails."""
    fresh = bounds("")
    assert [found[-1] for found in fresh] == [[], []]  # type: ignore[index]
    before = (
        "x = cp.Variable(3, integer=True)\n"
        "cp.Problem(cp.Minimize(cp.sum(x)), [x >= 0.5, x[0] + x[1] >= 3.3]).solve(solver='HIGHS')\n"
        "x = cp.Variable(3)\n"
        "with contextlib.suppress(cp.SolverError):  # with highspy 1.8 this very run fails\n"
        "    cp.Problem(cp.Minimize(cp.sum(x)), [x >= 0.5]).solve(solver='HIGHS', threads=2)\n"
        "h = highspy.Highs(); h.setOptionValue('threads', 3); h.addVar(0.0, 1.0); h.run()"
    )
    assert bounds(before) == fresh


def test_designing_weights_fails_with_its_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = Cells.of(requests())
    worth = cells.usage(requests(), np.ones((1, len(requests()))))
    monkeypatch.setattr(highspy.Highs, "run", lambda _: highspy.HighsStatus.kError)
    with pytest.raises(SolverError, match="kError"):
        best_weights(cells, worth)
    monkeypatch.undo()
    monkeypatch.setattr(highspy.Highs, "getModelStatus", lambda _: highspy.HighsModelStatus.kTimeLimit)
    with pytest.raises(SolverError, match="time limit"):
        snapshots._OuterProgram(worth[0]).solve()


@pytest.mark.parametrize("bound", ["lp", "milp"])
def test_what_stands_in_for_failed_runs_is_named(monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    monkeypatch.setattr(reference, "SEARCHED", 0)
    sound = best_schedule(requests(), "lp")
    assert sound.fallbacks == ()
    monkeypatch.setattr(highspy.Highs, "run", lambda _: highspy.HighsStatus.kError)
    found = best_schedule(requests(), bound)
    assert found.certificate.proof["kind"] in ("volume", "busy", "prices")
    assert found.lower < sound.lower
    assert found.solver_bound is None
    starts = ["no inequalities were designed", "the linear program gave no bound"]
    starts += ["the integer program gave no schedule"] * (bound == "milp")
    assert [sentence.partition(";")[0] for sentence in found.fallbacks] == starts


def test_a_failed_design_alone_leaves_the_linear_program_of_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing(*_: object) -> None:
        raise SolverError("no")

    sound = best_schedule(requests(), "lp")
    monkeypatch.setattr(lower_bounds, "inequalities", failing)
    found = best_schedule(requests(), "lp")
    assert found.fallbacks == ("no inequalities were designed; the memory's own takes their place: no",)
    assert found.lower <= sound.lower
    assert found.upper == sound.upper
