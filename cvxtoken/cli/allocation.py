"""Commands about one workload: its optimum, its proof, methods, whole tokens, simulation, export."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cvxtoken.cli.options import (
    AccuracyWeight,
    ArrivalRate,
    AsJson,
    CertificateFile,
    MaxTokens,
    WorkloadName,
    progress_bar,
    read_workload,
    writable,
)
from cvxtoken.files import write_text


def integer_command(
    workload: WorkloadName = "qwen3-8b",
    arrival_rate: ArrivalRate = None,
    accuracy_weight: AccuracyWeight = None,
    max_tokens: MaxTokens = None,
    time_limit: Annotated[float, typer.Option(help="Seconds that the search may take.")] = 60.0,
    as_json: AsJson = False,
    certificate: CertificateFile = None,
) -> None:
    """Print the best budgets in whole tokens, proven, and what rounding loses."""
    from rich.console import Console

    from cvxtoken.whole.reference import solve_integer

    problem = read_workload(workload, arrival_rate, accuracy_weight, max_tokens)
    with Console(stderr=True).status("searching") if sys.stderr.isatty() else nullcontext():
        reference = solve_integer(problem, time_limit)
    if certificate is not None:
        reference.certificate.save(certificate)
    print(json.dumps(reference.to_document(), indent=2, allow_nan=False) if as_json else reference)
    if certificate is not None and not as_json:
        print(f"certificate       {certificate}; check it with: cvxtoken verify {certificate}")
    if not reference.exact:
        print(f"not exact: the best proven relative gap is {reference.relative_gap:.3g}", file=sys.stderr)
        raise typer.Exit(3)


def explain(
    workload: WorkloadName = "qwen3-8b",
    arrival_rate: ArrivalRate = None,
    accuracy_weight: AccuracyWeight = None,
    max_tokens: MaxTokens = None,
) -> None:
    """Print the convex program term by term, and the delay in its two parts."""
    from cvxtoken.allocation.explain import explain as tell
    from cvxtoken.allocation.reference import solve

    print(tell(solve(read_workload(workload, arrival_rate, accuracy_weight, max_tokens))))


def methods(
    workload: WorkloadName = "qwen3-8b",
    arrival_rate: ArrivalRate = None,
    accuracy_weight: AccuracyWeight = None,
    max_tokens: MaxTokens = None,
    as_json: AsJson = False,
) -> None:
    """Run every iterative method and hold it against the certified optimum."""
    from cvxtoken.allocation.methods.comparison import compare

    comparison = compare(read_workload(workload, arrival_rate, accuracy_weight, max_tokens))
    print(json.dumps(comparison.to_document(), indent=2, allow_nan=False) if as_json else comparison)


def simulate_command(
    workload: WorkloadName = "qwen3-8b",
    tokens: Annotated[
        str, typer.Option(help="optimal, rounded, uniform:N, or a .json or .toml file of name = tokens.")
    ] = "optimal",
    arrival_rate: ArrivalRate = None,
    accuracy_weight: AccuracyWeight = None,
    max_tokens: MaxTokens = None,
    requests: Annotated[int, typer.Option(help="Queries counted, over all replications.")] = 1_000_000,
    replications: Annotated[int, typer.Option(help="Independent runs, at least 2.")] = 20,
    seed: Annotated[int, typer.Option(help="Not negative; the same seed gives the same numbers.")] = 0,
    allow_unstable: Annotated[bool, typer.Option(help="Simulate without a steady state.")] = False,
    as_json: AsJson = False,
) -> None:
    """Simulate the queue at an allocation, beside what the closed forms predict."""
    from cvxtoken.allocation.simulation import simulate
    from cvxtoken.cli.tokens import named_tokens

    problem = read_workload(workload, arrival_rate, accuracy_weight, max_tokens)
    budgets = named_tokens(problem, tokens)
    with progress_bar() as progress:
        task = progress.add_task("simulating", total=None)
        result = simulate(
            problem,
            budgets,
            num_requests=requests,
            seed=seed,
            replications=replications,
            allow_unstable=allow_unstable,
            on_progress=lambda count: progress.advance(task, count),
        )
    print(json.dumps(result.to_document(), indent=2, allow_nan=False) if as_json else result)


class Form(StrEnum):
    """How the cone program is written."""

    PRESOLVED = "presolved"
    RAW = "raw"


class Format(StrEnum):
    """What `export` writes."""

    CBF = "cbf"
    CLARABEL = "clarabel-json"
    JSON = "json"


def export(
    workload: WorkloadName = "qwen3-8b",
    file_format: Annotated[
        Format, typer.Option("--format", help="Of the cone program or workload.")
    ] = Format.CBF,
    form: Annotated[
        Form, typer.Option(help="Raw tokens, or the presolved variables x = b l.")
    ] = Form.PRESOLVED,
    arrival_rate: ArrivalRate = None,
    accuracy_weight: AccuracyWeight = None,
    max_tokens: MaxTokens = None,
    out: Annotated[
        Path | None, typer.Option(callback=writable, help="Write to this file instead of to the terminal.")
    ] = None,
) -> None:
    """Write the problem for other programs: CBF, Clarabel's problem file, or the workload as JSON."""
    from cvxtoken.allocation.program.cones import cone_program
    from cvxtoken.conic.cbf import write_cbf

    problem = read_workload(workload, arrival_rate, accuracy_weight, max_tokens)
    if file_format is Format.JSON:
        text = json.dumps(problem.to_document(), indent=2) + "\n"
    else:
        program = cone_program(problem, form.value).program
        text = write_cbf(program) if file_format is Format.CBF else json.dumps(program.to_clarabel()) + "\n"
    if out is None:
        print(text, end="")
    else:
        write_text(out, text)
