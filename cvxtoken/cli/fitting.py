"""The command that turns measurements into a workload."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cvxtoken import picture
from cvxtoken.cli.options import AsJson, drawable, writable
from cvxtoken.errors import ProblemError
from cvxtoken.files import check_ending
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
    accuracy_weight: Annotated[float, typer.Option(help="Seconds that full accuracy is worth.")] = 30.0,
    max_tokens: Annotated[
        float | None, typer.Option(help="Largest budget, in place of the largest measured.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="OURS=THEIRS", help="What the files call a column; repeatable."),
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
        columns=read_columns(column or []),
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


def read_columns(pairs: list[str]) -> dict[str, str]:
    """Pairs OURS=THEIRS (ProblemError)."""
    found = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not equals or not ours or not theirs:
            raise ProblemError(f"column is {pair!r}; it must be OURS=THEIRS, such as seconds=latency_s")
        found[ours] = theirs
    return found
