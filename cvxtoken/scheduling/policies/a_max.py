"""A_max: the shortest upper end first. It never overflows, and wastes memory."""

from __future__ import annotations

from cvxtoken.scheduling.policies.ordered import Ordered
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.simulation import Simulation, simulate


def a_max(requests: Requests) -> Simulation:
    """H-SF with every output taken for the upper end u of its prediction.

    No request is ever evicted, because o <= u. An upper end with s + u > M would never be admitted; it is
    replaced by M - s, which is an upper end too because s + o <= M.

    Source: arXiv 2508.14544 (A_max: schedule by the upper bound, so that the memory never overflows). Its
    theorems have one prompt length, one interval and no arrivals. The replacement, and the admission as in
    `hindsight_shortest_first`, are this project's.
    """
    return simulate(requests, Ordered(requests, requests.estimates("high")))
