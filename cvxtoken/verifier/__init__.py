"""Checkers of proofs: the standard library alone, and no code of what they check.

One needs NumPy, and is imported by its own name: many.py, of files of very many bounds.

`python cvxtoken/verifier FILE` checks a proof of any kind. Each kind's file is a script of its own too:
allocation.py runs alone, constrained.py with it and conic.py beside it, the others with allocation.py alone.
allocation.py is of plain budgets, constrained.py of those under further constraints, whole.py, lagged.py,
pooled.py and robust.py of budgets of other kinds, schedule.py of schedules, stopping.py of randomised
limits, and conic.py of any cone program, to which convex problems compile.
"""

from cvxtoken.verifier import (
    allocation,
    conic,
    constrained,
    lagged,
    pooled,
    robust,
    schedule,
    stopping,
    whole,
)
from cvxtoken.verifier.allocation import Refused, read
from cvxtoken.verifier.kinds import check

__all__ = [
    "Refused",
    "allocation",
    "check",
    "conic",
    "constrained",
    "lagged",
    "pooled",
    "read",
    "robust",
    "schedule",
    "stopping",
    "whole",
]
