"""Least squares without negative coefficients, by SciPy; its result is checked before it is used."""

from __future__ import annotations

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import SolverError

_NOISE = 1e-7  # relative; of slopes that should be 0


def nonnegative(design: FloatArray, values: FloatArray) -> FloatArray:
    """The x >= 0 that minimises |design x - values|, shape (columns,).

    Args:
        design: shape (rows, columns); the columns should be of similar size.
        values: shape (rows,).

    Raises:
        SolverError: SciPy fails, or its point is not the minimum. (There, no slope in a coefficient is
            negative, and that in a positive coefficient is 0.)
    """
    from scipy.optimize import nnls  # slow to import, and only fits need it

    size = np.abs(values).max(initial=0.0) or 1.0  # some SciPy stop at a slope of 1e-15, of any size
    try:
        x = size * np.asarray(nnls(design, values / size)[0], dtype=np.float64)
    except (RuntimeError, ValueError) as error:  # too many iterations, or data that are no numbers
        raise SolverError(f"least squares without negative coefficients were not solved: {error}") from error
    fall = design.T @ (values - design @ x)
    small = _NOISE * np.linalg.norm(design, axis=0) * np.linalg.norm(values)
    if not (np.isfinite(x).all() and (x >= 0).all() and (np.where(x > 0, np.abs(fall), fall) <= small).all()):
        raise SolverError(
            "least squares without negative coefficients were not solved: SciPy's point is not it"
        )
    return x
