"""A_min: the shortest lower end first, refined while requests run."""

from __future__ import annotations

from cvxtoken.scheduling.policies.ordered import Ordered
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.simulation import Server, Simulation, simulate


def a_min(requests: Requests) -> Simulation:
    """H-SF on estimates that begin at the lower ends l and rise with what is seen; upper ends are not used.

    A running request that has made as many tokens as its estimate is expected to make one more. Where the
    next round would overflow, requests are evicted in ascending order of estimate until it fits, and wait
    with the estimate they have reached.

    Everything completes. Evicting a request that has reached its estimate raises the estimate, which cannot
    go on for ever; and if no such request is evicted, then those that caused the overflow run on until they
    complete.

    Source: arXiv 2508.14544, by excerpts of it: admission in ascending lower bound; on overflow, running jobs
    are removed in ascending order of their current lower bound until it fits, and the bound of a removed one
    becomes the tokens that it has made. The paper has one prompt length, one interval and no arrivals; this
    project goes beyond that. This project's reading: among equals the latest admitted goes first; a running
    request that has reached its estimate counts with one token more, for the order of removal and afterwards;
    and removal happens only before a round that would overflow.
    """
    return simulate(requests, AMin(requests, requests.estimates("low")))


class AMin(Ordered):
    """Estimates that rise with what is seen."""

    def evict(self, server: Server) -> list[int]:
        """Evict in ascending order of what the estimates have reached."""
        now, running = server.now, server.running
        reached = {i: max(self.estimates[i], now - running[i] + 1) for i in reversed(running)}
        evicted = self.make_room(server, sorted(reached, key=reached.__getitem__))
        for i in evicted:
            self.estimates[i] = reached[i]  # and so its place in the queue
            self.enqueue(i)
        return evicted
