"""Schedules window by window: each is dispatched in several ways, and the way kept that promises most.

A way is an order and a depth of `dispatch`. From the state at a window's beginning each runs to the window's
end T and, under the first way, some windows more, to H. What is then still to start would, if memory were a
fluid, be served in ascending volume at the rate M, once what runs has used its own. So a way promises

    sum over started (C - a) + sum over waiting (H - a) + sum_k (R + v_1 + ... + v_k) / M

with R the volume that what runs still takes and v_1 <= v_2 <= ... those of what waits. The last sum prices
memory that lies idle now: every request that waits, waits longer for it. Derived here.

The cost is that of a dispatch, times the ways, times one more than the windows looked ahead; and each window
copies the queue for each way. There are at most some three windows a request.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cvxtoken.arrays import IntArray
from cvxtoken.scheduling.dispatch import Dispatch, Queues
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.watch import Watch

AHEAD = 5  # windows, after the one that is decided
FLUID = "volume"  # the order in which a fluid is served best
WAYS = (
    ("volume", 8),
    ("volume", 4),
    ("volume", 12),
    ("volume", 16),
    ("volume", 30),
    ("volume and length", 8),
    ("volume and length", 16),
    ("length", 10),
)


def by_windows(
    requests: Requests, width: int, watch: Watch, ways: Sequence[tuple[str, int]] = WAYS
) -> IntArray:
    """The starts, shape (n,), from windows of so many rounds; every way is tried in each.

    When the watch is over, the first way goes on to the end.
    """
    queues = Queues(requests)
    run, promises = Dispatch(queues), Promises(queues)
    starts = np.full(len(requests), -1, dtype=np.int64)
    while (starts < 0).any():
        if watch.over:
            run.run(*ways[0])
        else:
            # nothing is to be decided before something waits
            begin = run.now if run.waiting[FLUID] else queues.next_arrival(run.arrived)
            tried = [run.copy().run(*way, begin + width) for way in ways]
            ahead = [each.copy().run(*ways[0], begin + (1 + AHEAD) * width) for each in tried]
            values = [promises.of(each) for each in ahead]
            run = tried[values.index(min(values))]
        for i, start in run.started:
            starts[i] = start
        run.started.clear()  # so that copies stay small
    return starts


class Promises:
    """What runs promise."""

    def __init__(self, queues: Queues) -> None:
        requests = queues.requests
        members = np.array(queues.members[FLUID])
        self.memory = requests.memory
        self.volume, self.arrival = requests.volume[members], requests.arrival[members]
        # so that a sum of n^2 volumes fits 64 bits, they count in units of this many tokens
        self.unit = 1 + len(requests) * sum(queues.volume) // 2**62
        self.volume //= self.unit

    def of(self, run: Dispatch) -> float:
        """Of a run that has come so far."""
        waiting = np.array(run.waiting[FLUID], dtype=np.int64)
        q = len(waiting)
        fluid: int = int(self.volume[waiting] @ np.arange(q, 0, -1)) * self.unit
        fluid += q * run.forecast.volume(run.now)
        waited: int = q * run.now - int(self.arrival[waiting].sum())
        return float(run.total + waited + fluid / self.memory)
