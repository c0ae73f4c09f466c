"""Good schedules from known lengths, by size and by the time there is; the best one is named.

H-SF and what is known -> dispatch in several orders and depths -> window by window -> local search
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cvxtoken.arrays import IntArray
from cvxtoken.scheduling.dispatch import ORDERS, Dispatch, Queues
from cvxtoken.scheduling.local_search import improve
from cvxtoken.scheduling.policies import hindsight_shortest_first
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.windows import by_windows

DEPTHS = (1, 8, 16)  # from which of the first in the queue the next is taken
LARGEST_TABLE = 3e7  # requests times rounds, of which local search holds a number each


@dataclass(frozen=True, eq=False)
class Found:
    """A schedule and where it is from.

    Attributes:
        starts: k, shape (n,).
        method: what found it, in words.
        total: TEL, in rounds.
    """

    starts: IntArray
    method: str
    total: int

    @classmethod
    def of(cls, requests: Requests, starts: IntArray, method: str) -> Found:
        """With its total latency."""
        return cls(starts, method, int((starts + requests.output_tokens - requests.arrival).sum()))


def quick_schedule(requests: Requests, known: Iterable[IntArray] = (), enough: int = 0) -> Found:
    """The best of what is known, of H-SF, and of dispatching in all orders and depths.

    Args:
        requests: the data.
        known: starts of schedules that fit.
        enough: a total latency at which nothing more is tried, such as a bound.
    """
    found = [Found.of(requests, starts, "a policy") for starts in known]
    found.append(Found.of(requests, hindsight_shortest_first(requests).starts, "H-SF"))
    queues = Queues(requests)
    for order in ORDERS:
        for depth in DEPTHS:
            if min(each.total for each in found) <= enough:
                break
            starts = Dispatch(queues).run(order, depth).starts()
            told = f"ascending {order}" + (f", the tightest of the first {depth}" if depth > 1 else "")
            found.append(Found.of(requests, starts, told))
    return min(found, key=lambda each: each.total)  # of several alike the first


def good_schedule(requests: Requests, found: Found, enough: int = 0) -> Found:
    """A schedule at least as good, by windows and, where the requests are few, by local search."""
    if found.total > enough:
        width = -(-int(requests.output_tokens.sum()) // (2 * len(requests)))
        other = Found.of(requests, by_windows(requests, width), "windows of dispatches")
        found = min(found, other, key=lambda each: each.total)
    rounds = int(requests.arrival.max() + requests.output_tokens.sum())
    if found.total > enough and len(requests) * rounds <= LARGEST_TABLE:
        other = Found.of(requests, improve(requests, found.starts), "local search")
        found = min(found, other, key=lambda each: each.total)
    return found
