"""The command that writes a certificate as a theorem of Coq."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cvxtoken import verifier
from cvxtoken.cli.options import writable
from cvxtoken.errors import CertificateError, ProblemError
from cvxtoken.files import write_text
from cvxtoken.formal import export, require_same


def formal(
    certificate: Annotated[
        Path, typer.Argument(help="A proof of tokens (whole, lagged, robust) or of a schedule by volume.")
    ],
    out: Annotated[Path | None, typer.Option(callback=writable, help="Write the Coq file here.")] = None,
    check: Annotated[
        Path | None, typer.Option(help="A Coq file; refuse it if it is not this certificate's export.")
    ] = None,
    radii: Annotated[
        bool, typer.Option("--radii", help="Prove too that the optimum is within the stated radii.")
    ] = False,
) -> None:
    """Write a certificate as a theorem that Coq checks, or compare such a file with its certificate."""
    if (out is None) == (check is None):
        raise ProblemError("formal needs one of --out and --check: a file to write, or one to compare")
    try:
        document = verifier.read(str(certificate))
        if out is not None:
            write_text(out, export(document, radii))
            print(f"written: {out}; coqc -R formal formal {out} checks it")
        if check is not None:
            require_same(_read(check), document)
            print(f"the same: {check} is the export of {certificate}")
    except (verifier.Refused, CertificateError) as refusal:
        print(f"refused: {refusal}", file=sys.stderr)
        raise typer.Exit(1) from refusal


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProblemError(f"{path}: cannot be read as text: {error}") from error
