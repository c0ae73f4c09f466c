"""Commands about files and built-in data: verify a proof, list workloads."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cvxtoken import verifier

_SAMPLES = 10  # of many bounds, that are proven in decimals too


def verify(
    file: Annotated[
        Path,
        typer.Argument(
            help="A proof: of tokens of any kind, a schedule, a cone program; .npz or a folder: of many."
        ),
    ],
) -> None:
    """Check a certificate file; print what it proves, or why it is refused."""
    try:
        if file.suffix == ".npz" or file.is_dir():
            from cvxtoken.verifier import many

            print(many.check(str(file), _SAMPLES))
        else:
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
