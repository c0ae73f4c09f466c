"""Data sets: the same bits wherever and however they are made, and nothing false in them passes."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from cvxtoken import ProblemError, Workload, certify, generate, load
from cvxtoken.datasets import FAMILIES
from cvxtoken.datasets.card import COLUMNS
from cvxtoken.datasets.recipe import Recipe
from cvxtoken.delay import read_server
from cvxtoken.verifier import Refused, many

RECIPE: dict[str, Any] = {"types": 3, "shard_size": 40, "seed": 7}
# of the values of 100 instances of three types: they must be these on every machine, and stay these
HASHES = {
    "realistic": "92c69ebafb74f5d00508acb0418e9cbe857637d4d692a7d3d385b66d9106ab61",
    "deviations": "f5211b0a7871c8c199ae613c5f619155b1bdad7c0140f559479f1876ba69d9ef",
    "sharing": "cd73ac1a40b258a36e0c6a98976d5d3fe3dde6e7ec524e83324755388eb8cd25",
    "loaded": "f07d74c51c7dc7f3a9049dbcd5a640e09dd98702169b13d9dd351cef7010c68d",
    "corners": "9e852c1ce4d135f7782df8c402a61bcd815803acde3a8f10332953969c6af617",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate("sharing", 100, tmp_path_factory.mktemp("made") / "set", **RECIPE).path


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("family", FAMILIES)
def test_values_are_the_same_on_every_machine_and_all_proven(family: str, tmp_path: Path) -> None:
    card = generate(family, 100, tmp_path / "set", **RECIPE).card
    assert card["sha256"] == HASHES[family]
    assert card["proven"] == 100
    assert card["largest_relative_gap"] <= 1e-12
    line = many.check(str(tmp_path / "set"), samples=2)
    assert line.startswith("proven: 100 of 100 instances ")
    assert "6 of them proven in decimals too" in line


def test_where_it_is_made_changes_nothing(made: Path, tmp_path: Path) -> None:
    generate("sharing", 100, tmp_path / "processes", workers=2, **RECIPE)
    with ThreadPoolExecutor(2) as executor:
        generate("sharing", 100, tmp_path / "threads", executor=executor, **RECIPE)
    assert contents(tmp_path / "processes") == contents(tmp_path / "threads") == contents(made)


def test_an_interrupted_call_goes_on(made: Path, tmp_path: Path) -> None:
    told: list[int] = []

    def stop(done: int, total: int) -> None:
        told.append(done)
        if done == 80:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate("sharing", 100, tmp_path / "set", on_progress=stop, **RECIPE)
    assert told == [0, 40, 80]
    assert not (tmp_path / "set" / "card.json").exists()
    (tmp_path / "set" / "shard-00002.parquet.1.draft").write_text("half a sha")  # of a killed process
    found = generate("sharing", 100, tmp_path / "set", **RECIPE)
    assert found.resumed == 80
    assert contents(found.path) == contents(made)
    assert generate("sharing", 100, found.path, **RECIPE).resumed == 100


def test_more_instances_begin_with_the_same_ones() -> None:
    few, more = (Recipe("corners", count, 2, 3, 30).solve(1) for count in (40, 1000))
    for name in COLUMNS:
        if name not in ("tokens", "lower", "upper", "gap"):  # whose last bits the rest of a block may change
            np.testing.assert_array_equal(few[name], more[name][:10])


def test_seeds_shards_and_families_differ() -> None:
    recipes = [("corners", 0, 0), ("corners", 0, 1), ("corners", 1, 0), ("loaded", 0, 0)]
    drawn = [Recipe(family, 90, 2, seed, 30).solve(shard)["overhead"] for family, seed, shard in recipes]
    assert len({values.tobytes() for values in drawn}) == len(drawn)


def test_a_row_is_a_workload_that_certify_proves(made: Path) -> None:
    card, row = (
        json.loads((made / "card.json").read_text()),
        pl.read_parquet(made / "*.parquet").row(77, named=True),
    )
    fields = {name: row[name] for name in card["columns"] if hasattr(load("qwen3-8b"), name)}
    workload = Workload(names=list("abc"), **fields | {"server": read_server(card["servers"][row["server"]])})
    proof = certify(workload, row["tokens"])
    assert proof.relative_gap <= 1e-15
    assert row["lower"] <= proof.upper
    assert row["upper"] >= proof.lower


def forged(made: Path, place: Path, honest: bool, **changes: Any) -> str:
    """A copy with changed values in a shard; an honest liar states the hashes of what he writes."""
    shutil.copytree(made, place)
    shard, card = place / "shard-00001.parquet", json.loads((place / "card.json").read_text())
    frame = pl.read_parquet(shard)
    for name, change in changes.items():
        values = frame[name].to_numpy().copy()
        values[5] = change(values[5])
        frame = frame.with_columns(pl.Series(name, values, dtype=frame.schema[name]))
    frame.write_parquet(shard)
    if honest:
        proofs = hashlib.sha256()
        for name in ("tokens", "lower", "upper", "gap"):
            proofs.update(frame[name].to_numpy().astype(">f8").tobytes())
        card["shards"][1] |= {
            "sha256": hashlib.sha256(shard.read_bytes()).hexdigest(),
            "proofs": proofs.hexdigest(),
        }
        (place / "card.json").write_text(json.dumps(card))
    return str(place)


@pytest.mark.parametrize(
    "change",
    [
        {"lower": lambda x: np.nextafter(x, np.inf) + 1e-12},
        {"upper": lambda x: x - 1e-9},
        {"gap": lambda x: 0.0 * x},
        {"tokens": lambda x: 0.99 * x},
        {"arrival_rate": lambda x: 0.5 * x},
    ],
)
def test_a_lie_is_refused(made: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        many.check(forged(made, tmp_path / "set", True, **change))


def test_files_and_hashes_must_be_those_of_the_card(made: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"the SHA-256 of shard-00001\.parquet is"):
        many.check(forged(made, tmp_path / "1", False, lower=lambda x: x - 1))
    place = Path(forged(made, tmp_path / "2", True, upper=lambda x: x + 1))  # weaker, but true
    assert many.check(str(place)).startswith("proven: 100 of 100")
    for name, text in (("card.json", "{}"), ("card.json", "no JSON"), ("shard-00000.parquet", "no Parquet")):
        (place / name).write_text(text)
        with pytest.raises(Refused):
            many.check(str(place))
    (place / "card.json").unlink()
    with pytest.raises(Refused, match="cannot be read"):
        many.check(str(place))
    card = json.loads((made / "card.json").read_text())
    card["shards"][0]["file"] = "../made/shard-00000.parquet"
    (place / "card.json").write_text(json.dumps(card))
    with pytest.raises(Refused, match="no file of the folder"):
        many.check(str(place))


def test_the_checker_runs_alone(made: Path, tmp_path: Path) -> None:
    for name in ("many.py", "allocation.py"):
        shutil.copy(Path(many.__file__).parent / name, tmp_path)
    done = subprocess.run(
        [sys.executable, tmp_path / "many.py", made, "1"], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("proven: 100 of 100 instances "), done.stderr


BAD: list[tuple[dict[str, Any], str]] = [
    (
        {"family": "realstic"},
        "family 'realstic' is not known (did you mean 'realistic'?); there are: ",
    ),
    ({"count": 0}, "count is 0; it must be a whole number from 1 to"),
    ({"types": 1.5}, "types is 1.5; it must be a whole number from 1 to 1000"),
    ({"seed": -1}, "seed is -1"),
    ({"shard_size": True}, "shard_size is True"),
    ({"shard_size": 10**6, "types": 20}, "shard_size is 1000000; of 20 types it may be 500000"),
    ({"count": 10**9, "shard_size": 10}, "shard_size is 10; of 1000000000 it must be 10000 at least"),
    ({"workers": 0}, "workers is 0"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_arguments_are_refused_before_anything_is_written(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ProblemError) as refusal:
        generate(**{"family": "corners", "count": 10, "out": tmp_path / "set"} | change)
    assert str(refusal.value).startswith(message)
    assert not (tmp_path / "set").exists()


def test_a_folder_of_something_else_is_left_alone(made: Path, tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="holds another data set"):
        generate("sharing", 101, made, **RECIPE)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ProblemError, match=r"holds 'notes.txt'; a data set needs a folder of its own"):
        generate("sharing", 100, tmp_path, **RECIPE)
    with pytest.raises(ProblemError, match="cannot be written"):
        generate("sharing", 100, tmp_path / "notes.txt" / "set", **RECIPE)
    copy = Path(shutil.copytree(made, tmp_path / "copy"))
    (copy / "shard-00000.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ProblemError, match=r"shard-00000.parquet: cannot be read"):
        generate("sharing", 100, copy, **RECIPE)
