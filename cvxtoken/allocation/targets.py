"""What operators ask for: limits on delay, load and tokens, least accuracies; validated once.

All are convex. The upper ones rise with every type's tokens, the accuracies too, so that where the least
tokens that the accuracies ask for break an upper target, no allocation meets them all, and where they break
none, they meet all (linear targets aside, which may ask for anything).
"""

from __future__ import annotations

import hashlib
import math
import reprlib
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from cvxtoken.allocation.fields import checked_scalar
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.files import Document, nearest

LIMITS = {
    "max_mean_system_time": "s",
    "max_mean_wait": "s",
    "max_utilization": "1",
    "max_mean_tokens": "token",
}  # the upper targets on load and tokens, and their units
MEMORY = "max_mean_kv_tokens"
UPPER = LIMITS | {MEMORY: "token"}
_LOADS = ("max_mean_system_time", "max_mean_wait", "max_utilization")
OBJECTIVES = ("trade-off", "accuracy")


@dataclass(frozen=True)
class Targets:
    """An objective and what an allocation must meet; what is None or empty asks for nothing.

    Attributes:
        objective: 'trade-off', J = alpha sum pi p - E[T] in s, or 'accuracy', J = sum pi p, where neither
            E[T] nor the accuracy weight counts.
        max_mean_system_time: E[T] <= this, in s.
        max_mean_wait: E[W] <= this, in s.
        max_utilization: rho <= this; below 1.
        max_mean_tokens: sum pi l <= this, in tokens.
        max_mean_kv_tokens: E[KV] <= this, in tokens of KV memory, see `allocation.memory`.
        min_accuracy: p_k(l_k) >= this, from 0 to 1, by the type's name.
        linear: rows of N numbers a_k and a limit: sum a_k l_k <= limit.

    Raises:
        ProblemError: a value breaks its rule; the message names the field, the value and the rule.
    """

    objective: str = "trade-off"
    max_mean_system_time: float | None = None
    max_mean_wait: float | None = None
    max_utilization: float | None = None
    max_mean_tokens: float | None = None
    max_mean_kv_tokens: float | None = None
    min_accuracy: Mapping[str, float] = field(default_factory=dict)
    linear: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        set_field = object.__setattr__  # the dataclass is frozen; this is its only door
        if self.objective not in OBJECTIVES:
            hint = nearest(str(self.objective), OBJECTIVES)
            raise ProblemError(
                f"objective is {self.objective!r}; it must be one of {', '.join(OBJECTIVES)}{hint}"
            )
        for name in UPPER:
            if getattr(self, name) is not None:
                set_field(self, name, checked_scalar(name, getattr(self, name)))
        if self.max_utilization is not None and self.max_utilization >= 1:
            raise ProblemError(f"max_utilization is {self.max_utilization}; it must be below 1")
        set_field(self, "min_accuracy", _checked_accuracies(self.min_accuracy))
        set_field(self, "linear", tuple(_checked_row(row) for row in self.linear))

    def check(self, workload: Workload) -> None:
        """Raise ProblemError where a name is not one of the workload's, or a row has not N numbers."""
        for name in self.min_accuracy:
            if name not in workload.names:
                hint = nearest(name, workload.names)
                raise ProblemError(f"min_accuracy: {name!r} is not a type of the workload{hint}")
        for row in self.linear:
            if len(row) != len(workload) + 1:
                raise ProblemError(
                    f"linear: a row has {len(row)} numbers; it must have one a type and a limit "
                    f"({len(workload) + 1})"
                )

    @property
    def is_trivial(self) -> bool:
        """Whether this is the plain trade-off without any target."""
        return self == Targets()

    @property
    def limits(self) -> dict[str, float]:
        """The upper targets that there are."""
        return {name: getattr(self, name) for name in UPPER if getattr(self, name) is not None}

    @property
    def keeps_idle(self) -> bool:
        """Whether E[T], E[W] or rho counts, in J or in a target, so that the best y is not 0."""
        return self.delay_weight > 0 or any(name in self.limits for name in _LOADS)

    @property
    def delay_weight(self) -> int:
        """W, the weight of E[T] in the objective: 1, or 0 where the objective is accuracy."""
        return int(self.objective == "trade-off")

    @property
    def unit(self) -> str:
        """Of the objective: 's', or 'accuracy'."""
        return "s" if self.objective == "trade-off" else "accuracy"

    def accuracy_weight(self, workload: Workload) -> float:
        """The weight of the mean accuracy in the objective: alpha, or 1 where that is accuracy itself."""
        return workload.accuracy_weight if self.objective == "trade-off" else 1.0

    def floors(self, workload: Workload) -> FloatArray:
        """The least accuracy q of every type, 0 where none is asked for, shape (N,)."""
        return np.array([self.min_accuracy.get(name, 0.0) for name in workload.names])

    def sha256(self, workload: Workload) -> str:
        """SHA-256 of the exact data of both, in hexadecimal; `Certificate` defines the bytes."""
        names, version = (UPPER, 2) if MEMORY in self.limits else (LIMITS, 1)
        header = [f"cvxtoken-targets/{version}", workload.sha256, self.objective, str(len(self.linear)), ""]
        limits = [self.limits.get(name, math.inf) for name in names]
        doubles = [*limits, *self.floors(workload).tolist(), *(x for row in self.linear for x in row)]
        data = "\n".join(header).encode() + struct.pack(f">{len(doubles)}d", *doubles)
        return hashlib.sha256(data).hexdigest()

    def to_document(self) -> Document:
        """The mapping that certificates hold: the objective and the targets there are."""
        document: Document = {"objective": self.objective, **self.limits}
        if self.min_accuracy:
            document["min_accuracy"] = dict(self.min_accuracy)
        if self.linear:
            document["linear"] = [list(row) for row in self.linear]
        return document


