"""Answers of any program, marked by what is true: claims, objective, point, tokens and dual values.

With the optimum F* of the file's program and J* = max J of the exact instance, what is measured is

    objective   |F - F*| / (1 + |F*|) of the objective that the program reports
    tokens      (J* - J(l)) / (1 + |J*|) at the tokens l of x, by the exact model
    primal      how far b - A x is outside the cones
    dual        how far z is from A'z + q = 0 and from the dual cones, or the gap |q'x + b'z|

(all relative: see `cvxtoken.conic.residuals`). What is claimed to be optimal must have all of them right, and
a ray that comes with a claim of infeasibility must prove it (`cvxtoken.suite.rays`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cvxtoken.allocation.program.cones import cone_program
from cvxtoken.conic import residuals
from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest
from cvxtoken.library import Instance
from cvxtoken.library.exported import from_file_order, read_index
from cvxtoken.library.generate import FAMILIES
from cvxtoken.library.problems.problem import FEASIBILITY
from cvxtoken.library.shipped import read_family
from cvxtoken.suite.answers import Given, read_answers
from cvxtoken.suite.rays import not_provable, ray_fault
from cvxtoken.suite.status import FAILED, INACCURATE, INFEASIBLE, OPTIMAL, UNBOUNDED
from cvxtoken.suite.vectors import DUAL_TOLERANCE
from cvxtoken.tables import table

RIGHT, WRONG, GAVE_UP, UNREAD = "right", "wrong", "failed", "missing"


@dataclass(frozen=True)
class Mark:
    """What an answer to one instance is worth.

    Attributes:
        instance: its id.
        verdict: right; wrong (what it claims is not true); failed (it claims nothing, or little); or missing.
        reason: why it is not right: the figure and the tolerance.
        status: what is claimed: optimal, inaccurate, infeasible, unbounded or failed; empty where missing.
        objective_error, token_error, primal, dual, gap: see the module's text; None where not given.
        seconds: as told.
    """

    instance: str
    verdict: str
    reason: str = ""
    status: str = ""
    objective_error: float | None = None
    token_error: float | None = None
    primal: float | None = None
    dual: float | None = None
    gap: float | None = None
    seconds: float | None = None


def mark_folder(folder: str | Path, answers: str | Path) -> tuple[list[Mark], list[str]]:
    """The marks of an answer file in the order of the index, and a sentence on all that is amiss.

    Raises:
        ProblemError: the index or the answers cannot be read at all, or the index is of another schema.
    """
    index = read_index(folder)
    given, faults = read_answers(answers)
    entries = {entry["id"]: entry for entry in index["instances"]}
    families = [family for family in FAMILIES if any(name.startswith(f"{family}/") for name in entries)]
    known = {instance.id: instance for family in families for instance in read_family(family)}
    for name in [name for name in given if name not in entries]:
        hint = nearest(name, entries)
        faults.append(f"line {given[name].line}: {name!r} is no instance of the index{hint}")
    marks = []
    for name, entry in entries.items():
        if name not in known:
            faults.append(f"{name}: this version's library does not have it; it is not scored")
        elif known[name].problem.sha256 != entry["sha256"]:
            faults.append(f"{name}: its SHA-256 in the index is not that of this version; it is not scored")
        elif name not in given:
            marks.append(Mark(name, UNREAD, "there is no answer that could be read"))
        else:
            marks.append(mark(known[name], entry, index["format"], given[name]))
    missing = [m.instance for m in marks if m.verdict == UNREAD]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        faults.append(f"no answer to {', '.join(missing[:3])}{more}")
    return marks, faults


def mark(instance: Instance, entry: dict[str, Any], file_format: str, given: Given) -> Mark:
    """The mark of one answer to an instance as the index has it."""
    blank = Mark(instance.id, RIGHT, "", given.status, seconds=given.seconds)
    if given.status == FAILED:
        return replace(blank, verdict=GAVE_UP, reason="says itself that it failed")
    if given.status == UNBOUNDED:
        return replace(blank, verdict=WRONG, reason="claims 'unbounded'; no instance is")
    if (given.status == INFEASIBLE) == instance.feasible:
        fact = f"there is an optimum, {float(entry['objective'] or 0):.9g}" if instance.feasible else ""
        fact = fact or f"the utilisation is {float(instance.witness)!r} even without tokens"
        return replace(blank, verdict=WRONG, reason=f"claims {given.status!r}, but {fact}")
    if not instance.feasible:
        fault = _ray_fault(instance, entry, file_format, given)
        return replace(blank, verdict=WRONG, reason=fault) if fault else blank
    try:
        found, broken = _measured(blank, instance, entry, file_format, given)
    except ValueError as error:
        return replace(blank, verdict=WRONG, reason=str(error))
    reason = "; ".join(_reasons(found, float(entry["tolerance"]), broken))
    admitted = given.status == INACCURATE
    return replace(found, verdict=(GAVE_UP if admitted else WRONG) if reason else RIGHT, reason=reason)


def _measured(
    blank: Mark, instance: Instance, entry: dict[str, Any], file_format: str, given: Given
) -> tuple[Mark, str]:
    """The figures of an answer, and where it counts for nothing the rule that it breaks.

    Raises:
        ValueError: its vectors have other lengths than those of the file's program.
    """
    broken = ""
    if given.x is None and given.objective is None:
        raise ValueError(f"claims {given.status!r}, but gives neither x nor an objective")
    written = instance.problem.cones(entry["form"])
    program = written.program
    for name, value, size in (("x", given.x, len(program.q)), ("z", given.z, len(program.b))):
        if value is not None and len(value) != size:
            raise ValueError(f"{name} has {len(value)} numbers; it must have {size}")
    if given.x is not None and "columns" in entry:  # the file's order is its own
        x = np.empty(len(program.q))
        x[entry["columns"]] = given.x
        given = replace(given, x=x, z=None)
    found = blank
    if given.objective is not None:
        optimum = float(entry["objective"])
        error = abs(given.objective - optimum) / (1 + abs(optimum))
        found = replace(found, objective_error=error)
    with np.errstate(over="ignore", invalid="ignore"):  # numbers of any size may be given
        if given.x is not None:
            answer = written.read(given.x)
            finite = bool(np.isfinite(answer).all())
            error = max(0.0, instance.error(answer)) if finite else math.inf
            if not math.isfinite(error):
                told = instance.problem.broken(answer) if finite else "there is no answer in x"
                broken = told or "it is not an allocation"
            primal = residuals.primal_residual(program, given.x)
            found = replace(found, token_error=error, primal=primal)
        if given.z is not None:
            z = from_file_order(program, file_format, given.z)
            found = replace(found, dual=residuals.dual_residual(program, z))
            if given.x is not None:
                found = replace(found, gap=residuals.gap(program, given.x, z))
    return found, broken


def _ray_fault(instance: Instance, entry: dict[str, Any], file_format: str, given: Given) -> str | None:
    """Why a ray that was given does not prove infeasibility; None where it does, or none was given."""
    if given.ray is None or "columns" in entry or not_provable(instance):
        return None
    cones = cone_program(instance.workload, "raw", stable=False)
    rows = len(cones.program.b)
    if len(given.ray) != rows:
        return f"ray has {len(given.ray)} numbers; it must have {rows}"
    with np.errstate(over="ignore", invalid="ignore"):  # numbers of any size may be given
        return ray_fault(cones, from_file_order(cones.program, file_format, given.ray))


def _reasons(found: Mark, tolerance: float, broken: str) -> Iterator[str]:
    """Why figures are not good enough; a figure that is not a number is not."""
    if broken:
        yield f"the answer in x counts for nothing: {broken}"
        found = replace(found, token_error=None)
    for name, error, limit in (
        ("the objective is off by", found.objective_error, tolerance),
        ("the tokens of x lose", found.token_error, tolerance),
        ("x is outside the cones by", found.primal, FEASIBILITY),
        ("z is infeasible by", found.dual, DUAL_TOLERANCE),
        ("|q'x + b'z| is", found.gap, DUAL_TOLERANCE),
    ):
        if error is not None and not error <= limit:
            yield f"{name} {error:.3g} relative, over {limit:g}"


def marks_table(marks: Iterable[Mark]) -> str:
    """Counts and worst errors by family, over what is claimed to be optimal or inaccurate."""
    marks = list(marks)
    families: dict[str, list[Mark]] = {}
    for m in marks:
        families.setdefault(m.instance.partition("/")[0], []).append(m)
    columns = ["family", "instances", RIGHT, WRONG, GAVE_UP, UNREAD]
    columns += ["worst objective", "worst tokens", "worst primal", "worst dual", "mean s"]
    rows = [(family, *_row(own)) for family, own in families.items()]
    return table(columns, [*rows, ("all", *_row(marks))])


def _row(marks: list[Mark]) -> list[str]:
    claimed = [m for m in marks if m.status in (OPTIMAL, INACCURATE)]
    counts = [len(marks), *(sum(m.verdict == v for m in marks) for v in (RIGHT, WRONG, GAVE_UP, UNREAD))]
    worst = []
    for name in ("objective_error", "token_error", "primal", "dual"):
        errors = [error for m in claimed if (error := getattr(m, name)) is not None]
        worst.append(f"{max(errors):.1e}" if errors else "-")
    seconds = [m.seconds for m in marks if m.seconds is not None]
    return [*map(str, counts), *worst, f"{sum(seconds) / len(seconds):.3f}" if seconds else "-"]


def to_records(marks: Iterable[Mark]) -> list[dict[str, Any]]:
    """Plain mappings; a figure that is not finite is None."""
    return [
        {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in vars(m).items()}
        for m in marks
    ]


def check_entries(marks: list[Mark]) -> None:
    """Refuse an index of which nothing could be scored (ProblemError)."""
    if not marks:
        raise ProblemError("no instance of the index is in this version's library: export it again")
