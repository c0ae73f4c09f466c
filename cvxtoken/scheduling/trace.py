"""Requests from a trace: a CSV file with a header, one request a line, in the order of arrival."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest
from cvxtoken.scheduling.problem import LARGEST, Requests, checked_memory

ROLES = ("arrival", "prompt", "output")
KNOWN_HEADERS = {
    "Azure 2023": ("TIMESTAMP", "ContextTokens", "GeneratedTokens"),
    "Mooncake": ("timestamp_ms", "input_length", "output_length"),
}
MEMORY = 16_492  # tokens: Llama-2-70B on two A100, the setting of arXiv 2502.07115
ROUND_SECONDS = 0.05  # of a decoding step; an assumption of this project
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_trace(
    path: str | Path,
    memory: int = MEMORY,
    round_seconds: float = ROUND_SECONDS,
    columns: Mapping[str, str] | None = None,
    drop_oversized: bool = False,
) -> tuple[Requests, int]:
    """The requests of a trace, with exact predictions, and how many were dropped.

    The first line arrives at 0, every other at the first round that begins at its time or later. Times are
    taken to the microsecond.

    Args:
        path: the file.
        memory: M, in tokens.
        round_seconds: how long a round takes, from 1e-6 s.
        columns: the columns' names by role: arrival, prompt and output. By default the header must hold those
            of an entry of KNOWN_HEADERS. Arrivals are ISO 8601 dates with times, or numbers: milliseconds
            where the column's name ends in `_ms`, else seconds.
        drop_oversized: leave out the requests with s + o > M, which are an error otherwise.

    Raises:
        ProblemError: the file, a column or an argument is bad; or a line is malformed, earlier than the one
            above it, or needs more than the memory; the message names the line.
    """
    M = checked_memory(memory)
    if isinstance(round_seconds, bool) or not isinstance(round_seconds, int | float):
        raise ProblemError(f"round_seconds is {round_seconds!r}; it must be a number")
    if not 1e-6 <= round_seconds <= LARGEST:
        raise ProblemError(f"round_seconds is {round_seconds}; it must be from 1e-6 to 1e9")
    times, prompts, outputs, dropped = [], [], [], 0
    first = None
    for line, time, prompt, output in _rows(path, columns):
        first = time if first is None else first
        if prompt + output <= M:
            times.append(time - first)
            prompts.append(prompt)
            outputs.append(output)
        elif drop_oversized:
            dropped += 1
        else:
            raise ProblemError(
                f"{path}, line {line}: prompt + output is {prompt + output}; it must be at most the memory "
                f"of {M}, unless oversized requests are dropped"
            )
    if not times:
        raise ProblemError(f"{path}: all {dropped} requests need more than the memory of {M}")
    steps, micros = (Fraction(str(round_seconds)) * 10**6).as_integer_ratio()
    rounds = [-(-time * micros // steps) for time in times]  # rounded up, exactly
    try:
        requests = Requests(arrival=rounds, prompt_tokens=prompts, output_tokens=outputs, memory=M)
    except ProblemError as error:  # an arrival after 1e9 rounds
        raise ProblemError(f"{path}: {error}") from error
    return requests, dropped


def _rows(path: str | Path, columns: Mapping[str, str] | None) -> Iterator[tuple[int, int, int, int]]:
    """Line number, arrival in microseconds, prompt and output tokens of each request."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            names = _columns(path, header, columns)
            a, s, o = map(header.index, names)
            clock, latest = None, None
            for row in filter(None, reader):  # blank lines are empty rows
                line = f"{path}, line {reader.line_num}"
                try:
                    clock = clock or _clock(names[0], row[a])
                    time, prompt, output = clock(row[a]), _tokens(row[s], 0), _tokens(row[o], 1)
                except (ValueError, OverflowError, IndexError) as error:
                    raise ProblemError(
                        f"{line}: {', '.join(names)} must be a time, a whole number from 0 and one from 1; "
                        f"the line is {','.join(row)!r}"
                    ) from error
                if latest is not None and time < latest:
                    raise ProblemError(
                        f"{line}: {names[0]} is {row[a]}; it must not be earlier than on the line above"
                    )
                latest = time
                yield reader.line_num, time, prompt, output
            if latest is None:
                raise ProblemError(f"{path}: there are no rows")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ProblemError(f"{path}: cannot be read: {error}") from error


def _tokens(text: str, least: int) -> int:
    number = int(text)
    if not least <= number <= LARGEST:
        raise ValueError(text)
    return number


def _clock(name: str, sample: str) -> Callable[[str], int]:
    """Reads times in whole microseconds, in the notation of a sample (ValueError where it is none)."""
    try:
        float(sample)
    except ValueError:
        return _date
    unit = 10**3 if name.endswith("_ms") else 10**6
    return lambda text: round(float(text) * unit)


def _date(text: str) -> int:
    date = datetime.fromisoformat(text)
    return (date.replace(tzinfo=date.tzinfo or UTC) - _EPOCH) // timedelta(microseconds=1)


def _columns(path: str | Path, header: list[str], columns: Mapping[str, str] | None) -> tuple[str, ...]:
    """The names of the three columns, in the order of ROLES."""
    if columns is None:
        for names in KNOWN_HEADERS.values():
            if set(names) <= set(header):
                return names
        known = "; ".join(f"{', '.join(names)} ({name})" for name, names in KNOWN_HEADERS.items())
        raise ProblemError(
            f"{path}: the columns are {', '.join(header) or 'none'}; name those of {', '.join(ROLES)}, or "
            f"have {known}"
        )
    for role in columns:
        if role not in ROLES:
            raise ProblemError(
                f"columns names {role!r}; it must name {', '.join(ROLES)}{nearest(role, ROLES)}"
            )
    for role in ROLES:
        if role not in columns:
            raise ProblemError(f"columns does not name {role!r}; it must name {', '.join(ROLES)}")
        if columns[role] not in header:
            raise ProblemError(
                f"{path}: there is no column {columns[role]!r}; columns: {', '.join(header) or 'none'}"
            )
    return tuple(columns[role] for role in ROLES)
