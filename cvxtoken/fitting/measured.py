"""Measured iterations and first tokens: columns by the names that people give them, of one series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest
from cvxtoken.fitting.benchmarks import read_results
from cvxtoken.fitting.points import require
from cvxtoken.fitting.table import Column, Columns, Table, header, read_table

SERIES = (
    *("model", "model_id", "hardware", "gpu", "engine", "backend"),
    *("precision", "dtype", "quantization", "parallelization", "tensor_parallel", "task"),
)
LIMITS = {"seconds_per_token": 10.0, "first_token": 600.0}  # s; more is questioned
NEAR = 1.1  # times the smallest n: low load as well
_MOST_LISTED = 12


def _times(*names: str) -> tuple[str, ...]:
    return tuple(name + unit for name in names for unit in ("", "_s", "_ms"))


NAMES = {
    "batch": (
        *("n", "batch", "batch_size", "batch_mean"),
        *("concurrency", "concurrency_or_batch", "max_concurrency"),
    ),
    "seconds_per_token": (
        "seconds_per_token",
        *_times("tpot", "mean_tpot", "itl", "mean_itl", "median_tpot", "median_itl"),
        *_times("time_per_output_token", "inter_token_latency"),
    ),
    "prompt_tokens": ("prompt_tokens", "input_tokens", "input_tokens_mean", "prompt_len", "input_len"),
    "first_token": _times("first_token", "ttft", "mean_ttft", "median_ttft", "time_to_first_token"),
}


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured on one server; times in s.

    Attributes:
        batch: n, requests that run at a time, shape (rows,).
        seconds_per_token: shape (rows,).
        prompts: of these rows, shape (rows,); NaN where not known.
        prompt_tokens: of the requests whose first token was timed, shape (others,).
        first_token: seconds from arrival to the first token, shape (others,).
    """

    batch: FloatArray
    seconds_per_token: FloatArray
    prompts: FloatArray
    prompt_tokens: FloatArray
    first_token: FloatArray


def read_measured(tables: Sequence[Table], where: Mapping[str, str], columns: Mapping[str, str]) -> Measured:
    """The rows of all tables that `where` chooses.

    Args:
        tables: .csv files, .json or .jsonl files of benchmarks, or columns by name.
        where: the text, or the number, that a column must hold.
        columns: what a table calls `batch`, `seconds_per_token`, `prompt_tokens` or `first_token`.

    Raises:
        ProblemError: a table cannot be read, a column is missing, a value breaks its rule, no row is chosen,
            or those that are belong to several series.
    """
    for name in columns:
        if name not in NAMES:
            raise ProblemError(f"{name!r} is not a column that is read{nearest(name, NAMES)}")
    parts = [_part(table, where, columns) for table in tables]
    _one_series([labels for _, labels in parts])
    found = [values for values, _ in parts]
    decode = [p for p in found if "batch" in p]
    if not decode:
        raise ProblemError("there are first tokens only; no table has a batch size with a time of a token")
    batch, seconds = (np.concatenate([p[name] for p in decode]) for name in ("batch", "seconds_per_token"))
    unknown = [np.full(len(p["batch"]), np.nan) for p in decode]
    prompts = np.concatenate([p.get("prompt_tokens", nan) for p, nan in zip(decode, unknown, strict=True)])
    return Measured(batch, seconds, prompts, *_first_tokens(found))


def _first_tokens(parts: list[Columns]) -> tuple[FloatArray, FloatArray]:
    """Prompts and first tokens at low load: of tables that have nothing else, or else at the smallest n."""
    timed = [p for p in parts if "first_token" in p and "prompt_tokens" in p]
    alone = [p for p in timed if "batch" not in p]
    smallest = min((p["batch"].min() for p in timed if "batch" in p), default=np.nan)
    chosen = alone or [{name: p[name][p["batch"] <= NEAR * smallest] for name in p} for p in timed]
    if not chosen:
        return np.zeros(0), np.zeros(0)
    prompts, first = (np.concatenate([p[name] for p in chosen]) for name in ("prompt_tokens", "first_token"))
    known = ~(np.isnan(prompts) | np.isnan(first))
    return prompts[known], first[known]


