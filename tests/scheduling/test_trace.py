from __future__ import annotations

from pathlib import Path

import pytest

from cvxtoken import ProblemError
from cvxtoken.scheduling import read_trace

AZURE = """TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.9805900,374,44
2023-11-16 18:15:46.9805900,100,8
2023-11-16 18:15:47.0305900,200,9
2023-11-16 18:16:46.9905900,300,10
"""
MOONCAKE = """timestamp_ms,input_length,output_length,n_prefix_blocks
500,6758,500,14
500,7322,490,15
3500,17000,1,2
"""


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "trace.csv"


def test_azure(trace: Path) -> None:
    for text in (AZURE, AZURE.replace("\n", "\r\n"), "\ufeff" + AZURE, AZURE.rstrip(), AZURE + "\n\n"):
        trace.write_bytes(text.encode())
        requests, dropped, _ = read_trace(trace, memory=418)
        assert requests.arrival.tolist() == [0, 0, 1, 1201], "60.01 s are 1200.2 rounds of 0.05 s"
        assert requests.prompt_tokens.tolist() == [374, 100, 200, 300]
        assert requests.output_tokens.tolist() == [44, 8, 9, 10]
        assert requests.predicted_low.tolist() == requests.predicted_high.tolist() == [44, 8, 9, 10]
        assert (requests.memory, dropped) == (418, 0), "the first takes all the memory"


def test_mooncake(trace: Path) -> None:
    trace.write_text(MOONCAKE)
    requests, dropped, _ = read_trace(trace, round_seconds=2, drop_oversized=True)
    assert requests.arrival.tolist() == [0, 0]
    assert (requests.memory, dropped) == (16_492, 1)
    requests, dropped, _ = read_trace(trace, memory=20_000, round_seconds=2)
    assert requests.arrival.tolist() == [0, 0, 2], "3 s are 1.5 rounds"
    assert dropped == 0
    with pytest.raises(
        ProblemError, match=r"line 4: prompt [+] output is 17001; it must be at most the memory of 16492"
    ):
        read_trace(trace)
    with pytest.raises(ProblemError, match="all 3 requests need more than the memory of 100"):
        read_trace(trace, memory=100, drop_oversized=True)


def test_columns_by_name(trace: Path) -> None:
    trace.write_text("out,user,when,in\n3,a,10.5,7\n4,b,10.75,8\n5,c,1e3,9\n")
    columns = {"arrival": "when", "prompt": "in", "output": "out"}
    requests, _, _ = read_trace(trace, 100, 0.25, columns)
    assert requests.arrival.tolist() == [0, 1, 3958]
    assert requests.prompt_tokens.tolist() == [7, 8, 9]
    assert requests.output_tokens.tolist() == [3, 4, 5]
    for change, message in (
        ({"arrival": "wen"}, "there is no column 'wen' for timestamp (did you mean 'when'?); columns: out"),
        ({"outptu": "out"}, "columns names 'outptu'; it must name arrival, prompt, output (did you mean"),
    ):
        with pytest.raises(ProblemError) as caught:
            read_trace(trace, columns=columns | change)
        assert message in str(caught.value)
    with pytest.raises(ProblemError, match=r"no column 'output_tokens'.*by --columns output=NAME"):
        read_trace(trace, columns={"arrival": "when", "prompt": "in"})
    with pytest.raises(ProblemError, match=r"no column 'timestamp'.*name is told by --columns arrival=NAME"):
        read_trace(trace)


@pytest.mark.parametrize("round_seconds", [0.1, 0.05, 0.3, 0.07, 1e-6])
def test_whole_rounds_are_whole(trace: Path, round_seconds: float) -> None:
    """Multiples of the round arrive at that round, although 0.7 / 0.1 is not 7 in float64."""
    rows = [f"{k * round_seconds:.6f},1,1" for k in range(200)]
    trace.write_text("t,s,o\n" + "\n".join(rows))
    columns = {"arrival": "t", "prompt": "s", "output": "o"}
    assert read_trace(trace, 10, round_seconds, columns)[0].arrival.tolist() == list(range(200))
    assert read_trace(trace, 10, 1 / 3, columns)[0].arrival[1] == 1, "a round of many digits"


