"""Optima under targets: every combination closes, prices are derivatives, impossible targets are named."""

from __future__ import annotations

from decimal import Decimal
from itertools import combinations

import numpy as np
import pytest

import cvxtoken
from cvxtoken import verifier
from cvxtoken.allocation import model
from cvxtoken.allocation.program.forms import program
from cvxtoken.allocation.program.solver import witness
from cvxtoken.allocation.targeted.feasible import feasible
from cvxtoken.allocation.targeted.optimum import certify_targets
from cvxtoken.allocation.targets import LIMITS, Targets
from tests.support import targets as judge
from tests.support.instances import realistic, stress
from tests.support.prices import best_response
from tests.support.thorough import some

QWEN = cvxtoken.load("qwen3-8b")
LOAD = ("max_mean_system_time", "max_mean_wait", "max_utilization")
SETS = [
    chosen
    for size in range(5)
    for chosen in combinations(LIMITS, size)
    if not set(LOAD) <= set(chosen)  # E[S] and E[W] give E[T]: all three hold with equality by chance only
]


def priced(w: cvxtoken.Workload, sigma: float, e: float, xi: float, held: float) -> np.ndarray:
    """Budgets that minimise loss + sigma E[S] + e E[W] + xi sum pi l, the first at least `held`.

    By damped iteration of every type's answer to the prices, to float64.
    """
    l = np.zeros(len(w))
    for _ in range(400):
        y, (_, s2) = float(model.idle(w, l)), model.moments(w, l)
        theta = e * w.arrival_rate / y
        p = sigma + theta * w.arrival_rate * float(s2) / (2 * y) + xi / w.time_per_token
        with np.errstate(all="ignore"):  # where nothing costs anything
            answer, _ = best_response(w, theta, p)
        answer[0] = max(answer[0], held)
        l = l + 0.3 * (answer - l)
    return l


def stable(seed: int) -> cvxtoken.Workload:
    """Six types of much the same kind, most of them inside their box; a utilisation of 0.9 at most."""
    rng = np.random.default_rng(seed)
    w = realistic(seed, 6).replace(
        max_tokens=4000.0,
        saturation_rate=10 ** rng.uniform(-3.2, -2.8, 6),
        time_per_token=10 ** rng.uniform(-3.2, -2.8, 6),
        overhead=rng.uniform(0.0, 1.0, 6),
    )
    return w.replace(arrival_rate=0.9 / float(model.moments(w, w.max_tokens)[0]))


def with_active(
    w: cvxtoken.Workload, objective: str, active: tuple[str, ...], accuracies: bool, rng: np.random.Generator
) -> Targets:
    """Targets of which just these are active: the values at the optimum for given multipliers."""
    weight = float(objective == "trade-off")
    alpha = w.accuracy_weight if weight else 1.0
    scale = dict(zip(LIMITS, (0.03, 0.1, 0.1, 1e-5), strict=True))
    price = {n: alpha * scale[n] * 10 ** rng.uniform(-0.5, 0.5) * (n in active) for n in LIMITS}
    mu, nu, eta, xi = price.values()
    sigma, e = weight + mu + eta * w.arrival_rate, weight + mu + nu
    if not sigma + e + xi:
        sigma = e = 1e-3  # nothing costs anything: the targets are beyond this point
    w_alpha = w.replace(accuracy_weight=alpha)
    l = priced(w_alpha, sigma, e, xi, 0.0)
    if accuracies:
        l = priced(w_alpha, sigma, e, xi, min(l[0] + 0.5 / w.saturation_rate[0], 0.9 * w.max_tokens[0]))
    functions = (model.mean_system_time, model.mean_wait, model.utilization, lambda w, l: w.prior @ l)
    found = dict(zip(LIMITS, (float(f(w, l)) for f in functions), strict=True))
    beyond = {name: value * 1.01 for name, value in found.items()}
    beyond["max_utilization"] = (found["max_utilization"] * 20 + 1) / 21
    needed = objective == "accuracy" and not set(active) & set(LOAD)
    others = {n: x for n, x in beyond.items() if n not in active and (needed or rng.random() < 0.7)}
    q = {w.names[0]: float(model.accuracy(w, l)[0])} if accuracies else {}
    return Targets(objective=objective, min_accuracy=q, **{n: found[n] for n in active}, **others)


