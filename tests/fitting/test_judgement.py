from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from cvxtoken.fitting.accuracy import fit_accuracy
from cvxtoken.fitting.curve import Curve
from cvxtoken.fitting.estimate import fit
from cvxtoken.fitting.inference import Inference
from cvxtoken.fitting.judgement import judge
from cvxtoken.fitting.points import points_of_counts
from tests.fitting.data import BUDGETS, TRUTH, counts


def verdicts(truth: Curve, trials: int = 400, seeds: int = 40) -> list[str]:
    found = []
    for seed in range(seeds):
        points = points_of_counts(BUDGETS, counts(seed, trials, truth), [trials] * 7)
        found.append(judge(points, "likelihood", fit(points, "likelihood")).verdict)
    return found


def test_a_saturating_curve_fits() -> None:
    """At 1 % each, more than 7 of 40 wrong alarms for lag or misfit have a probability below 1e-6."""
    assert verdicts(TRUTH).count("fits") >= 33


def test_a_lag_is_seen() -> None:
    found = fit_accuracy(BUDGETS, counts(0, 400, Curve(0.6, 1.5e-3, 0.1, 700.0)), [400] * 7)
    assert found.verdict == "lag"
    assert found.lagged is not None
    assert found.lagged.lag == pytest.approx(700, abs=150)
    assert found.lagged_rmse < found.rmse / 2
    assert "nothing is gained below about" in found.judgement
    assert found.to_document()["lagged"]["lag"] == found.lagged.lag
    assert all(curve.lag > 300 for curve in found.draws(10, lagged=True))
    assert all(curve.lag == 0 for curve in found.draws(3))


def test_a_lag_below_the_first_budget_is_none() -> None:
    """It only changes what A and D are called."""
    budgets = BUDGETS[3:]
    p = Curve(0.4, 1e-3, 0.3, 500.0)(budgets)
    assert fit_accuracy(budgets, np.rint(p * 2000), [2000] * 4).verdict == "fits"


def test_a_flat_curve_is_flat() -> None:
    """At 5 %, more than 12 wrong alarms of 40 have a probability below 1e-6."""
    assert verdicts(Curve(0.0, 1e-3, 0.5)).count("flat") >= 28
    found = fit_accuracy(BUDGETS, [200] * 7, [400] * 7)
    assert found.verdict == "flat"
    assert np.isnan(found.standard_errors["saturation_rate"])
    assert found.intervals["saturation_rate"] == (0, np.inf)
    assert "b is not identified" in found.judgement
    assert found.to_document()["intervals"]["saturation_rate"] == [0, None]


def test_a_falling_curve_is_a_misfit() -> None:
    found = fit_accuracy(BUDGETS, [300, 280, 260, 240, 220, 200, 180], [400] * 7)
    assert found.verdict == "misfit"
    assert found.goodness_of_fit is not None
    assert found.goodness_of_fit < 1e-6


def test_without_counts_a_large_residual_is_a_misfit() -> None:
    wave = np.clip(TRUTH(BUDGETS) + 0.1 * (-1.0) ** np.arange(7), 0, 1)
    found = fit_accuracy(BUDGETS, accuracy=wave)
    assert (found.verdict, found.goodness_of_fit) == ("misfit", None)
    assert "no counts to test it with" in found.judgement


def test_the_test_of_fit_is_calibrated() -> None:
    """P-values of 200 true curves are uniform: a distance of 0.19 has a probability below 1e-6."""
    p = []
    for seed in range(200):
        points = points_of_counts(BUDGETS, counts(seed, 1000), [1000] * 7)
        p.append(Inference(points, "likelihood", fit(points, "likelihood")).goodness_of_fit())
    assert kstest(p, "uniform").statistic < 0.19


def test_bounds_are_named() -> None:
    low = fit_accuracy(BUDGETS, counts(0, 2000, Curve(0.6, 1e-3, 0.0)), [2000] * 7)
    assert low.judgement.startswith("at a bound: D is at its bound 0")
    full = fit_accuracy([0, 400, 800, 1600, 6400], [100, 280, 360, 398, 400], [400] * 5)
    assert "A + D is at its bound 1" in full.judgement
    step = fit_accuracy([0, 4000, 5000, 6000, 7000], [100, 300, 298, 301, 300], [400] * 5)
    assert "bounded from below only" in step.judgement


# measured curves, read off files whose sources stand in the study `validation/fits.py`
MEASURED = {
    "vista": ([256, 512, 1024, 2048, 4096, 8192], [0.477, 0.526, 0.612, 0.696, 0.718, 0.738], 1000, "fits"),
    "forced": ([0, 256, 512, 1024, 4096], [0.22667, 0.29333, 0.48, 0.74, 0.87333], 150, "lag"),
}


@pytest.mark.parametrize("name", MEASURED)
def test_measured_curves(name: str) -> None:
    budgets, accuracy, trials, verdict = MEASURED[name]
    assert fit_accuracy(budgets, accuracy=accuracy, trials=trials).verdict == verdict
