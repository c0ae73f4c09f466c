"""What most policies share: a queue in some order, admitted while the memory is predicted to suffice."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import numpy as np

from cvxtoken.arrays import IntArray
from cvxtoken.scheduling.forecast import Forecast
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.simulation import Server


class Ordered:
    """Keep what runs; admit in ascending order while all future rounds are predicted to fit.

    The first request that does not fit ends the admission. On overflow the latest admitted are evicted first,
    and wait in their old place. The one admitted first is never evicted, so that everything completes.

    Args:
        requests: the data.
        estimates: predicted output lengths, shape (n,), with s + estimate <= M.
        order: keys of the queue, shape (n,); by default the estimates. The earlier arrival breaks ties, then
            the smaller number.
    """

    def __init__(self, requests: Requests, estimates: IntArray, order: IntArray | None = None) -> None:
        self.prompts = requests.prompt_tokens.tolist()
        self.estimates = estimates.tolist()
        self.order = self.estimates if order is None else order.tolist()
        self.ranks = arrival_ranks(requests)
        self.queue: list[tuple[int, int, int]] = []
        self.ends: dict[int, int] = {}  # predicted ends, of the requests that run
        self.forecast = Forecast(requests.memory)

    def admit(self, server: Server) -> list[int]:
        """Admit in ascending order, as long as the first in the queue fits."""
        now, queue = server.now, self.queue
        self.update(server)
        admitted = []
        while queue:
            i = queue[0][-1]
            if not self.forecast.fits(now, self.prompts[i], self.estimates[i]):
                break
            heapq.heappop(queue)
            self.begin(now, i)
            admitted.append(i)
        return admitted

    def update(self, server: Server) -> None:
        """What has completed leaves the forecast, and what has arrived joins the queue."""
        for i in server.completed:
            start = self.ends[i] - self.estimates[i]
            self.forecast.remove(server.now, self.prompts[i], start, self.ends.pop(i))
        for i in server.arrived:
            self.enqueue(i)

    def begin(self, now: int, i: int) -> None:
        """Enter a request that starts into the forecast."""
        self.forecast.add(now, self.prompts[i], self.estimates[i])
        self.ends[i] = now + self.estimates[i]

    def evict(self, server: Server) -> list[int]:
        """Evict the latest admitted first, until the next round fits."""
        evicted = self.make_room(server, reversed(server.running))
        for i in evicted:
            self.enqueue(i)
        return evicted

    def make_room(self, server: Server, candidates: Iterable[int]) -> list[int]:
        """As many of the first candidates as must go for the next round to fit; they leave the forecast."""
        now = server.now
        excess = server.held(now + 1) - server.requests.memory
        evicted = []
        for i in candidates:
            if excess <= 0:
                break
            start = server.running[i]
            excess -= self.prompts[i] + now + 1 - start
            self.forecast.remove(now, self.prompts[i], start, self.ends.pop(i))
            evicted.append(i)
        return evicted

    def enqueue(self, i: int) -> None:
        """Put a request into the queue."""
        heapq.heappush(self.queue, (self.order[i], self.ranks[i], i))

    def next_time(self, server: Server) -> int | None:
        """The time at which the first in the queue fits."""
        if not self.queue:
            return None
        i = self.queue[0][-1]
        return self.forecast.first_fit(server.now, self.prompts[i], self.estimates[i])

    def done(self, server: Server) -> str | None:
        """None: the policy never gives up."""
        return None


def arrival_ranks(requests: Requests) -> list[int]:
    """The place of each request in the order of arrival; equal arrivals by number."""
    ranks = np.empty(len(requests), dtype=np.int64)
    ranks[np.argsort(requests.arrival, kind="stable")] = np.arange(len(requests))
    return ranks.tolist()
