"""The data of a batching problem: output lengths, the time of a batch, the load, the largest batch.

Source of the model: Yang, Xu and Jiao, arXiv 2407.05347 (2024), whose abstract says that a batch's time
depends on its size and on its longest output; the form of H below is this project's reading.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.files import Document, nearest, read_document, write_document
from cvxtoken.least_squares import nonnegative
from cvxtoken.lengths import LengthDistribution, from_document

DISCIPLINES = ("dynamic", "fixed", "elastic")
_SCALARS = ("arrival_rate", "max_batch", "memory_tokens")


@dataclass(frozen=True)
class BatchTime:
    """H(b, L) = (k1 b + k2) + (k3 b + k4) L seconds for b requests whose longest output is L tokens.

    Attributes:
        k1, k2: of the time to the first token, in s/request and in s.
        k3, k4: of a decoding step, in s/(token request) and in s/token.

    Raises:
        ProblemError: a constant is negative, or all are 0.
    """

    k1: float
    k2: float
    k3: float
    k4: float

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise ProblemError(f"{name} is {value!r}; it must be finite and not negative")
        if not any(vars(self).values()):
            raise ProblemError("k1, k2, k3 and k4 are all 0; a batch must take time")

    def __call__(self, b: int, lengths: FloatArray) -> FloatArray:
        """H(b, L) at many longest outputs L, in s."""
        return (self.k1 * b + self.k2) + (self.k3 * b + self.k4) * lengths

    @classmethod
    def fit(cls, b: ArrayLike, lengths: ArrayLike, seconds: ArrayLike) -> tuple[Self, FloatArray]:
        """The constants that fit measured rows best, by least squares under k >= 0, and the residuals in s.

        Raises:
            ProblemError: the columns differ in length, have fewer than four rows, or hold something other
                than positive finite numbers.
            SolverError: the least squares were not solved.
        """
        columns = [np.asarray(column, dtype=float) for column in (b, lengths, seconds)]
        sizes = {column.shape for column in columns}
        if len(sizes) != 1 or columns[0].ndim != 1 or len(columns[0]) < 4:
            raise ProblemError("b, lengths and seconds must be three lists of the same length, at least 4")
        if not all((np.isfinite(column) & (column > 0)).all() for column in columns):
            raise ProblemError("b, lengths and seconds must be finite and positive")
        size, length, time = columns
        design = np.column_stack([size, np.ones_like(size), size * length, length])
        scale = np.abs(design).max(axis=0)
        found = nonnegative(design / scale, time) / scale
        return cls(*found.tolist()), time - design @ found


Time = BatchTime | ArrayLike | Callable[[int, FloatArray], FloatArray]


@dataclass(frozen=True, eq=False, kw_only=True)
class BatchingProblem:
    """One server that answers requests in batches.

    Attributes:
        lengths: the distribution of outputs.
        batch_time: H(b, L) as a `BatchTime`, a table of shape (max_batch, n_max) or a function of b and an
            array of longest outputs; positive, in s.
        arrival_rate: lambda, in 1/s; positive.
        max_batch: the largest batch; by default what the memory holds, else 64.
        memory_tokens: how many tokens fit at once; each request counts with its longest possible output.

    Raises:
        ProblemError: a field breaks its rule; the message names the field, the value and the rule.

    Source: arXiv 2407.05347; the field names are this project's.
    """

    lengths: LengthDistribution
    batch_time: Time
    arrival_rate: float
    max_batch: int | None = None
    memory_tokens: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.lengths, LengthDistribution):
            raise ProblemError(f"lengths is {self.lengths!r}; it must be a LengthDistribution")
        rate = self.arrival_rate
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < math.inf:
            raise ProblemError(f"arrival_rate is {rate!r}; it must be finite and positive")
        if self.max_batch is not None and (type(self.max_batch) is not int or self.max_batch < 1):
            raise ProblemError(f"max_batch is {self.max_batch!r}; it must be a whole number from 1")
        if self.memory_tokens is not None and not self.memory_tokens >= len(self.lengths):
            raise ProblemError(
                f"memory_tokens is {self.memory_tokens}; one request needs up to {len(self.lengths)} tokens"
            )
        self.times(1)
        self.times(self.largest)

    @property
    def largest(self) -> int:
        """The largest batch that is allowed and fits."""
        fits = math.inf if self.memory_tokens is None else self.memory_tokens // len(self.lengths)
        return int(min(64 if self.max_batch is None and fits == math.inf else self.max_batch or fits, fits))

    @property
    def linear(self) -> BatchTime:
        """The constants k1..k4 (ProblemError where the time is a table or a function)."""
        if not isinstance(self.batch_time, BatchTime):
            raise ProblemError("batch_time must be given by k1, k2, k3 and k4 for elastic batching")
        return self.batch_time

    def times(self, b: int) -> FloatArray:
        """H(b, 1..n_max), in s, shape (n_max,) (ProblemError where a time is not positive)."""
        lengths = np.arange(1.0, len(self.lengths) + 1)
        if isinstance(self.batch_time, BatchTime) or callable(self.batch_time):
            found = np.asarray(self.batch_time(b, lengths), dtype=float)
        else:
            rows = np.asarray(self.batch_time, dtype=float)
            if rows.ndim != 2 or b > len(rows) or rows.shape[1] < len(lengths):
                raise ProblemError(
                    f"batch_time has shape {rows.shape}; it must have a row for each batch size"
                )
            found = rows[b - 1, : len(lengths)]
        if found.shape != lengths.shape or not (np.isfinite(found) & (found > 0)).all():
            raise ProblemError(
                f"batch_time of {b} requests must be a finite positive number for every length"
            )
        return found

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, validated anew (ProblemError)."""
        unknown = [name for name in changes if name not in self.__dataclass_fields__]
        if unknown:
            hint = nearest(unknown[0], self.__dataclass_fields__)
            raise ProblemError(f"{unknown[0]} is not a field of the problem{hint}")
        return replace(self, **changes)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a problem from a .toml or .json file.

        At the top stand `arrival_rate` and optionally `max_batch` and `memory_tokens`. There are two tables:
        `lengths`, as in a type of a clipping problem, and `batch_time` with `k1`, `k2`, `k3` and `k4`.

        Raises:
            ProblemError: a key is unknown or missing, or a value breaks its rule.
        """
        document = read_document(path)
        known = [*_SCALARS, "lengths", "batch_time"]
        for key in document:
            if key not in known:
                raise ProblemError(f"{path}: {key!r} is not a known key{nearest(key, known)}")
        for key in ("arrival_rate", "lengths", "batch_time"):
            if key not in document:
                raise ProblemError(f"{path}: {key!r} is missing")
        try:
            document["lengths"] = from_document(document["lengths"], Path(path).parent)
            document["batch_time"] = BatchTime(**document["batch_time"])
            return cls(**document)
        except TypeError as error:
            raise ProblemError(f"{path}: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write the problem, its lengths as probabilities (ProblemError unless the time is k1..k4)."""
        document: Document = {key: getattr(self, key) for key in _SCALARS if getattr(self, key) is not None}
        p = self.lengths.probabilities.tolist()
        document["lengths"] = {"distribution": "probabilities", "probabilities": p}
        document["batch_time"] = dict(vars(self.linear))
        write_document(path, document)


