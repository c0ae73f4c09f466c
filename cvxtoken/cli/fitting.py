"""The commands that turn measurements into a workload, and into its server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cvxtoken import picture
from cvxtoken.cli.options import AsJson, drawable, writable
from cvxtoken.errors import ProblemError
from cvxtoken.files import check_ending
from cvxtoken.fitting.iterations import fit_iterations
from cvxtoken.fitting.workload import LOG, ROWS, fit_workload


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
            help=f"A .csv or .parquet file, one row an answer, with columns {', '.join(ROWS)}.",
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
    drop_unmatched: Annotated[
        bool, typer.Option("--drop-unmatched", help="Leave out tasks that only one of the two files has.")
    ] = False,
    accuracy_weight: Annotated[float, typer.Option(help="Seconds that full accuracy is worth.")] = 30.0,
    max_tokens: Annotated[
        float | None, typer.Option(help="Largest budget, in place of the largest measured.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="OURS=THEIRS", help="What the files call a column; repeatable."),
    ] = None,
    arrivals_column: Annotated[
        list[str] | None,
        typer.Option(metavar="OURS=THEIRS", help="What the log alone calls a column; repeatable."),
    ] = None,
    method: Annotated[str, typer.Option(help="likelihood or least_squares.")] = "likelihood",
    random_service: Annotated[
        bool, typer.Option("--random-service", help="Let service times vary in the workload, as measured.")
    ] = False,
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
        drop_unmatched=drop_unmatched,
        columns=read_columns(column or []),
        arrivals_columns=read_pairs(
            arrivals_column or [], "arrivals_column", "timestamp=received_at", "OURS=THEIRS"
        ),
        method=method,
        random_service=random_service,
    )
    if out is not None:
        fitted.save(out)
    if plot is not None:
        from cvxtoken import plots  # needs every room

        figure, panels = picture.panels(len(fitted.tasks))
        for task, panel in zip(fitted.tasks, panels, strict=True):
            plots.fit(task, panel)
        picture.save(figure, plot)
    print(json.dumps(fitted.to_document(), indent=2, allow_nan=False) if as_json else fitted)


def fit_server(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="A .csv file of rows, or .json and .jsonl results of vllm bench serve, SGLang or guidellm.",
        ),
    ],
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=VALUE", help="Take only the rows that hold this; repeatable."),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="OURS=THEIRS", help="What the files call a column; repeatable."),
    ] = None,
    tokens: Annotated[float, typer.Option(help="Mean tokens a query, for the largest stable rate.")] = 1000.0,
    prompt_tokens: Annotated[
        float | None, typer.Option(help="Mean prompt of a query, whose prefill counts in the rate.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fit a server that batches continuously, from its benchmarks; print the table to paste."""
    found = fit_iterations(
        files, where=read_pairs(where or [], "where", "model=mine"), columns=read_columns(column or [])
    )
    prefill = found.prefill_seconds(prompt_tokens)
    rate = found.largest_stable_rate(tokens, prefill)
    if as_json:
        stable = {"tokens": tokens, "prefill": prefill, "rate": rate if rate < float("inf") else None}
        print(json.dumps(found.to_document() | {"largest_stable": stable}, indent=2, allow_nan=False))
        return
    print(found)
    print(f"largest stable rate: {rate:.4g} /s at {tokens:g} tokens and {prefill:.4g} s of prefill a query")
    print(f"\n{found.server_table()}", end="")


def read_columns(pairs: list[str]) -> dict[str, str]:
    """Pairs OURS=THEIRS (ProblemError)."""
    return read_pairs(pairs, "column", "seconds=latency_s", "OURS=THEIRS")


def read_pairs(pairs: list[str], option: str, example: str, form: str = "COLUMN=VALUE") -> dict[str, str]:
    """Pairs with an equals sign (ProblemError: one has none, or nothing on a side of it)."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name or not value:
            raise ProblemError(f"{option} is {pair!r}; it must be {form}, such as {example}")
        found[name] = value
    return found
