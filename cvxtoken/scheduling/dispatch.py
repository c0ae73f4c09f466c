"""Schedules from known lengths: at each event, of the first few that wait, the one that fits best starts.

Two things cost more than the order of the queue. Where the first that does not fit ends the admission, memory
lies idle behind it; and where any that fits may start, the small leave gaps that nobody fills. So of the
first `depth` in the queue the one starts that leaves the least memory at some future completion, again and
again until none of them fits. Which order and depth are best depends on what is scarce, so that several are
tried. Derived here; every start is checked as in `forecast`.

The cost grows with the events, times the depth, times the logarithm of what runs.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from copy import copy
from itertools import islice
from typing import Self

import numpy as np

from cvxtoken.arrays import IntArray
from cvxtoken.scheduling.forecast import Forecast
from cvxtoken.scheduling.problem import Requests


def _volume_and_length(requests: Requests) -> list[int]:
    volumes, outputs = requests.volume.tolist(), requests.output_tokens.tolist()
    return [v**4 * o for v, o in zip(volumes, outputs, strict=True)]


ORDERS: dict[str, Callable[[Requests], list[int]]] = {  # keys of the queue, as whole numbers of any size
    "volume": lambda requests: requests.volume.tolist(),
    "length": lambda requests: requests.output_tokens.tolist(),
    "volume and length": _volume_and_length,
    "peak": lambda requests: requests.peak.tolist(),
}


class Queues:
    """What never changes in a run: the requests, and for each order their ranks.

    Attributes:
        requests: the data.
        by_arrival: the requests in the order of arrival.
        members: by order, the requests in ascending key; the earlier arrival breaks ties, then the number.
        ranks: by order, the place of each request among the members.
    """

    def __init__(self, requests: Requests) -> None:
        self.requests = requests
        self.arrival: list[int] = requests.arrival.tolist()
        self.prompt: list[int] = requests.prompt_tokens.tolist()
        self.outputs, self.volume = requests.output_tokens.tolist(), requests.volume.tolist()
        self.by_arrival: list[int] = np.argsort(requests.arrival, kind="stable").tolist()
        self.members, self.ranks = {}, {}
        for name, key in ORDERS.items():
            keys = key(requests)
            self.members[name] = sorted(self.by_arrival, key=keys.__getitem__)
            ranks = [0] * len(requests)
            for rank, i in enumerate(self.members[name]):
                ranks[i] = rank
            self.ranks[name] = ranks

    def next_arrival(self, arrived: int) -> int:
        """When the next comes after so many have arrived."""
        return self.arrival[self.by_arrival[arrived]]


class Dispatch:
    """A run from the first arrival on; it can be copied, and goes on under any order.

    Attributes:
        now: t.
        waiting: the ranks of what waits, ascending, by order.
        started: requests and their starts, in the order of starting.
        total: sum of C - a over these.
    """

    def __init__(self, queues: Queues) -> None:
        self.queues = queues
        self.now = queues.arrival[queues.by_arrival[0]]
        self.arrived = 0
        self.waiting: dict[str, list[int]] = {name: [] for name in queues.ranks}
        self.started: list[tuple[int, int]] = []
        self.total = 0
        self.forecast = Forecast(queues.requests.memory)

    def copy(self) -> Self:
        """A run that goes on from here by itself."""
        other = copy(self)
        other.waiting = {name: ranks.copy() for name, ranks in self.waiting.items()}
        other.started = self.started.copy()
        other.forecast = self.forecast.copy()
        return other

    def run(self, order: str, depth: int, until: int | None = None) -> Self:
        """Go on to a time, or until all have started; returns itself."""
        queues = self.queues
        count, before = len(queues.arrival), (self.arrived, len(self.started))
        waiting, ranks = self.waiting[order], queues.ranks[order]
        while True:
            while self.arrived < count and queues.arrival[i := queues.by_arrival[self.arrived]] <= self.now:
                insort(waiting, ranks[i])
                self.arrived += 1
            if self.now == until or (not waiting and self.arrived == count):
                break
            self.forecast.complete(self.now)
            times = [] if until is None else [until]
            if (again := self.admit(order, depth)) is not None:
                times.append(again)
            if self.forecast.ends:
                times.append(self.forecast.ends[0])
            if self.arrived < count:
                times.append(queues.next_arrival(self.arrived))
            self.now = min(times)
        self.settle(order, *before)
        return self

    def admit(self, order: str, depth: int) -> int | None:
        """Start what fits; returns when to ask again, if not at the next arrival or completion."""
        queues, waiting, now = self.queues, self.waiting[order], self.now
        members, prompt, outputs = queues.members[order], queues.prompt, queues.outputs
        while True:
            first = [members[rank] for rank in islice(waiting, depth)]
            place, again = self.forecast.tightest(now, [(prompt[i], outputs[i]) for i in first])
            if place is None:
                return again
            del waiting[place]
            i = first[place]
            self.forecast.add(now, prompt[i], outputs[i])
            self.started.append((i, now))
            self.total += now + outputs[i] - queues.arrival[i]

    def settle(self, order: str, arrived: int, started: int) -> None:
        """Let the queues of the other orders hold what that of this order holds."""
        for name, waiting in self.waiting.items():
            if name != order:
                ranks = self.queues.ranks[name]
                for i in self.queues.by_arrival[arrived : self.arrived]:
                    insort(waiting, ranks[i])
                for i, _ in self.started[started:]:
                    del waiting[bisect_left(waiting, ranks[i])]

    def starts(self) -> IntArray:
        """k, shape (n,), once all have started."""
        result = np.empty(len(self.queues.arrival), dtype=np.int64)
        requests, starts = np.array(self.started, dtype=np.int64).T
        result[requests] = starts
        return result
