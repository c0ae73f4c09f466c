"""JSON, and JSON lines: the documents of a file, the records in them, and the fields of a record."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from cvxtoken.errors import ProblemError

Record = dict[str, Any]
_NESTED = frozenset((dict, list))  # the types of values that JSON nests

# where tools keep their records, within lists too
_HOLDERS = ("data", "results", "records", "rows", "samples", "requests", "items", "entries", "benchmarks")
_PATHS = (("benchmarks", "requests", "successful"), ("experiments", "requests"))


def read_documents(text: str, origin: str) -> tuple[list[Any], list[int]]:
    """The documents, and the lines on which they stand; no lines where the whole file is one document.

    NaN and Infinity are taken, which benchmarks write; who uses a value checks it.

    Raises:
        ProblemError: it is neither JSON nor JSON lines; the message names the line.
    """
    try:
        return [json.loads(text)], []
    except RecursionError as error:
        raise ProblemError(f"{origin}: not valid JSON: it is nested too deep") from error
    except ValueError as error:
        whole = error
    given = text.split("\n")
    lines = [number for number, line in enumerate(given, 1) if line.strip()]
    documents = []
    with _no_collection():
        for number in lines:
            try:
                documents.append(json.loads(given[number - 1]))
            except (ValueError, RecursionError) as error:
                if not documents:  # a document of several lines
                    raise ProblemError(f"{origin}: not valid JSON: {whole}") from whole
                raise ProblemError(f"{origin}, line {number}: not valid JSON: {error}") from error
    return documents, lines


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without searches for cycles, which cost more than all else where a million objects are made."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def records_of(
    documents: Sequence[Any], lines: Sequence[int], origin: str
) -> tuple[list[Record], Callable[[int], str]]:
    """The records of all documents, flat, and what to call the place of one.

    A document is a record, a list of records, a mapping of columns, or holds one of these under a name.

    Raises:
        ProblemError: there is something else where a record should be, or it is not clear which list is
            meant.
    """
    records: list[Any] = []
    at: list[int] = []  # the document of each
    with _no_collection():
        for number, document in enumerate(documents):
            found = _records(document, origin)
            records += found
            at += [number] * len(found)

    def place(row: int) -> str:
        return f"line {lines[at[row]]}" if lines else f"record {row + 1}"

    bad = next((row for row, record in enumerate(records) if not isinstance(record, dict)), None)
    if bad is not None:
        kind = type(records[bad]).__name__
        raise ProblemError(f"{origin}, {place(bad)}: a {kind}; it must be an object of fields")
    with _no_collection():
        return [flattened(record) for record in records], place


def _records(document: Any, origin: str) -> Sequence[Any]:
    """The records of a document."""
    if isinstance(document, list):
        return document
    if not isinstance(document, dict) or not _is_nested(document):
        return [document]
    for path in _PATHS:
        found = _under(document, path)
        if found:
            return found
    values = list(document.values())
    if all(isinstance(value, dict) and not _is_nested(value) for value in values):
        rows = list(values[0])
        if len(rows) > 1 and all(list(value) == rows for value in values):  # columns by row, as of pandas
            return [{name: document[name][row] for name in document} for row in rows]
    if {"columns", "data"} <= set(document) and isinstance(document["data"], list):  # as pandas splits
        names = document["columns"]
        if all(isinstance(row, list) and len(row) == len(names) for row in document["data"]):
            return [dict(zip(names, row, strict=True)) for row in document["data"]]
    lists = {name: value for name, value in document.items() if _is_records(value)}
    held = {name: value for name, value in lists.items() if len(document) == 1 or name in _HOLDERS}
    if len(held) > 1:
        raise ProblemError(
            f"{origin}: there are records under {' and under '.join(map(repr, list(held)[:2]))}; "
            "a file must hold one table"
        )
    return next(iter(held.values()), [document])


def _is_nested(record: Record) -> bool:
    return not _NESTED.isdisjoint(map(type, record.values()))


def _is_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(entry, dict) for entry in value)


def _under(document: Any, path: Sequence[str]) -> list[Any]:
    """All records under a path of names, through lists."""
    if isinstance(document, list):
        return [record for entry in document for record in _under(entry, path)]
    if not path:
        return [document]
    inside = document.get(path[0]) if isinstance(document, dict) else None
    return [] if inside is None else _under(inside, path[1:])


def flattened(record: Record, above: str = "") -> Record:
    """The fields of a record, those of objects in it as `object.field`; not lists of lists or objects."""
    if not above and not _is_nested(record):
        return record
    fields: Record = {}
    for name, value in record.items():
        if isinstance(value, dict):
            fields |= flattened(value, f"{above}{name}.")
        elif not (isinstance(value, list) and any(isinstance(entry, list | dict) for entry in value)):
            fields[above + name] = value
    return fields
