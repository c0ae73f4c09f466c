"""A file or a table in memory, opened: its columns as they are, and what to call the place of a row."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvxtoken.errors import ProblemError
from cvxtoken.logs.columns import Table
from cvxtoken.logs.delimited import read_delimited
from cvxtoken.logs.documents import read_documents, records_of
from cvxtoken.logs.frames import from_parquet, from_records, in_memory, spread_json

if TYPE_CHECKING:
    import polars as pl

_GZIP, _ZSTD, _ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True, eq=False)
class Opened:
    """An opened table.

    Attributes:
        origin: what errors call it.
        form: what it is, in words.
        header: its names; one may occur twice.
        frame: its columns, in the order of the header.
        place: what errors call a row, from its number.
        sha256: of the file; None in memory.
        documents: of JSON, as they are.
    """

    origin: str
    form: str
    header: list[str]
    frame: pl.DataFrame
    place: Callable[[int], str]
    sha256: str | None
    documents: Sequence[Any] = ()


def open_table(table: Table) -> Opened:
    """Open a table.

    The form is told by the content, not by the name: text with `,` `;` tab or `|` between fields, JSON, JSON
    lines or Parquet, plain or compressed (gzip, zstd), in UTF-8 or UTF-16.

    Raises:
        ProblemError: it cannot be read, or is none of these.
    """
    if not isinstance(table, str | Path):
        header, frame = spread_json(*in_memory(table))
        return Opened("table", "in memory", header, frame, lambda row: f"row {row + 1}", None)
    origin = str(table)
    data, packed, sha256 = _bytes(origin)
    if data.startswith(b"PAR1"):
        header, frame = spread_json(*from_parquet(data, origin))
        return Opened(origin, f"Parquet{packed}", header, frame, lambda row: f"row {row + 1}", sha256)
    text = _text(data, origin)
    if text.lstrip()[:1] in ("{", "["):
        documents, lines = read_documents(text, origin)
        rows, place = records_of(documents, lines, origin)
        header, frame = from_records(rows)
        form = "JSON lines" if lines else "JSON"
        return Opened(origin, form + packed, header, frame, place, sha256, documents)
    header, frame, form, place = read_delimited(text, origin)
    header, frame = spread_json(header, frame)
    return Opened(origin, form + packed, header, frame, place, sha256)


def _bytes(origin: str) -> tuple[bytes, str, str]:
    """What a file holds, unpacked, how it was packed, in words, and the file's SHA-256 (ProblemError)."""
    try:
        data = Path(origin).read_bytes()
    except OSError as error:
        raise ProblemError(f"{origin}: cannot be read: {error.strerror}") from error
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        if data.startswith(_GZIP):
            return gzip.decompress(data), ", gzip", sha256
        if data.startswith(_ZSTD):
            return _unpacked(data), ", zstd", sha256
    except (OSError, EOFError, zlib.error) as error:
        raise ProblemError(f"{origin}: cannot be unpacked: {error}") from error
    if data.startswith(_ZIP):
        raise ProblemError(f"{origin}: a ZIP or Excel file; a table must be saved as CSV, JSON or Parquet")
    return data, "", sha256


def _unpacked(data: bytes) -> bytes:
    """All frames of a zstd file (OSError)."""
    import zstandard

    parts = []
    try:
        while data:
            frame = zstandard.ZstdDecompressor().decompressobj()
            parts.append(frame.decompress(data))
            if not frame.eof:
                raise OSError("it ends too early")
            data = frame.unused_data
    except zstandard.ZstdError as error:
        raise OSError(str(error)) from error
    return b"".join(parts)


def _text(data: bytes, origin: str) -> str:
    """The text of a file (ProblemError: it is none)."""
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in data[:4]:  # UTF-16 without its mark: one byte of a letter is 0
        encoding = "utf-16-be" if data[:1] == b"\0" else "utf-16-le"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        name = "UTF-8" if encoding.startswith("utf-8") else "UTF-16"
        raise ProblemError(f"{origin}: not {name} text: {error.reason} at byte {error.start}") from error
    if "\0" in text[:1000]:
        raise ProblemError(f"{origin}: neither text nor a Parquet file")
    return text
