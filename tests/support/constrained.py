"""Random workloads of every law with random targets and constraints, some of which bind."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

import cvxpy as cp
import numpy as np

import cvxtoken
from cvxtoken import Targets
from cvxtoken.allocation import model
from cvxtoken.allocation.targeted.feasible import upper_values
from cvxtoken.allocation.targets import LIMITS
from cvxtoken.delay import Fifo, Sharing
from tests.support.instances import realistic, varying

Constraints = Callable[[cp.Expression], list[cp.Constraint]]


class Case(NamedTuple):
    """A workload, its targets, and constraints that some stable tokens meet with all of these."""

    workload: cvxtoken.Workload
    targets: Targets
    constraints: Constraints


def random_case(seed: int) -> Case:
    """Half with sharing, half with deviations, half with targets; an equation, cones or both."""
    rng = np.random.default_rng([seed, 4711])
    n = int(rng.integers(2, 9))
    w = realistic(seed, n)
    w = varying(w, seed) if rng.random() < 0.5 else w
    replicas, sigma = int(rng.integers(1, 4)), float(rng.choice([0.0, 0.01, 0.3, 1.0]))
    overhead = float(rng.choice([sigma, 1.0]))
    server = Sharing(sigma, overhead, replicas) if rng.random() < 0.5 else Fifo(replicas)
    w = w.replace(server=server, prompt_tokens=rng.uniform(0, 500, n))
    best = cvxtoken.solve(w).tokens
    at = np.clip(best * np.exp(rng.normal(0, 0.4, n)) + rng.choice([0.0, 30.0], n), 1, 0.9 * w.max_tokens)
    while model.idle(w, at) <= 0.05 * float(w.idle_at_zero):
        at /= 2
    return Case(w, _targets(w, at, rng), _constraints(at, best, rng))


def _targets(w: cvxtoken.Workload, at: np.ndarray, rng: np.random.Generator) -> Targets:
    """Limits just above or far above what the tokens have, accuracies just below."""
    limits, floors = {}, {}
    if rng.random() < 0.5:
        for name, value in upper_values(w, [Decimal(x) for x in at.tolist()]).items():
            if rng.random() < 0.4 and value:
                limits[name] = float(value) * float(rng.uniform(1.0001, 1.3))
        if limits.get("max_utilization", 0) >= 1:
            limits.pop("max_utilization")
    if rng.random() < 0.3:
        k = int(rng.integers(len(w)))
        floors = {w.names[k]: float(model.accuracy(w, at)[k]) * 0.97}
    bounded = set(limits) & set(list(LIMITS)[:3]) and rng.random() < 0.5
    return Targets("accuracy" if bounded else "trade-off", min_accuracy=floors, **limits)


def _constraints(at: np.ndarray, best: np.ndarray, rng: np.random.Generator) -> Constraints:
    """Through the tokens, or around them."""
    a = rng.normal(size=len(at)).round(2) + 0.001
    right, scale = float(a @ at), 1 / np.maximum(at, 1)
    radius = max(0.3 * float(np.linalg.norm((best - at) * scale)), 0.02)
    made: dict[str, Constraints] = {
        "equation": lambda l: [a @ l == right],
        "norm": lambda l: [cp.norm(cp.multiply(scale, l - at)) <= radius],
        "squares": lambda l: [cp.sum_squares(l / 1000) <= 1.05 * float(at @ at) / 1e6],
        "exponential": lambda l: [cp.exp(l[0] * float(scale[0])) <= 3.0],
        "logarithm": lambda l: [cp.log(l[0] + 1) >= 0.98 * float(np.log(at[0] + 1))],
    }
    kinds = [
        ("equation",),
        ("norm",),
        ("equation", "norm"),
        ("equation", "norm", "squares"),
        ("equation", "exponential"),
        ("equation", "logarithm"),
    ][int(rng.integers(6))]
    return lambda l: [constraint for kind in kinds for constraint in made[kind](l)]
