"""Which of many instances are stable: idle shares in pairs of doubles where doubles are too short."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cvxtoken.allocation.many.blocks import gather
from cvxtoken.allocation.many.workloads import Workloads, obey
from cvxtoken.allocation.model import ROUGH_IDLE
from cvxtoken.allocation.prices.columns import Columns
from cvxtoken.allocation.prices.portable import PortableColumns
from cvxtoken.arrays import FloatArray
from cvxtoken.rigorous import nearest_double
from cvxtoken.rigorous.pairs import fold_pairs, two_prod, two_sum

IDLE_ERROR = 2.0**-100  # of `idle_at_zero`, a type; generous


def stable_columns(
    data: Workloads, rows: NDArray[np.intp], kind: type[Columns]
) -> tuple[Columns, NDArray[np.bool_], NDArray[np.bool_]]:
    """The stable ones of some instances of one server, the largest first; which are valid, which are stable.

    Args:
        data: the instances.
        rows: those to be taken.
        kind: of the columns; of `PortableColumns` every bit is the same on every machine.
    """
    arrays, scalars, filled = gather(data, rows, int(data.sizes[rows[0]]))
    valid = obey(arrays, scalars, filled)
    server = data.servers[data.which[rows[0]]]
    rate, prior, overhead = scalars["arrival_rate"] / server.replicas, arrays["prior"], arrays["overhead"]
    y0 = idle_at_zero(prior, overhead, rate, server.overhead_share, exact=kind is PortableColumns)
    for k in np.flatnonzero(valid & ~(np.abs(y0) > len(filled) * IDLE_ERROR)):
        y0[k] = nearest_double(data.workload(int(rows[k])).idle_at_zero)
    stable = valid & (y0 > 0)
    law, weight = server.law(rate, kind.total(prior, overhead), np.float64), scalars["accuracy_weight"]
    w = kind(**arrays, arrival_rate=rate, accuracy_weight=weight, idle_at_zero=y0, server=server, law=law)
    return (w if stable.all() else w.take(stable)), valid, np.asarray(stable)


def idle_at_zero(
    prior: FloatArray, overhead: FloatArray, rate: FloatArray, share: float = 1.0, exact: bool = False
) -> FloatArray:
    """The idle shares y0 = 1 - lambda sigma0 sum pi t0 of many instances, shape (B,), from arrays (N, B).

    They are rounded once. Only for up to 64 types and y0 >= 1/64, unless `exact`, a sum in floats is used,
    whose relative error is about 1e-14 and whose bits are the processor's. The sign is certain where
    |y0| >= N 2^-100 (priors sum to about 1).
    """
    if exact:
        return _exact_idle(prior, overhead, rate, share)
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
