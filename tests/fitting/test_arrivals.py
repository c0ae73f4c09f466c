from __future__ import annotations

import numpy as np
import pytest

from cvxtoken import ProblemError, fit_arrivals


def poisson(seed: int, size: int = 500, rate: float = 2.0) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).exponential(1 / rate, size))


def test_rate_priors_and_their_errors() -> None:
    rates, shares = [], []
    for seed in range(100):
        tasks = np.random.default_rng([seed, 1]).choice(["a", "b"], 500, p=[0.7, 0.3])
        found = fit_arrivals(poisson(seed), tasks)
        rates.append(found.rate)
        shares.append(found.prior[found.names.index("a")])
    assert np.mean(rates) == pytest.approx(2.0, abs=0.05)
    assert np.std(rates) == pytest.approx(found.rate_error, rel=0.4)
    assert np.mean(shares) == pytest.approx(0.7, abs=0.012)
    assert np.std(shares) == pytest.approx(found.prior_errors[0], rel=0.4)


def test_poisson_arrivals_are_seldom_rejected() -> None:
    """At 1 % a false alarm: more than 15 of 200 have a probability below 1e-8."""
    found = [fit_arrivals(poisson(seed)) for seed in range(200)]
    assert sum(not f.poisson for f in found) <= 15
    for field in ("interval_p", "dispersion_p"):
        assert 12 <= sum(getattr(f, field) < 0.2 for f in found) <= 75, "p-values are uniform"


@pytest.mark.parametrize(
    ("kind", "direction"),
    [("regular", "shorter"), ("heavy", "longer"), ("bursts", "longer"), ("tide", "longer")],
)
def test_other_arrivals_are_rejected(kind: str, direction: str) -> None:
    rng = np.random.default_rng(3)
    gaps = {
        "regular": rng.gamma(4, 1, 800),
        "heavy": rng.pareto(1.5, 800),
        "bursts": rng.exponential(1, 800) * np.where(np.arange(800) // 40 % 2, 5.0, 0.2),
        "tide": rng.exponential(1, 800) / (1 + 0.9 * np.sin(np.arange(800) / 60)),
    }[kind]
    found = fit_arrivals(np.cumsum(gaps))
    assert not found.poisson
    assert f"waits are {direction}" in found.judgement


def test_clustering_that_the_intervals_hide_is_seen_in_the_counts() -> None:
    """Exponential intervals in an order of their own: slow ones together, fast ones together."""
    gaps = np.random.default_rng(5).exponential(1, 2000)
    gaps[:1000], gaps[1000:] = np.sort(gaps)[:1000], np.sort(gaps)[1000:]
    found = fit_arrivals(np.cumsum(gaps))
    assert found.interval_p > 0.01
    assert found.dispersion_p is not None
    assert found.dispersion_p < 1e-6
    assert not found.poisson


def test_dates_are_seconds() -> None:
    texts = ["2023-11-16 18:17:03.9799600", "2023-11-16 18:17:04.0319600", "2023-11-16 18:17:05.9799600"]
    for given in (texts, [f"{text}Z" for text in texts], np.array(texts, dtype="datetime64[ns]")):
        assert fit_arrivals(given).seconds == pytest.approx(2.0, abs=1e-9)
    zoned = ["2023-11-16T18:00:00+01:00", "2023-11-16T17:00:30+00:00", "2023-11-16T18:01:00+01:00"]
    assert fit_arrivals(zoned).rate == pytest.approx(2 / 60)
    assert fit_arrivals(["0", "1.5", "4"]).rate == 0.5
    assert fit_arrivals([0, 1, 2]).dispersion is None


@pytest.mark.parametrize(
    ("timestamps", "message"),
    [
        ([1, 2], "timestamps has 2 arrivals; at least 3"),
        ([1, 2, 1.5, 4], "timestamps are out of order: row 3 is 0.5 s before row 2"),
        ([1, 1, 1], "timestamps are all the same"),
        ([1, np.nan, 3], "timestamps holds nan"),
        (
            ["2023-11-16", "yesterday", "2023-11-17"],
            "holds 'yesterday' in row 2; it must be a date with a",
        ),
        ([[1, 2, 3]], "timestamps has shape (1, 3)"),
    ],
)
def test_bad_data(timestamps: list, message: str) -> None:
    with pytest.raises(ProblemError) as caught:
        fit_arrivals(timestamps)
    assert message in str(caught.value)


def test_one_task_an_arrival() -> None:
    with pytest.raises(ProblemError, match="tasks has 1 entries and timestamps 3"):
        fit_arrivals([1, 2, 3], ["a"])
