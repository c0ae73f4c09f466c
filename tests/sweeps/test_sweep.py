from __future__ import annotations

import csv
import errno
import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken import MissingExtraError, ProblemError, sweep
from cvxtoken.sweeps import Grid, parts
from tests.support.instances import realistic

QWEN = cvxtoken.load("qwen3-8b")
RATES, WEIGHTS = [0.05, 0.1, 0.5, 5.0], [10.0, 30.0, 100.0]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class StopError(Exception):
    """An interruption."""


def stop_after(chunks: int) -> Any:
    calls = itertools.count()

    def on_progress(done: int, total: int) -> None:
        if next(calls) == chunks:
            raise StopError

    return on_progress


def test_every_combination_is_solved() -> None:
    found = sweep(QWEN, arrival_rate=RATES, accuracy_weight=WEIGHTS)
    assert found.table is not None
    assert list(found.table) == found.grid.header
    assert found.counts == {"solved": 9, "unstable": 3}
    for row, (rate, weight) in enumerate(itertools.product(RATES, WEIGHTS)):
        point = {name: column[row] for name, column in found.table.items()}
        assert (point["index"], point["arrival_rate"], point["accuracy_weight"]) == (row, rate, weight)
        if rate == 5:
            assert point["status"] == "unstable"
            assert np.isnan(point["objective"])
            continue
        best = cvxtoken.solve(QWEN.replace(arrival_rate=rate, accuracy_weight=weight))
        assert point["objective"] == pytest.approx(best.objective, rel=1e-11)
        assert point["tokens: HMMT 2025"] == pytest.approx(best.tokens[4], abs=0.01)
        assert point["utilization"] == pytest.approx(best.utilization, rel=1e-6)


def test_a_number_stands_for_every_type() -> None:
    found = sweep(QWEN, max_tokens=[100.0, 1000.0], overhead=[0.0, 0.1])
    assert found.table is not None
    best = cvxtoken.solve(QWEN.replace(max_tokens=1000, overhead=[0.1] * 5))
    assert found.table["objective"][3] == pytest.approx(best.objective, rel=1e-11)


def test_chunks_do_not_show() -> None:
    """Equal up to rounding: in another block the same exponential may be computed in another way."""
    whole = sweep(QWEN, arrival_rate=RATES, accuracy_weight=WEIGHTS).table
    parted = sweep(QWEN, arrival_rate=RATES, accuracy_weight=WEIGHTS, chunk_size=5).table
    assert whole is not None
    assert parted is not None
    for name in ("index", "arrival_rate", "accuracy_weight", "status"):
        np.testing.assert_array_equal(whole[name], parted[name])
    np.testing.assert_allclose(whole["objective"], parted["objective"], rtol=1e-13)


def test_a_csv_file_holds_every_bit(tmp_path: Path) -> None:
    out = tmp_path / "s.csv"
    found = sweep(QWEN, out, arrival_rate=RATES, accuracy_weight=WEIGHTS, chunk_size=5)
    assert (found.path, found.table) == (out, None)
    expected = sweep(QWEN, arrival_rate=RATES, accuracy_weight=WEIGHTS, chunk_size=5).table
    assert expected is not None
    written = rows(out)
    assert len(written) == 12
    for name, column in expected.items():
        for cell, value in zip((row[name] for row in written), column.tolist(), strict=True):
            assert cell == ("" if value != value else str(value))
    assert list(tmp_path.iterdir()) == [out]


