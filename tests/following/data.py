"""A workload of two types and synthetic arrivals."""

from __future__ import annotations

import numpy as np

from cvxtoken import Workload
from cvxtoken.arrays import FloatArray


def pair(rate: float = 0.2) -> Workload:
    return Workload(
        names=["chat", "code"],
        prior=[0.7, 0.3],
        accuracy_gain=[0.4, 0.6],
        saturation_rate=[2e-3, 1e-3],
        base_accuracy=[0.3, 0.1],
        overhead=[0.1, 0.2],
        time_per_token=[0.002, 0.002],
        arrival_rate=rate,
        accuracy_weight=30.0,
        max_tokens=4096,
    )


def arrivals(
    seed: int, rates: list[float], seconds: float, chat: float = 0.7
) -> tuple[FloatArray, list[int]]:
    """Poisson arrivals whose rate changes after every so many seconds; 0 is chat."""
    rng = np.random.default_rng(seed)
    times = np.concatenate(
        [
            np.sort(rng.uniform(place * seconds, (place + 1) * seconds, rng.poisson(rate * seconds)))
            for place, rate in enumerate(rates)
        ]
    )
    return times, (rng.random(len(times)) > chat).astype(int).tolist()
