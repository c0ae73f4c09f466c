"""The command about batching."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cvxtoken import picture
from cvxtoken.batching.continuous import CONTINUOUS, check_server, continuous
from cvxtoken.batching.problem import DISCIPLINES, BatchingProblem, check_discipline
from cvxtoken.batching.problem import default_problem as default_batching
from cvxtoken.batching.reference import BatchingReference, best_batch
from cvxtoken.batching.simulation import simulate
from cvxtoken.cli.options import AsJson, ServerFile, drawable, progress_bar, read_server_file
from cvxtoken.delay import Server
from cvxtoken.errors import UnstableError
from cvxtoken.estimates import Estimate


def batch_command(
    problem: Annotated[
        str | None, typer.Argument(metavar="[PROBLEM]", help="A .toml or .json file; an example by default.")
    ] = None,
    discipline: Annotated[str, typer.Option(help="dynamic, fixed, elastic, continuous or all.")] = "all",
    arrival_rate: Annotated[float | None, typer.Option(help="Requests per second.")] = None,
    max_batch: Annotated[int | None, typer.Option(help="The largest batch.")] = None,
    server: ServerFile = None,
    requests: Annotated[int, typer.Option(help="Simulated, over all replications; 0 for none.")] = 200_000,
    as_json: AsJson = False,
    plot: Annotated[
        Path | None, typer.Option(callback=drawable, help="Draw the delay curves to this file.")
    ] = None,
) -> None:
    """Print delays of batched service and the best batch sizes, by analysis and in simulation."""
    data = default_batching() if problem is None else BatchingProblem.load(problem)
    options = {"arrival_rate": arrival_rate, "max_batch": max_batch}
    data = data.replace(**{name: value for name, value in options.items() if value is not None})
    engine = None if server is None else check_server(data, read_server_file(server))
    every = (*DISCIPLINES, CONTINUOUS)
    names = every if discipline == "all" else (check_discipline(discipline, every),)
    found: list[BatchingReference] = []
    documents, texts = {}, []
    with progress_bar() as progress:
        task = progress.add_task("batching", total=len(names))
        for name in names:
            try:
                if name == CONTINUOUS:
                    documents[name], text = _continuous(data, engine, requests)
                else:
                    found.append(best_batch(data, name))
                    documents[name], text = _batches(found[-1], requests)
            except UnstableError as error:
                if len(names) == 1:
                    raise
                documents[name] = {"stable": False, "reason": str(error)}
                text = f"{name}: {error}"
            texts.append(text + "\n")
            progress.advance(task)
    if plot is not None:
        from cvxtoken import plots  # needs every room

        picture.save(plots.batching(found).figure, plot)
    print(json.dumps(documents, indent=2, allow_nan=False) if as_json else "\n".join(texts).rstrip())


def _batches(reference: BatchingReference, requests: int) -> tuple[dict[str, Any], str]:
    """The object and the text of a discipline."""
    document, text = reference.to_document(), str(reference)
    if requests:
        seen = simulate(reference.problem, reference.discipline, reference.best_batch, requests)
        value = seen.mean_system_time
        document["mean_system_time"] |= {"simulated": value.value, "low": value.low, "high": value.high}
        text += "\n" + _simulated(value)
    return document, text


def _continuous(problem: BatchingProblem, server: Server | None, requests: int) -> tuple[dict[str, Any], str]:
    """The same of continuous batching."""
    found = continuous(problem, server, num_requests=requests)
    text = str(found) if found.simulated is None else f"{found}\n{_simulated(found.simulated)}"
    return found.to_document(), text


def _simulated(seen: Estimate) -> str:
    return f"simulated         {seen.value:.4f} s, 95 % interval {seen.low:.4f} .. {seen.high:.4f}"
