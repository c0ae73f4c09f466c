"""What is wanted of a table, what a user says of it, and what reading gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest

Table = str | Path | Mapping[str, Sequence[Any]]  # or a pandas or Polars frame
Columns = dict[str, Any]  # by our names: arrays of float64, Labels, Times

UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}  # in seconds
PERCENT = "percent"
DROPS = ("blank", "failed", "tasks")
DATES = ("day-first", "month-first")
DECIMALS = ("point", "comma")


@dataclass(frozen=True)
class Column:
    """How a column is to be read.

    Attributes:
        kind: label, number, positive (a number), tokens (not negative), seconds (positive), score (from 0 to
            1), time, or status (whether a request failed).
        required: whether the table must have it.
        gaps: whether a value may be missing; it is NaN then.
        least: of tokens, the smallest number; a smaller one, such as no output, is that of a failed request.
        whole: of tokens, whether they must be whole numbers.
        called: what options call it, where not by our name.
        otherwise: what else than its name would do where the table lacks it, in words for the error.
    """

    kind: str
    required: bool = True
    gaps: bool = False
    least: int = 0
    whole: bool = False
    called: str = ""
    otherwise: str = ""


@dataclass(frozen=True)
class Hints:
    """What a user says of tables where it cannot be told from them.

    Attributes:
        units: by our name of a column: s, ms, us or ns; of correct also percent.
        where: the text, or the number, that a column of the table must hold; other rows are left out.
        drop: rows to leave out, and to count: blank (a value that is needed is missing), failed (no output,
            or no time), tasks (of a task that only one of two tables has).
        dates: day-first or month-first, for dates such as 03/04/2026.
        zone: of times that state none where others do: an offset such as +02:00, or a name as Europe/Paris.
        decimal: point or comma, for numbers such as 1,024.

    Raises:
        ProblemError: one of them is none of these words.
    """

    units: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    dates: str | None = None
    zone: str | None = None
    decimal: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "drop", tuple(self.drop))
        given = [("unit", unit, (*UNITS, PERCENT)) for unit in self.units.values()]
        given += [("drop", kind, DROPS) for kind in self.drop]
        given += [("dates", self.dates, DATES)] if self.dates is not None else []
        given += [("decimal", self.decimal, DECIMALS)] if self.decimal is not None else []
        for name, value, known in given:
            if value not in known:
                raise ProblemError(
                    f"{name} is {value!r}; it must be one of {', '.join(known)}{nearest(str(value), known)}"
                )

    def check(self, *known: Mapping[str, Column]) -> None:
        """Refuse units of columns that are in none of the tables (ProblemError)."""
        names = [name for wanted in known for name in wanted]
        for name in self.units:
            if name not in names:
                raise ProblemError(f"unit of {name!r} is given, which is not read{nearest(name, names)}")


@dataclass
class Labels:
    """Labels as whole numbers, in order of first appearance."""

    names: list[str]
    codes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def texts(self) -> NDArray[Any]:
        """The labels themselves, shape (rows,)."""
        return np.array(self.names, dtype=object)[self.codes]


@dataclass
class Times:
    """Moments, counted from the earliest.

    Attributes:
        seconds: shape (rows,), not negative.
        start: the earliest moment in ns since 1970 UTC (or in the log's own zone where none is stated); None
            where times are counted from no known moment.
    """

    seconds: FloatArray
    start: int | None

    def __len__(self) -> int:
        return len(self.seconds)
