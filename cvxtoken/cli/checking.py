"""The command that scores a solver: for people, and for a build that must fail where the solver does."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cvxtoken.cli.options import AsJson, progress_bar, writable
from cvxtoken.errors import ProblemError
from cvxtoken.files import write_text
from cvxtoken.picture import require_matplotlib

if TYPE_CHECKING:
    from cvxtoken.library import Instance
    from cvxtoken.suite.compare import Change
    from cvxtoken.suite.scoreboard import Score
    from cvxtoken.suite.solvers import NamedSolver
    from cvxtoken.suite.verdict import Verdict

_TOLD = 10  # reasons that are printed; CI logs are read by people
_INTERRUPTED = 130  # the exit status of what Ctrl-C has ended


class FailOn(StrEnum):
    """What makes the exit status 1."""

    WRONG = "wrong"
    FAILED = "failed"
    ANY = "any"


@dataclass(frozen=True)
class Run:
    """What `check` has found out.

    Attributes:
        solver: what was asked.
        chosen, left_out: instances.
        scores: those made before the end or the interruption.
        kept: the file that holds them.
        complete: whether nothing interrupted it.
        unsupported: by family, why instances could not be asked, and how many.
    """

    solver: NamedSolver
    chosen: list[Instance]
    left_out: list[Instance]
    scores: list[Score]
    kept: Path
    complete: bool
    unsupported: dict[str, dict[str, int]]


def _report(value: Path | None) -> Path | None:
    """Callback of an option: a report's file, refused before any work (ProblemError, MissingExtraError)."""
    if value is not None:
        require_matplotlib("an HTML report")
    return writable(value)


def check(
    solver: Annotated[
        str, typer.Argument(help="An installed CVXPY solver, module:function, or path/to/file.py:function.")
    ],
    family: Annotated[
        list[str] | None, typer.Option(help="A family or pattern of ids; may be repeated.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="A family or pattern to leave out; may be repeated.")
    ] = None,
    added_before: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION", help="Leave out what came with this version or later, such as 0.2.0."
        ),
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
    form: Annotated[
        str | None, typer.Option(help="Presolved, raw or, of problems, parametric; without it the first two.")
    ] = None,
    as_json: AsJson = False,
    html: Annotated[
        Path | None, typer.Option(callback=_report, help="Write a report with plots to this file.")
    ] = None,
    junit_file: Annotated[
        Path | None, typer.Option("--junit", callback=writable, help="Write JUnit XML to this file.")
    ] = None,
    fail_on: Annotated[
        FailOn, typer.Option(help="Exit status 1 for false claims, for what is not solved, or for both.")
    ] = FailOn.ANY,
    compare_with: Annotated[
        Path | None,
        typer.Option("--compare", help="What --json printed before; only what became worse counts."),
    ] = None,
) -> None:
    """Score a solver by its true errors over the instance library; exit status 1 where it fails."""
    from cvxtoken.suite import compare, solvers, verdict

    old = None if compare_with is None else compare.read_verdicts(compare_with)
    if not time_limit > 0:
        raise ProblemError(f"time_limit is {time_limit:g} s; it must be positive")
    found = solvers.find_solver(solver, kind, form)
    chosen, left_out = _instances(family, exclude, added_before)
    run = _scored(found, chosen, left_out, time_limit, progress_file)
    verdicts = [verdict.verdict(score) for score in run.scores]
    failing = verdict.failing(verdicts, fail_on.value)
    worse = None
    if old is not None:
        asked = {(form, instance.id) for form in found.subjects for instance in chosen}
        worse = compare.worse(old, verdicts, asked if run.complete else set())
    _write(run, verdicts, worse, as_json, html, junit_file)
    if not run.complete:
        _tell_interruption(run)
        raise typer.Exit(_INTERRUPTED)
    if progress_file is None:
        run.kept.unlink(missing_ok=True)
    if not run.scores:
        print("nothing was scored: the solver could not be asked about any instance", file=sys.stderr)
        raise typer.Exit(1)
    kinds = {FailOn.WRONG: [compare.NOW_WRONG], FailOn.FAILED: [compare.LOST]}
    counted = kinds.get(fail_on, [compare.NOW_WRONG, compare.LOST])
    if failing if worse is None else [change for change in worse if change.kind in counted]:
        raise typer.Exit(1)


