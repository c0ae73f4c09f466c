"""Commands on files as tools write them: what is read is said, what is doubtful names its option."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cvxtoken import cli
from cvxtoken.cli.application import Commands
from tests.fitting.data import write_arrivals, write_rows

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Exit status, stdout and stderr of a command."""

    def command(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cvxtoken", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return command


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("rows") / "rows.csv", per_budget=20)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write_arrivals(tmp_path / "log.csv")


def renamed(source: Path, target: Path, **names: str) -> Path:
    header, _, body = source.read_text().partition("\n")
    target.write_text(",".join(names.get(name, name) for name in header.split(",")) + "\n" + body)
    return target


def test_fit_says_what_it_read(run: Run, rows: Path, log: Path, tmp_path: Path) -> None:
    other = renamed(rows, tmp_path / "other.csv", correct="passed", seconds="Latency (s)")
    code, text, err = run("fit", other, "--arrivals", log)
    assert (code, err) == (0, "")
    assert "other.csv: 420 rows (CSV); as they are: task, budget_tokens, thinking_tokens, question" in text
    assert "| correct | passed" in text
    code, text, _ = run("fit", rows, "--arrivals", log, "--json")
    readings = json.loads(text)["readings"]
    assert [reading["rows"] for reading in readings] == [420, 600]
    assert readings[1]["columns"]["timestamp"] == {"name": "timestamp", "read_as": "s since some start"}


def test_a_log_may_have_names_of_its_own(run: Run, rows: Path, log: Path, tmp_path: Path) -> None:
    other = renamed(log, tmp_path / "other.csv", task="request_type")
    code, _, err = run("fit", rows, "--arrivals", other)
    assert code == 2
    assert "there is no column 'task'; columns: timestamp, request_type; another name is told by" in err
    assert "--arrivals-column task=NAME" in err
    assert run("fit", rows, "--arrivals", other, "--arrivals-column", "task=request_type")[0] == 0


def test_tasks_that_one_file_lacks(run: Run, rows: Path, log: Path) -> None:
    with log.open("a") as file:
        file.write("99999,embedding\n")
    code, _, err = run("fit", rows, "--arrivals", log)
    assert code == 2
    assert "arrivals of task 'embedding', which has no rows; the table has maths, puzzles, trivia" in err
    assert "--drop tasks" in err
    code, text, _ = run("fit", rows, "--arrivals", log, "--drop", "tasks")
    assert code == 0
    assert "1 arrivals of embedding, without rows, left out of the rate" in text
    log.write_text(log.read_text().replace("trivia", "maths"))
    code, text, _ = run("fit", rows, "--arrivals", log, "--drop", "tasks")
    assert code == 0
    assert "140 rows of trivia, without arrivals, left out" in text
    log.write_text("timestamp,task\n1,x\n2,x\n3,x\n")
    assert (
        "have no task in common: maths, puzzles, trivia, and x"
        in run("fit", rows, "--arrivals", log, "--drop", "tasks")[2]
    )


def test_one_task_for_all_rows(run: Run, rows: Path, tmp_path: Path) -> None:
    lines = [line.split(",", 1)[1] for line in rows.read_text().splitlines() if not line.startswith("p")]
    (tmp_path / "one.csv").write_text("\n".join(lines))
    (tmp_path / "log.csv").write_text("timestamp\n" + "\n".join(map(str, range(50))))
    code, _, err = run("fit", tmp_path / "one.csv")
    assert code == 2
    assert "--column task=NAME, or by --task NAME where all rows are of one (task)" in err
    code, text, _ = run("fit", tmp_path / "one.csv", "--task", "all", "--arrivals", tmp_path / "log.csv")
    assert code == 0
    assert "all of task 'all', as told" in text
    assert "all of task 'all', the only one" in text
    assert "--task (task) is given, and the table has a column for it" in run("fit", rows, "--task", "all")[2]


def test_an_error_is_a_json_object_too(run: Run, rows: Path, tmp_path: Path) -> None:
    code, text, err = run("fit", tmp_path / "none.csv", "--json")
    assert code == 2
    assert err == f"error: {json.loads(text)['error']}\n"
    assert json.loads(text) == {
        "error": f"{tmp_path / 'none.csv'}: cannot be read: No such file or directory"
    }
    assert run("fit", tmp_path / "none.csv")[1] == ""


