"""Certificates of problems, made once: kept by the digest of what is proven, in memory and in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cvxtoken.conic.certificate import ConicCertificate
from cvxtoken.conic.digest import digest
from cvxtoken.errors import CertificateError, ProblemError

if TYPE_CHECKING:
    import cvxpy

_MEMORY: dict[str, ConicCertificate] = {}


def kept_certificate(problem: cvxpy.Problem, folder: str | Path | None = None) -> ConicCertificate:
    """The certificate of a CVXPY problem, made where none is kept of the same program.

    What is kept is not believed: the checker takes it anew each time, and its program must have the digest of
    the problem as CVXPY compiles it now. A file that does not prove that is made again.

    Args:
        problem: see `certify_problem`.
        folder: also keep it there, in a file named by the digest; made where it is missing.

    Raises:
        ProblemError: see `certify_problem`; or the folder cannot be written.
        CertificateError: nothing could be proven.
        MissingExtraError: there is none, and python-flint is not installed.
    """
    from cvxtoken.conic.problems import certify_stated, is_geometric, noted, stated

    program, geometric = stated(problem), is_geometric(problem)
    key = digest(program) + ("-exponential" if geometric else "")
    file = None if folder is None else made_folder(folder) / f"{key}.json"
    found = _MEMORY.get(key)
    if found is not None:
        found.check()
    elif file is not None and (read := _read(file, key)) is not None:
        found = noted(read, problem)
    else:
        found = certify_stated(problem, program)
        if file is not None:
            found.save(file)
    if file is not None and not file.exists():
        found.save(file)
    _MEMORY[key] = found
    return found


def made_folder(folder: str | Path) -> Path:
    """The folder, made where it is missing (ProblemError: it cannot be)."""
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProblemError(f"{path}: is no folder to keep certificates in: {error.strerror}") from error
    return path


def _read(file: Path, key: str) -> ConicCertificate | None:
    """The certificate in a file, if it proves something of the program with this key."""
    try:
        found = ConicCertificate.load(file)
    except CertificateError:
        return None
    own = digest(found.program) + ("-exponential" if found.exponential else "")
    return found if own == key else None
