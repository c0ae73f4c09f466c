"""A feed of arrivals through a follower: the first budgets, and every change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from cvxtoken.allocation.problem import Workload
from cvxtoken.following.feed import Arrival
from cvxtoken.following.follower import Change, Follower


def watch(
    workload: Workload,
    batches: Iterable[list[Arrival]],
    warn: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
    **options: Any,
) -> Iterator[Change]:
    """The budgets at the first arrival, then each change of them, as arrivals come.

    Time is the log's. Where nothing new comes (an empty batch) it goes on as `clock` does, so that a silence
    is seen too.

    Args:
        workload: see `Follower`.
        batches: of arrivals; times need not be in order.
        warn: is told of tasks that the workload does not have, once each; their arrivals do not count.
        clock: in s.
        options: of `Follower`.
    """
    places = {name: place for place, name in enumerate(workload.names)}
    follower: Follower | None = None
    latest, seen = 0.0, clock()
    for batch in batches:
        if not batch and follower is not None:
            yield from follower.advance(latest + clock() - seen)
        for moment, task in batch:
            if follower is None:
                follower = Follower(workload, moment, **options)
                latest = moment
                yield Change(moment, follower.estimate, follower.budgets, np.nan, np.nan)
            if task not in places:
                places[task] = -1
                warn(f"task {task!r} is not in the workload; its arrivals do not count")
            if places[task] >= 0:
                yield from follower.arrive(moment, places[task])
            latest = max(latest, moment)
        if batch:
            seen = clock()
