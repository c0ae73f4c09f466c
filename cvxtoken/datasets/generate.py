"""Data sets: recipe -> shards -> executor -> folder, and its card."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from cvxtoken.datasets.card import describe, readme
from cvxtoken.datasets.folder import CARD, README, Folder, to_json
from cvxtoken.datasets.recipe import SHARD_SIZE, Recipe
from cvxtoken.files import Document
from cvxtoken.sweeps.executors import check_place, solver


@dataclass(frozen=True)
class Dataset:
    """A data set on disk.

    Attributes:
        path: of its folder, with the shards, `card.json` and `README.md`.
        card: what `card.json` holds.
        resumed: instances that an earlier, interrupted call had made.
        seconds: of this call.
    """

    path: Path
    card: Document
    resumed: int
    seconds: float

    def to_document(self) -> Document:
        """The object that `cvxtoken generate --json` prints: the card, and what the call did."""
        return self.card | {"path": str(self.path), "resumed": self.resumed, "seconds": self.seconds}

    def __str__(self) -> str:
        card, before = self.card, f" ({self.resumed} were there)" if self.resumed else ""
        return (
            f"{card['proven']} of {card['recipe']['count']} optima proven{before}, in {self.path}: all to a "
            f"relative gap of {card['largest_relative_gap']:.2g}, {card['certified']} to 1e-15; "
            f"{self.seconds:.1f} s\n"
            f"SHA-256 of all values: {card['sha256']}"
        )


def generate(
    family: str,
    count: int,
    out: str | Path,
    *,
    types: int = 5,
    seed: int = 0,
    shard_size: int = SHARD_SIZE,
    workers: int = 1,
    cluster: str | None = None,
    executor: Executor | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Dataset:
    """Draw workloads, find their optima, prove these, and write all of it to Parquet files, with a card.

    All values have the same bits on every machine, wherever the shards are made. Every shard is on disk as
    soon as it is done; after an interruption the same call goes on from there, and of a data set that is
    whole it makes the card anew.

    Args:
        family: 'realistic', 'deviations', 'sharing', 'loaded' or 'corners'; what each is drawn from stands in
            the card.
        count: instances.
        out: a folder, of this data set alone.
        types: in each instance.
        seed: of the random numbers.
        shard_size: instances in a file.
        workers: local processes; 1 works here.
        cluster: address of a Dask scheduler instead, such as tcp://host:8786 (extra `cluster`).
        executor: any executor of `concurrent.futures` instead.
        on_progress: called with the instances made and all, at the start and after each shard.

    Raises:
        ProblemError: the family is not known, a number is out of its range, the folder holds something else
            or cannot be written (what was written stays), or the cluster does not answer.
        MissingExtraError: an optional package is not installed.
        SolverError: processes keep dying, or the cluster is lost; what was written stays.

    Source: derived here.
    """
    started = time.perf_counter()
    recipe = Recipe(family, count, types, seed, shard_size)
    check_place(workers, cluster, executor)
    folder = Folder(Path(out), recipe)
    missing = folder.missing()
    done = resumed = count - sum(recipe.rows(shard) for shard in missing)
    if on_progress is not None:
        on_progress(done, count)
    with solver(workers, cluster, executor) as solve:
        for shard, columns in solve(recipe, missing):
            folder.write(shard, columns)
            done += recipe.rows(shard)
            if on_progress is not None:
                on_progress(done, count)
    card = describe(folder)
    folder.finish({README: readme(card), CARD: to_json(card)})
    return Dataset(folder.path, card, resumed, time.perf_counter() - started)
