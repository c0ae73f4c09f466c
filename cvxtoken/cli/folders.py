"""Commands about the library as files: write all its cone programs, score a file of answers."""

from __future__ import annotations

import json
import sys
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cvxtoken.cli.allocation import Form
from cvxtoken.cli.options import AsJson, progress_bar
from cvxtoken.library import exported

library = typer.Typer(add_completion=False, no_args_is_help=True)


class Format(StrEnum):
    """What `library export` writes."""

    CBF = exported.CBF
    CLARABEL = exported.CLARABEL
    MPS = exported.MPS
    NPZ = exported.NPZ
    NL = exported.NL


@library.callback()
def _library() -> None:
    """Write the library's cone programs for any program, and score its answers."""


@library.command("export")
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made where it is missing.")],
    family: Annotated[
        list[str] | None, typer.Option(help="A family or pattern of ids; may be repeated.")
    ] = None,
    file_format: Annotated[Format, typer.Option("--format", help="Of the cone programs.")] = Format.CBF,
    form: Annotated[
        Form, typer.Option(help="Raw tokens, or the presolved variables x = b l.")
    ] = Form.PRESOLVED,
) -> None:
    """Write every instance's cone program, and index.json, which says what is true of it."""
    from cvxtoken.library import instances

    chosen = instances([f"{name}*" for name in family] if family else "*")
    with progress_bar() as progress:
        task = progress.add_task("exporting", total=len(chosen))
        index = exported.export(
            folder, chosen, file_format.value, form.value, lambda _: progress.advance(task)
        )
    print(f"{len(index['instances'])} instances, {file_format.value}: {folder / exported.INDEX}")
    for reason, count in Counter(index.get("left_out", {}).values()).items():
        print(f"{count} left out: {reason}", file=sys.stderr)


@library.command("score")
def score(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `library export` has written.")],
    answers: Annotated[
        Path, typer.Argument(help="JSON lines, or .csv: id, status, objective, x, z, ray, seconds.")
    ],
    as_json: AsJson = False,
) -> None:
    """Score a file of answers by true errors; exit status 1 where one is wrong, missing or unreadable."""
    from cvxtoken.suite import marking

    marks, faults = marking.mark_folder(folder, answers)
    marking.check_entries(marks)
    for fault in faults:
        print(f"{answers}: {fault}", file=sys.stderr)
    if as_json:
        document = {"marks": marking.to_records(marks), "faults": faults}
        print(json.dumps(document, indent=2, allow_nan=False))
    else:
        print(marking.marks_table(marks))
        for m in marks:
            if m.verdict in (marking.WRONG, marking.GAVE_UP):
                print(f"{m.verdict}: {m.instance}: {m.reason}")
    if faults or any(m.verdict == marking.WRONG for m in marks):
        raise typer.Exit(1)
