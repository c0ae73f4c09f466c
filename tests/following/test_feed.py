from __future__ import annotations

import os
from pathlib import Path

import pytest

from cvxtoken import ProblemError
from cvxtoken.following.feed import Arrival, Parser, paced, piped, tail
from cvxtoken.following.watch import watch
from cvxtoken.logs.columns import Hints
from tests.following.data import arrivals, pair


def test_a_file_is_followed_as_it_grows_and_when_it_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("a\nb\nhalf")
    lines = tail(path)
    assert next(lines) == ["a", "b"]
    assert next(lines) == []
    with path.open("a") as file:
        file.write(" whole\nc\n")
    assert next(lines) == ["half whole", "c"]
    assert next(lines) == []
    path.rename(tmp_path / "old.csv")
    assert next(lines) == [], "the new file is not there yet"
    path.write_text("new\n")
    assert next(lines) == ["new"]
    path.write_text("x\n")
    assert next(lines) == ["x"], "it was cut"


def test_a_file_that_is_not_followed_ends(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("a\nb\nlast")
    assert list(tail(tmp_path / "log.csv", follow=False)) == [["a", "b"], ["last"]]
    with pytest.raises(ProblemError, match=r"none\.csv: cannot be read"):
        next(tail(tmp_path / "none.csv"))


def test_a_pipe_is_read_until_it_is_closed() -> None:
    out, into = os.pipe()
    lines = piped(out)
    os.write(into, b"a\nb\nha")
    assert next(lines) == ["a", "b"]
    assert next(lines) == []
    os.write(into, "lf ü\n".encode())
    assert next(lines) == ["half ü"]
    os.write(into, b"last")
    os.close(into)
    assert [line for batch in lines for line in batch] == ["last"]
    os.close(out)


def test_lines_of_a_table() -> None:
    said: list[str] = []
    parser = Parser({"timestamp": "at"}, Hints(), said.append)
    lines = [
        "\ufeffid,at,task\r",
        "1,2026-03-01T09:00:03.5Z,chat\r",
        "",
        "2,2026-03-01T10:00:03.5+01:00,code",
        "id,at,task",
        "3,yesterday,chat",
        "4,2026-03-01T09:00:05,chat,more",
        "5,,chat",
        "6,nan,chat",
        "7,1772355606.25,a b",
    ]
    found = [arrival for line in lines for arrival in parser.take([line])]
    first = 1772355603.5
    assert [arrival.task for arrival in found] == ["chat", "code", "a b"]
    assert [arrival.time for arrival in found] == pytest.approx([first, first, first + 2.75], abs=1e-6)
    assert parser.dated
    assert said == [
        "line 6 is left out: 'at' is 'yesterday'; it must be a date with a time, or a number of seconds",
        "line 7 is left out: 4 fields; the header has 3",
        "line 8 is left out: 'at' is ''; it must be a date with a time, or a number of seconds",
        "line 9 is left out: 'at' is 'nan'; it must be a date with a time, or a number of seconds",
    ]


def test_json_lines() -> None:
    said: list[str] = []
    parser = Parser({"task": "kind"}, Hints(), said.append)
    lines = ['{"timestamp": 3.5, "kind": "chat"}', '{"timestamp": 4', '{"timestamp": "5"}']
    assert parser.take(lines) == [Arrival(3.5, "chat")]
    assert not parser.dated
    assert [text[:19] for text in said] == ["line 2 is left out:", "line 3 is left out:"]


def test_a_column_that_is_not_there() -> None:
    with pytest.raises(
        ProblemError, match=r"the log: there is no column 'task'.*columns: timestamp, subject"
    ):
        Parser({}, Hints(), print).take(["timestamp,subject"])
    with pytest.raises(ProblemError, match="column is 'seconds'; it must be timestamp or task"):
        Parser({"seconds": "s"}, Hints(), print)


def test_a_log_is_played_faster() -> None:
    slept: list[float] = []
    batches = iter([[Arrival(0.0, "a"), Arrival(10.0, "a")], [], [Arrival(9.0, "a"), Arrival(30.0, "b")]])
    played = list(paced(batches, 100.0, slept.append))
    assert [one.time for (one,) in played] == [0, 10, 9, 30]
    assert slept == pytest.approx([0.1, 0.2])


def test_watching_begins_with_the_workload_and_sees_a_silence() -> None:
    w = pair()
    times, places = arrivals(1, [0.2, 0.9], 3000.0)
    batch = [Arrival(time, w.names[place]) for time, place in zip(times, places, strict=True)]
    batch.insert(10, Arrival(times[10], "art"))
    batch.insert(20, Arrival(times[20], "art"))
    seconds, said = iter([0.0, 5.0, 5.0, 4000.0]), list[str]()
    changes = list(watch(w, [[], batch, [], []], said.append, clock=lambda: next(seconds)))
    assert said == ["task 'art' is not in the workload; its arrivals do not count"]
    assert changes[0].time == times[0]
    assert changes[0].estimate.arrival_rate == pytest.approx(w.arrival_rate)
    loaded = [change for change in changes if change.time < times[-1]]
    assert loaded[-1].budgets.tokens[0] < changes[0].budgets.tokens[0]
    assert changes[-1].time > times[-1], "the clock went on while nothing came"
    assert changes[-1].budgets.tokens[0] > loaded[-1].budgets.tokens[0]
    assert [change.time for change in changes] == sorted(change.time for change in changes)
