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


@pytest.mark.parametrize("resolution", [0.05, 0.5, 5.0])
def test_a_coarse_clock_is_no_departure_from_poisson(resolution: float) -> None:
    """Means of 0.1, 1 and 10 arrivals a cell; more than 15 of 200 have a probability below 1e-8."""
    found = [fit_arrivals(np.floor(poisson(seed) / resolution) * resolution) for seed in range(200)]
    assert sum(not f.poisson for f in found) <= 15
    assert [f.resolution for f in found] == pytest.approx([resolution] * 200)
    # the mean of 200 numbers whose standard deviation is below 0.1
    assert np.mean([f.variation for f in found]) == pytest.approx(1, abs=0.04)
    assert np.mean([f.rate for f in found]) == pytest.approx(2, abs=0.04)


@pytest.mark.parametrize("resolution", [1e-6, 0.1, 1.0])
def test_what_is_not_poisson_is_seen_on_a_coarse_clock_too(resolution: float) -> None:
    rng = np.random.default_rng(4)
    bursts = np.cumsum(rng.exponential(1, 2000) * np.where(np.arange(2000) // 40 % 2, 3.0, 0.3))
    regular = np.cumsum(rng.gamma(4, 0.25, 2000))
    for times, factor in ((bursts, 1), (regular, -1)):
        found = fit_arrivals(np.floor(times / resolution) * resolution)
        assert not found.poisson
        assert factor * found.dispersions[0].index > factor


def test_all_clocks_say_the_same_of_the_same_arrivals() -> None:
    times = poisson(7, 1500, 0.12)
    fine = fit_arrivals(times)
    for resolution in (1e-4, 1e-3, 1.0):
        told = fit_arrivals(np.floor(times / resolution) * resolution + 1_772_355_603)
        assert told.rate == pytest.approx(fine.rate, rel=1e-3)
        assert told.variation == pytest.approx(fine.variation, rel=1e-2)
        assert told.poisson
        assert told.resolution == pytest.approx(resolution)


def test_ties_on_a_fine_clock_are_a_departure() -> None:
    """Pairs of arrivals at the same microsecond."""
    found = fit_arrivals(np.repeat(np.round(poisson(1), 6), 2))
    assert not found.poisson
    assert found.dispersions[0].index == pytest.approx(2, abs=0.5)


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
    assert fit_arrivals([0, 1, 2]).dispersion_p is None


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


def tide(days: float, seed: int = 0, low: float = 0.01, high: float = 0.1) -> np.ndarray:
    """Poisson arrivals since a midnight whose rate is low at 2 and high at 14 o'clock."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(0, 86400 * days, rng.poisson(high * 86400 * days)))
    rate = low + (high - low) * (0.5 - 0.5 * np.cos(2 * np.pi * (times / 86400 - 1 / 12)))
    return times[rng.random(len(times)) < rate / high]


def test_a_daily_cycle_is_seen_and_the_busy_hour_told() -> None:
    moments = np.datetime64("2026-03-02T00:00:00", "ms") + np.round(1e3 * tide(4)).astype("timedelta64[ms]")
    found = fit_arrivals(moments)
    assert found.cycles
    assert not found.poisson
    assert found.busy is not None
    assert found.busy.start in (11, 12, 13, 14, 15)
    assert found.busy.rate == pytest.approx(0.1, rel=0.12)
    assert found.busy.quietest in range(5)
    assert f"solve for the busy hour (--busy-hour: {found.busy.rate:.4g} /s, hours" in found.advice
    assert "cvxtoken watch" in found.advice
    assert "bursts" not in found.advice
    inside = (moments - moments.astype("datetime64[D]")) / np.timedelta64(1, "h")
    count = int(((inside >= found.busy.start) & (inside < found.busy.start + 1)).sum())
    assert found.busy.counts == (count,)
    assert found.busy.rate == pytest.approx(count / (4 * 3600), rel=1e-3)


def test_the_busy_hour_has_its_own_mix() -> None:
    times = tide(3) + 20513 * 86400
    hour = times % 86400 / 3600
    chat = np.random.default_rng(2).random(len(times)) < np.where(hour > 8, 0.9, 0.1)
    tasks = np.where(chat, "chat", "batch")
    found = fit_arrivals(times, tasks)
    busy = found.at_busy_hour()
    assert found.busy is not None
    assert (busy.rate, busy.counts) == (found.busy.rate, found.busy.counts)
    assert busy.prior[busy.names.index("chat")] == pytest.approx(0.9, abs=0.05)
    assert sum(busy.prior) == pytest.approx(1)
    tasks[(hour >= found.busy.start) & (hour < found.busy.start + 1)] = "chat"
    with pytest.raises(ProblemError, match="task 'batch' has no arrivals in the busy hour"):
        fit_arrivals(times, tasks).at_busy_hour()
    with pytest.raises(ProblemError, match=r"the log covers .* s, less than half of a second hour"):
        fit_arrivals(poisson(0)).at_busy_hour()


def test_an_even_rate_has_no_cycle() -> None:
    """F tests at a third of 1 %: more than 5 of 60 have a probability below 1e-9."""
    found = [fit_arrivals(poisson(seed, 6000, 0.02)) for seed in range(60)]
    assert sum(f.cycles for f in found) <= 5
    assert 1 <= sum(f.cycle_p < 0.3 for f in found if f.cycle_p is not None) <= 40


@pytest.mark.parametrize(
    ("gaps", "advice"),
    [
        (lambda rng: rng.exponential(1, 4000), ""),
        (lambda rng: rng.gamma(4, 1, 4000), "arrivals are more regular"),
        (
            lambda rng: rng.exponential(1, 4000) * (np.arange(4000) % 10 == 0),
            "bursts are too short to follow",
        ),
        (
            lambda rng: rng.exponential(1, 4000) * np.where(np.arange(4000) // 400 % 2, 3.0, 0.5),
            "the rate changes over",
        ),
    ],
)
def test_advice(gaps, advice: str) -> None:
    found = fit_arrivals(np.cumsum(gaps(np.random.default_rng(8))))
    assert found.poisson == (not advice)
    assert found.advice.startswith(advice)


def test_one_task_an_arrival() -> None:
    with pytest.raises(ProblemError, match="tasks has 1 entries and timestamps 3"):
        fit_arrivals([1, 2, 3], ["a"])
