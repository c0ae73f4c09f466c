from __future__ import annotations

import numpy as np
import pytest

from cvxtoken import ProblemError, fit_service, fit_workload, solve
from cvxtoken.fitting.straightness import straightness
from tests.fitting.data import BUDGETS

ROWS = np.repeat(BUDGETS, 100)


def times(mean: np.ndarray, seed: int = 0) -> np.ndarray:
    """Times with a scatter of a fifth."""
    return mean * np.random.default_rng(seed).gamma(25, 1 / 25, len(mean))


@pytest.mark.parametrize(
    ("mean", "verdict"),
    [
        (0.5 + 0.001 * ROWS, "fits"),
        (0.5 + 3 * -np.expm1(-ROWS / 1500), "saturates"),
        (0.5 + 1e-3 * ROWS + 4e-7 * ROWS**2, "steepens"),
        (1 + 0.001 * ROWS + 0.8 * (ROWS == 500) - 0.8 * (ROWS == 1000) + 2 * (ROWS == 4000), "misfit"),
    ],
)
def test_the_shape_of_mean_times_is_told(mean: np.ndarray, verdict: str) -> None:
    found = fit_service(ROWS, times(mean), used_up=False)
    assert found.straightness.verdict == verdict, found.straightness.sentence
    assert (verdict in found.judgement) == (verdict != "fits")


def test_a_line_is_refused_no_more_often_than_it_says() -> None:
    """At most 1 % of data sets on a line: of 300, more than 16 by chance in one of 1e8."""
    wrong = 0
    for seed in range(300):
        t = times(0.5 + 0.001 * ROWS, seed)
        c, t0 = np.polyfit(ROWS, t, 1)
        p_value = straightness(ROWS, t, (t0, c)).p_value
        wrong += p_value is not None and p_value < 0.01
    assert wrong <= 16


def test_what_is_not_worth_a_word_is_not_said() -> None:
    """A bend that many rows prove, but that moves no time by a tenth."""
    l = np.repeat(BUDGETS, 20000)
    t = times(1 + 0.001 * l - 4e-9 * l**2)
    found = fit_service(l, t).straightness
    assert found.verdict == "fits"
    assert found.p_value is not None
    assert found.p_value < 0.01


def half_used(seed: int = 0, low: float = 0.2) -> dict[str, object]:
    """Two tasks that use from `low` of their budgets to all; accuracies without noise."""
    rng = np.random.default_rng(seed)
    l = np.tile(np.repeat(BUDGETS, 400), 2)
    task = np.repeat(["easy", "hard"], len(l) // 2)
    b = np.where(task == "easy", 4e-3, 1e-3)
    used = l * rng.uniform(low, 1, len(l))
    order = np.tile((np.arange(400) + 0.5) / 400, 2 * len(BUDGETS))
    return {
        "task": task,
        "budget_tokens": l,
        "thinking_tokens": used,
        "correct": (order < 0.2 - 0.6 * np.expm1(-b * l)).astype(int),
        "seconds": 0.3 + 0.003 * used,
    }


def test_budgets_that_are_not_used_up_take_the_time_that_they_take() -> None:
    """The truth is t0 + 0.6 c l, deviation 0.8 c l / sqrt(12); against tokens budgets are too small."""
    found = fit_workload(half_used(), arrival_rate=0.2)
    w = found.workload
    assert [task.against for task in found.tasks] == ["budget", "budget"]
    assert "% of the budget is used on average: seconds are fitted against the budget" in str(found)
    assert w.time_per_token == pytest.approx([0.0018, 0.0018], rel=0.03)
    assert w.deviation_per_token == pytest.approx([0.0024 / 12**0.5] * 2, rel=0.1)
    assert "outlier" not in str(found)
    truth = w.replace(overhead=[0.3] * 2, time_per_token=[0.0018] * 2, deviation=0.0)
    truth = truth.replace(deviation_per_token=0.0024 / 12**0.5)
    best, ours = solve(truth).tokens, solve(w).tokens
    assert ours == pytest.approx(best, rel=0.05)
    by_tokens = fit_workload(half_used(), arrival_rate=0.2, service_against="tokens")
    assert by_tokens.workload.time_per_token == pytest.approx([0.003, 0.003], rel=1e-6)
    assert "of the budget is used on average: seconds against tokens say" in by_tokens.tasks[0].judgement
    assert (solve(by_tokens.workload).tokens < 0.8 * best).all()


def test_budgets_that_are_used_up_are_timed_by_tokens() -> None:
    table = half_used(low=0.94)
    found = fit_workload(table, arrival_rate=0.2)
    assert [task.against for task in found.tasks] == ["tokens", "tokens"]
    assert not found.workload.is_random
    chosen = fit_workload(table, arrival_rate=0.2, service_against="budget")
    assert [task.against for task in chosen.tasks] == ["budget", "budget"]
    assert chosen.workload.is_random
    with pytest.raises(ProblemError, match=r"service_against is 'budgets'.*did you mean 'budget'"):
        fit_workload(table, arrival_rate=0.2, service_against="budgets")
    del table["thinking_tokens"]
    with pytest.raises(ProblemError, match="the table has no thinking_tokens"):
        fit_workload(table, arrival_rate=0.2, service_against="tokens")