def default_problem() -> BatchingProblem:
    """Uniform lengths 1..1000 on a measured decoding step: k3 = 3.15 ms, k4 = 28.8 ms (T4, VibeThinker-3B).

    k1 = 20 ms a request and k2 = 50 ms for the first token are assumptions of this project.
    """
    return BatchingProblem(
        lengths=LengthDistribution.uniform(1, 1000),
        batch_time=BatchTime(k1=0.02, k2=0.05, k3=0.00315, k4=0.0288),
        arrival_rate=0.12,
        max_batch=32,
    )


def check_discipline(discipline: str, known: Sequence[str] = DISCIPLINES) -> str:
    """A discipline's name (ProblemError where it is unknown)."""
    if discipline not in known:
        hint = nearest(str(discipline), known)
        raise ProblemError(f"discipline is {discipline!r}; it must be one of {', '.join(known)}{hint}")
    return discipline


def check_largest(problem: BatchingProblem, largest: int | None) -> int:
    """A batch size, by default the problem's largest (ProblemError where it is not a whole number from 1)."""
    if largest is None:
        return problem.largest
    if type(largest) is not int or largest < 1:
        raise ProblemError(f"largest is {largest!r}; it must be a whole number from 1")
    return largest


def whole_batches(sizes: Sequence[int], largest: int) -> list[int]:
    """Batch sizes from 1 to the largest (ProblemError where one is not)."""
    if not sizes or not all(type(b) is int and 1 <= b <= largest for b in sizes):
        raise ProblemError(f"batch sizes are {sizes!r}; they must be whole numbers from 1 to {largest}")
    return list(sizes)
