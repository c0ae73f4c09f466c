from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import cvxtoken
from cvxtoken import cli
from tests.fitting.data import write_arrivals, write_rows


def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of `cvxtoken fit`."""
    monkeypatch.setattr(sys, "argv", ["cvxtoken", "fit", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    rows = write_rows(tmp_path / "rows.csv", per_budget=100)
    return str(rows), str(write_arrivals(tmp_path / "log.csv"))


def test_fit(capsys, monkeypatch, files: tuple[str, str], tmp_path: Path) -> None:
    rows, log = files
    out, picture = tmp_path / "w.toml", tmp_path / "fits.png"
    code, text, err = run(
        capsys, monkeypatch, rows, "--arrivals", log, "--out", str(out), "--plot", str(picture)
    )
    assert (code, err) == (0, "")
    assert "| verdict |" in text
    assert "puzzles: lag: an S-shape: nothing is gained below about" in text
    assert "trivia: flat" in text
    assert "Poisson arrivals are not rejected" in text
    assert cvxtoken.Workload.load(out).names == ("maths", "puzzles", "trivia")
    assert picture.stat().st_size > 5000


def test_fit_with_service_times_that_vary(
    capsys, monkeypatch, files: tuple[str, str], tmp_path: Path
) -> None:
    rows, log = files
    out = tmp_path / "w.toml"
    code, text, _ = run(
        capsys, monkeypatch, rows, "--arrivals", log, "--random-service", "--out", str(out), "--json"
    )
    assert code == 0
    assert json.loads(text)["random_service"] is True
    assert cvxtoken.Workload.load(out).is_random


def test_fit_prints_one_json_object(capsys, monkeypatch, files: tuple[str, str]) -> None:
    rows, log = files
    code, text, err = run(capsys, monkeypatch, rows, "--arrivals", log, "--json", "--accuracy-weight", "60")
    assert (code, err) == (0, "")
    found = json.loads(text)
    assert found["tasks"]["maths"]["accuracy"]["verdict"] == "fits"
    assert found["tasks"]["puzzles"]["accuracy"]["lagged"]["lag"] > 500
    assert found["workload"]["accuracy_weight"] == 60
    assert found["arrivals"]["tasks"]["trivia"]["count"] > 60


def test_fit_by_other_names(capsys, monkeypatch, files: tuple[str, str], tmp_path: Path) -> None:
    text = Path(files[0]).read_text().replace("seconds", "latency_s", 1)
    (tmp_path / "other.csv").write_text(text)
    code, out, _ = run(
        capsys, monkeypatch, str(tmp_path / "other.csv"), "--column", "seconds=latency_s", "--json"
    )
    assert code == 0
    assert json.loads(out)["workload"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.csv"], "error: nowhere.csv: cannot be read"),
        (["ROWS", "--out", "OUT"], "error: arrival_rate is not known; give an arrival log, or a rate"),
        (["ROWS", "--arrivals", "ROWS", "--out", "OUT"], "error: "),
        (["ROWS", "--column", "seconds"], "error: column is 'seconds'; it must be OURS=THEIRS"),
        (["ROWS", "--method", "magic"], "method is 'magic'"),
        (["ROWS", "--arrival-rate", "0", "--out", "OUT"], "error: arrival_rate is 0.0"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written(
    capsys, monkeypatch, files: tuple[str, str], tmp_path: Path, arguments: list[str], message: str
) -> None:
    out = tmp_path / "w.toml"
    places = {"ROWS": files[0], "OUT": str(out)}
    code, text, err = run(capsys, monkeypatch, *(places.get(word, word) for word in arguments))
    assert (code, text) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert not out.exists()
