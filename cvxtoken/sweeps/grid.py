"""A grid of values of some fields of a workload, and the optimum at each of its points."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cvxtoken.allocation.fields import SCALARS, checked_scalar
from cvxtoken.allocation.many.solve import Status, solve_many
from cvxtoken.allocation.many.workloads import ARRAYS, Workloads
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest
from cvxtoken.sweeps.executors import Columns

FIELDS = (*SCALARS, *(field for field in ARRAYS if field != "prior"))
RESULTS = ("objective", "relative_gap", "mean_accuracy", "mean_system_time", "utilization")
_NUMBERS = 2_000_000  # tokens in a chunk, at most (16 MB)
_POINTS = 10_000  # points in a chunk, at most
MOST_POINTS = 10**9  # in a grid: about 100 GB of results
_MOST_CHUNKS = 10**6  # each is a file until all are done


@dataclass(frozen=True, eq=False)
class Grid:
    """All combinations of values of some fields; the last field varies fastest.

    Attributes:
        workload: what does not vary.
        values: by field, an array of shape (n,); for a field of the types, each number stands for every type.
        chunk_size: points that are solved and written together.
    """

    workload: Workload
    values: dict[str, FloatArray]
    chunk_size: int

    @classmethod
    def of(cls, workload: Workload, values: Mapping[str, ArrayLike], chunk_size: int | None = None) -> Grid:
        """A grid of checked values.

        Raises:
            ProblemError: no field is given, a field is unknown or has no values, a value breaks its rule, or
                the chunk size is below 1; or there are more than 1e9 points or 1e6 chunks.
        """
        if not values:
            raise ProblemError(f"the grid is empty; give values for at least one of {', '.join(FIELDS)}")
        checked = {field: _checked_values(field, given) for field, given in values.items()}
        if chunk_size is None:
            chunk_size = max(1, min(_POINTS, _NUMBERS // len(workload)))
        if isinstance(chunk_size, bool) or not isinstance(chunk_size, int) or chunk_size < 1:
            raise ProblemError(f"chunk_size is {chunk_size!r}; it must be a whole number of at least 1")
        points = prod(map(len, checked.values()))
        if points > MOST_POINTS:
            raise ProblemError(f"the grid has {points} points; it may have at most {MOST_POINTS}")
        if points > chunk_size * _MOST_CHUNKS:
            raise ProblemError(
                f"chunk_size is {chunk_size}; "
                f"for {points} points it must be at least {-(-points // _MOST_CHUNKS)}"
            )
        return cls(workload, checked, chunk_size)

    def __len__(self) -> int:
        return prod(self.shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of values of each field."""
        return tuple(map(len, self.values.values()))

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return -(-len(self) // self.chunk_size)

    @property
    def header(self) -> list[str]:
        """The columns of a table of results."""
        return ["index", *self.values, "status", *RESULTS, *(f"tokens: {n}" for n in self.workload.names)]

    @property
    def identity(self) -> str:
        """The grid's data, to the last bit, as JSON: equal for equal grids only."""
        values = {field: numbers.tolist() for field, numbers in self.values.items()}
        identity = {"schema": "cvxtoken-sweep/1", "workload": self.workload.sha256}
        return json.dumps(identity | {"values": values, "chunk_size": self.chunk_size}, indent=1) + "\n"

    def solve(self, chunk: int) -> Columns:
        """The results of one chunk, by column."""
        w = self.workload
        index = np.arange(chunk * self.chunk_size, min(len(self), (chunk + 1) * self.chunk_size))
        places = np.unravel_index(index, self.shape)
        points = {
            field: numbers[place] for (field, numbers), place in zip(self.values.items(), places, strict=True)
        }
        fields: dict[str, Any] = {field: getattr(w, field) for field in (*ARRAYS, *SCALARS)}
        fields |= {field: p if field in SCALARS else p[:, None] for field, p in points.items()}
        found = solve_many(Workloads(**fields, server=w.server))
        names = np.array([status.name.lower() for status in Status])
        columns: Columns = {"index": index, **points, "status": names[found.status]}
        columns |= {field: getattr(found, field) for field in RESULTS}
        return columns | {f"tokens: {name}": found.tokens[:, k] for k, name in enumerate(w.names)}


def _checked_values(field: str, given: ArrayLike) -> FloatArray:
    if field not in FIELDS:
        told = ", ".join(FIELDS)
        raise ProblemError(f"{field!r} cannot be varied{nearest(field, FIELDS)}; these can: {told}")
    try:
        values = np.asarray(given)
    except ValueError as error:
        raise ProblemError(f"{field} is {reprlib.repr(given)}; it must be a list of numbers") from error
    if values.ndim != 1 or (values.size and values.dtype.kind not in "iuf"):
        raise ProblemError(f"{field} is {reprlib.repr(given)}; it must be a list of numbers")
    if not values.size:
        raise ProblemError(f"{field} is empty; a grid needs at least one value of each field")
    values = values.astype(np.float64)
    for value in values[~((values > 0) & (values < np.inf))].tolist():
        checked_scalar(field, value)
    return values
