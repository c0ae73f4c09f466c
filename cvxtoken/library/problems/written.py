"""A problem as it is written for a solver: cone data, or a problem of CVXPY."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cvxtoken.arrays import FloatArray

if TYPE_CHECKING:
    from cvxtoken.conic.program import ConeProgram  # brings SciPy

CONES = frozenset({"nonnegative", "second-order", "exponential"})
INTEGERS = "integers"  # beside these kinds of cones, what a form may need of a solver


@dataclass(frozen=True, eq=False)
class Written:
    """A problem as cone data, and how to read it.

    Attributes:
        program: to be minimised.
        read: the answer in a point of the program.
        variables: what the index of an exported folder says of the columns.
    """

    program: ConeProgram
    read: Callable[[FloatArray], FloatArray]
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Modelled:
    """A problem as a CVXPY problem, and how to read it.

    Attributes:
        problem: of CVXPY.
        read: the answer once that is solved; None where it has no values.
    """

    problem: Any
    read: Callable[[], FloatArray | None]
