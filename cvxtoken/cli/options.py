"""What commands share: common options, and how a workload is named."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cvxtoken import picture
from cvxtoken.errors import ProblemError
from cvxtoken.files import check_writable, read_document

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

    from cvxtoken.allocation.problem import Workload
    from cvxtoken.delay import Server


def writable(value: Path | None) -> Path | None:
    """Callback of an option: a file that cannot be written is refused before any work (ProblemError)."""
    if value is not None:
        check_writable(value)
    return value


def drawable(value: Path | None) -> Path | None:
    """Callback of an option: the same for the file of a picture (ProblemError, MissingExtraError)."""
    if value is not None:
        picture.check_path(value)
    return value


def progress_bar(*columns: ProgressColumn) -> Progress:
    """A progress bar on stderr, removed when done; nothing where stderr is no terminal."""
    from rich.console import Console
    from rich.progress import Progress

    # a disabled bar still prints an empty line before rich 14.3: the console is silenced as well
    silent = not sys.stderr.isatty()
    return Progress(*columns, console=Console(stderr=True, quiet=silent), transient=True, disable=silent)


@contextmanager
def counted(label: str, things: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar that counts what is done of what there is; Ctrl-C says how much of it is kept."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    with progress_bar(
        TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    ) as progress:
        task = progress.add_task(label)
        kept = "0"

        def on_progress(done: int, total: int) -> None:
            nonlocal kept
            kept = f"{done} of {total}"
            progress.update(task, completed=done, total=total)

        try:
            yield on_progress
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"{kept} {things} are kept; the same command goes on from there"
            ) from None


WorkloadName = Annotated[
    str, typer.Argument(metavar="[WORKLOAD]", help="A built-in workload's name, or a .toml or .json file.")
]
ArrivalRate = Annotated[float | None, typer.Option(help="Queries per second, in place of the workload's.")]
AccuracyWeight = Annotated[float | None, typer.Option(help="Seconds that full accuracy is worth.")]
MaxTokens = Annotated[float | None, typer.Option(help="Largest budget of every type, in tokens.")]
Solver = Annotated[str, typer.Option(help="Any installed CVXPY solver that takes exponential cones.")]
CertificateFile = Annotated[
    Path | None, typer.Option(callback=writable, help="Write the proof to this file.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Objective = Annotated[str, typer.Option(help="trade-off, or accuracy: the best there is under targets.")]
MaxSystemTime = Annotated[float | None, typer.Option(help="Target: mean system time, at most, in s.")]
MaxWait = Annotated[float | None, typer.Option(help="Target: mean wait, at most, in s.")]
MaxUtilization = Annotated[float | None, typer.Option(help="Target: utilization, at most.")]
MaxMeanTokens = Annotated[
    float | None, typer.Option(help="Target: mean thinking tokens of a query, at most.")
]
MinAccuracy = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=SHARE", help="Target: accuracy of a type, at least; may be repeated."),
]


ServerFile = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="A .toml or .json file with a [server] table, as of fit-server."),
]


def read_server_file(path: str) -> Server:
    """The server in the `[server]` table of a file, which may be a whole workload's (ProblemError)."""
    from cvxtoken.delay import read_server

    document = read_document(path)
    if "server" not in document:
        raise ProblemError(f"{path}: there is no [server] table")
    try:
        return read_server(document["server"])
    except ProblemError as error:
        raise ProblemError(f"{path}: {error}") from error


def read_workload(
    name: str, arrival_rate: float | None, accuracy_weight: float | None, max_tokens: float | None
) -> Workload:
    """A built-in workload or a file, with the options' values in place of its own."""
    from cvxtoken import library
    from cvxtoken.allocation.problem import Workload

    is_file = Path(name).suffix in (".toml", ".json")
    workload = Workload.load(name) if is_file else library.load(name)
    options = {"arrival_rate": arrival_rate, "accuracy_weight": accuracy_weight, "max_tokens": max_tokens}
    return workload.replace(**{field: value for field, value in options.items() if value is not None})
