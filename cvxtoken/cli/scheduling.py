"""The command about scheduling under a KV-cache memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cvxtoken import picture
from cvxtoken.cli.options import AsJson, CertificateFile, drawable, progress_bar
from cvxtoken.cli.tables import ANY_TABLE, Dates, Decimal, Drop, Unit, Where, Zone, hints
from cvxtoken.errors import ProblemError
from cvxtoken.scheduling.comparison import compare
from cvxtoken.scheduling.generate import (
    default_requests,
    predict_buckets,
    predict_interval,
    predict_relative,
)
from cvxtoken.scheduling.policies import POLICIES
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.reference import default_bound
from cvxtoken.scheduling.trace import MEMORY, ROUND_SECONDS, read_trace


def schedule(
    problem: Annotated[
        str | None, typer.Argument(metavar="[PROBLEM]", help="A .toml or .json file; an example by default.")
    ] = None,
    trace: Annotated[Path | None, typer.Option(help=f"A trace in place of a problem: {ANY_TABLE}.")] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            help="Of the trace: arrival=NAME,prompt=NAME,output=NAME; those of known tools are found."
        ),
    ] = None,
    round_seconds: Annotated[
        float, typer.Option(help="Seconds a round, to place a trace's arrivals.")
    ] = ROUND_SECONDS,
    memory: Annotated[
        int | None, typer.Option(help=f"Tokens that the memory holds; {MEMORY} for a trace.")
    ] = None,
    drop_oversized: Annotated[
        bool, typer.Option("--drop-oversized", help="Leave out a trace's requests larger than the memory.")
    ] = False,
    unit: Unit = None,
    where: Where = None,
    drop: Drop = None,
    dates: Dates = None,
    zone: Zone = None,
    decimal: Decimal = None,
    policy: Annotated[
        list[str] | None, typer.Option(help=f"{', '.join(POLICIES)}; may be repeated; all by default.")
    ] = None,
    intervals: Annotated[
        str | None,
        typer.Option(help="Predict anew: exact, interval:LOW:HIGH, buckets:WIDTH or relative:ERROR."),
    ] = None,
    prediction: Annotated[
        str, typer.Option(help="End of it that mc_sf and fcfs take: low, middle, high or true.")
    ] = "high",
    bound: Annotated[
        str | None,
        typer.Option(
            help="fast, prices, lp, courses or milp; lp by default; if too slow fast, with --seconds prices."
        ),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(help="Time for the search; by default each step runs to its end.")
    ] = None,
    certificate: CertificateFile = None,
    as_json: AsJson = False,
    plot: Annotated[
        Path | None, typer.Option(callback=drawable, help="Draw the memory over time, a panel a policy.")
    ] = None,
) -> None:
    """Run scheduling policies, and hold them against a certified bound in hindsight."""
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    requests, dropped, reading = default_requests(), 0, None
    if trace is not None:
        if problem is not None:
            raise ProblemError("a problem and a trace are given; give one of them")
        roles = None if columns is None else read_columns(columns)
        told = hints(unit, where, drop, dates, zone, decimal)
        requests, dropped, reading = read_trace(
            trace, memory or MEMORY, round_seconds, roles, drop_oversized, told
        )
    elif columns is not None or drop_oversized:
        raise ProblemError(f"{'drop_oversized' if columns is None else 'columns'} is given, but no trace")
    else:
        requests = requests if problem is None else Requests.load(problem)
        requests = requests if memory is None else requests.replace(memory=memory)
    if intervals is not None:
        requests = predicted(requests, intervals)
    names = list(POLICIES) if not policy or policy == ["all"] else policy
    with progress_bar(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()) as shown:
        task = shown.add_task("the policies", total=None)

        def report(lower: int, upper: int, doing: str) -> None:
            gap = f"from {lower} to {upper} rounds, a gap of {(upper - lower) / lower:.3g}"
            shown.update(task, description=f"{gap}: {doing}")

        chosen = bound or default_bound(requests, seconds)
        found = compare(requests, names, prediction, chosen, seconds, report)
    if certificate is not None:
        found.reference.certificate.save(certificate)
    if plot is not None:
        from cvxtoken import plots  # needs every room

        picture.save(plots.memories(found), plot)
    if as_json:
        read = {} if reading is None else {"readings": [reading.to_document()]}
        print(json.dumps({**found.to_document(), "dropped": dropped, **read}, indent=2, allow_nan=False))
        return
    print(found)
    if dropped:
        print(f"{dropped} requests larger than the memory were dropped")
    if reading is not None:
        print(reading)


def read_columns(text: str) -> dict[str, str]:
    """Roles and names, such as arrival=TIME,prompt=IN,output=OUT (ProblemError)."""
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(role and sign and name for role, sign, name in pairs):
        raise ProblemError(f"columns is {text!r}; it must be like arrival=NAME,prompt=NAME,output=NAME")
    return {role: name for role, _, name in pairs}


def predicted(requests: Requests, text: str) -> Requests:
    """The requests with the intervals that a model predicts (ProblemError)."""
    kind, *numbers = text.split(":")
    try:
        match kind, numbers:
            case "exact", []:
                o = requests.output_tokens
                return requests.replace(predicted_low=o, predicted_high=o)
            case "interval", [low, high]:
                return predict_interval(requests, int(low), int(high))
            case "buckets", [width]:
                return predict_buckets(requests, int(width))
            case "relative", [error]:
                return predict_relative(requests, float(error))
    except ValueError:
        pass
    raise ProblemError(
        f"intervals is {text!r}; it must be exact, interval:LOW:HIGH, buckets:WIDTH or relative:ERROR"
    )
