"""How many queries a server of a workload holds at its tokens, and how many KV tokens these have in use."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.delay import occupancy
from cvxtoken.errors import ProblemError, UnstableError


def queries_in_system(workload: Workload, tokens: ArrayLike) -> occupancy.Occupancy:
    """The number N of queries in service at one replica, with P(N > B) for the cap B of a batch.

    Negative binomial, see `delay.occupancy`: exact where all work is shared with one sigma, so that no
    prefill blocks the batch. Where it does, the mean is that of the delay law, and true tails are heavier.

    Args:
        workload: of a server that runs queries together.
        tokens: shape (N,), in the box.

    Raises:
        ProblemError: the server serves one query at a time, or the tokens break their rule.
        UnstableError: the utilisation is 1 or more.
    """
    _, demand, rho = _shared(workload, tokens)
    return occupancy.occupancy(demand, rho)


def kv_in_use(workload: Workload, tokens: ArrayLike) -> occupancy.KVInUse:
    """The KV tokens in use at one replica: mean, deviation, quantiles and P(KV > M), by one transform.

    A compound of `queries_in_system`, with the same limits. Every query of type k makes l_k tokens; where
    that is no whole number, one of the two next to it. Prompts are counted as whole tokens, rounded up.

    Args and errors as in `queries_in_system`; ProblemError too where no query holds anything.
    """
    l, demand, rho = _shared(workload, tokens)
    w = workload
    decoding, prefill = w.prior * w.time_per_token * l, w.prior * w.overhead
    return occupancy.kv_in_use(demand, rho, decoding, l.tolist(), np.ceil(w.prompt_tokens), prefill)


def _shared(workload: Workload, tokens: ArrayLike) -> tuple[FloatArray, float, float]:
    """The tokens, the demand lambda E[S] and rho, of a stable server that runs queries together."""
    if not workload.server.runs_together:
        raise ProblemError(
            f"server is {workload.server}, which serves one query at a time; it must be one that runs "
            "queries together, such as Sharing(sigma)"
        )
    l = model.checked_tokens(workload, tokens)
    rho = float(model.utilization(workload, l))
    if model.idle(workload, l) <= 0:
        raise UnstableError(f"tokens give a utilisation of {rho:.6g}; it must be below 1")
    return l, workload.rate * float(model.moments(workload, l)[0]), rho