def test_a_parquet_file_holds_every_bit(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "s.parquet"
    sweep(QWEN, out, arrival_rate=RATES, accuracy_weight=WEIGHTS, chunk_size=5)
    expected = sweep(QWEN, arrival_rate=RATES, accuracy_weight=WEIGHTS, chunk_size=5).table
    assert expected is not None
    written = parquet.read_table(out)
    assert written.column_names == list(expected)
    for name, column in expected.items():
        np.testing.assert_array_equal(written[name].to_numpy(), column)


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    sweep(QWEN, arrival_rate=RATES, chunk_size=3, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_an_interrupted_sweep_goes_on_and_loses_nothing(tmp_path: Path, ending: str) -> None:
    if ending == ".parquet":
        pytest.importorskip("pyarrow")
    arguments = {"arrival_rate": RATES, "accuracy_weight": WEIGHTS, "chunk_size": 2}
    whole, out = tmp_path / f"whole{ending}", tmp_path / f"s{ending}"
    sweep(QWEN, whole, **arguments)
    with pytest.raises(StopError):
        sweep(QWEN, out, on_progress=stop_after(3), **arguments)
    assert not out.exists()
    folder = tmp_path / f"s{ending}.parts"
    assert len(list(folder.glob(f"0*{ending}"))) == 3
    (folder / f"00000004{ending}.draft").write_text("half a chu")  # a process killed while it wrote
    solved: list[int] = []
    found = sweep(QWEN, out, on_progress=lambda done, total: solved.append(done), **arguments)
    assert solved == [6, 8, 10, 12]
    assert found.resumed == 6
    assert out.read_bytes() == whole.read_bytes()
    assert not folder.exists()


@pytest.mark.parametrize(
    "changes",
    [{"arrival_rate": [*RATES[:-1], 4.0]}, {"chunk_size": 3}, {"workload": QWEN.replace(max_tokens=100)}],
)
def test_chunks_of_another_grid_are_not_mixed_in(tmp_path: Path, changes: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"workload": QWEN, "arrival_rate": RATES, "chunk_size": 2}
    out = tmp_path / "s.csv"
    with pytest.raises(StopError):
        sweep(out=out, on_progress=stop_after(1), **arguments)
    with pytest.raises(ProblemError, match=r"s.csv.parts: holds chunks of another grid"):
        sweep(out=out, **(arguments | changes))
    assert sweep(out=out, **arguments).resumed == 2


def test_results_are_not_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "s.csv"
    sweep(QWEN, out, arrival_rate=RATES)
    before = out.read_bytes()
    with pytest.raises(ProblemError, match="is there already; a sweep does not overwrite"):
        sweep(QWEN, out, arrival_rate=RATES)
    assert out.read_bytes() == before


def full_disk(*arguments: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "s.csv"
    write, calls = parts.Csv.write, itertools.count()

    def fill(self: parts.Csv, path: Path, columns: Any) -> None:
        write(self, path, columns)
        if next(calls) == 2:
            path.write_text("half")
            full_disk()

    with monkeypatch.context() as patch:
        patch.setattr(parts.Csv, "write", fill)
        with pytest.raises(
            ProblemError, match=r"s.csv: cannot be written: No space left.*the same sweep goes on"
        ):
            sweep(QWEN, out, arrival_rate=RATES, chunk_size=1)
    chunks = sorted((tmp_path / "s.csv.parts").glob("*.csv*"))
    assert [rows(chunk)[0]["arrival_rate"] for chunk in chunks] == ["0.05", "0.1"]
    assert sweep(QWEN, out, arrival_rate=RATES, chunk_size=1).resumed == 2
    assert len(rows(out)) == 4


def test_a_disk_full_at_the_end_leaves_all_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "s.csv"
    with monkeypatch.context() as patch:
        patch.setattr(parts.shutil, "copyfileobj", full_disk)
        with pytest.raises(ProblemError, match="No space left"):
            sweep(QWEN, out, arrival_rate=RATES, chunk_size=1)
    assert not out.exists()
    found = sweep(QWEN, out, arrival_rate=RATES, chunk_size=1)
    assert (found.resumed, found.counts) == (4, {})
    assert len(rows(out)) == 4


def test_a_bad_point_is_marked(tmp_path: Path) -> None:
    found = sweep(QWEN, accuracy_gain=[0.1, 0.9, 0.2])
    assert found.table is not None
    assert found.table["status"].tolist() == ["solved", "invalid", "solved"]


def test_types_are_many_and_chunks_small() -> None:
    assert Grid.of(realistic(0, 3), {"arrival_rate": [1.0]}).chunk_size == 10_000
    assert Grid.of(realistic(0, 4000), {"arrival_rate": [1.0]}).chunk_size == 500


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "the grid is empty; give values for at least one of arrival_rate, accuracy_weight"),
    ({"arrival_rate": []}, "arrival_rate is empty; a grid needs at least one value"),
    ({"arival_rate": [1]}, r"'arival_rate' cannot be varied \(did you mean 'arrival_rate'\?\)"),
    ({"prior": [1]}, "'prior' cannot be varied"),
    ({"arrival_rate": 0.1}, "arrival_rate is 0.1; it must be a list of numbers"),
    ({"arrival_rate": [[0.1]]}, "it must be a list of numbers"),
    ({"arrival_rate": [[0.1], [1, 2]]}, "it must be a list of numbers"),
    ({"arrival_rate": ["fast"]}, "it must be a list of numbers"),
    ({"arrival_rate": [0.1, -1.0]}, "arrival_rate is -1.0; it must be finite and positive"),
    ({"accuracy_weight": [float("nan")]}, "accuracy_weight is nan; it must be finite and positive"),
    ({"overhead": [0.0, float("inf")]}, "overhead is inf"),
    ({"max_tokens": [-1.0]}, "max_tokens is -1.0; it must be finite and not negative"),
    ({"saturation_rate": [0.0]}, "saturation_rate is 0.0; it must be finite and positive"),
    ({"arrival_rate": RATES, "chunk_size": 0}, "chunk_size is 0"),
    ({"arrival_rate": RATES, "workers": 0}, "workers is 0"),
    ({"arrival_rate": RATES, "workers": 2, "cluster": "tcp://x:1"}, "exclude each other"),
    ({"arrival_rate": RATES, "workers": 2, "executor": ThreadPoolExecutor()}, "exclude each other"),
    ({"arrival_rate": RATES, "out": "s.txt"}, "s.txt: the ending is '.txt'; it must be .csv or .parquet"),
    ({"arrival_rate": RATES, "out": "no/such/s.csv"}, "no/such/s.csv: cannot be written: No such file"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        sweep(QWEN, **arguments)


def test_without_pyarrow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'cvxtoken\[parquet\]'"):
        sweep(QWEN, tmp_path / "s.parquet", arrival_rate=RATES)
