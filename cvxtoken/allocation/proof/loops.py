"""Sums and excesses of many types in compiled loops, which read every number once (`rigorous.elementwise`).

For instances whose service times do not vary, one query at a time, and without targets. The formulas are
those that `enclose` gives to NumPy, so that the results have the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cvxtoken.allocation.prices.columns import Columns
from cvxtoken.allocation.proof.excess import FAR, burden, near
from cvxtoken.allocation.proof.totals import Total, added, evaluated, halved_times, square
from cvxtoken.arrays import FloatArray
from cvxtoken.rigorous.elementwise import compiled
from cvxtoken.rigorous.pairs import halves


def add_part(w: Columns, tokens: FloatArray, service: Total, accuracy: Total, squares: Total) -> FloatArray:
    """Add some more types, of shape (n, B), to three sums; e^-x of each, shape (n, B)."""
    left = np.empty(tokens.shape)
    rooms = [half for total in (service, accuracy, squares) for half in total.room(tokens)]
    arrays = (w.prior, w.accuracy_gain, w.saturation_rate, w.base_accuracy, w.overhead, w.time_per_token)
    _add(*(array.ravel() for array in (*arrays, tokens, left)), *rooms)
    return left


def add_excess(
    w: Columns, tokens: FloatArray, left: FloatArray, prices: tuple[FloatArray, ...], sums: FloatArray
) -> bool:
    """Add pi e to sums of shape (n, B), if no type is far from its least; whether that is so.

    Args:
        w: some of the types.
        tokens: shape (n, B).
        left: e^-x, likewise.
        prices: theta, level, relative error and accuracy weight, shape (B,) each.
        sums: what is added to.
    """
    one = tokens.shape[1] == 1
    shape = (1, len(tokens)) if one else tokens.shape  # of one instance the types are innermost
    data = (w.prior, w.accuracy_gain, w.saturation_rate, w.overhead, w.time_per_token, w.max_tokens)
    arrays = (np.ascontiguousarray(array).reshape(shape) for array in (*data, tokens, left))
    each = (np.ascontiguousarray(np.broadcast_to(price, (shape[1],))) for price in prices)
    far, _ = _excess(*arrays, sums[: len(tokens)].reshape(shape), *each)
    return bool(far == 0)


@compiled("rrrrrrrwwwwwww")
def _add(version: int) -> Any:
    def loop(pi, A, b, D, t0, c, l, left, S, S_low, P, P_low, Q, Q_low):  # type: ignore[no-untyped-def]
        for k in range(len(l)):
            _, left[k], t, p = evaluated(l[k], b[k], c[k], t0[k], A[k], D[k])
            own = halves(pi[k])
            S[k], S_low[k] = added((S[k], S_low[k]), halved_times(pi[k], own, t))
            P[k], P_low[k] = added((P[k], P_low[k]), halved_times(pi[k], own, p))
            Q[k], Q_low[k] = added((Q[k], Q_low[k]), halved_times(pi[k], own, square(t)))
        return version

    return loop


@compiled("RRRRRRRRWrrrr")
def _excess(version: int) -> Any:
    def loop(pi, A, b, t0, c, l_max, l, left, sums, theta, level, error, alpha):  # type: ignore[no-untyped-def]
        far = 0
        rows, columns = l.shape
        for i in range(rows):
            for k in range(columns):
                sig = burden(l[i, k], c[i, k], t0[i, k], theta[k], level[k])
                rate = b[i, k]
                lost = sig / rate * error[k]
                sig = sig / rate
                G = alpha[k] * A[i, k] * left[i, k]
                e = near(G, sig, lost, rate * l[i, k], rate * (l_max[i, k] - l[i, k]))
                sums[i, k] += e * pi[i, k]
                far += e > FAR * np.abs(sig)
        return far, version

    return loop
