"""The certifier against the truth in 90 digits, and against broken versions of itself.

Each check takes the certifier's module, so that it can be run on a damaged copy: `BROKEN` names the damage
and the check that must notice it.
"""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken import UnstableError
from cvxtoken.allocation import model
from cvxtoken.allocation.proof import bounds, certificate, separate
from cvxtoken.rigorous import decimals
from tests.support import truth
from tests.support.instances import realistic, varying
from tests.support.thorough import some
from tests.support.truth import exact

SMALL = [realistic(seed, size) for seed in range(4) for size in (1, 2, 5)]
SMALL += [varying(w, seed) for seed, w in enumerate(SMALL[:6])]


def near_and_far(w: cvxtoken.Workload, seed: int) -> list[list[float]]:
    """Feasible allocations: the optimum, near it, and anywhere stable."""
    best = cvxtoken.solve(w).tokens
    rng = np.random.default_rng(seed)
    points = [best, np.clip(best * (1 + 1e-3 * rng.normal(size=len(w))), 0, w.max_tokens)]
    points += [rng.uniform(0, 1, len(w)) * np.minimum(best + 100, w.max_tokens) for _ in range(3)]
    return [point.tolist() for point in points if float(model.idle(w, point)) > 0]


# --- what every certifier must hold ---------------------------------------------------------------------


def check_bounds_enclose_the_optimum(module: ModuleType) -> None:
    for number, w in enumerate(SMALL):
        l_best, J_best = truth.optimum(w)
        for tokens in near_and_far(w, number):
            proof = module.certify(w, tokens)
            assert exact(proof.lower) <= truth.objective(w, tokens)
            assert exact(proof.lower) <= J_best <= exact(proof.upper)
            for l, best, radius in zip(tokens, l_best, proof.radii, strict=True):
                assert abs(exact(l) - best) <= exact(radius)


def check_the_gap_closes_at_the_optimum(module: ModuleType) -> None:
    for w in SMALL:
        tokens = cvxtoken.solve(w).tokens
        proof = module.certify(w, tokens)
        assert 0 < proof.relative_gap <= Decimal("1e-25")
        # a budget rounded to 17 digits is known to about that
        assert all(
            r <= Decimal("1e-12") * Decimal(max(l, 1)) for l, r in zip(tokens, proof.radii, strict=True)
        )


def check_values_enclose_the_formulas_at_few_digits(module: ModuleType) -> None:
    """At 2 to 6 digits every rounding counts: a wrong direction empties the intervals."""
    for number, w in enumerate(SMALL):
        for tokens in near_and_far(w, number):
            for digits in (2, 3, 4, 6):
                allocation = [Decimal(l) for l in tokens]
                try:
                    values = module.Bounds(w, allocation, module.Rounding(digits))
                except UnstableError:
                    continue  # the idle share is not surely positive at so few digits
                assert exact(values.F.low) <= -truth.objective(w, tokens) <= exact(values.F.high)
                assert exact(values.F_bound.low) <= -truth.optimum(w)[1]


def check_exponentials_enclose_at_few_digits(module: ModuleType) -> None:
    rounding = module.Rounding(3)
    for value in np.random.default_rng(1).uniform(-20, 3, 300):
        number = Decimal(f"{value:.6f}")
        found = rounding.exact(number).exp()
        assert exact(found.low) <= truth.mp.exp(exact(number)) <= exact(found.high)
        number = Decimal(f"{np.exp(value):.20f}")
        found = rounding.exact(number).ln()
        assert exact(found.low) <= truth.mp.log(exact(number)) <= exact(found.high)


CHECKS = [
    check_bounds_enclose_the_optimum,
    check_the_gap_closes_at_the_optimum,
    check_values_enclose_the_formulas_at_few_digits,
    check_exponentials_enclose_at_few_digits,
]


@pytest.mark.parametrize("check", CHECKS)
def test_certifier(check: Any) -> None:
    check(certificate)


# --- broken versions ------------------------------------------------------------------------------------

