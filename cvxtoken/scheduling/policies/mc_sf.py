"""MC-SF: the shortest predicted output first, by a check of the memory at predicted completions."""

from __future__ import annotations

from cvxtoken.scheduling.policies.ordered import Ordered
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.simulation import Simulation, simulate


def mc_sf(requests: Requests, prediction: str = "high") -> Simulation:
    """Memory-constrained shortest first, on the low, middle, high or true end of the prediction.

    Raises:
        ProblemError: the prediction is unknown.

    Source: arXiv 2502.07115 (MC-SF) for the order and the check. This project's reading: a request that
    outlives its prediction is counted for the next round; where the memory would overflow, because the
    predictions were too low, the latest admitted are evicted first and keep their prediction.
    """
    return simulate(requests, Ordered(requests, requests.estimates(prediction)))