def _instances(
    family: list[str] | None, exclude: list[str] | None, added_before: str | None
) -> tuple[list[Instance], list[Instance]]:
    """Those to ask, and those that were left out (ProblemError where nothing is left, or of no version)."""
    from cvxtoken import library
    from cvxtoken.suite.run import is_before

    wanted = library.instances([f"{name}*" for name in family] if family else "*")
    unwanted = {i.id for i in library.instances([f"{name}*" for name in exclude])} if exclude else set()
    named = [instance for instance in wanted if instance.id not in unwanted]
    if not named:
        raise ProblemError("exclude leaves no instance to score the solver on")
    chosen = [instance for instance in named if is_before(instance.since, added_before)]
    if not chosen:
        raise ProblemError(
            f"added_before leaves no instance: all {len(named)} came with {added_before} or later"
        )
    asked = {instance.id for instance in chosen}
    return chosen, [instance for instance in wanted if instance.id not in asked]


def _scored(
    found: NamedSolver,
    chosen: list[Instance],
    left_out: list[Instance],
    time_limit: float,
    progress_file: Path | None,
) -> Run:
    """Ask; Ctrl-C ends the asking and leaves what is known."""
    from cvxtoken.suite import scoreboard, unsupported

    kept = progress_file or scoreboard.default_progress(found.identity)
    scores: list[Score] = []
    complete = False
    with progress_bar() as progress:
        task = progress.add_task(found.name, total=len(chosen) * len(found.subjects))

        def on_score(score: Score) -> None:
            scores.append(score)
            progress.advance(task)

        before = _lines(kept)
        if before:
            print(f"goes on from an interrupted run: {kept} holds {before} scores", file=sys.stderr)
        try:
            scoreboard.run(found.subjects, chosen, time_limit, kept, found.identity, on_score)
            complete = True
        except KeyboardInterrupt:
            pass  # what is known is reported, and said not to be all
    unasked = unsupported.unsupported(found.subjects, chosen)
    return Run(found, chosen, left_out, scores, kept, complete, unasked)


def _lines(kept: Path) -> int:
    """How many scores a progress file holds; what is not readable is for `scoreboard.run` to refuse."""
    try:
        return max(0, kept.read_bytes().count(b"\n") - 1)
    except OSError:
        return 0


def _write(
    run: Run,
    verdicts: list[Verdict],
    worse: list[Change] | None,
    as_json: bool,
    html: Path | None,
    junit_file: Path | None,
) -> None:
    """Every report that was asked for."""
    from cvxtoken.suite import junit, page, scoreboard, unsupported, verdict

    solver = run.solver
    if html is not None:
        write_text(html, page.page(solver.name, solver.version, run.scores, run.left_out))
    if junit_file is not None:
        write_text(junit_file, junit.junit(f"{solver.name} {solver.version}".strip(), verdicts))
    if as_json:
        document = scoreboard.to_document(solver.name, solver.version, run.scores, run.left_out)
        document |= {"complete": run.complete, "outcomes": verdict.to_records(verdicts)}
        document["unsupported"] = run.unsupported
        if worse is not None:
            document["worse"] = [dict(vars(change)) for change in worse]
        print(json.dumps(document, indent=2, allow_nan=False))
        return
    board = scoreboard.scoreboard(run.scores, run.left_out)
    unasked = unsupported.told(run.unsupported)
    print("\n\n".join(filter(None, [f"{solver.name} {solver.version}", board, unasked])))
    told = [v for v in verdicts if v.reason]
    if told:
        print("\n" + "\n".join(f"{v.verdict}: {v.form} {v.instance}: {v.reason}" for v in told[:_TOLD]))
    if len(told) > _TOLD:
        print(f"and {len(told) - _TOLD} others; --json has them all")
    if worse is not None:
        print("\n" + ("\n".join(map(str, worse)) or "nothing became worse"))


def _tell_interruption(run: Run) -> None:
    total = len(run.chosen) * len(run.solver.subjects)
    print(
        f"interrupted: {len(run.scores)} of up to {total} scores are made, and kept in {run.kept}; "
        "the same command goes on from there",
        file=sys.stderr,
    )
