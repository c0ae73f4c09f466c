"""The scheduling policies, one a file: what the papers propose, what they compare with."""

from collections.abc import Callable

from cvxtoken.scheduling.policies.a_max import a_max
from cvxtoken.scheduling.policies.a_min import a_min
from cvxtoken.scheduling.policies.backfilling import backfilling
from cvxtoken.scheduling.policies.fcfs import fcfs
from cvxtoken.scheduling.policies.hindsight_shortest_first import hindsight_shortest_first
from cvxtoken.scheduling.policies.mc_sf import mc_sf
from cvxtoken.scheduling.policies.ordered import Ordered
from cvxtoken.scheduling.policies.protection_greedy import protection_greedy
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.simulation import Simulation

POLICIES: dict[str, Callable[[Requests], Simulation]] = {
    "hindsight_shortest_first": hindsight_shortest_first,
    "mc_sf": mc_sf,
    "fcfs": fcfs,
    "a_max": a_max,
    "a_min": a_min,
    "backfilling": backfilling,
    "protection_greedy": protection_greedy,
}

__all__ = [
    "POLICIES",
    "Ordered",
    "a_max",
    "a_min",
    "backfilling",
    "fcfs",
    "hindsight_shortest_first",
    "mc_sf",
    "protection_greedy",
]
