"""Random targets, and the optimum under targets judged in 90 digits by the conditions of optimality.

What the package finds is not taken on trust: from the gradient of the Lagrangian, written down from its
definition, convexity bounds J* from above; and the point itself bounds it from below.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

import cvxtoken
from cvxtoken.allocation import model
from cvxtoken.allocation.targeted.feasible import least_tokens, upper_values
from cvxtoken.allocation.targeted.optimum import certify_targets
from cvxtoken.allocation.targets import LIMITS, Targets
from tests.support import truth
from tests.support.truth import columns, exact, mp, mpf


def random_targets(
    w: cvxtoken.Workload, rng: np.random.Generator, objective: str, limits: list[str], accuracies: bool
) -> Targets:
    """Limits from just above the least possible to beyond the untargeted optimum, some far, some near."""
    best = truth.solved(w).tokens
    least = {}
    if accuracies:
        asked = rng.uniform(0, 1.3, len(w)) * (rng.random(len(w)) < 0.6) * best
        asked = np.minimum(asked, 0.999 * w.max_tokens)
        while float(model.idle(w, asked)) <= 0.05 * float(w.idle_at_zero):
            asked /= 2
        for k in np.flatnonzero(asked):
            l = asked[k]
            p = w.base_accuracy[k] - w.accuracy_gain[k] * np.expm1(-w.saturation_rate[k] * l)
            least[w.names[k]] = float(p)
    floors = least_tokens(w, Targets(min_accuracy=least))
    low = upper_values(w, floors)
    far = np.maximum(best, [float(l) for l in floors])
    while float(model.idle(w, far)) <= 0:  # the accuracies ask for more than the optimum has
        far = (far + [float(l) for l in floors]) / 2
    high = upper_values(w, [max(a, Decimal(b)) for a, b in zip(floors, far.tolist(), strict=True)])
    chosen = {}
    for name in limits:
        start, end = float(low[name]), float(high[name])
        share = rng.uniform(0.01, 1.2) if rng.random() < 0.5 else 10 ** rng.uniform(-6, 0)
        limit = start + max(end - start, 1e-3 * start) * share
        chosen[name] = (min(limit, (start + 1) / 2) or 0.5) if name == "max_utilization" else limit or 1.0
    return Targets(objective=objective, min_accuracy=least, **chosen)


def combination(rng: np.random.Generator, objective: str) -> list[str]:
    """Random upper targets, each with even odds; for accuracy alone, at least one that bounds the load."""
    names = [name for name in LIMITS if rng.random() < 0.5]
    if objective == "accuracy" and not set(names) - {"max_mean_tokens"}:
        names.append(str(rng.choice([name for name in LIMITS if name != "max_mean_tokens"])))
    return names


def values(w: cvxtoken.Workload, tokens: list[Any]) -> dict[str, Any]:
    """E[T], E[W], rho and mean tokens at tokens (mpf), from their definition."""
    pi, _, _, _, t0, c, _, _ = columns(w)
    system, y = truth.law(w, tokens)
    mean = mp.fsum(pi[k] * (t0[k] + c[k] * tokens[k]) for k in range(len(w)))
    thinking = mp.fsum(pi[k] * tokens[k] for k in range(len(w)))
    return dict(zip(LIMITS, (system, system - mean, 1 - y, thinking), strict=True))


def objective(w: cvxtoken.Workload, targets: Targets, tokens: list[Any]) -> Any:
    """J (mpf) of either objective."""
    if targets.objective == "trade-off":
        return truth.objective(w, tokens)
    pi, A, b, D, *_ = columns(w)
    return mp.fsum(pi[k] * (A[k] * (1 - mp.exp(-b[k] * tokens[k])) + D[k]) for k in range(len(w)))


def meets(w: cvxtoken.Workload, targets: Targets, tokens: list[Any]) -> bool:
    """Whether tokens (mpf) meet every target."""
    _, A, b, D, *_ = columns(w)
    found = values(w, tokens)
    q = targets.floors(w)
    return (
        all(found[name] <= exact(limit) for name, limit in targets.limits.items())
        and all(
            q[k] <= w.base_accuracy[k] or A[k] * (1 - mp.exp(-b[k] * tokens[k])) + D[k] >= exact(q[k])
            for k in range(len(w))
        )
        and all(
            mp.fsum(exact(a) * l for a, l in zip(row, tokens, strict=False)) <= exact(row[-1])
            for row in targets.linear
        )
    )


@dataclass(frozen=True)
class Truth:
    """The optimum: tokens, and J* from low to high."""

    tokens: list[Any]
    low: Any
    high: Any


def optimum(w: cvxtoken.Workload, targets: Targets) -> Truth:
    """The optimum, known by weak duality: J* <= J + sum multiplier slack + sum |gradient residual| l_max."""
    proof = certify_targets(w, targets)
    l = [exact(x) for x in proof.tokens]
    pi, A, b, _, _, c, _, _ = columns(w)
    sigma = w.server.sigma if w.server.kind == "sharing" else 1.0
    load, system_slopes = exact(w.rate) * exact(sigma), truth.system_slopes(w, l)
    mu, nu, eta, xi = (exact(proof.multipliers.of(name)) for name in LIMITS)
    alpha = exact(targets.accuracy_weight(w))
    found, excess = values(w, l), mpf(0)
    for name, limit in targets.limits.items():
        excess += exact(proof.multipliers.of(name)) * (exact(limit) - found[name])
    for k, name in enumerate(w.names):
        zeta = exact(proof.multipliers.min_accuracy.get(name, Decimal(0)))
        system_slope = pi[k] * system_slopes[k]
        slope = (pi[k] * alpha + zeta) * A[k] * b[k] * mp.exp(-b[k] * l[k])
        slope -= (targets.delay_weight + mu + nu) * system_slope
        slope += nu * pi[k] * c[k] - eta * load * pi[k] * c[k] - xi * pi[k]
        top = exact(w.max_tokens[k])
        excess += max(slope, mpf(0)) * (top - l[k]) + max(-slope, mpf(0)) * l[k]
        if zeta:
            p = A[k] * (1 - mp.exp(-b[k] * l[k])) + exact(w.base_accuracy[k])
            excess += zeta * (p - exact(targets.min_accuracy[name]))
    if not meets(w, targets, l):
        raise AssertionError("the point does not meet the targets")
    J = objective(w, targets, l)
    return Truth(l, J, J + excess)
