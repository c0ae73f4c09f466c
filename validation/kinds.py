"""How do solvers that pip installs do on whole tokens, targets, draws, lags, schedules and limits?

Runs every installed one of Clarabel, SCS, QOCO, HiGHS and SCIP through CVXPY, and HiGHS by outer
approximation and SCIP with smooth rows on cone data with integers (`validation.mixed_integer`), over the
families of other kinds than plain allocations, and on deviations. A solver is asked only what its cones and
integers allow.

A good verdict needs, written down before any number was seen: HiGHS gets every schedule and every linear
program of limits right, by CVXPY and on cone data; HiGHS by outer approximation gets every lagged instance
right, and all whole tokens of up to 12 types; rounding the best real tokens is not enough for 6 of them; no
solver claims a wrong optimum on a schedule. It names every wrong claim.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import cvxtoken
from cvxtoken import SolverError
from cvxtoken.library import Instance, instances
from cvxtoken.picture import COLOURS, axes, legend, save
from cvxtoken.suite.scoreboard import Score, run
from cvxtoken.suite.solvers import NamedSolver, find_solver
from cvxtoken.suite.unsupported import told, unsupported
from cvxtoken.tables import table
from validation.studies import options

FAMILIES = ("whole", "targets", "deviations", "robust", "lagged", "schedules", "limits")
SOLVERS = {
    "CLARABEL": "Clarabel",
    "SCS": "SCS",
    "QOCO": "QOCO",
    "HIGHS": "HiGHS",
    "SCIP": "SCIP",
    "validation.mixed_integer:highs": "HiGHS, outer approximation",
    "validation.mixed_integer:scip": "SCIP, smooth rows",
}
QUICK = ("*/n1", "*/n2", "*/n3", "*/n5", "targets/wait", "targets/memory", "limits/two", "lagged/beyond")
_TIME_LIMIT, _QUICK_LIMIT = 10.0, 5.0


def solvers() -> list[tuple[str, NamedSolver]]:
    """Those that are installed, with the names that people know."""
    found = []
    for name, known in SOLVERS.items():
        solver = None
        if not name.endswith(":scip") or find_spec("pyscipopt") is not None:
            with suppress(SolverError):
                solver = find_solver(name)
        if solver is None:
            print(f"{known} is not installed\n")
            continue
        found.append((f"{known} {solver.version}".strip(), solver))
    return found


def row(name: str, form: str, scores: list[Score]) -> list[str]:
    """By family: right of asked, with what is wrongly claimed in brackets."""
    cells = []
    for family in FAMILIES:
        own = [score for score in scores if score.family == family and score.form == form]
        wrong = sum(s.wrongly_optimal or s.wrongly_infeasible or s.wrongly_unbounded for s in own)
        right = sum(s.correct for s in own)
        cells.append(f"{right}/{len(own)}{f' ({wrong} wrong)' if wrong else ''}" if own else "-")
    return [name, form, *cells]


def rounded_wrongly(chosen: list[Instance]) -> int:
    """Of how many instances of whole tokens the nearest to the best real tokens are not the best."""
    whole = [instance for instance in chosen if instance.family == "whole"]
    nearest = (np.rint(cvxtoken.solve(instance.problem.data.workload).tokens) for instance in whole)
    errors = [instance.error(tokens) for instance, tokens in zip(whole, nearest, strict=True)]
    return sum(error > 1e-6 for error in errors)


def draw(errors: dict[str, list[float]], path: Path) -> None:
    """Of each solver, the share of what it is asked that it brings to an error."""
    figure, drawn = axes("true error, relative to 1 + |optimum| (no unit)", "share of what it is asked (1)")
    for number, (name, values) in enumerate(errors.items()):
        shown = np.sort(np.maximum(values, 1e-16))
        shares = np.arange(1, len(shown) + 1) / len(shown)
        colour = COLOURS[number % len(COLOURS)]
        drawn.step(
            shown, shares, "-" if number < len(COLOURS) else "--", where="post", color=colour, label=name
        )
    drawn.set_xscale("log")
    drawn.set_xlim(1e-16, 1)
    drawn.set_ylim(0, 1)
    legend(drawn)
    save(figure, path)


def main() -> int:
    """Score all installed solvers; print the table, every wrong claim, and the verdict."""
    arguments = options(__doc__).parse_args()
    named = instances([f"{family}*" for family in FAMILIES])
    quick = {instance.id for instance in instances(QUICK)}
    chosen = [instance for instance in named if not arguments.quick or instance.id in quick]
    limit = _QUICK_LIMIT if arguments.quick else _TIME_LIMIT
    rows, wrong, good = [], [], True
    errors: dict[str, list[float]] = {}
    for name, solver in solvers():
        subjects = solver.subjects
        if solver.name.startswith("validation."):  # these take their time, and their forms hardly differ
            subjects = {"presolved": subjects["presolved"]}
        scores = run(subjects, chosen, limit)
        print(f"{name}\n{told(unsupported(subjects, chosen))}\n", flush=True)
        rows += [row(name, form, scores) for form in subjects]
        false = [s for s in scores if s.wrongly_optimal or s.wrongly_infeasible or s.wrongly_unbounded]
        wrong += [(name, s.form, s.instance, s.claim, f"{s.relative_error:.1e}") for s in false]
        errors[name] = [score.relative_error for score in scores]
        good &= not any(score.family == "schedules" for score in false)
        if name.startswith("HiGHS"):
            good &= all(score.correct for score in scores if score.family in ("schedules", "limits"))
        if name.startswith("HiGHS, outer"):
            small = [
                s for s in scores if s.family == "whole" and s.instance not in ("whole/n20", "whole/n40")
            ]
            good &= all(score.correct for score in [*small, *(s for s in scores if s.family == "lagged")])
    print(date.today().isoformat())
    print(table(["solver", "form", *FAMILIES], rows, left=("form",)))
    print(
        table(["solver", "form", "instance", "claims", "true error"], wrong) if wrong else "no wrong claims"
    )
    nearest = rounded_wrongly(chosen)
    print(f"the nearest whole tokens are not the best ones of {nearest} instances")
    good &= arguments.quick or nearest >= 6
    if arguments.picture:
        draw(errors, arguments.picture)
    print("verdict: as it must be" if good else "verdict: NOT as it must be")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
