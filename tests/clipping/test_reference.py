from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from cvxtoken import ProblemError, UnstableError
from cvxtoken.clipping import model
from cvxtoken.clipping.bounds import upper_bound
from cvxtoken.clipping.problem import ClippingProblem, default_problem
from cvxtoken.clipping.reference import best_limit, exact_objective
from cvxtoken.lengths import LengthDistribution
from tests.clipping.test_model import small
from tests.support.thorough import some


def stable(p: ClippingProblem, limits: tuple[int, ...]) -> bool:
    return p.arrival_rate * float(model.total(p, np.array(limits)).s1) < 1


@pytest.mark.parametrize("types", [1, 2])
@pytest.mark.parametrize("seed", some(range(12), 3))
def test_exhaustion_agrees_with_rational_numbers(seed: int, types: int) -> None:
    for utility in ("share_whole", "share_tokens"):
        p = small(seed, types, utility=utility)
        found = best_limit(p)
        boxes = itertools.product(*(range(1, len(d) + 1) for d in p.types))
        every = [limits for limits in boxes if stable(p, limits)]
        best = max(exact_objective(p, np.array(limits)) for limits in every[:: 1 if types == 1 else 7])
        reached = exact_objective(p, np.array(found.limits))
        assert found.exact
        assert reached >= best
        assert found.objective == pytest.approx(float(reached), abs=1e-12)


def test_ties_within_rounding_are_decided_exactly() -> None:
    """Two limits whose objectives differ by 1e-17 or so: theta is where they cross."""
    lengths = LengthDistribution.geometric(1000.0, 50)
    p = default_problem().replace(lengths=lengths, time_per_token=0.5, utility="share_tokens")
    found = model.moments(p)
    waits = model.mean_wait(p, found)
    ratio = (waits[21] - waits[20]) / (found.u[21] - found.u[20])  # theta / (1 - theta) at the crossing
    theta = ratio / (1 + ratio)
    for value in (theta, np.nextafter(theta, 0), np.nextafter(theta, 1), theta * (1 + 1e-15)):
        tied = p.replace(utility_weight=float(value))
        best = best_limit(tied)
        others = [exact_objective(tied, np.array([n])) for n in (20, 21, 22, 23)]
        assert best.limits[0] in (21, 22)
        assert exact_objective(tied, np.array(best.limits)) == max(others)


@pytest.mark.parametrize("seed", some(range(6), 2))
def test_impatient_limits_agree_with_a_full_scan(seed: int) -> None:
    p = small(seed + 2, patience=3.0, utility_weight=0.2)
    p = p.replace(arrival_rate=2 * p.arrival_rate)
    found = best_limit(p)
    values = [
        p.theta * float(model.total(p, np.array([n])).u)
        - (1 - p.theta) * model.impatience(p, np.array([n])).loss
        for n in range(1, len(p.types[0]) + 1)
    ]
    assert found.objective == pytest.approx(max(values), abs=1e-12)
    assert found.limits == (int(np.argmax(values)) + 1,)
    if seed == 0:
        assert 1 < found.limits[0] < len(values), "not at an end, so that the search is tested"


@pytest.mark.parametrize("seed", some(range(6), 3))
def test_bound_over_many_types(seed: int) -> None:
    p = small(seed, 3)
    found = best_limit(p)
    every = [
        limits for limits in itertools.product(*(range(1, len(d) + 1) for d in p.types)) if stable(p, limits)
    ]
    values = model.objective(p, model.total(p, np.array(every)))
    assert found.objective <= values.max() + 1e-12
    longest = max(len(d) for d in p.types)
    assert upper_bound(p, np.arange(1, longest + 1)) >= values.max() - 1e-12
    assert found.objective >= values.max() - 0.02 * (1 + abs(values.max()))
    assert found.upper - values.max() <= 0.1 * (1 + abs(values.max())), "the bound is of use"
    assert found.common is not None
    assert found.common[1] <= found.objective


def test_the_papers_setting() -> None:
    found = best_limit(default_problem(), [1600, 3000])
    assert found.reduction == pytest.approx(0.5965, abs=5e-5)
    assert (found.limits, found.against) == ((1600,), 3000)
    fitted = best_limit(default_problem().replace(time_per_token=0.0219, overhead=1.4), [1600, 3000])
    assert fitted.reduction == pytest.approx(0.5896, abs=5e-5)
    everything = best_limit(default_problem())
    assert abs(everything.limits[0] - 1600) < 50
    assert everything.against == 32_768
    assert [row["limit"] for row in everything.frontier][:3] == [100, 200, 300]


def test_unstable_limits_are_shown_as_such() -> None:
    found = best_limit(default_problem().replace(arrival_rate=1 / 20))
    assert found.mean_wait < 1e3
    assert found.reduction is None
    last = found.frontier[-1]
    assert (last["stable"], last["mean_wait"]) == (False, None)
    assert "reduction" not in str(found)


