"""The sums of a proof in compiled loops, which read every number once (`rigorous.elementwise`).

For instances whose service times do not vary, one query at a time, and without targets. The formulas are
those of `Part`, which NumPy runs, so that the results have the same bits.
"""

# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-incomplete-defs=False

from __future__ import annotations

from typing import Any

import numpy as np

from cvxtoken.allocation.prices.columns import BLOCK, Columns
from cvxtoken.allocation.prices.formulas import evaluated
from cvxtoken.allocation.proof.totals import Total
from cvxtoken.arrays import FloatArray
from cvxtoken.rigorous.elementwise import compiled, piece
from cvxtoken.rigorous.pairs import added, halved_times, halves, square


def add_types(w: Columns, tokens: FloatArray, service: Total, accuracy: Total, squares: Total) -> FloatArray:
    """Add all types, of shape (N, B), to three sums in the parts of the columns; e^-x of each, likewise."""
    left = np.empty(tokens.shape)
    shape = (min(len(tokens), BLOCK), tokens.shape[1])
    rooms = [half for total in (service, accuracy, squares) for half in total.room(shape, len(w.parts))]
    types = (w.prior, w.accuracy_gain, w.saturation_rate, w.base_accuracy, w.overhead, w.time_per_token)
    _add(*map(np.ravel, (*types, tokens, left)), *rooms)
    return left


@piece
def _add_row(pi, A, b, D, t0, c, l, left, S, S_low, P, P_low, Q, Q_low):
    for k in range(len(l)):
        _, left[k], t, p = evaluated(l[k], b[k], c[k], t0[k], A[k], D[k])
        own = halves(pi[k])
        S[k], S_low[k] = added((S[k], S_low[k]), halved_times(pi[k], own, t))
        P[k], P_low[k] = added((P[k], P_low[k]), halved_times(pi[k], own, p))
        Q[k], Q_low[k] = added((Q[k], Q_low[k]), halved_times(pi[k], own, square(t)))


@compiled("rrrrrrrwwwwwww")
def _add(version: int) -> Any:
    def loop(pi, A, b, D, t0, c, l, left, S, S_low, P, P_low, Q, Q_low):
        width = len(S)
        for first in range(0, len(l), width):
            x = slice(first, min(first + width, len(l)))
            n = x.stop - first
            sums = S[:n], S_low[:n], P[:n], P_low[:n], Q[:n], Q_low[:n]
            _add_row(pi[x], A[x], b[x], D[x], t0[x], c[x], l[x], left[x], *sums)
        return version

    return loop
