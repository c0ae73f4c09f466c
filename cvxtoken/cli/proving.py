"""The command that proves the optimum of any cone program: a function's CVXPY problems, or a CBF file."""

from __future__ import annotations

import gzip
import importlib
import json
import re
import sys
import time
import zlib
from contextlib import redirect_stdout
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cvxtoken.cli.options import AsJson, progress_bar
from cvxtoken.errors import CertificateError, ProblemError
from cvxtoken.files import check_writable
from cvxtoken.tables import table

if TYPE_CHECKING:
    from cvxtoken.conic.certificate import ConicCertificate

_MEANS = "so far may rounding the data to doubles have moved it (first order, an estimate)"
_SHOWN = 20  # digits of a bound in a table
_CBF = (".cbf", ".cbf.gz")


@dataclass(frozen=True)
class Found:
    """What came out of one problem: a certificate, or the error and its exit status."""

    certificate: ConicCertificate | None
    seconds: float
    error: str = ""
    status: int = 0


def certify_problem_command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="module:function, path/to/file.py:function, or a .cbf or .cbf.gz file."
        ),
    ],
    digits: Annotated[int, typer.Option(help="The gap asked for is 10^-digits of the value.")] = 30,
    out: Annotated[
        Path | None, typer.Option(help="Write the proof to this file; of several problems to this folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prove the optimum of any problem of these cones, or that it has none; of a function or a CBF file."""
    problems, several = _read(source)
    if out is not None:
        _prepare(out, several)
    found = {}
    with progress_bar() as progress:
        task = progress.add_task(source, total=len(problems))
        for name, problem in problems.items():
            found[name] = _certified(problem, digits)
            progress.advance(task)
    if out is not None:
        _save(found, out, several)
    if as_json:
        records = {name: _record(one) for name, one in found.items()}
        print(json.dumps({"problems": records} if several else next(iter(records.values())), indent=2))
    elif several:
        _print_table(found)
    else:
        _print(next(iter(found.values())))
    statuses = {one.status for one in found.values()}
    if statuses != {0}:
        raise typer.Exit(2 if 2 in statuses else 3)


def _read(source: str) -> tuple[dict[str, Any], bool]:
    """What is to be certified, by name, and whether it may be several."""
    if source.endswith(_CBF):
        from cvxtoken.conic.reading import read_cbf

        try:
            return {source: read_cbf(_text(Path(source)))}, False
        except ProblemError as error:
            raise ProblemError(f"{source}: {error}") from error
    if ":" not in source:
        raise ProblemError(
            f"{source!r} is no problem; give module:function, path/to/file.py:function, or a .cbf file"
        )
    return _returned(source)


def _text(path: Path) -> str:
    """The text of a file, which may be compressed."""
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    except (OSError, EOFError, zlib.error) as error:
        raise ProblemError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    except UnicodeDecodeError as error:
        raise ProblemError(f"not UTF-8 text: {error.reason} at byte {error.start}") from error


def _returned(source: str) -> tuple[dict[str, Any], bool]:
    """The problems that a function returns (ProblemError: there is none, it fails, or returns others)."""
    from cvxtoken.conic.named import is_problem, named_problems
    from cvxtoken.suite.imports import as_module

    module, _, name = source.rpartition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")  # for a module in the current folder
    try:
        with redirect_stdout(sys.stderr):  # standard output is for the result
            function = getattr(importlib.import_module(as_module(module)), name)
    except Exception as error:  # a module may raise anything when it is imported
        raise ProblemError(f"{source!r} is no function that can be imported: {error}") from error
    if not callable(function):
        raise ProblemError(f"{source!r} is a {type(function).__name__}; it must be a function")
    try:
        with redirect_stdout(sys.stderr):
            found = function()
    except Exception as error:  # and so may a function
        raise ProblemError(f"{source} raised {type(error).__name__}: {error}") from error
    if is_problem(found):
        return {source: found}, False
    try:
        return named_problems(found, "the result"), True
    except ProblemError as error:
        raise ProblemError(f"{source}: {error}") from error


def _certified(problem: Any, digits: int) -> Found:
    from cvxtoken.conic.certify import certify_cone
    from cvxtoken.conic.problems import certify_problem
    from cvxtoken.conic.program import ConeProgram

    prove = certify_cone if isinstance(problem, ConeProgram) else certify_problem
    started = time.perf_counter()
    try:
        found = prove(problem, digits)
    except (ProblemError, CertificateError) as error:
        status = 3 if isinstance(error, CertificateError) else 2
        return Found(None, time.perf_counter() - started, str(error), status)
    return Found(found, time.perf_counter() - started, status=0 if found.is_whole else 3)


def _prepare(out: Path, several: bool) -> None:
    """Refuse what cannot be written before any work."""
    if not several:
        check_writable(out)
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProblemError(f"{out}: is no folder to write to: {error.strerror}") from error


def _save(found: dict[str, Found], out: Path, several: bool) -> None:
    """Write every proof that there is; the names of several are made file names, with numbers."""
    for place, (name, one) in enumerate(found.items()):
        if one.certificate is not None:
            file = f"{place}-{re.sub(r'[^A-Za-z0-9_.-]', '_', name)}.json"
            one.certificate.save(out / file if several else out)


def _bounds(certificate: ConicCertificate) -> tuple[str, str]:
    """The bounds to the digits that are proven: rounded outward to the place of their width's first digit."""
    lower, upper, width = certificate.lower, certificate.upper, certificate.width
    if lower is None or upper is None or not width:
        return "not proven" if lower is None else str(lower), "not proven" if upper is None else str(upper)
    place = Decimal(1).scaleb(width.adjusted())
    wide = Context(
        max(len(bound.as_tuple().digits) + abs(bound.adjusted()) for bound in (lower, upper)) + 400
    )
    found = lower.quantize(place, ROUND_FLOOR, wide), upper.quantize(place, ROUND_CEILING, wide)
    return str(found[0]), str(found[1])


def _print(one: Found) -> None:
    if one.certificate is None:
        print(f"error: {one.error}", file=sys.stderr)
        return
    c = one.certificate
    print(f"claim        {c.claim}")
    if c.claim == "enclosed":
        lower, upper = _bounds(c)
        print(f"lower        {lower}\nupper        {upper}")
        if c.width is not None:
            print(f"width        {c.width:.1E}")
    if c.data_radius is not None:
        print(f"data radius  {c.data_radius:.1e}: {_MEANS}")
    for note in dict.fromkeys(c.notes):
        print(f"note         {note}")
    print(f"seconds      {one.seconds:.2f}")


def _print_table(found: dict[str, Found]) -> None:
    near = [Context(_SHOWN, rounding) for rounding in (ROUND_FLOOR, ROUND_CEILING)]
    rows = []
    for name, one in found.items():
        row = [name, "not proven", "-", "-", "-", "-"]
        if (c := one.certificate) is not None:
            bounds = zip((c.lower, c.upper), near, strict=True)
            lower, upper = ("-" if x is None else str(context.plus(x)) for x, context in bounds)
            width = "-" if c.width is None else f"{c.width:.1E}"
            row = [
                name,
                c.claim,
                lower,
                upper,
                width,
                "-" if c.data_radius is None else f"{c.data_radius:.1e}",
            ]
        rows.append([*row, f"{one.seconds:.2f}"])
    print(
        table(["problem", "claim", "lower", "upper", "width", "data radius", "seconds"], rows, left=["claim"])
    )
    for name, one in found.items():
        for note in dict.fromkeys(one.certificate.notes) if one.certificate else ():
            print(f"note: {name}: {note}")
        if one.error:
            print(f"error: {name}: {one.error}", file=sys.stderr)


def _record(one: Found) -> dict[str, Any]:
    if one.certificate is None:
        return {"claim": None, "error": one.error, "seconds": one.seconds}
    c = one.certificate
    bounds = {"lower": c.lower, "upper": c.upper, "width": c.width}
    return {
        "claim": c.claim,
        **{name: None if x is None else str(x) for name, x in bounds.items()},
        "data_radius": c.data_radius,
        "notes": list(c.notes),
        "proven": c.check(),
        "seconds": one.seconds,
    }
