"""A table read: its columns found, checked and converted, failed and blank rows left out, times in order."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest
from cvxtoken.logs import scores as right_or_wrong
from cvxtoken.logs import times
from cvxtoken.logs.columns import PERCENT, UNITS, Column, Columns, Hints, Labels, Table, Times
from cvxtoken.logs.names import Found, find
from cvxtoken.logs.numbers import decimal_mark, numbers
from cvxtoken.logs.opening import Opened, open_table
from cvxtoken.logs.reading import Reading, Understood
from cvxtoken.logs.rows import Mask, Rows, choose, taken, without_failed

MOST_TOKENS = 1e9
_UNITS_OF = {"score": (PERCENT,), "seconds": tuple(UNITS), "time": tuple(UNITS)}
_RULES = {
    "label": "must be a label",
    "number": "must be a finite number",
    "positive": "must be a positive number",
    "tokens": "must be a {whole}number of tokens from {least} to 1e9",
    "seconds": "must be a positive number",
    "score": right_or_wrong.RULE,
    "time": times.RULE,
}


class Taken(NamedTuple):
    """What was taken of a table: columns by our names, what was done, and what errors call a row."""

    columns: Columns
    reading: Reading
    place: Callable[[int], str]


@dataclass(eq=False)
class _Read:
    """A column that was read: its values, where there are none, where they break the rule, and how."""

    values: Any
    missing: Mask
    wrong: Mask
    how: str = ""


def read(
    table: Table | Opened,
    wanted: Mapping[str, Column],
    columns: Mapping[str, str] | None = None,
    hints: Hints | None = None,
    perhaps: Mapping[str, str] | None = None,
    option: str = "--column",
) -> Taken:
    """The wanted columns of a table, all of one length, and what was done to get them.

    Values are arrays of float64, `Labels` or `Times`; optional columns that the table lacks are left out.
    Rows with nothing in them, and requests that the table says have failed, are left out and counted; a
    table with times is sorted by them.

    Args:
        table: a file in one of the forms of `open_table`, columns by name, or what is opened already.
        wanted: by our names.
        columns: what the table calls a column, by our name.
        hints: what the user says of what is doubtful.
        perhaps: what another table calls a column, for this one if it has it too.
        option: how the command line says what a column is called.

    Raises:
        ProblemError: the table cannot be read, a column is missing, a value breaks its rule (the message
            names the file, the line, the column, the value and the option that answers), or what it means is
            doubtful.
    """
    told, hints = dict(columns or {}), hints or Hints()
    for name in told:
        if name not in wanted:
            raise ProblemError(f"{name!r} is not a column that is read{nearest(name, wanted)}")
    opened = table if isinstance(table, Opened) else open_table(table)
    found = find(opened.header, wanted, told, perhaps or {}, opened.origin, option)
    rows = taken(opened, found, wanted)
    choose(rows, hints)
    if not len(rows.row):
        raise ProblemError(f"{opened.origin}: there are no rows")
    if "status" in found:
        without_failed(rows)
    mark = decimal_mark(_with_numbers(rows, wanted, found), opened.origin, hints.decimal)
    parts = {name: _values(rows, name, wanted[name], found[name], hints, mark) for name in rows.columns}
    _check(rows, parts, wanted, found, hints)
    how = {name: part.how for name, part in parts.items()}
    values = _in_order(rows, {name: part.values for name, part in parts.items()}, wanted)
    understood = tuple(
        Understood(name, one.theirs, ", ".join(filter(None, (how.get(name, ""), one.how))))
        for name, one in found.items()
    )
    form = opened.form + (", decimal comma" if mark == "comma" else "")
    count = len(rows.row)
    reading = Reading(opened.origin, form, opened.sha256, count, understood, tuple(rows.notes))
    return Taken(values, reading, rows.place)


def _with_numbers(
    rows: Rows, wanted: Mapping[str, Column], found: Mapping[str, Found]
) -> list[tuple[pl.Series, bool, str]]:
    """The columns that tell the decimal mark."""
    kinds = ("number", "positive", "tokens", "seconds", "score", "time")
    return [
        (column, wanted[name].kind == "tokens", found[name].theirs)
        for name, column in rows.columns.items()
        if wanted[name].kind in kinds
    ]


def _values(rows: Rows, name: str, column: Column, one: Found, hints: Hints, mark: str) -> _Read:
    """The values of a column."""
    given, unit = rows.columns[name], hints.units.get(name, "")
    allowed = _UNITS_OF.get(column.kind, ())
    if unit and unit not in allowed:
        raise ProblemError(f"unit of {name} is {unit!r}; it must be {' or '.join(allowed) or 'left out'}")
    if column.kind == "label":
        return _labels(given, column.gaps)
    if column.kind == "time":
        where = f"{rows.opened.origin}: {one.theirs!r}"
        moments = times.moments(given, unit or one.unit, hints, where, mark)
        return _Read(moments, moments.missing, moments.wrong, moments.how)
    if column.kind == "score":
        scored = right_or_wrong.scores(given, mark, unit)
        return _Read(scored.found.values, scored.found.missing, scored.found.wrong, scored.how)
    found = numbers(given, mark)
    values, wrong, how = found.values, found.wrong, ""
    if column.kind == "tokens":
        wrong = wrong | (~found.missing & ~((values >= 0) & (values <= MOST_TOKENS)))
        wrong |= ~found.missing & (values != np.floor(values)) if column.whole else False
    if column.kind == "positive":
        wrong = wrong | (~found.missing & ~(values > 0))
    if column.kind == "seconds":
        wrong = wrong | (~found.missing & ~(values >= 0))
        unit = unit or one.unit or "s"
        values, how = values * UNITS[unit], "" if unit == "s" else f"from {unit}"
    return _Read(values, found.missing, wrong, how)


def _labels(column: pl.Series, gaps: bool) -> _Read:
    """Labels as codes; a missing one is the empty label where it may be missing."""
    text = column.cast(pl.String).str.strip_chars()
    text = text.fill_null("") if gaps else text
    missing = (text.is_null() | (text == "")).to_numpy().astype(bool)
    names = (text if gaps else text.filter(pl.Series(~missing))).unique(maintain_order=True)
    codes = text.replace_strict(names, np.arange(len(names)), default=-1, return_dtype=pl.Int64)
    return _Read(Labels(names.to_list(), codes.to_numpy()), missing, np.zeros(len(text), bool))


def _check(
    rows: Rows,
    parts: dict[str, _Read],
    wanted: Mapping[str, Column],
    found: Mapping[str, Found],
    hints: Hints,
) -> None:
    """Refuse values that break their rule; leave out rows as the user says (ProblemError)."""
    blank = np.zeros(len(rows.row), dtype=bool)
    empty = blank.copy()
    for name, part in parts.items():
        column, theirs = wanted[name], found[name].theirs
        if not column.gaps and part.missing.any():
            if "blank" not in hints.drop:
                row = int(np.argmax(part.missing))
                raise ProblemError(
                    f"{rows.opened.origin}, {rows.place(row)}: {theirs!r} is empty; it {_rule(column)}; "
                    "--drop blank leaves such rows out (Hints.drop)"
                )
            blank |= part.missing
        none = _without_output(part, column)
        if none.any():
            if "failed" not in hints.drop:
                _refuse(
                    rows,
                    name,
                    none & ~blank,
                    column,
                    theirs,
                    "; --drop failed leaves such rows out (Hints.drop)",
                )
            empty |= none
    for name, part in parts.items():
        _refuse(rows, name, part.wrong & ~blank & ~empty, wanted[name], found[name].theirs, "")
    timed = any(wanted[name].kind == "time" for name in parts)
    for what, mask in (("incomplete rows", blank), ("rows without output", empty & ~blank)):
        if mask.any():
            rows.notes.append(f"{int(mask.sum())} {what} left out{', of any rate too' if timed else ''}")
    kept = ~(blank | empty)
    if not kept.any():
        raise ProblemError(f"{rows.opened.origin}: no row is left of {len(kept)}")
    for part in parts.values():
        part.values = _at(part.values, np.flatnonzero(kept)) if not kept.all() else part.values
    rows.keep(kept)


def _without_output(part: _Read, column: Column) -> Mask:
    """Rows of failed requests: less than the least tokens, or no time."""
    if column.kind == "tokens" and column.least:
        return np.asarray(~part.missing & ~part.wrong & (part.values < column.least))
    if column.kind == "seconds":
        return np.asarray(~part.missing & ~part.wrong & (part.values == 0))
    return np.zeros(len(part.missing), dtype=bool)


def _refuse(rows: Rows, name: str, bad: Mask, column: Column, theirs: str, option: str) -> None:
    """Refuse the first bad value of a column (ProblemError)."""
    if not bad.any():
        return
    row = int(np.argmax(bad))
    value = reprlib.repr(rows.columns[name][row])
    rule = _rule(column)
    raise ProblemError(f"{rows.opened.origin}, {rows.place(row)}: {theirs!r} is {value}; it {rule}{option}")


def _rule(column: Column) -> str:
    return _RULES[column.kind].format(least=column.least, whole="whole " if column.whole else "")


def _at(values: Any, rows: NDArray[np.intp]) -> Any:
    """The values of some rows."""
    if isinstance(values, Labels):  # labels of rows that are left out are no labels any more
        kept, first, codes = np.unique(values.codes[rows], return_index=True, return_inverse=True)
        order = np.argsort(first)
        return Labels([values.names[int(kept[code])] for code in order], np.argsort(order)[codes])
    if isinstance(values, times.Moments):
        part = (values.ns[rows], values.missing[rows], values.wrong[rows])
        return times.Moments(*part, values.dated, values.how)
    return values[rows]


def _in_order(rows: Rows, values: Columns, wanted: Mapping[str, Column]) -> Columns:
    """The columns sorted by time, if there is one; times from the earliest."""
    clock = next((name for name in values if wanted[name].kind == "time"), None)
    if clock is None:
        return values
    ns = values[clock].ns
    back = int((np.diff(ns) < 0).sum())
    if back:
        rows.notes.append(f"sorted by time: {back} rows were earlier than the one above")
        order = np.argsort(ns, kind="stable")
        values = {name: _at(column, order) for name, column in values.items()}
        rows.row = rows.row[order]
        ns = values[clock].ns
    start = int(ns[0])
    seconds = (ns - start) / 1e9
    return values | {clock: Times(seconds, start if values[clock].dated else None)}
