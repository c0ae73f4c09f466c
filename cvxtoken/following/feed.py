"""The lines of a log as they are written, and the arrivals that they tell of.

A batch is a list; an empty one says that nothing is new. A log is CSV with a header, or JSON lines.
"""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import IO, Any, NamedTuple

from cvxtoken.errors import ProblemError
from cvxtoken.logs.columns import Column, Hints
from cvxtoken.logs.names import Found, find

_WANTED = {"timestamp": Column("time"), "task": Column("label")}
_PAUSE = 0.2  # s between looks at a file
_MOST = 100  # parts of a pipe that wait


class Arrival(NamedTuple):
    """A query: its time in s, and its task."""

    time: float
    task: str


def tail(path: str | Path, follow: bool = True) -> Iterator[list[str]]:
    """Whole lines of a file, from its beginning, and what is written later; else it ends with the file.

    A file that was replaced, or cut to less than was read, is read from its beginning again.

    Raises:
        ProblemError: it cannot be read.
    """
    path = Path(path)
    file, rest = _opened(path), ""
    try:
        while True:
            text = file.read(1 << 20)
            if text:
                *lines, rest = (rest + text).split("\n")
                yield lines
            elif not follow:
                if rest:
                    yield [rest]
                return
            elif _replaced(path, file):
                file.close()
                file, rest = _opened(path), ""
            else:
                yield []
                time.sleep(_PAUSE)
    finally:
        file.close()


def piped(descriptor: int) -> Iterator[list[str]]:
    """Whole lines that come through a file descriptor, such as that of standard input, until it is closed.

    A thread waits for them: on some systems nothing else can wait for a pipe with a limit of time.
    """
    parts: Queue[bytes] = Queue(_MOST)

    def pump() -> None:
        # not through a buffer: Python wants its lock when it ends
        while part := os.read(descriptor, 1 << 16):
            parts.put(part)
        parts.put(b"")

    Thread(target=pump, daemon=True).start()
    rest = b""
    while True:
        try:
            part = parts.get(timeout=_PAUSE)
        except Empty:
            yield []
            continue
        *lines, rest = (rest + part).split(b"\n")
        if not part and rest:
            lines.append(rest)
        if lines:
            yield [line.decode(errors="replace") for line in lines]
        if not part:
            return


def _opened(path: Path) -> IO[str]:
    try:
        return path.open(encoding="utf-8-sig", errors="replace", newline="")
    except OSError as error:
        raise ProblemError(f"{path}: cannot be read: {error.strerror}") from error


def _replaced(path: Path, file: IO[str]) -> bool:
    try:
        there, ours = path.stat(), os.fstat(file.fileno())
    except OSError:
        return False  # between the removal of the old file and the new one
    return there.st_ino != ours.st_ino or there.st_size < os.lseek(file.fileno(), 0, os.SEEK_CUR)


class Parser:
    """Arrivals of a log's lines.

    Columns are found by the names of known tools too, and times are read in any usual form
    (`cvxtoken.logs`). What is doubtful there is an error that names the option.

    Args:
        columns: what the log calls `timestamp` and `task`.
        hints: what is told of its times.
        warn: is told, in a sentence, of a line that cannot be used.

    Attributes:
        dated: whether times are since 1970.

    Raises:
        ProblemError: a column is none of these two.
    """

    def __init__(self, columns: Mapping[str, str], hints: Hints, warn: Callable[[str], None]) -> None:
        for name in columns:
            if name not in _WANTED:
                raise ProblemError(f"column is {name!r}; it must be timestamp or task")
        self._columns, self._hints, self._warn = columns, hints, warn
        self._header: list[str] | None = None
        self._separator = ","
        self._found: dict[str, Found] = {}
        self._line = 0
        self.dated = False

    def take(self, lines: list[str]) -> list[Arrival]:
        """The arrivals of the next lines.

        Raises:
            ProblemError: the log lacks a column, or its times may be read in two ways.
        """
        numbers, values, tasks = [], [], []
        for line in lines:
            self._line += 1
            try:
                row = self._row(line.strip("\r\ufeff"))
                if row is None:
                    continue
            except ValueError as error:
                self._left_out(self._line, error)
                continue
            time, task = (str(row.get(self._found[name].theirs) or "") for name in _WANTED)
            if not task:
                self._left_out(self._line, f"{self._found['task'].theirs!r} is missing")
                continue
            numbers.append(self._line)
            values.append(time)
            tasks.append(task)
        return self._arrivals(numbers, values, tasks) if numbers else []

    def _arrivals(self, numbers: list[int], values: list[str], tasks: list[str]) -> list[Arrival]:
        import polars as pl  # slow to import

        from cvxtoken.logs.times import RULE, moments

        one = self._found["timestamp"]
        read = moments(
            pl.Series(values), self._hints.units.get("timestamp", one.unit), self._hints, "the log"
        )
        self.dated = read.dated
        found = []
        for number, value, task, ns, bad in zip(
            numbers, values, tasks, read.ns.tolist(), (read.missing | read.wrong).tolist(), strict=True
        ):
            if bad:
                self._left_out(number, f"{one.theirs!r} is {value!r}; it {RULE}")
            else:
                found.append(Arrival(ns / 1e9, task))
        return found

    def _left_out(self, number: int, why: object) -> None:
        self._warn(f"line {number} is left out: {why}")

    def _row(self, line: str) -> dict[str, Any] | None:
        """The fields of a line by their names; None of a header or nothing (ValueError)."""
        if not line.strip():
            return None
        if line.lstrip().startswith("{"):
            from cvxtoken.logs.documents import flattened

            row = flattened(json.loads(line))
            if not self._found:
                self._find(list(row))
            return row
        if self._header is None:
            self._separator = max(",;\t|", key=line.count)
        cells = [cell.strip() for cell in next(csv.reader([line], delimiter=self._separator))]
        if self._header is None:
            self._find(cells)
            self._header = cells
        if cells == self._header:  # which a file that was begun anew has again
            return None
        if len(cells) != len(self._header):
            raise ValueError(f"{len(cells)} fields; the header has {len(self._header)}")
        return dict(zip(self._header, cells, strict=True))

    def _find(self, header: list[str]) -> None:
        self._found = find(header, _WANTED, self._columns, {}, "the log", "--column")


def paced(
    batches: Iterator[list[Arrival]], speed: float, sleep: Callable[[float], None] = time.sleep
) -> Iterator[list[Arrival]]:
    """The arrivals one by one, as far apart as they were, but so many times faster."""
    last = None
    for batch in batches:
        for arrival in batch:
            if last is not None and arrival.time > last:
                sleep((arrival.time - last) / speed)
            last = arrival.time if last is None else max(last, arrival.time)
            yield [arrival]
