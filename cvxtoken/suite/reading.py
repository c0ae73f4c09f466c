"""The answer of a solver, and how it is read from what a function of cone data returned.

That may be a mapping or an object of any solver, with

    x                      the point, shape (columns,)
    z, or y as SCS has it  the dual values of the rows, of a claim of infeasibility its ray
    s                      the slacks b - A x
    status                 or `info` with it, as of SCS and ECOS
    the objective          q'x, under one of the names in `OBJECTIVES`, also in `info`
    the dual objective     -b'z, under one of the names in `DUAL_OBJECTIVES`, also in `info`
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.library.problems.written import Written
from cvxtoken.suite.status import (
    FAILED,
    OPTIMAL,
    SAYS_OPTIMUM,
    UNKNOWN,
    AdapterError,
    claim,
    part,
    spelled,
    status_of,
)
from cvxtoken.suite.vectors import kind_of, real

OBJECTIVES = ("objective", "obj_val", "objective_value", "obj", "primal_objective", "pobj", "pcost", "fun")
DUAL_OBJECTIVES = ("dual_objective", "obj_val_dual", "dual_objective_value", "dobj", "dcost")


@dataclass(frozen=True)
class Answer:
    """A solver's answer to one instance.

    Attributes:
        tokens: shape (N,), or what else the problem asks for, one number each; None where there are none.
        status: what the solver claims: one of `cvxtoken.suite.status.CLAIMS`; any solver's own word is read.
        duals: for a problem the dual values of its constraints, for cone data the vector z; or None.
        detail: the solver's own words, or why it failed.
        seconds: how long the call took, without the writing of the problem.
        objective: the value that the solver reports, or None: of a workload or a problem J, of cone data q'x.
        dual_objective: the value of the dual problem that it reports, or None: of cone data -b'z.
        point: x of cone data, shape (columns,), or None.
        slacks: s of cone data, or None.
        ray: a proof of infeasibility, z with A'z = 0 and b'z < 0, or None: then `duals` are read as one.
        fault: what is wrong with the adapter rather than the solver; empty where nothing is.
        changed: the names of the data that the function has changed; empty where it has not.
    """

    tokens: FloatArray | None
    status: str = OPTIMAL
    duals: Any = None
    detail: str = ""
    seconds: float = 0.0
    objective: Any = None
    dual_objective: Any = None
    point: FloatArray | None = None
    slacks: Any = None
    ray: Any = None
    fault: str = ""
    changed: str = ""

    def replace(self, **changes: Any) -> Answer:
        """A copy with other values."""
        return replace(self, **changes)


def answered(status: Any, tokens: FloatArray | None = None, **found: Any) -> Answer:
    """An answer with a status in the solver's own words; one that is not known is a fault of the adapter."""
    try:
        return Answer(tokens, claim(status), detail=spelled(status), **found)
    except AdapterError as error:
        return Answer(tokens, UNKNOWN, detail=spelled(status), fault=str(error), **found)


def read_cones(written: Written, found: Any) -> Answer:
    """The answer in what a function of cone data returned."""
    point, status = part(found, "x"), status_of(found)
    if status is None and point is None and (isinstance(found, str) or found is None):
        status = found  # a status alone, without a point
    if isinstance(found, (np.ndarray, list, tuple)):
        point = found  # a point alone, without a status
    z = next((v for v in (part(found, "z"), part(found, "y")) if v is not None), None)
    answer = answered(
        status,
        duals=z,
        objective=_reported(found, OBJECTIVES),
        dual_objective=_reported(found, DUAL_OBJECTIVES),
        slacks=part(found, "s"),
        ray=part(found, "ray"),
    )
    if point is None:
        return answer
    try:
        x = real(point)
    except (TypeError, ValueError):
        return _refused(answer, f"x is no array of real numbers but {kind_of(point)}")
    if x.size != written.program.q.size:
        return _refused(answer, f"x has shape {x.shape}; it must be {written.program.q.shape}")
    return answer.replace(tokens=written.read(x.ravel()), point=x.ravel())


def _refused(answer: Answer, told: str) -> Answer:
    """Without a usable point nothing is solved; a claim that needs no point stays."""
    status = FAILED if answer.status in SAYS_OPTIMUM else answer.status
    return answer.replace(status=status, detail=told if status == FAILED else answer.detail)


def _reported(found: Any, names: tuple[str, ...]) -> Any:
    """The first value there is under one of these names."""
    places = (found, part(found, "info"))
    values = (part(place, name) for place in places if place is not None for name in names)
    return next((value for value in values if value is not None and not callable(value)), None)