@dataclass(frozen=True)
class Multipliers:
    """What the targets cost: a number not negative for each, any of which makes a valid bound.

    For every change d of a target's limit, J* changes by at most multiplier * d (less, for a least
    accuracy) plus the proven gap: they are the shadow prices.

    Attributes:
        limits: mu, nu, eta, xi and phi in the unit of J per unit of the target, by its name. phi is that of
            the row of `allocation.memory`.
        min_accuracy: zeta, by the type's name.
        linear: chi, one a row.
    """

    limits: Mapping[str, Decimal] = field(default_factory=dict)
    min_accuracy: Mapping[str, Decimal] = field(default_factory=dict)
    linear: tuple[Decimal, ...] = ()

    def check(self, targets: Targets) -> None:
        """Raise ProblemError where one is negative or not finite, or has no target."""
        pairs = [*self.limits.items(), *self.min_accuracy.items(), *(("linear", chi) for chi in self.linear)]
        for name, value in pairs:
            if not (value.is_finite() and value >= 0):
                raise ProblemError(f"the multiplier of {name} is {value}; it must be finite and not negative")
        good = set(self.limits) <= set(targets.limits) and set(self.min_accuracy) <= set(targets.min_accuracy)
        if not good or len(self.linear) not in (0, len(targets.linear)):
            raise ProblemError("there is a multiplier without a target")

    def of(self, name: str) -> Decimal:
        """That of an upper target, 0 where there is none."""
        return self.limits.get(name, Decimal(0))

    def rounded(self) -> Multipliers:
        """The doubles nearest to all of them."""
        return Multipliers(
            {name: Decimal(float(x)) for name, x in self.limits.items()},
            {name: Decimal(float(x)) for name, x in self.min_accuracy.items()},
            tuple(Decimal(float(x)) for x in self.linear),
        )

    def to_document(self, targets: Targets) -> Document:
        """Decimal strings under the same keys as the targets."""
        document: Document = {name: str(self.of(name)) for name in targets.limits}
        if targets.min_accuracy:
            prices = {name: self.min_accuracy.get(name, Decimal(0)) for name in targets.min_accuracy}
            document["min_accuracy"] = {name: str(price) for name, price in prices.items()}
        if targets.linear:
            document["linear"] = [str(x) for x in self.linear or (0,) * len(targets.linear)]
        return document

    @classmethod
    def from_document(cls, document: Document) -> Multipliers:
        """What `to_document` wrote."""
        return cls(
            {name: Decimal(document[name]) for name in UPPER if name in document},
            {name: Decimal(price) for name, price in document.get("min_accuracy", {}).items()},
            tuple(map(Decimal, document.get("linear", ()))),
        )


def _checked_accuracies(values: Any) -> dict[str, float]:
    if not isinstance(values, Mapping):
        raise ProblemError(
            f"min_accuracy is {reprlib.repr(values)}; it must be a mapping of names to numbers"
        )
    checked = {}
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            raise ProblemError(f"min_accuracy of {name!r} is {reprlib.repr(value)}; it must be a number")
        if not 0 <= value <= 1:  # also for NaN
            raise ProblemError(f"min_accuracy of {name!r} is {value}; it must be from 0 to 1")
        checked[name] = float(value) + 0.0
    return checked


def _checked_row(row: Iterable[float]) -> tuple[float, ...]:
    numbers = tuple(float(x) + 0.0 for x in row)
    if not all(map(math.isfinite, numbers)):
        raise ProblemError(f"linear holds {reprlib.repr(numbers)}; all its numbers must be finite")
    return numbers
