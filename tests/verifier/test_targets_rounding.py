"""The verifier's arithmetic under targets, at few digits and many; and broken versions of it."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from cvxtoken.verifier import allocation as verifier
from tests.support.damage import damaged
from tests.support.target_checks import (
    CHECKS,
    check_accuracy_prices,
    check_dual_bounds,
    check_limits,
    check_negative_slopes,
    check_rows,
    check_single_prices,
    check_targets_are_met,
    check_the_gap_closes,
)

BROKEN: dict[str, tuple[str, str, Callable[[ModuleType], None]]] = {
    "limits not subtracted": ("MUL(price, limit) for price", "Decimal(0) for price", check_single_prices),
    "limits rounded down": ("MUL(price, limit) for price", "mul(price, limit) for price", check_limits),
    "mu left out of kappa": (
        "P = add(add(add(weight, mu), mul(eta, lam))",
        "P = add(add(weight, mul(eta, lam))",
        check_the_gap_closes,
    ),
    "mu left out of e": ("e, E = add(add(weight, mu), nu)", "e, E = add(weight, nu)", check_the_gap_closes),
    "nu left out of e": ("e, E = add(add(weight, mu), nu)", "e, E = add(weight, mu)", check_the_gap_closes),
    "nu left out of what is subtracted": (
        "ADD(ADD(weight, mu), nu)",
        "ADD(weight, mu)",
        check_dual_bounds,
    ),
    "mu left out of what is subtracted": (
        "ADD(ADD(weight, mu), nu)",
        "ADD(weight, nu)",
        check_dual_bounds,
    ),
    "E[W] counted with nu twice": (
        "P = add(add(add(weight, mu), mul(eta, lam))",
        "P = add(add(add(add(weight, nu), mu), mul(eta, lam))",
        check_single_prices,
    ),
    "eta not per arrival": ("mul(eta, lam)", "eta", check_single_prices),
    "xi left out of the slope": ("add(xi, div(tilt, pi))", "div(tilt, pi)", check_the_gap_closes),
    "xi twice": ("add(xi, div(tilt, pi))", "add(xi, add(xi, div(tilt, pi)))", check_dual_bounds),
    "rows not over pi": ("div(tilt, pi)", "tilt", check_rows),
    "rows left out": ("div(tilt, pi)", "Decimal(0)", check_rows),
    "a negative slope taken for none": (
        "if r > 0:",
        "r = max(r, Decimal(1e-9))\n    if r > 0:",
        check_negative_slopes,
    ),
    "zeta not over pi": (
        "g = add(mul(alpha, A), div(mul(zeta[k], A), pi))",
        "g = add(mul(alpha, A), mul(zeta[k], A))",
        check_the_gap_closes,
    ),
    "zeta times A forgotten": (
        "div(mul(zeta[k], A), pi))\n        G",
        "div(zeta[k], pi))\n        G",
        check_accuracy_prices,
    ),
    "zeta's constant left out": (
        "MUL(zeta[k], up.subtract(ADD(A, D), q))",
        "Decimal(0)",
        check_accuracy_prices,
    ),
    "zeta's constant without D": (
        "up.subtract(ADD(A, D), q)",
        "up.subtract(A, q)",
        check_accuracy_prices,
    ),
    "alpha kept where accuracy is the objective": (
        "else (Decimal(1), Decimal(0))",
        "else (untargeted(w).alpha, Decimal(0))",
        check_the_gap_closes,
    ),
    "E[T] kept where accuracy is the objective": (
        "else (Decimal(1), Decimal(0))",
        "else (Decimal(1), Decimal(1))",
        check_the_gap_closes,
    ),
    "E[T] not tested": ("(ADD(ES, EW), EW, MUL(lam, ES)", "(ES, EW, MUL(lam, ES)", check_targets_are_met),
    "E[W] not tested": ("(ADD(ES, EW), EW, MUL", "(ADD(ES, EW), Decimal(0), MUL", check_targets_are_met),
    "E[W] rounded down": (
        "EW = up.divide(MUL(lam, ES2), mul(2, y))",
        "EW = down.divide(mul(lam, ES2), MUL(2, y))",
        check_targets_are_met,
    ),
    "rho without lambda": ("EW, MUL(lam, ES), TOKENS", "EW, ES, TOKENS", check_targets_are_met),
    "tokens rounded down": ("ADD(TOKENS, MUL(pi, l))", "add(TOKENS, mul(pi, l))", check_targets_are_met),
    "tokens not weighted": (
        "ADD(TOKENS, MUL(pi, l))",
        "ADD(TOKENS, MUL(pi, MUL(pi, l)))",
        check_targets_are_met,
    ),
    "rows not tested": (
        "reduce(ADD, map(MUL, a, tokens))",
        "reduce(ADD, map(mul, a, tokens[:0]), -limit)",
        check_targets_are_met,
    ),
    "rows rounded down": (
        "reduce(ADD, map(MUL, a, tokens))",
        "reduce(add, map(mul, a, tokens))",
        check_targets_are_met,
    ),
    "accuracy not tested": ("require(q <= D or q", "require(True or q", check_targets_are_met),
    "accuracy rounded up": (
        "down.subtract(add(A, D), MUL(A, DECAY))",
        "up.subtract(ADD(A, D), mul(A, exp(down, mul(b.copy_negate(), l))))",
        check_targets_are_met,
    ),
    "accuracy without a decay": (
        "down.subtract(add(A, D), MUL(A, DECAY))",
        "add(A, D)",
        check_targets_are_met,
    ),
}


@pytest.mark.parametrize("check", CHECKS)
def test_verifier(check: Callable[[ModuleType], None]) -> None:
    check(verifier)


@pytest.mark.parametrize("damage", BROKEN)
def test_broken_verifier_is_caught(damage: str) -> None:
    old, new, check = BROKEN[damage]
    module = damaged(verifier, old, new)
    with pytest.raises((AssertionError, ArithmeticError)):
        check(module)
