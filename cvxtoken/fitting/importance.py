"""Importance sampling of a density that is known up to a constant (derived here, of well-known parts).

Points are drawn from Student's distribution; its mean and covariance are then matched to the weighted points,
until the weights are even enough. Where they are very uneven, they are evened out before anything is matched.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cvxtoken.arrays import FloatArray

_POINTS = 4000  # of a round
_ENOUGH = 0.35  # effective number of points, as a share of all: with more, no round follows
_FEW = 0.03  # with fewer, the weights are evened out before anything is matched to them
_ROUNDS = 12
_FREEDOM = 4  # of Student's distribution: tails that hold the posterior's
_WIDER = 1.3  # of the covariance that is matched


def sample(
    log_density: Callable[[FloatArray], FloatArray],
    mean: FloatArray,
    covariance: FloatArray,
    least: FloatArray,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Points of shape (4000, d) and their weights, which sum to 1, of the round of the most even weights.

    Args:
        log_density: of points of shape (m, d), shape (m,), up to a constant; minus infinity outside.
        mean: of the first points, shape (d,).
        covariance: of these, shape (d, d).
        least: added to the variances that are matched, shape (d,).
        rng: NumPy's generator.
    """
    size = len(mean)
    best: tuple[float, FloatArray, FloatArray] | None = None
    for _ in range(_ROUNDS):
        scale = np.sqrt(rng.chisquare(_FREEDOM, _POINTS) / _FREEDOM)
        z = rng.standard_normal((_POINTS, size)) / scale[:, None]
        v = mean + z @ np.linalg.cholesky(covariance).T
        log_proposal = -(_FREEDOM + size) / 2 * np.log1p((z**2).sum(axis=1) / _FREEDOM)
        excess = log_density(v) - log_proposal
        weights = _normalised(excess)
        effective = float(1 / (weights @ weights))
        if best is None or effective > best[0]:
            best = effective, v, weights
        if effective >= _ENOUGH * _POINTS:
            break
        heat = 1.0
        while 1 / (weights @ weights) < _FEW * _POINTS and heat < 1e9:
            heat *= 2
            weights = _normalised(excess / heat)
        mean = weights @ v
        away = v - mean
        covariance = _WIDER * (away.T * weights) @ away + np.diag(least)
    assert best is not None
    return best[1], best[2]


def chosen(weights: FloatArray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Places of so many points drawn by their weights, systematically (one uniform number), then shuffled."""
    places = np.searchsorted(np.cumsum(weights), (rng.random() + np.arange(count)) / count)
    return np.asarray(rng.permutation(np.minimum(places, len(weights) - 1)))


def _normalised(logs: FloatArray) -> FloatArray:
    """Weights from their logarithms."""
    if not np.isfinite(logs).any():
        return np.full(len(logs), 1 / len(logs))
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())
