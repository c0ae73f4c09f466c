"""The dual values of a CVXPY problem's constraints, held against the exact ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.suite.answer import PARAMETRIC
from cvxtoken.suite.case import Case, NotApplicable
from cvxtoken.suite.vectors import multipliers_of

_NEGATIVE, _MULTIPLIER = 1e-5, 1e-2  # of a multiplier, relative to its size: below 0, and off
_PINNED = 1e-6  # where a variable has less room than this, the multipliers of its two bounds are not unique


@dataclass(frozen=True)
class _Exact:
    """What the multipliers must be.

    Attributes:
        values: of x >= 0, of x <= x_max and, of a parametric problem, of the equation of y.
        bounds: how many of them belong to inequalities; these come first.
        size: of what each is made of.
        largest: 1 + the largest coefficient of the objective.
    """

    values: FloatArray
    bounds: int
    size: FloatArray
    largest: float


def _exact(case: Case) -> _Exact:
    """The exact multipliers, to 17 digits.

    Each is a derivative of the objective, and compared with the size of what that is made of: alpha pi A b of
    the accuracy, and the multiplier itself. In the parametric form x = b l, so that those of the bounds are
    1 / b of those of the tokens, and y has an equation, whose multiplier is dJ/dy = lambda Q / (2 y^2). In
    the second-order cone that is the first less the last entry, lambda / (4 y) times 2 Q / y.
    """
    cones, q, w = case.allocation, case.allocation.program.q, case.workload
    n, b = len(cones.types), w.saturation_rate[cones.types]
    z = cones.duals(case.instance.certificate.tokens)
    values, slopes = z[: 2 * n], q[n : 2 * n] * b * cones.scale
    largest = 1 + float(np.abs(q[:-1]).max())
    if case.subject.form != PARAMETRIC:
        return _Exact(values, 2 * n, np.tile(slopes, 2) + np.abs(values), largest)
    values, slopes = values / np.tile(b, 2), slopes / b
    second_order = z[2 * n : 2 * n + cones.program.cones[1][1]]
    values = np.append(values, second_order[0] - second_order[-1])
    return _Exact(values, 2 * n, np.append(np.tile(slopes, 2), 0) + np.abs(values), largest)


def multipliers(case: Case) -> str | None:
    """Whether the multipliers are the exact ones, which are unique where x_max > 0.

    Whatever the status, they must be finite, and those of inequalities not negative; where the optimum is
    claimed, equal to the exact ones to 1e-2 of their size.

    Raises:
        NotApplicable: they are others than those known, or not unique.
    """
    exact = _exact(case)
    given, reason = multipliers_of(case.answer.duals)
    if given is None:
        return reason
    if given.shape != exact.values.shape:
        raise NotApplicable(f"{given.size} multipliers were given, and {exact.values.size} are known")
    allowed = _NEGATIVE * exact.size + 1e-9 * exact.largest
    least = int(np.argmin((given / allowed)[: exact.bounds]))
    if given[least] < -allowed[least]:
        told = f"multiplier {least} is {given[least]:.6g}, expected {exact.values[least]:.6g}"
        return f"{told}: of an inequality it must not be negative (tolerance {allowed[least]:.2g})"
    n = exact.bounds // 2
    if (case.allocation.program.b[n : 2 * n] <= _PINNED).any():
        raise NotApplicable("the multipliers are not unique")
    case.require_optimal()
    allowed = _MULTIPLIER * exact.size + 1e-6 * exact.largest
    worst = int(np.argmax(np.abs(given - exact.values) / allowed))
    if abs(given[worst] - exact.values[worst]) <= allowed[worst]:
        return None
    told = f"multiplier {worst} is {given[worst]:.6g}, expected {exact.values[worst]:.6g}"
    return f"{told} (tolerance {allowed[worst]:.2g})"
