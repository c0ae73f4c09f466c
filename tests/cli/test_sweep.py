from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import cvxtoken
from cvxtoken import cli
from cvxtoken.sweeps import grid


@pytest.fixture
def command(capsys, monkeypatch, tmp_path):  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cvxtoken", "sweep", *arguments])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return run


def test_a_grid_is_written(command) -> None:
    code, out, err = command("--arrival-rate", "0.1,5", "--accuracy-weight", "10:30:3", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert set(found) == {"points", "counts", "resumed", "path", "seconds"}
    assert (found["points"], found["counts"]) == (6, {"solved": 3, "unstable": 3})
    lines = Path("sweep.csv").read_text().splitlines()
    assert lines[0].startswith("index,arrival_rate,accuracy_weight,status,objective,")
    assert [line.split(",")[2] for line in lines[1:4]] == ["10.0", "20.0", "30.0"]
    code, out, _ = command("--arrival-rate", "0.1", "--out", "b.csv", "--workers", "2")
    assert code == 0
    assert out.startswith("1 points, in b.csv: 1 solved; ")


def test_other_fields_can_be_varied(command) -> None:
    arguments = ["--max-tokens", "100,200", "--vary", "overhead=0,0.1", "--out", "o.csv", "--json"]
    code, out, _ = command("r1-distill-8b", *arguments)
    assert code == 0
    assert json.loads(out)["points"] == 4
    assert Path("o.csv").read_text().startswith("index,max_tokens,overhead,status")


def test_what_is_not_solved_is_exit_status_3(command, monkeypatch: pytest.MonkeyPatch) -> None:
    solve_many = grid.solve_many

    def half(workloads: cvxtoken.Workloads) -> cvxtoken.Solutions:
        found = solve_many(workloads)
        found.status[0] = cvxtoken.Status.UNFINISHED
        return found

    monkeypatch.setattr(grid, "solve_many", half)
    code, out, err = command("--arrival-rate", "0.1,0.2")
    assert code == 3
    assert "1 unfinished, 1 solved" in out
    assert err.startswith("unfinished: 1 points are not solved")


BAD = [
    ([], "the grid is empty"),
    (["--arrival-rate", ""], "arrival_rate is empty"),
    (["--arrival-rate", "0.1:1:0"], "arrival_rate is empty"),
    (["--arrival-rate", "0.1:1"], "arrival_rate is '0.1:1'; it must be 0.1,0.2,0.5 or LOW:HIGH:COUNT"),
    (["--arrival-rate", "0.1:1:-3"], "arrival_rate is '0.1:1:-3'"),
    (["--arrival-rate", "0.1,,2"], "arrival_rate is '0.1,,2'"),
    (["--arrival-rate", "-1:1:2"], "arrival_rate is -1.0; it must be finite and positive"),
    (["--vary", "overhed=1"], "'overhed' cannot be varied (did you mean 'overhead'?)"),
    (["--vary", "overhead"], "vary is 'overhead'; it must be FIELD=VALUES"),
    (["--vary", "overhead=1", "--vary", "overhead=2"], "each field once"),
    (["--arrival-rate", "1", "--out", "s.xlsx"], "s.xlsx: the ending is '.xlsx'"),
    (["--arrival-rate", "1", "--workers", "0"], "workers is 0"),
    (["--arrival-rate", "1", "--workers", "1000000"], "workers is 1000000; it must be a whole number from 1"),
    (["--arrival-rate", "1", "--workers", "2", "--cluster", "tcp://x:1"], "exclude each other"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_one_sentence_and_exit_status_2(command, arguments: list[str], message: str) -> None:
    code, out, err = command(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1
    assert not Path("sweep.csv").exists()
