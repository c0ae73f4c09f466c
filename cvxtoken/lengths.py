"""Distributions of output lengths: parametric, from a sample, from a table of probabilities or a trace."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.files import Document
from cvxtoken.logs.columns import Column, Hints
from cvxtoken.logs.reading import Reading

LONGEST = 32_768  # tokens; parametric distributions end here unless told otherwise
_LONGEST_KNOWN = 10_000_000
LENGTHS = {
    "output_tokens": Column("tokens", least=1, whole=True),
    "status": Column("status", required=False),
}
_TOLERANCE = 1e-6  # of the sum of probabilities, because tables are printed with few digits


@dataclass(frozen=True, eq=False)
class LengthDistribution:
    """A probability mass function of output lengths 1..n_max, in tokens.

    Attributes:
        probabilities: p_1 .. p_{n_max}, shape (n_max,); not negative, the last positive, with the sum 1. (The
            sum may be off by 1e-6; they are divided by it.)

    Raises:
        ProblemError: a probability is negative, or they do not sum to 1.
    """

    probabilities: FloatArray

    def __post_init__(self) -> None:
        p = _numbers("probabilities", self.probabilities)
        if not len(p):
            raise ProblemError("probabilities is empty; at least one length is needed")
        if not (p >= 0).all():
            n = int(np.argmin(p >= 0))
            raise ProblemError(
                f"the probability of length {n + 1} is {p[n]}; it must be finite and not negative"
            )
        total = math.fsum(p)
        if abs(total - 1) > _TOLERANCE:
            raise ProblemError(f"probabilities sum to {total}; they must sum to 1 within {_TOLERANCE}")
        p = p[: int(np.flatnonzero(p)[-1]) + 1] / total
        p.flags.writeable = False
        object.__setattr__(self, "probabilities", p)

    def __len__(self) -> int:
        return len(self.probabilities)

    @cached_property
    def survival(self) -> FloatArray:
        """P(N >= j) for j = 1..n_max, shape (n_max,), summed from the smallest on."""
        return np.cumsum(self.probabilities[::-1])[::-1]

    @property
    def mean(self) -> float:
        """E[N], in tokens."""
        return float(self.survival.sum())

    def quantile(self, shares: FloatArray) -> FloatArray:
        """For each of many shares, the least n with P(N <= n) > share, in tokens."""
        places = np.searchsorted(np.cumsum(self.probabilities), shares, side="right")
        return 1.0 + np.minimum(places, len(self) - 1)

    def clipped(self, limit: int) -> Self:
        """The lengths min(N, limit); the limit at least 1."""
        limit = min(limit, len(self))
        return type(self)(np.append(self.probabilities[: limit - 1], self.survival[limit - 1]))

    @classmethod
    def lognormal(cls, mu: float, sigma: float, n_max: int = LONGEST) -> Self:
        """Lengths with p_n = Phi((ln n - mu) / sigma) - Phi((ln(n - 1) - mu) / sigma), cut to n_max."""
        from scipy.special import ndtr

        _require_positive(sigma=sigma)
        _require_whole(n_max)
        below = ndtr((np.log(np.arange(1, n_max)) - mu) / sigma)
        return cls(np.diff(below, prepend=0.0, append=1.0))

    @classmethod
    def geometric(cls, mean: float, n_max: int = LONGEST) -> Self:
        """The lengths with P(N >= n) = (1 - 1 / mean)^(n - 1); cut to n_max."""
        if isinstance(mean, str) or not 1 <= mean < math.inf:
            raise ProblemError(f"mean is {mean}; it must be at least 1 token, and finite")
        _require_whole(n_max)
        survival = (1 - 1 / mean) ** np.arange(n_max)
        return cls(-np.diff(survival, append=0.0))

    @classmethod
    def uniform(cls, low: int, high: int) -> Self:
        """Equal probabilities for low, low + 1, ..., high."""
        if type(low) is not int or type(high) is not int or not 1 <= low <= high <= _LONGEST_KNOWN:
            raise ProblemError(
                f"low and high are {low} and {high}; they must be whole numbers with 1 <= low <= high"
            )
        p = np.zeros(high)
        p[low - 1 :] = 1 / (high - low + 1)
        return cls(p)

    @classmethod
    def empirical(cls, sample: ArrayLike) -> Self:
        """Frequencies of a sample of lengths, whole numbers from 1.

        Raises:
            ProblemError: the sample is empty, or holds something other than such numbers.
        """
        lengths = _numbers("lengths", sample)
        if not len(lengths):
            raise ProblemError("lengths is empty; at least one is needed")
        good = (lengths >= 1) & (lengths == np.floor(lengths)) & (lengths <= _LONGEST_KNOWN)
        if not good.all():
            raise ProblemError(
                f"lengths holds {lengths[np.argmin(good)]}; a length must be a whole number from 1 to 1e7"
            )
        counts = np.bincount(lengths.astype(np.int64))[1:]
        return cls(counts / len(lengths))

    @classmethod
    def from_trace(cls, path: str | Path, column: str | None = None) -> Self:
        """Frequencies of the lengths in a column of a file: see `read_lengths`."""
        return cls.empirical(read_lengths(path, column)[0])

    @classmethod
    def from_table(cls, path: str | Path, length: str = "output_tokens", probability: str = "prob") -> Self:
        """Probabilities from two columns of a file: the lengths and their probabilities.

        Raises:
            ProblemError: as for `from_trace`; or the probabilities do not sum to 1.
        """
        from cvxtoken.logs.read import read  # Polars, beneath it, is slow to import

        wanted = {"length": Column("tokens", least=1, whole=True), "probability": Column("number")}
        found, _, _ = read(path, wanted, {"length": length, "probability": probability})
        p = np.zeros(int(found["length"].max()))
        np.add.at(p, found["length"].astype(np.int64) - 1, found["probability"])
        return cls(p)


def read_lengths(
    path: str | Path, column: str | None = None, hints: Hints | None = None
) -> tuple[FloatArray, Reading]:
    """The output lengths in a file, shape (rows,), and what was read.

    Args:
        path: CSV and its kin, JSON, JSON lines or Parquet, plain or compressed.
        column: its name; by default one of those that known tools use. It may hold lists of lengths.
        hints: what is told of the file.

    Raises:
        ProblemError: see `cvxtoken.logs.read.read`.
    """
    from cvxtoken.logs.read import read  # Polars, beneath it, is slow to import

    found, reading, _ = read(path, LENGTHS, {} if column is None else {"output_tokens": column}, hints)
    return found["output_tokens"], reading


def from_document(table: Document, folder: Path) -> LengthDistribution:
    """The distribution that a table of a file describes; paths in it are relative to the folder.

    `distribution` is one of lognormal (`mu`, `sigma`), geometric (`mean`), uniform (`low`, `high`), trace
    (`path`, `column`), table (`path`) or probabilities (`probabilities`).

    Raises:
        ProblemError: the distribution is unknown, or its numbers break their rule.
        TypeError: a key is unknown or missing.
    """
    known: dict[str, Callable[..., LengthDistribution]] = {
        "lognormal": LengthDistribution.lognormal,
        "geometric": LengthDistribution.geometric,
        "uniform": LengthDistribution.uniform,
        "trace": LengthDistribution.from_trace,
        "table": LengthDistribution.from_table,
        "probabilities": LengthDistribution,
    }
    if not isinstance(table, dict) or table.get("distribution") not in known:
        kind = table.get("distribution") if isinstance(table, dict) else table
        raise ProblemError(f"distribution is {kind!r}; it must be one of {', '.join(known)}")
    numbers = {key: value for key, value in table.items() if key != "distribution"}
    if "path" in numbers:
        numbers["path"] = folder / numbers["path"]
    return known[table["distribution"]](**numbers)


def _numbers(field: str, values: Any) -> FloatArray:
    if isinstance(values, str) or not isinstance(values, Iterable | np.ndarray):
        raise ProblemError(f"{field} is {reprlib.repr(values)}; it must be a list of numbers")
    try:
        array = np.array(values if isinstance(values, np.ndarray) else list(values), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ProblemError(f"{field} is {reprlib.repr(values)}; it must be a list of numbers") from error
    if array.ndim != 1 or not np.isfinite(array).all():
        raise ProblemError(f"{field} must be one list of finite numbers")
    return array


def _require_whole(n_max: Any) -> None:
    if type(n_max) is not int or not 1 <= n_max <= _LONGEST_KNOWN:
        raise ProblemError(f"n_max is {n_max!r}; it must be a whole number from 1 to 1e7")


def _require_positive(**values: float) -> None:
    for name, value in values.items():
        if isinstance(value, str) or not (value > 0 and math.isfinite(value)):
            raise ProblemError(f"{name} is {value}; it must be finite and positive")
