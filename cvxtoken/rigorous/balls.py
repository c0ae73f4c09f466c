"""Balls in arrays: all numbers within `error` of a pair; an operation returns one that holds every result.

For what there is once an instance; sums over the types are made of `pairs`. Nothing may overflow, and what
underflows is below the errors that sums begin with. Source: derived in docs/arrays.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.rigorous.pairs import Pair, U, fast_two_sum, two_prod, two_sum

_OUT = 1 + 2.0**-40  # covers the rounding of a few operations on errors
_SQUARE = U * U
Exact: TypeAlias = float | FloatArray


@dataclass(frozen=True, slots=True)
class Ball:
    """All numbers within `error` of high + low, |low| <= 2^-52 |high|; each of shape (B,).

    Operands may be balls and exact doubles; a product with an exact 0 is the float 0, which costs nothing to
    add. An error that is infinite or no number says that nothing is known.
    """

    high: FloatArray
    low: FloatArray
    error: FloatArray

    @classmethod
    def exact(cls, value: Exact) -> Ball:
        """A double, or an array of them."""
        high = np.atleast_1d(np.asarray(value, dtype=np.float64))
        return cls(high, np.zeros_like(high), np.zeros_like(high))

    @classmethod
    def of(cls, pair: Pair, relative: float, absolute: float = 0.0) -> Ball:
        """A pair whose error is known."""
        high, low = (np.atleast_1d(part) for part in pair)
        return cls(high, low, np.abs(high) * (relative * _OUT) + absolute)

    def __add__(self, other: Ball | Exact) -> Ball:
        if isinstance(other, float) and other == 0:
            return self
        b = ball(other)
        high, low = two_sum(self.high, b.high)
        low = low + (self.low + b.low)
        rounding = 4 * _SQUARE * (np.abs(self.high) + np.abs(b.high))
        return Ball(*fast_two_sum(high, low), (self.error + b.error + rounding) * _OUT)

    __radd__ = __add__

    def __neg__(self) -> Ball:
        return Ball(-self.high, -self.low, self.error)

    def __sub__(self, other: Ball | Exact) -> Ball:
        return self + -other

    def __rsub__(self, other: Exact) -> Ball:
        return -self + other

    def __mul__(self, other: Ball | Exact) -> Any:
        if isinstance(other, float) and other in (0.0, 1.0):
            return self if other else 0.0
        b = ball(other)
        high, low = two_prod(self.high, b.high)
        low = low + (self.high * b.low + self.low * b.high)
        size, other_size = np.abs(self.high), np.abs(b.high)
        error = size * b.error + other_size * self.error + self.error * b.error + 10 * _SQUARE * np.abs(high)
        return Ball(*fast_two_sum(high, low), error * _OUT)

    __rmul__ = __mul__

    def __truediv__(self, other: Ball | Exact) -> Ball:
        """The quotient; the error is infinite where the divisor may be 0."""
        b = ball(other)
        first = self.high / b.high
        product, lost = two_prod(first, b.high)
        rest = ((self.high - product) - lost) + (self.low - first * b.low)
        high, low = fast_two_sum(first, rest / b.high)
        size, divisor = np.abs(first), np.abs(b.high) * (1 - 2.0**-50) - b.error
        error = (self.error + size * b.error * _OUT) / divisor + 32 * _SQUARE * size
        return Ball(high, low, np.where(divisor > 0, error * _OUT, np.inf))

    def __rtruediv__(self, other: Exact) -> Ball:
        return ball(other) / self

    def scaled(self, power: float) -> Ball:
        """Times a power of two, exactly."""
        return Ball(self.high * power, self.low * power, self.error * power)

    @property
    def relative(self) -> FloatArray:
        """The error as a share of high; 0 where both are 0."""
        return np.divide(self.error, np.abs(self.high), out=np.zeros_like(self.error), where=self.error > 0)

    @property
    def below(self) -> FloatArray:
        """Doubles that no number of the ball is below."""
        total, rest = two_sum(self.high, np.nextafter(self.low - self.error, -np.inf))
        return np.where(rest < 0, np.nextafter(total, -np.inf), total)

    @property
    def above(self) -> FloatArray:
        """Doubles that no number of the ball is above."""
        total, rest = two_sum(self.high, np.nextafter(self.low + self.error, np.inf))
        return np.where(rest > 0, np.nextafter(total, np.inf), total)

    @property
    def size(self) -> FloatArray:
        """Doubles that no absolute value is above."""
        return np.asarray((np.abs(self.high) + self.error) * _OUT)


def ball(value: Ball | Exact) -> Ball:
    """A ball as it is, an exact number as one."""
    return value if isinstance(value, Ball) else Ball.exact(value)
