"""Shadow prices: what one more unit of a target buys (derived here).

Let a certificate have the multiplier m for a target with a given limit. Its bound is valid at any limit, so
it proves J*(limit + change) <= upper + m change for every change of the limit: one more unit buys at most m.
Where J* has a derivative in the limit, that is m. At a kink, where other targets begin or cease to bind, one
more unit may buy less.

In accuracy: where the objective is the accuracy, one more unit buys m itself. Otherwise the objective is
J = alpha p - E[T], p being the mean accuracy. Where E[T] is held at the limit of its own target,
alpha p = J + limit. One more second of that limit then buys (1 + m) / alpha of mean accuracy, and one more
unit of any other limit m / alpha. Where E[T] is free it changes too, and m / alpha is what the unit is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.targets import MEMORY, UPPER, Multipliers, Targets


@dataclass(frozen=True)
class ShadowPrice:
    """The price of one target.

    Attributes:
        target: 'max_mean_system_time' and so on, 'min_accuracy' or 'linear'.
        name: the type's name of a least accuracy, the number of a linear target, else empty.
        limit: what was asked for.
        value: at the optimum.
        unit: of both: 's', 'token', '1' (a share), 'accuracy', or '' (a linear target's own).
        objective: dJ*/dlimit, in the unit of J per unit; not positive for a least accuracy.
        objective_unit: 's' or 'accuracy'.
        accuracy: mean accuracy that one more unit of the limit buys or is worth (see the module's docstring).
    """

    target: str
    name: str
    limit: float
    value: float
    unit: str
    objective: float
    objective_unit: str
    accuracy: float

    @property
    def active(self) -> bool:
        """Whether the target costs anything."""
        return self.objective != 0

    def __str__(self) -> str:
        of = f" of {self.name!r}" if self.target == "min_accuracy" else f" {self.name}" if self.name else ""
        sign = ">=" if self.target == "min_accuracy" else "<="
        unit = "" if self.unit in ("1", "", "accuracy") else f" {self.unit}"
        head = f"{self.target}{of} {sign} {self.limit:g}{unit}"
        if not self.active:
            return f"{head}: {self.value:.6g}{unit}, not active"
        per = {"s": "second", "token": "token", "1": "0.01", "accuracy": "0.01", "": "unit"}[self.unit]
        step = 0.01 if per == "0.01" else 1.0
        amount = f"{abs(self.accuracy) * step:.3g} accuracy"
        if self.accuracy < 0:
            return f"{head}: active; one more {per} costs at least {amount}"
        bought = self.objective_unit == "accuracy" or self.target == "max_mean_system_time"
        return f"{head}: active; one more {per} {'buys' if bought else 'is worth'} at most {amount}"


def shadow_prices(
    w: Workload, targets: Targets, multipliers: Multipliers, tokens: Sequence[Decimal]
) -> tuple[ShadowPrice, ...]:
    """The shadow prices of all targets, in the order of `Targets`, from a certificate's numbers."""
    l = np.array([float(x) for x in tokens])
    alpha = targets.accuracy_weight(w)
    wait, time = float(model.mean_wait(w, l)), float(model.mean_system_time(w, l))
    memory = float(model.mean_kv_tokens(w, l))
    values = (time, wait, float(model.utilization(w, l)), float(w.prior @ l), memory)
    # one more token of memory makes room of y in its row
    per_limit = {MEMORY: float(model.idle(w, l)) if w.server.runs_together else 1.0}
    prices = []
    for (name, unit), value in zip(UPPER.items(), values, strict=True):
        if name in targets.limits:
            price = float(multipliers.of(name)) * per_limit.get(name, 1.0)
            bought = price + (targets.delay_weight if name == "max_mean_system_time" and price else 0)
            limit = targets.limits[name]
            prices.append(ShadowPrice(name, "", limit, value, unit, price, targets.unit, bought / alpha))
    accuracy = dict(zip(w.names, model.accuracy(w, l).tolist(), strict=True))
    for name, q in targets.min_accuracy.items():
        price = -float(multipliers.min_accuracy.get(name, 0)) + 0.0
        unit, bought = "accuracy", price / alpha
        prices.append(ShadowPrice("min_accuracy", name, q, accuracy[name], unit, price, targets.unit, bought))
    for number, (*a, limit) in enumerate(targets.linear):
        price = float(multipliers.linear[number]) if multipliers.linear else 0.0
        value = float(np.array(a) @ l)
        prices.append(
            ShadowPrice("linear", str(number), limit, value, "", price, targets.unit, price / alpha)
        )
    return tuple(prices)
