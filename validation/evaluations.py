"""Synthetic servers with a known truth, and what an evaluation and an access log of them hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import betaincinv

import cvxtoken
from cvxtoken.allocation import model
from cvxtoken.arrays import FloatArray

BUDGETS = np.array([0.0, 250, 500, 1000, 2000, 4000])
ANSWERS = 50  # to each task at each budget: 300 rows a task
LARGE_BUDGETS = np.array([0.0, 1024, 2048, 4096, 8192, 16384])  # of the servers like the built-in ones
ARRIVALS = 2000
TASKS = 3
_NEAR = 0.3  # standard deviation of the logarithms of what is like a built-in number


def server(rng: np.random.Generator) -> cvxtoken.Workload:
    """A workload of three tasks, as servers have them: from nearly idle to a utilisation of 0.7."""
    D = rng.uniform(0.05, 0.35, TASKS)
    c = 10 ** rng.uniform(-3.2, -2.3, TASKS)
    prior, t0 = rng.dirichlet(4 * np.ones(TASKS)), rng.uniform(0.1, 0.5, TASKS)
    return cvxtoken.Workload(
        names=[f"task {k + 1}" for k in range(TASKS)],
        prior=prior,
        accuracy_gain=rng.uniform(0.1, 0.6, TASKS),
        saturation_rate=10 ** rng.uniform(-3.4, -2.5, TASKS),
        base_accuracy=D,
        overhead=t0,
        time_per_token=c,
        deviation=0.1 * t0,
        deviation_per_token=c * rng.uniform(0.05, 0.3, TASKS),
        arrival_rate=rng.uniform(0.1, 0.7) / float(prior @ (t0 + 1000 * c)),
        accuracy_weight=10 ** rng.uniform(1, 2.3),
        max_tokens=BUDGETS[-1],
    )


def like_built_in(rng: np.random.Generator) -> tuple[cvxtoken.Workload, cvxtoken.Workload]:
    """A server like a built-in workload, all numbers of its five tasks moved at random, and that workload."""
    near = cvxtoken.load(("qwen3-8b", "r1-distill-8b")[int(rng.integers(2))])
    A, b, D = curves_near(near, rng.standard_normal((3, len(near))))
    t0, c = (
        getattr(near, name) * np.exp(_NEAR * rng.standard_normal(len(near)))
        for name in ("overhead", "time_per_token")
    )
    prior = rng.dirichlet(4 * np.ones(len(near)))
    truth = near.replace(
        prior=prior,
        accuracy_gain=A,
        saturation_rate=b,
        base_accuracy=D,
        overhead=t0,
        time_per_token=c,
        deviation=0.1 * t0,
        deviation_per_token=0.2 * c,
        arrival_rate=rng.uniform(0.05, 0.5) / float(prior @ (t0 + 1000 * c)),
        accuracy_weight=30 * np.exp(_NEAR * rng.standard_normal()),
        max_tokens=LARGE_BUDGETS[-1],
    )
    return truth, near


def curves_near(near: cvxtoken.Workload, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A, b and D that standard normal numbers of shape (3, ..., N) make of those of a built-in workload."""
    fields = ("accuracy_gain", "saturation_rate", "base_accuracy")
    A, b, D = (getattr(near, name) * np.exp(_NEAR * moved) for name, moved in zip(fields, z, strict=True))
    room = np.minimum(1, 0.98 / (A + D))
    return room * A, b, room * D


def evaluation(
    truth: cvxtoken.Workload,
    rng: np.random.Generator,
    by_question: bool = False,
    budgets: FloatArray = BUDGETS,
    answers: int = ANSWERS,
) -> dict[str, Any]:
    """Rows of an evaluation; by question, so many questions are each asked once at every budget."""
    columns: dict[str, list[Any]] = {name: [] for name in ("task", "budget_tokens", "correct", "seconds")}
    questions = []
    for k, name in enumerate(truth.names):
        hardness = rng.uniform(size=answers)
        for l in budgets:
            tokens = np.full(len(truth), l)
            p = float(model.accuracy(truth, tokens)[k])
            if by_question:
                right = rng.random(answers) < betaincinv(2 * p, 2 * (1 - p), hardness)
            else:
                right = rng.random(answers) < p
            t, s = float(model.service_time(truth, tokens)[k]), float(model.deviation(truth, tokens)[k])
            columns["task"] += [name] * answers
            columns["budget_tokens"] += [l] * answers
            columns["correct"] += right.astype(int).tolist()
            columns["seconds"] += rng.gamma((t / s) ** 2, s**2 / t, answers).tolist()
            questions += [f"{name} {q}" for q in range(answers)]
    return columns | ({"question": questions} if by_question else {})


def log(truth: cvxtoken.Workload, rng: np.random.Generator) -> dict[str, Any]:
    """Poisson arrivals."""
    times = np.cumsum(rng.exponential(1 / truth.arrival_rate, ARRIVALS))
    return {"timestamp": times, "task": rng.choice(truth.names, ARRIVALS, p=truth.prior)}


def optimum(truth: cvxtoken.Workload) -> FloatArray:
    """The true best budgets, shape (N,)."""
    found = cvxtoken.solve_many([truth])
    assert found.solved.all()
    return np.asarray(found.tokens[0])
