"""`--json` prints one JSON object and nothing else on file descriptor 1, whatever solvers ran before."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cvxtoken.cli.application import COMMANDS, command
from tests.fitting.data import write_arrivals, write_rows
from tests.support.thorough import some

# a user's solver that prints wherever it can, beneath Python too
NOISY = """
import os, ctypes
print("imported")
def problem():
    import cvxpy
    print("built")
    x = cvxpy.Variable()
    return cvxpy.Problem(cvxpy.Minimize(x), [x >= 1])
def solve(workload: "cvxtoken.Workload"):
    print("asked")
    os.write(1, b"written\\n")
    ctypes.CDLL(None).puts(b"put")
    import cvxtoken
    return cvxtoken.solve(workload).tokens
"""

DRIVER = """
import ctypes, json, os, sys
import cvxpy as cp, highspy, scipy.optimize
from cvxtoken import cli

flush = ctypes.CDLL(None).fflush

def run(arguments):
    sys.argv = ["cvxtoken", *arguments]
    try:
        cli.main()
    except SystemExit as stop:
        return int(stop.code or 0)

def captured(arguments, path):
    '''The command with file descriptor 1 on a file; what others have buffered is out before.'''
    sys.stdout.flush()
    flush(None)
    kept = os.dup(1)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    code = run(arguments)
    sys.stdout.flush()
    flush(None)
    os.dup2(kept, 1)
    return code

def others():
    x = cp.Variable(3)
    whole = cp.Variable(3, integer=True)
    cone = cp.Problem(cp.Minimize(cp.norm(x) + cp.sum(cp.exp(x))), [cp.sum(x) >= 1])
    for solver in ("SCS", "CLARABEL"):
        cone.solve(solver=solver)
    whole_program = cp.Problem(cp.Minimize(cp.sum(whole)), [whole >= 0.5, whole[0] + whole[1] >= 3.3])
    whole_program.solve(solver="HIGHS", threads=2)
    scipy.optimize.linprog([1.0], bounds=[(0, 1)])
    highs = highspy.Highs()
    highs.addVar(0.0, 1.0)
    highs.run()

commands = json.loads(sys.argv[1])
others()
codes = [captured(arguments, path) for arguments, path in commands]
others()
print(json.dumps(codes))
"""


def commands(folder: Path) -> dict[str, list[str]]:
    """Every command that takes --json, each as small as it can be."""
    rows, arrivals = write_rows(folder / "rows.csv", per_budget=8), write_arrivals(folder / "arrivals.csv")
    batches = folder / "batches.csv"
    batches.write_text("n,tpot_ms\n1,10\n2,11\n4,13\n")
    (folder / "noisy_solver.py").write_text(NOISY)
    first_three = ("AIME 2024", "GSM8K", "HMMT 2025")
    watched = folder / "watched.csv"
    watched.write_text("timestamp,task\n" + "".join(f"{10 * n},{first_three[n % 3]}\n" for n in range(60)))
    return {
        "solve": ["--solver", "SCS"],
        "frontier": ["--points", "3"],
        "integer": [],
        "methods": [],
        "simulate": ["--requests", "4000"],
        "batch": ["--requests", "0", "--max-batch", "2"],
        "certify-problem": ["noisy_solver:problem"],
        "clip": [],
        "advise": [str(rows), "--arrivals", str(arrivals), "--draws", "20"],
        "fit": [str(rows), "--arrivals", str(arrivals), "--out", str(folder / "fitted.toml")],
        "fit-server": [str(batches)],
        "check": ["noisy_solver:solve", "--family", "all-max/*", "--progress", str(folder / "progress")],
        "schedule": ["--bound", "milp"],
        "watch": ["qwen3-8b", str(watched), "--replay", "inf"],
        "generate": ["--count", "20", "--out", str(folder / "generated")],
        "sweep": ["--arrival-rate", "0.1,0.2", "--out", str(folder / "sweep.csv")],
    }


def test_every_command_with_json_is_here(tmp_path: Path) -> None:
    takes = {
        name for name in COMMANDS if any("--json" in parameter.opts for parameter in command(name).params)
    }
    assert set(commands(tmp_path)) == takes


@pytest.mark.parametrize("backwards", some([False, True], 2))
def test_nothing_but_the_result_is_printed(backwards: bool, tmp_path: Path) -> None:
    """In one process, after SCS, Clarabel, SciPy's and others' HiGHS and after each other, in both orders."""
    wanted = commands(tmp_path)
    names = sorted(wanted, reverse=backwards)
    lines = [([name, *wanted[name], "--json"], str(tmp_path / name)) for name in names]
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps(lines)], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [0] * len(names), done.stderr
    for name in names:
        printed = (tmp_path / name).read_text()
        for text in printed.splitlines() if name == "watch" else [printed]:  # which prints an object a change
            document = json.loads(text)
            assert isinstance(document, dict), name
            assert document
    assert json.loads((tmp_path / "schedule").read_text())["fallbacks"] == []
    for noise in ("imported", "asked", "written", "built"):
        assert noise in done.stderr


@pytest.mark.parametrize("bound", some(["milp", "lp"], 2))
def test_a_command_of_its_own_prints_nothing_else(bound: str) -> None:
    """From the first byte to the last, HiGHS's first line and what is flushed at the end included."""
    arguments = [sys.executable, "-m", "cvxtoken.cli", "schedule", "--bound", bound, "--json"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["fallbacks"] == []
    assert done.stdout.startswith("{")
    assert done.stdout.endswith("}\n")
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["solve", "--alpha", "3"], "No such option: --alpha"),
        (["solve", "--arrival-rate", "x"], "Invalid value for '--arrival-rate'"),
        (["advise"], "Missing argument 'TABLE'"),
        (["sovle"], "No such command 'sovle'"),
        (["--verbose", "solve"], "No such option: --verbose"),
    ],
)
def test_bad_usage_is_an_object_too(command, arguments: list[str], sentence: str) -> None:  # type: ignore[no-untyped-def]
    code, out, err = command(*arguments, "--json")
    assert code == 2
    assert json.loads(out)["error"].startswith(sentence)
    assert "Usage:" in err
    code, out, plain = command(*arguments)
    assert (code, out, plain) == (2, "", err)
