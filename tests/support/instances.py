"""Instances of the tests: those of the studies, and boxes so small that everything in them can be tried."""

from __future__ import annotations

import numpy as np

import cvxtoken
from validation.instances import changed, realistic, stress, varying

__all__ = ["boxed", "changed", "realistic", "stress", "varying"]


def boxed(seed: int) -> cvxtoken.Workload:
    """One to four types in a box so small that every whole allocation can be tried."""
    rng = np.random.default_rng([seed, 77])
    size = int(rng.integers(1, 5))
    top = {1: 200, 2: 20, 3: 9, 4: 5}[size]
    return realistic(seed, size).replace(
        max_tokens=rng.integers(1, top + 1, size) + rng.choice([0.0, 0.5], size),
        saturation_rate=10 ** rng.uniform(-2.5, 0, size),
        time_per_token=10 ** rng.uniform(-2.5, -0.5, size),
        accuracy_weight=10 ** rng.uniform(0, 3),
    )
