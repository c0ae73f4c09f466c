"""The command that writes data sets of proven optima."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cvxtoken.cli.options import AsJson, counted
from cvxtoken.datasets import FAMILIES, generate
from cvxtoken.datasets.recipe import SHARD_SIZE


def generate_command(
    out: Annotated[Path, typer.Option(help="A folder for this data set alone.")],
    family: Annotated[str, typer.Option(help=f"One of {', '.join(FAMILIES)}.")] = "realistic",
    count: Annotated[int, typer.Option(help="Instances.")] = 1_000_000,
    types: Annotated[int, typer.Option(help="Task types in each.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the random numbers.")] = 0,
    shard_size: Annotated[int, typer.Option(help="Instances in a file.")] = SHARD_SIZE,
    workers: Annotated[int, typer.Option(help="Local processes.")] = 1,
    cluster: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of a Dask scheduler, instead of local processes.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a data set of proven optima as Parquet files; run again to go on after an interruption."""
    with counted("generating", "instances") as on_progress:
        found = generate(
            family,
            count,
            out,
            types=types,
            seed=seed,
            shard_size=shard_size,
            workers=workers,
            cluster=cluster,
            on_progress=on_progress,
        )
    print(json.dumps(found.to_document(), indent=2, allow_nan=False) if as_json else found)
