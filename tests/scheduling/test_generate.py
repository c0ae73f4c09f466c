"""Seeds are fixed; the bands of means are 6 standard deviations wide: false alarms below 1e-6."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cvxtoken import ProblemError
from cvxtoken.scheduling import (
    Requests,
    a_min,
    default_requests,
    geometric,
    hindsight_shortest_first,
    model_1,
    model_2,
    predict_buckets,
    predict_interval,
    predict_relative,
    two_point,
    uniform,
)


@pytest.mark.parametrize(
    ("make", "support", "interval", "mean", "deviation"),
    [
        (two_point, {10, 100}, (10, 100), 55.0, 45.0),
        (uniform, set(range(1, 101)), (1, 100), 50.5, 28.87),
        (geometric, set(range(1, 101)), (1, 100), (1 - 0.95**100) / 0.05, 19.5),
    ],
)
def test_distributions(
    make: Callable[..., Requests], support: set[int], interval: tuple[int, int], mean: float, deviation: float
) -> None:
    n = 20_000
    requests = make(n, 500, seed=1)
    assert set(requests.output_tokens.tolist()) == support
    assert requests.output_tokens.mean() == pytest.approx(mean, abs=6 * deviation / np.sqrt(n))
    assert not requests.arrival.any()
    assert not requests.prompt_tokens.any()
    assert set(requests.predicted_low.tolist()) == {interval[0]}
    assert set(requests.predicted_high.tolist()) == {interval[1]}
    assert make(50, 500, seed=1).to_document() == make(50, 500, seed=1).to_document()
    assert make(50, 500, seed=1).to_document() != make(50, 500, seed=2).to_document()


def test_models() -> None:
    rates, memories, sizes, left = [], set(), set(), set()
    for seed in range(400):
        for make in (model_1, model_2):
            requests = make(seed)
            memories.add(requests.memory)
            s, o = requests.prompt_tokens, requests.output_tokens
            assert set(s.tolist()) <= set(range(1, 6))
            left |= set((requests.memory - s - o).tolist())
            assert requests.predicted_low.tolist() == requests.predicted_high.tolist() == o.tolist()
            if make is model_1:
                sizes.add(len(requests))
                assert not requests.arrival.any()
            else:
                rates.append(len(requests))
                assert (np.diff(requests.arrival) >= 0).all()
                assert requests.arrival.max() < 60
    assert memories == set(range(30, 51))
    assert sizes == set(range(40, 61))
    assert left == set(range(49)), "tokens that M leaves free: none to 50 - 2"
    assert np.mean(rates) == pytest.approx(50, abs=6 * 17 / np.sqrt(400)), "E[lambda] E[T] = 1 * 50"
    assert model_2(3).to_document() == model_2(3).to_document()


def test_prediction_models_hold_the_output() -> None:
    requests = uniform(500, 1000, seed=3)
    o = requests.output_tokens
    buckets = predict_buckets(requests, 30)
    assert set(buckets.predicted_low.tolist()) == {1, 31, 61, 91}
    assert (buckets.predicted_high - buckets.predicted_low == 29).all()
    assert predict_buckets(requests, 1).predicted_high.tolist() == o.tolist()
    relative = predict_relative(requests, 0.29)
    assert (relative.predicted_low == o - 29 * o // 100).all(), "0.29 * 100 is 29, not 28.999999999999996"
    assert (relative.predicted_high == o + 29 * o // 100).all()
    assert set(predict_relative(requests, 2.0).predicted_low.tolist()) == {1}
    assert (relative.estimates("middle") == o).all()
    fixed = predict_interval(requests, 1, 2000)
    assert set(fixed.predicted_high.tolist()) == {2000}


def test_the_default_is_small_and_tells_policies_apart() -> None:
    requests = default_requests()
    low, best = a_min(requests), hindsight_shortest_first(requests)
    assert len(requests) == 12
    assert len(low.evictions)
    assert best.total_latency is not None
    assert low.total_latency is not None
    assert best.total_latency < low.total_latency


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: two_point(0, 100), "size is 0; it must be a whole number from 1"),
        (lambda: two_point(5, 100, low=0), "low is 0; it must be a whole number from 1"),
        (lambda: two_point(5, 100, low=20, high=10), "high is 10; it must be a whole number from 20"),
        (lambda: two_point(5, 100, share=1.5), "share is 1.5; it must be from 0 to 1"),
        (lambda: two_point(5, 0), "memory is 0; it must be a whole number of tokens from 1"),
        (lambda: uniform(5, 100, seed=-1), "seed is -1; it must be a whole number from 0"),
        (lambda: uniform(5, 100, high=2.5), "high is 2.5; it must be a whole number from 1"),
        (lambda: geometric(5, 100, probability=0), "probability is 0; it must be positive"),
        (lambda: geometric(5, 100, longest=0), "longest is 0; it must be a whole number from 1"),
        (lambda: model_1("7"), "seed is '7'; it must be a whole number from 0"),
        (lambda: predict_interval(default_requests(), 2, 10), "output_tokens of request 6 is 1;"),
        (lambda: predict_interval(uniform(9, 200), 1, 3), "at least predicted_low, 1, and at most"),
        (lambda: predict_buckets(default_requests(), 0), "width is 0; it must be a whole number from 1"),
        (lambda: predict_relative(default_requests(), -0.1), "error is -0.1; it must be a number from"),
    ],
)  # fmt: skip
def test_bad_arguments(make: Callable[[], Requests], message: str) -> None:
    with pytest.raises(ProblemError) as caught:
        make()
    assert message in str(caught.value)
