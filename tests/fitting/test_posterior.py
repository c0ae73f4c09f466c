from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxtoken.fitting.curve import Curve
from cvxtoken.fitting.estimate import fit, rate_bounds
from cvxtoken.fitting.inference import Inference
from cvxtoken.fitting.points import Points, points_of_counts, points_of_rows
from cvxtoken.fitting.posterior import plausible_curves
from tests.fitting.data import BUDGETS, TRUTH, counts


def drawn(points: Points, centre: Curve, count: int = 4000, lagged: bool = False) -> np.ndarray:
    """A, ln b, D and the lag, shape (4, count)."""
    found = plausible_curves(points, centre, count, np.random.default_rng(0), lagged)
    assert found.effective > 100
    return np.array([found.A, np.log(found.b), found.D, found.lag])


def test_draws_are_of_the_likelihood_times_jeffreys_prior() -> None:
    """Against sums over a fine grid of (A, ln b, D), at three budgets with few answers."""
    l, k, n = np.array([0.0, 300, 2000]), np.array([3.0, 9, 14]), 20
    points = points_of_counts(l, k, np.full(3, n))
    centre = fit(points, "likelihood").curve
    low, high = np.log(rate_bounds(points))
    A, log_b, D = np.meshgrid(
        (np.arange(60) + 0.5) / 60,
        low + (high - low) * (np.arange(80) + 0.5) / 80,
        (np.arange(40) + 0.5) / 60,
        indexing="ij",
    )
    x = np.exp(log_b)[..., None] * l
    p = D[..., None] - A[..., None] * np.expm1(-x)
    good = A + D < 1
    p = np.where(good[..., None], p, 0.5)
    slopes = np.stack([1 - np.exp(-x), A[..., None] * x * np.exp(-x), np.ones_like(x)], axis=-1)
    weights = n / np.maximum(p * (1 - p), 1e-9)
    information = np.einsum("...ni,...n,...nj->...ij", slopes, weights, slopes)
    logs = (k * np.log(p) + (n - k) * np.log1p(-p)).sum(axis=-1)
    density = np.where(good, np.exp(logs - logs.max()), 0) * np.sqrt(
        np.maximum(np.linalg.det(information), 0)
    )
    density /= density.sum()
    found = drawn(points, centre)
    for values, grid in zip(found, (A, log_b, D), strict=False):
        mean = float((density * grid).sum())
        spread = float(np.sqrt((density * (grid - mean) ** 2).sum()))
        assert values.mean() == pytest.approx(mean, abs=0.12 * spread), "4000 draws, 5 standard errors"
        assert values.std() == pytest.approx(spread, rel=0.1)


def test_many_answers_leave_the_normal_distribution_of_the_estimate() -> None:
    points = points_of_counts(BUDGETS, counts(3, 20000), np.full(7, 20000))
    estimate = fit(points, "likelihood")
    errors = np.sqrt(np.diag(Inference(points, "likelihood", estimate).covariance[0]))
    found = drawn(points, estimate.curve)
    centre = (estimate.curve.A, np.log(estimate.curve.b), estimate.curve.D)
    for values, middle, error in zip(found, centre, errors, strict=False):
        assert values.mean() == pytest.approx(middle, abs=0.15 * error)
        assert values.std() == pytest.approx(error, rel=0.1)


def test_answers_to_the_same_questions_spread_as_they_do() -> None:
    """Hard questions are hard at every budget: D is less sure, the rise surer, than of other answers."""
    rng = np.random.default_rng(4)
    l, q = np.repeat(BUDGETS, 300), np.tile(np.arange(300), 7)
    right = (rng.random(300)[q] < TRUTH(l)).astype(int)
    by_question, apart = points_of_rows(l, right, q), points_of_rows(l, right)
    curve = fit(apart, "likelihood").curve
    rise, of_apart = (drawn(points, curve)[:3] for points in (by_question, apart))
    assert rise[2].std() > 0.9 * of_apart[2].std()
    assert rise[1].std() < 0.8 * of_apart[1].std()


def test_lags_are_drawn() -> None:
    truth = Curve(0.7, 2e-3, 0.05, 900.0)
    points = points_of_counts(BUDGETS, counts(1, 400, truth), np.full(7, 400))
    centre = fit(points, "likelihood", lagged=True).curve
    lag = drawn(points, centre, lagged=True)[3]
    assert 500 < np.quantile(lag, 0.05) < centre.lag < np.quantile(lag, 0.95) < 1000
    assert not drawn(points, centre, 10)[3].any()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_any_counts_give_curves_in_their_bounds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 8))
    l = np.sort(rng.choice([0, 1, 5, 100, 101, 256, 1000, 5000, 32768, 1e6], n, replace=False))
    trials = np.full(n, rng.choice([1, 3, 30, 1000, 10**6]))
    p = [rng.random(n), np.sort(rng.random(n)), rng.choice([0, 0.5, 1], n), np.full(n, 0.3)][rng.integers(4)]
    points = points_of_counts(l, rng.binomial(trials, p), trials)
    curve = fit(points, "likelihood").curve
    found = plausible_curves(points, Curve(max(curve.A, 1e-9), curve.b, curve.D), 50, rng)
    low, high = rate_bounds(points)
    assert ((found.A >= 0) & (found.D >= 0) & (found.A + found.D <= 1 + 1e-12)).all()
    assert ((low * (1 - 1e-12) <= found.b) & (found.b <= high * (1 + 1e-12))).all()
