"""Targets that cannot be met, or not be read; corners; what is not proven."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken import ProblemError, TargetError, verifier
from cvxtoken.allocation import model
from cvxtoken.allocation.targeted import optimum as targeted
from cvxtoken.allocation.targeted.feasible import feasible
from cvxtoken.allocation.targeted.optimum import certify_targets
from cvxtoken.allocation.targeted.polish import Start, polish_targets
from cvxtoken.allocation.targets import LIMITS, Targets
from tests.allocation.targeted.test_optimum import LOAD, QWEN, stable
from tests.support.instances import changed, realistic

SAME = QWEN.replace(time_per_token=[0.001] * 5)


def test_impossible_targets_are_all_named_before_solving(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targeted, "interior_point", None)
    asked = {
        "max_mean_system_time": 0.2,
        "max_mean_wait": 0.1,
        "max_utilization": 0.02,
        "max_mean_tokens": 5.0,
    }
    with pytest.raises(TargetError) as caught:
        cvxtoken.solve(QWEN, min_accuracy={"GSM8K": 0.9}, **asked)
    assert set(caught.value.best) == {"max_mean_system_time", "max_utilization", "max_mean_tokens"}
    for name, best in caught.value.best.items():
        assert f"{name} is {asked[name]!r}; the least possible is" in str(caught.value)
        assert best > asked[name]
    assert "with the tokens that min_accuracy asks for" in str(caught.value)


def test_the_best_possible_values_are_possible_and_no_better_ones() -> None:
    asked = {
        "max_mean_system_time": 1e-9,
        "max_mean_wait": 1e-9,
        "max_utilization": 1e-9,
        "max_mean_tokens": 1e-9,
    }
    for least in ({}, {"GSM8K": 0.9, "HMMT 2025": 0.1}):
        with pytest.raises(TargetError) as caught:
            cvxtoken.solve(QWEN, min_accuracy=least, **asked)
        best = caught.value.best
        assert set(best) == set(asked) - (set() if least else {"max_mean_tokens"})
        assert cvxtoken.solve(QWEN, min_accuracy=least, **best).status == "certified"
        for name in best:
            with pytest.raises(TargetError, match=name):
                cvxtoken.solve(QWEN, min_accuracy=least, **(best | {name: best[name] * (1 - 1e-8)}))


def test_accuracies_out_of_reach() -> None:
    with pytest.raises(TargetError) as caught:
        cvxtoken.solve(QWEN, min_accuracy={"GSM8K": 0.99, "AIME 2024": 0.59, "HMMT 2025": 0.1})
    assert set(caught.value.best) == {"GSM8K", "AIME 2024"}
    assert "'AIME 2024' is 0.59; the best reachable is 0.566282" in str(caught.value)
    best = caught.value.best["AIME 2024"]
    assert (
        cvxtoken.solve(QWEN.replace(arrival_rate=0.001), min_accuracy={"AIME 2024": best}).status
        == "certified"
    )
    with pytest.raises(TargetError):
        cvxtoken.solve(QWEN, min_accuracy={"AIME 2024": np.nextafter(best, 1)})
    with pytest.raises(TargetError, match="more tokens than the server can take"):
        cvxtoken.solve(QWEN.replace(arrival_rate=1.0), min_accuracy={"AIME 2024": best})


def test_no_room_at_all() -> None:
    """A utilisation that is exact in binary, and that is met only without tokens."""
    w = cvxtoken.Workload(
        names=["a", "b"],
        prior=[0.5, 0.5],
        accuracy_gain=[0.5, 0.25],
        saturation_rate=[0.01, 0.02],
        base_accuracy=[0.25, 0.5],
        overhead=[0.5, 0.25],
        time_per_token=[0.001, 0.002],
        arrival_rate=1.0,
        accuracy_weight=30.0,
        max_tokens=4096.0,
    )
    for objective in ("trade-off", "accuracy"):
        found = cvxtoken.solve(w, objective=objective, max_utilization=0.375)
        assert found.tokens.tolist() == [0.0, 0.0]
        assert found.status == "certified"
        near = cvxtoken.solve(w, objective=objective, max_utilization=float(np.nextafter(0.375, 1)))
        assert near.status == "certified"
        assert near.tokens.max() < 1e-12
        with pytest.raises(TargetError, match=r"the least possible is 0\.375"):
            cvxtoken.solve(w, objective=objective, max_utilization=float(np.nextafter(0.375, 0)))


def test_accuracy_alone_needs_something_that_bounds_the_load() -> None:
    with pytest.raises(ProblemError, match="has no optimum here"):
        cvxtoken.solve(QWEN, objective="accuracy")
    with pytest.raises(ProblemError, match="has no optimum here"):
        cvxtoken.solve(QWEN, objective="accuracy", max_mean_tokens=20000.0)
    light = QWEN.replace(arrival_rate=1e-3)
    everything = cvxtoken.solve(light, objective="accuracy")
    assert everything.tokens.tolist() == light.max_tokens.tolist()
    assert everything.status == "certified"
    assert cvxtoken.solve(QWEN, objective="accuracy", max_mean_tokens=2000.0).status == "certified"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"objective": "speed"}, "objective is 'speed'; it must be one of trade-off, accuracy"),
        ({"max_mean_system_time": 0}, "max_mean_system_time is 0; it must be finite and positive"),
        ({"max_mean_wait": float("nan")}, "max_mean_wait is nan; it must be finite and positive"),
        ({"max_mean_tokens": "many"}, "max_mean_tokens is 'many'; it must be a number"),
        ({"max_utilization": 1.0}, "max_utilization is 1.0; it must be below 1"),
        ({"min_accuracy": {"GSM8": 0.9}}, "'GSM8' is not a type of the workload .did you mean 'GSM8K'"),
        ({"min_accuracy": {"GSM8K": 1.1}}, "min_accuracy of 'GSM8K' is 1.1; it must be from 0 to 1"),
        ({"min_accuracy": {"GSM8K": float("nan")}}, "it must be from 0 to 1"),
        ({"min_accuracy": {"GSM8K": True}}, "it must be a number"),
        ({"min_accuracy": [0.9]}, "min_accuracy is .0.9.; it must be a mapping"),
    ],
)
def test_bad_targets(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        cvxtoken.solve(QWEN, **asked)


def test_multipliers_are_checked() -> None:
    targets = Targets(max_mean_system_time=3.0)
    for multipliers, message in (
        (cvxtoken.Multipliers({"max_mean_system_time": Decimal(-1)}), "finite and not negative"),
        (cvxtoken.Multipliers({"max_mean_system_time": Decimal("NaN")}), "finite and not negative"),
        (cvxtoken.Multipliers({"max_mean_wait": Decimal(1)}), "a multiplier without a target"),
    ):
        with pytest.raises(ProblemError, match=message):
            cvxtoken.certify(QWEN, [0.0] * 5, targets=targets, multipliers=multipliers)
    with pytest.raises(ProblemError, match="tokens give max_mean_system_time"):
        cvxtoken.certify(QWEN, [9000.0] * 5, targets=targets)


def test_what_is_not_proven_is_not_called_certified(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the polish finds nothing, the interior point's own bound is told: near, or not."""
    monkeypatch.setattr(targeted, "polish_targets", lambda *_: None)
    found = cvxtoken.solve(QWEN, max_mean_system_time=2.0)
    assert 1e-30 < found.relative_gap < 1e-6
    assert (found.status == "certified") == (found.relative_gap <= 1e-15)
    verifier.check(found.certificate.to_document())
    monkeypatch.setattr(targeted, "_candidates", lambda *_: [])
    found = cvxtoken.solve(QWEN, max_mean_system_time=2.0)
    assert found.status == "uncertified"
    assert found.tokens.tolist() == [0.0] * 5


