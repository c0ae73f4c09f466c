"""`cvxtoken watch` in processes of its own: a log that grows, Ctrl-C, pipes that close."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cvxtoken.cli import watching
from cvxtoken.following.feed import Arrival
from tests.following.data import arrivals, pair

COMMAND = [sys.executable, "-c", "from cvxtoken.cli import main; main()", "watch"]
MIDNIGHT = 20513 * 86400


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, list[str]]:
    """A workload's file, and the lines of a log in which the rate rises fourfold after an hour."""
    pair().save(tmp_path / "w.toml")
    times, places = arrivals(1, [0.2, 0.9], 3600.0)
    return tmp_path / "w.toml", [
        "timestamp,task",
        *(f"{MIDNIGHT + t:.3f},{('chat', 'code')[k]}" for t, k in zip(times, places, strict=True)),
    ]


def test_a_log_that_grows_until_ctrl_c(files: tuple[Path, list[str]], tmp_path: Path) -> None:
    workload, lines = files
    log = tmp_path / "log.csv"
    log.write_text("\n".join(lines[:100]) + "\n")
    watched = subprocess.Popen(
        [*COMMAND, str(workload), str(log), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert watched.stdout is not None
    first = json.loads(watched.stdout.readline())  # it is flushed, although the command goes on
    assert first["time"].startswith("2026-03-01T00:00:")
    assert first["gain"] is None
    with log.open("a") as file:
        file.write("\n".join(lines[100:]) + "\n")
    second = json.loads(watched.stdout.readline())
    assert second["time"] > "2026-03-01T01:00:00Z"
    assert second["budgets"]["chat"] < first["budgets"]["chat"]
    assert second["arrival_rate"] > 0.25
    assert second["gain"] > second["gain_error"] > 0
    assert sum(second["prior"].values()) == pytest.approx(1)
    watched.send_signal(signal.SIGINT)
    rest, said = watched.communicate(timeout=60)
    assert watched.returncode == 130
    assert said == "error: stopped by Ctrl-C: the budgets printed last are those in force\n"
    assert all(json.loads(line) for line in rest.splitlines())


def test_ctrl_c_that_a_library_swallows_ends_it_all_the_same() -> None:
    def batches() -> Iterator[list[Arrival]]:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        yield []

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        list(watching._until_interrupted(batches()))
    assert signal.getsignal(signal.SIGINT) == before


def test_standard_input_and_a_reader_that_goes(files: tuple[Path, list[str]]) -> None:
    workload, lines = files
    shell = '"$@" - | head -1; echo "status ${PIPESTATUS[0]}"'
    done = subprocess.run(
        ["bash", "-c", shell, "-", *COMMAND, str(workload)],
        input="\n".join(lines), capture_output=True, text=True, check=True,
    )  # fmt: skip
    first, status = done.stdout.splitlines()
    assert first.startswith("2026-03-01T00:00:")
    assert "/s  chat " in first
    assert (status, done.stderr) == ("status 1", "")


def test_a_replay_ends_with_the_log(files: tuple[Path, list[str]], tmp_path: Path) -> None:
    workload, lines = files
    (tmp_path / "log.csv").write_text("\n".join([*lines, "what,art", f"{MIDNIGHT + 7200},art"]))
    done = subprocess.run(
        [*COMMAND, str(workload), str(tmp_path / "log.csv"), "--replay", "20000"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    shown = done.stdout.splitlines()
    assert len(shown) >= 2
    assert all("budgets" not in line and " gains " in line for line in shown[1:])
    assert done.stderr.splitlines() == [
        f"warning: line {len(lines) + 1} is left out: 'timestamp' is 'what'; "
        "it must be a date with a time, or a number of seconds",
        "warning: task 'art' is not in the workload; its arrivals do not count",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["W", "none.csv"], "error: none.csv: cannot be read"),
        (["W", "W"], "error: the log: there is no column 'timestamp'"),
        (["W", "W", "--replay", "0"], "error: replay is 0.0; it must be positive"),
        (["W", "LOG", "--half-life", "0"], "error: half_life is 0.0"),
        (["W", "LOG", "--column", "time"], "error: column is 'time'; it must be OURS=THEIRS"),
    ],
)
def test_bad_input(
    files: tuple[Path, list[str]], tmp_path: Path, monkeypatch, capsys, arguments: list[str], message: str
) -> None:
    from cvxtoken import cli

    (tmp_path / "log.csv").write_text("\n".join(files[1]))
    places = {"W": str(files[0]), "LOG": str(tmp_path / "log.csv")}
    monkeypatch.setattr(sys, "argv", ["cvxtoken", "watch", *(places.get(word, word) for word in arguments)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    out, err = capsys.readouterr()
    assert (stop.value.code, out) == (2, "")
    assert err.startswith(message)
    assert err.count("\n") == 1
