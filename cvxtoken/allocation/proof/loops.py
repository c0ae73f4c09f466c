"""The sums of a proof in compiled loops, which read every number once (`rigorous.elementwise`).

For instances whose service times do not vary, one query at a time, and without targets. The formulas are
those of `Part`, which NumPy runs, so that the results have the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cvxtoken.allocation.prices.columns import Columns
from cvxtoken.allocation.prices.formulas import evaluated
from cvxtoken.allocation.proof.totals import Total
from cvxtoken.arrays import FloatArray
from cvxtoken.rigorous.elementwise import compiled
from cvxtoken.rigorous.pairs import added, halved_times, halves, square


def add_part(w: Columns, tokens: FloatArray, service: Total, accuracy: Total, squares: Total) -> FloatArray:
    """Add some more types, of shape (n, B), to three sums; e^-x of each, shape (n, B)."""
    left = np.empty(tokens.shape)
    rooms = [half for total in (service, accuracy, squares) for half in total.room(tokens)]
    arrays = (w.prior, w.accuracy_gain, w.saturation_rate, w.base_accuracy, w.overhead, w.time_per_token)
    _add(*(array.ravel() for array in (*arrays, tokens, left)), *rooms)
    return left


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
