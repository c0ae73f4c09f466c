"""The command that draws."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cvxtoken import picture
from cvxtoken.cli.options import AccuracyWeight, ArrivalRate, MaxTokens, read_workload
from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest
from cvxtoken.plots.kinds import OF_FILE, OF_WORKLOAD

_KINDS = (*OF_WORKLOAD, *OF_FILE)


def plot_command(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(_KINDS)}.")],
    out: Annotated[Path, typer.Option(help="The file: .png, .svg, .pdf and others.")],
    workload: Annotated[
        str | None,
        typer.Argument(
            metavar="[WORKLOAD]",
            help=f"A built-in workload's name or a file; for {', '.join(OF_FILE)} a file of that problem.",
        ),
    ] = None,
    arrival_rate: ArrivalRate = None,
    accuracy_weight: AccuracyWeight = None,
    max_tokens: MaxTokens = None,
) -> None:
    """Draw a picture to a file."""
    if kind not in _KINDS:
        raise ProblemError(f"kind is {kind!r}; it must be one of {', '.join(_KINDS)}{nearest(kind, _KINDS)}")
    picture.check_path(out)
    if kind in OF_WORKLOAD:
        problem = read_workload(workload or "qwen3-8b", arrival_rate, accuracy_weight, max_tokens)
        drawn = OF_WORKLOAD[kind](problem)
    else:
        options = {"arrival_rate": arrival_rate, "accuracy_weight": accuracy_weight, "max_tokens": max_tokens}
        given = [name for name, value in options.items() if value is not None]
        if given:
            raise ProblemError(f"{given[0]} is given, but a picture of kind {kind} is not of a workload")
        drawn = OF_FILE[kind](workload)
    picture.save(drawn.figure, out)
    print(out)
