from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.special import xlogy

from cvxtoken import ProblemError
from cvxtoken.fitting.accuracy import NAMES, fit_accuracy
from cvxtoken.fitting.curve import Curve
from cvxtoken.fitting.estimate import fit
from cvxtoken.fitting.inference import Inference
from cvxtoken.fitting.points import points_of_accuracies, points_of_counts
from tests.fitting.data import BUDGETS, TRUTH, counts
from tests.support.thorough import part, some

TRIALS = np.full(len(BUDGETS), 400.0)


def deviance(curve: Curve, l: np.ndarray, k: np.ndarray, n: np.ndarray) -> float:
    """Written out anew."""
    p, y = np.clip(curve(l), 1e-12, 1 - 1e-12), k / n
    return float(2 * (xlogy(k, y / p) + xlogy(n - k, (1 - y) / (1 - p))).sum())


@pytest.mark.parametrize("method", ["likelihood", "least_squares"])
@pytest.mark.parametrize("seed", some(range(10), 3))
def test_no_curve_of_a_fine_grid_is_better(seed: int, method: str) -> None:
    """Also where the best curve stands at a bound, and from data that no curve made."""
    rng = np.random.default_rng(seed)
    k = counts(seed) if seed % 2 else rng.integers(0, 401, len(BUDGETS)).astype(float)
    found = fit(points_of_counts(BUDGETS, k, TRIALS), method)
    gain, base = np.meshgrid(np.linspace(0, 1, 61), np.linspace(0, 1, 61))
    inside = gain + base <= 1 + 1e-12
    gain, base = gain[inside], base[inside]
    assert 0 <= found.curve.A <= 1 - found.curve.D + 1e-12
    assert found.curve.D >= 0
    for b in 10 ** np.linspace(-6.5, -1, 111):
        p = base[:, None] + gain[:, None] * -np.expm1(-b * BUDGETS)
        p = np.clip(p, 1e-12, 1 - 1e-12)
        if method == "likelihood":
            y = k / 400
            grid = 2 * (xlogy(k, y / p) + xlogy(400 - k, (1 - y) / (1 - p))).sum(axis=1)
        else:
            grid = 1e4 * ((p - k / 400) ** 2).sum(axis=1)
        assert found.loss <= grid.min() + 1e-7
    if method == "likelihood":
        assert found.loss == pytest.approx(deviance(found.curve, BUDGETS, k, TRIALS), abs=1e-8)


@settings(max_examples=20)
@given(st.floats(0.2, 0.6), st.floats(-3.3, -2.3), st.floats(0.05, 0.35), st.floats(500, 2500) | st.just(0.0))
@example(0.5, -2.625, 0.25, 2337.0)  # the best start lies on the wrong side of a budget
def test_curves_without_noise_are_found_again(A: float, log_b: float, D: float, lag: float) -> None:
    l = np.array([0, 100, 200, 400, 800, 1200, 1600, 2400, 3200, 4800, 6400, 12800.0])
    truth = Curve(A, 10**log_b, D, lag)
    for method in ("likelihood", "least_squares"):
        found = fit(points_of_accuracies(l, truth(l), 1000), method, lagged=lag > 0).curve
        # where the loss is flat the descent ends at a deviance of about 1e-5, of 1000 trials a point
        assert found(l) == pytest.approx(truth(l), abs=1e-4)
        if lag == 0:
            assert (found.A, found.b, found.D) == pytest.approx((A, truth.b, D), rel=2e-3)


def test_slopes_are_derivatives() -> None:
    curve, l = Curve(0.5, 1e-3, 0.2, 300.0), np.array([0.0, 100, 400, 900, 5000])
    step = 1e-6
    moved = [
        Curve(0.5 + step, 1e-3, 0.2, 300.0),
        Curve(0.5, 1e-3 * np.exp(step), 0.2, 300.0),
        Curve(0.5, 1e-3, 0.2 + step, 300.0),
        Curve(0.5, 1e-3, 0.2, 300.0 + step),
    ]
    for slope, other in zip(curve.slopes(l), moved, strict=True):
        assert slope == pytest.approx((other(l) - curve(l)) / step, rel=1e-4, abs=1e-9)


