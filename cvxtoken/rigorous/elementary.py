"""Exponential and logarithm of arrays by + - * / and the bits of doubles alone, with proven errors.

The C library's and NumPy's own change their last bits with the processor and the version. Every step's error
is derived in docs/arrays.md, in units of u = 2^-53.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.rigorous.elementwise import bits, double, elementwise, select
from cvxtoken.rigorous.pairs import Pair, U, fast_two_sum, two_sum

DECAY_ERROR = 2.0**-64  # relative, of e^-x
GAIN_ERROR = 2.0**-57  # relative, of 1 - e^-x
LOG_ERROR = 5 * U  # relative, of the logarithm
FARTHEST = 600.0  # the largest x of `decay`
_CELLS = 32  # in which e^-x halves
_MAGIC = 1.5 * 2.0**52  # adding it rounds to a whole number
_PER_CELL = float.fromhex("0x1.71547652b82fep+5")  # 32 / ln 2
_CELL_HIGH = float.fromhex("0x1.62e42feep-6")  # ln 2 / 32 is high + low; high has 32 bits
_CELL_LOW = float.fromhex("0x1.a39ef35793c76p-38")
_LN2_HIGH, _LN2_LOW = 32 * _CELL_HIGH, 32 * _CELL_LOW
_SERIES = (1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040)  # of e^r - 1 - r
_ATANH = tuple(1 / (2 * n + 1) for n in range(1, 11))  # of (artanh s) / s - 1, in s^2
_HALF_ROOT = 0x3FE6A09E667F3BCD  # the bits of 1 / sqrt 2
_SPLIT = 2.0**27 + 1
_ONE = 1023 << 52  # the bits of 1
_TINY = 2.0**-40  # below, e^-x as a pair no longer tells all digits of 1 - e^-x


def _table() -> Pair:
    """2^(-j/32) for j = 0 .. 31: its first 24 bits, and the double nearest to the rest."""
    exact = Context(60, ROUND_HALF_EVEN)
    step = exact.create_decimal("0.5")
    for _ in range(5):
        step = exact.sqrt(step)
    powers = [exact.power(step, j) for j in range(_CELLS)]
    high = [float(round(power * 2**24)) / 2**24 for power in powers]
    low = [
        float(exact.subtract(power, exact.create_decimal(h))) for power, h in zip(powers, high, strict=True)
    ]
    return np.array(high), np.array(low)


_TABLE_HIGH, _TABLE_LOW = _table()


@elementwise
def decay(high: FloatArray, low: FloatArray) -> tuple[Pair, Pair]:
    """e^-x and 1 - e^-x as pairs, of x = high + low, high from 0 to 600, |low| <= u high.

    Their relative errors are at most 2^-64 and 2^-57.
    """
    k = high * _PER_CELL
    k += _MAGIC
    cell = bits(k) & (_CELLS - 1)
    table_high, table_low = _TABLE_HIGH[cell], _TABLE_LOW[cell]
    power = double(_ONE - ((bits(k) >> 5) << 52))  # 2^-(k // 32)
    k -= _MAGIC
    r = k * _CELL_HIGH  # exact
    r -= high  # exact
    k *= _CELL_LOW
    r, error = two_sum(r, k)
    error -= low
    r, r_low = two_sum(r, error)  # -x = r + r_low - k ln 2 / 32
    rest = r * _SERIES[-1]
    for coefficient in _SERIES[-2::-1]:
        rest += coefficient
        rest *= r
    rest *= r
    rest += r_low
    m, m_low = fast_two_sum(r, rest)  # e^r - 1
    short = m * _SPLIT
    short -= short - m  # its first 26 bits, whose product with 24 bits is exact
    m_low += m - short
    total, error = fast_two_sum(table_high, short * table_high)
    m_low *= table_high
    error += m_low
    m *= table_low
    m += table_low
    error += m
    total, error = fast_two_sum(total, error)
    total *= power
    error *= power
    gain = 1.0 - total
    lost = 1.0 - gain
    lost -= total  # exact: e^-x <= 1
    lost -= error
    tiny = high < _TINY  # where 1 - e^-x is x - x^2 / 2
    first, second = fast_two_sum(high, low - high * high / 2)
    return (total, error), (select(tiny, first, gain), select(tiny, second, lost))


@elementwise
def decay_anywhere(x: FloatArray, low: FloatArray) -> tuple[FloatArray, Pair]:
    """e^-x, rounded, and 1 - e^-x as a pair, for all x >= 0."""
    far = x > FARTHEST
    (left, _), (gained, gained_low) = decay(select(far, 0.0, x), select(far, 0.0, low))
    return select(far, 0.0, left), (select(far, 1.0, gained), gained_low)


@elementwise
def log(x: FloatArray) -> FloatArray:
    """The natural logarithm of normal positive doubles, to a relative error of 5 u."""
    exponent = (bits(x) - _HALF_ROOT) >> 52
    m = double(bits(x) - (exponent << 52))  # from 1 / sqrt 2 to sqrt 2
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    series = z * _ATANH[-1]
    for coefficient in _ATANH[-2::-1]:
        series += coefficient
        series *= z
    s += s
    k = exponent * 1.0
    return k * _LN2_HIGH + (s + (s * series + k * _LN2_LOW))


@elementwise
def exp(x: FloatArray) -> FloatArray:
    """e^x to a relative error of 2.01 u, of x from -600 to 600; those beyond are taken as the ends."""
    size = np.minimum(np.abs(x), FARTHEST)
    (left, _), _ = decay(size, size * 0.0)
    return select(x > 0, 1 / left, left)
