"""How much the suite tries: some of the cases of each long list, or all of them with CVXTOKEN_THOROUGH=1."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TypeVar

Case = TypeVar("Case")
THOROUGH = os.environ.get("CVXTOKEN_THOROUGH", "0") != "0"


def some(cases: Iterable[Case], share: int) -> list[Case]:
    """Every `share`-th case; in a thorough run each one."""
    return list(cases)[:: 1 if THOROUGH else share]


def part(count: int, share: int) -> int:
    """One of `share` parts of a number of tries, in a thorough run all of it."""
    return len(some(range(count), share))
