"""Measured iterations and first tokens: columns by the names that people give them, of one series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest
from cvxtoken.logs.columns import Column, Columns, Hints, Table
from cvxtoken.logs.reading import Reading
from cvxtoken.logs.units import check_first_token, check_pace

SERIES = (
    *("model", "model_id", "hardware", "gpu", "engine", "backend"),
    *("precision", "dtype", "quantization", "parallelization", "tensor_parallel", "task"),
)
WANTED = {
    "batch": Column("positive", required=False),
    "seconds_per_token": Column("seconds", required=False),
    "prompt_tokens": Column("tokens", required=False, gaps=True),
    "first_token": Column("seconds", required=False, gaps=True),
}
LABELS = {name: Column("label", required=False, gaps=True) for name in SERIES}
NEAR = 1.1  # times the smallest n: low load as well
_MOST_LISTED = 12


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


def read_measured(
    tables: Sequence[Table], columns: Mapping[str, str], hints: Hints
) -> tuple[Measured, tuple[Reading, ...]]:
    """The rows of all tables that `hints.where` chooses, and what was read of each.

    Args:
        tables: files of rows or of results of benchmarks, or columns by name.
        columns: what a table calls `batch`, `seconds_per_token`, `prompt_tokens` or `first_token`.
        hints: what the user says of the tables.

    Raises:
        ProblemError: a table cannot be read, a column is missing, a value breaks its rule, no row is chosen,
            or those that are belong to several series.
    """
    for name in columns:
        if name not in WANTED:
            raise ProblemError(f"{name!r} is not a column that is read{nearest(name, WANTED)}")
    hints.check(WANTED)
    parts = [_part(table, columns, hints) for table in tables]
    _one_series([labels for _, labels, _ in parts])
    found = [values for values, _, _ in parts]
    decode = [p for p in found if "batch" in p]
    if not decode:
        raise ProblemError("there are first tokens only; no table has a batch size with a time of a token")
    batch, seconds = (np.concatenate([p[name] for p in decode]) for name in ("batch", "seconds_per_token"))
    unknown = [np.full(len(p["batch"]), np.nan) for p in decode]
    prompts = np.concatenate([p.get("prompt_tokens", nan) for p, nan in zip(decode, unknown, strict=True)])
    return Measured(batch, seconds, prompts, *_first_tokens(found)), tuple(reading for _, _, reading in parts)


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
    table: Table, columns: Mapping[str, str], hints: Hints
) -> tuple[Columns, dict[str, list[str]], Reading]:
    """The numbers of one table, in s, by our names, the labels of its rows, and what was read."""
    from cvxtoken.logs.benchmarks import RESULTS, results  # Polars, beneath them, is slow to import
    from cvxtoken.logs.names import listed
    from cvxtoken.logs.opening import open_table
    from cvxtoken.logs.read import read

    opened = results(open_table(table))
    told = {} if opened.form == RESULTS else columns
    found, reading, _ = read(opened, WANTED | LABELS, told, hints)
    names = set(WANTED) & set(found)
    if not {"batch", "seconds_per_token"} <= names:
        if not {"prompt_tokens", "first_token"} <= names:
            raise ProblemError(
                f"{opened.origin}: there are no columns for batch and seconds_per_token (such as n and "
                "tpot_ms), nor for prompt_tokens and first_token (such as input_tokens and ttft_ms); "
                "columns: "
                f"{listed(opened.header)}; other names are told by --column OURS=NAME (columns)"
            )
        names = {"prompt_tokens", "first_token"}
    theirs = {one.ours: f"{opened.origin}: {one.theirs!r}" for one in reading.columns}
    if "seconds_per_token" in names and "seconds_per_token" not in hints.units:
        check_pace(found["seconds_per_token"], None, theirs["seconds_per_token"], "seconds_per_token")
    if "first_token" in names and "first_token" not in hints.units:
        check_first_token(found["first_token"], theirs["first_token"], "first_token")
    labels = {name: found[name].texts.tolist() for name in SERIES if name in found}
    return {name: found[name] for name in names}, labels, reading


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
