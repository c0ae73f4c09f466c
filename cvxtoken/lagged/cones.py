"""The best budgets with lagged curves as a mixed-integer cone program, exactly (derived here).

A type with a lag l0 is off (z = 0, no tokens) or on (z = 1, at least its lag): fewer tokens than the lag cost
time and gain nothing. With the variables (l, e, w) of `cvxtoken.allocation.program.cones` and z of the lagged
types, in their order, its accuracy is D + A (z - e), and

    l0 z <= l <= l_max z,    z e^(-b (l - l0 z) / z) <= e    (an exponential cone: e >= 0 where z = 0),

so that a point with z of zeros and ones is an allocation, and its value that of the true curves.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from cvxtoken.allocation.program.cones import cone_program
from cvxtoken.conic.program import NONNEGATIVE, ConeProgram
from cvxtoken.lagged.problem import LaggedWorkload


def lagged_cones(problem: LaggedWorkload) -> ConeProgram:
    """The cone data; the integers are the last columns.

    Raises:
        UnstableError: no allocation is stable.
    """
    w = problem.workload
    base, n = cone_program(w, "raw").program, len(w)
    lagged = np.flatnonzero(problem.lag > 0)
    count, width = len(lagged), len(base.q)
    A = sparse.lil_array(sparse.hstack([base.A, sparse.csc_array((len(base.b), count))]))
    b = base.b.copy()
    first = len(b) - 3 * n  # of the exponential cones
    for column, k in enumerate(lagged.tolist(), start=width):
        A[k, column] = problem.lag[k]  # l - l0 z >= 0 in the place of l >= 0
        A[n + k, column], b[n + k] = -w.max_tokens[k], 0.0
        top = first + 3 * k
        A[top, column] = -w.saturation_rate[k] * problem.lag[k]
        A[top + 1, column], b[top + 1] = -1.0, 0.0
    switch = sparse.hstack([sparse.csr_array((count, width)), sparse.eye_array(count)]).tocsr()
    rows = sparse.csr_array(A)
    whole = sparse.vstack([rows[: 2 * n], -switch, switch, rows[2 * n :]])
    right = np.concatenate([b[: 2 * n], np.zeros(count), np.ones(count), b[2 * n :]])
    gain = w.accuracy_weight * w.prior[lagged] * w.accuracy_gain[lagged]
    columns = sparse.csc_array(whole)
    columns.eliminate_zeros()
    columns.sort_indices()
    return replace(
        base,
        A=columns,
        b=right,
        q=np.concatenate([base.q, -gain]),
        offset=base.offset + float(gain.sum()),
        cones=((NONNEGATIVE, 2 * n + 2 * count), *base.cones[1:]),
        integers=tuple(range(width, width + count)),
    )
