"""Optima whose bits are the same everywhere: as good as those of `solve_many`, and proven."""

from __future__ import annotations

import hashlib

import numpy as np

from cvxtoken import Sharing, Workload, Workloads, solve_many
from cvxtoken.allocation.many.portable import solve_portably
from tests.allocation.many.test_prove import drawn, nasty


def whole_numbers() -> list[Workload]:
    """Workloads of short decimals, two of which are not stable."""
    rng, found = np.random.default_rng(9), []
    for number, server in enumerate([None, Sharing(0.125), Sharing(0.0), None] * 10):
        size = 1 + number % 5
        arrays = {
            "prior": np.full(size, 1 / size),
            "accuracy_gain": rng.integers(1, 9, size) / 10,
            "saturation_rate": rng.integers(1, 99, size) / 2**15,
            "base_accuracy": np.zeros(size),
            "overhead": rng.integers(1, 9, size) / 16,
            "time_per_token": rng.integers(1, 99, size) / 2**14,
            "max_tokens": 2.0 ** rng.integers(9, 16, size),
        }
        rate = 20.0 if number in (3, 17) else rng.integers(1, 16) / 16 / max(arrays["overhead"])
        kind = {} if server is None else {"server": server}
        found.append(
            Workload(
                names=[f"type {k}" for k in range(size)],
                **arrays,
                arrival_rate=rate,
                accuracy_weight=float(4 ** rng.integers(0, 8)),
                **kind,
            )
        )
    return found


def test_bits_are_those_of_every_machine() -> None:
    found = solve_portably(Workloads.of(whole_numbers()))
    digest = hashlib.sha256()
    for values in (np.nan_to_num(found.tokens), found.lower, found.upper, found.gap):
        digest.update(values.astype(">f8").tobytes())
    assert np.isfinite(found.gap).sum() == 38
    assert not np.isfinite(found.tokens[[3, 17]]).any()
    assert digest.hexdigest() == "d189519bcecca35d73d9699f0dd2b3ac2e20a25b83f6dceba4a920da7193d783"


def test_optima_are_as_near_as_those_of_solve_many() -> None:
    rng = np.random.default_rng(10)
    data = Workloads.of([*drawn(rng, 30), *drawn(rng, 10, random=True), *nasty().values()])
    ours, other = solve_portably(data), solve_many(data, prove=True).proven
    assert other is not None
    assert (ours.lower <= other.upper).all()
    assert (other.lower <= ours.upper).all()
    size = 1 + np.abs(other.lower)
    finite = np.isfinite(other.gap)
    assert (ours.gap[finite] <= np.maximum(1e-20 * size, 3 * other.gap)[finite]).all()
    assert np.isfinite(ours.gap).sum() >= finite.sum()
