"""Further constraints on the tokens, given as CVXPY constraints: which of them are linear inequalities.

These become rows of the targets, and are certified like them. Other constraints are solved for, and never
certified: what a modelling language makes of them is not known exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from cvxtoken.errors import ProblemError

Further = Callable[[Any], Iterable[Any]]


def linear_rows(constraints: Further, size: int) -> tuple[tuple[tuple[float, ...], ...], list[str]]:
    """The linear inequalities as rows (a, limit), sum a l <= limit, and the text of the other constraints.

    The rows are the doubles that CVXPY makes of the constants; they are what is certified.

    Raises:
        ProblemError: not a list of CVXPY constraints, or one that is not convex (DCP).
    """
    import cvxpy as cp

    l = cp.Variable(size, name="l")
    try:
        given = list(constraints(l))
    except TypeError as error:
        raise ProblemError(f"constraints must return a list of CVXPY constraints: {error}") from error
    rows: list[tuple[float, ...]] = []
    others = []
    for constraint in given:
        if not isinstance(constraint, cp.constraints.Constraint):
            raise ProblemError(f"constraints holds {constraint!r}; it must be a CVXPY constraint")
        if not constraint.is_dcp():
            raise ProblemError(f"constraint {constraint} is not convex by the rules of CVXPY (DCP)")
        if isinstance(constraint, cp.constraints.Inequality) and constraint.expr.is_affine():
            rows += _rows(constraint.expr, l)
        else:
            others.append(str(constraint))
    return tuple(rows), others


def _rows(expression: Any, l: Any) -> list[tuple[float, ...]]:
    """The rows of an affine expression that must not be positive."""
    size = l.size
    l.value = np.zeros(size)
    constant = np.ravel(np.asarray(expression.value, dtype=float), order="F")
    gradient = expression.grad.get(l)
    slopes = (
        np.zeros((size, len(constant))) if gradient is None else np.asarray(_dense(gradient), dtype=float)
    )
    columns = slopes.reshape(size, len(constant)).T.tolist()
    return [(*a, -limit) for a, limit in zip(columns, constant.tolist(), strict=True)]


def _dense(matrix: Any) -> Any:
    return matrix.toarray() if hasattr(matrix, "toarray") else matrix