def test_bad_lines(trace: Path) -> None:
    row = "2023-11-16 18:15:50.9951690,396,109"
    for bad, message in (
        ("x,396,109", "line 4: 'TIMESTAMP' is 'x'; it must be a date with a time"),
        ("1700000000,396,109", "line 4: 'TIMESTAMP' is '1700000000'; it must be a date with a time"),
        (row.replace("396", "3.5"), "line 4: 'ContextTokens' is '3.5'; it must be a whole number of tok"),
        (row.replace("396", ""), "line 4: 'ContextTokens' is empty"),
        (row.replace("396", "-1"), "line 4: 'ContextTokens' is '-1'; it must be a whole number of tokens f"),
        (row.replace("109", "0"), "line 4: 'GeneratedTokens' is '0'; it must be a whole number of tokens f"),
        (row.replace("109", "9" * 30), "line 4: 'GeneratedTokens' is '999"),
        (row.replace(",109", ""), "line 4: 2 fields; the header has 3"),
    ):  # fmt: skip
        trace.write_text(f"TIMESTAMP,ContextTokens,GeneratedTokens\n{row}\n{row}\n{bad}\n{row}\n")
        with pytest.raises(ProblemError) as caught:
            read_trace(trace)
        assert message in str(caught.value)
    for number, what in (("nan", "empty"), ("inf", "'inf'"), ("1e400", "'1e400'")):
        trace.write_text(f"timestamp_ms,input_length,output_length\n0,1,1\n{number},1,1\n")
        with pytest.raises(ProblemError, match=f"line 3: 'timestamp_ms' is {what}; it must be a date"):
            read_trace(trace)


def test_what_is_out_of_order_is_sorted(trace: Path) -> None:
    lines = AZURE.splitlines()
    trace.write_text("\n".join([lines[0], *lines[:0:-1]]))
    requests, _, reading = read_trace(trace)
    assert requests.arrival.tolist() == [0, 0, 1, 1201]
    assert requests.prompt_tokens.tolist() == [100, 374, 200, 300], "in the order of the file at equal times"
    assert reading.notes == ("sorted by time: 2 rows were earlier than the one above",)


def test_bad_files(trace: Path, tmp_path: Path) -> None:
    for text, message in (
        (
            "",
            "trace.csv: the file is empty",
        ),
        ("TIMESTAMP,ContextTokens,GeneratedTokens\n", "there are no rows"),
        (
            "timestamp_ms,input_length,output_length\n0,1,1\n1e13,1,1\n",
            "line 3: 'timestamp_ms' is '1e13'; it must be a date with a time, or a number of seconds",
        ),
    ):
        trace.write_text(text)
        with pytest.raises(ProblemError) as caught:
            read_trace(trace)
        assert message in str(caught.value)
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(ProblemError, match="cannot be read"):
            read_trace(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"memory": 0}, "memory is 0; it must be a whole number of tokens from 1 to 1e9"),
        ({"memory": "16k"}, "memory is '16k'; it must be a whole number of tokens from 1 to 1e9"),
        ({"round_seconds": 0}, "round_seconds is 0; it must be from 1e-6 to 1e9"),
        ({"round_seconds": float("nan")}, "round_seconds is nan; it must be from 1e-6 to 1e9"),
        ({"round_seconds": "1"}, "round_seconds is '1'; it must be a number"),
    ],
)
def test_bad_arguments(trace: Path, arguments: dict[str, object], message: str) -> None:
    trace.write_text(AZURE)
    with pytest.raises(ProblemError) as caught:
        read_trace(trace, **arguments)
    assert str(caught.value) == message
