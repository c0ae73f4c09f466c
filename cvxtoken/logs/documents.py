"""JSON, and JSON lines: the documents of a file, the records in them, and the fields of a record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cvxtoken.errors import ProblemError

Record = Mapping[str, Any]

# where tools keep their records, within lists too
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
    documents, lines = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                documents.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                if not documents:  # a document of several lines
                    raise ProblemError(f"{origin}: not valid JSON: {whole}") from whole
                raise ProblemError(f"{origin}, line {number}: not valid JSON: {error}") from error
            lines.append(number)
    return documents, lines


def records_of(documents: Sequence[Any], lines: Sequence[int], origin: str) -> tuple[list[Record], list[str]]:
    """The records of all documents, and what to call the place of each.

    A document is a record, a list of records, a mapping of columns, or holds one of these under a name.

    Raises:
        ProblemError: there is something else where a record should be, or it is not clear which list is
            meant.
    """
    records: list[Record] = []
    places: list[str] = []
    for number, document in enumerate(documents):
        found = _records(document, origin)
        for record in found:
            at = f"record {len(records) + 1}" if not lines or len(found) > 1 else f"line {lines[number]}"
            if not isinstance(record, Mapping):
                raise ProblemError(
                    f"{origin}, {at}: a {type(record).__name__}; it must be an object of fields"
                )
            records.append(record)
            places.append(at)
    return records, places


def _records(document: Any, origin: str) -> Sequence[Any]:
    if isinstance(document, list):
        return document
    if not isinstance(document, Mapping):
        return [document]
    for path in _PATHS:
        if path[0] in document:
            found = _under(document, path)
            if found:
                return found
    values = list(document.values())
    if values and all(
        isinstance(value, Mapping) for value in values
    ):  # columns of values by row, as of pandas
        keys = list(values[0])
        if (
            len(keys) > 1
            and all(list(value) == keys for value in values)
            and not isinstance(values[0][keys[0]], Mapping | list)
        ):
            return [{name: document[name][key] for name in document} for key in keys]
    if {"columns", "data"} <= set(document) and isinstance(
        document["data"], list
    ):  # as pandas splits a table
        names, rows = document["columns"], document["data"]
        if all(isinstance(row, list) and len(row) == len(names) for row in rows):
            return [dict(zip(names, row, strict=True)) for row in rows]
    held = {name: value for name, value in document.items() if _is_records(value)}
    if len(held) > 1:
        raise ProblemError(
            f"{origin}: there are records under {' and under '.join(map(repr, list(held)[:2]))}; "
            "a file must hold one table"
        )
    return next(iter(held.values()), [document])


def _is_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(entry, Mapping) for entry in value)


def _under(document: Any, path: Sequence[str]) -> list[Any]:
    """All records under a path of names, through lists."""
    if isinstance(document, list):
        return [record for entry in document for record in _under(entry, path)]
    if not path:
        return [document]
    return (
        _under(document[path[0]], path[1:]) if isinstance(document, Mapping) and path[0] in document else []
    )


def flattened(record: Record, above: str = "") -> dict[str, Any]:
    """The fields of a record, those of objects in it as `object.field`; not lists of lists."""
    fields: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            fields |= flattened(value, f"{above}{name}.")
        elif not (isinstance(value, list) and any(isinstance(entry, list | Mapping) for entry in value)):
            fields[above + name] = value
    return fields
