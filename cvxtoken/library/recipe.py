"""What a recipe of an instance is, and the versions that recipes came with."""

from __future__ import annotations

from dataclasses import dataclass

from cvxtoken.allocation.problem import Workload

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
        workload: the instance.
        since: the version that first had it.
    """

    id: str
    knob: str
    value: str
    seed: int | None
    workload: Workload
    since: str = SINCE
