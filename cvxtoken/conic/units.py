"""Cone programs in other units of their variables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from cvxtoken.arrays import FloatArray
from cvxtoken.conic.program import NONNEGATIVE, ConeProgram


def in_units(program: ConeProgram, scale: FloatArray) -> ConeProgram:
    """The program in v / scale, which is the same problem.

    Rows of nonnegative cones are divided by their largest coefficients. (Those of other cones cannot be.)

    Args:
        program: to be written anew.
        scale: positive, shape (columns,); 1 of integers.
    """
    A = sparse.csr_array(program.A @ sparse.diags_array(scale))
    sizes, row = np.ones(len(program.b)), 0
    for kind, rows in program.cones:
        if kind == NONNEGATIVE:
            largest = abs(A[row : row + rows]).max(axis=1).toarray().ravel()
            sizes[row : row + rows] = np.where(largest > 0, largest, 1.0)
        row += rows
    scaled = sparse.csc_array(sparse.diags_array(1 / sizes) @ A)
    scaled.sort_indices()
    return replace(program, A=scaled, b=program.b / sizes, q=program.q * scale)
