"""Sums of products to about 31 digits, over arrays: a number is the unevaluated sum of two doubles.

Source: the error-free transformations of Dekker (1971) and Knuth.
"""

from __future__ import annotations

import numpy as np

from cvxtoken.allocation.model import ROUGH_IDLE
from cvxtoken.arrays import FloatArray

_SPLIT = 2.0**27 + 1
IDLE_ERROR = 2.0**-100  # of `idle_at_zero`, a type; generous


def idle_at_zero(prior: FloatArray, overhead: FloatArray, rate: FloatArray, share: float = 1.0) -> FloatArray:
    """The idle shares y0 = 1 - lambda sigma0 sum pi t0 of many instances, shape (B,), from arrays (N, B).

    They are rounded once. Only for up to 64 types and y0 >= 1/64 a sum in floats is used, whose relative
    error is about 1e-14. The sign is certain where |y0| >= N 2^-100 (priors sum to about 1).
    """
    y0: FloatArray = 1 - rate * share * np.einsum("kb,kb->b", prior, overhead)
    near = ~(y0 >= ROUGH_IDLE) | (len(prior) > 64)
    if near.any():
        y0[near] = _exact_idle(prior[:, near], overhead[:, near], rate[near], share)
    return y0


def _exact_idle(prior: FloatArray, overhead: FloatArray, rate: FloatArray, share: float) -> FloatArray:
    high, low = _product(prior, overhead)
    while len(high) > 1:  # by halves, so that no element is added more than log2(N) times
        half = len(high) // 2
        first, second, rest = slice(0, half), slice(half, 2 * half), slice(2 * half, None)
        total, error = _sum(high[first], high[second])
        high, low = (
            np.concatenate([total, high[rest]]),
            np.concatenate([error + (low[first] + low[second]), low[rest]]),
        )
    factor, error_rate = _product(rate, np.full_like(rate, share))
    load, error = _product(factor, high[0])
    y0, left = _sum(np.ones_like(load), -load)
    return np.asarray(y0 + (left - (error + (factor * low[0] + error_rate * high[0]))))


def _product(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The rounded product a b and its rounding error, exactly."""
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    product = a * b
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _halves(a: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Two numbers of at most 26 bits with the sum a."""
    big = _SPLIT * a
    high = big - (big - a)
    return high, a - high


def _sum(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The rounded sum a + b and its rounding error, exactly."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)
