"""Synthetic measurements that the tests of fits share."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.fitting.curve import Curve

BUDGETS = np.array([0.0, 250, 500, 1000, 2000, 4000, 8000])
TRUTH = Curve(A=0.5, b=1.2e-3, D=0.2)


def counts(seed: int, trials: int = 400, truth: Curve = TRUTH) -> FloatArray:
    """Right answers of so many at each budget."""
    return np.random.default_rng(seed).binomial(trials, truth(BUDGETS)).astype(np.float64)


def write_rows(path: Path, seed: int = 0, per_budget: int = 40) -> Path:
    """An evaluation of three tasks: one saturating, one with a lag, one flat."""
    rng = np.random.default_rng(seed)
    curves = {"maths": TRUTH, "puzzles": Curve(0.7, 2e-3, 0.05, 900.0), "trivia": Curve(0.0, 1e-3, 0.6)}
    lines = ["task,budget_tokens,thinking_tokens,correct,seconds,question"]
    for task, curve in curves.items():
        for l in BUDGETS:
            p = float(curve(np.array(l)))
            for question in range(per_budget):
                used = int(l * rng.uniform(0.95, 1))
                seconds = 0.2 + 0.001 * used + 0.02 * rng.normal()
                right = int(rng.random() < p)
                lines.append(f"{task},{l:g},{used},{right},{max(seconds, 0.01):.4f},{task} {question}")
    path.write_text("\n".join(lines) + "\n")
    return path


def write_arrivals(path: Path, seed: int = 0, size: int = 600, rate: float = 0.2) -> Path:
    """Poisson arrivals of the three tasks."""
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.exponential(1 / rate, size))
    tasks = rng.choice(["maths", "puzzles", "trivia"], size, p=[0.5, 0.3, 0.2])
    lines = ["timestamp,task", *(f"{t:.3f},{task}" for t, task in zip(times, tasks, strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return path
