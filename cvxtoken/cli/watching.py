"""The command that follows a live log."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from math import isfinite
from types import FrameType
from typing import Annotated, Any

import typer

from cvxtoken.allocation.problem import Workload
from cvxtoken.cli.options import AccuracyWeight, MaxTokens, read_workload
from cvxtoken.cli.tables import ColumnNames, Dates, Unit, Zone, hints, read_columns
from cvxtoken.errors import ProblemError
from cvxtoken.following.feed import Arrival, Parser, paced, piped, tail
from cvxtoken.following.follower import Change
from cvxtoken.following.watch import watch


def watch_command(
    workload: Annotated[
        str, typer.Argument(metavar="WORKLOAD", help="A built-in workload's name, or a .toml or .json file.")
    ],
    log: Annotated[
        str,
        typer.Argument(metavar="LOG", help="A file that grows, or - for standard input: CSV or JSON lines."),
    ] = "-",
    half_life: Annotated[
        float | None, typer.Option(help="Seconds in which an arrival loses half its weight (300).")
    ] = None,
    window: Annotated[
        float | None, typer.Option(help="Seconds in which arrivals count alike, in place of weights.")
    ] = None,
    every: Annotated[
        float | None, typer.Option(help="Seconds between looks; a twentieth of the above without it.")
    ] = None,
    least_gain: Annotated[
        float, typer.Option(help="Move only for a gain of this share of the mean system time.")
    ] = 0.01,
    level: Annotated[
        float, typer.Option(help="Share of the looks in which noise alone may move the budgets.")
    ] = 1e-3,
    replay: Annotated[
        float | None,
        typer.Option(help="Play the log so many times faster, and end with it; inf does not wait."),
    ] = None,
    column: ColumnNames = None,
    unit: Unit = None,
    dates: Dates = None,
    zone: Zone = None,
    accuracy_weight: AccuracyWeight = None,
    max_tokens: MaxTokens = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Follow a live log: print new budgets whenever they are worth it."""
    if replay is not None and not replay > 0:
        raise ProblemError(f"replay is {replay}; it must be positive")
    problem = read_workload(workload, None, accuracy_weight, max_tokens)
    parser = Parser(read_columns(column), hints(unit, dates=dates, zone=zone), _warn)
    lines = piped(sys.stdin.fileno()) if log == "-" else tail(log, follow=replay is None)
    batches: Iterator[list[Arrival]] = (parser.take(batch) for batch in lines)
    if replay is not None:
        batches = paced(batches, replay)
    changes = watch(
        problem,
        _until_interrupted(batches),
        _warn,
        half_life=half_life,
        window=window,
        every=every,
        least_gain=least_gain,
        level=level,
    )
    show = _json if as_json else _text
    try:
        for change in changes:
            print(show(problem, change, parser.dated), flush=True)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the budgets printed last are those in force") from None


def _until_interrupted(batches: Iterator[list[Arrival]]) -> Iterator[list[Arrival]]:
    """The batches, until Ctrl-C, also where a library's callback swallowed the exception that it raises."""
    seen: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        for batch in batches:
            if seen:
                raise KeyboardInterrupt
            yield batch
    finally:
        signal.signal(signal.SIGINT, before)


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr, flush=True)


def _moment(seconds: float, dated: bool) -> str:
    if not dated:
        return f"{seconds:.6g} s"
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _budgets(workload: Workload, change: Change) -> dict[str, int]:
    """Whole tokens, the nearest that the limits allow."""
    columns = zip(workload.names, change.budgets.tokens, workload.max_tokens, strict=True)
    return {name: int(min(round(l), top)) for name, l, top in columns}


def _text(workload: Workload, change: Change, dated: bool) -> str:
    told = ", ".join(f"{name} {tokens}" for name, tokens in _budgets(workload, change).items())
    found = change.budgets
    state = f"E[T] {found.mean_system_time:.3g} s, load {found.utilization:.2f}"
    if not found.stable:
        state = "overloaded even without thinking"
    elif isfinite(change.gain):
        state += f", gains {change.gain:.2g} s +- {change.gain_error:.1g}"
    elif change.gain == float("inf"):
        state += "; the budgets before were unstable"
    return f"{_moment(change.time, dated)}  {change.estimate.arrival_rate:.4g} /s  {told}  ({state})"


def _json(workload: Workload, change: Change, dated: bool) -> str:
    found = change.budgets
    values: dict[str, Any] = {
        "time": _moment(change.time, True) if dated else change.time,
        "arrival_rate": change.estimate.arrival_rate,
        "prior": dict(zip(workload.names, change.estimate.prior.tolist(), strict=True)),
        "budgets": _budgets(workload, change),
        "stable": found.stable,
        "mean_system_time": _finite(found.mean_system_time),
        "utilization": found.utilization,
        "gain": _finite(change.gain),
        "gain_error": _finite(change.gain_error),
    }
    return json.dumps(values, allow_nan=False)


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
