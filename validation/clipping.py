"""The paper's numbers on clipping beside ours, formulas against simulation, and whether a hard limit is best.

Claims: (1) at the default setting (a = 0.0225 s/token, calibrated here) and at the fitted one
(a = 0.0219 s/token, c = 1.4 s) the reduction at 1600 against 3000 and the loss at 1300 come near the printed
58.93 %, 0.12 and 56.36 %; (2) simulation agrees with the closed forms, patient and impatient. A real trace is
added by its path: `python -m validation.clipping FILE:COLUMN`. Ends in a verdict.
"""

from __future__ import annotations

import sys

import numpy as np

from cvxtoken import plots
from cvxtoken.clipping import model
from cvxtoken.clipping.problem import ClippingProblem, default_problem
from cvxtoken.clipping.program import least_wait, randomisation_gap
from cvxtoken.clipping.reference import best_limit
from cvxtoken.clipping.simulation import simulate
from cvxtoken.lengths import LengthDistribution
from cvxtoken.picture import save
from cvxtoken.tables import table
from validation.studies import options


def paper() -> bool:
    """The printed percentages beside ours."""
    rows, good = [], True
    fitted = default_problem().replace(time_per_token=0.0219, overhead=1.4)
    for name, p in (("a = 0.0225, c = 0", default_problem()), ("a = 0.0219, c = 1.4", fitted)):
        patient = best_limit(p, [1600, 3000])
        impatient = p.replace(arrival_rate=1 / 25, patience=60.0)
        at, most = (model.impatience(impatient, np.array([n])) for n in (1300, 3000))
        less = 1 - at.interpolated / most.interpolated
        rows.append(
            (
                name,
                f"{100 * (patient.reduction or 0):.2f} %",
                f"{at.interpolated:.3f}",
                f"{at.loss:.3f}",
                f"{100 * less:.2f} %",
            )
        )
        good &= abs((patient.reduction or 0) - 0.5893) < 0.01 and abs(at.interpolated - 0.12) < 0.02
    rows.append(("printed", "58.93 %", "0.12", "", "56.36 %"))
    columns = [
        "setting",
        "wait cut, 1600 against 3000",
        "loss at 1300, interpolated",
        "exact",
        "loss cut against 3000",
    ]
    print(table(columns, rows))
    return good


def simulated(requests: int) -> bool:
    """Closed forms against simulation."""
    rows, good = [], True
    cases = [(default_problem(), n) for n in (800, 1600, 3000)]
    cases += [(default_problem().replace(arrival_rate=1 / 25, patience=60.0), n) for n in (1300, 1600, 3000)]
    for p, limit in cases:
        found = simulate(p, limit, num_requests=requests, seed=4)
        shown = found.mean_wait if found.loss is None else found.loss
        assert shown.predicted is not None
        off = abs(shown.value - shown.predicted) / ((shown.high - shown.low) / 2)
        good &= off <= 3
        what = "mean wait (s)" if found.loss is None else "loss"
        interval = f"{shown.low:.4f} .. {shown.high:.4f}"
        rows.append(
            (f"{limit}", what, f"{shown.predicted:.4f}", f"{shown.value:.4f}", interval, f"{off:.2f}")
        )
    columns = ["limit", "what", "formula", "simulated", "95 % interval", "half-widths off"]
    print(table(columns, rows, left=("what",)))
    return good


def randomised() -> None:
    """What a hard limit costs against the best randomised rule of the same utility."""
    p = default_problem().replace(lengths=LengthDistribution.lognormal(7, 0.7, 6000))
    grid = [1, *range(40, 6001, 40)]
    found = model.moments(p)
    rows = []
    for level in (0.1, 0.3, 0.5, 0.7053, 0.9, 0.99):
        limit = int(np.searchsorted(found.u, level)) + 1
        mixture = least_wait(p, level, [*grid, limit])
        hard = float(model.mean_wait(p, found)[limit - 1])
        used = ", ".join(f"{n}: {w:.3f}" for n, w in mixture.support().items())
        rows.append(
            (
                f"{level}",
                f"{limit}",
                f"{hard:.4f}",
                f"{mixture.mean_wait:.4f}",
                f"{100 * (hard / mixture.lower - 1):.2f} %",
                used,
            )
        )
    columns = [
        "left whole",
        "hard limit",
        "its wait (s)",
        "best rule (s)",
        "hard costs at most",
        "the rule mixes",
    ]
    print(table(columns, rows, left=("the rule mixes",)))
    best = best_limit(default_problem())
    mixture = randomisation_gap(best)
    print(
        f"at the best limit, {best.limits[0]}, a hard limit costs "
        f"{100 * (best.mean_wait / mixture.lower - 1):.1e} %"
    )


def traced(source: str) -> None:
    """A real trace at utilisation 0.9 without a limit."""
    path, _, column = source.rpartition(":")
    lengths = LengthDistribution.from_trace(path, column)
    a = 0.0225
    p = ClippingProblem(lengths=lengths, time_per_token=a, arrival_rate=0.9 / (a * lengths.mean))
    print(f"{column} of {path.rpartition('/')[2]}: mean {lengths.mean:.1f}, longest {len(lengths)}")
    print(best_limit(p))


def main() -> int:
    """Run the parts, print tables and the verdict."""
    parser = options(__doc__)
    parser.add_argument("traces", nargs="*", metavar="FILE:COLUMN", help="output lengths in CSV files")
    arguments = parser.parse_args()
    good = paper()
    good &= simulated(400_000 if arguments.quick else 2_000_000)
    randomised()
    for source in arguments.traces:
        traced(source)
    if arguments.picture:
        save(plots.clipping(best_limit(default_problem())).figure, arguments.picture)
    print("verdict: clipping behaves as the formulas say" if good else "verdict: clipping does NOT agree")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
