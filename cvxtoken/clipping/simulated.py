"""The best of given limits where no law holds: they are simulated, and noise says how far to trust it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from cvxtoken.clipping import model
from cvxtoken.clipping.problem import ClippingProblem
from cvxtoken.clipping.result import ClippingReference
from cvxtoken.clipping.simulation import ClippingSimulation, simulate
from cvxtoken.errors import UnstableError

_REQUESTS, _REPLICATIONS, _SEED = 30_000, 64, 0  # at each limit; all share their arrivals


def best_simulated(problem: ClippingProblem, considered: np.ndarray, started: float) -> ClippingReference:
    """The limit, one for all types, of the best simulated objective.

    `exact` is False, and `upper` a crude bound: the greatest utility, with no wait or loss at all.
    """
    theta = problem.theta
    rows: list[dict[str, Any]] = []
    values: list[float] = []
    columns = np.minimum(considered[:, None], [len(lengths) for lengths in problem.types])
    for limits in columns:
        utility = float(model.total(problem, limits).u)
        whole = float(model.total(problem.replace(utility="share_whole"), limits).u)
        row: dict[str, Any] = {"share_whole": whole, "utility": utility}
        try:
            seen = simulate(problem, limits, _REQUESTS, _SEED, _REPLICATIONS)
        except UnstableError:
            if not rows:
                raise  # at the least limit: no other is stable either
            rows.append({"mean_wait": None} | row | {"stable": False})
            values.append(-np.inf)
            continue
        cost = seen.mean_wait.value if seen.loss is None else seen.loss.value
        values.append(theta * utility - (1 - theta) * cost)
        rows.append(row | {"stable": True} | _measured(seen))
    best = int(np.argmax(values))
    greatest = sum(share * model.utility(problem, k).max() for k, share in enumerate(problem.shares))
    return ClippingReference(
        problem=problem,
        limits=tuple(columns[best].tolist()),
        common=None,
        objective=values[best],
        upper=float(theta * greatest),
        exact=False,
        utility=rows[best]["utility"],
        share_whole=rows[best]["share_whole"],
        mean_wait=rows[best]["mean_wait"],
        mean_wait_of_all=rows[best].get("mean_wait_of_all"),
        loss=rows[best].get("loss"),
        utilization=float(model.load(problem, model.total(problem, columns[best]).s1)),
        against=int(considered[-1]),
        mean_wait_against=rows[-1]["mean_wait"] if rows[-1]["stable"] else np.inf,
        frontier=[{"limit": limit} | row for limit, row in zip(considered.tolist(), rows, strict=True)],
        seconds=time.perf_counter() - started,
    )


def _measured(seen: ClippingSimulation) -> dict[str, float]:
    shown = {"mean_wait": seen.mean_wait, "mean_wait_of_all": seen.mean_wait_of_all, "loss": seen.loss}
    row: dict[str, float] = {}
    for name, value in shown.items():
        if value is not None:
            row |= {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}
    return row
