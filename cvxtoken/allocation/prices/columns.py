"""Instances with the types along the first axis, cut into blocks that stay in the processor's cache.

With types first, what belongs to an instance (a rate, a price) broadcasts against what belongs to its
types, whether there is one instance or a thousand; and a formula on a block of 8192 numbers runs at the
speed of the cache, plain as it is written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cvxtoken.allocation import model
from cvxtoken.allocation.fields import RANDOM, REQUIRED, SCALARS
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.delay import Law, Server

ALWAYS = (*REQUIRED, "max_tokens")

# Numbers in each array of a block: some 25 arrays of 64 kB fit a second-level cache, and a sum of products
# is short of the 10,000 where OpenBLAS would start threads, which cost more than they save.
BLOCK = 8192
FAST_BLOCK = 65_536  # of many instances for compiled loops, which keep chunks of it in the cache


@dataclass(frozen=True)
class Columns:
    """The numbers of one workload, arrays of shape (N,), or of B of them, arrays of shape (N, B).

    Attributes:
        prior, accuracy_gain, saturation_rate, base_accuracy, overhead, time_per_token, max_tokens: as in
            `Workload`, shape (N, ...).
        deviation, deviation_per_token: the same; None where all service times are certain.
        arrival_rate: lambda, `Workload.rate`, shape (...).
        accuracy_weight: as in `Workload`, shape (...).
        idle_at_zero: y0, the idle share without thinking tokens, shape (...).
        server: the kind of server.
        law: the numbers of its delay law, each of shape (...).
        toll: what a token costs beside its time, over c: seconds of mean service, shape (N, ...).
    """

    prior: FloatArray
    accuracy_gain: FloatArray
    saturation_rate: FloatArray
    base_accuracy: FloatArray
    overhead: FloatArray
    time_per_token: FloatArray
    max_tokens: FloatArray
    arrival_rate: float | FloatArray
    accuracy_weight: float | FloatArray
    idle_at_zero: float | FloatArray
    server: Server
    law: Law
    deviation: FloatArray | None = None
    deviation_per_token: FloatArray | None = None
    toll: FloatArray | None = None

    @classmethod
    def of(cls, workload: Workload) -> Self:
        """A view of a workload."""
        w = workload
        return cls(
            **{
                field: getattr(w, field)
                for field in (*REQUIRED, "max_tokens", *(RANDOM if w.is_random else ()))
            },
            arrival_rate=w.rate,
            accuracy_weight=w.accuracy_weight,
            idle_at_zero=model.idle_at_zero(w),
            server=w.server,
            law=w.law,
        )

    @property
    def arrays(self) -> dict[str, Any]:
        """The numbers of the types that there are, by field."""
        fields = (*ALWAYS, *(() if self.deviation is None else RANDOM))
        fields = fields if self.toll is None else (*fields, "toll")
        return {field: getattr(self, field) for field in fields}

    @cached_property
    def marginal(self) -> tuple[FloatArray, FloatArray]:
        """square tau at no tokens and per token, shape (N, ...), tau being the marginal time of `model`."""
        tau, slope = self.overhead, self.time_per_token
        if self.deviation is not None and self.deviation_per_token is not None:
            ratio = self.deviation_per_token / self.time_per_token
            tau, slope = tau + ratio * self.deviation, slope + ratio * self.deviation_per_token
        return (tau, slope) if self.is_plain else (self.law.square * tau, self.law.square * slope)

    @property
    def is_flat(self) -> bool:
        """Whether square is 0, so that p alone decides what a type answers."""
        return np.ndim(self.law.square) == 0 and bool(self.law.square == 0)

    @property
    def is_plain(self) -> bool:
        """Whether square is 1, so that nothing need be multiplied by it."""
        return np.ndim(self.law.square) == 0 and bool(self.law.square == 1)

    @property
    def is_basic(self) -> bool:
        """Whether queries are served one at a time, in certain times and without tolls."""
        certain = self.deviation is None and self.toll is None
        return certain and self.is_plain and not self.server.runs_together

    def squares(self, t: FloatArray, tokens: FloatArray | float) -> FloatArray:
        """t^2 + s^2 at these tokens, shape (N, ...), in the place of their mean times t."""
        np.multiply(t, t, out=t)
        if self.deviation is not None and self.deviation_per_token is not None:
            t += (self.deviation + self.deviation_per_token * tokens) ** 2
        return t

    def squares_at_zero(self) -> FloatArray:
        """t0^2 + s0^2, shape (N, ...)."""
        return self.squares(self.overhead.copy(), 0.0)

    @cached_property
    def gain(self) -> FloatArray:
        """alpha A b / c, what a second of thinking gains at first, shape (N, ...)."""
        return np.asarray(
            self.accuracy_weight * self.accuracy_gain * self.saturation_rate / self.time_per_token
        )

    @staticmethod
    def log(x: float | FloatArray, out: FloatArray | None = None) -> FloatArray:
        """The natural logarithm, in place of `out` where that is given."""
        found: FloatArray = np.log(x, out=out)
        return found

    @staticmethod
    def exp(x: float | FloatArray) -> FloatArray:
        """The exponential."""
        found: FloatArray = np.exp(x)
        return found

    @staticmethod
    def add(values: FloatArray) -> FloatArray:
        """sum_k value_k over the types, shape (...)."""
        found: FloatArray = np.add.reduce(values)
        return found

    @staticmethod
    def total(weights: FloatArray, values: FloatArray) -> FloatArray:
        """sum_k weight_k value_k over the types, shape (...)."""
        found: FloatArray = (
            weights @ values if weights.ndim == 1 else np.einsum("k...,k...->...", weights, values)
        )
        return found

    def mean(self, values: FloatArray) -> FloatArray:
        """sum_k pi_k value_k, shape (...), of values of shape (N, ...)."""
        return self.total(self.prior, values)

    def log_level(self, half: float | FloatArray) -> FloatArray:
        """log(direct + half), accurate for a small half where direct is 1 or 0."""
        return np.asarray(np.log1p(half + (self.law.direct - 1)))

    def single(self) -> Self:
        """The same in single precision, for half the time and seven digits."""
        scalars = {f: getattr(self, f) for f in (*SCALARS, "idle_at_zero")}
        single: dict[str, Any] = {
            field: np.asarray(values, np.float32) for field, values in (self.arrays | scalars).items()
        }
        narrow = replace(self, **single, law=Law(*(np.asarray(x, np.float32) for x in self.law)))
        narrow.__dict__["gain"] = self.gain.astype(np.float32)
        return narrow

    def spread(self, axes: int) -> Self:
        """The same workload, its arrays of shape (N, 1, ..., 1) to broadcast over so many axes more."""
        if axes == 0:
            return self
        shape = (-1, *(1,) * axes)
        return replace(self, **{field: values.reshape(shape) for field, values in self.arrays.items()})

    def take(self, instances: NDArray[np.bool_]) -> Self:
        """Some of many instances, as copies."""
        arrays: dict[str, Any] = {field: values[:, instances] for field, values in self.arrays.items()}
        scalars: dict[str, Any] = {f: getattr(self, f)[instances] for f in (*SCALARS, "idle_at_zero")}
        law = Law(*(x[instances] if np.ndim(x) else x for x in self.law))
        return replace(self, **arrays, **scalars, law=law)

    def part(self, types: slice) -> Self:
        """Some of the types, as views."""
        return replace(self, **{field: values[types] for field, values in self.arrays.items()})

    @cached_property
    def parts(self) -> list[tuple[slice, Self]]:
        """The types of one workload in blocks, and where they stand."""
        if len(self.prior) <= BLOCK:
            return [(slice(None), self)]
        places = [slice(first, first + BLOCK) for first in range(0, len(self.prior), BLOCK)]
        return [(types, self.part(types)) for types in places]

    def sample(self, count: int) -> Self:
        """About so many of the types at equal distances, their priors scaled to the sum of all."""
        few = self.part(slice(None, None, len(self.prior) // count))
        arrays: dict[str, Any] = {f: np.ascontiguousarray(values) for f, values in few.arrays.items()}
        few = replace(few, **arrays)
        return replace(few, prior=few.prior * (self.prior.sum() / few.prior.sum()))
