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
        requests, dropped = read_trace(trace, memory=418)
        assert requests.arrival.tolist() == [0, 0, 1, 1201], "60.01 s are 1200.2 rounds of 0.05 s"
        assert requests.prompt_tokens.tolist() == [374, 100, 200, 300]
        assert requests.output_tokens.tolist() == [44, 8, 9, 10]
        assert requests.predicted_low.tolist() == requests.predicted_high.tolist() == [44, 8, 9, 10]
        assert (requests.memory, dropped) == (418, 0), "the first takes all the memory"


def test_mooncake(trace: Path) -> None:
    trace.write_text(MOONCAKE)
    requests, dropped = read_trace(trace, round_seconds=2, drop_oversized=True)
    assert requests.arrival.tolist() == [0, 0]
    assert (requests.memory, dropped) == (16_492, 1)
    requests, dropped = read_trace(trace, memory=20_000, round_seconds=2)
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
    requests, _ = read_trace(trace, 100, 0.25, columns)
    assert requests.arrival.tolist() == [0, 1, 3958]
    assert requests.prompt_tokens.tolist() == [7, 8, 9]
    assert requests.output_tokens.tolist() == [3, 4, 5]
    for change, message in (
        ({"arrival": "wen"}, "there is no column 'wen'; columns: out, user, when, in"),
        ({"outptu": "out"}, "columns names 'outptu'; it must name arrival, prompt, output (did you mean 'ou"),
    ):  # fmt: skip
        with pytest.raises(ProblemError) as caught:
            read_trace(trace, columns=columns | change)
        assert message in str(caught.value)
    with pytest.raises(
        ProblemError, match="columns does not name 'output'; it must name arrival, prompt, output"
    ):
        read_trace(trace, columns={"arrival": "when", "prompt": "in"})
    with pytest.raises(
        ProblemError, match="the columns are out, user, when, in; name those of arrival, prompt, out"
    ):
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
        ("x,396,109", "line 4: TIMESTAMP, ContextTokens, GeneratedTokens must be a time, a whole n"),
        ("1700000000,396,109", "the line is '1700000000,396,109'"),
        (row.replace("396", "3.5"), "line 4: TIMESTAMP, ContextTokens, GeneratedTokens must be"),
        (row.replace("396", ""), "line 4: TIMESTAMP, ContextTokens, GeneratedTokens must be"),
        (row.replace("396", "-1"), "line 4: TIMESTAMP, ContextTokens, GeneratedTokens must be"),
        (row.replace("109", "0"), "line 4: TIMESTAMP, ContextTokens, GeneratedTokens must be"),
        (row.replace("109", "9" * 30), "line 4: TIMESTAMP, ContextTokens, GeneratedTokens must be"),
        (row.replace(",109", ""), "line 4: TIMESTAMP, ContextTokens, GeneratedTokens must be"),
        (row.replace("50.9", "50.8"), "line 4: TIMESTAMP is 2023-11-16 18:15:50.8951690; it must not be"),
    ):  # fmt: skip
        trace.write_text(f"TIMESTAMP,ContextTokens,GeneratedTokens\n{row}\n{row}\n{bad}\n{row}\n")
        with pytest.raises(ProblemError) as caught:
            read_trace(trace)
        assert message in str(caught.value)
    for number in ("nan", "inf", "1e400"):
        trace.write_text(f"timestamp_ms,input_length,output_length\n0,1,1\n{number},1,1\n")
        with pytest.raises(
            ProblemError, match="line 3: timestamp_ms, input_length, output_length must be a time"
        ):
            read_trace(trace)


def test_bad_files(trace: Path, tmp_path: Path) -> None:
    for text, message in (
        (
            "",
            "the columns are none; name those of arrival, prompt, output, or have TIMESTAMP, ContextTokens,",
        ),
        ("TIMESTAMP,ContextTokens,GeneratedTokens\n", "there are no rows"),
        (
            "timestamp_ms,input_length,output_length\n0,1,1\n1e13,1,1\n",
            "trace.csv: arrival of request 1 is 200000000000",
        ),
    ):
        trace.write_text(text)
        with pytest.raises(ProblemError) as caught:
            read_trace(trace)
        assert message in str(caught.value)
    trace.write_bytes(AZURE.encode("utf-16"))
    for path in (trace, tmp_path / "none.csv", tmp_path):
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
