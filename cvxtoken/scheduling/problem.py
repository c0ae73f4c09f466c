"""The data of a scheduling problem: requests with uncertain output lengths that share a KV-cache memory.

Source of the model: Jaillet et al., arXiv 2502.07115 (2025), and for the prediction intervals Chen, Ye and
Zhou, arXiv 2508.14544 (2025).
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cvxtoken.arrays import IntArray
from cvxtoken.errors import ProblemError
from cvxtoken.files import Document, nearest, read_document, write_document

PREDICTIONS = ("low", "middle", "high", "true")
LARGEST = 10**9  # of every number here, so that s o + o (o + 1) / 2 fits 64 bits
_COLUMNS = ("arrival", "prompt_tokens", "output_tokens")
_INTERVAL = ("predicted_low", "predicted_high")


@dataclass(frozen=True, eq=False, init=False)
class Requests:
    """Requests i = 0..n-1 on one worker whose KV cache holds M tokens, in rounds of one token each.

    A request that starts at a whole time t >= a_i makes its j-th token in the round [t + j - 1, t + j), holds
    s_i + j tokens of memory in it, and completes at t + o_i. All are whole numbers; arrays are copied and
    read-only.

    Attributes:
        arrival: a, shape (n,), in rounds; not negative, in any order.
        prompt_tokens: s, shape (n,); not negative.
        output_tokens: o, shape (n,); at least 1, and s + o <= M, because no schedule serves a larger request.
            An online policy does not see them.
        predicted_low: l, shape (n,), from 1 to o; by default o.
        predicted_high: u, shape (n,), at least o; by default o. It may exceed M - s.
        memory: M, in tokens; positive.

    Source: arXiv 2502.07115 and 2508.14544 for the model; the field names are this project's.

    >>> requests = Requests(arrival=[0, 2], prompt_tokens=[1, 1], output_tokens=[6, 3], memory=10)
    >>> requests.peak.tolist(), requests.volume.tolist()
    ([7, 4], [27, 9])
    """

    arrival: IntArray
    prompt_tokens: IntArray
    output_tokens: IntArray
    predicted_low: IntArray
    predicted_high: IntArray
    memory: int

    def __init__(
        self,
        *,
        arrival: ArrayLike,
        prompt_tokens: ArrayLike,
        output_tokens: ArrayLike,
        memory: int,
        predicted_low: ArrayLike | None = None,
        predicted_high: ArrayLike | None = None,
    ) -> None:
        """Validate and freeze the data.

        Raises:
            ProblemError: a field breaks its rule; the message names the field, the index, the value and the
                rule.
        """
        set_field = object.__setattr__  # the dataclass is frozen; this is the only way to set a field
        set_field(self, "memory", checked_memory(memory))
        a = _checked_column("arrival", arrival, 0)
        s = _checked_column("prompt_tokens", prompt_tokens, 0)
        o = _checked_column("output_tokens", output_tokens, 1)
        low = o if predicted_low is None else _checked_column("predicted_low", predicted_low, 1)
        high = o if predicted_high is None else _checked_column("predicted_high", predicted_high, 1)
        for field, values in zip((*_COLUMNS, *_INTERVAL), (a, s, o, low, high), strict=True):
            if len(values) != len(a):
                raise ProblemError(
                    f"{field} has {len(values)} numbers; it must have one a request, as arrival has {len(a)}"
                )
            set_field(self, field, values)
        _check_together(self)

    @property
    def peak(self) -> IntArray:
        """P_i = s_i + o_i, the most tokens that a request holds, shape (n,)."""
        return self.prompt_tokens + self.output_tokens

    @property
    def volume(self) -> IntArray:
        """v_i = s_i o_i + o_i (o_i + 1) / 2, a request's memory summed over its rounds, shape (n,)."""
        s, o = self.prompt_tokens, self.output_tokens
        return s * o + o * (o + 1) // 2

    def estimates(self, prediction: str) -> IntArray:
        """Output lengths as a policy is told them, shape (n,), all with s + estimate <= M.

        Args:
            prediction: 'low' (l), 'high' (u), 'middle' (their mean, rounded down) or 'true' (o). Because
                s + o <= M is known, M - s is an upper end too, and the smaller of it and u is taken.

        Raises:
            ProblemError: the prediction is unknown.
        """
        if prediction not in PREDICTIONS:
            hint = nearest(str(prediction), PREDICTIONS)
            raise ProblemError(
                f"prediction is {prediction!r}; it must be one of {', '.join(PREDICTIONS)}{hint}"
            )
        low, high = self.predicted_low, np.minimum(self.predicted_high, self.memory - self.prompt_tokens)
        return {"low": low, "middle": (low + high) // 2, "high": high, "true": self.output_tokens}[prediction]

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, validated anew (ProblemError)."""
        unknown = [name for name in changes if name not in self.__dataclass_fields__]
        if unknown:
            hint = nearest(unknown[0], self.__dataclass_fields__)
            raise ProblemError(f"{unknown[0]} is not a field of requests{hint}")
        return replace(self, **changes)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read requests from a .toml or .json file.

        The number `memory` and the lists `arrival`, `prompt_tokens` and `output_tokens` stand at the top, and
        optionally the lists `predicted_low` and `predicted_high`.

        Raises:
            ProblemError: a key is unknown or missing, or a value breaks its rule.
        """
        return cls.from_document(read_document(path), str(path))

    @classmethod
    def from_document(cls, document: Document, origin: str) -> Self:
        """The requests in a parsed file; `origin` names the file in errors (ProblemError)."""
        known = ("memory", *_COLUMNS, *_INTERVAL)
        for key in document:
            if key not in known:
                raise ProblemError(f"{origin}: {key!r} is not a known key{nearest(key, known)}")
        for key in ("memory", *_COLUMNS):
            if key not in document:
                raise ProblemError(f"{origin}: {key!r} is missing")
        try:
            return cls(**document)
        except ProblemError as error:
            raise ProblemError(f"{origin}: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write the requests to a .toml or .json file that `load` reads back (ProblemError)."""
        write_document(path, self.to_document())

    def to_document(self) -> Document:
        """The mapping that `save` writes; see `load` for its form."""
        columns = {field: getattr(self, field).tolist() for field in (*_COLUMNS, *_INTERVAL)}
        return {"memory": self.memory, **columns}

    def __len__(self) -> int:
        return len(self.arrival)


def checked_memory(memory: Any) -> int:
    """The memory M as an int (ProblemError where it is not a whole number from 1 to 1e9)."""
    if isinstance(memory, bool) or not isinstance(memory, int | np.integer) or not 0 < memory <= LARGEST:
        raise ProblemError(f"memory is {memory!r}; it must be a whole number of tokens from 1 to 1e9")
    return int(memory)


def _checked_column(field: str, values: Any, least: int) -> IntArray:
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        raise ProblemError(f"{field} is {reprlib.repr(values)}; it must be a list of whole numbers")
    values = values if isinstance(values, np.ndarray) else list(values)
    try:
        array = np.asarray(values)
    except ValueError as error:  # ragged
        raise ProblemError(f"{field} must be one list of whole numbers") from error
    if array.shape == (0,):
        raise ProblemError(f"{field} is empty; at least one request is needed")
    if array.ndim != 1 or array.dtype.kind not in "iuf" or bool in set(map(type, values)):
        raise ProblemError(f"{field} is {reprlib.repr(values)}; it must be a list of whole numbers")
    good = (array >= least) & (array <= LARGEST) & (np.floor(array) == array)
    _require(good, field, array, f"must be a whole number from {least} to 1e9")
    array = array.astype(np.int64)
    array.flags.writeable = False
    return array


def _check_together(requests: Requests) -> None:
    low, high, o = requests.predicted_low, requests.predicted_high, requests.output_tokens
    _require(low <= high, "predicted_low", low, "must be at most predicted_high, {}", high)
    rule = "must be at least predicted_low, {}, and at most predicted_high, {}"
    _require((low <= o) & (o <= high), "output_tokens", o, rule, low, high)
    M = np.full(len(o), requests.memory)
    rule = "must be at most the memory of {}, which no schedule can exceed"
    _require(requests.peak <= M, "prompt_tokens + output_tokens", requests.peak, rule, M)


def _require(
    good: NDArray[np.bool_], field: str, values: NDArray[Any], rule: str, *context: IntArray
) -> None:
    if not good.all():
        i = int(np.argmin(good))
        known = rule.format(*(column[i] for column in context))
        raise ProblemError(f"{field} of request {i} is {values[i]}; it {known}")
