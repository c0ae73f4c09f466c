from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.advice.data import write_log, write_rows


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("advice")
    return [
        str(write_rows(folder / "rows.csv")),
        "--arrivals",
        str(write_log(folder / "log.csv")),
        "--draws",
        "30",
    ]


def test_files_are_written_and_named(command, files: list[str], tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    server = tmp_path / "server.toml"
    server.write_text('[server]\nkind = "sharing"\nsigma = 0.01\n')
    out, report = tmp_path / "b.json", tmp_path / "r.html"
    options = ["--server", str(server), "--replicas", "2", "--max-system-time", "3"]
    code, text, err = command("advise", *files, *options, "--out", str(out), "--report", str(report))
    assert (code, err) == (0, "")
    assert f"check the proof with: cvxtoken verify {tmp_path / 'b.proof.json'}" in text
    assert command("verify", str(tmp_path / "b.proof.json"))[0] == 0
    inline = ["--server", "kind=sharing,sigma=0.01,replicas=2", "--max-system-time", "3", "--json"]
    found = json.loads(command("advise", *files, *inline)[1])
    written = json.loads(out.read_text())
    assert written["budgets"] == found["budgets"]
    assert set(written) - set(found) == {"proof"}
    assert report.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "b.toml"], "b.toml: the ending is '.toml'; it must be .json"),
        (["--out", "nowhere/b.json"], "cannot be written"),
        (["--server", "kind=sharing,sigma=x"], "server: sigma is 'x'; it must be a number"),
        (["--server", "kind=sharing,"], "it must be a file, or such as kind=sharing,sigma=0.009"),
        (["--server", "kind=shared,sigma=1"], "did you mean 'sharing'"),
        (["--replicas", "0"], "replicas is 0"),
        (["--max-system-time", "0"], "max_mean_system_time is 0.0"),
        (["--draws", "0"], "draws is 0"),
    ],
)
def test_bad_input_is_one_sentence(command, files: list[str], options: list[str], message: str) -> None:  # type: ignore[no-untyped-def]
    code, text, err = command("advise", *files, *options)
    assert (code, text) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_file_without_a_server_is_refused(command, files: list[str], tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "w.toml").write_text("sigma = 0.1\n")
    code, _, err = command("advise", *files, "--server", str(tmp_path / "w.toml"))
    assert code == 2
    assert "there is no [server] table" in err
