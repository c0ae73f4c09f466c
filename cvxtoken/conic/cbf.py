"""Cone programs in the Conic Benchmark Format (CBF), written and read without loss.

CBF states cones as A v + b in K. It orders the rows of an exponential cone in reverse of `ConeProgram`: a
point (x_2, x_1, x_0) has x_1 e^(x_0 / x_1) <= x_2. Numbers are written in their shortest form that reads as
the same bits.

Source: H. A. Friberg, "The Conic Benchmark Format", version 3.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cvxtoken.conic.program import EXPONENTIAL, NONNEGATIVE, SECOND_ORDER, ConeProgram, Cones
from cvxtoken.errors import ProblemError

_NAMES = {NONNEGATIVE: "L+", SECOND_ORDER: "Q", EXPONENTIAL: "EXP"}
_KINDS = {name: kind for kind, name in _NAMES.items()}


def write_cbf(program: ConeProgram) -> str:
    """The text of a CBF file."""
    order = row_order(program.cones)
    S = sparse.coo_array(-sparse.csr_array(program.A)[order])
    entries = zip(S.row.tolist(), S.col.tolist(), S.data.tolist(), strict=True)
    rows, columns = program.A.shape
    return "\n".join(
        [
            *("VER", "3", "", "OBJSENSE", "MIN", ""),
            *("VAR", f"{columns} 1", f"F {columns}", ""),
            *(_section("INT", list(map(str, program.integers))) if program.integers else []),
            *("CON", f"{rows} {len(program.cones)}"),
            *(f"{_NAMES[kind]} {size}" for kind, size in program.cones),
            "",
            *_section("OBJACOORD", [f"{j} {x!r}" for j, x in enumerate(program.q.tolist()) if x]),
            *("OBJBCOORD", repr(program.offset), ""),
            *_section("ACOORD", [f"{i} {j} {x!r}" for i, j, x in entries]),
            *_section("BCOORD", [f"{i} {x!r}" for i, x in enumerate(program.b[order].tolist()) if x]),
        ]
    )


def read_cbf(text: str) -> ConeProgram:
    """The cone program in the text of a CBF file that has only the parts of the format that `write_cbf` uses.

    Raises:
        ProblemError: the text is not such a file; the message names the line.
    """
    lines = _Lines(text)
    size = rows = 0
    cones: Cones = ()
    found: dict[str, list[tuple[float, ...]]] = {"OBJACOORD": [], "ACOORD": [], "BCOORD": []}
    offset = 0.0
    integers: tuple[int, ...] = ()
    for keyword in lines.keywords():
        if keyword == "VER":
            lines.expect("1", "2", "3")
        elif keyword == "OBJSENSE":
            lines.expect("MIN")
        elif keyword == "VAR":
            size = int(lines.numbers(2)[0])
            lines.expect(f"F {size}")
        elif keyword == "CON":
            rows, count = map(int, lines.numbers(2))
            cones = tuple(lines.cone() for _ in range(count))
        elif keyword == "INT":
            integers = tuple(lines.index(size) for _ in range(int(lines.numbers(1)[0])))
        elif keyword == "OBJBCOORD":
            (offset,) = lines.numbers(1)
        elif keyword in found:
            count = int(lines.numbers(1)[0])
            found[keyword] = [lines.numbers(3 if keyword == "ACOORD" else 2) for _ in range(count)]
        else:
            lines.fail(f"{keyword!r} is not a keyword that is read here")
    if sum(rows for _, rows in cones) != rows:
        lines.fail(f"the cones do not have {rows} rows")
    order = row_order(cones)
    S = _matrix(found["ACOORD"], rows, size, lines)[order]
    A = sparse.csc_array(-S)
    A.sort_indices()
    q, b = (np.zeros(length) for length in (size, rows))
    for vector, name in ((q, "OBJACOORD"), (b, "BCOORD")):
        for place, value in found[name]:
            if not 0 <= place < len(vector):
                lines.fail(f"{name} has the index {place:g} of {len(vector)}")
            vector[int(place)] = value
    return ConeProgram(A, b[order], q, offset, cones, integers)


def _matrix(entries: list[tuple[float, ...]], rows: int, columns: int, lines: _Lines) -> sparse.csr_array:
    """The matrix of (row, column, value) entries (ProblemError where an index is out of range)."""
    i, j, values = np.array(entries).reshape(-1, 3).T
    if ((i < 0) | (i >= rows) | (j < 0) | (j >= columns)).any():
        lines.fail(f"ACOORD has an index outside {rows} rows and {columns} columns")
    return sparse.csr_array((values, (i.astype(int), j.astype(int))), shape=(rows, columns))


def _section(keyword: str, lines: list[str]) -> list[str]:
    return [keyword, str(len(lines)), *lines, ""]


def row_order(cones: Cones) -> NDArray[np.intp]:
    """The rows in the other order: those of exponential cones are reversed, which is its own inverse."""
    parts, start = [], 0
    for kind, size in cones:
        part = np.arange(start, start + size)
        parts.append(part[::-1] if kind == EXPONENTIAL else part)
        start += size
    return np.concatenate(parts) if parts else np.arange(0)


class _Lines:
    """The lines of a file that are neither empty nor comments, with their numbers."""

    def __init__(self, text: str) -> None:
        numbered = enumerate((line.split("#")[0].strip() for line in text.splitlines()), 1)
        self.lines = [(number, line) for number, line in numbered if line]
        self.next = 0

    def fail(self, reason: str) -> None:
        """Raise ProblemError, which names the line read last."""
        number = self.lines[min(self.next, len(self.lines)) - 1][0] if self.lines else 0
        raise ProblemError(f"CBF, line {number}: {reason}")

    def keywords(self) -> Iterator[str]:
        """The keywords, each to be followed by the reading of its section."""
        while self.next < len(self.lines):
            yield self.take()

    def take(self) -> str:
        """The next line."""
        if self.next == len(self.lines):
            self.fail("the file ends in the middle of a section")
        self.next += 1
        return self.lines[self.next - 1][1]

    def expect(self, *choices: str) -> None:
        """Read the next line, which must be one of these."""
        line = self.take()
        if line not in choices:
            self.fail(f"{line!r} is found where {' or '.join(choices)} must be")

    def numbers(self, count: int) -> tuple[float, ...]:
        """The next line as so many finite numbers."""
        line = self.take()
        try:
            values = tuple(map(float, line.split()))
        except ValueError:
            values = ()
        if len(values) != count or not np.isfinite(values).all():
            self.fail(f"{line!r} is found where {count} numbers must be")
        return values

    def index(self, size: int) -> int:
        """The next line as the number of a column."""
        (number,) = self.numbers(1)
        if number not in range(size):
            self.fail(f"INT has the index {number:g} of {size}")
        return int(number)

    def cone(self) -> tuple[str, int]:
        """The next line as a cone and its rows."""
        line = self.take()
        name, _, size = line.partition(" ")
        if name not in _KINDS or not size.isdigit():
            self.fail(f"{line!r} is found where a cone {', '.join(_KINDS)} with its rows must be")
        return _KINDS[name], int(size)
