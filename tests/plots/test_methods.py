from __future__ import annotations

import numpy as np
import pytest

import cvxtoken
from cvxtoken import plots
from cvxtoken.allocation import model
from cvxtoken.allocation.methods import METHODS
from cvxtoken.plots import methods
from tests.support.servers import SERVED

WORKLOAD = cvxtoken.load("qwen3-8b")
PAIR = plots.pair(WORKLOAD, "GSM8K", "AIME 2024")


def test_a_pair_keeps_everything_but_the_other_types() -> None:
    assert PAIR.names == ("GSM8K", "AIME 2024")
    assert list(PAIR.prior) == [0.5, 0.5]
    assert list(PAIR.accuracy_gain) == [WORKLOAD.accuracy_gain[3], WORKLOAD.accuracy_gain[0]]
    assert list(PAIR.time_per_token) == [WORKLOAD.time_per_token[3], WORKLOAD.time_per_token[0]]
    assert PAIR.arrival_rate == WORKLOAD.arrival_rate
    skewed = WORKLOAD.replace(prior=[0.1, 0.2, 0.3, 0.3, 0.1])
    assert list(plots.pair(skewed, "GSM8K", "AIME 2024").prior) == pytest.approx([0.75, 0.25], rel=1e-15)
    with pytest.raises(cvxtoken.ProblemError, match="'chess' is not a type of the workload"):
        plots.pair(WORKLOAD, "GSM8K", "chess")
    with pytest.raises(cvxtoken.ProblemError, match="twice"):
        plots.pair(WORKLOAD, "GSM8K", "GSM8K")


def test_contours_lie_where_j_is_so_far_below_its_best() -> None:
    result = METHODS["newton"](PAIR)
    drawn = plots.contours(PAIR, {"newton": result})
    best = cvxtoken.solve(PAIR)
    lines = drawn.collections[-1]
    J0 = float(model.objective(PAIR, np.zeros(2)))
    wanted = [best.objective - share * (best.objective - J0) for share in (1.0, 0.3, 0.1, 0.03, 0.01, 0.003)]
    for level, path in zip(wanted, lines.get_paths(), strict=True):
        J = model.objective(PAIR, path.vertices)
        # interpolated between places of the grid: to a hundredth of the fall from the best
        assert np.abs(J - level).max() <= 0.01 * (best.objective - J0)
    iterates, optimum = drawn.get_lines()
    assert (iterates.get_xydata() == np.array(result.trace.tokens)).all()
    assert optimum.get_xydata()[0] == pytest.approx(best.tokens, rel=1e-15)
    assert drawn.get_xlabel() == "budget l of GSM8K (thinking tokens)"


def test_a_pair_keeps_what_prompts_hold_and_the_server() -> None:
    two = plots.pair(SERVED["sharing"], "GSM8K", "AIME 2024")
    assert two.prompt_tokens.tolist() == [400.0, 100.0]
    assert two.server == SERVED["sharing"].server


@pytest.mark.parametrize("name", SERVED)
def test_a_cobweb_shows_the_prices_of_the_law(name: str) -> None:
    """With these prices alone, every answer of the map is what each type makes of them."""
    w = SERVED[name].replace(accuracy_weight=20.0)
    result = METHODS["fixed_point"](w)
    prices = methods._prices(w, methods._stable_iterates(result))
    for l, (*theta, p) in zip(result.trace.tokens, prices.tolist(), strict=False):
        h = p + (theta[0] * model.marginal_time(w, l) if theta else 0.0)
        assert model.delay_price(w, l) == pytest.approx(np.broadcast_to(h, len(w)), rel=1e-12)
    labels = [line.get_label() for line in plots.cobweb(result).get_lines()]
    assert ("θ, of occupying the server" in labels) == (name == "replicas")
    assert "φ, of a second of mean service" in labels


