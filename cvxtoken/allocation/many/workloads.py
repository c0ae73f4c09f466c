"""Many workloads as a structure of arrays: the data of `solve_many`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cvxtoken.allocation.fields import MAY_BE_ZERO, PER_TYPE, PROMPT, RANDOM, SCALARS, TOLERANCE
from cvxtoken.allocation.problem import FIFO, Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.delay import Server
from cvxtoken.errors import ProblemError

ARRAYS = (*PER_TYPE, "max_tokens")  # what optima depend on
GIVEN = (*ARRAYS, PROMPT)


@dataclass(frozen=True, eq=False, init=False)
class Workloads:
    """B workloads of up to N types each; each must keep the rules of `Workload`.

    Only the shapes are checked here, and that all values are numbers: `solve_many` marks the instances that
    break a rule, and solves the others. What all instances share is not copied: an array of shape (N,) or (1,
    N) stands for all.

    Attributes:
        prior, accuracy_gain, saturation_rate, base_accuracy, overhead, time_per_token: as in `Workload`,
            shape (B, N).
        max_tokens, deviation, deviation_per_token, prompt_tokens: likewise.
        arrival_rate, accuracy_weight: as in `Workload`, shape (B,).
        servers: the different servers that there are.
        which: of each instance the place of its own among them, shape (B,).
        sizes: how many types each instance has, shape (B,); the rest of its row is not read.

    >>> workloads = Workloads(prior=[0.5, 0.5], accuracy_gain=0.5, saturation_rate=[1e-3, 2e-3],
    ...                       base_accuracy=0.2, overhead=0.1, time_per_token=0.001, max_tokens=4096,
    ...                       arrival_rate=[0.25, 0.5, 1.0], accuracy_weight=30)
    >>> len(workloads), workloads.workload(2).arrival_rate
    (3, 1.0)
    """

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
    arrival_rate: FloatArray
    accuracy_weight: FloatArray
    servers: tuple[Server, ...]
    which: NDArray[np.intp]
    sizes: NDArray[np.intp]

    def __init__(
        self,
        *,
        prior: ArrayLike,
        accuracy_gain: ArrayLike,
        saturation_rate: ArrayLike,
        base_accuracy: ArrayLike,
        overhead: ArrayLike,
        time_per_token: ArrayLike,
        max_tokens: ArrayLike,
        arrival_rate: ArrayLike,
        accuracy_weight: ArrayLike,
        deviation: ArrayLike = 0.0,
        deviation_per_token: ArrayLike = 0.0,
        prompt_tokens: ArrayLike = 0.0,
        server: Server | Sequence[Server] = FIFO,
        sizes: ArrayLike | None = None,
    ) -> None:
        """Broadcast the arrays against each other.

        Raises:
            ProblemError: a field holds something other than numbers, or the shapes do not fit together.
        """
        curves = (prior, accuracy_gain, saturation_rate, base_accuracy, overhead, time_per_token)
        given = zip(GIVEN, (*curves, deviation, deviation_per_token, max_tokens, prompt_tokens), strict=True)
        arrays = {field: _numbers(field, values, 2) for field, values in given}
        scalars = dict(zip(SCALARS, (arrival_rate, accuracy_weight), strict=True))
        per_instance = {field: _numbers(field, values, 1) for field, values in scalars.items()}
        shapes = {field: array.shape for field, array in arrays.items()}
        shapes |= {field: (*array.shape, 1) for field, array in per_instance.items()}
        try:
            shape = np.broadcast_shapes(*shapes.values())
        except ValueError as error:
            told = ", ".join(f"{field} {array.shape}" for field, array in (arrays | per_instance).items())
            raise ProblemError(
                f"the shapes do not fit together: {told}; per-type fields must have shape (B, N) and the "
                "others (B,), or 1 in place of B or N"
            ) from error
        count, width = (1, 1, *shape)[-2:]
        if not width:
            raise ProblemError("prior has no types; at least one is needed")
        for field, array in arrays.items():
            object.__setattr__(self, field, np.broadcast_to(array, (count, width)))
        for field, array in per_instance.items():
            object.__setattr__(self, field, np.broadcast_to(array, (count,)))
        servers, which = _checked_servers(server, count)
        object.__setattr__(self, "servers", servers)
        object.__setattr__(self, "which", which)
        object.__setattr__(self, "sizes", _checked_sizes(sizes, count, width))

    @classmethod
    def of(cls, workloads: Sequence[Workload]) -> Self:
        """A list of workloads of any sizes, padded to the largest (ProblemError where it is no such list)."""
        for number, workload in enumerate(workloads):
            if not isinstance(workload, Workload):
                raise ProblemError(f"workloads holds {workload!r} at {number}; it must hold workloads")
        if not len(workloads):
            raise ProblemError("workloads is empty; at least one is needed")
        sizes = np.array([len(workload) for workload in workloads])
        filled = np.arange(sizes.max()) < sizes[:, None]
        columns: dict[str, Any] = {}
        for field in GIVEN:
            columns[field] = np.full(filled.shape, np.nan)
            columns[field][filled] = np.concatenate([getattr(workload, field) for workload in workloads])
        for field in SCALARS:
            columns[field] = [getattr(workload, field) for workload in workloads]
        return cls(**columns, server=[workload.server for workload in workloads], sizes=sizes)

    @cached_property
    def is_random(self) -> bool:
        """Whether a service time of any instance varies although its tokens are given."""
        return any(bool(getattr(self, field).any()) for field in RANDOM)

    def workload(self, index: int, names: Sequence[str] | None = None) -> Workload:
        """One of the workloads (IndexError where there is none; ProblemError where it breaks a rule)."""
        size = int(self.sizes[index])
        arrays = {field: getattr(self, field)[index, :size] for field in GIVEN}
        rate, weight = float(self.arrival_rate[index]), float(self.accuracy_weight[index])
        names = [f"type {k}" for k in range(size)] if names is None else names
        server = self.servers[self.which[index]]
        return Workload(names=names, **arrays, arrival_rate=rate, accuracy_weight=weight, server=server)

    def __len__(self) -> int:
        return len(self.sizes)


def obey(
    arrays: dict[str, FloatArray], scalars: dict[str, FloatArray], filled: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Which instances keep every rule of `Workload`, shape (B,).

    Args:
        arrays: by field, shape (N, B); where an instance has no type, the prior is 0 and the rest is valid.
        scalars: by field, shape (B,).
        filled: where an instance has a type; broadcasts to (N, B).
    """
    good: NDArray[np.bool_] = np.abs(np.add.reduce(arrays["prior"]) - 1) <= TOLERANCE
    for values in scalars.values():
        good &= (values > 0) & (values < np.inf)
    prior = arrays["prior"] if filled.all() else np.where(filled, arrays["prior"], 1.0)
    for field, values in (arrays | {"prior": prior}).items():
        least, most = values.min(axis=0), values.max(axis=0)  # no number if one of them is none
        good &= (least >= 0 if field in MAY_BE_ZERO else least > 0) & (most < np.inf)
    best = arrays["accuracy_gain"] + arrays["base_accuracy"]
    good &= best.max(axis=0) <= 1 + TOLERANCE
    return good


