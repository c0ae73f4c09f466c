"""Commands about the optimum of a workload, with or without targets, and about its frontier."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from cvxtoken import picture
from cvxtoken.allocation.reference import solve
from cvxtoken.cli.options import (
    AccuracyWeight,
    ArrivalRate,
    AsJson,
    CertificateFile,
    MaxMeanTokens,
    MaxSystemTime,
    MaxTokens,
    MaxUtilization,
    MaxWait,
    MinAccuracy,
    Objective,
    Solver,
    WorkloadName,
    drawable,
    progress_bar,
    read_workload,
)
from cvxtoken.errors import ProblemError


def solve_command(
    workload: WorkloadName = "qwen3-8b",
    arrival_rate: ArrivalRate = None,
    accuracy_weight: AccuracyWeight = None,
    max_tokens: MaxTokens = None,
    objective: Objective = "trade-off",
    max_system_time: MaxSystemTime = None,
    max_wait: MaxWait = None,
    max_utilization: MaxUtilization = None,
    max_mean_tokens: MaxMeanTokens = None,
    max_mean_kv_tokens: Annotated[
        float | None, typer.Option(help="Target: mean tokens in the KV memory of a replica, at most.")
    ] = None,
    min_accuracy: MinAccuracy = None,
    solver: Solver = "CLARABEL",
    as_json: AsJson = False,
    certificate: CertificateFile = None,
) -> None:
    """Print the optimal budgets and the proven gap, under any targets what each of them costs."""
    problem = read_workload(workload, arrival_rate, accuracy_weight, max_tokens)
    reference = solve(
        problem,
        solver,
        objective=objective,
        max_mean_system_time=max_system_time,
        max_mean_wait=max_wait,
        max_utilization=max_utilization,
        max_mean_tokens=max_mean_tokens,
        max_mean_kv_tokens=max_mean_kv_tokens,
        min_accuracy=read_shares(min_accuracy or []),
    )
    if certificate is not None:
        reference.certificate.save(certificate)
    if as_json:
        document = {"workload": workload, **reference.to_document()}
        print(json.dumps(document, indent=2, allow_nan=False))
    else:
        print(reference)
        if certificate is not None:
            print(f"certificate       {certificate}; check it with: cvxtoken verify {certificate}")
    if reference.status != "certified":
        print(f"uncertified: the best proven relative gap is {reference.relative_gap:.3g}", file=sys.stderr)
        raise typer.Exit(3)


def read_shares(texts: list[str]) -> dict[str, float]:
    """Numbers by name from texts such as GSM8K=0.9 (ProblemError)."""
    found: dict[str, float] = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        try:
            share = float(value)
        except ValueError:
            equals = ""
        if not equals:
            raise ProblemError(f"min_accuracy is {text!r}; it must be a type's name, '=' and a number")
        if name in found:
            raise ProblemError(f"min_accuracy of {name!r} is given twice")
        found[name] = share
    return found


def frontier_command(
    workload: WorkloadName = "qwen3-8b",
    arrival_rate: ArrivalRate = None,
    accuracy_weight: AccuracyWeight = None,
    max_tokens: MaxTokens = None,
    points: Annotated[int, typer.Option(help="How many.")] = 20,
    as_json: AsJson = False,
    plot: Annotated[
        Path | None, typer.Option(callback=drawable, help="Draw the frontier to this file.")
    ] = None,
) -> None:
    """Print the best accuracy for every mean system time, each point proven, and its budgets."""
    from cvxtoken.allocation.targeted.frontier import frontier

    problem = read_workload(workload, arrival_rate, accuracy_weight, max_tokens)
    with progress_bar() as progress:
        task = progress.add_task("frontier", total=points)
        found = frontier(problem, points, lambda count: progress.advance(task, count))
    if plot is not None:
        from cvxtoken import plots  # needs every room

        picture.save(plots.frontier(found, solve(problem)).figure, plot)
    print(json.dumps(found.to_document(), indent=2, allow_nan=False) if as_json else found)
    if found.status != "certified":
        print("uncertified: not every point is proven", file=sys.stderr)
        raise typer.Exit(3)
