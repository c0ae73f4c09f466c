"""Readers of table columns, part by part: numbers, numbers with gaps, right or wrong, labels, text.

A value that breaks the rule of its column is an error that names the place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError

_TRUE, _FALSE = ("1", "1.0", "true", "yes"), ("0", "0.0", "false", "no")


@dataclass
class Labels:
    """Labels as whole numbers, in order of first appearance."""

    names: list[str] = field(default_factory=list)
    codes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.codes)


class Numbers:
    """A column of finite numbers."""

    rule = "must be a finite number"

    def __init__(self) -> None:
        self.parts: list[FloatArray] = []

    def take(self, values: Sequence[Any], where: str, first: int) -> None:
        """Add a part (ProblemError); `where` names the place but for the line, `first` is the first line."""
        try:
            part = np.array(values, dtype=np.float64)
        except (TypeError, ValueError):
            part = np.array([_number(value) for value in values])
        bad: NDArray[np.bool_] = ~self.good(part, values)
        if bad.any():
            row = int(np.argmax(bad))
            raise ProblemError(f"{where.format(first + row)} is {values[row]!r}; it {self.rule}")
        self.parts.append(part)

    def good(self, part: FloatArray, values: Sequence[Any]) -> NDArray[np.bool_]:
        """Which values are allowed in the column."""
        return np.asarray(np.isfinite(part))

    def result(self) -> FloatArray:
        """The whole column."""
        return np.concatenate(self.parts)


class Gaps(Numbers):
    """A column of numbers, some of which may be missing: empty, None or NaN."""

    rule = "must be a finite number, or empty"

    def good(self, part: FloatArray, values: Sequence[Any]) -> NDArray[np.bool_]:
        """Which values are allowed in the column."""
        good: NDArray[np.bool_] = np.isfinite(part)
        for row in np.flatnonzero(~good).tolist():
            value = values[row]
            good[row] = value is None or str(value).strip().lower() in ("", "nan")
        return good


class Flags(Numbers):
    """A column of right (1, true, yes) and wrong (0, false, no)."""

    rule = "must be 0 or 1, true or false"

    def take(self, values: Sequence[Any], where: str, first: int) -> None:
        """Add a part (ProblemError); `where` names the place but for the line, `first` is the first line."""
        super().take([_FLAG.get(value, value) for value in values], where, first)

    def good(self, part: FloatArray, values: Sequence[Any]) -> NDArray[np.bool_]:
        """Which values are allowed in the column."""
        return np.asarray((part == 0) | (part == 1))


_FLAG: dict[Any, float] = {
    spelled: value
    for words, value in ((_TRUE, 1.0), (_FALSE, 0.0))
    for word in words
    for spelled in (word, word.upper(), word.capitalize())
}


class Texts:
    """A column of text, as it is."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def take(self, values: Sequence[Any], where: str, first: int) -> None:
        """Add a part (ProblemError); `where` names the place but for the line, `first` is the first line."""
        self.values += values

    def result(self) -> list[Any]:
        """The whole column."""
        return self.values


class Codes:
    """A column of labels, none of them empty."""

    def __init__(self) -> None:
        self.index: dict[str, int] = {}
        self.parts: list[NDArray[np.int64]] = []

    def take(self, values: Sequence[Any], where: str, first: int) -> None:
        """Add a part (ProblemError); `where` names the place but for the line, `first` is the first line."""
        index = self.index
        labels = list(map(str, values))
        codes = list(map(index.get, labels))
        if None in codes:
            codes = [index.setdefault(label, len(index)) for label in labels]
        if "" in index:
            row = labels.index("")
            raise ProblemError(f"{where.format(first + row)} is empty; it must be a label")
        self.parts.append(np.array(codes, dtype=np.int64))

    def result(self) -> Labels:
        """The whole column."""
        return Labels(list(self.index), np.concatenate(self.parts))


READERS: dict[str, Callable[[], Any]] = {
    "label": Codes,
    "number": Numbers,
    "gap": Gaps,
    "flag": Flags,
    "text": Texts,
}


def _number(value: Any) -> float:
    try:
        return float(value) if value is not None else float("nan")
    except (TypeError, ValueError):
        return float("nan")
