from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import pytest

from cvxtoken import cli

ALPHA, BETA = 10.0, 0.125  # ms; every time below is a double
CONCURRENCIES = (1, 4, 16, 64)


def tpot(n: float) -> float:
    return ALPHA + BETA * n


def vllm(n: int, **changes: object) -> dict[str, object]:
    """What `vllm bench serve --save-result` writes, as far as it is read, and some that is not."""
    return {
        "backend": "vllm",
        "model_id": "acme/dense-9b",
        "num_prompts": 10 * n,
        "request_rate": "inf",
        "burstiness": 1.0,
        "max_concurrency": n,
        "duration": 60.0,
        "completed": 10 * n,
        "total_input_tokens": 10 * n * 512,
        "mean_ttft_ms": 30.0 + n,
        "mean_tpot_ms": tpot(n),
        "mean_itl_ms": tpot(n) + 1,
    } | changes


def sglang(n: int, prompt: int = 512, **changes: object) -> dict[str, object]:
    """What SGLang's bench_serving appends to its file; Infinity is what Python makes of an infinite rate."""
    return {
        "backend": "sglang",
        "request_rate": float("inf"),
        "max_concurrency": n,
        "completed": 500,
        "total_input_tokens": 500 * prompt,
        "mean_e2e_latency_ms": 2000.0,
        "mean_ttft_ms": 20.0 + prompt / 64,
        "mean_tpot_ms": tpot(n),
        "mean_itl_ms": tpot(n) + 1,
        "concurrency": 0.9 * n,
    } | changes


def guidellm(concurrencies: tuple[int, ...]) -> dict[str, object]:
    """A report of guidellm, whose time per output token counts the first token in."""

    def summary(mean: float) -> dict[str, object]:
        return {"successful": {"mean": mean, "median": mean}, "errored": {"mean": 0.0}}

    def benchmark(n: int) -> dict[str, object]:
        return {
            "metrics": {
                "request_concurrency": summary(n),
                "inter_token_latency_ms": summary(tpot(n)),
                "time_per_output_token_ms": summary(3 * tpot(n)),
                "time_to_first_token_ms": summary(50.0),
                "prompt_token_count": summary(512),
            }
        }

    return {"args": {}, "benchmarks": [benchmark(n) for n in concurrencies]}


