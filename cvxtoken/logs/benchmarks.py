"""Results of serving benchmarks, as columns: what `vllm bench serve`, SGLang and guidellm write.

The keys are those of vLLM at commit 009e6d4 (`vllm bench serve --save-result`, vllm/benchmarks/serve.py), of
SGLang at 0033168 (`python -m sglang.bench_serving --output-file`, one JSON object a line) and of guidellm at
06cef29 (`guidellm benchmark`, a report in JSON; schemas/generative/metrics.py).

- vLLM, SGLang: n is `max_concurrency`, where requests come as fast as it lets them (`request_rate` inf) and
  there are at least as many; else SGLang's `concurrency`, the mean number in the system (vLLM states none).
  The time of a token is `mean_tpot_ms`, the prompt `total_input_tokens` / `completed`.
- guidellm: n is the mean of `request_concurrency`, the time of a token that of `inter_token_latency_ms`. Its
  `time_per_output_token_ms` counts the first token in, and the prefill with it: it is no iteration.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cvxtoken.errors import ProblemError
from cvxtoken.logs.frames import from_records
from cvxtoken.logs.opening import Opened

RESULTS = "results of a benchmark"
COLUMNS = ("max_concurrency", "tpot_ms", "prompt_tokens", "ttft_ms")
LABELS = ("model_id", "backend")
_TOKEN = ("mean_tpot_ms", "mean_itl_ms", "median_tpot_ms", "median_itl_ms")
_FIRST = ("mean_ttft_ms", "median_ttft_ms")


def results(opened: Opened) -> Opened:
    """One row a run of the results in an opened file, in the columns above; other tables as they are.

    Raises:
        ProblemError: a run does not state what is needed.
    """
    runs = [run for found in opened.documents for run in (found if isinstance(found, list) else [found])]
    if not any(_is_result(run) for run in runs):
        return opened
    rows: list[dict[str, Any]] = []
    places: list[str] = []
    for number, run in enumerate(runs, 1):
        found = list(_rows(run, f"{opened.origin}, run {number}"))
        rows += found
        places += [f"run {number}"] * len(found)
    header, frame = from_records(rows)
    return Opened(opened.origin, RESULTS, header, frame, places.__getitem__, opened.sha256)


def _is_result(run: Any) -> bool:
    """Whether a document is a result of one of the three, complete or not."""
    return isinstance(run, dict) and (isinstance(run.get("benchmarks"), list) or "completed" in run)


def _rows(run: Any, place: str) -> Iterator[dict[str, Any]]:
    """The rows of one document."""
    if isinstance(run, dict) and isinstance(run.get("benchmarks"), list):
        for number, benchmark in enumerate(run["benchmarks"], 1):
            yield _guidellm(benchmark, f"{place}, benchmark {number}")
    elif isinstance(run, dict) and any(name in run for name in _TOKEN):
        yield _serving(run, place)
    else:
        raise ProblemError(
            f"{place}: neither a result of vllm bench serve or SGLang ({' or '.join(_TOKEN[:2])}) "
            "nor a report of guidellm (benchmarks)"
        )


def _serving(run: dict[str, Any], place: str) -> dict[str, Any]:
    """A result of vLLM or SGLang."""
    token = next((name for name in _TOKEN if run.get(name) is not None), _TOKEN[0])
    first = next((name for name in _FIRST if run.get(name) is not None), None)
    row = {"max_concurrency": _running(run, place), "tpot_ms": _number(run, token, place)}
    if first is not None and run.get("total_input_tokens") is not None:
        row["ttft_ms"] = _number(run, first, place)
        row["prompt_tokens"] = _number(run, "total_input_tokens", place) / _number(run, "completed", place)
    return row | {name: str(run[name]) for name in LABELS if run.get(name) is not None}


def _running(run: dict[str, Any], place: str) -> float:
    """How many requests ran at a time."""
    closed = str(run.get("request_rate", "inf")).lower() in ("inf", "infinity")
    if closed and run.get("max_concurrency") is not None:
        limit, completed = _number(run, "max_concurrency", place), _number(run, "completed", place)
        if completed < limit:
            raise ProblemError(
                f"{place}: completed is {completed:g}; it must be at least max_concurrency, {limit:g}, "
                "or so many requests never ran at a time"
            )
        return limit
    if run.get("concurrency") is not None:
        return _number(run, "concurrency", place)
    stated = f"max_concurrency is {run.get('max_concurrency')} at request_rate {run.get('request_rate')}"
    raise ProblemError(
        f"{place}: {stated}; it must be a number at request_rate inf, "
        "or nothing tells how many requests ran at a time"
    )


def _guidellm(benchmark: Any, place: str) -> dict[str, Any]:
    """A benchmark of a report of guidellm."""
    row = {
        "max_concurrency": _mean(benchmark, "request_concurrency", place),
        "tpot_ms": _mean(benchmark, "inter_token_latency_ms", place),
    }
    metrics = benchmark["metrics"]
    if metrics.get("time_to_first_token_ms") and metrics.get("prompt_token_count"):
        row["ttft_ms"] = _mean(benchmark, "time_to_first_token_ms", place)
        row["prompt_tokens"] = _mean(benchmark, "prompt_token_count", place)
    return row


def _mean(benchmark: Any, name: str, place: str) -> float:
    """The mean of a metric over the successful requests."""
    try:
        summary = benchmark["metrics"][name]["successful"]
    except (KeyError, TypeError) as error:
        raise ProblemError(f"{place}: there is no metrics.{name}.successful.mean") from error
    return _number(summary, "mean", f"{place}: metrics.{name}.successful")


def _number(run: Any, name: str, place: str) -> float:
    """A positive finite number."""
    value = run.get(name) if isinstance(run, dict) else None
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if value is None or not good or not 0 < value < float("inf"):
        raise ProblemError(f"{place}: {name} is {value!r}; it must be a positive finite number")
    return float(value)