def test_contours_of_an_optimum_at_zero() -> None:
    none = PAIR.replace(accuracy_weight=1e-6, server=SERVED["never congested"].server)
    drawn = plots.contours(none, {})
    assert "How far J is below" in drawn.get_legend().get_title().get_text()


def test_contours_reach_as_far_as_asked() -> None:
    drawn = plots.contours(PAIR, {}, reach=[3000, 1e9])
    assert (drawn.get_xlim(), drawn.get_ylim()) == ((0, 3000), (0, PAIR.max_tokens[1]))


def test_iterates_end_where_the_stability_region_does() -> None:
    heavy = PAIR.replace(arrival_rate=0.5, accuracy_weight=100)
    result = METHODS["fixed_point"](heavy)
    assert result.outcome.startswith("Left the stability region")
    drawn = plots.contours(heavy, {"fixed_point": result})
    (start,) = drawn.get_lines()[0].get_xydata()
    assert list(start) == [0, 0]


def test_contours_refuse_other_data() -> None:
    with pytest.raises(cvxtoken.ProblemError, match="the workload has 5 types; contours need 2"):
        plots.contours(WORKLOAD, {})
    with pytest.raises(cvxtoken.ProblemError, match="a result is of another workload"):
        plots.contours(PAIR, {"newton": METHODS["newton"](PAIR.replace(arrival_rate=0.2))})


def test_convergence_shows_certified_gaps_and_crosses_failures() -> None:
    results = {name: METHODS[name](WORKLOAD) for name in ("fixed_point", "newton")}
    drawn = plots.convergence(results)
    lines = {line.get_label(): line for line in drawn.get_lines()}
    for name, result in results.items():
        x, y = lines[name.replace("_", " ")].get_data()
        assert (x[0], x[-1]) == (1, len(result.trace.tokens))
        assert len(x) <= 40
        for number, gap in list(zip(x, y, strict=True))[::7]:
            assert gap == float(cvxtoken.certify(WORKLOAD, result.trace.tokens[number - 1]).relative_gap)
    crosses = [line for line in drawn.get_lines() if line.get_marker() == "x"]
    assert len(crosses) == 1, "the plain fixed point alone fails"
    assert crosses[0].get_color() == lines["fixed point"].get_color()
    assert (drawn.get_xscale(), drawn.get_yscale()) == ("log", "log")


@pytest.mark.parametrize(("rate", "outcome"), [(0.05, "Converged"), (0.1, "Two-cycle")])
def test_the_cobweb_goes_where_the_fixed_point_goes(rate: float, outcome: str) -> None:
    w = WORKLOAD.replace(arrival_rate=rate)
    result = cvxtoken.fixed_point(w)
    drawn = plots.cobweb(result)
    theta, points = drawn.get_lines()[0], drawn.get_lines()[1]
    x, y = points.get_data()
    assert (x[1:] == y[:-1]).all(), "after a step is before the next"
    best = cvxtoken.solve(w).tokens
    wanted = float(model.idle(w, best)) / np.array([float(model.idle(w, l)) for l in result.trace.tokens])
    assert np.allclose(x, wanted[:-1], rtol=1e-12, atol=0)
    p, p_best = (1 + (w.arrival_rate / float(model.idle(w, l))) ** 2 * float(model.moments(w, l)[1]) / 2
                 for l in (result.trace.tokens[1], best))  # fmt: skip
    assert drawn.get_lines()[3].get_ydata()[0] == pytest.approx(p / p_best, rel=1e-12)
    corners = theta.get_xydata()
    moves = np.diff(corners, axis=0)
    assert ((moves == 0).sum(axis=1) >= 1).all(), "up or across"
    assert (corners[0] == [wanted[0], wanted[0]]).all() or corners[0][0] == corners[0][1]
    title = drawn.get_legend().get_title().get_text()
    assert title.startswith(outcome)
    assert title.split()[-1] == f"{cvxtoken.spectral_radius_at(w, best):.3f}"
    assert (abs(y[-1] - 1) < 1e-4) == (outcome == "Converged")
