"""Data beyond float64: an uncertified answer, a mark or one sentence, never a bare arithmetic error."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest

import cvxtoken
from cvxtoken import CvxtokenError, verifier

ONE = cvxtoken.Workload(
    names=["a"],
    prior=[1.0],
    accuracy_gain=[0.5],
    saturation_rate=[1e-3],
    base_accuracy=[0.1],
    overhead=[0.1],
    time_per_token=[1e-3],
    max_tokens=1e4,
    arrival_rate=0.5,
    accuracy_weight=10.0,
)
EXTREME = [
    {"time_per_token": [1e300], "saturation_rate": [1.79e308]},
    {"deviation": [1e300]},
    {"deviation_per_token": [1e300], "time_per_token": [5e-324]},
    {"accuracy_weight": 1e300},
    {"arrival_rate": 1e300},
    {"overhead": [1e300], "arrival_rate": 1e300},
    {"overhead": [0.0], "arrival_rate": 2.2e-308, "deviation": [1e300]},
    {"saturation_rate": [5e-324], "accuracy_gain": [5e-324]},
]


@pytest.mark.parametrize("change", EXTREME)
def test_extreme_numbers_end_in_an_answer_or_a_sentence(change: dict[str, object]) -> None:
    w = ONE.replace(**change)
    many = cvxtoken.solve_many([w, ONE])
    assert many.status[1] == 0
    assert many.status[0] in (0, 1, 2)
    tasks = [
        cvxtoken.solve,
        cvxtoken.Tracker,
        lambda w: cvxtoken.solve(w, max_mean_wait=1e-3),
        lambda w: cvxtoken.solve_robust(cvxtoken.Ensemble([w])),
        lambda w: cvxtoken.solve_lagged(cvxtoken.LaggedWorkload(w, [10.0]), time_limit=5),
        lambda w: cvxtoken.solve_pooled(w, 1),
        lambda w: cvxtoken.solve_pooled(w, 3, time_limit=5),
    ]
    for task in tasks:
        with suppress(CvxtokenError):
            found = task(w)
            if isinstance(found, cvxtoken.Reference):
                assert verifier.check(found.certificate.to_document()).startswith("proven")
            if isinstance(found, cvxtoken.Tracker):
                assert np.isfinite(found.budgets.tokens).all()
