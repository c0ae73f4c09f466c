"""From nothing to an answer: CPU time of whole processes against what they cannot do without.

Run with `.venv/bin/python -m pytest validation/benchmarks/bench_start.py -s` (extra `bench`).
"""

from __future__ import annotations

import resource
import subprocess
import sys
from statistics import median

import pytest

from cvxtoken import Workload, load
from validation.benchmarks.conftest import Report

ROUNDS = 7
TITLE = f"From nothing to an answer: CPU time, the median of {ROUNDS} processes"
COMMAND = ["-c", "from cvxtoken.cli import main; main()"]  # what the installed script does

# the program of `cvxtoken solve` in x = b l, as a user of CVXPY would write it: no proof, no table
BARE = """
import cvxpy as cp
import numpy as np

pi, A, b, D, t0, c = np.array({types})
lam, alpha, limit = {arrival_rate}, {accuracy_weight}, np.array({max_tokens})
x = cp.Variable(len(b))
p = pi @ D + (pi * A) @ (1 - cp.exp(-x))
t = t0 + cp.multiply(c / b, x)
y = 1 - lam * (pi @ t)
EW = lam / 2 * cp.quad_over_lin(cp.multiply(np.sqrt(pi), t), y)
problem = cp.Problem(cp.Maximize(alpha * p - pi @ t - EW), [x >= 0, x <= b * limit])
problem.solve(solver="CLARABEL")
print(problem.status, problem.value, x.value / b)
"""


def bare(w: Workload) -> str:
    """The script with a workload's numbers in it."""
    types = (w.prior, w.accuracy_gain, w.saturation_rate, w.base_accuracy, w.overhead, w.time_per_token)
    return BARE.format(
        types=[numbers.tolist() for numbers in types],
        arrival_rate=w.arrival_rate,
        accuracy_weight=w.accuracy_weight,
        max_tokens=w.max_tokens.tolist(),
    )


# name: what is run, what it is held against, and the most that their ratio may be
CASES = {
    "import cvxtoken": (["-c", "import cvxtoken"], ["-c", "import numpy"], 1.5),
    "cvxtoken --version": ([*COMMAND, "--version"], ["-c", "import numpy, typer, rich"], 1.5),
    "cvxtoken --help": ([*COMMAND, "--help"], ["-c", "import numpy, typer, rich"], 1.5),
    "cvxtoken solve": ([*COMMAND, "solve"], ["-c", bare(load("qwen3-8b"))], 1.15),
}


def cpu_seconds(arguments: list[str]) -> float:
    """User and system time of Python with these arguments, from its start to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_the_bare_script_solves_the_same_program() -> None:
    done = subprocess.run(
        [sys.executable, "-c", bare(load("qwen3-8b"))], capture_output=True, text=True, check=True
    )
    status, value, *_ = done.stdout.split()
    assert (status, float(value)) == ("optimal", pytest.approx(9.02384, abs=1e-5))


@pytest.mark.parametrize("name", CASES)
def test_start(report: Report, name: str) -> None:
    ours, floor, most = CASES[name]
    pairs = [(cpu_seconds(ours), cpu_seconds(floor)) for _ in range(ROUNDS)]  # in turns: others slow both
    seconds, least = (median(column) for column in zip(*pairs, strict=True))
    ratio = seconds / least
    against = floor[1] if "\n" not in floor[1] else "CVXPY and Clarabel on the same program"
    report.add(
        TITLE,
        process=name,
        seconds=f"{seconds:.3g}",
        against=against,
        floor=f"{least:.3g}",
        ratio=f"{ratio:.2f}",
        most=f"{most:g}",
    )
    assert ratio <= most
