"""The data of an allocation problem: task types, their accuracy and service curves, and the load.

Source of the model: Ozbas and Bastopcu, "Queueing-Aware Optimization of Reasoning Tokens for
Accuracy-Latency Trade-offs in LLM Servers", arXiv 2601.10274 (2026).
"""

from __future__ import annotations

import hashlib
import reprlib
import struct
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.files import Document, nearest, read_document, write_document
from cvxtoken.rigorous import exact_dot

PER_TYPE = ("prior", "accuracy_gain", "saturation_rate", "base_accuracy", "overhead", "time_per_token")
SCALARS = ("arrival_rate", "accuracy_weight")
MAY_BE_ZERO = ("base_accuracy", "overhead")
TOLERANCE = 1e-9  # on sum(prior) = 1 and A + D <= 1, because published data are printed with few digits


@dataclass(frozen=True, eq=False, init=False)
class Workload:
    """Task types k = 1..N that share one server, and the price of accuracy against delay.

    A query is of type k with probability pi_k. With l thinking tokens it is answered correctly with
    probability p_k(l) = A_k (1 - exp(-b_k l)) + D_k and occupies the server for t0_k + c_k l seconds.
    Arrays are copied and read-only. Two workloads are equal where all names and numbers are.

    Attributes:
        names: one printable name per type, all different.
        prior: pi, shape (N,); positive, sums to 1 within 1e-9.
        accuracy_gain: A, shape (N,); positive, A + D <= 1 + 1e-9.
        saturation_rate: b, shape (N,), in 1/token; positive.
        base_accuracy: D, shape (N,); not negative.
        overhead: t0, shape (N,), in s; not negative.
        time_per_token: c, shape (N,), in s/token; positive.
        max_tokens: l_max, shape (N,), in tokens; positive. A scalar stands for every type.
        arrival_rate: lambda, in 1/s; positive.
        accuracy_weight: alpha, in s per unit of accuracy; positive.
        source: where the numbers come from.

    Source: arXiv 2601.10274 for the model; the field names are this project's.

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
    arrival_rate: float
    accuracy_weight: float
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
        source: str = "",
    ) -> None:
        """Validate and freeze the data.

        Raises:
            ProblemError: a field breaks its rule; the message names the field, the value and the rule.
        """
        set_field = object.__setattr__  # the dataclass is frozen; this is its only door
        names = _checked_names(names)
        per_type = dict(
            zip(
                PER_TYPE,
                (prior, accuracy_gain, saturation_rate, base_accuracy, overhead, time_per_token),
                strict=True,
            )
        )
        set_field(self, "names", names)
        for field, values in per_type.items():
            set_field(self, field, checked_vector(field, values, names))
        if np.ndim(max_tokens) == 0:
            max_tokens = np.full(len(names), checked_scalar("max_tokens", max_tokens))
        set_field(self, "max_tokens", checked_vector("max_tokens", max_tokens, names))
        set_field(self, "arrival_rate", checked_scalar("arrival_rate", arrival_rate))
        set_field(self, "accuracy_weight", checked_scalar("accuracy_weight", accuracy_weight))
        if not isinstance(source, str):
            raise ProblemError(f"source is {source!r}; it must be text")
        set_field(self, "source", source)
        _check_probabilities(self)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a workload from a .toml or .json file.

        The scalars `arrival_rate`, `accuracy_weight` and `max_tokens` (and `source`, text, optional)
        stand at the top, each type in a table `[[task]]` with `name`, `prior`, `accuracy_gain`,
        `saturation_rate`, `base_accuracy`, `overhead` and `time_per_token`; `max_tokens` may stand in
        every table instead.

        Raises:
            ProblemError: the file is not what its ending says, a key is unknown or missing, or a value
                breaks its rule.
        """
        return cls.from_document(read_document(path), str(path))

    @classmethod
    def from_document(cls, document: Document, origin: str) -> Self:
        """The workload in a parsed file; `origin` names the file in errors (ProblemError)."""
        _check_keys(document, [*SCALARS, "task"], ["max_tokens", "source"], origin)
        tasks = document["task"]
        if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
            raise ProblemError(f"{origin}: task is {reprlib.repr(tasks)}; it must be a list of tables")
        if not tasks:
            raise ProblemError(f"{origin}: task is empty; at least one type is needed")
        own_limit = [] if "max_tokens" in document else ["max_tokens"]
        for number, task in enumerate(tasks, 1):
            _check_keys(task, ["name", *PER_TYPE, *own_limit], [], f"{origin}: task {number}")
        columns: dict[str, Any] = {
            field: [task[field] for task in tasks] for field in (*PER_TYPE, *own_limit)
        }
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
        columns = {"name": self.names} | {field: getattr(self, field).tolist() for field in PER_TYPE}
        if (self.max_tokens == self.max_tokens[0]).all():
            document["max_tokens"] = float(self.max_tokens[0])
        else:
            columns["max_tokens"] = self.max_tokens.tolist()
        rows = zip(*columns.values(), strict=True)
        document["task"] = [dict(zip(columns, row, strict=True)) for row in rows]
        return document

    def to_instance(self) -> dict[str, Any]:
        """The names and exact numbers, column by column, as certificates hold them."""
        arrays = {field: getattr(self, field).tolist() for field in (*PER_TYPE, "max_tokens")}
        return {"names": list(self.names), **arrays, **{field: getattr(self, field) for field in SCALARS}}

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, validated anew (ProblemError)."""
        unknown = [field for field in changes if field not in self.__dataclass_fields__]
        if unknown:
            hint = nearest(unknown[0], self.__dataclass_fields__)
            raise ProblemError(f"{unknown[0]} is not a field of a workload{hint}")
        return replace(self, **changes)

    @cached_property
    def idle_at_zero(self) -> Fraction:
        """y0 = 1 - lambda sum_k pi_k t0_k, the idle share with no thinking tokens, without rounding."""
        return 1 - Fraction(self.arrival_rate) * exact_dot(self.prior, self.overhead)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the exact data, in hexadecimal; `Certificate` defines the bytes that are hashed."""
        header = "\n".join(["cvxtoken-workload/1", str(len(self.names)), *self.names, ""])
        digest = hashlib.sha256(header.encode("utf-8"))
        for field in (*PER_TYPE, "max_tokens"):
            digest.update(getattr(self, field).astype(">f8").tobytes())
        digest.update(struct.pack(">2d", self.arrival_rate, self.accuracy_weight))
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self.names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Workload) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)