def test_bad_data(tmp_path: Path) -> None:
    with pytest.raises(
        UnstableError, match=r"at a limit of 1 tokens utilisation is 2\.25, .* below 44\.4444 /s would do"
    ):
        best_limit(default_problem().replace(arrival_rate=100.0))
    for limits in ([0], [1.5], [], "many"):
        with pytest.raises(ProblemError, match="limits is"):
            best_limit(default_problem(), limits)  # type: ignore[arg-type]
    for change, message in (
        ({"utility_weight": 1.1}, "utility_weight is 1.1; it must be from 0 to 1"),
        ({"patience": 0}, "patience is 0; it must be finite and positive"),
        ({"time_per_token": -1}, "time_per_token is -1; it must be finite and positive"),
        ({"overhead": float("nan")}, "overhead is nan"),
        ({"arrival_rate": True}, "arrival_rate is True"),
        ({"utility": "share_whale"}, "did you mean 'share_whole'"),
        ({"utility": [1.0, 2.0]}, "utility must give a finite number for each of 1 to 32768"),
        ({"shares": (0.5, 0.5)}, "shares is (0.5, 0.5); it must be one positive number a type"),
        ({"lengths": []}, "lengths must be one LengthDistribution"),
    ):
        with pytest.raises(ProblemError) as caught:
            default_problem().replace(**change)
        assert message in str(caught.value)


def test_files(tmp_path: Path) -> None:
    p = small(4, 2, utility="share_tokens", patience=2.0)
    for name in ("p.toml", "p.json"):
        p.save(tmp_path / name)
        again = ClippingProblem.load(tmp_path / name)
        assert best_limit(again).to_document() | {"seconds": 0} == best_limit(p).to_document() | {
            "seconds": 0
        }
    (tmp_path / "t.csv").write_text("n\n3\n5\n")
    path = tmp_path / "q.toml"
    path.write_text(
        "arrival_rate = 0.1\ntime_per_token = 0.5\n[[type]]\n"
        'distribution = "trace"\npath = "t.csv"\ncolumn = "n"\n'
    )
    assert ClippingProblem.load(path).types[0].mean == 4
    for old, new, message in (
        ("arrival_rate", "arival_rate", "did you mean 'arrival_rate'"),
        ('"trace"', '"tracer"', "distribution is 'tracer'"),
        ("column", "columns", "unexpected keyword"),
        ("[[type]]", "[types]", "'types' is not a known key"),
        ("arrival_rate = 0.1\n", "", "missing"),
    ):
        bad = tmp_path / "bad.toml"
        bad.write_text(path.read_text().replace(old, new))
        with pytest.raises(ProblemError) as caught:
            ClippingProblem.load(bad)
        assert message in str(caught.value)
    with pytest.raises(ProblemError, match="utility is a function"):
        p.replace(utility=np.sqrt).save(path)


def test_impatient_requests_of_several_types_are_not_called_exact() -> None:
    """The search is over one limit for all; limits (1, 4) give 0.1614 here, and the bound must allow them."""
    one, two = LengthDistribution([0.6] + [0.0] * 8 + [0.4]), LengthDistribution([0, 0, 0, 1.0])
    p = ClippingProblem(
        lengths=[one, two],
        shares=[0.5, 0.5],
        time_per_token=1.0,
        arrival_rate=0.5,
        patience=3.0,
        utility_weight=0.45,
    )
    found = best_limit(p)
    assert not found.exact
    better = p.theta * float(model.total(p, np.array([1, 4])).u)
    better -= (1 - p.theta) * model.impatience(p, np.array([1, 4])).loss
    assert found.objective < better <= found.upper


@pytest.mark.parametrize(("mean", "rate"), [(50, 30.0), (50, 100.0), (10, 500.0)])
def test_long_patience_under_overload(mean: int, rate: float) -> None:
    """With a long patience the share 1 - 1 / rho leaves."""
    p = ClippingProblem(
        lengths=LengthDistribution.geometric(float(mean), 5000),
        time_per_token=0.001,
        arrival_rate=rate,
        patience=6.0,
    )
    found = model.impatience(p, np.array([5000]))
    rho = rate * mean * 0.001
    assert found.loss == pytest.approx(1 - 1 / rho, abs=1e-3)
    assert found.interpolated == pytest.approx(1 - 1 / rho, abs=1e-3)
    assert 0 < found.wait_of_served < 6
    with pytest.raises(ProblemError, match="patience is 1000000"):
        model.impatience(p.replace(patience=1e6), np.array([5000]))


def test_a_plateau_keeps_its_best_limits() -> None:
    p = ClippingProblem(lengths=LengthDistribution.geometric(1000.0), time_per_token=0.01, arrival_rate=1e-9)
    found = best_limit(p)
    longest = exact_objective(p, np.array([len(p.types[0])]))
    assert found.objective >= float(longest) - 1e-15
    assert found.upper >= float(longest)


def test_tokens_delivered_are_counted_over_all_types() -> None:
    lengths = [LengthDistribution.uniform(1, 10), LengthDistribution.uniform(1, 20)]
    p = ClippingProblem(
        lengths=lengths, shares=[0.5, 0.5], time_per_token=0.01, arrival_rate=0.1, utility="share_tokens"
    )
    delivered = np.mean([np.minimum(np.arange(1, n + 1), 10).mean() for n in (10, 20)])
    assert float(model.total(p, np.array([10, 10])).u) == pytest.approx(delivered / np.mean([5.5, 10.5]))
    assert best_limit(p).objective == pytest.approx(float(exact_objective(p, np.array(best_limit(p).limits))))
