"""Optima under targets where the price equations fix no prices, as every type is at a bound (derived here).

A target may leave no room at all, so that the least tokens are the only allocation. Or targets happen to hold
with equality just where more types than usual are at their bounds. Prices may then lie in a whole interval.
Any point of it proves the optimum, except for what rounding makes of the coincidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal, localcontext
from fractions import Fraction

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.memory import memory_row
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.targeted.feasible import Feasible, upper_values
from cvxtoken.allocation.targeted.interior import InteriorPoint
from cvxtoken.allocation.targets import LIMITS, MEMORY, Multipliers, Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import UnstableError
from cvxtoken.precision import FALLBACK

_SHARES = [Decimal(0), *(m * Decimal(10) ** n for n in range(-40, 0) for m in (1, 2, 4))]
_TIME, _WAIT, _LOAD, _TOKENS = LIMITS


def no_room(problem: Feasible) -> Multipliers:
    """Multipliers that prove the least tokens optimal where a target leaves no room above them.

    The multiplier mu of that target is so high that no type would think more: mu >= (dJ/dl_k) / (dg/dl_k) for
    every type k, g being the value that the target limits.
    """
    w, targets, l = problem.workload, problem.targets, problem.floor
    name = next(name for name, value in problem.used_up.items() if not value)
    h, c, load = model.delay_price(w, l), w.time_per_token, w.rate * w.law.token_share
    gain = targets.accuracy_weight(w) * w.accuracy_gain * w.saturation_rate * np.exp(-w.saturation_rate * l)
    slopes = {_TIME: c * h, _WAIT: c * (h - 1), _LOAD: c * load, _TOKENS: np.ones(len(w))}
    slopes[MEMORY] = _memory_slope(w, targets, l)
    highest = float(((gain - targets.delay_weight * c * h) / slopes[name]).max())
    prices = {name: max(0.0, highest) * (1 + 1e-9)}
    return _multipliers(w, targets, l, prices)


def pulled_inside(
    problem: Feasible, point: InteriorPoint, active: tuple[str, ...], near: float
) -> tuple[list[Decimal], Multipliers]:
    """The interior point, moved towards the least tokens as little as needed to meet the targets.

    A type within `near` of a bound, as a share of its range, is put at that bound first.
    """
    w, targets, least, floor = problem.workload, problem.targets, problem.least, problem.floor
    width = near * (w.max_tokens - floor)
    columns = (point.tokens.tolist(), floor.tolist(), w.max_tokens.tolist(), width.tolist())
    chosen = [
        low if x - start <= gap else Decimal(top) if top - x <= gap else Decimal(x)
        for low, x, start, top, gap in zip(least, *columns, strict=True)
    ]
    prices = {name: point.multipliers[name] for name in active}
    multipliers = _multipliers(w, targets, np.array([float(x) for x in chosen]), prices)
    with localcontext(Context(FALLBACK)):
        for share in _SHARES:
            tokens = [low + (1 - share) * (l - low) for low, l in zip(least, chosen, strict=True)]
            if _meets(w, targets, tokens):
                break
    return tokens, multipliers


def _meets(workload: Workload, targets: Targets, tokens: list[Decimal]) -> bool:
    """Whether the upper targets are met, exactly."""
    try:
        values = upper_values(workload, tokens)
    except UnstableError:
        return False
    return all(values[name] <= Fraction(limit) for name, limit in targets.limits.items())


def _multipliers(
    workload: Workload, targets: Targets, l: FloatArray, prices: Mapping[str, float]
) -> Multipliers:
    """The multipliers of all targets, from those of the upper ones.

    Those of the least accuracies follow from (alpha + zeta / pi) A b e^(-b l) = slope.
    """
    w = workload
    mu, nu, eta, xi = (prices.get(name, 0.0) for name in LIMITS)
    e, h = targets.delay_weight + mu + nu, model.delay_price(w, l)
    slope = w.time_per_token * (e * h - nu + eta * w.rate * w.law.token_share) + xi
    slope = slope + prices.get(MEMORY, 0.0) * _memory_slope(w, targets, l)
    worth = slope * np.exp(w.saturation_rate * l) / (w.accuracy_gain * w.saturation_rate)
    zeta = np.maximum(w.prior * (worth - targets.accuracy_weight(w)), 0.0)
    found = dict(zip(w.names, zeta.tolist(), strict=True))
    return Multipliers(
        {name: Decimal(x) for name, x in prices.items()},
        {name: Decimal(found[name]) for name in targets.min_accuracy},
    )


def _memory_slope(w: Workload, targets: Targets, l: FloatArray) -> FloatArray:
    """The derivative of the row of `allocation.memory` over pi, shape (N,); 0 without that target."""
    if MEMORY not in targets.limits:
        return np.zeros(len(w))
    row = memory_row(w, targets.limits[MEMORY], float)
    return np.asarray((np.array(row.a) + np.array(row.q) * l) / w.prior)
