"""The kinds of problem that the library holds, a file each.

What a kind needs is imported when one of its problems is made.
"""

from importlib import import_module
from typing import Any

from cvxtoken.errors import LibraryError
from cvxtoken.files import nearest
from cvxtoken.library.problems.problem import Problem

KINDS = {
    "allocation": "allocation.Allocation",
    "whole": "whole.WholeTokens",
    "targets": "targeted.TargetedTokens",
    "robust": "robust.RobustTokens",
    "lagged": "lagged.LaggedTokens",
    "schedule": "schedule.Schedule",
    "limits": "stopping.RandomLimits",
}
# The classes that functions of a kind's own data take.
DATA = ("Workload", "WholeTokens", "TargetedTokens", "Ensemble", "LaggedWorkload", "Requests", "Stopping")


def read_problem(kind: str, record: dict[str, Any]) -> Problem:
    """The problem in a record of this kind.

    Raises:
        LibraryError: this version does not know the kind.
        ProblemError: the data break a rule.
    """
    if kind not in KINDS:
        raise LibraryError(f"{kind!r} is not a kind of problem{nearest(kind, KINDS)}: {', '.join(KINDS)}")
    module, _, name = KINDS[kind].partition(".")
    found: type[Problem] = getattr(import_module(f"{__name__}.{module}"), name)
    return found.from_record(record)
