"""Fixed seeds; intervals of 95 % are widened threefold, some 6 sigma: false alarms below 1e-6."""

from __future__ import annotations

import numpy as np
import pytest

from cvxtoken import ProblemError, UnstableError
from cvxtoken.batching import BatchingProblem, BatchTime, default_problem, simulate
from cvxtoken.batching.problem import DISCIPLINES
from cvxtoken.batching.simulation import elastic_stays, run_path, sample_path
from cvxtoken.lengths import LengthDistribution
from tests.batching.test_model import small


@pytest.mark.parametrize("discipline", DISCIPLINES)
@pytest.mark.parametrize("rate", [0.05, 0.12])
def test_analysis_and_simulation_agree(discipline: str, rate: float) -> None:
    p = default_problem().replace(arrival_rate=rate, max_batch=8)
    found = simulate(p, discipline, num_requests=30_000, seed=1)
    for value in (found.mean_system_time, found.mean_batch):
        assert value.predicted is not None
        assert abs(value.value - value.predicted) <= 3 * (value.high - value.low) / 2 + 1e-12


@pytest.mark.parametrize("discipline", DISCIPLINES)
def test_lognormal_lengths(discipline: str) -> None:
    p = small(0.7).replace(lengths=LengthDistribution.lognormal(1.0, 0.8, 40), max_batch=16)
    found = simulate(p, discipline, num_requests=200_000, seed=2)
    value = found.mean_system_time
    assert value.predicted is not None
    assert abs(value.value - value.predicted) <= 3 * (value.high - value.low) / 2


def test_the_counterexample_to_elastic_being_faster_on_every_path() -> None:
    p = BatchingProblem(
        lengths=LengthDistribution.uniform(1, 9), batch_time=BatchTime(0, 100.0, 0.1, 0), arrival_rate=1e-3
    )
    arrivals, lengths = [0.0, 0.0, 50.0, 101.2], [9.0, 1.0, 5.0, 5.0]
    means = {d: float(run_path(p, d, 64, arrivals, lengths)[0].mean()) for d in ("dynamic", "elastic")}
    assert means["elastic"] == pytest.approx(138.4, abs=0.05)
    assert means["dynamic"] == pytest.approx(114.5, abs=0.05)


def test_elastic_is_not_slower_in_the_mean() -> None:
    """On the same paths; the interval of the difference is not wholly above 0."""
    p = default_problem().replace(max_batch=8)
    elastic, dynamic = (
        simulate(p, d, num_requests=60_000, seed=3, predict=False) for d in ("elastic", "dynamic")
    )
    assert (elastic.per_replication < dynamic.per_replication).all()


def test_at_the_same_epochs_elastic_is_never_slower() -> None:
    p = default_problem()
    rng = np.random.default_rng(4)
    for _ in range(200):
        lengths = rng.integers(1, 1001, rng.integers(1, 33)).astype(float)
        stays, duration = elastic_stays(p.linear, lengths)
        whole = float(p.times(len(lengths))[int(lengths.max()) - 1])
        assert stays.max() == duration <= whole * (1 + 1e-12)


def test_disciplines_share_their_paths() -> None:
    p = small()
    one, two = (sample_path(p, 50, rng) for rng in (np.random.default_rng(1), np.random.default_rng(1)))
    assert one[0].tolist() == two[0].tolist()
    assert one[1].tolist() == two[1].tolist()
    assert simulate(p, "dynamic", 1, 5000, 1).per_replication.tolist() == pytest.approx(
        simulate(p, "fixed", 1, 5000, 1).per_replication.tolist()
    )
    assert set(one[1]) <= {1.0, 3.0, 4.0}


def test_bad_requests() -> None:
    for arguments in ({"num_requests": 100}, {"seed": -1}, {"replications": 1}):
        with pytest.raises(ProblemError, match="num_requests, replications and seed are"):
            simulate(small(), **arguments)
    with pytest.raises(UnstableError):
        simulate(small(5.0))
