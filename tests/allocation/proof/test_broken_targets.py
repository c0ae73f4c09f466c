"""The certifier under targets against the truth in 90 digits, and against broken versions of itself."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken import ProblemError
from cvxtoken.allocation.proof import certificate
from cvxtoken.allocation.targeted.optimum import certify_targets
from cvxtoken.allocation.targets import LIMITS, Multipliers, Targets
from tests.allocation.proof.test_broken_certifier import damaged
from tests.support import targets as judge
from tests.support.instances import realistic
from tests.support.thorough import some
from tests.support.truth import exact, mpf

QWEN = cvxtoken.load("qwen3-8b")


@cache
def cases() -> list[tuple[Any, Targets, Any, judge.Truth]]:
    found = []
    for seed in range(8):
        w, rng = realistic(seed, 1 + seed % 3), np.random.default_rng([seed, 4])
        objective = ("trade-off", "accuracy")[seed % 2]
        targets = judge.random_targets(w, rng, objective, judge.combination(rng, objective), seed % 4 > 1)
        found.append((w, targets, certify_targets(w, targets), judge.optimum(w, targets)))
    for name, limit in zip(LIMITS, (2.0, 0.2, 0.15, 1700.0), strict=True):
        for objective in ("trade-off", "accuracy"):
            least = {"GSM8K": 0.952} if name != "max_mean_wait" else {"AIME 2024": 0.2}
            targets = Targets(objective=objective, min_accuracy=least, **{name: limit})
            if objective == "accuracy" and name == "max_mean_tokens":
                targets = Targets(objective, max_mean_tokens=limit, max_utilization=0.9, min_accuracy=least)
            found.append((QWEN, targets, certify_targets(QWEN, targets), judge.optimum(QWEN, targets)))
    rows = cvxtoken.solve(QWEN, constraints=lambda l: [l[1] - l[0] + 0.25 * l[3] <= 100, l[2] >= 900])
    proof = rows.certificate
    J = exact(proof.lower)
    found.append((QWEN, proof.targets, proof, judge.Truth([exact(l) for l in proof.tokens], J, J)))
    return found


def scaled(multipliers: Multipliers, factor: str) -> Multipliers:
    f = Decimal(factor)
    return Multipliers(
        {name: x * f for name, x in multipliers.limits.items()},
        {name: x * f for name, x in multipliers.min_accuracy.items()},
        tuple(x * f for x in multipliers.linear),
    )


def check_bounds_enclose_the_optimum(module: Any) -> None:
    for w, targets, best, truth in cases():
        for factor in ("1", "0.9", "1.2", "10"):
            multipliers = scaled(best.multipliers, factor)
            proof = module.certify(w, best.tokens, targets=targets, multipliers=multipliers)
            J = judge.objective(w, targets, [exact(l) for l in best.tokens])
            assert exact(proof.lower) <= J + mpf(10) ** -80  # of 90 digits
            assert exact(proof.upper) >= truth.low
            for l, star, radius in zip(best.tokens, truth.tokens, proof.radii, strict=True):
                assert abs(exact(l) - star) <= exact(radius) + mpf(10) ** -25


def check_the_gap_closes(module: Any) -> None:
    for w, targets, best, _ in cases():
        proof = module.certify(w, best.tokens, targets=targets, multipliers=best.multipliers)
        assert 0 < proof.relative_gap <= Decimal("1e-30")


def check_targets_are_met(module: Any) -> None:
    """Tokens at which a double limit just below their own value is missed."""
    tokens = [Decimal(500)] * 5
    values = judge.values(QWEN, [mpf(500)] * 5)
    missed = [Targets(**{name: float(value) * (1 - 1e-12)}) for name, value in values.items()]
    missed += [Targets(**{"min_accuracy": {"HMMT 2025": 0.072}}), Targets(linear=((1.0, 0, 0, 0, 0, 499.9),))]
    missed += [Targets(linear=((-1.0, 0, 0, 0, -1.0, -1000.1),))]
    for targets in missed:
        with pytest.raises(ProblemError, match=r"the target is|its limit is"):
            module.certify(QWEN, tokens, targets=targets)
    near = {name: float(value) * (1 + 1e-12) for name, value in values.items()}
    good = Targets(min_accuracy={"HMMT 2025": 0.071}, linear=((-1.0, 0, 0, 0, -1.0, -1000.0),), **near)
    module.certify(QWEN, tokens, targets=good)


CHECKS = [check_bounds_enclose_the_optimum, check_the_gap_closes, check_targets_are_met]

BROKEN = {
    "mu missing in kappa": (
        "e * law.direct - self.nu + load * share",
        "e * law.direct - self.nu - self.mu + load * share",
        check_the_gap_closes,
    ),
    "nu in the service price": (
        "e * law.direct - self.nu + load * share",
        "e * law.direct + load * share",
        check_bounds_enclose_the_optimum,
    ),
    "e without nu": ("e = self.w + self.mu + self.nu", "e = self.w + self.mu", check_the_gap_closes),
    "e without mu": ("e = self.w + self.mu + self.nu", "e = self.w + self.nu", check_the_gap_closes),
    "eta not per arrival": (
        "load = lam * (e * lam * Z * self.half + self.eta)",
        "load = lam * e * lam * Z * self.half + self.eta",
        check_bounds_enclose_the_optimum,
    ),
    "Z not weighted by e": (
        "coupling = e * lam * Z * self.half",
        "coupling = lam * Z * self.half",
        check_bounds_enclose_the_optimum,
    ),
    "xi missing": (
        "* self.c[k] + self.xi for k",
        "* self.c[k] for k",
        check_the_gap_closes,
    ),
    "rows missing": ("slope[k] + chi * row[k] / self.pi[k]", "slope[k]", check_the_gap_closes),
    "rows not over pi": (
        "slope[k] + chi * row[k] / self.pi[k]",
        "slope[k] + chi * row[k]",
        check_the_gap_closes,
    ),
    "zeta not over pi": (
        "gain[k] += zeta * self.A[k] / self.pi[k]",
        "gain[k] += zeta * self.A[k]",
        check_the_gap_closes,
    ),
    "limits forgotten": ("[-term for term in self.limited()]", "[]", check_bounds_enclose_the_optimum),
    "zeta's constant without D": (
        "x * (self.A[k] + self.D[k] - self.floors[k])",
        "x * (self.A[k] - self.floors[k])",
        check_bounds_enclose_the_optimum,
    ),
    "E[T] weighted where accuracy is the objective": (
        "self.w = exact(targets.delay_weight)",
        "self.w = exact(1)",
        check_bounds_enclose_the_optimum,
    ),
    "alpha where accuracy is the objective": (
        "exact(targets.accuracy_weight(w))",
        "exact(w.accuracy_weight)",
        check_bounds_enclose_the_optimum,
    ),
    "targets not tested": ("        self.require_targets()\n", "", check_targets_are_met),
    "E[W] for E[T]": ("(system, wait, load,", "(wait, wait, load,", check_targets_are_met),
    "tokens for rho": (
        "(system, wait, load, self.mean(l))",
        "(system, wait, service, self.mean(l))",
        check_targets_are_met,
    ),
    "accuracies not tested": ("if p.low < q.low:", "if False:", check_targets_are_met),
    "rows not tested": ("if total.high > limit.low:", "if False:", check_targets_are_met),
    "multipliers not checked": ("    multipliers.check(targets)\n", "", None),
}


def check_multipliers(module: Any) -> None:
    for multipliers in (
        Multipliers({"max_mean_wait": Decimal(1)}),
        Multipliers({"max_mean_system_time": Decimal(-1)}),
    ):
        with pytest.raises(ProblemError, match="multiplier"):
            module.certify(
                QWEN, [0.0] * 5, targets=Targets(max_mean_system_time=2.0), multipliers=multipliers
            )


@pytest.mark.parametrize("check", [*CHECKS, check_multipliers])
def test_certifier(check: Any) -> None:
    check(certificate)


@pytest.mark.parametrize("damage", some(BROKEN, 3))
def test_broken_certifier_is_caught(damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new, check = BROKEN[damage]
    module = damaged(monkeypatch, old, new)
    with pytest.raises((AssertionError, ArithmeticError, pytest.fail.Exception, ProblemError)):
        (check or check_multipliers)(module)
