from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import cvxtoken
from cvxtoken import ProblemError, fit_service, understated_delay
from cvxtoken.allocation import model
from cvxtoken.queueing import lindley_waits
from tests.support.servers import SERVED


def measured(seed: int, rows: int = 400, spread: tuple[float, float] = (0.05, 0.0)) -> tuple:
    rng = np.random.default_rng(seed)
    l = rng.uniform(0, 8000, rows)
    t = 0.3 + 0.002 * l + (spread[0] + spread[1] * l) * rng.normal(size=rows)
    return l, np.maximum(t, 0.01)


def test_a_line_is_found_again() -> None:
    l, t = measured(0)
    found = fit_service(l, t)
    assert found.overhead == pytest.approx(0.3, abs=4 * found.standard_errors[0])
    assert found.time_per_token == pytest.approx(0.002, abs=4 * found.standard_errors[1])
    assert found.spread == pytest.approx(0.05, rel=0.15)
    assert found.heteroscedasticity > 1e-3
    assert found.outlier_count == 0
    c, t0 = np.polyfit(l, t, 1)
    assert (found.overhead, found.time_per_token) == pytest.approx((t0, c), rel=1e-9)


def test_standard_errors_are_the_spread_of_refits_also_where_the_scatter_grows() -> None:
    fits = [fit_service(*measured(seed, 200, (0.02, 2e-4))) for seed in range(150)]
    for place, name in enumerate(("overhead", "time_per_token")):
        values = [getattr(found, name) for found in fits]
        stated = np.mean([found.standard_errors[place] for found in fits])
        assert np.std(values) == pytest.approx(stated, rel=0.3), "150 draws: 5 standard deviations"


def test_a_growing_scatter_is_noted_and_measured() -> None:
    found = fit_service(*measured(1, 5000, (0.02, 1e-4)))
    assert found.heteroscedasticity < 1e-10
    assert "the scatter changes with the tokens" in found.judgement
    assert np.sqrt(found.variance([0, 8000])) == pytest.approx([0.02, 0.82], abs=0.03)
    assert found.outlier_count == 0, "far out is measured by the scatter there"


def test_outliers_are_named_and_counted_in_the_mean() -> None:
    l, t = measured(2)
    t[[7, 300]] = 500.0, 90.0
    found = fit_service(l, t)
    assert found.outliers == (7, 300)
    assert found.outlier_count == 2
    assert found.without_outliers == pytest.approx((0.3, 0.002), rel=0.1)
    assert "2 outliers" in found.judgement
    c, t0 = np.polyfit(l, t, 1)
    assert (found.overhead, found.time_per_token) == pytest.approx((t0, c), rel=1e-9)


def test_overhead_is_never_negative() -> None:
    l = np.linspace(100, 1000, 50)
    found = fit_service(l, 0.01 * l - 0.5 + 0.001 * np.cos(l))
    assert found.overhead == 0
    assert found.time_per_token == pytest.approx(float(l @ (0.01 * l - 0.5) / (l @ l)), rel=1e-3)
    assert np.isnan(found.standard_errors[0])
    assert found.to_document()["standard_errors"][0] is None
    assert "t0 is at its bound 0" in found.judgement


def test_what_scatter_adds_to_the_delay_is_what_a_simulation_sees() -> None:
    """E[T] with random service times, by the formula and by Lindley's recursion over a million queries."""
    workload = cvxtoken.load("qwen3-8b")
    tokens = cvxtoken.solve(workload).tokens
    rng = np.random.default_rng(0)
    services = []
    for t0, c in zip(workload.overhead, workload.time_per_token, strict=True):
        l = rng.uniform(0, 8000, 4000)
        t = t0 + c * l
        services.append(fit_service(l, t * rng.gamma(1.0, 1.0, len(l)) + 1e-6))
    more = understated_delay(workload, tokens, services)
    variance = np.array([float(s.variance(l)) for s, l in zip(services, tokens, strict=True)])
    means = model.service_time(workload, tokens)
    rng = np.random.default_rng(1)
    kind = rng.choice(5, 1_000_000, p=workload.prior)
    shape = means**2 / variance
    times = rng.gamma(shape[kind], (variance / means)[kind])
    gaps = rng.exponential(1 / workload.arrival_rate, len(times))
    waits = lindley_waits(0.0, times[:-1] - gaps[1:])
    simulated = float(waits.mean() + times.mean())
    understated = float(model.mean_system_time(workload, tokens))
    batches = (waits + times).reshape(100, -1).mean(axis=1)
    error = 5 * float(batches.std(ddof=1)) / 10
    assert simulated == pytest.approx(understated + more, abs=error)
    assert more > 2 * error, "so that leaving it out would be seen"


@pytest.mark.parametrize("name", SERVED)
def test_what_scatter_adds_is_that_of_the_server(name: str) -> None:
    """Scatter s(l) = 0.1 s is a deviation of 0.1 s in the model, which says what it adds."""
    w = SERVED[name].replace(deviation=0.0)
    tokens = cvxtoken.solve(w).tokens
    fit = dataclasses.replace(fit_service(*measured(0)), spread_line=(0.1, 0.0))
    more = understated_delay(w, tokens, [fit] * 5)
    scattered = model.mean_system_time(w.replace(deviation=0.1), tokens)
    added = float(scattered - model.mean_system_time(w, tokens))
    assert more == pytest.approx(added, rel=1e-9, abs=1e-300)
    assert (more > 0) == (name == "replicas")


@pytest.mark.parametrize(
    ("tokens", "seconds", "message"),
    [
        ([1, 2], [1, 2], "tokens has 2 rows from 1 to 2; at least 3 rows of different lengths"),
        ([5, 5, 5], [1, 2, 3], "3 rows from 5 to 5"),
        ([1, 2, 3], [3, 2, 0], "seconds is 0 in row 3; it must be positive"),
        ([1, -2, 3], [1, 2, 3], "tokens is -2 in row 2; it must not be negative"),
        ([1, 2, 3], [1, np.nan, 3], "seconds is nan in row 2"),
        ([1, 2, 3], [1, 2], "seconds has 2 numbers and tokens 3"),
        ([1, 2, 3], [3, 2, 1], "seconds do not rise with tokens"),
    ],
)
def test_bad_data(tokens: list, seconds: list, message: str) -> None:
    with pytest.raises(ProblemError) as caught:
        fit_service(tokens, seconds)
    assert message in str(caught.value)


def test_one_fit_a_type() -> None:
    workload = cvxtoken.load("qwen3-8b")
    with pytest.raises(ProblemError, match="services has 1 fits; it must have one a type, 5"):
        understated_delay(workload, [0] * 5, [fit_service(*measured(0))])