@pytest.mark.parametrize("accuracies", [False, True])
@pytest.mark.parametrize("objective", ["trade-off", "accuracy"])
@pytest.mark.parametrize("active", some(SETS, 3), ids=lambda chosen: "+".join(chosen) or "none")
def test_every_combination_closes(active: tuple[str, ...], objective: str, accuracies: bool) -> None:
    """Active as named, the others there and inactive, or not there."""
    for seed in some(range(3), 3):
        w = stable(seed)
        rng = np.random.default_rng([seed, len(active), accuracies])
        targets = with_active(w, objective, active, accuracies, rng)
        proof = certify_targets(w, targets)
        assert proof.relative_gap <= Decimal("1e-15")
        verifier.check(proof.to_document())
        if objective == "trade-off" or set(active) & set(LOAD):
            assert {n for n in LIMITS if proof.multipliers.of(n) > 0} == set(active)
        if accuracies and (objective == "trade-off" or active):
            assert proof.multipliers.min_accuracy[w.names[0]] > 0


@pytest.mark.parametrize("size", [1, 2, 6])
@pytest.mark.parametrize("seed", some(range(10), 3))
def test_random_targets_close(seed: int, size: int) -> None:
    w, rng = realistic(seed, size), np.random.default_rng([seed, size])
    for objective in ("trade-off", "accuracy"):
        for accuracies in (False, True):
            targets = judge.random_targets(w, rng, objective, judge.combination(rng, objective), accuracies)
            proof = certify_targets(w, targets)
            # without targets the tokens are doubles, which prove about twice their digits
            assert proof.relative_gap <= Decimal("1e-25" if targets.is_trivial else "1e-30")
            verifier.check(proof.to_document())


def test_extreme_workloads_close() -> None:
    rng = np.random.default_rng(3)
    for _, w in list(stress((1, 6)))[::3]:
        for objective in ("trade-off", "accuracy"):
            try:
                targets = judge.random_targets(w, rng, objective, judge.combination(rng, objective), False)
            except cvxtoken.UnstableError:  # of the untargeted optimum's doubles, beyond what is tested here
                continue
            proof = certify_targets(w, targets)
            assert proof.relative_gap <= Decimal("1e-15")
            verifier.check(proof.to_document())


def test_hundreds_of_types_close() -> None:
    w = realistic(1, 300)
    limit = 0.8 * cvxtoken.solve(w).mean_system_time
    reference = cvxtoken.solve(w, max_mean_system_time=limit, max_mean_tokens=2000.0)
    assert reference.relative_gap <= 1e-30
    verifier.check(reference.certificate.to_document())


def test_the_convex_solver_agrees() -> None:
    """The same program in CVXPY: budgets and dual values, by an interior point that knows nothing of ours."""
    for targets in (
        Targets(max_mean_system_time=2.0),
        Targets(objective="accuracy", max_mean_wait=0.2, max_mean_tokens=1500.0),
        Targets(max_utilization=0.15, min_accuracy={"GSM8K": 0.952, "AIME 2024": 0.15}),
        Targets(objective="accuracy", max_mean_system_time=2.0, max_utilization=0.9),
    ):
        proof = certify_targets(QWEN, targets)
        found = witness(feasible(QWEN, targets), "CLARABEL")
        raw, prices = found.tokens, found.prices
        assert found.run.status == "optimal"
        assert raw is not None
        np.testing.assert_allclose(raw, [float(l) for l in proof.tokens], atol=3)  # of a flat objective
        for name in targets.limits:
            scale = 1e-3 * max(map(float, proof.multipliers.limits.values()))
            assert prices[name] == pytest.approx(float(proof.multipliers.of(name)), rel=1e-2, abs=scale)
        assert all(program(QWEN, form, targets).problem.is_dcp() for form in ("presolved", "raw"))


