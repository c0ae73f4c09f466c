"""Numbers of about 106 bits in arrays: the unevaluated sum of two doubles, high + low, |low| <= 2^-52 |high|.

All operations are elementwise and made of + - *, each of which IEEE 754 rounds in one way only, so that the
bits are the same on every processor. No sum is NumPy's: its order may change with the build.

Source: the error-free transformations of Dekker (1971) and Knuth; the bounds in docs/arrays.md.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.rigorous.elementwise import elementwise

U = 2.0**-53  # a rounding changes a number by at most this share
_SPLIT = 2.0**27 + 1
Pair: TypeAlias = tuple[FloatArray, FloatArray]
Known: TypeAlias = tuple[FloatArray, FloatArray | float]  # a pair, or a double and 0


@elementwise
def two_sum(a: FloatArray, b: FloatArray) -> Pair:
    """The rounded sum a + b and its rounding error, exactly."""
    total = a + b
    part = total - a
    error = part - total
    error += a
    part -= b
    error -= part  # (a - (total - part)) + (b - part), in the place of the parts
    return total, error


@elementwise
def fast_two_sum(a: FloatArray, b: FloatArray) -> Pair:
    """The same where |a| >= |b| or a is 0."""
    total = a + b
    error = a - total
    error += b  # b - (total - a)
    return total, error


@elementwise
def halves(a: FloatArray) -> Pair:
    """Two numbers of at most 26 bits with the sum a, exactly; |a| < 2^996."""
    big = a * _SPLIT
    high = a - big
    high += big  # big - (big - a)
    return high, a - high


@elementwise
def two_prod(a: FloatArray, b: FloatArray) -> Pair:
    """The rounded product a b and its rounding error, exactly unless it is below 2^-1022."""
    return split_prod(a, halves(a), b, halves(b))


@elementwise
def split_prod(a: FloatArray, a_halves: Pair, b: FloatArray, b_halves: Pair) -> Pair:
    """The same of numbers whose halves are there already."""
    (a_high, a_low), (b_high, b_low) = a_halves, b_halves
    product = a * b
    error = a_high * b_high
    error -= product
    error += a_high * b_low
    error += a_low * b_high
    error += a_low * b_low
    return product, error


@elementwise
def plus(a: FloatArray, pair: Pair) -> Pair:
    """The sum of a double and a pair."""
    high, error = two_sum(a, pair[0])
    error += pair[1]
    return high, error


@elementwise
def times(a: FloatArray, pair: Known) -> Pair:
    """The product of a double and a pair."""
    return halved_times(a, halves(a), pair)


@elementwise
def halved_times(a: FloatArray, a_halves: Pair, pair: Known) -> Pair:
    """The same of a double whose halves are there already."""
    high, low = split_prod(a, a_halves, pair[0], halves(pair[0]))
    low += a * pair[1]
    return high, low


@elementwise
def square(pair: Pair) -> Pair:
    """The square of a pair."""
    own = halves(pair[0])
    high, low = split_prod(pair[0], own, pair[0], own)
    low += 2 * pair[0] * pair[1]
    return high, low


@elementwise
def added(total: Pair, pair: Pair) -> Pair:
    """A sum and one more pair."""
    high, error = two_sum(total[0], pair[0])
    error += pair[1]
    return high, total[1] + error


def fold(values: FloatArray) -> FloatArray:
    """The sum along the first axis in doubles, by halves in a fixed order; it overwrites the values."""
    n = len(values)
    while n > 1:
        half = (n + 1) // 2
        values[: n - half] += values[half:n]
        n = half
    return np.asarray(values[0])


def fold_pairs(high: FloatArray, low: FloatArray) -> Pair:
    """The same of pairs; for terms of one sign that are exact the relative error is at most `fold_error`."""
    n = len(high)
    while n > 1:
        half = (n + 1) // 2
        high[: n - half], error = two_sum(high[: n - half], high[half:n])
        error += low[half:n]
        low[: n - half] += error
        n = half
    return fast_two_sum(np.asarray(high[0]), np.asarray(low[0]))


def fold_error(levels: int) -> float:
    """The relative error of a sum of terms of one sign, each added at most so often, each right to 32 u^2."""
    return float((levels + 6) ** 2 * U * U)


def depth(count: int) -> int:
    """How often `fold_pairs` adds each of so many terms."""
    return max(0, count - 1).bit_length()
