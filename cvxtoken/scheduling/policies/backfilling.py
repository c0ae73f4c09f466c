"""Backfilling: A_min's estimates and evictions, but of the first few in the queue the tightest fit starts."""

from __future__ import annotations

from bisect import insort

from cvxtoken.errors import ProblemError
from cvxtoken.scheduling.policies.a_min import AMin
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.simulation import Server, Simulation, simulate


def backfilling(requests: Requests, depth: int = 12) -> Simulation:
    """Estimates rise from the lower ends l, and the next to start is the best fit of the first few.

    The queue is in ascending volume of the estimates e, s e + e (e + 1) / 2. Of its first `depth` that are
    predicted to fit, the one starts that leaves the least memory at some predicted end. So one that does not
    fit holds nobody up. Eviction is that of `a_min`, and everything completes for the reasons given there,
    which do not depend on who is admitted.

    Args:
        requests: the data.
        depth: from how many of the first in the queue; 1 lets nobody overtake.

    Raises:
        ProblemError: the depth is not a whole number from 1.

    Source: this project's; backfilling is old in batch systems (Lifka 1995).
    """
    if type(depth) is not int or depth < 1:
        raise ProblemError(f"depth is {depth!r}; it must be a whole number from 1")
    return simulate(requests, _Backfilling(requests, depth))


class _Backfilling(AMin):
    def __init__(self, requests: Requests, depth: int) -> None:
        super().__init__(requests, requests.estimates("low"))
        self.depth = depth

    def enqueue(self, i: int) -> None:
        e = self.estimates[i]
        insort(self.queue, (self.prompts[i] * e + e * (e + 1) // 2, self.ranks[i], i))

    def admit(self, server: Server) -> list[int]:
        now, queue = server.now, self.queue
        self.update(server)
        admitted: list[int] = []
        while True:
            first = [entry[-1] for entry in queue[: self.depth]]
            told = [(self.prompts[i], self.estimates[i]) for i in first]
            place, _ = self.forecast.tightest(now, told)
            if place is None:
                return admitted
            del queue[place]
            self.begin(now, first[place])
            admitted.append(first[place])

    def next_time(self, server: Server) -> int | None:
        """The first time at which one of the first in the queue fits."""
        first = [entry[-1] for entry in self.queue[: self.depth]]
        told = [(self.prompts[i], self.estimates[i]) for i in first]
        times = [self.forecast.first_fit(server.now, prompt, estimate) for prompt, estimate in told]
        return min((time for time in times if time is not None), default=None)
