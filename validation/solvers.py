"""How do the solvers that pip installs do on the certified instances, by true error?

Runs every installed one of Clarabel, SCS, Moreau, ECOS (optional; GPL) and MOSEK (needs a licence) over the
whole library, in raw tokens and presolved. The last table is committed in validation/README.md. Known facts
are checked: Clarabel always solves the realistic family presolved, and fails in raw tokens at N = 1000;
ECOS calls feasible instances near utilisation 1 infeasible. Ends in a verdict.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import numpy as np

from cvxtoken import SolverError
from cvxtoken.library import instances
from cvxtoken.picture import COLOURS, axes, legend, save
from cvxtoken.suite.scoreboard import Score, run, scoreboard, summary
from cvxtoken.suite.solvers import find_solver
from cvxtoken.tables import table
from validation.studies import options

SOLVERS = ("CLARABEL", "SCS", "MOREAU", "ECOS", "MOSEK")
QUICK = ("realistic*", "utilization*", "workloads*", "size/1000")
_TIME_LIMIT = 60.0


def overall(name: str, scores: list[Score]) -> list[list[str]]:
    """One row a form: over all families."""
    rows = []
    for form in dict.fromkeys(score.form for score in scores):
        chosen = [score for score in scores if score.form == form]
        families = summary(chosen).values()
        sums = [
            str(sum(figures[key] for figures in families))
            for key in ("instances", "claimed_optimal", "correct", "wrongly_optimal", "wrongly_infeasible")
        ]
        errors = sorted(
            s.relative_error for s in chosen if s.feasible and s.claim in ("optimal", "inaccurate")
        )
        worst = f"{errors[-1]:.1e}" if errors else "-"
        rows.append([name, form, *sums, f"{errors[len(errors) // 2]:.1e}" if errors else "-", worst])
    return rows


def draw(errors: dict[str, list[float]], path: Path) -> None:
    """Of each solver and form, the share of the feasible instances that it brings to an error."""
    figure, drawn = axes(
        "true error of the objective, relative to 1 + |J*| (no unit)", "share of instances (1)"
    )
    for number, (name, values) in enumerate(errors.items()):
        shown = np.sort(np.maximum(values, 1e-16))
        style = "-" if name.endswith("presolved") else "--"
        colour = COLOURS[number // 2 % len(COLOURS)]
        shares = np.arange(1, len(shown) + 1) / len(shown)
        drawn.step(shown, shares, style, where="post", color=colour, label=name)
    drawn.set_xscale("log")
    drawn.set_xlim(1e-16, 1)
    drawn.set_ylim(0, 1)
    legend(drawn)
    save(figure, path)


def main() -> int:
    """Run all installed solvers, print their scoreboards, the overall table and the verdict."""
    arguments = options(__doc__).parse_args()
    # other kinds are those of the study `kinds`
    chosen = [i for i in instances(QUICK if arguments.quick else "*") if i.kind == "allocation"]
    errors: dict[str, list[float]] = {}
    good, rows = True, []
    for name in SOLVERS:
        try:
            solver = find_solver(name)
        except SolverError:
            print(f"{name} is not installed\n")
            continue
        scores = run(solver.subjects, chosen, _TIME_LIMIT)
        print(f"{name} {solver.version}\n\n{scoreboard(scores)}\n")
        rows += overall(f"{name} {solver.version}", scores)
        for form in dict.fromkeys(score.form for score in scores):
            errors[f"{name} {form}"] = [s.relative_error for s in scores if s.form == form and s.feasible]
        if name == "CLARABEL":
            realistic = [s for s in scores if s.family == "realistic" and s.form == "presolved"]
            large = [s for s in scores if s.instance == "size/1000" and s.form == "raw"]
            good &= all(s.correct for s in realistic) and not large[0].correct
        if name == "ECOS":
            near_one = [s for s in scores if s.family == "utilization"]
            good &= any(s.wrongly_infeasible for s in near_one)
    columns = ["form", "instances", "solved", "correct", "wrongly optimal", "wrongly infeasible"]
    print(date.today().isoformat())
    print(table(["solver", *columns, "median error", "worst error"], rows, left=("form",)))
    if arguments.picture:
        draw(errors, arguments.picture)
    print("verdict: the known facts hold" if good else "verdict: a known fact does NOT hold")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
