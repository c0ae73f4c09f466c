"""The command about the best max-token limit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cvxtoken import picture
from cvxtoken.cli.options import AsJson, ServerFile, drawable, read_server_file
from cvxtoken.cli.tables import ANY_TABLE, Decimal, Drop, Where, hints
from cvxtoken.clipping.problem import ClippingProblem, default_problem
from cvxtoken.clipping.reference import best_limit
from cvxtoken.errors import ProblemError
from cvxtoken.lengths import LengthDistribution, read_lengths


def clip(
    problem: Annotated[
        str | None,
        typer.Argument(metavar="[PROBLEM]", help="A .toml or .json file; the paper's setting by default."),
    ] = None,
    lengths: Annotated[
        str | None,
        typer.Option(metavar="FILE[:COLUMN]", help=f"Output lengths, from a column of a file: {ANY_TABLE}."),
    ] = None,
    limits: Annotated[
        str | None, typer.Option(help="Consider these limits only, such as 800,1600,3000.")
    ] = None,
    arrival_rate: Annotated[
        float | None, typer.Option(help="Requests per second, in place of the problem's.")
    ] = None,
    patience: Annotated[float | None, typer.Option(help="Seconds after which a request leaves.")] = None,
    utility_weight: Annotated[float | None, typer.Option(help="Theta, from 0 to 1.")] = None,
    server: ServerFile = None,
    max_batch: Annotated[
        int | None, typer.Option(help="Requests that a server which shares runs at once; simulated.")
    ] = None,
    where: Where = None,
    drop: Drop = None,
    decimal: Decimal = None,
    as_json: AsJson = False,
    plot: Annotated[
        Path | None, typer.Option(callback=drawable, help="Draw the frontier to this file.")
    ] = None,
) -> None:
    """Print the best limit on output tokens, and what other limits do."""
    data = default_problem() if problem is None else ClippingProblem.load(problem)
    options = {
        "arrival_rate": arrival_rate,
        "patience": patience,
        "utility_weight": utility_weight,
        "server": None if server is None else read_server_file(server),
        "max_batch": max_batch,
    }
    changes: dict[str, object] = {name: value for name, value in options.items() if value is not None}
    reading = None
    if lengths is not None:
        sample, reading = read_lengths(*_file_and_column(lengths), hints(None, where, drop, decimal=decimal))
        changes |= {"lengths": LengthDistribution.empirical(sample), "shares": (1.0,)}
    data = data.replace(**changes)
    reference = best_limit(data, None if limits is None else read_limits(limits))
    if plot is not None:
        from cvxtoken import plots  # needs every room

        picture.save(plots.clipping(reference).figure, plot)
    if as_json:
        read = {} if reading is None else {"readings": [reading.to_document()]}
        print(json.dumps(reference.to_document() | read, indent=2, allow_nan=False))
        return
    print(reference)
    if reading is not None:
        print(reading)


def _file_and_column(text: str) -> tuple[str, str | None]:
    """A file, and the column after the last colon, unless all of it is a file."""
    file, colon, column = text.rpartition(":")
    return (file, column) if colon and not Path(text).exists() else (text, None)


def read_limits(text: str) -> list[int]:
    """Whole numbers separated by commas (ProblemError)."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise ProblemError(f"limits is {text!r}; it must be whole numbers separated by commas") from error
