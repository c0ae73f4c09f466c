"""Columns of a table: a CSV or Parquet file, or what is in memory. Numbers as arrays, labels as codes.

A file is read once, a few thousand lines at a time. A bad value is an error that names its line.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cvxtoken.errors import MissingExtraError, ProblemError
from cvxtoken.files import nearest
from cvxtoken.fitting.columns import READERS

_CHUNK = 4000  # lines: few enough that the garbage collector stays idle


@dataclass(frozen=True)
class Column:
    """How a column is to be read.

    Attributes:
        kind: label, number, gap (a number that may be missing: NaN), flag (right or wrong) or text.
        required: whether the table must have it.
    """

    kind: str
    required: bool = True


Table = str | Path | Mapping[str, Sequence[Any]]
Columns = dict[str, Any]  # by our names: what the readers of `columns` give


def read_table(table: Table, wanted: dict[str, Column], mapping: Mapping[str, str] | None = None) -> Columns:
    """The wanted columns, all of one length; optional ones that the table lacks are left out.

    Args:
        table: a .csv or .parquet file, or columns by name (a mapping, a data frame).
        wanted: by our names.
        mapping: what the table calls a column, by our name.

    Raises:
        ProblemError: the file cannot be read or is not UTF-8; a column is missing (the message lists those
            there are); or a value breaks the rule of its column (the message names the line).
        MissingExtraError: the file is Parquet, and pyarrow is not installed.
    """
    mapping = mapping or {}
    for name in mapping:
        if name not in wanted:
            raise ProblemError(f"{name!r} is not a column that is read{nearest(name, wanted)}")
    names = {name: mapping.get(name, name) for name in wanted}
    origin = str(table) if isinstance(table, str | Path) else "table"
    if not isinstance(table, str | Path):
        chunks = _memory(table, names, wanted)
    elif Path(table).suffix == ".csv":
        chunks = _csv(Path(table), names, wanted)
    elif Path(table).suffix == ".parquet":
        chunks = _parquet(Path(table), names, wanted)
    else:
        raise ProblemError(f"{origin}: the ending is {Path(table).suffix!r}; it must be .csv or .parquet")
    readers = {name: READERS[column.kind]() for name, column in wanted.items()}
    rows = 0
    there: set[str] = set()
    for first, chunk in chunks:
        for name, values in chunk.items():
            there.add(name)
            readers[name].take(values, f"{origin}, line {{}}: {names[name]!r}", first)
            length = len(values)
        rows += length
    if not rows:
        raise ProblemError(f"{origin}: there are no rows")
    return {name: readers[name].result() for name in wanted if name in there}


def header(table: Table) -> list[str]:
    """The names of the columns of a .csv file, or of what is in memory (ProblemError)."""
    if not isinstance(table, str | Path):
        return _names(table)
    with _reading(Path(table)) as reader:
        return _header(reader)


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file, in hexadecimal (ProblemError where it cannot be read)."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ProblemError(f"{path}: cannot be read: {error.strerror}") from error


Chunks = Iterator[tuple[int, dict[str, Sequence[Any]]]]  # the first line's number, and values by our names


def _found(
    header: list[str], names: dict[str, str], wanted: dict[str, Column], origin: str
) -> dict[str, int]:
    """Places of the wanted columns (ProblemError: a column occurs twice, or a required one is missing)."""
    for name, theirs in names.items():
        if header.count(theirs) > 1:
            raise ProblemError(f"{origin}: column {theirs!r} occurs twice")
        if theirs not in header and wanted[name].required:
            called = f" for {name}" if name != theirs else ""
            raise ProblemError(
                f"{origin}: there is no column {theirs!r}{called}{nearest(theirs, header)}; "
                f"columns: {', '.join(header) or 'none'}; other names are told by --column (columns=)"
            )
    return {name: header.index(theirs) for name, theirs in names.items() if theirs in header}


def _header(reader: Iterator[list[str]]) -> list[str]:
    return [name.strip() for name in next(reader, [])]


def _names(table: Mapping[str, Sequence[Any]]) -> list[str]:
    return [str(name) for name in table.keys()]  # noqa: SIM118 (a data frame iterates otherwise)


@contextmanager
def _reading(path: Path) -> Iterator[Any]:
    """A CSV reader; what goes wrong while it is used is an error that names the file (ProblemError)."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            yield csv.reader(file)
    except UnicodeDecodeError as error:
        raise ProblemError(f"{path}: not UTF-8 text: {error.reason} at byte {error.start}") from error
    except OSError as error:
        raise ProblemError(f"{path}: cannot be read: {error.strerror}") from error
    except csv.Error as error:
        raise ProblemError(f"{path}: not a CSV file: {error}") from error


def _csv(path: Path, names: dict[str, str], wanted: dict[str, Column]) -> Chunks:
    with _reading(path) as reader:
        header = _header(reader)
        places = _found(header, names, wanted, str(path))
        first = reader.line_num + 1
        while rows := list(itertools.islice(reader, _CHUNK)):
            if set(map(len, rows)) != {len(header)}:
                rows = _whole(rows, header, path, first)
            columns = list(zip(*rows, strict=True))
            yield first, {name: columns[place] for name, place in places.items()}
            first = reader.line_num + 1


def _whole(rows: list[list[str]], header: list[str], path: Path, first: int) -> list[list[str]]:
    """The rows, without empty lines at the end (ProblemError: a row has too few or too many fields)."""
    while rows and not rows[-1]:
        rows.pop()
    for number, row in enumerate(rows, first):
        if len(row) != len(header):
            raise ProblemError(f"{path}, line {number}: {len(row)} fields; the header has {len(header)}")
    return rows


def _parquet(path: Path, names: dict[str, str], wanted: dict[str, Column]) -> Chunks:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise MissingExtraError("a Parquet file needs pyarrow: pip install 'cvxtoken[parquet]'") from error
    try:
        with parquet.ParquetFile(path) as file:
            places = _found(list(file.schema_arrow.names), names, wanted, str(path))
            first = 1
            for batch in file.iter_batches(_CHUNK, columns=[names[name] for name in places]):
                yield first, {name: batch.column(names[name]).to_pylist() for name in places}
                first += batch.num_rows
    except (OSError, ArrowException) as error:
        raise ProblemError(f"{path}: cannot be read: {error}") from error


def _memory(table: Mapping[str, Sequence[Any]], names: dict[str, str], wanted: dict[str, Column]) -> Chunks:
    places = _found(_names(table), names, wanted, "table")
    values = {name: np.asarray(table[names[name]]).tolist() for name in places}
    lengths = {len(column) for column in values.values()}
    if len(lengths) > 1:
        raise ProblemError(f"table: columns have {min(lengths)} to {max(lengths)} rows; they must agree")
    yield 1, values
