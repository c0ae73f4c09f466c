from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

import cvxtoken
from cvxtoken import plots
from cvxtoken.allocation import model
from cvxtoken.allocation.many import solve as many
from cvxtoken.plots import allocation
from tests.support.instances import realistic
from tests.support.servers import SERVED

WORKLOAD = cvxtoken.load("qwen3-8b")
RATES = [0.01, 0.1, 0.5, 1.5]
TOKENS = np.array([cvxtoken.solve(WORKLOAD.replace(arrival_rate=rate)).tokens for rate in RATES])


def test_budgets_are_the_optima_at_each_rate() -> None:
    drawn = plots.budgets(WORKLOAD, RATES)
    lines = {line.get_label(): line for line in drawn.get_lines()}
    for k, name in enumerate(WORKLOAD.names):
        x, y = lines[name].get_data()
        assert list(x) == RATES
        assert np.allclose(y, TOKENS[:, k], rtol=0, atol=1e-3), "solved to a gap of 1e-12, not certified"
    assert (drawn.get_xlabel(), drawn.get_ylabel()) == (
        "arrival rate λ (1/s)",
        "optimal budget l* (thinking tokens)",
    )


def test_utilization_adds_up_to_that_of_the_optimum() -> None:
    drawn = plots.utilization(WORKLOAD, RATES)
    assert len(drawn.collections) == 5
    top = drawn.collections[-1].get_paths()[0].vertices
    for rate, tokens in zip(RATES, TOKENS, strict=True):
        rho = float(model.utilization(WORKLOAD.replace(arrival_rate=rate), tokens))
        at = top[np.isclose(top[:, 0], rate, rtol=1e-12), 1]
        assert at.max() == pytest.approx(rho, rel=1e-6)
    assert "share of time" in drawn.get_ylabel()


@pytest.mark.parametrize("name", SERVED)
def test_utilization_and_default_rates_are_those_of_the_server(name: str) -> None:
    w = SERVED[name]
    drawn = plots.utilization(w, RATES[1:3])
    top = drawn.collections[-1].get_paths()[0].vertices
    for rate in RATES[1:3]:
        there = w.replace(arrival_rate=rate)
        rho = float(model.utilization(there, cvxtoken.solve(there).tokens))
        assert top[np.isclose(top[:, 0], rate, rtol=1e-12), 1].max() == pytest.approx(rho, rel=1e-6)
    last = plots.budgets(w).get_lines()[0].get_xdata()[-1]
    assert float(w.replace(arrival_rate=float(last)).idle_at_zero) == pytest.approx(0.02)


def test_simulations_of_replicas_have_the_utilizations_asked_for() -> None:
    drawn = plots.simulation(SERVED["replicas"], utilizations=[0.3, 0.6], num_requests=100_000)
    predicted = drawn.get_lines()[0].get_xydata()
    measured = drawn.containers[0].lines[0].get_xydata()
    for rho, time in measured:
        assert time == pytest.approx(np.interp(rho, *predicted.T), rel=0.05)
    w = SERVED["replicas"]
    mean, square = (float(moment) for moment in model.moments(w, cvxtoken.solve(w).tokens))
    waited = 0.6 / mean * square / 2 / 0.4  # lambda E[S^2] / (2 (1 - rho)) of one replica
    assert predicted[-1] == pytest.approx([0.6, mean + waited])


def test_the_frontier_is_what_was_found_and_holds_the_own_optimum() -> None:
    found, best = cvxtoken.frontier(WORKLOAD, 6), cvxtoken.solve(WORKLOAD)
    line, own = plots.frontier(found, best).get_lines()
    assert [tuple(point) for point in line.get_xydata()] == [
        (point.mean_system_time, point.mean_accuracy) for point in found.points
    ]
    assert tuple(own.get_xydata()[0]) == (best.mean_system_time, best.mean_accuracy)
    assert len(plots.frontier(found).get_lines()) == 1


def test_default_rates_are_stable_even_without_overhead() -> None:
    rates = allocation._rates(WORKLOAD)
    assert rates[-1] * float(WORKLOAD.prior @ WORKLOAD.overhead) == pytest.approx(0.98, rel=1e-12)
    free = WORKLOAD.replace(overhead=np.zeros(5))
    assert allocation._rates(free)[-1] == pytest.approx(10.0, rel=1e-12)


def test_accuracy_curves_and_their_best_points() -> None:
    best = cvxtoken.solve(WORKLOAD)
    drawn = plots.accuracy(best)
    for k in range(5):
        curve, point = drawn.get_lines()[2 * k : 2 * k + 2]
        l, p = curve.get_data()
        exact = [model.accuracy(WORKLOAD, np.full(5, x))[k] for x in l[::100]]
        assert (l[0], l[-1]) == (0, WORKLOAD.max_tokens[k]), "up to the cap"
        assert np.allclose(p[::100], exact, rtol=1e-14, atol=0)
        assert point.get_xydata()[0] == pytest.approx([best.tokens[k], best.accuracy[k]], rel=1e-15)