def test_standard_errors_are_the_spread_of_refits() -> None:
    found = []
    for seed in range(60):
        points = points_of_counts(BUDGETS, counts(seed, 4000), [4000] * 7)
        found.append(Inference(points, "likelihood", fit(points, "likelihood")))
    for place, (symbol, true) in enumerate(zip("AbD", (TRUTH.A, TRUTH.b, TRUTH.D), strict=True)):
        values = [getattr(one.estimate.curve, symbol) for one in found]
        stated = np.mean([one.standard_errors()[place] for one in found])
        assert np.std(values) == pytest.approx(stated, rel=0.45), "60 draws: 5 standard deviations"
        assert np.mean(values) == pytest.approx(true, abs=5 * stated / 60**0.5)


def test_profile_ends_are_where_the_loss_has_risen() -> None:
    k = counts(3)
    found = fit_accuracy(BUDGETS, k, TRIALS)
    points = points_of_counts(BUDGETS, k, TRIALS)
    for symbol, name in zip("AbD", NAMES, strict=True):
        for end in found.intervals[name]:
            rise = fit(points, "likelihood", fixed={symbol: end}).loss - found.loss
            assert rise == pytest.approx(2.7055, rel=1e-3), "the 90 % point of chi-square"
    low, high = found.intervals["accuracy_gain"]
    assert low < found.accuracy_gain < high


def test_intervals_end_at_the_bounds_where_the_data_do_not() -> None:
    few = fit_accuracy([0, 4000, 8000], [10, 35, 36], [50] * 3)
    assert few.intervals["saturation_rate"][1] == np.inf
    assert few.verdict == "too few points"
    line = fit_accuracy([0, 10, 20, 30], [0, 100, 200, 300], [1000] * 4)
    assert line.intervals["accuracy_gain"][1] == 1
    bound = fit_accuracy(BUDGETS, counts(1, 2000, Curve(0.8, 1e-3, 0.0)), [2000] * 7)
    assert bound.base_accuracy == 0
    assert np.isnan(bound.standard_errors["base_accuracy"])
    assert bound.intervals["base_accuracy"][0] == 0
    assert bound.verdict == "at a bound"
    assert bound.to_document()["standard_errors"]["base_accuracy"] is None


def test_repeated_samples_of_a_question_widen_the_intervals() -> None:
    """Every answer five times over: five times the rows, and no more knowledge."""
    rng = np.random.default_rng(0)
    l, q = np.repeat(BUDGETS, 200), np.tile(np.arange(200), 7)
    right = (rng.random(len(l)) < TRUTH(l)).astype(int)
    once = fit_accuracy(l, right, questions=q)
    again = [np.repeat(column, 5) for column in (l, right, q)]
    five = fit_accuracy(again[0], again[1], questions=again[2])
    naive = fit_accuracy(again[0], again[1])
    for name in NAMES:
        assert getattr(five, name) == pytest.approx(getattr(once, name), rel=1e-3)
        assert five.standard_errors[name] == pytest.approx(once.standard_errors[name], rel=0.02)
        assert naive.standard_errors[name] == pytest.approx(once.standard_errors[name] / 5**0.5, rel=0.2)
        widths = [np.diff(found.intervals[name])[0] for found in (once, five)]
        assert widths[1] == pytest.approx(widths[0], rel=0.05)
    assert five.goodness_of_fit == pytest.approx(once.goodness_of_fit, abs=0.05)


def test_bootstrap_intervals_are_near_profile_ones() -> None:
    k = counts(5, 1500)
    profile = fit_accuracy(BUDGETS, k, [1500] * 7)
    drawn = fit_accuracy(BUDGETS, k, [1500] * 7, intervals="bootstrap")
    for name in NAMES:
        width = np.diff(profile.intervals[name])[0]
        assert drawn.intervals[name] == pytest.approx(profile.intervals[name], abs=0.25 * width)


