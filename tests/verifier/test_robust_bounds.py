"""The checker of robust proofs, at 3 to 9 digits, where a wrong bound shows; and broken versions of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest

import cvxtoken
from cvxtoken.verifier import robust as robust_verifier
from tests.support.bound_checks import just
from tests.support.damage import damaged
from tests.support.thorough import some
from tests.support.truth import exact, mp
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


def check_slopes(module: ModuleType) -> None:
    """Slopes are enclosed, at few digits; a sum of curves has no value below its least."""
    rng = random.Random(6)
    for _ in range(300):
        numbers = [
            [Decimal(f"{10 ** rng.uniform(-2, 1):.2g}") for _ in range(4)] for _ in range(rng.choice((1, 3)))
        ]
        l, other, top = (Decimal(f"{10 ** rng.uniform(-1, 1):.2g}") for _ in range(3))
        l, other = min(l, top), min(other, top)

        def decay(pi: Any, gain: Any, b: Any, slope: Any, at: Decimal) -> Any:
            return exact(pi) * exact(gain) * mp.exp(-exact(b) * exact(at))

        true = mp.fsum(exact(c[0]) * exact(c[3]) - exact(c[2]) * decay(*c, l) for c in numbers)
        value = mp.fsum(exact(c[0]) * exact(c[3]) * exact(other) + decay(*c, other) for c in numbers)
        for digits in (2, 3, 4, 30):
            X = module.allocation.arithmetic(digits)
            curves = [module.Curve(*map(X.at, c)) for c in numbers]
            found = module.slope(curves, X.at(l))
            assert exact(found.low) <= true <= exact(found.high)
            assert exact(module.least(curves, X.at(l), X.at(top), X.at(top)).low) <= value


CHECKS = [check_upper, check_lower, check_truths, check_slopes]
BROKEN: dict[str, tuple[str, str, Callable[[ModuleType], None]]] = {
    "one draw left out of the mean": ("X.at(len(draws))", "X.at(len(draws) + 1)", check_upper),
    "square not halved enough": ("(curvature + curvature)", "(curvature * top.at(4))", check_upper),
    "end not checked": ("end.low == top.low or slope(curves, end).low >= 0", "True", check_upper),
    "slope at the tokens forgotten": ("value - size * size / (curvature + curvature)", "value", check_upper),
    "curvature at the tokens": ("(-(curve.b * end)).exp()", "(-(curve.b * l)).exp()", check_upper),
    "curvature without pi": (
        "curve.pi * curve.gain * curve.b * curve.b",
        "curve.gain * curve.b * curve.b",
        check_slopes,
    ),
    "curvature with b once": (
        "curve.pi * curve.gain * curve.b * curve.b",
        "curve.pi * curve.gain * curve.b",
        check_upper,
    ),
    "upper not compared": ("upper >= (bound / count).low.copy_negate()", "True", check_upper),
    "upper from above": ("(bound / count).low", "(bound / count).high", check_upper),
    "lower not compared": ("lower <= (cost / count).high.copy_negate()", "True", check_lower),
    "lower from above": ("(cost / count).high", "(cost / count).low", check_lower),
    "decays without b": (
        "curve.gain * curve.b * (-(curve.b * l)).exp()",
        "curve.gain * (-(curve.b * l)).exp()",
        check_slopes,
    ),
    "constants left out": ("bound + constant", "bound", check_truths),
    "any point taken for 0": ("l.low == 0 and rising", "rising", check_slopes),
    "any point taken for the top": ("l.low == top.low and rising", "rising", check_slopes),
}


@pytest.mark.parametrize("check", CHECKS)
def test_the_checker(check: Callable[[ModuleType], None]) -> None:
    check(robust_verifier)


@pytest.mark.parametrize("damage", some(BROKEN, 3))
def test_broken_checker_is_caught(damage: str) -> None:
    old, new, check = BROKEN[damage]
    module = damaged(robust_verifier, old, new)
    with pytest.raises((AssertionError, ArithmeticError, module.Refused)):
        check(module)
