"""Text with a separator between fields: which one, its columns as texts, and the lines of its rows."""

from __future__ import annotations

import csv
import io
import itertools
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import polars as pl

from cvxtoken.errors import ProblemError

_SEPARATORS = {",": "CSV", ";": "CSV, ; between fields", "\t": "TSV", "|": "CSV, | between fields"}
_SAMPLE, _SAMPLE_ROWS = 100_000, 50  # characters and rows that tell the separator


def read_delimited(text: str, origin: str) -> tuple[list[str], pl.DataFrame, str, Callable[[int], str]]:
    """Header, columns as texts, the form in words, and what to call the place of a row.

    Raises:
        ProblemError: a row has too few or too many fields, or a quotation does not end.
    """
    body = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    start = len(body) - len(body.lstrip("\n"))
    told = re.match(r"sep=(.)\n", body[start:])  # the first line of what Excel writes
    start += told.end() if told else 0
    above, body = body[:start].count("\n"), body[start:]
    separator = told[1] if told else _separator(body)
    header = [name.strip() for name in next(_rows(body, separator), [])]
    if not header:
        raise ProblemError(f"{origin}: the file is empty")

    def place(row: int) -> str:
        with _lines(body, separator) as reader:
            first = reader.line_num + 1
            for _ in itertools.islice(reader, row + 1):
                first = reader.line_num + 1
        return f"line {above + first}"

    frame = _frame(body, separator, len(header), origin, above)
    return header, frame, _SEPARATORS.get(separator, f"CSV, {separator} between fields"), place


def _frame(body: str, separator: str, width: int, origin: str, above: int) -> pl.DataFrame:
    """All fields as texts, the columns by their numbers (ProblemError)."""
    try:
        frame = pl.read_csv(
            io.BytesIO(body.encode()),
            separator=separator,
            has_header=False,
            skip_rows=0,
            new_columns=None,
            schema={str(place): pl.String for place in range(width)},
        )
    except pl.exceptions.PolarsError as error:
        _check_widths(body, separator, width, origin, above)
        raise ProblemError(f"{origin}: not a table of text: {str(error).splitlines()[0]}") from error
    frame = frame.slice(1)
    last = frame.to_series(width - 1)
    if last.null_count():  # perhaps because a row ends early
        _check_widths(body, separator, width, origin, above)
    return frame


def _check_widths(body: str, separator: str, width: int, origin: str, above: int) -> None:
    """Refuse a row of another width than the header, and a quotation without an end (ProblemError)."""
    with _lines(body, separator, strict=True) as reader:
        try:
            first = 1
            for row in reader:
                if row and len(row) != width:
                    raise ProblemError(
                        f"{origin}, line {above + first}: {len(row)} field{'s' * (len(row) != 1)}; the "
                        f"header has {width}"
                    )
                first = reader.line_num + 1
        except csv.Error as error:
            raise ProblemError(f"{origin}, line {above + first}: not a CSV file: {error}") from error


def _separator(body: str) -> str:
    """The separator by which the first rows have the most fields, all the same number if possible."""
    sample = body[:_SAMPLE]
    if len(sample) < len(body):
        sample = sample.rpartition("\n")[0] or sample
    best, chosen = (0.0, 1), ","
    for separator in _SEPARATORS:
        widths = [len(row) for row in itertools.islice(_rows(sample, separator), _SAMPLE_ROWS) if row]
        if widths and widths[0] > 1:
            score = (sum(width == widths[0] for width in widths) / len(widths), widths[0])
            best, chosen = max((best, chosen), (score, separator))
    return chosen


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    with _lines(text, separator) as reader:
        yield from reader


@contextmanager
def _lines(text: str, separator: str, strict: bool = False) -> Iterator[csv.reader]:  # type: ignore[valid-type]
    """A reader that knows the numbers of its lines, for fields of any length."""
    limit = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        yield csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=strict)
    finally:
        csv.field_size_limit(limit)
