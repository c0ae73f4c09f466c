"""Service times that vary: the data of a workload, its closed forms and its simulation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken import ProblemError
from cvxtoken.allocation import model
from tests.support import truth
from tests.support.instances import realistic, varying
from tests.support.thorough import some
from tests.support.truth import exact

BASE = cvxtoken.load("qwen3-8b")
VARYING = varying(BASE)
RANDOM = [varying(realistic(seed, size), seed) for seed in some(range(6), 2) for size in (1, 6, 50)]
COLUMNS = ("accuracy_gain", "saturation_rate", "base_accuracy", "overhead", "time_per_token", "max_tokens")


# --- the data -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("deviation", -0.1, "deviation is -0.1; it must be finite and not negative"),
        ("deviation", [0, 0, float("nan"), 0, 0], "deviation of 'GPQA Diamond' is nan; it must be finite"),
        (
            "deviation_per_token",
            [0.1],
            r"deviation_per_token has shape \(1,\); it must have one number a name",
        ),
        ("deviation_per_token", "much", "deviation_per_token is 'much'; it must be a number"),
    ],
)
def test_bad_deviations_are_refused(field: str, value: Any, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        BASE.replace(**{field: value})


def test_without_deviations_nothing_changes() -> None:
    plain = BASE.replace(deviation=0.0, deviation_per_token=[0.0] * 5)
    assert plain == BASE
    assert not plain.is_random
    assert "deviation" not in plain.to_instance()
    assert "deviation" not in plain.to_document()["task"][0]
    assert not plain.replace(names=["a"], **{f: getattr(BASE, f)[:1] for f in COLUMNS}, prior=[1.0]).is_random


@pytest.mark.parametrize("ending", ["toml", "json"])
def test_files_hold_deviations(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"w.{ending}"
    only_one = BASE.replace(deviation=[0, 0.25, 0, 0, 0])
    for w in (VARYING, only_one):
        w.save(path)
        assert cvxtoken.Workload.load(path) == w != BASE
    text = path.read_text()
    assert "0.25" in text
    assert "deviation_per_token" not in text


# --- the closed forms -----------------------------------------------------------------------------------


@pytest.mark.parametrize("w", RANDOM[:6])
def test_objective_and_gradient_are_the_definition(w: cvxtoken.Workload) -> None:
    l = 0.7 * cvxtoken.solve(w).tokens + 0.1
    assert float(model.objective(w, l)) == pytest.approx(float(truth.objective(w, l)), rel=1e-12)
    slope = [float(x) for x in truth.gradient(w, [exact(x) for x in l])]
    scale = np.abs(w.accuracy_weight * w.prior * w.accuracy_gain * w.saturation_rate).max()
    assert model.gradient(w, l) == pytest.approx(slope, rel=1e-9, abs=1e-12 * scale)
    h = 1e-4
    columns = [(model.gradient(w, l + d) - model.gradient(w, l - d)) / (2 * h) for d in h * np.eye(len(w))]
    dense = model.hessian(w, l).dense()
    assert np.array(columns) == pytest.approx(dense, rel=1e-4, abs=1e-6 * np.abs(dense).max())


def test_the_simulated_queue_waits_as_predicted() -> None:
    """Each estimate is within 5 standard errors of 20 replications: a false alarm in 1e-4 at most a seed."""
    tokens = cvxtoken.solve(VARYING).tokens
    found = cvxtoken.simulate(VARYING.replace(arrival_rate=0.3), tokens, 400_000, seed=3)
    for value in (found.mean_wait, found.mean_system_time, found.utilization):
        half_width = (value.high - value.low) / 2
        assert abs(value.value - value.predicted) <= 2.5 * half_width
    certain = cvxtoken.simulate(BASE.replace(arrival_rate=0.3), tokens, 400_000, seed=3)
    assert found.mean_wait.low > certain.mean_wait.high


def test_a_mean_time_of_zero_cannot_vary() -> None:
    w = BASE.replace(overhead=np.zeros(5), deviation=0.5)
    with pytest.raises(ProblemError, match=r"deviation of 'AIME 2024' gives 0\.5 s at a mean service"):
        cvxtoken.simulate(w, np.zeros(5), 1000)
