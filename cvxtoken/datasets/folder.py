"""A data set on disk: a Parquet file a shard, the recipe, and a card once all shards are there.

`recipe.json` is written first, shards as they come, each under another name and then renamed; so what is
there after an interruption is whole, and the folder says which data set it belongs to.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cvxtoken.datasets.recipe import Recipe
from cvxtoken.errors import ProblemError
from cvxtoken.files import write_whole
from cvxtoken.sweeps.executors import Columns

RECIPE, CARD, README = "recipe.json", "card.json", "README.md"


class Folder:
    """The files of one data set.

    Attributes:
        path: of the folder.
        recipe: of the data set.
    """

    def __init__(self, path: Path, recipe: Recipe) -> None:
        """Begin, or go on with the shards that are there.

        Raises:
            ProblemError: the folder holds another data set or other files, or cannot be written.
        """
        self.path, self.recipe = path, recipe
        place, text = path / RECIPE, to_json(recipe.to_document())
        with self._writing():
            path.mkdir(parents=True, exist_ok=True)
            if not place.exists():
                others = sorted(file.name for file in path.iterdir() if not file.name.endswith(".draft"))
                if others:
                    raise ProblemError(f"{path}: holds {others[0]!r}; a data set needs a folder of its own")
                write_whole(place, partial(_write_text, text))
            found = place.read_text(encoding="utf-8")
        if found != text:
            raise ProblemError(
                f"{path}: holds another data set, {' '.join(found.split())}; "
                "complete that one, or name another folder"
            )

    def missing(self) -> list[int]:
        """The shards that are not there yet."""
        return [shard for shard in range(self.recipe.shards) if not self.place(shard).exists()]

    def place(self, shard: int) -> Path:
        """Where a shard is."""
        return self.path / f"shard-{shard:05d}.parquet"

    def write(self, shard: int, columns: Columns) -> None:
        """Add a shard (ProblemError where it cannot be written; the other shards stay)."""
        frame = pl.DataFrame([_series(name, values) for name, values in columns.items()])
        with self._writing():
            write_whole(self.place(shard), lambda draft: frame.write_parquet(draft, statistics=False))

    def finish(self, texts: dict[str, str]) -> None:
        """Write other files, by name, and remove what killed processes have left half-written."""
        with self._writing():
            for name, text in texts.items():
                write_whole(self.path / name, partial(_write_text, text))
            for draft in self.path.glob("*.draft"):
                draft.unlink()

    def read(self, shard: int) -> tuple[Columns, str]:
        """A shard's columns and the SHA-256 of its file (ProblemError where it cannot be read)."""
        place = self.place(shard)
        try:
            frame = pl.read_parquet(place)
            digest = hashlib.sha256(place.read_bytes()).hexdigest()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise ProblemError(
                f"{place}: cannot be read: {error}; delete it, and the same call makes it anew"
            ) from error
        return {name: frame[name].to_numpy() for name in frame.columns}, digest

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ProblemError(
                f"{self.path}: cannot be written: {error.strerror or error}; the shards that are there are "
                "whole, and the same call goes on from there"
            ) from error


def to_json(document: Any) -> str:
    """JSON text of a file."""
    return json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _write_text(text: str, place: Path) -> None:
    place.write_text(text, encoding="utf-8")


def _series(name: str, values: NDArray[Any]) -> pl.Series:
    if values.ndim == 1:
        return pl.Series(name, np.ascontiguousarray(values))
    return pl.Series(name, np.ascontiguousarray(values), dtype=pl.Array(pl.Float64, values.shape[1]))
