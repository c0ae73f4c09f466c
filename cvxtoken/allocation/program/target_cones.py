"""The allocation problem under targets as cone data: the rows of `cones` and those of the targets.

With the variables (x, e, w) of `cones`, in which E[T] = offset + direct E[S] + lambda w / 2 at the optimum,
the targets are

    E[T] <= T, E[W] <= W      the row  direct (or direct - 1) E[S] + lambda w / 2 <= limit - offset
    rho, sum pi l, a . l      rows of l
    p_k >= q_k                the row  A_k e_k <= A_k + D_k - q_k
    E[KV] <= M                second-order: (1 + r, 2 sqrt(q / (2 L)) l, 1 - r), sum q l^2 / (2 L) <= r,
                              with r = 1 - a . l / L and a, q and L of `allocation.memory`

As w is at least Q / y, rows of w hold exactly where the targets do for some w. All types have variables; in
the presolved form these are x = b l.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from cvxtoken.allocation.memory import memory_row
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.program.cones import AllocationCones, cone_program
from cvxtoken.allocation.targets import MEMORY, Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.conic.program import NONNEGATIVE, SECOND_ORDER, ConeProgram
from cvxtoken.conic.units import in_units

Row = tuple[FloatArray, float]  # coefficients and limit: coefficients . v <= limit


def targeted_cones(workload: Workload, targets: Targets, form: str = "presolved") -> AllocationCones:
    """The cone data, presolved (scaled) or raw.

    Raises:
        UnstableError: no allocation is stable.
        ProblemError: the targets do not fit the workload.
    """
    targets.check(workload)
    w, base = workload, cone_program(workload, "raw").program
    q, offset = base.q, base.offset
    if not targets.delay_weight:
        none, gain = np.zeros(len(w)), w.prior * w.accuracy_gain
        q, offset = np.concatenate([none, gain, [0.0]]), -float(gain.sum() + w.prior @ w.base_accuracy)
    rows = _rows(w, targets)
    first = base.cones[0][1]
    second = first + base.cones[1][1]
    memory = _memory(w, targets)
    A, columns = sparse.csr_array(base.A), len(base.q)
    added = np.array([row for row, _ in rows]).reshape(-1, columns)
    blocks = [A[:first], sparse.csr_array(added), A[first:second], *memory[0], A[second:]]
    right = np.array([limit for _, limit in rows])
    limits = [base.b[:first], right, base.b[first:second], *memory[1], base.b[second:]]
    cones = [(NONNEGATIVE, first + len(rows)), base.cones[1]]
    cones += [(SECOND_ORDER, len(part)) for part in memory[1]]
    program = ConeProgram(
        sparse.csc_array(sparse.vstack(blocks)), np.concatenate(limits), q, offset, (*cones, *base.cones[2:])
    )
    scale = np.ones(len(w)) if form == "raw" else 1 / w.saturation_rate
    if form != "raw":
        program = in_units(program, np.concatenate([scale, np.ones(len(w) + 1)]))
    return AllocationCones(w, program, np.arange(len(w)), scale)


def _rows(w: Workload, targets: Targets) -> list[Row]:
    law, n, pi = w.law, len(w), w.prior
    load, T0, none = pi * w.time_per_token, float(pi @ w.overhead), np.zeros(n)

    def row(tokens: FloatArray, limit: float, epigraph: float = 0.0) -> Row:
        return np.concatenate([tokens, none, [epigraph]]), limit

    values = {
        "max_mean_system_time": (law.direct * load, law.offset + law.direct * T0, w.rate / 2),
        "max_mean_wait": ((law.direct - 1) * load, law.offset + (law.direct - 1) * T0, w.rate / 2),
        "max_utilization": (w.rate * law.token_share * load, 1 - float(w.idle_at_zero), 0.0),
        "max_mean_tokens": (pi, 0.0, 0.0),
    }
    rows = []
    for name, limit in targets.limits.items():
        if name != MEMORY:
            slope, start, epigraph = values[name]
            rows.append(row(slope, limit - start, epigraph))
    rows += [row(np.array(line[:-1]), line[-1]) for line in targets.linear]
    for name, least in targets.min_accuracy.items():
        k = w.names.index(name)
        lost = np.zeros(2 * n + 1)
        lost[n + k] = w.accuracy_gain[k]
        rows.append((lost, float(w.accuracy_gain[k] + w.base_accuracy[k] - least)))
    return rows


def _memory(w: Workload, targets: Targets) -> tuple[list[sparse.csr_array], list[FloatArray]]:
    """The second-order cone of a limit on E[KV] as rows of A and b, where there is one."""
    if MEMORY not in targets.limits:
        return [], []
    n, row = len(w), memory_row(w, targets.limits[MEMORY], float)
    slope = np.array(row.a) / row.limit
    roots = 2 * np.sqrt(np.array(row.q) / (2 * row.limit))
    tokens = np.vstack([slope, -np.diag(roots), -slope])
    none = np.zeros((n + 2, n + 1))
    return [sparse.csr_array(np.hstack([tokens, none]))], [np.concatenate([[2.0], np.zeros(n), [0.0]])]
