"""The checkers' intervals, at 2 to 9 digits, where a wrong direction shows; and broken versions of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from types import ModuleType
from typing import Any

import pytest

from cvxtoken.verifier import allocation as verifier
from tests.support.damage import damaged
from tests.support.thorough import some
from tests.support.truth import exact, mp

DIGITS = (2, 3, 4, 9)
Pair = tuple[Decimal, Decimal]


def pairs(seed: int, least: int) -> list[Pair]:
    """Random ends of 12 digits, no lower than least 10^2: wide intervals, narrow ones and single numbers."""
    rng = random.Random(seed)
    found = []
    for _ in range(400):
        a = Decimal(repr(rng.uniform(max(least, 1e-3) if least > 0 else least, 1) * 10 ** rng.uniform(-2, 2)))
        width = rng.choice((0, 0, 1e-9, 1e-3, 0.3, 5))
        found.append((a, a + abs(a) * Decimal(width)))
    return found


def holds(found: Any, *values: Any) -> bool:
    """Whether all exact values lie in an interval."""
    return all(exact(found.low) <= exact(value) <= exact(found.high) for value in values)


def check_operators(module: ModuleType) -> None:
    """Sums, differences, products and quotients of the ends are held, and of numbers of any sign."""
    operations: dict[str, Callable[[Any, Any], Any]] = {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b,
    }
    for digits in DIGITS:
        X = module.arithmetic(digits)
        for name, operate in operations.items():
            for x, y in zip(pairs(1, -1), pairs(2, 1 if name == "/" else -1), strict=True):
                values = [operate(Fraction(a), Fraction(b)) for a in x for b in y]
                assert holds(operate(X(*x), X(*y)), *values), (name, x, y, digits)


def check_negatives(module: ModuleType) -> None:
    X = module.arithmetic(3)
    for low, high in pairs(3, -1):
        negative = -X(low, high)
        assert (negative.low, negative.high) == (-high, -low)
        positive = X(low, high).positive()
        assert (positive.low, positive.high) == (max(low, 0), max(high, 0))


def check_exponentials(module: ModuleType) -> None:
    """Of numbers from -100 to 100, and of one whose exponential is below every decimal."""
    for digits in DIGITS:
        X = module.arithmetic(digits)
        for low, high in pairs(4, -1):
            found = X(low, high).exp()
            assert exact(found.low) <= mp.exp(exact(low))
            assert mp.exp(exact(high)) <= exact(found.high)
            assert found.low >= 0
        tiny = X.at("-1e9").exp()
        assert tiny.low == 0 < tiny.high


def check_logarithms(module: ModuleType) -> None:
    for digits in DIGITS:
        X = module.arithmetic(digits)
        for low, high in pairs(5, 1):
            found = X(low, high).ln()
            assert exact(found.low) <= mp.log(exact(low))
            assert mp.log(exact(high)) <= exact(found.high)


def check_widths(module: ModuleType) -> None:
    """Ten operations on a single number lose some units of 30 digits: nothing is given away."""
    X = module.arithmetic(30)
    x = X.at("1.37")
    for _ in range(2):
        x = ((x * x + X.at("0.3")) / x).exp().ln()
    assert 0 < x.high - x.low < Decimal("1e-26")


def check_divisors(module: ModuleType) -> None:
    """A divisor that may be 0 or negative is refused."""
    X = module.arithmetic(5)
    for low, high in (("0", "1"), ("-1", "1"), ("-2", "-1")):
        with pytest.raises(module.Refused):
            X.at(1) / X(Decimal(low), Decimal(high))


CHECKS = [
    check_operators,
    check_negatives,
    check_exponentials,
    check_logarithms,
    check_widths,
    check_divisors,
]
SUM = "self.down.add(self.low, other.low), self.up.add(self.high, other.high)"
DIFFERENCE = "self.down.subtract(self.low, other.high), self.up.subtract(self.high, other.low)"
LOW_END, HIGH_END = (
    "other.high if self.low >= 0 else other.low",
    "other.low if self.high >= 0 else other.high",
)
BROKEN: dict[str, tuple[str, str, Callable[[ModuleType], None]]] = {
    "sums rounded up": (SUM, SUM.replace("down", "up"), check_operators),
    "sums rounded down": (SUM, SUM.replace("up", "down"), check_operators),
    "differences rounded up": (DIFFERENCE, DIFFERENCE.replace("down", "up"), check_operators),
    "differences rounded down": (DIFFERENCE, DIFFERENCE.replace("up", "down"), check_operators),
    "differences of the same ends": (
        DIFFERENCE,
        DIFFERENCE.replace("other.high", "other.x").replace("other.low", "other.high").replace("x", "low"),
        check_operators,
    ),
    "negatives with their ends in place": (
        "(self.high.copy_negate(), self.low.copy_negate())",
        "(self.low.copy_negate(), self.high.copy_negate())",
        check_negatives,
    ),
    "products rounded up": (
        "down, up = self.down.multiply, self.up.multiply",
        "down, up = self.up.multiply, self.up.multiply",
        check_operators,
    ),
    "products rounded down": (
        "down, up = self.down.multiply, self.up.multiply",
        "down, up = self.down.multiply, self.down.multiply",
        check_operators,
    ),
    "products as of positive numbers": ("if self.low >= 0 <= other.low:", "if True:", check_operators),
    "products as of one positive number": (
        "if self.low >= 0 <= other.low:",
        "if self.low >= 0:",
        check_operators,
    ),
    "quotients rounded up": ("low = self.down.divide", "low = self.up.divide", check_operators),
    "quotients rounded down": ("(low, self.up.divide", "(low, self.down.divide", check_operators),
    "quotients of negative numbers from below": (LOW_END, "other.high", check_operators),
    "quotients of negative numbers from above": (HIGH_END, "other.low", check_operators),
    "divisors of any sign": ("require(other.low > 0", "require(True", check_divisors),
    "negative numbers kept": (
        "max(self.low, Decimal(0)), max(self.high",
        "self.low, max(self.high",
        check_negatives,
    ),
    "exponentials not widened below": ("max(self.down.next_minus(power)", "max((power)", check_exponentials),
    "exponentials not widened above": (
        "Decimal(0)), self.up.next_plus(power)",
        "Decimal(0)), power",
        check_exponentials,
    ),
    "wide exponentials not widened": (
        "self.up.next_plus(self.up.exp(self.high))",
        "self.up.exp(self.high)",
        check_exponentials,
    ),
    "growth without its square": (
        "self.up.add(width, self.up.multiply(width, width))",
        "width",
        check_exponentials,
    ),
    "width forgotten": ("elif width > 0:", "elif width < 0:", check_exponentials),
    "growth for any width": ("if width > 1:", "if width > 1000:", check_exponentials),
    "logarithms not widened below": ("self.down.next_minus(log), high", "log, high", check_logarithms),
    "logarithms not widened above": ("self.up.next_plus(log)", "log", check_logarithms),
    "logarithms without their width": (
        "self.up.divide(width, self.low)",
        "Decimal(0)",
        check_logarithms,
    ),
    "tangent at the upper end": (
        "self.up.divide(width, self.low)",
        "self.up.divide(width, self.high)",
        check_logarithms,
    ),
    "half of the digits": ('"down": Context(digits,', '"down": Context(digits // 2,', check_widths),
}


@pytest.mark.parametrize("check", CHECKS)
def test_intervals(check: Callable[[ModuleType], None]) -> None:
    check(verifier)


@pytest.mark.parametrize("damage", some(BROKEN, 3))
def test_broken_intervals_are_caught(damage: str) -> None:
    old, new, check = BROKEN[damage]
    module = damaged(verifier, old, new)
    with pytest.raises((AssertionError, ArithmeticError, pytest.fail.Exception)):
        check(module)
