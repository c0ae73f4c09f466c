"""The commands that turn measurements into a workload, and into its server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cvxtoken import picture
from cvxtoken.cli.options import AsJson, drawable, writable
from cvxtoken.cli.tables import (
    ANY_TABLE,
    ColumnNames,
    Dates,
    Decimal,
    Drop,
    Unit,
    Where,
    Zone,
    hints,
    read_columns,
)
from cvxtoken.files import check_ending
from cvxtoken.fitting.iterations import fit_iterations
from cvxtoken.fitting.rows import LOG, ROWS
from cvxtoken.fitting.workload import fit_workload


def _document(value: Path | None) -> Path | None:
    """Callback of an option: a workload's file, refused before any work (ProblemError)."""
    if value is not None:
        check_ending(value)
    return writable(value)


def fit(
    table: Annotated[
        str,
        typer.Argument(
            metavar="TABLE",
            help=f"One row an answer, with columns {', '.join(ROWS)}; {ANY_TABLE}.",
        ),
    ],
    arrivals: Annotated[
        str | None, typer.Option(metavar="FILE", help=f"An arrival log with columns {', '.join(LOG)}.")
    ] = None,
    arrival_rate: Annotated[
        float | None, typer.Option(help="Queries per second, in place of a log's.")
    ] = None,
    busy_hour: Annotated[
        bool, typer.Option("--busy-hour", help="Take rate and priors of the log's busiest hour of the day.")
    ] = False,
    accuracy_weight: Annotated[float, typer.Option(help="Seconds that full accuracy is worth.")] = 30.0,
    max_tokens: Annotated[
        float | None, typer.Option(help="Largest budget, in place of the largest measured.")
    ] = None,
    column: ColumnNames = None,
    arrivals_column: Annotated[
        list[str] | None, typer.Option(metavar="OURS=THEIRS", help="What the log calls one; repeatable.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="The task of all rows, where no column says it.")] = None,
    unit: Unit = None,
    where: Where = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(
            help="Rows to leave out: blank (a value missing), failed (no output), tasks (that one file "
            "lacks)."
        ),
    ] = None,
    dates: Dates = None,
    zone: Zone = None,
    decimal: Decimal = None,
    method: Annotated[str, typer.Option(help="likelihood or least_squares.")] = "likelihood",
    random_service: Annotated[
        bool, typer.Option("--random-service", help="Let service times vary in the workload, as measured.")
    ] = False,
    service_against: Annotated[
        str,
        typer.Option(help="What seconds are fitted against: budget, tokens (used), or auto, by the use."),
    ] = "auto",
    out: Annotated[
        Path | None, typer.Option(callback=_document, help="Write the workload to this .toml or .json file.")
    ] = None,
    as_json: AsJson = False,
    plot: Annotated[
        Path | None, typer.Option(callback=drawable, help="Draw points, fits and bands to this file.")
    ] = None,
) -> None:
    """Fit accuracy, service times and arrivals, and say where the model does not fit."""
    fitted = fit_workload(
        table,
        arrivals,
        arrival_rate=arrival_rate,
        accuracy_weight=accuracy_weight,
        max_tokens=max_tokens,
        busy_hour=busy_hour,
        columns=read_columns(column),
        arrivals_columns=read_columns(arrivals_column, "arrivals_column"),
        task=task,
        hints=hints(unit, where, drop, dates, zone, decimal),
        method=method,
        random_service=random_service,
        service_against=service_against,
    )
    if out is not None:
        fitted.save(out)
    if plot is not None:
        from cvxtoken import plots  # needs every room

        figure, panels = picture.panels(len(fitted.tasks))
        for one, panel in zip(fitted.tasks, panels, strict=True):
            plots.fit(one, panel)
        picture.save(figure, plot)
    print(json.dumps(fitted.to_document(), indent=2, allow_nan=False) if as_json else fitted)


def fit_server(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Results of vllm bench serve, SGLang or guidellm, or a table of rows.",
        ),
    ],
    where: Where = None,
    column: ColumnNames = None,
    unit: Unit = None,
    drop: Drop = None,
    decimal: Decimal = None,
    tokens: Annotated[float, typer.Option(help="Mean tokens a query, for the largest stable rate.")] = 1000.0,
    prompt_tokens: Annotated[
        float | None, typer.Option(help="Mean prompt of a query, whose prefill counts in the rate.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fit a server that batches continuously, from its benchmarks; print the table to paste."""
    found = fit_iterations(
        files, columns=read_columns(column), hints=hints(unit, where, drop, decimal=decimal)
    )
    prefill = found.prefill_seconds(prompt_tokens)
    rate = found.largest_stable_rate(tokens, prefill)
    if as_json:
        stable = {"tokens": tokens, "prefill": prefill, "rate": rate if rate < float("inf") else None}
        print(json.dumps(found.to_document() | {"largest_stable": stable}, indent=2, allow_nan=False))
        return
    print(found)
    print(f"largest stable rate: {rate:.4g} /s at {tokens:g} tokens and {prefill:.4g} s of prefill a query")
    print(*found.readings, sep="\n")
    print(f"\n{found.server_table()}", end="")