def test_no_other_allocation_that_meets_the_targets_is_better() -> None:
    targets = Targets(max_mean_system_time=2.0, max_mean_tokens=1700.0, min_accuracy={"AIME 2024": 0.1})
    reference = cvxtoken.solve(
        QWEN, max_mean_system_time=2.0, max_mean_tokens=1700.0, min_accuracy={"AIME 2024": 0.1}
    )
    rng = np.random.default_rng(1)
    l = np.clip(reference.tokens * rng.lognormal(0, 0.1, (50_000, 5)), 0, 32768)
    good = (model.mean_system_time(QWEN, l) <= 2.0) & (l @ QWEN.prior <= 1700.0)
    good &= model.accuracy(QWEN, l)[:, 0] >= 0.1
    assert good.sum() > 1000
    assert model.objective(QWEN, l[good]).max() <= reference.upper
    assert reference.targets == targets


# --- shadow prices --------------------------------------------------------------------------------------


@pytest.mark.parametrize("objective", ["trade-off", "accuracy"])
@pytest.mark.parametrize(
    "asked",
    some(
        [
            {"max_mean_wait": 0.2, "max_mean_tokens": 1500.0},
            {"max_mean_system_time": 2.0},
            {"max_mean_system_time": 2.0, "max_mean_tokens": 1800.0},
            {"max_utilization": 0.15},
        ],
        2,
    ),
)
def test_prices_are_what_one_unit_more_buys(objective: str, asked: dict[str, float]) -> None:
    """Against solving anew, and never more than the certificate allows at any distance."""
    least = {"GSM8K": 0.952}
    here = cvxtoken.solve(QWEN, objective=objective, min_accuracy=least, **asked)
    first = here.shadow_prices[0]
    pinned = objective == "accuracy" or (first.target == "max_mean_system_time" and first.active)
    for price in here.shadow_prices:
        for step in (1e-5, -1e-5, 0.03, -0.03):
            accuracy = price.target == "min_accuracy"
            change = step * (0.001 if accuracy else price.limit)
            other = asked if accuracy else asked | {price.target: price.limit + change}
            q = {"GSM8K": 0.952 + change} if accuracy else least
            there = cvxtoken.solve(QWEN, objective=objective, min_accuracy=q, **other)
            moved = there.certificate.lower - here.certificate.lower
            bound = Decimal(repr(price.objective)) * Decimal(repr(change))
            assert moved <= bound + abs(bound) * Decimal("1e-12") + Decimal("1e-25")
            if abs(step) < 1e-4:
                assert float(moved) == pytest.approx(price.objective * change, rel=2e-4, abs=1e-14)
                if pinned and price.active:
                    bought = there.mean_accuracy - here.mean_accuracy
                    assert bought == pytest.approx(price.accuracy * change, rel=1e-3, abs=1e-14)


def test_prices_in_their_units() -> None:
    trade = cvxtoken.solve(QWEN, max_mean_system_time=2.0).shadow_prices[0]
    alone = cvxtoken.solve(QWEN, objective="accuracy", max_mean_system_time=2.0).shadow_prices[0]
    assert (trade.unit, trade.objective_unit, alone.objective_unit) == ("s", "s", "accuracy")
    assert trade.accuracy == pytest.approx((1 + trade.objective) / QWEN.accuracy_weight, rel=1e-14)
    assert alone.accuracy == alone.objective == pytest.approx(trade.accuracy, rel=1e-12)
    assert str(alone) == "max_mean_system_time <= 2 s: active; one more second buys at most 0.04 accuracy"
    idle = cvxtoken.solve(QWEN, max_mean_system_time=50.0).shadow_prices[0]
    assert not idle.active
    assert idle.accuracy == 0
    assert str(idle) == f"max_mean_system_time <= 50 s: {idle.value:.6g} s, not active"
    assert idle.value == pytest.approx(cvxtoken.solve(QWEN).mean_system_time, rel=1e-14)
