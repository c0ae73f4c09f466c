"""Checkers of proofs: the standard library alone, and no code of what they check.

`python cvxtoken/verifier FILE` checks a proof of any kind. Each kind's file is a script of its own too:
allocation.py runs alone, the others with it beside them and nothing else. allocation.py is of plain budgets,
whole.py, lagged.py, pooled.py and robust.py are of budgets of other kinds, schedule.py of schedules, and
conic.py of any cone program, to which convex problems compile.
"""

from cvxtoken.verifier import allocation, conic, lagged, pooled, robust, schedule, stopping, whole
from cvxtoken.verifier.allocation import Refused, read
from cvxtoken.verifier.kinds import check

__all__ = [
    "Refused",
    "allocation",
    "check",
    "conic",
    "lagged",
    "pooled",
    "read",
    "robust",
    "schedule",
    "stopping",
    "whole",
]