def _part(
    table: Table, where: Mapping[str, str], columns: Mapping[str, str]
) -> tuple[Columns, dict[str, list[str]]]:
    """The numbers of one table, in s, by our names, and the labels of its rows."""
    origin = str(table) if isinstance(table, str | Path) else "table"
    if isinstance(table, str | Path):
        ending = Path(table).suffix
        if ending not in (".csv", ".json", ".jsonl"):
            raise ProblemError(f"{origin}: the ending is {ending!r}; it must be .csv, .json or .jsonl")
        if ending != ".csv":
            table, columns = read_results(Path(table)), {}
    there = header(table)
    names = _names(there, columns, origin)
    labels = [name for name in there if name in SERIES or name in where]
    for name in where:
        if name not in there:
            raise ProblemError(
                f"{origin}: there is no column {name!r} to choose rows by{nearest(name, there)}; "
                f"columns: {', '.join(there) or 'none'}"
            )
    wanted = {name: Column("number" if name in ("batch", "seconds_per_token") else "gap") for name in names}
    wanted |= {f"label {name}": Column("text") for name in labels}
    found = read_table(table, wanted, names | {f"label {name}": name for name in labels})
    texts = {name: [str(text).strip() for text in found.pop(f"label {name}")] for name in labels}
    chosen = _chosen(texts, where, len(next(iter(found.values()))), origin)
    values = {name: _checked(found[name], name, names[name], origin)[chosen] for name in names}
    return values, {name: [texts[name][row] for row in np.flatnonzero(chosen)] for name in labels}


def _names(there: list[str], columns: Mapping[str, str], origin: str) -> dict[str, str]:
    """What a table calls our columns."""
    known = {ours: next((name for name in usual if name in there), "") for ours, usual in NAMES.items()}
    for ours, theirs in columns.items():
        if theirs not in there:
            raise ProblemError(
                f"{origin}: there is no column {theirs!r} for {ours}{nearest(theirs, there)}; "
                f"columns: {', '.join(there) or 'none'}"
            )
    names = {ours: theirs for ours, theirs in (known | dict(columns)).items() if theirs}
    if not ({"batch", "seconds_per_token"} <= set(names) or {"prompt_tokens", "first_token"} <= set(names)):
        raise ProblemError(
            f"{origin}: there are no columns for batch and seconds_per_token (such as n and tpot_ms), "
            "nor for prompt_tokens and first_token (such as input_tokens and ttft_ms); columns: "
            f"{', '.join(there) or 'none'}; other names are told by --column (columns=)"
        )
    if not {"batch", "seconds_per_token"} <= set(names):
        names = {name: names[name] for name in ("prompt_tokens", "first_token")}
    return names


def _chosen(texts: dict[str, list[str]], where: Mapping[str, str], rows: int, origin: str) -> np.ndarray:
    """Which rows `where` chooses, shape (rows,)."""
    chosen = np.ones(rows, dtype=bool)
    for name, value in where.items():
        chosen &= np.array([_same(text, str(value).strip()) for text in texts[name]])
        if not chosen.any():
            known = list(dict.fromkeys(texts[name]))
            more = ", ..." if len(known) > _MOST_LISTED else ""
            raise ProblemError(
                f"{origin}: {name} is {value!r} in no row that is left; it must be one of "
                f"{', '.join(map(repr, known[:_MOST_LISTED]))}{more}"
            )
    return chosen


def _same(text: str, value: str) -> bool:
    try:
        return text == value or float(text) == float(value)
    except ValueError:
        return False


def _checked(values: FloatArray, ours: str, theirs: str, origin: str) -> FloatArray:
    """Positive numbers, times in s; a gap stays one."""
    field = f"{origin}: {theirs}"
    require(np.isnan(values) | (values > 0), field, values, "must be positive")
    limit = LIMITS.get(ours, np.inf)
    seconds, hint = values, f" (are these milliseconds? then call it {theirs.removesuffix('_s')}_ms)"
    if ours in LIMITS and theirs.endswith("_ms"):
        seconds, hint = values / 1000, ""
    require(np.isnan(seconds) | (seconds <= limit), field, values, f"must be at most {limit:g} s{hint}")
    return seconds


def _one_series(parts: list[dict[str, list[str]]]) -> None:
    """Refuse rows of several models or machines (ProblemError)."""
    told = {name: {label for labels in parts for label in labels.get(name, ())} for name in SERIES}
    several = [name for name in SERIES if len(told[name]) > 1]
    if not several:
        return
    series = dict.fromkeys(
        ", ".join(f"{name}={label}" for name, label in zip(several, row, strict=True))
        for labels in parts
        for row in zip(*(labels.get(name, [""] * _rows(labels)) for name in several), strict=True)
    )
    listed = "; ".join(list(series)[:_MOST_LISTED]) + ("; ..." if len(series) > _MOST_LISTED else "")
    raise ProblemError(
        f"the rows differ in {', '.join(several)}, {len(series)} series: {listed}; "
        "they must be one series, chosen by --where NAME=VALUE (where=)"
    )


def _rows(labels: dict[str, list[str]]) -> int:
    return max(map(len, labels.values()), default=0)
