"""Continuous batching beside the other disciplines. Fixed seeds; false alarms below 1e-6."""

from __future__ import annotations

import numpy as np
import pytest

from cvxtoken import Fifo, ProblemError, Sharing, UnstableError
from cvxtoken.batching import (
    BatchingProblem,
    BatchTime,
    compare,
    continuous,
    continuous_rate,
)
from cvxtoken.batching.comparison import Comparison, Entry
from cvxtoken.batching.continuous import shared_server
from cvxtoken.batching.model import delays
from cvxtoken.estimates import Estimate
from cvxtoken.lengths import LengthDistribution
from cvxtoken.queueing import pollaczek_khinchine

SHORT = BatchingProblem(
    lengths=LengthDistribution.uniform(1, 60),
    batch_time=BatchTime(k1=0.02, k2=0.02, k3=0.002, k4=0.02),
    arrival_rate=3.0,
    max_batch=49,
)


def test_one_set_of_constants_gives_the_law() -> None:
    server = shared_server(SHORT.linear)
    assert (server.sigma, server.overhead) == pytest.approx((0.002 / 0.022, 1.0))
    found = continuous(SHORT)
    x, lam, t0 = 30.5, 3.0, 0.04
    y = 1 - lam * (t0 + 0.002 * x)
    assert found.law == pytest.approx((t0 + 0.022 * x) / y, rel=1e-12)
    assert (found.time_per_token, found.overhead) == pytest.approx((0.022, t0))
    assert found.utilization == pytest.approx(1 - y)
    assert found.mean_running == pytest.approx(lam * found.law)


@pytest.mark.parametrize("overhead", [1.0, 0.002 / 0.022])
def test_the_law_is_within_its_claim_of_the_simulation(overhead: float) -> None:
    """1.5 %, apart from 6 standard errors; half an iteration that an arrival waits is a part of it."""
    q = SHORT.replace(lengths=LengthDistribution.uniform(1, 200), arrival_rate=2.2)
    found = continuous(q, Sharing(0.002 / 0.022, overhead), num_requests=30_000)
    assert found.claimed
    assert found.simulated is not None
    half = (found.simulated.high - found.simulated.low) / 2
    assert abs(found.simulated.value - found.law) <= 3 * half + 0.015 * found.law
    assert half < 0.03 * found.law


def test_where_the_law_is_not_claimed_the_simulation_stands() -> None:
    capped = continuous(SHORT.replace(max_batch=3), num_requests=10_000)
    assert capped.above_cap > 1e-3
    assert not capped.claimed
    assert capped.simulated is not None
    assert capped.mean_system_time == capped.simulated.value > 1.05 * capped.law
    assert "not claimed" in str(capped)
    assert np.isnan(continuous(SHORT.replace(max_batch=3)).mean_system_time)
    blocked = continuous(SHORT.replace(batch_time=BatchTime(0.2, 0.02, 0.002, 0.02), arrival_rate=2.0))
    assert blocked.above_cap < 1e-3
    assert not blocked.claimed, "prompts block for 44 % of the time"
    document = capped.to_document()
    assert document["mean_system_time"]["low"] < document["mean_system_time"]["simulated"]


def test_a_cap_of_one_is_one_request_at_a_time() -> None:
    q = SHORT.replace(max_batch=1, arrival_rate=0.9)
    times = 0.04 + 0.022 * np.arange(1, 61)
    wait = float(pollaczek_khinchine(0.9, np.mean(times**2), 1 - 0.9 * times.mean()))
    seen = continuous(q, num_requests=40_000).simulated
    assert seen is not None
    assert abs(seen.value - wait - times.mean()) <= 3 * (seen.high - seen.low) / 2
    assert delays(q, "dynamic").mean_system_time == pytest.approx(wait + times.mean())
    assert continuous_rate(q, 1) == pytest.approx(1 / times.mean())


