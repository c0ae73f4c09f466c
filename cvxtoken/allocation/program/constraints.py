"""Further constraints on the tokens, given as CVXPY constraints.

Linear inequalities become rows of the targets, and are certified like them. All others become cones of the
exact program (`constrained.exact`), as CVXPY compiles them: what is proven then is of the constraint that the
compiled doubles state. `l / 1000` is the double 0.001 times l, and sqrt(2) l the double nearest to sqrt(2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cvxtoken.conic.program import ConeProgram
from cvxtoken.errors import ProblemError

Further = Callable[[Any], Iterable[Any]]


@dataclass(frozen=True)
class FurtherCones:
    """Constraints as cones.

    Attributes:
        program: the rows; the tokens are the first columns, all others are unknowns of CVXPY's or of the
            constraints' own. Its objective is 0.
        replaced: a sentence for each atom that CVXPY replaces by one near to it, by more than rounding.
    """

    program: ConeProgram
    replaced: tuple[str, ...] = ()


def linear_rows(constraints: Further, size: int) -> tuple[tuple[tuple[float, ...], ...], list[str]]:
    """The linear inequalities as rows (a, limit), sum a l <= limit, and the text of the other constraints.

    The rows are the doubles that CVXPY makes of the constants; they are what is certified.

    Raises:
        ProblemError: not a list of CVXPY constraints, or one that is not convex (DCP).
    """
    l, inequalities, others = _read(constraints, size)
    rows = [row for constraint in inequalities for row in _rows(constraint.expr, l)]
    return tuple(rows), [str(constraint) for constraint in others]


def further_cones(constraints: Further, size: int) -> FurtherCones | None:
    """The constraints that are no linear inequalities, as cones; None where there are none.

    Raises:
        ProblemError: as in `linear_rows`; or they need integer variables or cones of other kinds, or have a
            number that is not finite.
    """
    import cvxpy as cp

    from cvxtoken.conic.compiled import compiled
    from cvxtoken.conic.replaced import replaced

    l, _, others = _read(constraints, size)
    if not others:
        return None
    marks = np.arange(1.0, size + 1)  # costs, by which the columns of the tokens are told from all others
    problem = cp.Problem(cp.Minimize(marks @ l), others)
    program = compiled(problem)
    places = np.flatnonzero(program.q)
    if sorted(program.q[places]) != marks.tolist():
        raise ProblemError("CVXPY compiles the constraints without columns for the tokens")
    tokens = places[np.argsort(program.q[places])]
    order = np.concatenate([tokens, np.setdiff1d(np.arange(len(program.q)), tokens)])
    rows = replace(program, A=program.A[:, order], q=np.zeros(len(order)), offset=0.0)
    return FurtherCones(rows, tuple(replaced(problem)))


def _read(constraints: Further, size: int) -> tuple[Any, list[Any], list[Any]]:
    """A variable for the tokens, the linear inequalities on it and the other constraints (ProblemError)."""
    import cvxpy as cp

    l = cp.Variable(size, name="l")
    try:
        given = list(constraints(l))
    except TypeError as error:
        raise ProblemError(f"constraints must return a list of CVXPY constraints: {error}") from error
    inequalities: list[Any] = []
    others: list[Any] = []
    for constraint in given:
        if not isinstance(constraint, cp.constraints.Constraint):
            raise ProblemError(f"constraints holds {constraint!r}; it must be a CVXPY constraint")
        if not constraint.is_dcp():
            raise ProblemError(f"constraint {constraint} is not convex by the rules of CVXPY (DCP)")
        linear = isinstance(constraint, cp.constraints.Inequality) and constraint.expr.is_affine()
        own = all(variable.id == l.id for variable in constraint.variables())
        (inequalities if linear and own else others).append(constraint)
    return l, inequalities, others


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
