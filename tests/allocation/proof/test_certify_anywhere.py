"""Bounds from allocations far from the optimum: the published ones leave the checker its room there, too."""

from __future__ import annotations

import pytest

import cvxtoken
from cvxtoken import verifier


@pytest.mark.parametrize("idle", [1e-3, 1e-9, 1e-14])
@pytest.mark.parametrize("deviation_per_token", [0.0, 1.0, 1e6])
@pytest.mark.parametrize("weight", [1e-30, 1e-3, 1.0])
def test_what_is_certified_without_overheads_is_accepted(
    weight: float, deviation_per_token: float, idle: float
) -> None:
    """Nearly all of -J and of its bound is then delay, which is far more than all there is to gain."""
    for prior in ([1.0], [0.3, 0.7]):
        w = cvxtoken.Workload(
            names=["a", "b"][: len(prior)],
            prior=prior,
            accuracy_gain=[0.7] * len(prior),
            saturation_rate=[0.013] * len(prior),
            base_accuracy=[0.1] * len(prior),
            overhead=[0.0] * len(prior),
            time_per_token=[0.3] * len(prior),
            arrival_rate=0.1,
            accuracy_weight=weight,
            max_tokens=1e5,
            deviation_per_token=deviation_per_token,
        )
        certificate = cvxtoken.certify(w, [(1 - idle) / 0.03] * len(prior))
        assert verifier.check(certificate.to_document()).startswith("proven")
