"""The rows of a table that are wanted: lists become rows, blank rows and failed requests are left out."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest
from cvxtoken.logs.columns import Column, Hints
from cvxtoken.logs.names import Found, listed, plain
from cvxtoken.logs.opening import Opened
from cvxtoken.logs.status import failed

Mask = NDArray[np.bool_]
_MOST_LISTED = 12


@dataclass(eq=False)
class Rows:
    """The rows that are left of a table, and what was done to it."""

    opened: Opened
    columns: dict[str, Any]  # series by our names; of status all its columns
    row: NDArray[np.int64]  # of the table, shape (rows,)
    entry: NDArray[np.int64] | None = None  # in the lists of that row
    notes: list[str] = field(default_factory=list)

    def place(self, row: int) -> str:
        """What errors call a row that is left."""
        at = self.opened.place(int(self.row[row]))
        return at if self.entry is None else f"{at}, entry {int(self.entry[row]) + 1}"

    def keep(self, kept: Mask) -> None:
        """Leave out the others."""
        if kept.all():
            return
        mask = pl.Series(kept)
        for ours, column in self.columns.items():
            several = isinstance(column, list)
            self.columns[ours] = [c.filter(mask) for c in column] if several else column.filter(mask)
        self.row = self.row[kept]
        self.entry = None if self.entry is None else self.entry[kept]


def taken(opened: Opened, found: Mapping[str, Found], wanted: Mapping[str, Column]) -> Rows:
    """The columns that were found; lists in them become rows (ProblemError: of different lengths)."""
    columns: dict[str, Any] = {}
    for name, one in found.items():
        parts = [opened.frame.to_series(place) for place in one.places]
        if wanted[name].kind == "status":
            columns[name] = parts
        else:
            columns[name] = parts[0] if len(parts) == 1 else _sum(parts)
    rows = Rows(opened, columns, np.arange(opened.frame.height))
    lists = [name for name, c in columns.items() if not isinstance(c, list) and isinstance(c.dtype, pl.List)]
    if not lists:
        return rows
    status = columns.pop("status", None)
    flat = pl.DataFrame([column.alias(name) for name, column in columns.items()]).with_row_index("#")
    if status is not None and all(isinstance(c.dtype, pl.List) for c in status):
        flat = flat.with_columns(**{f"#{column.name}": column for column in status})
        lists += [f"#{column.name}" for column in status]
    try:
        flat = flat.explode(lists)
    except pl.exceptions.PolarsError as error:
        names = ", ".join(found[name].theirs for name in lists if name in found)
        raise ProblemError(f"{opened.origin}: the lists of {names} are not of one length") from error
    rows.columns = {name: flat[name] for name in columns}
    if any(name.startswith("#") for name in lists):
        rows.columns["status"] = [flat[name] for name in lists if name.startswith("#")]
    rows.row = flat["#"].to_numpy().astype(np.int64)
    starts = np.r_[0, np.flatnonzero(np.diff(rows.row)) + 1]
    rows.entry = np.arange(len(rows.row)) - np.repeat(starts, np.diff(np.r_[starts, len(rows.row)]))
    return rows


def _sum(parts: list[pl.Series]) -> pl.Series:
    """Columns added up; missing only where all are."""
    frame = pl.DataFrame([part.cast(pl.Float64, strict=False).alias(str(i)) for i, part in enumerate(parts)])
    total = frame.sum_horizontal()
    return total.set(frame.select(pl.all_horizontal(pl.all().is_null())).to_series(), None)


def choose(rows: Rows, hints: Hints) -> None:
    """Leave out the rows with nothing in them, and those that the user does not choose (ProblemError)."""
    frame, origin = rows.opened.frame, rows.opened.origin
    header = rows.opened.header
    if rows.entry is not None:
        if hints.where:
            raise ProblemError(f"{origin}: --where (Hints.where) chooses no entries of lists")
        return
    blank = pl.Series(np.ones(frame.height, dtype=bool))
    for column in frame:
        none = column.is_null()
        blank &= (
            none | (column.str.strip_chars() == "").fill_null(True) if column.dtype == pl.String else none
        )
        if not blank.any():
            break
    kept = ~blank.to_numpy()
    if not kept.all():
        rows.notes.append(f"{int((~kept).sum())} rows with nothing in them left out")
    for name, value in hints.where.items():
        place = next((p for p, theirs in enumerate(header) if plain(theirs) == plain(name)), None)
        if place is None:
            raise ProblemError(
                f"{origin}: there is no column {name!r} to choose rows by{nearest(name, header)}; "
                f"columns: {listed(header)}"
            )
        texts = frame.to_series(place).cast(pl.String).str.strip_chars()
        before, kept = kept, kept & _same(texts, str(value).strip())
        if not kept.any():
            known = [repr(t) for t in texts.filter(pl.Series(before)).unique(maintain_order=True).to_list()]
            more = ", ..." if len(known) > _MOST_LISTED else ""
            raise ProblemError(
                f"{origin}: {name} is {value!r} in no row that is left; it must be one of "
                f"{', '.join(known[:_MOST_LISTED])}{more}"
            )
        rows.notes.append(f"{int(before.sum() - kept.sum())} rows whose {name} is not {value} left out")
    rows.keep(kept)


def _same(texts: pl.Series, value: str) -> Mask:
    """Where a column holds a text, or the same number."""
    same = (texts == value).fill_null(False)
    with suppress(ValueError):
        same |= (texts.cast(pl.Float64, strict=False) == float(value)).fill_null(False)
    return np.asarray(same.to_numpy(), dtype=bool)


def without_failed(rows: Rows) -> None:
    """Leave out requests that the table says have failed."""
    status = rows.columns.pop("status")
    bad = failed([(rows.opened.header[int(column.name.removeprefix("#"))], column) for column in status])
    if bad.all():
        raise ProblemError(f"{rows.opened.origin}: all {len(bad)} requests have failed")
    if bad.any():
        rows.notes.append(f"{int(bad.sum())} failed requests left out")
    rows.keep(~bad)
