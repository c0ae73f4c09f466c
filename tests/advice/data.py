"""An evaluation and a log that the tests of advice share."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cvxtoken.fitting.curve import Curve

BUDGETS = np.array([0.0, 250, 500, 1000, 2000, 4000])
CURVES = {"easy": Curve(0.5, 4e-3, 0.3), "hard": Curve(0.6, 8e-4, 0.1)}
TIMES = {"easy": (0.2, 0.001), "hard": (0.4, 0.0015)}


def write_rows(path: Path, answers: int = 60, curves: dict[str, Curve] | None = None) -> Path:
    """Rows of two tasks, whose shares of right answers are those of the curves."""
    lines = ["task,budget_tokens,correct,seconds"]
    rng = np.random.default_rng(0)
    for task, curve in (curves or CURVES).items():
        t0, c = TIMES[task]
        for l in BUDGETS:
            right = round(answers * float(curve(np.array(l))))
            seconds = (t0 + c * l) * rng.gamma(50, 1 / 50, answers)
            lines += [f"{task},{l:g},{int(a < right)},{seconds[a]:.5f}" for a in range(answers)]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_log(path: Path, rate: float = 0.3, size: int = 800) -> Path:
    """Poisson arrivals."""
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.exponential(1 / rate, size))
    tasks = rng.choice(list(CURVES), size, p=[0.6, 0.4])
    path.write_text(
        "\n".join(["timestamp,task", *(f"{t:.3f},{k}" for t, k in zip(times, tasks, strict=True))])
    )
    return path
