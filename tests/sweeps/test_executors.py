"""Wherever chunks are solved the results are the same, whoever dies meanwhile."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken import MissingExtraError, ProblemError, SolverError, sweep
from cvxtoken.sweeps import Grid
from cvxtoken.sweeps.executors import dask_executor, solve_in_processes
from cvxtoken.sweeps.grid import Columns

QWEN = cvxtoken.load("qwen3-8b")
GRID: dict[str, Any] = {
    "arrival_rate": np.linspace(0.01, 5, 40),
    "accuracy_weight": [30.0, 60.0, 100.0],
    "chunk_size": 10,
}


@pytest.fixture(scope="session")
def expected(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    out = tmp_path_factory.mktemp("sweep") / "s.csv"
    sweep(QWEN, out, **GRID)
    return out.read_bytes()


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_any_executor_gives_the_same_bits(tmp_path: Path, expected: bytes, kind: Any) -> None:
    with kind(2) as executor:
        sweep(QWEN, tmp_path / "s.csv", executor=executor, **GRID)
    assert (tmp_path / "s.csv").read_bytes() == expected


def test_local_processes_give_the_same_bits(tmp_path: Path, expected: bytes) -> None:
    sweep(QWEN, tmp_path / "s.csv", workers=2, **GRID)
    assert (tmp_path / "s.csv").read_bytes() == expected


@dataclass(frozen=True, eq=False)
class Deadly(Grid):
    """Kills the process that solves chunk 3, as often as there are files in a folder."""

    lives: Path = Path()

    def solve(self, chunk: int) -> Columns:
        if chunk == 3:
            for life in self.lives.iterdir():
                life.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
        return super().solve(chunk)


def deadly(folder: Path, times: int) -> Deadly:
    for life in range(times):
        (folder / str(life)).touch()
    grid = Grid.of(QWEN, {"arrival_rate": np.linspace(0.1, 1, 8)}, 1)
    return Deadly(grid.workload, grid.values, grid.chunk_size, folder)


@pytest.mark.parametrize("times", [1, 2])
def test_chunks_of_a_killed_process_start_again(tmp_path: Path, times: int) -> None:
    grid = deadly(tmp_path, times)
    found = dict(solve_in_processes(2, grid, range(8)))
    assert not list(tmp_path.iterdir())
    assert sorted(found) == list(range(8))
    for chunk in range(8):
        alone = grid.solve(chunk)
        assert all(np.array_equal(found[chunk][name], alone[name]) for name in alone)


def test_processes_that_keep_dying_end_the_sweep(tmp_path: Path) -> None:
    with pytest.raises(SolverError, match="3 times in a row a process was killed"):
        dict(solve_in_processes(1, deadly(tmp_path, 100), [3, 4, 5]))


class Flaky(ThreadPoolExecutor):
    """Loses results that are done, as a cluster may where a worker dies."""

    def __init__(self, losses: int) -> None:
        super().__init__(2)
        self.losses = losses

    def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Any:
        if self.losses:
            self.losses -= 1
            return super().submit(lambda: function(*arguments, **options)["lost"])
        return super().submit(function, *arguments, **options)


@pytest.mark.parametrize("losses", [1, 2])
def test_a_lost_result_is_made_again(tmp_path: Path, expected: bytes, losses: int) -> None:
    with Flaky(losses) as executor:
        sweep(QWEN, tmp_path / "s.csv", executor=executor, **GRID)
    assert (tmp_path / "s.csv").read_bytes() == expected


def test_an_error_that_stays_is_raised(tmp_path: Path) -> None:
    with Flaky(1000) as executor, pytest.raises(KeyError, match="lost"):
        sweep(QWEN, tmp_path / "s.csv", executor=executor, **GRID)


# --- Dask -----------------------------------------------------------------------------------------------


@pytest.fixture
def cluster() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=60
    ) as local:
        yield local


def test_a_cluster_gives_the_same_bits_though_a_worker_is_killed(
    tmp_path: Path, expected: bytes, cluster: Any
) -> None:
    sweep(QWEN, tmp_path / "whole.csv", cluster=cluster.scheduler_address, **GRID)
    assert (tmp_path / "whole.csv").read_bytes() == expected
    victims = [cluster.workers[0].pid]

    def kill(done: int, total: int) -> None:
        if done and victims:
            os.kill(victims.pop(), signal.SIGKILL)

    sweep(QWEN, tmp_path / "s.csv", cluster=cluster.scheduler_address, on_progress=kill, **GRID)
    assert not victims
    assert (tmp_path / "s.csv").read_bytes() == expected


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "127.0.0.1:1"])
def test_a_cluster_that_does_not_answer(address: str) -> None:
    pytest.importorskip("distributed")
    # Dask's own words say after how long it gave up; a clock here would say how busy the machine is
    said = rf"cluster '{address}' does not answer within 0.5 s: Timed out .* after 0.5 s"
    with (
        pytest.raises(ProblemError, match=said),
        dask_executor(address, timeout=0.5),
    ):
        pass


def test_an_address_that_is_none() -> None:
    pytest.importorskip("distributed")
    with (
        pytest.raises(ProblemError, match="cluster 'nonsense://x' does not answer"),
        dask_executor("nonsense://x"),
    ):
        pass


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'cvxtoken\[cluster\]'"):
        sweep(QWEN, cluster="tcp://localhost:8786", **GRID)
