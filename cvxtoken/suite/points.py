"""How far a point of a CVXPY problem is outside of what the problem asks for, as far as that can be seen.

Looked at are the constraints, the bounds and signs of variables, and the domains of atoms, such as x >= 0 of
log x. A distance is relative to 1 + the size of what it is the difference of. Where a value is not finite
(an atom outside its domain by a rounding error is minus infinity), the domain alone is judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cvxtoken.conic.program import EXPONENTIAL
from cvxtoken.conic.residuals import outside

# constraints whose own measure of a point would run a solver
_BY_A_SOLVER = ("RelEntrConeQuad", "OpRelEntrConeQuad", "PowCone3D", "PowConeND")


def worst_violation(problem: Any) -> tuple[float, str]:
    """The largest relative violation at the values of the variables, and what is violated.

    Args:
        problem: a `cvxpy.Problem` whose variables all have values.
    """
    with np.errstate(all="ignore"):  # outside of their domains atoms are not finite
        return max(_violations(problem), default=(0.0, ""), key=lambda found: found[0])


def outside_domain(problem: Any) -> float:
    """The largest relative violation of the domain of the objective; above 0, its value means nothing."""
    with np.errstate(all="ignore"):
        return max(map(_of_constraint, problem.objective.expr.domain), default=0.0)


def value_inside(problem: Any, most: float) -> float:
    """The objective where entries of variables that are below 0 by up to `most` are 0.

    So -1e-12 in an entropy, of which CVXPY makes minus infinity, is taken for the 0 that it stands for.
    """
    before = {variable: variable.value for variable in problem.variables()}
    try:
        for variable, value in before.items():
            dense = _dense(value)
            if not np.iscomplexobj(dense):
                variable.save_value(np.where((dense < 0) & (dense >= -most), 0.0, dense))
        with np.errstate(all="ignore"):
            return float(np.asarray(problem.objective.value, dtype=float))
    finally:
        for variable, value in before.items():
            variable.save_value(value)


def missing_values(problem: Any) -> list[str]:
    """The names of the variables without a value, or with one that is not finite."""
    return [
        variable.name()
        for variable in problem.variables()
        if variable.value is None or not np.isfinite(_dense(variable.value)).all()
    ]


def _violations(problem: Any) -> Iterator[tuple[float, str]]:
    from cvxtoken.conic.compiled import cut  # brings CVXPY

    for variable in problem.variables():
        yield _of_attributes(variable), f"the sign or bounds of {variable.name()}"
    for place, constraint in enumerate(problem.constraints):
        yield _of_constraint(constraint), f"constraints[{place}] ({cut(constraint)})"
    for expression in (problem.objective.expr, *(arg for c in problem.constraints for arg in c.args)):
        for domain in expression.domain:
            yield _of_constraint(domain), f"the domain {cut(domain)} of {cut(expression)}"


def _of_attributes(variable: Any) -> float:
    value = _dense(variable.value)
    if np.iscomplexobj(value):
        return 0.0
    signs, bounds = variable.attributes, variable.attributes.get("bounds")
    least = 0.0 if signs["nonneg"] or signs["pos"] else -np.inf
    most = 0.0 if signs["nonpos"] or signs["neg"] else np.inf
    if bounds is not None and not any(hasattr(bound, "variables") for bound in bounds):
        least, most = np.maximum(least, bounds[0]), np.minimum(most, bounds[1])
    return float((np.maximum(np.maximum(least - value, value - most), 0) / (1 + np.abs(value))).max())


def _of_constraint(constraint: Any) -> float:
    """Relative; 0 where it cannot be seen."""
    values = [_dense(arg.value) for arg in constraint.args if arg.value is not None]
    if len(values) < len(constraint.args) or not all(np.isfinite(value).all() for value in values):
        return 0.0
    size = 1 + max((float(np.abs(value).max(initial=0)) for value in values), default=0.0)
    if type(constraint).__name__ == "ExpCone":
        points = np.stack([value.ravel() for value in values], axis=1)
        return outside(points.ravel(), ((EXPONENTIAL, 3),) * len(points)) / size
    if type(constraint).__name__ in _BY_A_SOLVER:
        return 0.0
    return float(np.max(_dense(constraint.violation()), initial=0.0)) / size


def _dense(value: Any) -> NDArray[Any]:
    """Of real or complex numbers."""
    array = np.asarray(value.toarray() if sparse.issparse(value) else value)
    return array if np.iscomplexobj(array) else array.astype(float)
