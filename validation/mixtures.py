"""Random problems of limits on a server that shares, and their exhaustive search over all pairs of limits."""

from __future__ import annotations

import numpy as np

from cvxtoken import Sharing
from cvxtoken.arrays import FloatArray
from cvxtoken.clipping import model
from cvxtoken.clipping.problem import ClippingProblem
from cvxtoken.lengths import LengthDistribution


def shared(seed: int) -> ClippingProblem:
    """A random problem of up to 40 limits whose least limit is stable, on a server that shares."""
    rng = np.random.default_rng([23, seed])
    lengths = LengthDistribution(rng.dirichlet(np.full(rng.integers(3, 40), 0.5)))
    c, t0 = rng.uniform(0.01, 1), rng.choice([0.0, rng.uniform(0.0, 2.0)])
    sigma = float(rng.choice([0.0, 0.01, 1.0, rng.uniform()]))
    server = Sharing(sigma, float(rng.choice([1.0, sigma, rng.uniform()])), int(rng.integers(1, 4)))
    least, most = (server.overhead * t0 + max(sigma, 0.01) * c * n for n in (1, len(lengths)))
    return ClippingProblem(
        lengths=lengths,
        time_per_token=c,
        overhead=t0,
        arrival_rate=server.replicas
        * min(rng.uniform(0.1, 0.95) * rng.choice([1.0, 1.6]) / most, 0.95 / least),
        utility=str(rng.choice(["share_whole", "share_tokens"])),
        utility_weight=rng.uniform(0.1, 0.99),
        server=server,
    )


def best_of_pairs(problem: ClippingProblem) -> tuple[float, float]:
    """The best objective of all limits, and of all mixtures of two, each pair's weight by ternary search."""
    found = model.moments(problem)

    def objective(s1: FloatArray, u: FloatArray) -> FloatArray:
        return model.objective(problem, model.Moments(s1, np.zeros_like(s1), u))

    i, j = np.triu_indices(len(found.u))  # limits rise: where the second is stable the first is
    low, high = np.zeros(len(i)), np.ones(len(i))

    def mixed(w: FloatArray) -> FloatArray:
        return objective(
            found.s1[i] + w * (found.s1[j] - found.s1[i]), found.u[i] + w * (found.u[j] - found.u[i])
        )

    for _ in range(120):  # the objective is concave along each line, and minus infinity beyond a weight
        one, two = low + (high - low) / 3, high - (high - low) / 3
        falls = mixed(one) >= mixed(two)
        low, high = np.where(falls, low, one), np.where(falls, two, high)
    return float(objective(found.s1, found.u).max()), float(
        np.max([mixed(low), mixed(high), mixed(np.ones_like(low))])
    )