BROKEN = {
    "wrong sign of lambda Z / 2": (
        "constant, size = -coupling, self.zero",
        "constant, size = coupling, self.zero",
        check_bounds_enclose_the_optimum,
    ),
    "wrong sign of the thinking cost in kappa": (
        "(token + time * z[k]) * self.c[k]",
        "(token - time * z[k]) * self.c[k]",
        check_the_gap_closes_at_the_optimum,
    ),
    "lambda^2 term dropped": (
        "load = lam * (e * lam * Z * self.half + self.eta)",
        "load = lam * self.eta",
        check_the_gap_closes_at_the_optimum,
    ),
    "lambda for lambda^2": (
        "load = lam * (e * lam * Z * self.half + self.eta)",
        "load = e * lam * Z * self.half + lam * self.eta",
        check_bounds_enclose_the_optimum,
    ),
    "half of the waiting time dropped": (
        "self.lam * Q * self.half / y",
        "self.lam * Q / y",
        check_values_enclose_the_formulas_at_few_digits,
    ),
    "base accuracy forgotten in F": (
        "self.alpha * self.mean(decay) - self.best + self.w * system",
        "self.alpha * self.mean(decay) + self.w * system",
        check_values_enclose_the_formulas_at_few_digits,
    ),
    "minimum of a type taken at zero only": (
        "if self.slope.low >= steepest.high:",
        "if True:",
        check_bounds_enclose_the_optimum,
    ),
    "minimum of a type taken at l_max only": (
        "if (self.b * top).high <= log.low:",
        "if True:",
        check_bounds_enclose_the_optimum,
    ),
    "bound published on the wrong side": (
        "self.upper = up.minus(down.subtract(self.F_bound.low, self.room))",
        "self.upper = up.minus(down.subtract(self.F.high, self.room))",
        check_bounds_enclose_the_optimum,
    ),
    "radius not tested": (
        "if radius >= l_max or self.encloses(k, radius):",
        "if True:",
        check_bounds_enclose_the_optimum,
    ),
    "radius tested without the gap": (
        "right >= l_max or self.excess(k, right).low > self.gap",
        "right >= l_max or self.excess(k, right).low > 0",
        check_bounds_enclose_the_optimum,
    ),
    "rounding the wrong way": (
        "self.down = Context(digits, ROUND_FLOOR,",
        "self.down = Context(digits, ROUND_CEILING,",
        check_values_enclose_the_formulas_at_few_digits,
    ),
    "rounding to nearest": (
        "self.up = Context(digits, ROUND_CEILING,",
        "self.up = Context(digits, 'ROUND_HALF_EVEN',",
        check_values_enclose_the_formulas_at_few_digits,
    ),
    "exponential not widened": (
        "r.up.multiply(r.up.next_plus(power), growth)",
        "r.up.multiply(power, growth)",
        check_exponentials_enclose_at_few_digits,
    ),
    "exponential not widened below": (
        "max(r.down.next_minus(power), Decimal(0))",
        "power",
        check_exponentials_enclose_at_few_digits,
    ),
    "logarithm not widened": (
        "Interval(r.down.next_minus(log), r.up.add(r.up.next_plus(log), growth), r)",
        "Interval(log, r.up.add(log, growth), r)",
        check_exponentials_enclose_at_few_digits,
    ),
}


def damaged(monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> ModuleType:
    """The certifier with one piece of its source, or of the arithmetic's, replaced."""
    copies = {}
    for original in (decimals, separate, bounds, certificate):
        source = Path(str(original.__file__)).read_text(encoding="utf-8")
        name = f"damaged_{original.__name__.rsplit('.', 1)[-1]}"
        source = source.replace("from cvxtoken.rigorous import", "from damaged_decimals import")
        for room in ("bounds", "separate"):
            source = source.replace(
                f"from cvxtoken.allocation.proof.{room} import", f"from damaged_{room} import"
            )
        copies[name] = source.replace(old, new)
        if copies[name] == source:
            continue
        assert source.count(old) == 1
    assert any(new in source for source in copies.values())
    for name, source in copies.items():
        module = ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)
        exec(compile(source, name, "exec"), module.__dict__)
    return sys.modules["damaged_certificate"]


@pytest.mark.parametrize("damage", some(BROKEN, 3))
def test_broken_certifier_is_caught(damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new, check = BROKEN[damage]
    module = damaged(monkeypatch, old, new)
    with pytest.raises((AssertionError, ArithmeticError)):
        check(module)


def test_undamaged_copy_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    module = damaged(monkeypatch, "evaluated in intervals of decimals", "evaluated in decimal intervals")
    for check in CHECKS:
        check(module)