def test_tiny_rooms() -> None:
    """A target a hair above the least possible: few tokens, high prices, and still closed."""
    for share in (1e-3, 1e-9, 1e-15):
        w = changed(realistic(3, 4), 0.5)
        least = float(model.mean_system_time(w, np.zeros(4)))
        found = cvxtoken.solve(w, objective="accuracy", max_mean_system_time=least * (1 + share))
        assert found.status == "certified"
        assert found.tokens.max() > 0


def test_targets_that_coincide_are_bounded_all_the_same() -> None:
    """Limits that are the values of one corner of the box: prices are not unique; nothing false is said."""
    for seed in range(6):
        w = stable(seed)
        corner = np.where(np.arange(6) % 2, w.max_tokens, 0.0)
        q = {w.names[k]: float(model.accuracy(w, 0.999 * corner)[k]) for k in (1, 3)}
        for names in (LOAD[:1], LOAD[2:], ("max_mean_tokens",), LOAD[1:], tuple(LIMITS)):
            functions = (model.mean_system_time, model.mean_wait, model.utilization, lambda w, l: w.prior @ l)
            at_corner = dict(zip(LIMITS, (float(f(w, corner)) for f in functions), strict=True))
            limits = {name: at_corner[name] for name in names}
            proof = certify_targets(w, Targets("accuracy", min_accuracy=q, **limits))
            assert proof.relative_gap <= Decimal("1e-9")
            verifier.check(proof.to_document())
    same = SAME.replace(max_tokens=300.0)
    for share in (1.0, 0.5):
        found = cvxtoken.solve(same, objective="accuracy", max_mean_tokens=300.0 * share, max_utilization=0.9)
        assert found.status == "certified"


def test_accuracies_that_ask_for_almost_nothing() -> None:
    """So few tokens that e^(-b l) is 1 to a hundred digits: the accuracy must be seen to be reached."""
    for q in (1e-300, 1e-40, 1e-18):
        proof = certify_targets(
            QWEN,
            Targets("accuracy", max_mean_tokens=1e-9, max_utilization=0.9, min_accuracy={"AIME 2024": q}),
        )
        verifier.check(proof.to_document())
        assert proof.relative_gap <= Decimal("1e-30")


def test_the_polish_finds_the_active_set_from_a_wrong_one() -> None:
    targets = Targets(max_mean_system_time=2.0, max_utilization=0.1721, max_mean_tokens=2090.0)
    problem = feasible(QWEN, targets)
    best = certify_targets(QWEN, targets)
    tokens = [float(l) for l in best.tokens]
    prices: dict[str | int, float] = {name: float(x) for name, x in best.multipliers.limits.items()}
    for active in (
        (),
        ("max_mean_system_time", "max_mean_tokens"),
        ("max_mean_system_time", "max_utilization"),
    ):
        found = polish_targets(problem, Start(tokens, prices, active))
        assert found is not None
        assert {name for name, x in found[1].limits.items() if x} == {"max_mean_system_time"}
        assert min(found[1].limits.values()) >= 0
        assert max(abs(a - b) for a, b in zip(found[0], best.tokens, strict=True)) < Decimal("1e-30")


def test_a_result_of_another_problem_is_never_certified() -> None:
    reference = cvxtoken.solve(QWEN)
    assert reference.status == "certified"
    assert replace(reference, uncertified_because="of something else").status == "uncertified"
