"""What every verifier of targets must hold, at few digits and many: checks of a verifier's module."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

import cvxtoken
from cvxtoken.allocation.proof.certificate import Certificate
from cvxtoken.allocation.targeted.optimum import certify_targets
from cvxtoken.allocation.targets import LIMITS, Multipliers, Targets
from tests.support import targets as judge
from tests.support.bound_checks import just, one_type
from tests.support.instances import realistic, varying
from tests.support.thorough import some
from tests.support.truth import exact, mp, mpf

SMALL = cvxtoken.load("qwen3-8b")
ALL = dict(zip(LIMITS, (2.0, 0.25, 0.16, 1500.0), strict=True))

DIGITS = (2, 3, 4, 6, 20)
HUGE = Decimal("1e9")


def accepts(module: ModuleType, w: Any, goal: Any, tokens: Any, lower: Any, upper: Any, d: int) -> bool:
    """Whether `prove` accepts the claims at so many digits, whatever the radii."""
    instance, _ = module.read_instance(w.to_instance())
    try:
        module.prove(instance, tokens, [HUGE] * len(tokens), lower, upper, goal, d)
    except module.Refused:
        return False
    return True


def bound(module: ModuleType, w: Any, goal: Any, tokens: Any, d: int) -> Any:
    """What the module says no allocation exceeds (mpf), whether or not the tokens meet the targets."""
    model = module.Model(module.read_instance(w.to_instance())[0], goal, module.arithmetic(d))
    total, curves = model.separate(tokens)
    for curve, top in zip(curves, model.l_max, strict=True):
        total += curve.pi * curve.least(top)
    return -exact(total.low)


def goal_of(module: ModuleType, w: Any, targets: Targets, multipliers: Multipliers) -> Any:
    """As the module reads it from a certificate."""
    arguments = targets.to_document(), multipliers.to_document(targets)
    return module.read_targets(*arguments, w.to_instance(), "")[0]


@cache
def many() -> list[tuple[Any, Targets, Certificate, judge.Truth]]:
    found = []
    for seed in some(range(18), 4):
        w = realistic(seed, 1 + seed % 2)
        w = w if seed < 14 else varying(w, seed)
        rng = np.random.default_rng([seed, 9])
        goal = ("trade-off", "accuracy")[seed // 2 % 2]
        targets = judge.random_targets(w, rng, goal, judge.combination(rng, goal), seed % 3 == 0)
        found.append((w, targets, certify_targets(w, targets), judge.optimum(w, targets)))
    held = Targets("accuracy", max_mean_system_time=2.0, min_accuracy={"GSM8K": 0.952, "AIME 2024": 0.2})
    return [*found, (SMALL, held, certify_targets(SMALL, held), judge.optimum(SMALL, held))]


def check_dual_bounds(module: ModuleType) -> None:
    """An upper bound a little below J is false and must be refused, at any precision and multipliers."""
    rng = random.Random(5)
    for w, targets, proof, best in many():
        for factor in (1.0, 0.5, 2.0, 30.0):
            scaled = Multipliers(
                {n: Decimal(repr(float(x) * factor)) for n, x in proof.multipliers.limits.items()},
                {
                    n: Decimal(repr(float(x) * factor * rng.random()))
                    for n, x in proof.multipliers.min_accuracy.items()
                },
            )
            goal = goal_of(module, w, targets, scaled)
            for d in DIGITS:
                assert bound(module, w, goal, list(proof.tokens), d) >= best.low


def check_single_prices(module: ModuleType) -> None:
    """A multiplier on one target alone, small and large: the bound must hold for each."""
    w, tokens = SMALL, [Decimal(100)] * 5
    for objective in ("trade-off", "accuracy"):
        for name, limit in ALL.items():
            targets = Targets(objective=objective, **{"max_mean_system_time": 9.0, name: limit * 0.6})
            best = judge.optimum(w, targets).low
            for price in ("1e-4", "0.01", "0.2", "3", "100"):
                goal = goal_of(module, w, targets, Multipliers({name: Decimal(price)}))
                assert bound(module, w, goal, tokens, 20) >= best, (name, price)


def check_accuracy_prices(module: ModuleType) -> None:
    """Active least accuracies, with and without a base accuracy, at prices near the right ones."""
    for name, q in (("AIME 2024", 0.2), ("GSM8K", 0.952)):
        targets = Targets(objective="accuracy", max_mean_system_time=2.0, min_accuracy={name: q})
        proof, best = certify_targets(SMALL, targets), judge.optimum(SMALL, targets)
        assert proof.multipliers.min_accuracy[name] > 0
        for factor in ("0.99", "1", "1.01", "1.5"):
            zeta = {name: proof.multipliers.min_accuracy[name] * Decimal(factor)}
            goal = goal_of(module, SMALL, targets, Multipliers(proof.multipliers.limits, zeta))
            assert bound(module, SMALL, goal, list(proof.tokens), 60) >= best.low


def check_negative_slopes(module: ModuleType) -> None:
    """A row that asks for many tokens makes them free of cost, and more: the minimum is at max_tokens."""
    proof = cvxtoken.solve(SMALL, constraints=lambda l: [l[0] >= 20000]).certificate
    assert proof.relative_gap < Decimal("1e-30")
    for chi in ("1e-5", "1e-3", "0.1", "10", "1000"):
        goal = goal_of(module, SMALL, proof.targets, Multipliers({}, {}, (Decimal(chi),)))
        assert bound(module, SMALL, goal, list(proof.tokens), 60) >= exact(proof.lower), chi


def check_limits(module: ModuleType) -> None:
    """Maximise 1 - e^(-l) with l <= k / 16, where two digits hold all but the logarithm and xi k / 16."""
    for k in range(1, 200):
        w = one_type(
            saturation_rate=1.0,
            accuracy_gain=1.0,
            base_accuracy=0.0,
            max_tokens=100.0,
            arrival_rate=2.0**-10,
            accuracy_weight=1.0,
        )
        best = 1 - mp.exp(-mpf(k) / 16)
        for d in (2, 3):
            xi = Decimal(f"{float(1 - best):.{d - 1}e}")
            goal = module.untargeted(w.to_instance())
            limits = [*goal.limits[:3], Decimal(k) / 16]
            goal = goal._replace(w=Decimal(0), limits=limits, upper=[*goal.upper[:3], xi])
            assert bound(module, w, goal, [Decimal(0)], d) >= best, (k, d)


def check_the_gap_closes(module: ModuleType) -> None:
    """At the right multipliers the bound is sharp: nothing is given away."""
    for w, targets, proof, best in many():
        goal = goal_of(module, w, targets, proof.multipliers)
        assert (
            bound(module, w, goal, list(proof.tokens), 100) <= best.low + (1 + abs(best.low)) * mpf(10) ** -30
        )


def check_targets_are_met(module: ModuleType) -> None:
    """A limit a little below what the tokens give is missed, at any precision."""
    for w, _, proof, _ in many():
        tokens = [exact(l) for l in proof.tokens]
        found = judge.values(w, tokens)
        plain = module.untargeted(w.to_instance())
        for number, name in enumerate(LIMITS):
            limits = [Decimal("inf")] * 4
            limits[number] = just(found[name], -1)
            for d in DIGITS:
                goal = plain._replace(limits=limits)
                assert found[name] == 0 or not accepts(module, w, goal, list(proof.tokens), -HUGE, HUGE, d)
        row = [Decimal(k + 1) / 7 for k in range(len(w))]
        total = mp.fsum(exact(a) * l for a, l in zip(row, tokens, strict=True))
        for d in DIGITS:
            goal = plain._replace(rows=[(row, just(total, -1))], chi=[Decimal(0)])
            assert total == 0 or not accepts(module, w, goal, list(proof.tokens), -HUGE, HUGE, d)
        p = [
            exact(w.accuracy_gain[k]) * (1 - mp.exp(-exact(w.saturation_rate[k]) * l))
            for k, l in enumerate(tokens)
        ]
        for k in range(len(w)):
            floors = [Decimal(0)] * len(w)
            floors[k] = just(p[k] + exact(w.base_accuracy[k]), +1)
            for d in DIGITS:
                goal = plain._replace(floors=floors)
                assert not accepts(module, w, goal, list(proof.tokens), -HUGE, HUGE, d)


def check_rows(module: ModuleType) -> None:
    """Linear targets with coefficients of either sign: false bounds refused, sharp ones accepted."""
    row = (-1.0, 1.0, 0.0, 0.25, 0.0, 100.0)
    reference = cvxtoken.solve(SMALL, constraints=lambda l: [l[1] - l[0] + 0.25 * l[3] <= 100])
    proof = reference.certificate
    assert proof.targets.linear == (row,)
    for factor in ("1", "0.3", "4", "1000"):
        chi = proof.multipliers.linear[0] * Decimal(factor)
        goal = goal_of(module, SMALL, proof.targets, Multipliers({}, {}, (chi,)))
        found = bound(module, SMALL, goal, list(proof.tokens), 60)
        assert found >= exact(proof.lower)
        assert (found <= exact(proof.lower) + mpf(10) ** -30) == (factor == "1")


CHECKS: list[Callable[[ModuleType], None]] = [
    check_dual_bounds,
    check_single_prices,
    check_accuracy_prices,
    check_negative_slopes,
    check_limits,
    check_the_gap_closes,
    check_targets_are_met,
    check_rows,
]