def test_draws_by_question_spread_as_the_standard_errors_say() -> None:
    rng = np.random.default_rng(4)
    l, q = np.repeat(BUDGETS, 300), np.tile(np.arange(300), 7)
    ability = rng.random(300)  # a question is easy or hard at every budget
    right = (ability[q] < TRUTH(l)).astype(int)
    found = fit_accuracy(l, right, questions=q)
    curves = found.draws(100, seed=1)
    for name, symbol in zip(NAMES, "AbD", strict=True):
        spread = np.std([getattr(curve, symbol) for curve in curves])
        assert spread == pytest.approx(found.standard_errors[name], rel=0.4)
    assert found.draws(2, seed=1) == curves[:2]


@settings(max_examples=part(30, 3))
@given(st.integers(0, 10**6))
def test_any_data_give_a_fit_in_its_bounds(seed: int) -> None:
    """Few answers, all right or all wrong, no noise, nothing identified: intervals hold the fit."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 8))
    l = np.sort(rng.choice([0, 1, 5, 100, 101, 256, 1000, 5000, 32768, 1e6], n, replace=False))
    trials = np.full(n, rng.choice([1, 3, 30, 1000, 10**6]))
    shares = [
        rng.random(n),
        np.sort(rng.random(n)),
        rng.choice([0, 0.5, 1], n),
        np.full(n, rng.choice([0, 0.3])),
    ]
    p = shares[rng.integers(4)]
    kind = rng.integers(3)
    if kind == 0:
        found = fit_accuracy(l, rng.binomial(trials, p), trials)
    elif kind == 1:
        found = fit_accuracy(l, accuracy=p)
    else:
        rows = np.concatenate([np.arange(n), rng.integers(n, size=40)])
        questions = rng.integers(rng.choice([1, 2, 10, 40]), size=len(rows))
        found = fit_accuracy(l[rows], (rng.random(len(rows)) < p[rows]).astype(int), questions=questions)
    assert 0 <= found.accuracy_gain <= 1 - found.base_accuracy + 1e-9
    for name, (low, high) in found.intervals.items():
        assert low <= getattr(found, name) * (1 + 1e-6) + 1e-9
        assert getattr(found, name) <= high * (1 + 1e-6) + 1e-9
    low, high = found.band(l)
    assert (low <= high).all()
    assert found.to_document()["verdict"] == found.verdict


def test_few_questions_are_drawn_until_three_budgets_are_left() -> None:
    found = fit_accuracy([0, 100, 200, 300], [0, 1, 1, 1], questions=["a", "b", "c", "d"])
    assert all(0 <= curve.A <= 1 for curve in found.draws(50))


def test_band_holds_the_truth() -> None:
    found = fit_accuracy(BUDGETS, counts(2), TRIALS, confidence=0.999)
    low, high = found.band([100, 1000, 5000])
    true = TRUTH(np.array([100.0, 1000, 5000]))
    assert (low <= true).all()
    assert (true <= high).all()
    assert (high - low < 0.25).all()


def test_three_ways_to_give_the_same_measurements() -> None:
    k = counts(6, 100)
    rows = [(l, int(i < right)) for l, right in zip(BUDGETS, k, strict=True) for i in range(100)]
    by_rows = fit_accuracy(*map(list, zip(*rows, strict=True)))
    by_counts = fit_accuracy(BUDGETS, k, [100] * 7)
    by_shares = fit_accuracy(BUDGETS, accuracy=k / 100, trials=100)
    assert by_rows.curve == by_counts.curve
    assert by_shares.accuracy_gain == pytest.approx(by_counts.accuracy_gain, rel=1e-5)
    assert by_counts.method == "likelihood"
    assert fit_accuracy(BUDGETS, accuracy=k / 100).method == "least_squares"
    halves = fit_accuracy(np.tile(BUDGETS, 2), np.tile(k, 2), [100] * 14)
    assert halves.accuracy_gain == pytest.approx(by_counts.accuracy_gain, rel=1e-3)
    assert halves.standard_errors[NAMES[0]] < by_counts.standard_errors[NAMES[0]]


def test_very_many_budgets_are_gathered() -> None:
    rng = np.random.default_rng(0)
    l = rng.uniform(0, 8000, 50_000)
    found = fit_accuracy(l, (rng.random(50_000) < TRUTH(l)).astype(int))
    assert len(found.points) == 400
    for name, true in zip(NAMES, (TRUTH.A, TRUTH.b, TRUTH.D), strict=True):
        assert getattr(found, name) == pytest.approx(true, abs=4 * found.standard_errors[name])
    assert found.verdict == "fits"


def test_least_squares_without_counts_has_error_bars_from_its_residuals() -> None:
    y = np.clip(TRUTH(BUDGETS) + 0.01 * np.random.default_rng(0).normal(size=7), 0, 1)
    found = fit_accuracy(BUDGETS, accuracy=y)
    inference = Inference(found.points, "least_squares", fit(found.points, "least_squares"))
    J = found.curve.slopes(BUDGETS)[:3].T
    V = np.linalg.inv(J.T @ J) * float(found.residuals @ found.residuals) / 4
    assert inference.covariance[0] == pytest.approx(V, rel=1e-4)
    exact = fit_accuracy([0, 500, 4000], accuracy=[0.2, 0.4, 0.7])
    assert exact.verdict == "too few points"
    assert exact.intervals["saturation_rate"] == (0, np.inf)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"accuracy": [0.1, 0.2, 1.3, 0.4]}, "accuracy is 1.3 in row 3; it must be from 0 to 1"),
        ({"accuracy": [0.1, -0.2, 0.3, 0.4]}, "accuracy is -0.2 in row 2"),
        ({"accuracy": [0.1, np.nan, 0.3, 0.4]}, "accuracy is nan in row 2; it must be finite"),
        ({"correct": [1, 2, 9, 4], "trials": [5] * 4}, "correct is 9 of 5 trials in row 3"),
        ({"correct": [1, 2, -3, 4], "trials": [5] * 4}, "correct is -3 in row 3; it must not be negative"),
        ({"correct": [0, 0, 0, 0], "trials": [5, 5, 0, 5]}, "trials is 0 in row 3; it must be positive"),
        ({"correct": [1, 2, 3, 4]}, "correct is 2 in row 2; it must be from 0 to 1, or come with trials"),
        ({"correct": [1, 1, 0], "trials": [5] * 3}, "correct has 3 numbers and budgets 4"),
        ({"correct": ["a", 1, 0, 1]}, "correct is ['a', 1, 0, 1]; it must be a list of numbers"),
        ({"correct": [1, 1, 0, 0], "questions": [1, 2]}, "questions has shape (2,)"),
        ({"correct": [1, 1, 0, 0], "accuracy": [1, 1, 0, 0]}, "one of correct and accuracy"),
        ({}, "one of correct and accuracy"),
        ({"accuracy": [0.1] * 4, "method": "likelihood"}, "method is 'likelihood'; it needs correct and"),
        ({"accuracy": [0.1] * 4, "method": "bayes"}, "method is 'bayes'"),
        ({"accuracy": [0.1] * 4, "intervals": "wald"}, "intervals is 'wald'"),
        ({"accuracy": [0.1] * 4, "confidence": 90}, "confidence is 90"),
    ],
)
def test_bad_data(arguments: dict, message: str) -> None:
    with pytest.raises(ProblemError) as caught:
        fit_accuracy([0, 1, 2, 3], **arguments)
    assert message in str(caught.value)


def test_too_few_budgets_say_how_many_are_needed() -> None:
    with pytest.raises(ProblemError, match="2 distinct values; at least 3 are needed"):
        fit_accuracy([0, 1, 1, 0], [1, 2, 3, 4], [5] * 4)
    with pytest.raises(ProblemError, match="budgets is -1 in row 1"):
        fit_accuracy([-1, 1, 2, 0], [1, 2, 3, 4], [5] * 4)