def test_the_largest_rate_is_that_of_a_full_batch() -> None:
    """A batch of 49 makes 49 tokens in k4 + 49 k3 seconds; prompts block, or are worked off as tokens are."""
    step, x, t0 = 0.02 + 49 * 0.002, 30.5, 0.04
    assert continuous_rate(SHORT, 49) == pytest.approx(1 / (t0 + step / 49 * x))
    chunked = Sharing(0.002 / 0.022, 0.002 / 0.022)
    assert continuous_rate(SHORT, 49, chunked) == pytest.approx(49 / step / (x + t0 / 0.022))
    for server in (None, chunked):
        limit = continuous_rate(SHORT, 49, server)
        with pytest.raises(UnstableError, match=r"continuous batches of up to 49 keep up with less than \d"):
            continuous(SHORT.replace(arrival_rate=1.001 * limit), server)


@pytest.mark.parametrize(
    ("server", "message"),
    [
        (Fifo(), "server is of kind 'fifo', which takes one request at a time; batches need 'sharing'"),
        (Sharing(0.0909, replicas=2), "server has 2 replicas, but batches are those of one"),
        (Sharing(0.2), "server says sigma = 0.2, but batch_time says k3 / (k3 + k4) = 0.0909091"),
    ],
)
def test_a_server_must_not_contradict_the_batch_times(server: object, message: str) -> None:
    with pytest.raises(ProblemError) as caught:
        continuous(SHORT, server)  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_bad_requests() -> None:
    assert continuous(SHORT, Sharing(0.0909)).law == pytest.approx(continuous(SHORT).law, rel=1e-3)
    with pytest.raises(ProblemError, match=r"overhead of the server is 0\.5; to be simulated"):
        continuous(SHORT, Sharing(0.0909, 0.5), num_requests=1000)
    with pytest.raises(ProblemError, match="k3 and k4 are 0"):
        shared_server(BatchTime(0.1, 0.1, 0, 0))
    with pytest.raises(ProblemError, match="must be given by k1, k2, k3 and k4"):
        continuous(SHORT.replace(batch_time=lambda b, lengths: lengths))
    for rates in ([], [0.0], [-1.0], [np.nan], [[1.0]]):
        with pytest.raises(ProblemError, match="rates is"):
            compare(SHORT, rates)


def test_compared_on_the_same_numbers() -> None:
    p = SHORT.replace(batch_time=BatchTime(0.02, 0.0, 0.002, 0.02), max_batch=8)
    top = continuous_rate(p, 8)
    found = compare(p, [0.1 * top, 0.85 * top], num_requests=5000)
    entries = {name: row[0] for name, row in found.entries.items()}
    at = p.replace(arrival_rate=0.1 * top)
    for name in ("dynamic", "fixed", "elastic"):
        best = min(delays(at, name, b).mean_system_time for b in range(1, 9))
        assert entries[name].mean_system_time == pytest.approx(best, rel=0.02)
        assert found.entries[name][1].mean_system_time == np.inf
    assert entries["continuous"].mean_system_time == continuous(at).law
    last = found.entries["continuous"][1]
    assert last.simulated is not None
    assert found.winner(1) == ("continuous", np.inf)
    assert found.to_document()["rates"][1]["fixed"]["mean_system_time"] is None
    assert "unstable" in str(found)


def test_noise_is_no_winner_and_none_may_keep_up() -> None:
    nothing = Comparison(SHORT, (9.0,), {name: (Entry(np.inf, 0),) for name in ("dynamic", "continuous")})
    assert nothing.winner(0)[0] == ""
    assert "none keeps up" in str(nothing)
    near = Entry(1.0, 4, Estimate(1.0, 0.9, 1.1))
    for other, name in ((1.05, ""), (1.2, "continuous"), (0.8, "dynamic")):
        pair = {"dynamic": (Entry(other, 4),), "continuous": (near,)}
        assert Comparison(SHORT, (1.0,), pair).winner(0)[0] == name
