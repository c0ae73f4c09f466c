"""First come, first served, under the same check of the memory."""

from __future__ import annotations

import numpy as np

from cvxtoken.scheduling.policies.ordered import Ordered
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.simulation import Simulation, simulate


def fcfs(requests: Requests, prediction: str = "high") -> Simulation:
    """Admit in the order of arrival while the memory is predicted to suffice; nobody overtakes.

    Args:
        requests: the data.
        prediction: the end of the interval that is taken for the output: 'low', 'middle', 'high' or 'true'.

    Raises:
        ProblemError: the prediction is unknown.

    A baseline, this project's; the check is MC-SF's (arXiv 2502.07115), eviction as in `mc_sf`.
    """
    everyone_alike = np.zeros(len(requests), dtype=np.int64)  # so that arrivals decide
    return simulate(requests, Ordered(requests, requests.estimates(prediction), order=everyone_alike))
