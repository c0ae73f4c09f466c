"""The command from measurements to budgets to deploy."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from cvxtoken.advice import advise
from cvxtoken.advice.result import proof_beside
from cvxtoken.allocation.problem import FIFO
from cvxtoken.allocation.targets import Targets
from cvxtoken.cli.optimum import read_shares
from cvxtoken.cli.options import (
    AsJson,
    MaxMeanTokens,
    MaxSystemTime,
    MaxUtilization,
    MaxWait,
    MinAccuracy,
    Objective,
    writable,
)
from cvxtoken.cli.tables import (
    ANY_TABLE,
    ColumnNames,
    Dates,
    Decimal,
    Drop,
    Unit,
    Where,
    Zone,
    hints,
    read_columns,
)
from cvxtoken.delay import Server, read_server
from cvxtoken.errors import ProblemError
from cvxtoken.files import read_document
from cvxtoken.fitting.rows import LOG, ROWS
from cvxtoken.picture import require_matplotlib


def _budgets(value: Path | None) -> Path | None:
    """Callback of --out: a file that its proof can stand beside, both writable (ProblemError)."""
    if value is not None:
        writable(proof_beside(value))
    return writable(value)


def _report(value: Path | None) -> Path | None:
    """Callback of --report (ProblemError, MissingExtraError)."""
    if value is not None:
        require_matplotlib("a report")
    return writable(value)


def advise_command(
    table: Annotated[
        str,
        typer.Argument(
            metavar="TABLE", help=f"One row an answer, with columns {', '.join(ROWS)}; {ANY_TABLE}."
        ),
    ],
    arrivals: Annotated[
        str | None, typer.Option(metavar="FILE", help=f"An arrival log with columns {', '.join(LOG)}.")
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|KEY=VALUE,...",
            help="A .toml or .json file with a [server] table, or such as kind=sharing,sigma=0.009.",
        ),
    ] = None,
    replicas: Annotated[int | None, typer.Option(help="Servers that share the arrivals.")] = None,
    arrival_rate: Annotated[
        float | None, typer.Option(help="Queries per second, in place of a log's.")
    ] = None,
    accuracy_weight: Annotated[float, typer.Option(help="Seconds that full accuracy is worth.")] = 30.0,
    max_tokens: Annotated[
        float | None, typer.Option(help="Largest budget, in place of the largest measured.")
    ] = None,
    objective: Objective = "trade-off",
    max_system_time: MaxSystemTime = None,
    max_wait: MaxWait = None,
    max_utilization: MaxUtilization = None,
    max_mean_tokens: MaxMeanTokens = None,
    min_accuracy: MinAccuracy = None,
    column: ColumnNames = None,
    arrivals_column: Annotated[
        list[str] | None, typer.Option(metavar="OURS=THEIRS", help="What the log calls one; repeatable.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="The task of all rows, where no column says it.")] = None,
    unit: Unit = None,
    where: Where = None,
    drop: Drop = None,
    dates: Dates = None,
    zone: Zone = None,
    decimal: Decimal = None,
    service_against: Annotated[
        str,
        typer.Option(help="What seconds are fitted against: budget, tokens (used), or auto, by the use."),
    ] = "auto",
    confidence: Annotated[float, typer.Option(help="Of the intervals.")] = 0.9,
    draws: Annotated[int, typer.Option(help="Workloads drawn for the intervals.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the draws; the same seed gives the same numbers.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            callback=_budgets, help="Write the budgets to this .json file, and the proof beside it."
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(callback=_report, help="Write one HTML file with tables and pictures.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print whole budgets to deploy, their error bars and what these cost, from measurements."""
    found = advise(
        table,
        arrivals,
        targets=Targets(
            objective=objective,
            max_mean_system_time=max_system_time,
            max_mean_wait=max_wait,
            max_utilization=max_utilization,
            max_mean_tokens=max_mean_tokens,
            min_accuracy=read_shares(min_accuracy or []),
        ),
        server=_server(server, replicas),
        arrival_rate=arrival_rate,
        accuracy_weight=accuracy_weight,
        max_tokens=max_tokens,
        columns=read_columns(column),
        arrivals_columns=read_columns(arrivals_column, "arrivals_column"),
        task=task,
        hints=hints(unit, where, drop, dates, zone, decimal),
        service_against=service_against,
        confidence=confidence,
        draws=draws,
        seed=seed,
    )
    proof = None if out is None else found.save(out)
    if report is not None:
        from cvxtoken.advice.page import save_report  # with pictures

        save_report(found, report)
    if as_json:
        print(json.dumps(found.to_document(), indent=2, allow_nan=False))
        return
    print(found)
    if proof is not None:
        print(f"{'budgets':<17} {out}; check the proof with: cvxtoken verify {proof}")
    if report is not None:
        print(f"{'report':<17} {report}")


def _server(text: str | None, replicas: int | None) -> Server:
    """The server of a file, or of keys and values (ProblemError)."""
    found: Server = FIFO
    if text is not None:
        found = read_server(_keys(text) if "=" in text else _table(text))
    return found if replicas is None else replace(found, replicas=replicas)  # type: ignore[type-var]


def _table(file: str) -> Any:
    """The [server] table of a file."""
    document = read_document(file)
    if "server" not in document:
        raise ProblemError(f"{file}: there is no [server] table, as cvxtoken fit-server prints one")
    return document["server"]


def _keys(text: str) -> dict[str, Any]:
    """The same from text such as kind=sharing,sigma=0.009 (ProblemError)."""
    found: dict[str, Any] = {}
    for pair in text.split(","):
        name, equals, value = pair.strip().partition("=")
        if not (name and equals and value):
            raise ProblemError(f"server is {text!r}; it must be a file, or such as kind=sharing,sigma=0.009")
        number = int if name == "replicas" else float
        try:
            found[name] = value if name == "kind" else number(value)
        except ValueError as error:
            raise ProblemError(f"server: {name} is {value!r}; it must be a number") from error
    return found
