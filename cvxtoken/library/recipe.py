"""What a recipe of an instance is, and the versions that recipes came with."""

from __future__ import annotations

from dataclasses import dataclass

from cvxtoken.allocation.problem import Workload
from cvxtoken.library.problems.problem import Problem

SINCE = "0.1.0"  # of every recipe that names no other version
SEED = 20261121  # of the library


@dataclass(frozen=True)
class Recipe:
    """One instance and where it comes from.

    Attributes:
        id: 'family/name'.
        knob: what the family varies, with its unit.
        value: of the knob.
        seed: of the random numbers; None where there are none.
        made: the instance, a plain workload or a problem of another kind.
        since: the version that first had it.
    """

    id: str
    knob: str
    value: str
    seed: int | None
    made: Workload | Problem
    since: str = SINCE

    @property
    def problem(self) -> Problem:
        """The instance; a workload is a plain allocation."""
        if not isinstance(self.made, Workload):
            return self.made
        from cvxtoken.library.problems.allocation import Allocation  # brings what proves it

        return Allocation(self.made)
