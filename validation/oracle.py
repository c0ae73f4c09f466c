"""Budgets of someone who is told all of a server but its curves, and how these were drawn.

The tasks' curves are independent under that distribution (but for which of the built-in workloads they are
like, which is told too), and so they are given the answers. Each task's are drawn by importance sampling from
their posterior, in the standard normal numbers that `curves_near` makes them of; then the average objective
over workloads with these curves is maximised.
"""

from __future__ import annotations

import numpy as np

import cvxtoken
from cvxtoken.arrays import FloatArray
from cvxtoken.fitting.importance import chosen, sample
from cvxtoken.fitting.points import Points
from cvxtoken.robust.reference import search_robust
from validation.evaluations import curves_near

_DRAWS = 200  # more change the median loss by less than a twentieth of it


def oracle(
    truth: cvxtoken.Workload, near: cvxtoken.Workload, points: list[Points], rng: np.random.Generator
) -> FloatArray:
    """The budgets of least expected loss, shape (N,).

    Args:
        truth: of which the curves are not looked at.
        near: the built-in workload that the curves are like.
        points: answers to each task by budget.
        rng: of the draws.
    """
    curves = [_curves(near, k, answers, rng) for k, answers in enumerate(points)]
    A, b, D = np.array(curves).transpose(1, 2, 0)
    draws = [
        truth.replace(accuracy_gain=A[r], saturation_rate=b[r], base_accuracy=D[r]) for r in range(_DRAWS)
    ]
    return search_robust(cvxtoken.Ensemble(draws), np.zeros(len(truth)))


def _curves(near: cvxtoken.Workload, k: int, points: Points, rng: np.random.Generator) -> FloatArray:
    """A, b and D of task k drawn from their posterior, shape (3, draws)."""

    def curves(z: FloatArray) -> tuple[FloatArray, ...]:
        every = np.zeros((3, len(z), len(near)))
        every[:, :, k] = z.T
        return tuple(part[:, k] for part in curves_near(near, every))

    def log_density(z: FloatArray) -> FloatArray:
        A, b, D = curves(z)
        p = D[:, None] - A[:, None] * np.expm1(-b[:, None] * points.budgets)
        p = np.clip(p, 1e-12, 1 - 1e-12)
        n, y = points.trials, points.accuracy
        assert n is not None
        return np.log(p) @ (n * y) + np.log1p(-p) @ (n * (1 - y)) - (z**2).sum(axis=1) / 2

    z, weights = sample(log_density, np.zeros(3), np.eye(3), np.full(3, 1e-14), rng)
    return np.array(curves(z[chosen(weights, _DRAWS, rng)]))