def _numbers(field: str, values: ArrayLike, axes: int) -> FloatArray:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ProblemError(f"{field} is ragged; pad its rows and give their sizes") from error
    if array.dtype.kind not in "iuf":
        raise ProblemError(f"{field} holds {array.dtype}; it must hold numbers")
    if array.ndim > axes:
        raise ProblemError(f"{field} has shape {array.shape}; it must have at most {axes} axes")
    return array.astype(np.float64, copy=False)


def _checked_servers(
    server: Server | Sequence[Server], count: int
) -> tuple[tuple[Server, ...], NDArray[np.intp]]:
    """The different servers, and which of them each instance has (ProblemError)."""
    given = [server] if isinstance(server, Server) else list(server)
    if len(given) not in (1, count) or not all(isinstance(one, Server) for one in given):
        raise ProblemError(f"server is {server!r}; it must be a server for all, or one for each of {count}")
    place: dict[Server, int] = {}
    which = np.array([place.setdefault(one, len(place)) for one in given], dtype=np.intp)
    return tuple(place), np.broadcast_to(which, (count,))


def _checked_sizes(sizes: ArrayLike | None, count: int, width: int) -> NDArray[np.intp]:
    array = np.asarray(width if sizes is None else sizes)
    if array.dtype.kind not in "iu" or array.shape not in ((), (1,), (count,)):
        raise ProblemError(
            f"sizes has shape {array.shape} of {array.dtype}; it must be {count} whole numbers"
        )
    if (array < 1).any() or (array > width).any():
        raise ProblemError(f"sizes reaches from {array.min()} to {array.max()}; it must be from 1 to {width}")
    return np.broadcast_to(array.astype(np.intp), (count,))