def test_each_curve_ends_at_its_own_cap_under_a_name_in_words() -> None:
    names = ["a_b", "c", "d", "e", "f"]
    small = WORKLOAD.replace(names=names, max_tokens=[100, 200, 300, 400, 500])
    lines = plots.accuracy(cvxtoken.solve(small)).get_lines()
    assert [curve.get_xdata().max() for curve in lines[::2]] == small.max_tokens.tolist()
    assert lines[0].get_label() == "a b"


@pytest.mark.parametrize("name", ["plain", *SERVED])
def test_the_bound_is_never_below_j_touches_it_and_proves_the_optimum(name: str) -> None:
    w = WORKLOAD if name == "plain" else SERVED[name]
    best = cvxtoken.solve(w)
    proven = 0.0
    for k, kind in enumerate(w.names):
        bound, objective, _, star = plots.bound(w, kind).get_lines()
        # sums of five products: their rounding is far below 1e-12 of their size
        room = 1e-12 * (1 + abs(best.objective))
        at, J = objective.get_data()
        U = bound.get_ydata()
        assert (U[: len(J)] >= J - room).all()
        assert star.get_xydata()[0] == pytest.approx([best.tokens[k], best.objective], rel=1e-12)
        touching = U[bound.get_xdata() == best.tokens[k]]
        assert touching == pytest.approx([best.objective], abs=room)
        l = np.repeat(best.tokens[None], len(J), axis=0)
        l[:, k] = at
        assert np.allclose(model.objective(w, l), J, rtol=1e-12, atol=0)
        proven = max(proven, U.max())
    assert proven == pytest.approx(best.upper, abs=room), "a type at a time U is largest at the optimum"


def test_the_simulation_stands_beside_the_formula() -> None:
    drawn = plots.simulation(WORKLOAD, [1000] * 5, utilizations=[0.3, 0.7], num_requests=40_000, seed=3)
    mean = float(model.moments(WORKLOAD, np.full(5, 1000.0))[0])
    rho, predicted = drawn.get_lines()[0].get_data()
    for place in (0, 200, -1):
        at = WORKLOAD.replace(arrival_rate=rho[place] / mean)
        formula = float(model.mean_system_time(at, np.full(5, 1000.0)))
        assert predicted[place] == pytest.approx(formula, rel=1e-12)
    ((points, _, _),) = drawn.containers
    found = [
        cvxtoken.simulate(WORKLOAD.replace(arrival_rate=x / mean), [1000] * 5, 40_000, 3).mean_system_time
        for x in (0.3, 0.7)
    ]
    assert list(points.get_ydata()) == [e.value for e in found]
    (bars,) = drawn.containers[0][2]
    assert [tuple(segment[:, 1]) for segment in bars.get_segments()] == [
        pytest.approx((e.low, e.high), rel=1e-12) for e in found
    ]


def test_what_is_not_solved_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "SOLVED_GAP", 0.0)
    drawn = plots.budgets(WORKLOAD, RATES)
    assert all(np.isnan(line.get_ydata()).all() for line in drawn.get_lines()[:5])


def test_what_is_unstable_is_a_gap() -> None:
    drawn = plots.budgets(WORKLOAD, [1.0, 5.0])
    assert all(list(np.isnan(line.get_ydata())) == [False, True] for line in drawn.get_lines()[:5])


def test_the_axes_given_are_drawn_in_also_within_a_part_of_a_figure() -> None:
    figure = Figure()
    part, _ = figure.subfigures(1, 2)
    ax = part.subplots()
    assert plots.budgets(WORKLOAD, RATES[:2], ax=ax) is ax


def test_many_types_are_counted_in_place_of_names() -> None:
    drawn = plots.budgets(realistic(0, 20), [0.01, 0.02])
    assert drawn.get_legend() is None
    assert (
        drawn.get_title(loc="left").replace("\n", " ").endswith("20 types, from dark to light in their order")
    )
    assert len({line.get_color() for line in drawn.get_lines()[:20]}) == 20


def test_bad_input() -> None:
    with pytest.raises(cvxtoken.ProblemError, match="arrival_rate is 0"):
        plots.budgets(WORKLOAD, [0])
    with pytest.raises(cvxtoken.UnstableError):
        plots.simulation(WORKLOAD, utilizations=[1.5], num_requests=100)
    with pytest.raises(cvxtoken.ProblemError, match="tokens of 'AIME 2024' is -1"):
        plots.simulation(WORKLOAD, [-1, 0, 0, 0, 0])