def test_clip_reads_lengths_of_any_file(run: Run, tmp_path: Path) -> None:
    lengths = np.random.default_rng(0).integers(1, 900, 60).tolist()
    (tmp_path / "bench.json").write_text(
        json.dumps({"completed": 60, "output_lens": lengths, "itls": [[0.1]] * 60})
    )
    (tmp_path / "lengths.csv").write_text("n\n" + "\n".join(map(str, lengths)))
    found = []
    for source in ("bench.json:output_lens", "bench.json", "lengths.csv:n"):
        code, text, err = run("clip", "--lengths", tmp_path / source, "--limits", "300,600", "--json")
        assert (code, err) == (0, "")
        found.append(json.loads(text))
        assert found[-1].pop("readings")[0]["rows"] == 60
        found[-1].pop("seconds")
    assert found[0] == found[1] == found[2]
    code, text, err = run("clip", "--lengths", tmp_path / "bench.json:output")
    assert code == 2
    assert "there is no column 'output' for output_tokens (did you mean" in err
    assert len(err) < 400, "an error does not repeat the file"
    (tmp_path / "lengths.csv").write_text("n\n5\n0\n7\n")
    assert "line 3: 'n' is '0'" in run("clip", "--lengths", tmp_path / "lengths.csv:n")[2]
    text = run("clip", "--lengths", tmp_path / "lengths.csv:n", "--drop", "failed", "--limits", "6,7")[1]
    assert "lengths.csv: 2 rows (CSV); 1 rows without output left out" in text


def test_schedule_reads_a_trace_in_milliseconds(run: Run, tmp_path: Path) -> None:
    calls = [
        {"timestamp": 1000 * n, "input_length": 5, "output_length": 3, "hash_ids": [n]} for n in range(4)
    ]
    (tmp_path / "trace.jsonl").write_text("\n".join(map(json.dumps, calls)))
    arguments = ("schedule", "--trace", tmp_path / "trace.jsonl", "--round-seconds", "1", "--policy", "fcfs")
    code, text, _ = run(*arguments, "--json")
    assert code == 0
    understood = json.loads(text)["readings"][0]["columns"]["timestamp"]
    assert understood == {"name": "timestamp", "read_as": "ms since some start, Mooncake's"}
    assert "trace.jsonl: 4 rows (JSON lines)" in run(*arguments)[1]


def test_ctrl_c_says_what_was_kept(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cvxtoken.sweeps.grid import Grid

    solve, done = Grid.solve, []

    def interrupted(grid: Grid, chunk: int) -> object:
        if done:
            raise KeyboardInterrupt
        done.append(chunk)
        return solve(grid, chunk)

    monkeypatch.setattr(Grid, "solve", interrupted)
    grid = ("sweep", "--arrival-rate", "0.1,0.2,0.3", "--chunk-size", "2", "--out", tmp_path / "grid.csv")
    code, text, err = run(*grid, "--json")
    assert code == 130
    sentence = "stopped by Ctrl-C: 2 of 3 points are kept; the same command goes on from there"
    assert (err, json.loads(text)) == (f"error: {sentence}\n", {"error": sentence})
    monkeypatch.undo()
    assert "(2 were there)" in run(*grid)[1]
    monkeypatch.setattr(Commands, "resolve_command", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    code, text, err = run("solve")
    assert (code, text) == (130, "")
    assert err == "error: stopped by Ctrl-C: nothing was kept; the same command starts anew\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--arrival-rate", "0.1:1:100000000000"), "a grid may have at most 1000000000 points"),
        (
            ("--arrival-rate", "0.1:1:100000", "--accuracy-weight", "1:9:100000", "--max-tokens", "1:9:10"),
            "the grid has 100000000000 points; it may have at most 1000000000",
        ),
        (
            ("--arrival-rate", "0.1:1:1000001", "--chunk-size", "1"),
            "for 1000001 points it must be at least 2",
        ),
    ],
)
def test_huge_grids_are_refused_before_the_work(
    run: Run, arguments: tuple, message: str, tmp_path: Path
) -> None:
    code, text, err = run("sweep", *arguments, "--out", tmp_path / "grid.csv")
    assert (code, text) == (2, "")
    assert message in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full disk is at hand")
def test_a_full_disk_and_a_closed_pipe_end_in_a_sentence() -> None:
    """In processes of their own, whose Python must not complain when it ends."""
    command = f"{sys.executable} -m cvxtoken.cli workloads"
    full = subprocess.run(f"{command} > /dev/full", shell=True, capture_output=True, text=True)
    assert full.returncode == 1
    assert full.stderr == "error: the output cannot be written: No space left on device\n"
    closed = subprocess.run(f"{command} | true", shell=True, capture_output=True, text=True)
    assert closed.stderr == ""
