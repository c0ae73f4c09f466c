"""The mean objective over several draws as cone data: the cones of every draw, with the tokens in common.

The variables are (x, e of draw 1, ..., e of draw R, w_1, ..., w_R); see `cvxtoken.allocation.program.cones`.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from cvxtoken.allocation.program.cones import cone_program
from cvxtoken.conic.program import ConeProgram
from cvxtoken.robust.problem import Ensemble


def ensemble_cones(ensemble: Ensemble) -> ConeProgram:
    """Minimise the mean of -J over the draws, in raw tokens.

    Raises:
        UnstableError: in a draw no allocation is stable.
    """
    n, R = len(ensemble.names), len(ensemble)
    programs = [cone_program(draw, "raw").program for draw in ensemble.draws]
    box = [sparse.csr_array(programs[0].A[: 2 * n])]
    box = [sparse.csr_array(sparse.hstack([box[0][:, :n], sparse.csr_array((2 * n, R * (n + 1)))]))]
    right, cones = [programs[0].b[: 2 * n]], [programs[0].cones[0]]
    second, exponential = [], []
    for r, program in enumerate(programs):
        A, rows = sparse.csc_array(program.A), program.cones[1][1]
        own = sparse.hstack(
            [
                A[:, :n],
                sparse.csc_array((A.shape[0], r * n)),
                A[:, n : 2 * n],
                sparse.csc_array((A.shape[0], (R - 1 - r) * n + r)),
                A[:, 2 * n :],
                sparse.csc_array((A.shape[0], R - 1 - r)),
            ]
        ).tocsr()
        second.append((own[2 * n : 2 * n + rows], program.b[2 * n : 2 * n + rows], program.cones[1]))
        exponential.append((own[2 * n + rows :], program.b[2 * n + rows :], *program.cones[2:]))
    parts = [*second, *exponential]
    A_all = sparse.csc_array(sparse.vstack([*box, *(part[0] for part in parts)]))
    A_all.sort_indices()
    q = np.concatenate(
        [
            sum(program.q[:n] for program in programs),
            *(program.q[n : 2 * n] for program in programs),
            *(program.q[2 * n :] for program in programs),
        ]
    )
    offset = sum(program.offset for program in programs) / R
    right += [part[1] for part in parts]
    cones += [cone for part in parts for cone in part[2:]]
    return ConeProgram(A_all, np.concatenate(right), q / R, offset, tuple(cones))
