"""Good schedules from known lengths, by size and by the time there is; the best one is named.

H-SF and what is known -> dispatch in several orders and depths -> window by window -> local search
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cvxtoken.arrays import IntArray
from cvxtoken.scheduling.dispatch import ORDERS, Dispatch, Queues
from cvxtoken.scheduling.local_search import improve
from cvxtoken.scheduling.policies import hindsight_shortest_first
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.watch import Watch
from cvxtoken.scheduling.windows import by_windows

DEPTHS = (1, 8, 16)  # from which of the first in the queue the next is taken
LARGEST_TABLE = 3e7  # requests times rounds, of which local search holds two numbers each at most


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


def quick_schedule(
    requests: Requests, watch: Watch, known: Iterable[IntArray] = (), enough: int = 0
) -> Found:
    """The best of what is known, of H-SF, and of dispatching in all orders and depths.

    Args:
        requests: the data.
        watch: ends the tries when it is over.
        known: starts of schedules that fit.
        enough: a total latency at which nothing more is tried, such as a bound.
    """
    found = [Found.of(requests, starts, "a policy") for starts in known]
    found.append(Found.of(requests, hindsight_shortest_first(requests).starts, "H-SF"))
    queues = Queues(requests)
    for order in ORDERS:
        for depth in DEPTHS:
            best = min(each.total for each in found)
            if best <= enough or watch.over:
                break
            told = f"ascending {order}" + (f", the tightest of the first {depth}" if depth > 1 else "")
            watch.say(enough, best, told)
            found.append(Found.of(requests, Dispatch(queues).run(order, depth).starts(), told))
    return min(found, key=lambda each: each.total)  # of several alike the first


def good_schedule(requests: Requests, found: Found, watch: Watch, enough: int = 0) -> Found:
    """A schedule at least as good, by windows and, where the requests are few, by local search."""
    mean = -(-int(requests.output_tokens.sum()) // len(requests))
    steps: dict[str, Callable[[], IntArray]] = {
        "windows of dispatches": lambda: by_windows(requests, -(-mean // 2), watch)
    }
    rounds = int(requests.arrival.max() + requests.output_tokens.sum())
    if len(requests) * rounds <= LARGEST_TABLE:
        steps["local search"] = lambda: improve(requests, found.starts, watch=watch)
    for method, step in steps.items():
        if found.total > enough and not watch.over:
            watch.say(enough, found.total, method)
            found = min(found, Found.of(requests, step(), method), key=lambda each: each.total)
    return found