def _checked_names(names: Sequence[str]) -> tuple[str, ...]:
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise ProblemError(f"names is {names!r}; it must be a sequence of names")
    names = tuple(names)
    if not names:
        raise ProblemError("names is empty; at least one type is needed")
    for name in names:
        if not isinstance(name, str) or not name or not name.isprintable():
            raise ProblemError(f"names holds {name!r}; a name must be printable text, not empty")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ProblemError(f"names holds {twice!r} twice; names must be different")
    return names


def checked_scalar(field: str, value: Any) -> float:
    """A finite and positive number (ProblemError, which names the field)."""
    if isinstance(value, np.ndarray | np.generic) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ProblemError(f"{field} is {reprlib.repr(value)}; it must be a number")
    if not 0 < value < float("inf"):  # also false for NaN
        raise ProblemError(f"{field} is {value}; it must be finite and positive")
    try:
        return float(value)
    except OverflowError as error:
        raise ProblemError(f"{field} is {reprlib.repr(value)}; it must be finite and positive") from error


def checked_vector(field: str, values: Any, names: tuple[str, ...]) -> FloatArray:
    """A read-only copy of one number a name, by the field's rule (ProblemError, which names the field)."""
    if not isinstance(values, np.ndarray):
        if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
            raise ProblemError(f"{field} is {reprlib.repr(values)}; it must be a list of numbers")
        values = list(values)
        for name, value in zip(names, values, strict=False):
            if isinstance(value, bool) or not isinstance(value, int | float | np.number):
                raise ProblemError(f"{field} of {name!r} is {reprlib.repr(value)}; it must be a number")
            if isinstance(value, int) and abs(value) > sys.float_info.max:
                raise ProblemError(f"{field} of {name!r} is {reprlib.repr(value)}; it must be finite")
        values = np.array([float(value) for value in values[: len(names)]] + values[len(names) :])
    array = np.asarray(values)
    if array.shape != (len(names),):
        raise ProblemError(
            f"{field} has shape {array.shape}; it must have one number a name, {len(names)} in all"
        )
    if array.dtype.kind not in "iuf":
        raise ProblemError(f"{field} is {reprlib.repr(values)}; it must be a list of numbers")
    array = array.astype(np.float64) + 0.0  # a copy, and -0.0 becomes 0.0
    if field in MAY_BE_ZERO:
        _require(np.isfinite(array) & (array >= 0), field, array, names, "must be finite and not negative")
    else:
        _require(np.isfinite(array) & (array > 0), field, array, names, "must be finite and positive")
    array.flags.writeable = False
    return array


def _require(
    good: NDArray[np.bool_], field: str, values: FloatArray, names: tuple[str, ...], rule: str
) -> None:
    if not good.all():
        k = int(np.argmin(good))
        raise ProblemError(f"{field} of {names[k]!r} is {values[k]}; it {rule}")


def _check_probabilities(workload: Workload) -> None:
    total = float(np.sum(workload.prior))
    if abs(total - 1) > TOLERANCE:
        raise ProblemError(f"prior sums to {total}; it must sum to 1 within {TOLERANCE}")
    best = workload.accuracy_gain + workload.base_accuracy
    _require(
        best <= 1 + TOLERANCE,
        "accuracy_gain + base_accuracy",
        best,
        workload.names,
        f"must be at most 1 + {TOLERANCE}",
    )


def _check_keys(table: Document, required: list[str], optional: list[str], origin: str) -> None:
    for key in table:
        if key not in required and key not in optional:
            raise ProblemError(f"{origin}: {key!r} is not a known key{nearest(key, [*required, *optional])}")
    for key in required:
        if key not in table:
            raise ProblemError(f"{origin}: {key!r} is missing")
