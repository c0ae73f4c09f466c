"""Random workloads whose server batches, and their optimum by the root of one equation in one price.

With E[T] = E[S] / y the derivative of E[T] in a token of type k is pi_k c_k kappa, kappa = (1 + lambda T0
(sigma - sigma0)) / y^2, so that every type answers alpha A b e^(-b (l - l0)) = kappa c and kappa is a root of
an equation that rises. Nothing of the package's six numbers, prices or polish is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import cvxtoken
from cvxtoken.delay import Sharing
from tests.support import truth
from tests.support.instances import realistic
from tests.support.truth import columns, exact, mp, mpf

EXTREMES = [
    Sharing(0.0),
    Sharing(0.0, 0.0),
    Sharing(1.0),
    Sharing(1.0, 0.0, 3),
    Sharing(0.01, 0.0),
    Sharing(0.02, 0.02, 4),
]


def served(seed: int, size: int, load: float | None = None) -> cvxtoken.Workload:
    """A realistic workload on a server that batches; the utilisation without tokens is the load, if any."""
    rng = np.random.default_rng([seed, size, 40])
    sigma = float(10 ** rng.uniform(-2.3, 0))
    server = Sharing(sigma, float(rng.choice([1.0, sigma, rng.uniform()])), int(rng.choice([1, 1, 7])))
    return on(realistic(seed, size), server, rng.uniform(0.05, 0.95) if load is None else load)


def on(w: cvxtoken.Workload, server: Sharing, load: float) -> cvxtoken.Workload:
    """The workload on that server, at that utilisation without tokens, or with tokens where it is then 0."""
    work = server.overhead * float(w.prior @ w.overhead)
    work = work or server.sigma * float(w.prior @ (w.time_per_token * w.max_tokens)) or 1.0
    return w.replace(server=server, arrival_rate=load * server.replicas / work)


def thinking(w: cvxtoken.Workload) -> cvxtoken.Workload:
    """With a weight that makes some type think if none does."""
    sigma, T0 = w.server.sigma, float(w.mean_overhead)  # type: ignore[attr-defined]
    price = (1 + w.rate * T0 * (sigma - w.server.overhead_share)) / float(w.idle_at_zero) ** 2
    least = price * float((w.time_per_token / (w.accuracy_gain * w.saturation_rate)).min())
    return w.replace(accuracy_weight=max(w.accuracy_weight, 3 * least))


def some() -> list[cvxtoken.Workload]:
    """Of all kinds: random ones, the ends of both shares, and loads next to 1."""
    found = [served(seed, 1 + seed % 4) for seed in range(10)]
    found += [on(realistic(seed, 3), server, 0.6) for seed, server in enumerate(EXTREMES)]
    found += [served(seed, 3, 1 - 10.0**-power) for seed, power in ((20, 3), (21, 6), (22, 6))]
    found = [thinking(w) for w in found]
    rich = served(31, 3).replace(accuracy_weight=1e7, max_tokens=[50.0, 0.0, 400.0])
    return [*found, rich, served(32, 3).replace(accuracy_weight=1e-4)]


def optimum(w: cvxtoken.Workload, lag: Sequence[float] | None = None) -> tuple[list[Any], Any]:
    """l* and J* (mpf), where every type thinks at least its lag and gains by what is above it."""
    pi, A, b, D, t0, c, _, _ = columns(w)
    base = [mpf(0)] * len(w) if lag is None else [exact(x) for x in lag]
    top = [exact(x) for x in w.max_tokens.tolist()]
    lam, alpha = exact(w.rate), exact(w.accuracy_weight)
    sigma, sigma0 = exact(w.server.sigma), exact(w.server.overhead)  # type: ignore[attr-defined]
    types = range(len(w))
    T0 = mp.fsum(pi[k] * t0[k] for k in types)
    worth = [mp.log(alpha * A[k] * b[k] / c[k]) for k in types]

    def answers(log: Any) -> list[Any]:
        return [base[k] + min(max((worth[k] - log) / b[k], 0), top[k] - base[k]) for k in types]

    def price(l: list[Any]) -> Any:
        y = 1 - lam * (sigma0 * T0 + sigma * mp.fsum(pi[k] * c[k] * l[k] for k in types))
        return mp.log((1 + lam * T0 * (sigma - sigma0)) / y**2) if y > 0 else mp.inf

    low, high = min(worth) - max(b[k] * top[k] for k in types) - 1, max(worth) + 1
    for _ in range(330):  # halvings: to 90 digits
        middle = (low + high) / 2
        low, high = (middle, high) if price(answers(middle)) > middle else (low, middle)
    l = answers(high)
    accuracy = mp.fsum(pi[k] * (A[k] * (1 - mp.exp(-b[k] * (x - base[k]))) + D[k]) for k, x in enumerate(l))
    return l, alpha * accuracy - truth.law(w, l)[0]
