"""The data of an allocation problem: task types, their accuracy and service curves, and the load.

Source of the model: Ozbas and Bastopcu, "Queueing-Aware Optimization of Reasoning Tokens for
Accuracy-Latency Trade-offs in LLM Servers", arXiv 2601.10274 (2026).
"""

from __future__ import annotations

import hashlib
import math
import reprlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from cvxtoken.allocation.fields import (
    OPTIONAL,
    RANDOM,
    REQUIRED,
    SCALARS,
    check_keys,
    check_probabilities,
    checked_names,
    checked_scalar,
    checked_vector,
)
from cvxtoken.arrays import FloatArray
from cvxtoken.delay import Fifo, Law, Server, read_server
from cvxtoken.errors import ProblemError
from cvxtoken.files import Document, nearest, read_document, write_document
from cvxtoken.rigorous import exact_dot

FIFO = Fifo()


@dataclass(frozen=True, eq=False, init=False)
class Workload:
    """Task types k = 1..N that share one server, and the price of accuracy against delay.

    A query is of type k with probability pi_k. With l thinking tokens it is answered correctly with
    probability p_k(l) = A_k (1 - exp(-b_k l)) + D_k and occupies the server for t0_k + c_k l seconds: in
    the mean, where a deviation says that times vary, with the standard deviation s0_k + s1_k l. Of their
    distribution nothing else matters to mean delays. Arrays are copied and read-only. Two workloads are equal
    where all names and numbers are.

    Attributes:
        names: one printable name per type, all different.
        prior: pi, shape (N,); positive, sums to 1 within 1e-9.
        accuracy_gain: A, shape (N,); positive, A + D <= 1 + 1e-9.
        saturation_rate: b, shape (N,), in 1/token; positive.
        base_accuracy: D, shape (N,); not negative.
        overhead: t0, shape (N,), in s; not negative.
        time_per_token: c, shape (N,), in s/token; positive.
        max_tokens: l_max, shape (N,), in tokens; not negative, 0 where a type may not think. A scalar stands
            for every type.
        deviation: s0, shape (N,), in s; not negative. A scalar stands for every type; 0 without it.
        deviation_per_token: s1, shape (N,), in s/token; as `deviation`.
        prompt_tokens: m, shape (N,), in tokens; what a query's prompt holds of the memory. As `deviation`.
        arrival_rate: in 1/s; positive. Over all replicas of the server: lambda is that of one (`rate`).
        accuracy_weight: alpha, in s per unit of accuracy; positive.
        server: the delay law, `Fifo()` (one query at a time) or `Sharing(...)` (continuous batching).
        source: where the numbers come from.

    Source: arXiv 2601.10274 for the model, where s0 = s1 = 0; the field names are this project's.

    >>> workload = Workload(names=["chat"], prior=[1], accuracy_gain=[0.5], saturation_rate=[1e-3],
    ...                     base_accuracy=[0.2], overhead=[0.1], time_per_token=[0.001],
    ...                     arrival_rate=0.5, accuracy_weight=30, max_tokens=4096)
    >>> workload.replace(arrival_rate=0.25).arrival_rate
    0.25
    """

    names: tuple[str, ...]
    prior: FloatArray
    accuracy_gain: FloatArray
    saturation_rate: FloatArray
    base_accuracy: FloatArray
    overhead: FloatArray
    time_per_token: FloatArray
    max_tokens: FloatArray
    deviation: FloatArray
    deviation_per_token: FloatArray
    prompt_tokens: FloatArray
    arrival_rate: float
    accuracy_weight: float
    server: Server
    source: str

    def __init__(
        self,
        *,
        names: Sequence[str],
        prior: ArrayLike,
        accuracy_gain: ArrayLike,
        saturation_rate: ArrayLike,
        base_accuracy: ArrayLike,
        overhead: ArrayLike,
        time_per_token: ArrayLike,
        arrival_rate: float,
        accuracy_weight: float,
        max_tokens: ArrayLike,
        deviation: ArrayLike = 0.0,
        deviation_per_token: ArrayLike = 0.0,
        prompt_tokens: ArrayLike = 0.0,
        server: Server | dict[str, Any] = FIFO,
        source: str = "",
    ) -> None:
        """Validate and freeze the data.

        Raises:
            ProblemError: a field breaks its rule; the message names the field, the value and the rule.
        """
        set_field = object.__setattr__  # the dataclass is frozen; this is its only door
        names = checked_names(names)
        curves = (prior, accuracy_gain, saturation_rate, base_accuracy, overhead, time_per_token)
        set_field(self, "names", names)
        for field, values in zip(REQUIRED, curves, strict=True):
            set_field(self, field, checked_vector(field, values, names))
        one_for_all = (max_tokens, deviation, deviation_per_token, prompt_tokens)
        for field, values in zip(("max_tokens", *OPTIONAL), one_for_all, strict=True):
            if np.ndim(values) == 0:
                values = np.full(len(names), checked_scalar(field, values))
            set_field(self, field, checked_vector(field, values, names))
        set_field(self, "arrival_rate", checked_scalar("arrival_rate", arrival_rate))
        set_field(self, "accuracy_weight", checked_scalar("accuracy_weight", accuracy_weight))
        set_field(self, "server", server if isinstance(server, Server) else read_server(server))
        if not self.rate:
            raise ProblemError(
                f"arrival_rate is {self.arrival_rate}; at one of {self.server.replicas} replicas "
                "it is too small for a double"
            )
        if not isinstance(source, str):
            raise ProblemError(f"source is {source!r}; it must be text")
        set_field(self, "source", source)
        check_probabilities(self.prior, self.accuracy_gain, self.base_accuracy, names)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a workload from a .toml or .json file.

        The scalars `arrival_rate`, `accuracy_weight` and `max_tokens` (and `source`, text, optional)
        stand at the top, each type in a table `[[task]]` with `name`, `prior`, `accuracy_gain`,
        `saturation_rate`, `base_accuracy`, `overhead` and `time_per_token`, and with `deviation` and
        `deviation_per_token` where they are not 0, and `prompt_tokens`; `max_tokens` may stand in every table
        instead. A table `[server]` has the `kind` of server, 'fifo' or 'sharing', and its parameters.

        Raises:
            ProblemError: the file is not what its ending says, a key is unknown or missing, or a value
                breaks its rule.
        """
        return cls.from_document(read_document(path), str(path))

    @classmethod
    def from_document(cls, document: Document, origin: str) -> Self:
        """The workload in a parsed file; `origin` names the file in errors (ProblemError)."""
        check_keys(document, [*SCALARS, "task"], ["max_tokens", "server", "source"], origin)
        tasks = document["task"]
        if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
            raise ProblemError(f"{origin}: task is {reprlib.repr(tasks)}; it must be a list of tables")
        if not tasks:
            raise ProblemError(f"{origin}: task is empty; at least one type is needed")
        own_limit = [] if "max_tokens" in document else ["max_tokens"]
        for number, task in enumerate(tasks, 1):
            check_keys(task, ["name", *REQUIRED, *own_limit], [*OPTIONAL], f"{origin}: task {number}")
        columns: dict[str, Any] = {
            field: [task[field] for task in tasks] for field in (*REQUIRED, *own_limit)
        }
        columns |= {field: [task.get(field, 0.0) for task in tasks] for field in OPTIONAL}
        scalars = {key: value for key, value in document.items() if key != "task"}
        try:
            return cls(names=[task["name"] for task in tasks], **columns, **scalars)
        except ProblemError as error:
            raise ProblemError(f"{origin}: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write the workload to a .toml or .json file that `load` reads back to the last bit.

        Raises:
            ProblemError: the ending is neither, or the file cannot be written.
        """
        write_document(path, self.to_document())

    def to_document(self) -> Document:
        """The mapping that `save` writes; see `load` for its form."""
        document: Document = {"source": self.source} if self.source else {}
        document |= {field: getattr(self, field) for field in SCALARS}
        fields = [*REQUIRED, *(field for field in OPTIONAL if getattr(self, field).any())]
        columns = {"name": self.names} | {field: getattr(self, field).tolist() for field in fields}
        if (self.max_tokens == self.max_tokens[0]).all():
            document["max_tokens"] = float(self.max_tokens[0])
        else:
            columns["max_tokens"] = self.max_tokens.tolist()
        if self.server != FIFO:
            document["server"] = self.server.to_document()
        rows = zip(*columns.values(), strict=True)
        document["task"] = [dict(zip(columns, row, strict=True)) for row in rows]
        return document

    def to_instance(self) -> dict[str, Any]:
        """The names and exact numbers, column by column, as certificates hold them."""
        arrays = {field: getattr(self, field).tolist() for field in self.type_fields}
        server = {"kind": self.server.kind, **self.server.parameters}
        scalars = {field: getattr(self, field) for field in SCALARS}
        instance = {"names": list(self.names), **arrays, **scalars}
        return instance | ({"server": server} if self.is_served else {})

    @property
    def type_fields(self) -> tuple[str, ...]:
        """The fields of the types that say something, in the order they are hashed."""
        if self.is_served:
            return (*REQUIRED, "max_tokens", *OPTIONAL)
        return (*REQUIRED, "max_tokens", *(RANDOM if self.is_random else ()))

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, validated anew (ProblemError)."""
        unknown = [field for field in changes if field not in self.__dataclass_fields__]
        if unknown:
            hint = nearest(unknown[0], self.__dataclass_fields__)
            raise ProblemError(f"{unknown[0]} is not a field of a workload{hint}")
        # zeros fit any number of types, of which there may now be others
        zeros: dict[str, Any] = {field: 0.0 for field in OPTIONAL if not getattr(self, field).any()}
        return replace(self, **(zeros | changes))

    @cached_property
    def is_random(self) -> bool:
        """Whether a service time varies although its tokens are given."""
        return bool(self.deviation.any() or self.deviation_per_token.any())

    @cached_property
    def is_served(self) -> bool:
        """Whether the server is another than one replica of `Fifo`, or prompts are said to hold memory."""
        return self.server != FIFO or bool(self.prompt_tokens.any())

    @property
    def rate(self) -> float:
        """lambda, the arrival rate at one replica, in 1/s: the double nearest to arrival_rate / replicas."""
        return self.arrival_rate / self.server.replicas

    @cached_property
    def mean_overhead(self) -> Fraction:
        """T0 = sum_k pi_k t0_k, in s, without rounding."""
        return exact_dot(self.prior, self.overhead)

    @cached_property
    def idle_at_zero(self) -> Fraction:
        """y0 = 1 - lambda sigma0 T0, the idle share with no thinking tokens, without rounding."""
        return 1 - Fraction(self.rate) * Fraction(self.server.overhead_share) * self.mean_overhead

    @cached_property
    def rough_overhead(self) -> float:
        """T0 summed in floats, in s: for many types an exact sum takes longer than a solution."""
        places = range(0, len(self), 8192)  # products of more numbers start threads in OpenBLAS
        return math.fsum(float(self.prior[k : k + 8192] @ self.overhead[k : k + 8192]) for k in places)

    @cached_property
    def law(self) -> Law:
        """The numbers of the delay law as doubles; some allocation must be stable."""
        return self.server.law(self.rate, self.rough_overhead, float)

    @cached_property
    def exact_law(self) -> Law:
        """The same without rounding."""
        return self.server.law(Fraction(self.rate), self.mean_overhead, Fraction)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the exact data, in hexadecimal; `Certificate` defines the bytes that are hashed."""
        version = f"cvxtoken-workload/{3 if self.is_served else 2 if self.is_random else 1}"
        kind = [self.server.kind] if self.is_served else []
        header = "\n".join([version, str(len(self.names)), *self.names, *kind, ""])
        digest = hashlib.sha256(header.encode())
        for field in self.type_fields:
            digest.update(getattr(self, field).astype(">f8").tobytes())
        scalars = [self.arrival_rate, self.accuracy_weight]
        scalars += self.server.parameters.values() if self.is_served else []
        digest.update(struct.pack(f">{len(scalars)}d", *scalars))
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self.names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Workload) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)
