"""Commands about files and the library: verify a proof, list workloads, score a solver."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from cvxtoken import verifier
from cvxtoken.cli.options import AsJson, progress_bar, writable
from cvxtoken.errors import ProblemError
from cvxtoken.files import write_text
from cvxtoken.picture import require_matplotlib


def verify(
    file: Annotated[
        Path, typer.Argument(help="A proof: of tokens (whole, lagged, pooled, robust), a schedule.")
    ],
) -> None:
    """Check a certificate file; print what it proves, or why it is refused."""
    try:
        print(verifier.check(verifier.read(str(file))))
    except verifier.Refused as refusal:
        print(f"refused: {refusal}", file=sys.stderr)
        raise typer.Exit(1) from refusal


def workloads() -> None:
    """List the built-in workloads with their sources."""
    from cvxtoken import library

    for name in library.workloads():
        workload = library.load(name)
        print(f"{name}: {', '.join(workload.names)}\n    source: {workload.source}")


def _report(value: Path | None) -> Path | None:
    """Callback of an option: a report's file, refused before any work (ProblemError, MissingExtraError)."""
    if value is not None:
        require_matplotlib("an HTML report")
    return writable(value)


def check(
    solver: Annotated[str, typer.Argument(help="An installed CVXPY solver, or module:function.")],
    family: Annotated[
        list[str] | None, typer.Option(help="A family or pattern of ids; may be repeated.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="A family or pattern to leave out; may be repeated.")
    ] = None,
    time_limit: Annotated[float, typer.Option(help="Seconds for one call.")] = 60.0,
    progress_file: Annotated[
        Path | None,
        typer.Option(
            "--progress", callback=writable, help="Scores so far; an interrupted run goes on from there."
        ),
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="What a function takes: workload, problem or cones.")
    ] = None,
    as_json: AsJson = False,
    html: Annotated[
        Path | None, typer.Option(callback=_report, help="Write a report with plots to this file.")
    ] = None,
) -> None:
    """Score a solver by its true errors over the instance library."""
    from cvxtoken import library
    from cvxtoken.suite import page, scoreboard, solvers

    found = solvers.find_solver(solver, kind)
    wanted = library.instances([f"{name}*" for name in family] if family else "*")
    unwanted = {i.id for i in library.instances([f"{name}*" for name in exclude])} if exclude else set()
    chosen = [instance for instance in wanted if instance.id not in unwanted]
    left_out = [instance for instance in wanted if instance.id in unwanted]
    if not chosen:
        raise ProblemError("exclude leaves no instance to score the solver on")
    kept = progress_file or scoreboard.default_progress(found.identity)
    with progress_bar() as progress:
        task = progress.add_task(found.name, total=len(chosen) * len(found.subjects))
        scores = scoreboard.run(
            found.subjects, chosen, time_limit, kept, found.identity, lambda _: progress.advance(task)
        )
    if html is not None:
        write_text(html, page.page(found.name, found.version, scores, left_out))
    if progress_file is None:
        kept.unlink(missing_ok=True)
    if as_json:
        document = scoreboard.to_document(found.name, found.version, scores, left_out)
        print(json.dumps(document, indent=2, allow_nan=False))
    else:
        print(f"{found.name} {found.version}\n\n{scoreboard.scoreboard(scores, left_out)}")
