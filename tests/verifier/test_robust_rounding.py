"""The checker's own rounding, at 3 to 9 digits, where a wrong direction shows; and broken versions of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest

import cvxtoken
from cvxtoken.verifier import robust as robust_verifier
from tests.support.damage import damaged
from tests.support.truth import exact, mp
from tests.verifier.test_allocation_rounding import just
from tests.verifier.test_robust import Document, best, mean, proofs

HUGE = Decimal("1e9")
DIGITS = (3, 4, 6, 9)


def accepts(
    module: ModuleType, document: Document, lower: Decimal, upper: Decimal, digits: int, **changes: Any
) -> bool:
    draws, _ = module.read_draws(document["instances"])
    tokens, ends = ([Decimal(x) for x in (document | changes)[field]] for field in ("tokens", "ends"))
    try:
        module.prove(draws, tokens, ends, lower, upper, digits)
    except (module.Refused, ArithmeticError):
        return False
    return True


def check_upper(module: ModuleType) -> None:
    """A bound a little below the truth is false and must be refused, at any precision and from any end."""
    for document in proofs():
        draws = tuple(cvxtoken.Workload(**instance) for instance in document["instances"])
        J = best(draws)
        tops = [str(Decimal(top)) for top in draws[0].max_tokens.tolist()]
        for claim in (just(J, -1), just(J - abs(J) / 10**4, -1)):
            for digits in (*DIGITS, 60):
                for ends in (document["ends"], document["tokens"], tops):
                    assert not accepts(module, document, -HUGE, claim, digits, ends=ends)


def check_lower(module: ModuleType) -> None:
    """A bound a little above what the tokens reach is false and must be refused at any precision."""
    for document in proofs():
        draws = tuple(cvxtoken.Workload(**instance) for instance in document["instances"])
        claim = just(mean(draws, [exact(Decimal(l)) for l in document["tokens"]]), +1)
        for digits in (*DIGITS, 60):
            assert not accepts(module, document, claim, HUGE, digits)


def check_truths(module: ModuleType) -> None:
    """The statements of proofs at the optimum are accepted."""
    for document in proofs()[::2]:
        assert accepts(module, document, Decimal(document["lower"]), Decimal(document["upper"]), 60)


def check_derivatives(module: ModuleType) -> None:
    """Value, slope and curvature are enclosed, at few digits."""
    rng = random.Random(6)
    for _ in range(300):
        curves = []
        for _ in range(rng.choice((1, 3))):
            gain, b, slope = (Decimal(f"{10 ** rng.uniform(-2, 1):.2g}") for _ in range(3))
            curves.append((gain, gain, b, slope, slope))
        l = Decimal(f"{10 ** rng.uniform(-1, 1):.2g}")
        decays = [exact(g) * mp.exp(-exact(b) * exact(l)) for g, _, b, _, _ in curves]
        value = mp.fsum(decays) + mp.fsum(exact(c[3]) * exact(l) for c in curves)
        slope = mp.fsum(exact(c[3]) - exact(c[2]) * d for c, d in zip(curves, decays, strict=True))
        second = mp.fsum(exact(c[2]) ** 2 * d for c, d in zip(curves, decays, strict=True))
        for digits in (2, 3, 4):
            down, up = (module.Context(digits, way) for way in (module.ROUND_FLOOR, module.ROUND_CEILING))
            low, falling, rising, curvature = map(exact, module.derivatives(curves, l, down, up))
            assert low <= value
            assert falling <= slope <= rising
            assert curvature <= second


CHECKS = [check_upper, check_lower, check_truths, check_derivatives]
BROKEN: dict[str, tuple[str, str, Callable[[ModuleType], None]]] = {
    "one draw left out of the mean": (
        "CEILING), Decimal(len(draws))",
        "CEILING), Decimal(len(draws) + 1)",
        check_upper,
    ),
    "square not halved enough": ("down.multiply(2, curvature)", "down.multiply(4, curvature)", check_upper),
    "end not checked": ("end == l_max or rising >= 0", "True", check_upper),
    "slope at the tokens forgotten": (
        "down.subtract(value, up.divide(",
        "down.subtract(value, Decimal(0) * up.divide(",
        check_upper,
    ),
    "curvature at the tokens": (
        "_, rising, _, curvature = derivatives(curves, end, down, up)",
        "_, rising, _, _ = derivatives(curves, end, down, up)\n"
        "    curvature = derivatives(curves, l, down, up)[3]",
        check_upper,
    ),
    "constant without Z": ("DIV(MUL(lam, Z2), two)), []", "Decimal(0)), []", check_upper),
    "deviation at no tokens twice": ("mul(price, s0)", "mul(price, ADD(s0, s0))", check_upper),
    "deviation per token twice": ("mul(price, s1)", "mul(price, ADD(s1, s1))", check_upper),
    "v left out of Z": ("ADD(MUL(z, z), MUL(v, v))", "MUL(z, z)", check_upper),
    "upper not compared": ("upper >= bound.copy_negate()", "True", check_upper),
    "lower not compared": ("lower <= down.divide(attained, count)", "True", check_lower),
    "decay rounded down in the slope": ("up.multiply(b, DECAY)", "up.multiply(b, decay)", check_derivatives),
    "decay rounded up in the slope": (
        "down.multiply(b, decay))",
        "down.multiply(b, DECAY))",
        check_derivatives,
    ),
    "exponential not widened": (
        "up.next_plus(up.exp(up.multiply(b.copy_negate(), l)))",
        "up.exp(up.multiply(b.copy_negate(), l))",
        check_derivatives,
    ),
    "curvature rounded up": (
        "down.multiply(down.multiply(b, b), decay)",
        "up.multiply(up.multiply(b, b), DECAY)",
        check_derivatives,
    ),
}


@pytest.mark.parametrize("check", CHECKS)
def test_the_checker(check: Callable[[ModuleType], None]) -> None:
    check(robust_verifier)


@pytest.mark.parametrize("damage", BROKEN)
def test_broken_checker_is_caught(damage: str) -> None:
    old, new, check = BROKEN[damage]
    module = damaged(robust_verifier, old, new)
    with pytest.raises((AssertionError, ArithmeticError)):
        check(module)
