"""The idle shares of many instances without tokens, in pairs of doubles where doubles are too short."""

from __future__ import annotations

import numpy as np

from cvxtoken.allocation.model import ROUGH_IDLE
from cvxtoken.arrays import FloatArray
from cvxtoken.rigorous.pairs import fold_pairs, two_prod, two_sum

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
    high, low = fold_pairs(*two_prod(prior, overhead))
    factor, error_rate = two_prod(rate, np.full_like(rate, share))
    load, error = two_prod(factor, high)
    y0, left = two_sum(np.ones_like(load), -load)
    return np.asarray(y0 + (left - (error + (factor * low + error_rate * high))))
