"""Rigorous arithmetic: exact sums of products, and intervals of decimals rounded outward.

A number that is known only through rounded operations is held as an `Interval` that surely contains it. Every
operation rounds the lower end down and the upper end up. Exponential and logarithm, which `decimal` rounds
half-even, are widened by one unit in the last place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, Overflow
from decimal import DivisionByZero as DecimalDivisionByZero
from decimal import InvalidOperation as DecimalInvalidOperation
from fractions import Fraction

import numpy as np

from cvxtoken.arrays import FloatArray

_EXPONENTS = 999_999  # of ten: far beyond any product of doubles
_TRAPS = [DecimalInvalidOperation, DecimalDivisionByZero, Overflow]


def exact_dot(a: FloatArray, b: FloatArray) -> Fraction:
    """Sum of a_k b_k over the exact values of the doubles, without any rounding.

    Each product of two 53-bit mantissas is a whole number times a power of two; the whole numbers are
    shifted to a common power and added as Python integers.
    """
    mantissa_a, exponent_a = np.frexp(a)
    mantissa_b, exponent_b = np.frexp(b)
    whole_a = np.ldexp(mantissa_a, 53).astype(np.int64).tolist()
    whole_b = np.ldexp(mantissa_b, 53).astype(np.int64).tolist()
    exponent = exponent_a.astype(np.int64) + exponent_b - 106
    lowest = int(exponent.min())
    shifts = (exponent - lowest).tolist()
    total = sum((m * n) << s for m, n, s in zip(whole_a, whole_b, shifts, strict=True))
    return Fraction(total) * Fraction(2) ** lowest


def whole_numbers(a: FloatArray) -> tuple[list[int], int]:
    """Whole numbers w_k and one exponent e with a_k = w_k 2^e, exactly; shape (n,), n at least 1."""
    mantissa, exponent = np.frexp(a)
    exponent = exponent.astype(np.int64) - 53
    # zeros have no exponent of their own
    lowest = int(exponent[mantissa != 0].min(initial=0))
    whole = np.ldexp(mantissa, 53).astype(np.int64).tolist()
    shifts = np.maximum(exponent - lowest, 0).tolist()
    return [m << s for m, s in zip(whole, shifts, strict=True)], lowest


def double_above(number: Decimal | Fraction) -> float:
    """The least double that is not below a number."""
    nearest = float(number)
    return math.nextafter(nearest, math.inf) if nearest < number else nearest


def double_below(number: Decimal | Fraction) -> float:
    """The largest double that is not above a number."""
    nearest = float(number)
    return math.nextafter(nearest, -math.inf) if nearest > number else nearest


def nearest_double(number: Fraction) -> float:
    """The double nearest to a rational number, infinite beyond the largest."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


class Rounding:
    """A working precision: one context that rounds down, one that rounds up."""

    def __init__(self, digits: int) -> None:
        self.digits = digits
        self.down = Context(digits, ROUND_FLOOR, Emin=-_EXPONENTS, Emax=_EXPONENTS, traps=_TRAPS)
        self.up = Context(digits, ROUND_CEILING, Emin=-_EXPONENTS, Emax=_EXPONENTS, traps=_TRAPS)

    def exact(self, value: float | Decimal) -> Interval:
        """The interval that holds just this number (a double or a decimal, taken exactly)."""
        number = Decimal(value)
        return Interval(number, number, self)

    def holding(self, value: Fraction, error: Fraction = Fraction(0)) -> Interval:
        """The interval that holds all numbers within an error of a rational one."""
        low, high = value - error, value + error
        return Interval(
            self.down.divide(Decimal(low.numerator), Decimal(low.denominator)),
            self.up.divide(Decimal(high.numerator), Decimal(high.denominator)),
            self,
        )


@dataclass(frozen=True, slots=True)
class Interval:
    """All real numbers from `low` to `high`; operators return an interval that holds every result."""

    low: Decimal
    high: Decimal
    rounding: Rounding

    def __add__(self, other: Interval) -> Interval:
        r = self.rounding
        return Interval(r.down.add(self.low, other.low), r.up.add(self.high, other.high), r)

    def __sub__(self, other: Interval) -> Interval:
        r = self.rounding
        return Interval(r.down.subtract(self.low, other.high), r.up.subtract(self.high, other.low), r)

    def __neg__(self) -> Interval:
        return Interval(self.high.copy_negate(), self.low.copy_negate(), self.rounding)

    def __mul__(self, other: Interval) -> Interval:
        r = self.rounding
        if self.low >= 0 and other.low >= 0:
            return Interval(r.down.multiply(self.low, other.low), r.up.multiply(self.high, other.high), r)
        pairs = [(a, b) for a in (self.low, self.high) for b in (other.low, other.high)]
        low = min(r.down.multiply(a, b) for a, b in pairs)
        high = max(r.up.multiply(a, b) for a, b in pairs)
        return Interval(low, high, r)

    def __truediv__(self, other: Interval) -> Interval:
        """Quotient by a positive interval.

        Raises:
            ZeroDivisionError: where the divisor may be zero or negative.
        """
        if other.low <= 0:
            raise ZeroDivisionError("the divisor's interval is not positive")
        r = self.rounding
        low = r.down.divide(self.low, other.high if self.low >= 0 else other.low)
        high = r.up.divide(self.high, other.low if self.high >= 0 else other.high)
        return Interval(low, high, r)

    def exp(self) -> Interval:
        """The exponential; for a width w <= 1 the upper end follows from e^w <= 1 + w + w^2."""
        r = self.rounding
        power = r.down.exp(self.low)
        width = r.up.subtract(self.high, self.low)
        if width <= 1:
            growth = r.up.add(1, r.up.add(width, r.up.multiply(width, width)))
            high = r.up.multiply(r.up.next_plus(power), growth)
        else:
            high = r.up.next_plus(r.up.exp(self.high))
        return Interval(max(r.down.next_minus(power), Decimal(0)), high, r)

    def ln(self) -> Interval:
        """The logarithm of a positive interval; the upper end follows from the tangent at the lower one."""
        r = self.rounding
        log = r.down.ln(self.low)
        growth = r.up.divide(r.up.subtract(self.high, self.low), self.low)
        return Interval(r.down.next_minus(log), r.up.add(r.up.next_plus(log), growth), r)
