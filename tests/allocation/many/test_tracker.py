from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken import ProblemError, Tracker, UnstableError
from cvxtoken.allocation.many import tracker as module
from tests.support.instances import changed, realistic, stress


@pytest.mark.parametrize("size", [1, 2, 5, 300])
@pytest.mark.parametrize("change", [1e-3, 0.1, 3.0])
def test_every_estimate_gets_its_optimum(size: int, change: float) -> None:
    w = realistic(7, size)
    tracker = Tracker(w)
    rng = np.random.default_rng(0)
    top = 0.999 / float(w.prior @ w.overhead)
    for _ in range(25):
        rate = min(top, w.arrival_rate * np.exp(change * rng.uniform(-1, 1)))
        found = tracker.update(arrival_rate=rate)
        expected = cvxtoken.solve_many([w.replace(arrival_rate=rate)])
        assert found.stable
        assert found.relative_gap <= 1e-12
        assert found.objective == pytest.approx(expected.objective[0], rel=1e-11)
        assert found.mean_system_time == pytest.approx(expected.mean_system_time[0], rel=1e-4)
        assert found.utilization == pytest.approx(expected.utilization[0], rel=1e-4)
        assert found.outcome.startswith("Optimal: ")


def test_shares_are_followed_too() -> None:
    w = realistic(2, 6)
    tracker = Tracker(w)
    rng = np.random.default_rng(1)
    for _ in range(20):
        prior = rng.dirichlet(np.ones(6)) + 1e-12
        prior /= prior.sum()
        found = tracker.update(prior=prior)
        expected = cvxtoken.solve_many([w.replace(prior=prior)])
        if expected.status[0]:
            assert not found.stable
            continue
        assert found.relative_gap <= 1e-12
        assert found.objective == pytest.approx(expected.objective[0], rel=1e-11)
        assert tracker.workload == w.replace(prior=prior)
    both = tracker.update(arrival_rate=0.1, prior=w.prior.tolist())
    assert both.objective == pytest.approx(cvxtoken.solve(w.replace(arrival_rate=0.1)).objective, rel=1e-12)


def test_usual_changes_need_no_global_search(monkeypatch: pytest.MonkeyPatch) -> None:
    w = cvxtoken.load("qwen3-8b")
    tracker = Tracker(w)
    monkeypatch.setattr(module, "optimal_path", lambda columns: pytest.fail("searched anew"))
    for rate in 0.1 * 1.03 ** np.arange(30):
        assert tracker.update(arrival_rate=rate).relative_gap <= 1e-12
    with pytest.raises(pytest.fail.Exception, match="searched anew"):
        tracker.update(arrival_rate=4.4)


@pytest.mark.parametrize(("name", "w"), list(stress((1, 6)))[::4])
def test_stress(name: str, w: cvxtoken.Workload) -> None:
    tracker = Tracker(w.replace(arrival_rate=w.arrival_rate / 2))
    assert tracker.budgets.relative_gap <= 1e-12
    for factor in (0.99, 1.0, 0.01, 1.0):
        rate = factor * w.arrival_rate
        found = tracker.update(arrival_rate=rate)
        assert found.relative_gap <= 1e-12
        best = cvxtoken.solve_many([w.replace(arrival_rate=rate)]).objective[0]
        assert found.objective == pytest.approx(best, rel=1e-11)


def test_shares_near_full_load() -> None:
    """There the idle share is rounded once from the exact sum, which the shares change."""
    w = changed(realistic(3, 4), 1 - 1e-9, accuracy_weight=1e8)
    tracker = Tracker(w)
    order = np.argsort(w.overhead)
    prior = w.prior.copy()
    prior[order[0]] += 1e-12
    prior[order[-1]] -= 1e-12
    tracker.update(arrival_rate=w.arrival_rate)
    found = tracker.update(prior=prior)
    best = cvxtoken.solve_many([w.replace(prior=prior)]).objective[0]
    assert found.objective == pytest.approx(best, rel=1e-11)
    assert found.objective != pytest.approx(cvxtoken.solve(w).objective, rel=1e-9)


def test_an_unstable_estimate_gives_no_tokens_and_says_so() -> None:
    w = cvxtoken.load("qwen3-8b")
    tracker = Tracker(w)
    found = tracker.update(arrival_rate=5)
    assert not found.stable
    assert found.tokens.tolist() == [0.0] * 5
    assert (found.objective, found.relative_gap) == (-np.inf, np.inf)
    assert found.utilization == pytest.approx(5 * float(w.prior @ w.overhead))
    assert found.outcome.startswith("No allocation is stable, so no type may think: arrival_rate is 5.0 /s")
    assert "the largest stable arrival rate is 4.448" in found.outcome
    with pytest.raises(UnstableError):
        tracker.certify()
    back = tracker.update(arrival_rate=0.1)
    assert back.stable
    assert back.objective == pytest.approx(cvxtoken.solve(w).objective, rel=1e-13)


def test_the_first_estimate_may_be_unstable() -> None:
    w = cvxtoken.load("qwen3-8b")
    tracker = Tracker(w.replace(arrival_rate=5))
    assert not tracker.budgets.stable
    assert tracker.update(arrival_rate=0.1).stable


def test_stability_is_decided_exactly() -> None:
    w = realistic(0, 4).replace(prior=[0.25] * 4, overhead=[0.5] * 4, arrival_rate=1)
    tracker = Tracker(w)
    assert not tracker.update(arrival_rate=2.0).stable
    assert tracker.update(arrival_rate=float(np.nextafter(2, 0))).stable


def test_the_proof_is_that_of_the_last_estimate() -> None:
    tracker = Tracker(cvxtoken.load("qwen3-8b"))
    tracker.update(arrival_rate=0.37)
    certificate = tracker.certify()
    assert certificate.workload.arrival_rate == 0.37
    assert certificate.relative_gap <= 1e-12


@pytest.mark.parametrize(
    ("estimate", "message"),
    [
        ({"arrival_rate": float("nan")}, "arrival_rate is nan; it must be finite and positive"),
        ({"arrival_rate": 0}, "arrival_rate is 0"),
        ({"arrival_rate": "0.1"}, "arrival_rate is '0.1'; it must be a number"),
        ({"prior": [0.2] * 4}, r"prior has shape \(4,\)"),
        ({"prior": [0.2, 0.2, 0.2, 0.2, 0.3]}, "prior sums to 1.1"),
        ({"prior": [0.5, 0.5, 0.0, 0.2, -0.2]}, "prior of 'GPQA Diamond' is 0.0"),
        ({"prior": [0.2, 0.2, float("nan"), 0.2, 0.4]}, "prior of 'GPQA Diamond' is nan"),
    ],
)
def test_a_bad_estimate_changes_nothing(estimate: dict[str, Any], message: str) -> None:
    tracker = Tracker(cvxtoken.load("qwen3-8b"))
    before = tracker.budgets
    with pytest.raises(ProblemError, match=message):
        tracker.update(**estimate)
    assert tracker.budgets is before
    assert tracker.workload == cvxtoken.load("qwen3-8b")
    with pytest.raises(ValueError, match="read-only"):
        before.tokens[0] = 0
