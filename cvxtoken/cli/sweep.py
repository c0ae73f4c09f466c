"""The command that solves a grid of workloads."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from cvxtoken.cli.options import AsJson, WorkloadName, counted, read_workload
from cvxtoken.errors import ProblemError
from cvxtoken.sweeps import sweep
from cvxtoken.sweeps.grid import MOST_POINTS

_VALUES = "0.1,0.2,0.5 or LOW:HIGH:COUNT, equally spaced."
Values = Annotated[str | None, typer.Option(metavar="VALUES", help=_VALUES)]


def sweep_command(
    workload: WorkloadName = "qwen3-8b",
    arrival_rate: Values = None,
    accuracy_weight: Values = None,
    max_tokens: Values = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=VALUES", help="Another field; a number stands for every type."),
    ] = None,
    out: Annotated[Path, typer.Option(help="A .csv or .parquet file that is not there yet.")] = Path(
        "sweep.csv"
    ),
    workers: Annotated[int, typer.Option(help="Local processes.")] = 1,
    cluster: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of a Dask scheduler, instead of local processes.")
    ] = None,
    chunk_size: Annotated[int | None, typer.Option(help="Points solved and written together.")] = None,
    as_json: AsJson = False,
) -> None:
    """Solve every combination of values, written as they come; run again to go on after an interruption."""
    problem = read_workload(workload, None, None, None)
    options = {"arrival_rate": arrival_rate, "accuracy_weight": accuracy_weight, "max_tokens": max_tokens}
    texts = {field: text for field, text in options.items() if text is not None}
    for text in vary or []:
        field, equals, numbers = text.partition("=")
        if not equals or field in texts:
            raise ProblemError(f"vary is {text!r}; it must be FIELD=VALUES, each field once")
        texts[field] = numbers
    values: dict[str, Any] = {field: read_values(field, text) for field, text in texts.items()}
    with counted("sweeping", "points") as on_progress:
        result = sweep(
            problem,
            out,
            workers=workers,
            cluster=cluster,
            chunk_size=chunk_size,
            on_progress=on_progress,
            **values,
        )
    print(json.dumps(result.to_document(), indent=2, allow_nan=False) if as_json else result)
    if result.counts.get("unfinished"):
        print(f"unfinished: {result.counts['unfinished']} points are not solved to 1e-12", file=sys.stderr)
        raise typer.Exit(3)


def read_values(field: str, text: str) -> list[float]:
    """Numbers separated by commas, or low:high:count (ProblemError)."""
    try:
        if ":" not in text:
            return [float(part) for part in text.split(",")] if text else []
        low, high, count = text.split(":")
        number = int(count)
        if number > MOST_POINTS:
            raise ProblemError(f"{field} is {text!r}; a grid may have at most {MOST_POINTS} points")
        return [float(value) for value in np.linspace(float(low), float(high), number)]
    except ValueError as error:
        raise ProblemError(f"{field} is {text!r}; it must be {_VALUES}") from error
