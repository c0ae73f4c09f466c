"""Columns as Polars has them, from records, from Parquet, and from what is in memory."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from cvxtoken.errors import ProblemError
from cvxtoken.logs.documents import flattened

_WITH_JSON = ("model_usage", "usage")  # columns that hold JSON as text where a tool writes CSV

Frame = tuple[list[str], pl.DataFrame]  # a header, and columns called by their numbers


def from_records(records: Sequence[Mapping[str, Any]]) -> Frame:
    """Columns of flat records; what a record lacks is missing."""
    shapes = dict.fromkeys(map(tuple, records))  # the names of one record after another: few different ones
    names = list(dict.fromkeys(name for shape in shapes for name in shape))
    columns = [[record.get(name) for record in records] for name in names]
    return _frame(names, [series(column) for column in columns])


def from_parquet(data: bytes, origin: str) -> Frame:
    """Columns of a Parquet file (ProblemError)."""
    try:
        return _from_polars(pl.read_parquet(io.BytesIO(data)))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ProblemError(f"{origin}: cannot be read: {str(error).splitlines()[0]}") from error


def in_memory(table: Any) -> Frame:
    """Columns of a mapping, of a pandas or of a Polars frame (ProblemError: of different lengths)."""
    if isinstance(table, pl.LazyFrame):
        table = table.collect()
    if isinstance(table, pl.DataFrame):
        return _from_polars(table)
    names = list(table.keys())  # a data frame iterates otherwise
    columns = [from_array(table[name]) for name in names]
    lengths = {len(column) for column in columns}
    if len(lengths) > 1:
        raise ProblemError(f"table: columns have {min(lengths)} to {max(lengths)} rows; they must agree")
    return _frame([str(name) for name in names], columns)


def spread_json(header: list[str], frame: pl.DataFrame) -> Frame:
    """The columns, and the fields of the objects that some of them hold as JSON text."""
    columns = list(frame)
    names = list(header)
    for name, column in zip(header, frame, strict=True):
        if name.casefold() not in _WITH_JSON or column.dtype != pl.String:
            continue
        try:
            objects = [json.loads(text) if text else {} for text in column.to_list()]
        except ValueError:
            continue
        if all(isinstance(entry, Mapping) for entry in objects):
            more, spread = from_records([flattened(entry, f"{name}.") for entry in objects])
            names += more
            columns += list(spread)
    return _frame(names, columns)


def series(values: list[Any]) -> pl.Series:
    """Values as a column of numbers, of truths, of texts or of lists; what is mixed becomes text."""
    kinds = {type(value) for value in values} - {type(None)}
    try:
        if kinds == {int, float}:
            return pl.Series(values, dtype=pl.Float64, strict=False)
        if kinds == {list} and {type(entry) for value in values for entry in value or ()} == {int, float}:
            return pl.Series([None if value is None else list(map(float, value)) for value in values])
        if len(kinds) == 1 and kinds <= {int, float, bool, str, list}:
            return pl.Series(values)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        pass  # whole numbers beyond 64 bits, or lists of mixed values
    return pl.Series([None if value is None else str(value) for value in values], dtype=pl.String)


def from_array(column: Any) -> pl.Series:
    """A column in memory."""
    array = np.asarray(column)
    if array.ndim != 1:
        raise ProblemError(f"table: a column has shape {array.shape}; it must be one list")
    if array.dtype.kind == "M":
        return pl.Series(array.astype("datetime64[ns]"))
    if array.dtype.kind == "m":
        return pl.Series(array / np.timedelta64(1, "s"))
    if array.dtype.kind in "iufb":
        return pl.Series(array)
    return series(array.tolist())


def _from_polars(frame: pl.DataFrame) -> Frame:
    """Columns of a Polars frame, those of structures as `structure.field`."""
    names: list[str] = []
    columns: list[pl.Series] = []
    for column in frame:
        if isinstance(column.dtype, pl.Struct):
            more, parts = _from_polars(column.struct.unnest())
            names += [f"{column.name}.{name}" for name in more]
            columns += list(parts)
            continue
        if isinstance(column.dtype, pl.Categorical | pl.Enum):
            column = column.cast(pl.String)
        if isinstance(column.dtype, pl.Duration):
            column = column.cast(pl.Duration("ns")).to_physical() / 1e9
        names.append(column.name)
        columns.append(column)
    return _frame(names, columns)


def _frame(names: list[str], columns: list[pl.Series]) -> Frame:
    return names, pl.DataFrame([column.alias(str(place)) for place, column in enumerate(columns)])
