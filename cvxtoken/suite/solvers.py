"""Solvers by name: CVXPY's own, or a function in a module of the user's."""

from __future__ import annotations

import hashlib
import importlib
import sys
import warnings
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from cvxtoken.conic.program import EXPONENTIAL, NONNEGATIVE, SECOND_ORDER
from cvxtoken.errors import ProblemError, SolverError
from cvxtoken.files import nearest
from cvxtoken.suite import imports
from cvxtoken.suite.answer import FORMS, PRESOLVED, RAW, Subject, subject

_INSTALL = {
    "CLARABEL": "pip install clarabel",
    "SCS": "pip install scs",
    "ECOS": "pip install ecos (GPL)",
    "MOREAU": "pip install moreau (proprietary)",
    "MOSEK": "pip install mosek, and a licence",
    "COPT": "pip install coptpy, and a licence",
}
_PACKAGES = {"COPT": "coptpy", "HIGHS": "highspy", "SCIP": "pyscipopt"}


@dataclass(frozen=True)
class NamedSolver:
    """A solver found by name.

    Attributes:
        name: as given.
        version: of its package; empty where it is not known.
        digest: of the file that holds the function.
        subjects: what to test, by form; a function that takes workloads has the single form 'workload'.
    """

    name: str
    version: str
    subjects: dict[str, Subject]
    digest: str = ""

    @property
    def identity(self) -> str:
        """A text that differs between solvers, and between states of one solver."""
        return " ".join(part for part in (self.name, self.version, self.digest) if part)


def find_solver(name: str, kind: str | None = None, form: str | None = None) -> NamedSolver:
    """A CVXPY solver, 'module:function', or 'path/to/file.py:function'.

    Args:
        name: of it.
        kind: what a function takes, where it does not tell.
        form: to be asked in; None: presolved and raw.

    Raises:
        SolverError: it is not installed, cannot take such programs, or is no such function.
        ProblemError: what the function takes cannot be found out, or it is not asked in that form.
    """
    if ":" in name:
        return _function(name, kind, form)
    import cvxpy as cp

    name = name.upper()
    conic = _conic()
    installed = [solver for solver in cp.installed_solvers() if solver in conic]
    if name not in installed:
        how = "; ".join(
            f"{solver}: {command}" for solver, command in _INSTALL.items() if solver not in installed
        )
        hint = "" if name in _INSTALL else nearest(name, [*installed, *_INSTALL])
        raise SolverError(
            f"solver {name!r} is not installed or takes no cones{hint}; installed: "
            f"{', '.join(installed)}; others: {how}; or name a function of yours as module:function"
        )

    def solve(problem: cp.Problem) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a solver says of its accuracy is in the status
            problem.solve(solver=name)

    try:
        version = metadata.version(_PACKAGES.get(name, name.lower()))
    except metadata.PackageNotFoundError:
        version = ""
    asked = _subjects(solve, "problem", form)
    return NamedSolver(name, version, {f: replace(s, takes=conic[name]) for f, s in asked.items()})


def _subjects(function: Callable[..., Any], kind: str, form: str | None) -> dict[str, Subject]:
    """What to test, by form (ProblemError: the function is not asked in that form)."""
    known = {"workload": ("workload",), "problem": FORMS}.get(kind, (PRESOLVED, RAW))
    if form is not None and form not in known:
        raise ProblemError(f"form is {form!r}; for this solver it must be {' or '.join(known)}")
    wanted = known if kind == "workload" else (PRESOLVED, RAW)
    return {
        f: subject(function, kind, PRESOLVED if f == "workload" else f) for f in ((form,) if form else wanted)
    }


def _conic() -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """The cones that CVXPY's conic solvers take without integers and with them, by name."""
    from cvxpy.constraints import SOC, ExpCone, NonNeg
    from cvxpy.reductions.solvers.defines import SOLVER_MAP_CONIC

    def kinds(constraints: Iterable[Any]) -> frozenset[str]:
        names = {NonNeg: NONNEGATIVE, SOC: SECOND_ORDER, ExpCone: EXPONENTIAL}
        return frozenset(names[kind] for kind in constraints if kind in names)

    return {
        name: (
            kinds(solver.SUPPORTED_CONSTRAINTS),
            kinds(getattr(solver, "MI_SUPPORTED_CONSTRAINTS", ())) if solver.MIP_CAPABLE else frozenset(),
        )
        for name, solver in SOLVER_MAP_CONIC.items()
    }


def _function(name: str, kind: str | None, form: str | None) -> NamedSolver:
    module, _, attribute = name.rpartition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")  # for a module in the current folder, and what it imports later
    try:
        module = imports.as_module(module)
        with redirect_stdout(sys.stderr):  # standard output is for the result
            function = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # a module may raise anything when it is imported
        raise SolverError(f"{name!r} is not a function that can be imported: {error}") from error
    found = subject(function, kind)
    version = getattr(sys.modules[module.partition(".")[0]], "__version__", "")
    file = getattr(sys.modules[module], "__file__", None)
    digest = hashlib.sha256(Path(file).read_bytes()).hexdigest()[:12] if file else ""
    return NamedSolver(name, str(version), _subjects(function, found.kind, form), digest)
