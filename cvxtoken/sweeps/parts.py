"""Results on disk: one file a chunk while a sweep runs, one table when it is done.

A sweep into `FILE` keeps its chunks in the folder `FILE.parts`. Each chunk is written under another name and
then renamed, so that every chunk's file is complete. The folder also says which grid it belongs to. When all
chunks are there, they are merged into `FILE`, and the folder is removed.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from cvxtoken.errors import MissingExtraError, ProblemError
from cvxtoken.files import check_writable, write_whole
from cvxtoken.sweeps.executors import Columns
from cvxtoken.sweeps.grid import Grid


class Format(Protocol):
    """A way to write tables."""

    def write(self, path: Path, columns: Columns) -> None:
        """One chunk."""

    def merge(self, path: Path, parts: list[Path]) -> None:
        """All chunks, in order."""


class Csv:
    """Comma-separated values with a header; floats to the last bit, an empty cell for an unknown value."""

    def write(self, path: Path, columns: Columns) -> None:
        """One chunk."""
        cells = [["" if x != x else x for x in column.tolist()] for column in columns.values()]
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(zip(*cells, strict=True))

    def merge(self, path: Path, parts: list[Path]) -> None:
        """All chunks, in order."""
        with path.open("wb") as file:
            for number, part in enumerate(parts):
                with part.open("rb") as source:
                    if number:
                        source.readline()  # the header; a name cannot break it
                    shutil.copyfileobj(source, file)


class Parquet:
    """Apache Parquet, a row group a chunk (extra `parquet`)."""

    def __init__(self) -> None:
        try:
            import pyarrow.parquet
        except ImportError as error:
            raise MissingExtraError(
                "a .parquet file needs PyArrow: pip install 'cvxtoken[parquet]'"
            ) from error
        self._arrow, self._parquet = pyarrow, pyarrow.parquet

    def write(self, path: Path, columns: Columns) -> None:
        """One chunk."""
        table = {name: np.ascontiguousarray(column) for name, column in columns.items()}
        self._parquet.write_table(self._arrow.table(table), path)

    def merge(self, path: Path, parts: list[Path]) -> None:
        """All chunks, in order."""
        with self._parquet.ParquetWriter(path, self._parquet.read_schema(parts[0])) as writer:
            for part in parts:
                writer.write_table(self._parquet.read_table(part))


FORMATS: dict[str, Callable[[], Format]] = {".csv": Csv, ".parquet": Parquet}


class Parts:
    """The chunks of one sweep on disk.

    Attributes:
        path: of the table to be made.
        folder: of the chunks.
    """

    def __init__(self, grid: Grid, path: Path) -> None:
        """Begin, or go on with the chunks that are there.

        Raises:
            ProblemError: the ending is neither .csv nor .parquet, the file exists already, the folder's
                chunks are of another grid, or the folder cannot be written.
            MissingExtraError: PyArrow is not installed.
        """
        if path.suffix not in FORMATS:
            raise ProblemError(f"{path}: the ending is {path.suffix!r}; it must be .csv or .parquet")
        if path.exists():
            raise ProblemError(f"{path}: is there already; a sweep does not overwrite results")
        check_writable(path)
        self.path, self.grid = path, grid
        self.folder = path.with_name(path.name + ".parts")
        self._format = FORMATS[path.suffix]()
        identity = self.folder / "grid.json"
        with self._writing():
            self.folder.mkdir(exist_ok=True)
            if not identity.exists():
                write_whole(identity, lambda place: place.write_text(grid.identity, encoding="utf-8"))
        if identity.read_text(encoding="utf-8") != grid.identity:
            raise ProblemError(
                f"{self.folder}: holds chunks of another grid (other values, workload or chunk size); "
                "sweep that again to complete it, write to another file, or delete the folder"
            )

    def missing(self) -> list[int]:
        """The chunks that are not there yet."""
        return [chunk for chunk in range(self.grid.chunks) if not self._place(chunk).exists()]

    def write(self, chunk: int, columns: Columns) -> None:
        """Add a chunk (ProblemError where it cannot be written; the other chunks stay)."""
        with self._writing():
            write_whole(self._place(chunk), lambda place: self._format.write(place, columns))

    def merge(self) -> None:
        """Make the table of all chunks, and remove them (ProblemError where it cannot be written)."""
        parts = [self._place(chunk) for chunk in range(self.grid.chunks)]
        with self._writing():
            write_whole(self.path, lambda place: self._format.merge(place, parts), self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _place(self, chunk: int) -> Path:
        return self.folder / f"{chunk:08d}{self.path.suffix}"

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ProblemError(
                f"{self.path}: cannot be written: {error.strerror or error}; the chunks that are in "
                f"{self.folder} are whole, and the same sweep goes on from there"
            ) from error
