from __future__ import annotations

import numpy as np
import pytest

import cvxtoken
from cvxtoken import batching, clipping, plots, scheduling


def test_the_clipping_frontier_holds_its_rows_and_the_best() -> None:
    found = clipping.best_limit(clipping.default_problem(), [400, 800, 1600, 3000])
    drawn = plots.clipping(found)
    line, best = drawn.get_lines()
    assert [tuple(point) for point in line.get_xydata()] == [
        (row["mean_wait"], row["utility"]) for row in found.frontier
    ]
    assert tuple(best.get_xydata()[0]) == (found.mean_wait, found.utility)
    assert drawn.get_xlabel() == "mean wait E[W] in queue (s)"
    assert [text.get_text() for text in drawn.texts] == ["best: 1600 tokens"]


def test_limits_without_a_steady_state_are_left_out() -> None:
    busy = clipping.default_problem().replace(arrival_rate=1 / 25)
    found = clipping.best_limit(busy, [400, 800, 3000])
    assert [row["stable"] for row in found.frontier] == [True, True, False]
    assert len(plots.clipping(found).get_lines()[0].get_xdata()) == 2


def test_impatient_requests_wait_where_they_are_served() -> None:
    problem = clipping.default_problem().replace(arrival_rate=1 / 25, patience=60.0)
    drawn = plots.clipping(clipping.best_limit(problem, [800, 1600]))
    assert drawn.get_xlabel() == "mean wait E[W] in queue of who is served (s)"


def test_batch_delays_leave_out_what_is_unstable() -> None:
    problem = batching.default_problem().replace(max_batch=8)
    found = [batching.best_batch(problem, name) for name in ("dynamic", "fixed")]
    drawn = plots.batching(found)
    for number, reference in enumerate(found):
        curve, best = drawn.get_lines()[2 * number : 2 * number + 2]
        stable = [point for point in reference.curve if np.isfinite(point[1])]
        assert len(stable) < len(reference.curve)
        assert [tuple(point) for point in curve.get_xydata()] == stable
        assert tuple(best.get_xydata()[0]) == (reference.best_batch, reference.delays.mean_system_time)
    assert drawn.get_ylim()[1] == pytest.approx(4 * max(r.delays.mean_system_time for r in found), rel=1e-12)


def test_memory_is_what_runs_hold() -> None:
    requests = scheduling.default_requests()
    found = scheduling.compare(requests, ["a_min", "a_max"])
    drawn = plots.memory(found)
    policy, known, limit = drawn.get_lines()
    assert policy.get_label() == "$A_{\\min}$"
    assert (policy.get_xydata() == found.runs["a_min"].profile).all()
    assert set(limit.get_ydata()) == {requests.memory}
    starts = found.reference.starts
    ends = starts + requests.output_tokens
    times, held = known.get_data()
    assert (times[0], times[-1]) == (starts.min(), ends.max())
    for time in range(1, ends.max() + 1):
        runs = (starts < time) & (time <= ends)
        true = (requests.prompt_tokens + time - starts)[runs].sum()
        assert np.interp(time, times, held) == pytest.approx(true, abs=1e-9), "also between what is drawn"
    assert held.max() <= requests.memory
    chosen = plots.memory(found, ["a_max", "a_min"]).get_lines()
    assert [line.get_label() for line in chosen[:2]] == ["$A_{\\max}$", "$A_{\\min}$"]
    assert len({line.get_color() for line in chosen}) == 4
    with pytest.raises(cvxtoken.ProblemError, match="'fcfs' is not compared; there are a_min, a_max"):
        plots.memory(found, ["fcfs"])


def test_the_utility_is_named() -> None:
    default = clipping.default_problem()
    for utility, label in (
        ("share_whole", "requests left whole (share)"),
        ("share_tokens", "tokens delivered (share)"),
        (np.sqrt, "mean utility (no unit)"),
    ):
        found = clipping.best_limit(default.replace(utility=utility), [800, 1600])
        assert plots.clipping(found).get_ylabel() == label


def test_a_panel_a_policy() -> None:
    found = scheduling.compare(scheduling.default_requests(), ["a_min", "a_max", "backfilling"])
    panels = plots.memories(found).axes
    assert [panel.get_lines()[0].get_label() for panel in panels] == [
        "$A_{\\min}$",
        "$A_{\\max}$",
        "backfilling",
    ]
    assert {panel.get_lines()[1].get_label() for panel in panels} == {"best schedule known"}


def test_of_many_events_means_are_drawn() -> None:
    requests = scheduling.two_point(1500, 400, seed=2)
    found = scheduling.compare(requests, ["a_min"], bound="fast")
    drawn = plots.memory(found)
    line = drawn.get_lines()[0]
    times, held = line.get_data()
    span = int(times[1] - times[0])
    assert drawn.get_xlabel() == f"time (rounds, in means of {span})"
    assert 350 < len(times) < 450
    profile = found.runs["a_min"].profile
    edges = times[7] - span / 2 + np.linspace(0, span, 100 * span + 1)
    assert held[7] == pytest.approx(np.interp(edges, *profile.T).mean(), rel=0.01)
    assert held.max() <= 400
