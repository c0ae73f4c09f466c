"""Files of answers that any program writes about the exported instances.

One line an instance, as JSON (a mapping in each line) or, in a file that ends in .csv, as CSV with a head.
The fields are

    id         of the instance
    status     the solver's word; see `read_status`
    objective  optional: q'x, and the offset where the format has one
    x          optional: the point; in CSV numbers with spaces between them
    z          optional: dual values in the order of the file's rows
    ray        optional: the proof of infeasibility, in the same order
    seconds    optional

The objective, x and z are read only where an optimum is claimed, the ray where infeasibility is. What cannot
be read is a sentence each, and the rest is read.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.suite.status import (
    FAILED,
    INACCURATE,
    INFEASIBLE,
    INFEASIBLE_INACCURATE,
    OPTIMAL,
    UNBOUNDED,
    UNBOUNDED_INACCURATE,
    UNSUPPORTED,
    AdapterError,
    claim,
)

FIELDS = ("id", "status", "objective", "x", "z", "ray", "seconds")


@dataclass(frozen=True)
class Given:
    """A line of an answer file.

    Attributes:
        id: of the instance.
        line: its number in the file.
        status: optimal, inaccurate, infeasible, unbounded or failed.
        objective, x, z: as the file has them where an optimum is claimed, else None.
        ray: as the file has it where infeasibility is claimed, else None.
        seconds: as the file has them, or None.
    """

    id: str
    line: int
    status: str
    objective: float | None
    x: FloatArray | None
    z: FloatArray | None
    ray: FloatArray | None
    seconds: float | None


def read_answers(path: str | Path) -> tuple[dict[str, Given], list[str]]:
    """The answers by id, and a sentence about each line that is no answer; of a doubled id none counts.

    Raises:
        ProblemError: the file cannot be read, or its head has no id or no status.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ProblemError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ProblemError(f"{path}: not UTF-8 text: {error.reason} at byte {error.start}") from error
    found: dict[str, Given] = {}
    first: dict[str, int] = {}
    faults = []
    for number, record in _csv(path, text) if path.suffix == ".csv" else _json_lines(text):
        try:
            if isinstance(record, ValueError):
                raise record
            name = _name(record)
            if name in first:
                found.pop(name, None)
                faults.append(f"line {number}: {name} stands in line {first[name]} already; neither counts")
                continue
            first[name] = number
            found[name] = _given(name, number, record)
        except ValueError as error:
            faults.append(f"line {number}: {error}")
    return found, faults


def _json_lines(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), 1):  # other ends of lines may stand in a JSON text
        if line.strip():
            try:
                yield number, json.loads(line, object_pairs_hook=_mapping)
            except (json.JSONDecodeError, RecursionError) as error:
                yield number, ValueError(f"not JSON: {error}")
            except ValueError as error:
                yield number, error


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The mapping of a JSON object (ValueError: a field stands twice, or a number has too many digits)."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(field for place, (field, _) in enumerate(pairs) if field in dict(pairs[:place]))
        raise ValueError(f"{twice!r} stands twice in it")
    return found


def _csv(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    head = list(reader.fieldnames or [])
    for field in ("id", "status"):
        if field not in head:
            raise ProblemError(f"{path}: the head has no column {field!r}; columns: {', '.join(FIELDS)}")
    for field in FIELDS:
        if head.count(field) > 1:
            raise ProblemError(f"{path}: the head has the column {field!r} twice")
    csv.field_size_limit(2**27)  # the points of 10,000 types are longer than what Python takes by itself
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            yield reader.line_num, ValueError(f"not CSV: {error}")
            continue
        if row is None:
            return
        yield reader.line_num, {key: value for key, value in row.items() if key and value}


def _name(record: Any) -> str:
    name = record.get("id") if isinstance(record, dict) else None
    if name is None:
        raise ValueError("has no id; it must be a mapping with id and status")
    if isinstance(name, str) and name:
        return name
    raise ValueError(f"id is {name!r}; it must be that of an instance")


def _given(name: str, number: int, record: dict[str, Any]) -> Given:
    """The answer in a record (ValueError: a field breaks its rule; the message names it)."""
    try:
        status = read_status(record.get("status"))
        seconds = _number("seconds", record.get("seconds"))
        ray = _vector("ray", record.get("ray")) if status == INFEASIBLE else None
        if status not in (OPTIMAL, INACCURATE):
            record = {}  # what stands there is no optimum: NaN, the last iterate
        objective = _number("objective", record.get("objective"))
        x, z = (_vector(field, record.get(field)) for field in ("x", "z"))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    if seconds is not None and seconds < 0:
        raise ValueError(f"{name}: seconds is {seconds:g}; it must not be negative")
    return Given(name, number, status, objective, x, z, ray, seconds)


def read_status(status: Any) -> str:
    """A solver's word as optimal, inaccurate, infeasible, unbounded or failed (ValueError: not known).

    Claims of less accuracy are claims; 'unsupported' is an honest failure here.
    """
    if isinstance(status, list | dict):
        raise ValueError(f"status is {status!r:.60}; it must be the solver's word")  # noqa: TRY004
    try:
        found = claim(status)
    except AdapterError as error:
        raise ValueError(str(error)) from error
    plain = {INFEASIBLE_INACCURATE: INFEASIBLE, UNBOUNDED_INACCURATE: UNBOUNDED, UNSUPPORTED: FAILED}
    return plain.get(found, found)


def _number(field: str, value: Any) -> float | None:
    if value is None:
        return None
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{field} is {value!r:.60}; it must be a finite number")
    return number


def _vector(field: str, value: Any) -> FloatArray | None:
    if value is None:
        return None
    parts = value.split() if isinstance(value, str) else value
    if isinstance(parts, list) and any(isinstance(part, bool) for part in parts):
        raise ValueError(f"{field} holds true or false; it must hold numbers")
    try:
        vector = np.array(parts, dtype=float)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{field} holds what is no number: {error}") from error
    if vector.ndim != 1:
        raise ValueError(f"{field} has shape {vector.shape}; it must be one list of numbers")
    bad = np.flatnonzero(~np.isfinite(vector))
    if len(bad):
        raise ValueError(f"{field}[{bad[0]}] is {vector[bad[0]]}; it must be a finite number")
    return vector
