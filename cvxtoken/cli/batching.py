"""The command about batching."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cvxtoken import picture
from cvxtoken.batching.problem import DISCIPLINES, BatchingProblem, check_discipline
from cvxtoken.batching.problem import default_problem as default_batching
from cvxtoken.batching.reference import best_batch
from cvxtoken.batching.simulation import simulate
from cvxtoken.cli.options import AsJson, drawable, progress_bar
from cvxtoken.errors import UnstableError


def batch_command(
    problem: Annotated[
        str | None, typer.Argument(metavar="[PROBLEM]", help="A .toml or .json file; an example by default.")
    ] = None,
    discipline: Annotated[str, typer.Option(help="dynamic, fixed, elastic or all.")] = "all",
    arrival_rate: Annotated[float | None, typer.Option(help="Requests per second.")] = None,
    max_batch: Annotated[int | None, typer.Option(help="The largest batch.")] = None,
    requests: Annotated[int, typer.Option(help="Simulated, over 20 replications; 0 for none.")] = 200_000,
    as_json: AsJson = False,
    plot: Annotated[
        Path | None, typer.Option(callback=drawable, help="Draw the delay curves to this file.")
    ] = None,
) -> None:
    """Print delays of batched service and the best batch sizes, by analysis and in simulation."""
    data = default_batching() if problem is None else BatchingProblem.load(problem)
    options = {"arrival_rate": arrival_rate, "max_batch": max_batch}
    data = data.replace(**{name: value for name, value in options.items() if value is not None})
    names = DISCIPLINES if discipline == "all" else (check_discipline(discipline),)
    found, documents, texts = [], {}, []
    with progress_bar() as progress:
        task = progress.add_task("batching", total=len(names))
        for name in names:
            try:
                reference = best_batch(data, name)
            except UnstableError as error:
                if len(names) == 1:
                    raise
                documents[name] = {"stable": False, "reason": str(error)}
                texts.append(f"{name}: {error}\n")
                continue
            document: dict[str, Any] = reference.to_document()
            text = str(reference)
            if requests:
                seen = simulate(data, name, reference.best_batch, requests).mean_system_time
                document["mean_system_time"] |= {"simulated": seen.value, "low": seen.low, "high": seen.high}
                text += (
                    f"\nsimulated         {seen.value:.4f} s, 95 % interval {seen.low:.4f} .. {seen.high:.4f}"
                )
            found.append(reference)
            documents[name] = document
            texts.append(text + "\n")
            progress.advance(task)
    if plot is not None:
        from cvxtoken import plots  # needs every room

        picture.save(plots.batching(found).figure, plot)
    print(json.dumps(documents, indent=2, allow_nan=False) if as_json else "\n".join(texts).rstrip())
