"""The sweep: grid -> chunks -> executor -> table."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cvxtoken.allocation.problem import Workload
from cvxtoken.sweeps.executors import Columns, check_place, solver
from cvxtoken.sweeps.grid import Grid
from cvxtoken.sweeps.parts import Parts


@dataclass(frozen=True)
class SweepResult:
    """What a sweep did.

    Attributes:
        grid: what was swept.
        table: the results by column, shape (points,) each, in the grid's order; None where they are in a
            file.
        path: of the file; None where there is none.
        counts: by status, of the points solved in this call.
        resumed: points that an earlier, interrupted call had solved.
        seconds: of this call.
    """

    grid: Grid
    table: Columns | None
    path: Path | None
    counts: dict[str, int]
    resumed: int
    seconds: float

    def to_document(self) -> dict[str, Any]:
        """The object that `cvxtoken sweep --json` prints."""
        return {
            "points": len(self.grid),
            "counts": self.counts,
            "resumed": self.resumed,
            "path": None if self.path is None else str(self.path),
            "seconds": self.seconds,
        }

    def __str__(self) -> str:
        told = ", ".join(f"{count} {status}" for status, count in self.counts.items()) or "nothing to do"
        before = f" ({self.resumed} were there)" if self.resumed else ""
        where = "" if self.path is None else f", in {self.path}"
        return f"{len(self.grid)} points{where}: {told}{before}; {self.seconds:.2f} s"


def sweep(
    workload: Workload,
    out: str | Path | None = None,
    *,
    workers: int = 1,
    cluster: str | None = None,
    executor: Executor | None = None,
    chunk_size: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    **values: ArrayLike,
) -> SweepResult:
    """The optimum at every combination of values of some fields.

    The grid is solved in chunks by `solve_many`. With a file, every chunk is on disk as soon as it is done,
    and after an interruption the same call goes on from there. On machines of one kind, a chunk's results do
    not depend on where it is solved.

    Args:
        workload: what does not vary.
        out: a .csv or .parquet file (extra `parquet`), which must not exist yet; by default the results
            stay in memory.
        workers: local processes, at most 1024; 1 solves here.
        cluster: address of a Dask scheduler instead, such as tcp://host:8786 (extra `cluster`).
        executor: any executor of `concurrent.futures` instead.
        chunk_size: points solved and written together; by default 10,000, fewer for many types.
        on_progress: called with the points done and all points, at the start and after each chunk.
        values: by field a list, such as arrival_rate=[0.1, 0.2]; a number for a field of the types, such
            as max_tokens, stands for every type.

    Raises:
        ProblemError: the grid is empty, a field is unknown or a value breaks its rule; the file exists
            already, its chunks are of another grid, or it cannot be written (what was written stays); the
            cluster does not answer.
        MissingExtraError: an optional package is not installed.
        SolverError: processes keep dying, or the cluster is lost; what was written stays.

    >>> from cvxtoken.library import load
    >>> found = sweep(load("qwen3-8b"), arrival_rate=[0.1, 0.5, 5.0], accuracy_weight=[30, 100])
    >>> found.counts
    {'solved': 4, 'unstable': 2}
    """
    started = time.perf_counter()
    grid = Grid.of(workload, values, chunk_size)
    check_place(workers, cluster, executor)
    parts = None if out is None else Parts(grid, Path(out))
    missing = list(range(grid.chunks)) if parts is None else parts.missing()
    done = resumed = len(grid) - sum(_points(grid, chunk) for chunk in missing)
    if on_progress is not None:
        on_progress(done, len(grid))
    counts: Counter[str] = Counter()
    kept: dict[int, Columns] = {}
    with solver(workers, cluster, executor) as solve:
        for chunk, columns in solve(grid, missing):
            counts.update(columns["status"].tolist())
            if parts is None:
                kept[chunk] = columns
            else:
                parts.write(chunk, columns)
            done += _points(grid, chunk)
            if on_progress is not None:
                on_progress(done, len(grid))
    table = None
    if parts is None:
        table = {name: np.concatenate([kept[chunk][name] for chunk in sorted(kept)]) for name in grid.header}
    else:
        parts.merge()
    path = None if parts is None else parts.path
    return SweepResult(grid, table, path, dict(counts), resumed, time.perf_counter() - started)


def _points(grid: Grid, chunk: int) -> int:
    """How many points a chunk has."""
    return min(len(grid) - chunk * grid.chunk_size, grid.chunk_size)