def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: object
) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of `cvxtoken fit-server`."""
    monkeypatch.setattr(sys, "argv", ["cvxtoken", "fit-server", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


def write(path: Path, *documents: object) -> Path:
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))
    return path


def files(folder: Path, kind: str) -> list[Path]:
    """One benchmark of each kind, in as many files as its program writes."""
    if kind == "csv":
        path = folder / "rows.csv"
        rows = [f"{n},{tpot(n)},512,{30 + n}\n" for n in CONCURRENCIES]
        path.write_text("concurrency,tpot_ms,input_tokens,ttft_ms\n" + "".join(rows))
        return [path]
    if kind == "vllm":
        return [write(folder / f"{n}.json", vllm(n)) for n in CONCURRENCIES]
    if kind == "sglang":
        return [write(folder / "runs.jsonl", *(sglang(n) for n in CONCURRENCIES))]
    return [write(folder / "benchmarks.json", guidellm(CONCURRENCIES))]


@pytest.mark.parametrize("kind", ["csv", "vllm", "sglang", "guidellm"])
def test_every_kind_of_file_gives_the_same_line(capsys, monkeypatch, tmp_path: Path, kind: str) -> None:
    code, text, err = run(capsys, monkeypatch, *files(tmp_path, kind), "--json", "--tokens", 2000)
    assert (code, err) == (0, "")
    found = json.loads(text)
    assert (found["alpha"], found["beta"]) == pytest.approx((0.010, 1.25e-4), rel=1e-9)
    assert found["verdict"] == "fits"
    assert found["holds"] == [1, 64]
    assert found["prefill"] is None, "one prompt length"
    assert found["largest_stable"] == {"tokens": 2000, "prefill": 0, "rate": pytest.approx(4, rel=1e-9)}
    assert found["server"] == {"kind": "sharing", "sigma": 0.01235, "overhead": 1.0}


def test_what_is_printed_ends_in_a_table_to_paste(capsys, monkeypatch, tmp_path: Path) -> None:
    code, text, _ = run(capsys, monkeypatch, *files(tmp_path, "vllm"))
    assert code == 0
    for words in (
        "| alpha          |         s |     0.01 |",
        "iteration: fits: R^2 1.0000",
        "the line holds for n from 1 to 64",
        "prefill: not fitted",
        "largest stable rate: 8 /s at 1000 tokens and 0 s of prefill a query",
    ):
        assert words in text
    assert tomllib.loads(text[text.index("[server]") :])["server"]["sigma"] == 0.01235


def test_prefill_counts_in_the_largest_stable_rate(capsys, monkeypatch, tmp_path: Path) -> None:
    """t0 = 20 ms + m / 64 ms: 36 ms for a prompt of 1024 tokens; 1 / (0.036 + 0.125) = 6.21."""
    prompts = write(tmp_path / "prompts.jsonl", *(sglang(1, m) for m in (256, 1024, 4096)))
    code, text, _ = run(
        capsys, monkeypatch, *files(tmp_path, "sglang"), prompts, "--prompt-tokens", 1024, "--json"
    )
    assert code == 0
    found = json.loads(text)
    assert found["prefill"]["fixed"] == pytest.approx(0.02, rel=1e-9)
    assert found["prefill"]["per_token"] == pytest.approx(1 / 64_000, rel=1e-9)
    assert found["largest_stable"]["rate"] == pytest.approx(1 / 0.161, rel=1e-9)
    code, text, _ = run(capsys, monkeypatch, *files(tmp_path, "sglang"), prompts)
    assert "prefill: fits: R^2 1.0000" in text


def test_an_open_loop_of_sglang_takes_the_measured_concurrency(capsys, monkeypatch, tmp_path: Path) -> None:
    runs = [sglang(100, request_rate=2.0, concurrency=n, mean_tpot_ms=tpot(n)) for n in (2.5, 5.0, 20.0)]
    code, text, _ = run(capsys, monkeypatch, write(tmp_path / "open.jsonl", *runs), "--json")
    assert code == 0
    assert json.loads(text)["holds"] == [2.5, 20]


def test_a_series_is_chosen_by_where(capsys, monkeypatch, tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    rows = [f"{hardware},{n},{k * tpot(n)}\n" for hardware, k in (("A", 1), ("B", 2)) for n in CONCURRENCIES]
    path.write_text("hardware,batch_size,itl_ms\n" + "".join(rows))
    code, text, err = run(capsys, monkeypatch, path)
    assert (code, text) == (2, "")
    assert "2 series: hardware=A; hardware=B; they must be one series, chosen by --where" in err
    code, text, _ = run(capsys, monkeypatch, path, "--where", "hardware=B", "--json")
    assert json.loads(text)["beta"] == pytest.approx(2.5e-4, rel=1e-9)


CSV = "users,decode,other\n1,10,1\n2,11,1\n3,12,1\n"


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("a.csv", CSV, (), "there are no columns for batch and seconds_per_token"),
        (
            "a.csv",
            CSV,
            ("--column", "batch=users", "--column", "seconds_per_token=decode"),
            "'decode': 11 s a token in the median, so that these seem to be no seconds; their unit is "
            "told by --unit",
        ),
        ("a.csv", "n,tpot_ms\n1,10\n2,x\n3,12\n", (), "a.csv, line 3: 'tpot_ms' is 'x'"),
        ("a.csv", "n,tpot_ms\n", (), "there are no rows"),
        ("a.csv", CSV, ("--where", "model"), "where is 'model'; it must be COLUMN=VALUE, such as model=mine"),
        ("a.txt", CSV, (), "there are no columns for batch and seconds_per_token"),
        ("a.json", "{", (), "a.json: not valid JSON: "),
        ("a.json", "[]", (), "a.json: there are no rows"),
        ("a.json", '{"completed": 3}', (), "a.json, run 1: neither a result of vllm bench serve or SGLang"),
        ("a.json", json.dumps(vllm(8)), (), "n has 1 distinct values, 8; at least 3 are needed"),
        ("a.json", json.dumps(vllm(8, mean_tpot_ms=float("nan"))), (), "run 1: mean_tpot_ms is nan"),
        (
            "a.json",
            json.dumps(vllm(8, completed=5)),
            (),
            "completed is 5; it must be at least max_concurrency, 8",
        ),
        (
            "a.json",
            json.dumps(vllm(8, request_rate=4.0)),
            (),
            "max_concurrency is 8 at request_rate 4.0; it must be a number at request_rate inf",
        ),
        (
            "a.json",
            json.dumps(vllm(8, max_concurrency=None)),
            (),
            "max_concurrency is None at request_rate inf",
        ),
        (
            "a.json",
            json.dumps({"benchmarks": [{"metrics": {}}]}),
            (),
            "run 1, benchmark 1: there is no metrics.request_concurrency.successful.mean",
        ),
        ("b.csv", None, (), "b.csv: cannot be read"),
        ("b.json", None, (), "b.json: cannot be read"),
    ],
)
def test_bad_input_is_one_sentence(
    capsys, monkeypatch, tmp_path: Path, name: str, content: str | None, options: tuple, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    code, text, err = run(capsys, monkeypatch, tmp_path / name, *options)
    assert (code, text) == (2, "")
    assert message in err
    assert err.count("\n") == 1
