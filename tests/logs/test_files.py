"""The same rows in every form that a file may have, and files of tools as they write them."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import zstandard

from cvxtoken import ProblemError
from cvxtoken.fitting.rows import ROWS
from cvxtoken.logs.columns import Column, Hints
from cvxtoken.logs.read import Taken, read

NAMES = ("task", "budget_tokens", "thinking_tokens", "correct", "seconds", "question")
TABLE = [
    (task, budget, budget * 3 // 4, int(number % 3 > 0), 0.25 + budget / 1024, f"{task} é {number}")
    for number, (task, budget) in enumerate((t, b) for t in ("chat", "code") for b in (0, 1024, 2048, 4096))
]
RECORDS = [dict(zip(NAMES, row, strict=True)) for row in TABLE]


def text(separator: str = ",", change: Callable[[str, Any], str] = lambda name, value: str(value)) -> str:
    """The rows with a separator, each value as `change` writes it."""
    lines = [separator.join(NAMES)]
    lines += [separator.join(change(name, value) for name, value in record.items()) for record in RECORDS]
    return "\n".join(lines) + "\n"


def words(right: str, wrong: str) -> str:
    return text(change=lambda name, v: (wrong, right)[v] if name == "correct" else str(v))


def comma(name: str, value: Any) -> str:
    """As in much of Europe: 1.024 tokens and 1,25 s."""
    if name.endswith("tokens"):
        return f"{value:,}".replace(",", ".")
    return str(value).replace(".", ",")


def frame() -> pl.DataFrame:
    return pl.DataFrame(RECORDS)


def parquet() -> bytes:
    out = io.BytesIO()
    frame().write_parquet(out)
    return out.getvalue()


def columns() -> dict[str, list[Any]]:
    return {name: [record[name] for record in RECORDS] for name in NAMES}


def by_row() -> dict[str, dict[str, Any]]:
    return {name: {str(row): record[name] for row, record in enumerate(RECORDS)} for name in NAMES}


LINES = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in RECORDS)
NESTED = "".join(
    json.dumps(
        {
            "task": r["task"],
            "thinking": {"type": "enabled", "budget_tokens": r["budget_tokens"]},
            "usage": {
                "completion_tokens": 50,
                "completion_tokens_details": {"reasoning_tokens": r["thinking_tokens"]},
            },
            "is_correct": bool(r["correct"]),
            "latency_ms": 1000 * r["seconds"],
            "question_id": r["question"],
        }
    )
    + "\n"
    for r in RECORDS
)
HEADER, _, BODY = text().partition("\n")

# 36 files with the same eight answers
SAME: dict[str, str | bytes] = {
    "plain.csv": text(),
    "crlf.csv": text().replace("\n", "\r\n"),
    "cr.csv": text().replace("\n", "\r"),
    "no-newline.csv": text().rstrip(),
    "blank-lines.csv": "\n\n" + text() + "\n\n",
    "mark.csv": text().encode("utf-8-sig"),
    "utf16.csv": text().encode("utf-16"),
    "utf16-be.csv": b"\xfe\xff" + text().encode("utf-16-be"),
    "utf16-no-mark.csv": text().encode("utf-16-le"),
    "semicolon.csv": text(";"),
    "tab.tsv": text("\t"),
    "bar.txt": text("|"),
    "excel.csv": "sep=;\n" + text(";"),
    "quoted.csv": text(change=lambda name, v: f'"{v}"'),
    "spaced.csv": text(change=lambda name, v: f"  {v} "),
    "decimal-comma.csv": text(";", comma),
    "thousands.csv": text(change=lambda n, v: f'"{v:,}"' if n.endswith("tokens") else str(v)),
    "spaces-between-thousands.csv": text(
        change=lambda n, v: f"{v:,}".replace(",", " ") if n.endswith("tokens") else str(v)
    ),
    "exponent.csv": text(change=lambda n, v: f"{v:e}" if n == "seconds" else str(v)),
    "true-false.csv": words("True", "false"),
    "yes-no.csv": words("yes", "No"),
    "pass-fail.csv": words("PASS", "FAIL"),
    "p-f.csv": words("P", "F"),
    "c-i.csv": words("C", "I"),
    "correct-incorrect.csv": words("correct", "incorrect"),
    "percent.csv": words("100%", "0 %"),
    "capitals.csv": HEADER.upper() + "\n" + BODY,
    "camel.csv": "Task,BudgetTokens,Thinking Tokens,CORRECT,Seconds,Question\n" + BODY,
    "hyphens.csv": HEADER.replace("_", "-") + "\n" + BODY,
    "others.csv": "task name,thinking_budget,reasoning_tokens,is_correct,latency (s),question id\n" + BODY,
    "lines.jsonl": LINES,
    "records.json": json.dumps(RECORDS, indent=1),
    "columns.json": json.dumps(columns()),
    "by-row.json": json.dumps(by_row()),
    "split.json": json.dumps({"columns": NAMES, "index": [0], "data": TABLE}),
    "held.json": json.dumps({"version": 2, "results": RECORDS}),
    "nested.jsonl": NESTED,
    "table.parquet": parquet(),
    "wrong-ending.csv": LINES,
    "packed.csv.gz": gzip.compress(text().encode(), mtime=0),
    "packed.csv.zst": zstandard.compress(text().encode()),
    "packed.jsonl.gz": gzip.compress(LINES.encode(), mtime=0),
    "packed.jsonl.zst": zstandard.compress(LINES.encode()[:99]) + zstandard.compress(LINES.encode()[99:]),
    "packed.parquet.gz": gzip.compress(parquet(), mtime=0),
}


def check(found: Taken) -> None:
    """All values are those of the table."""
    for name in NAMES:
        wanted = [record[name] for record in RECORDS]
        column = found.columns[name]
        if name in ("task", "question"):
            assert column.texts.tolist() == wanted
        else:
            assert column.tolist() == pytest.approx(wanted, rel=1e-15), name
    assert found.reading.rows == len(RECORDS)


@pytest.mark.parametrize("name", SAME)
def test_the_same_rows_in_every_form(name: str, tmp_path: Path) -> None:
    content = SAME[name]
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    check(read(tmp_path / name, ROWS))


def test_the_same_rows_in_memory() -> None:
    check(read(columns(), ROWS))
    check(read({name: np.array(values) for name, values in columns().items()}, ROWS))
    check(read(frame(), ROWS))
    check(read(frame().lazy(), ROWS))


def test_the_same_rows_in_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(columns())
    check(read(table, ROWS))
    check(read(table.astype({"task": "category", "correct": "boolean", "budget_tokens": "Int64"}), ROWS))


TRACE = {
    "timestamp": Column("time"),
    "prompt_tokens": Column("tokens"),
    "output_tokens": Column("tokens", least=1, whole=True),
    "status": Column("status", required=False),
}
AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
CALLS = [(0, 100, 7), (1.5, 200, 8), (4, 300, 9)]  # seconds, tokens of the prompt, and of the output
START = 1_767_225_600  # 2026-01-01 00:00 UTC


def lines_of(make: Callable[[float, int, int], dict[str, Any]]) -> str:
    return "".join(json.dumps(make(*call)) + "\n" for call in CALLS)


def aiperf(at: float, prompt: int, output: int) -> dict[str, Any]:
    values = {"input_sequence_length": prompt, "output_sequence_length": output}
    return {
        "metadata": {"request_start_ns": START * 10**9 + int(at * 1e9), "was_cancelled": False},
        "metrics": {name: {"value": value, "unit": "tokens"} for name, value in values.items()},
        "error": None,
    }


def openai(at: float, prompt: int, output: int) -> dict[str, Any]:
    usage = {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}
    return {
        "id": "chatcmpl-1",
        "created": START + at,
        "model": "m",
        "usage": usage,
        "choices": [{"index": 0}],
    }


VLLM = {
    "date": "20260101-000000",
    "completed": 3,
    "start_times": [50 + at for at, _, _ in CALLS],
    "input_lens": [prompt for _, prompt, _ in CALLS],
    "output_lens": [output for _, _, output in CALLS],
    "itls": [[0.01, 0.02], [0.01], []],
    "errors": ["", "", ""],
}
GUIDELLM = {
    "benchmarks": [
        {
            "requests": {
                "successful": [
                    {"request_start_time": START + at, "prompt_tokens": prompt, "output_tokens": output}
                    for at, prompt, output in CALLS
                ],
                "errored": [{"request_start_time": START}],
            }
        }
    ]
}

# files of ten tools with the same three calls
TOOLS = {
    "azure-2023": AZURE + "".join(f"2023-11-16 18:15:{46 + at:010.7f},{p},{o}\n" for at, p, o in CALLS),
    "azure-2024": AZURE + "".join(f"2024-05-10 00:00:{at:09.6f}+00:00,{p},{o}\n" for at, p, o in CALLS),
    "burstgpt": "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
    + "".join(f"{5 + at},ChatGPT,{p},{o},{p + o},API log\n" for at, p, o in CALLS),
    "mooncake": lines_of(
        lambda at, p, o: {"timestamp": int(1000 * at), "input_length": p, "output_length": o, "hash_ids": [1]}
    ),
    "servegen": lines_of(
        lambda at, p, o: {"request_id": 1, "timestamp": at, "data": {"input_tokens": p, "output_tokens": o}}
    ),
    "openai": lines_of(openai),
    "aiperf": lines_of(aiperf),
    "vllm": json.dumps(VLLM),
    "guidellm": json.dumps(GUIDELLM, indent=1),
    "usual": "time,input tokens,completion_tokens\n" + "".join(f"{a},{p},{o}\n" for a, p, o in CALLS),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_the_same_calls_as_tools_write_them(tool: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_text(TOOLS[tool])
    found, reading, _ = read(tmp_path / "log", TRACE)
    seconds, prompts, outputs = map(list, zip(*CALLS, strict=True))
    assert found["timestamp"].seconds.tolist() == pytest.approx(seconds, abs=3e-7)
    assert found["prompt_tokens"].tolist() == prompts
    assert found["output_tokens"].tolist() == outputs
    assert reading.notes == ()


def test_samples_of_lm_evaluation_harness(tmp_path: Path) -> None:
    lines = [{"doc_id": n % 2, "doc": {"question": "?"}, "filter": "none", "acc": n / 3.0} for n in range(4)]
    (tmp_path / "samples.jsonl").write_text("\n".join(map(json.dumps, lines)))
    wanted = {"correct": ROWS["correct"], "question": ROWS["question"]}
    found, reading, _ = read(tmp_path / "samples.jsonl", wanted)
    assert found["correct"].tolist() == [0, 1 / 3, 2 / 3, 1]
    assert found["question"].names == ["0", "1"]
    assert "2 of them between right and wrong" in str(reading)


def test_samples_of_inspect(tmp_path: Path) -> None:
    usage = json.dumps({"a/m": {"output_tokens": 9, "reasoning_tokens": 30}, "b": {"reasoning_tokens": 4}})
    usage = usage.replace('"', '""')
    lines = ["id,epoch,thinking_budget,model_usage,total_time,working_time,score_x"]
    lines += [f'{n},1,64,"{usage}",9,1.5,{grade}' for n, grade in enumerate("CIPN")]
    (tmp_path / "samples.csv").write_text("\n".join(lines))
    wanted = {name: ROWS[name] for name in ROWS if name != "task"}
    found, _, _ = read(tmp_path / "samples.csv", wanted, {"correct": "score_x"})
    assert found["correct"].tolist() == [1, 0, 0.5, 0]
    assert found["thinking_tokens"].tolist() == [34] * 4, "of all models"
    assert found["seconds"].tolist() == [1.5] * 4, "without the time that it waited"
    assert found["question"].names == ["0", "1", "2", "3"]


def test_offline_traces_of_servegen_are_in_milliseconds(tmp_path: Path) -> None:
    line = '{"request_id": 0, "type": "text", "input_length": 61, "output_length": 2370, "duration": 14000}'
    (tmp_path / "trace.jsonl").write_text(line)
    wanted = {"output_tokens": Column("tokens"), "seconds": Column("seconds")}
    found, reading, _ = read(tmp_path / "trace.jsonl", wanted)
    assert (found["output_tokens"].tolist(), found["seconds"].tolist()) == ([2370], [14])
    assert "from ms, ServeGen" in str(reading)


LENGTHS = {"output_tokens": Column("tokens", least=1, whole=True), "status": Column("status", required=False)}


@pytest.mark.parametrize(
    ("column", "values", "kept"),
    [
        ("status", ["ok", "error", "success", "Timed out", "200", "503"], [0, 2, 4]),
        ("error", ["", "connection reset", "none", "false", "null", "0"], [0, 2, 3, 4, 5]),
        ("success", ["True", "False", "1", "0", "yes", "no"], [0, 2, 4]),
    ],
)
def test_requests_that_failed_are_left_out_and_counted(
    column: str, values: list[str], kept: list[int], tmp_path: Path
) -> None:
    rows = [f"{value},{0 if number not in kept else 10 + number}" for number, value in enumerate(values)]
    (tmp_path / "log.csv").write_text("\n".join([f"{column},output_tokens", *rows]))
    found, reading, _ = read(tmp_path / "log.csv", LENGTHS)
    assert found["output_tokens"].tolist() == [10 + number for number in kept]
    assert reading.notes == (f"{6 - len(kept)} failed requests left out",)


def test_failed_requests_of_vllm_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        json.dumps(VLLM | {"output_lens": [7, 0, 9], "errors": ["", "HTTP 500", ""]})
    )
    found, reading, _ = read(tmp_path / "a.json", LENGTHS)
    assert found["output_tokens"].tolist() == [7, 9]
    assert reading.notes == ("1 failed requests left out",)


def test_rows_are_chosen_and_those_without_anything_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("model,output_tokens\na,1\n,\nb,2\n\nA ,3\na,4\n")
    found, reading, place = read(tmp_path / "a.csv", LENGTHS, hints=Hints(where={"Model": "a"}))
    assert found["output_tokens"].tolist() == [1, 4]
    assert [place(row) for row in (0, 1)] == ["line 2", "line 7"]
    assert reading.notes == (
        "2 rows with nothing in them left out",
        "2 rows whose Model is not a left out",
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "t: the file is empty"),
        (b"output_tokens\n", "t: there are no rows"),
        (b"output_tokens\n\xff\n", "t: not UTF-8 text: invalid start byte at byte 14"),
        (b"\xff\xfe\x00", "t: not UTF-16 text"),
        (b"PK\x03\x04...", "t: a ZIP or Excel file; a table must be saved as CSV, JSON or Parquet"),
        (b"PAR1...", "t: cannot be read: "),
        (b"\x1f\x8b...", "t: cannot be unpacked: "),
        (gzip.compress(b"output_tokens\n1\n", mtime=0)[:-9], "t: cannot be unpacked: "),
        (b"\x28\xb5\x2f\xfd...", "t: cannot be unpacked: "),
        (b'output_tokens,a\n1,"b\n\nc"\n2,3,4\n', "t, line 5: 3 fields; the header has 2"),
        (b"output_tokens,a\n1,2\n3\n", "t, line 3: 1 field; the header has 2"),
        (b'output_tokens,a\n1,"2\n3,4\n', "t, line 2: not a CSV file: unexpected end of data"),
        (b"output_tokens,output tokens\n1,2\n", "t: column 'output_tokens' occurs twice"),
        (b'{"output_tokens": 1}\n{"output_tokens": 2\n', "t, line 2: not valid JSON: Expecting"),
        (b'{"output_tokens":\n', "t: not valid JSON: "),
        (b"[" * 100_000, "t: not valid JSON: it is nested too deep"),
        (b'[{"output_tokens": 1}, 7]', "t, record 2: a int; it must be an object of fields"),
        (b'{"data": [{"x": 1}], "rows": [{"x": 2}]}', "t: there are records under 'data' and under 'rows'"),
        (b'{"output_lens": [1, 2], "errors": [""]}', "t: the lists of output_lens"),
        (b"output_tokens,status\n0,error\n", "t: all 1 requests have failed"),
    ],
)
def test_files_that_are_not_what_they_should_be(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(ProblemError) as caught:
        read(tmp_path / "t", LENGTHS)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_error_names_the_line_in_every_form(tmp_path: Path) -> None:
    bad = [*RECORDS[:5], RECORDS[5] | {"budget_tokens": "many"}, *RECORDS[6:]]
    rows = [",".join(map(str, record.values())) for record in bad]
    for name, content, place in (
        ("a.csv", "\n".join([HEADER, "", *rows[:2], *rows[2:]]), "line 8"),
        ("a.jsonl", "\n\n".join(map(json.dumps, bad)), "line 11"),
        ("a.json", json.dumps(bad), "record 6"),
    ):
        (tmp_path / name).write_text(content)
        with pytest.raises(ProblemError, match=rf"{name}, {place}: 'budget_tokens' is 'many'; it must"):
            read(tmp_path / name, ROWS)
    with pytest.raises(ProblemError, match=r"table, row 6: 'budget_tokens' is 'many'; it must"):
        read({name: [record[name] for record in bad] for name in NAMES}, ROWS)


def test_an_error_never_repeats_the_file(tmp_path: Path) -> None:
    names = [f"column {number} {'x' * 500}" for number in range(500)]
    (tmp_path / "a.csv").write_text(",".join(names) + "\n" + ",".join(["y" * 1000] * 500))
    with pytest.raises(ProblemError) as caught:
        read(tmp_path / "a.csv", LENGTHS)
    assert len(str(caught.value)) < 1500
