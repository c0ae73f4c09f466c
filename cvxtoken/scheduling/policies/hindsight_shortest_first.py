"""H-SF: the shortest first, by a scheduler that knows the output lengths."""

from __future__ import annotations

from cvxtoken.scheduling.policies.ordered import Ordered
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.simulation import Simulation, simulate


def hindsight_shortest_first(requests: Requests) -> Simulation:
    """Keep what runs, and admit in ascending o while the memory suffices at every completion to come.

    No request is ever evicted. It is what the online policies are compared with, not the optimum.

    Source: arXiv 2508.14544 (H-SF). That the first request that does not fit ends the admission, and how ties
    are broken, are this project's reading.
    """
    return simulate(requests, Ordered(requests, requests.output_tokens))
