"""Is any cone program proven? 1,000 random CVXPY problems and CVXPY's own test bank, judged by the checker.

Claims, of the random problems (`validation.problems`): at least 99 % are proven, to an optimum enclosed
within 1e-30 of it, infeasible or unbounded; the checker, run as a script on the file, accepts every proof.
Of the bank (`validation.bank`): every problem is proven, the infeasible and unbounded ones as what they are,
and stored values are within 1e-4 of the proven optimum, as the bank's own tests ask of solvers (1e-2 where
they are stored to two places). Of lp_5 one bound must be: its equations follow from each other but for
rounding, so that exactly they may have no feasible point. Whether 99 % are proven does not hang on chance:
the seeds are fixed.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import cvxpy as cp

from cvxtoken import verifier
from cvxtoken.conic.certificate import ConicCertificate
from cvxtoken.conic.problems import certify_problem
from cvxtoken.errors import CvxtokenError
from cvxtoken.picture import BLUE, axes, save
from cvxtoken.tables import table
from validation.bank import Stored, bank
from validation.problems import FAMILIES, problem
from validation.studies import options

GAP = Decimal("1e-30")  # relative
SHARE = 0.99
STORED = 1e-4
ROUGH = 1e-2  # of sdp_1, whose values are stored to two places
REDUNDANT = ("lp_5",)  # with equations that follow from each other but for rounding
SOLVERS = ("CLARABEL", "SCS")
CLAIMS = ("enclosed", "infeasible", "unbounded", "one side", "nothing")


@dataclass(frozen=True)
class Outcome:
    """What is proven of a problem: claim, bounds, CPU seconds to find and to check, bytes of the file."""

    name: str
    family: str
    claim: str
    lower: Decimal | None = None
    upper: Decimal | None = None
    seconds: float = 0.0
    check_seconds: float = 0.0
    size: int = 0
    said: str = ""
    accepted: bool = True

    @property
    def gap(self) -> Decimal:
        """Relative, of an enclosure."""
        if self.lower is None or self.upper is None:
            return Decimal(0)
        return (self.upper - self.lower) / (1 + min(abs(self.lower), abs(self.upper)))


def proven(name: str, family: str, asked: cp.Problem) -> Outcome:
    """Certify a problem and let the checker, as a script, read the file."""
    started = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = certify_problem(asked)
    except CvxtokenError as error:
        return Outcome(name, family, "nothing", seconds=time.process_time() - started, said=str(error))
    seconds = time.process_time() - started
    accepted, check_seconds, size = checked(found)
    claim = found.claim if found.claim != "enclosed" or found.width is not None else "one side"
    said = "; ".join(found.notes)
    return Outcome(
        name, family, claim, found.lower, found.upper, seconds, check_seconds, size, said, accepted
    )


def checked(found: ConicCertificate) -> tuple[bool, float, int]:
    """Whether the lone checker accepts the file, its CPU seconds and the file's bytes."""
    script = Path(str(verifier.__file__)).with_name("conic.py")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "proof.json"
        file.write_text(json.dumps(found.to_document()))
        command = [sys.executable, "-S", str(script), str(file)]
        before = os.times()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        after = os.times()
        seconds = after.children_user + after.children_system - before.children_user - before.children_system
        return done.stdout.startswith("proven: "), seconds, file.stat().st_size


def of_seed(seed: int) -> Outcome:
    """The problem of a seed, proven."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        family, asked = problem(seed)
    return proven(str(seed), family, asked)


def rows(outcomes: Iterable[Outcome]) -> list[list[str]]:
    """A line of each family: claims, the worst gap, seconds and bytes."""
    found, lines = list(outcomes), []
    for family in [*FAMILIES, "all"]:
        of = [o for o in found if family in (o.family, "all")]
        if of:
            counts = [str(sum(o.claim == claim for o in of)) for claim in CLAIMS]
            seconds, checks = sorted(o.seconds for o in of), sorted(o.check_seconds for o in of)
            sizes = sorted(o.size for o in of if o.size) or [0]
            times = [f"{v[len(v) // 2]:.2f}, {v[-1]:.1f}" for v in (seconds, checks)]
            kilobytes = f"{sizes[len(sizes) // 2] / 1e3:.1f}, {sizes[-1] / 1e3:.1f}"
            lines.append([family, *counts, f"{max(o.gap for o in of):.1e}", *times, kilobytes])
    return lines


def is_right(stored: Stored, outcome: Outcome) -> bool:
    """Whether what is proven of a problem of the bank is what the bank says of it."""
    value = stored.value
    if value is not None and math.isinf(value):
        least = isinstance(stored.problem.objective, cp.Minimize)
        return outcome.claim == ("infeasible" if (value > 0) == least else "unbounded")
    if stored.name in REDUNDANT and outcome.lower is not None and value is not None:
        return outcome.claim == "one side" and abs(float(outcome.lower) - value) <= STORED
    allowed = ROUGH if stored.name.startswith("sdp_1") else STORED
    return outcome.claim == "enclosed" and (value is None or distance(value, outcome) <= allowed)


def distance(value: float, outcome: Outcome) -> float:
    """How far a value is from the enclosed optimum, 0 inside."""
    lower, upper = outcome.lower, outcome.upper
    if lower is None or upper is None:
        return math.nan
    return float(max(lower - Decimal(value), Decimal(value) - upper, Decimal(0)))


def solver_says(solver: str, asked: cp.Problem, outcome: Outcome) -> str:
    """A solver's status, and how far its value is from what is proven; its settings are its own."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            asked.solve(solver=solver)
    except cp.error.SolverError:
        return "fails"
    status, value = str(asked.status), asked.value
    if outcome.claim != "enclosed" or value is None or not math.isfinite(value):
        right = outcome.claim if outcome.claim in ("infeasible", "unbounded") else "optimal"
        known = outcome.claim in CLAIMS[:3]
        return f"{status}, WRONG" if known and status != right else status
    return f"{status}, off by {distance(float(value), outcome):.0e}"


def draw(outcomes: list[Outcome], path: Path) -> None:
    """Seconds to find a proof against the bytes of its file."""
    figure, drawn = axes("size of the proof (kB)", "CPU time to find it (s)")
    made = [o for o in outcomes if o.size]
    drawn.plot([o.size / 1e3 for o in made], [o.seconds for o in made], "o", color=BLUE, alpha=0.3)
    drawn.set_xscale("log")
    drawn.set_yscale("log")
    save(figure, path)


def main() -> int:
    """Prove all, print the tables and the verdict."""
    parser = options(__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many random problems")
    arguments = parser.parse_args()
    seeds = range(40 if arguments.quick else arguments.seeds)
    with ProcessPoolExecutor() as pool:
        outcomes = list(pool.map(of_seed, seeds, chunksize=4))
    columns = ["family", *CLAIMS, "worst gap", "find (CPU s)", "check (CPU s)", "kB"]
    print(table(columns, rows(outcomes)))
    print("Seconds and sizes: the median and the largest.")
    for o in outcomes:
        if o.claim in ("nothing", "one side") or not o.accepted:
            print(f"seed {o.name} ({o.family}): {o.claim}: {o.said[:150]}")
    done = [o for o in outcomes if o.claim in CLAIMS[:3]]
    good = len(done) >= SHARE * len(outcomes) and all(o.accepted for o in outcomes)
    good &= all(o.gap <= GAP for o in outcomes)

    lines = []
    for stored in bank():
        o = proven(stored.name, "bank", stored.problem)
        right = is_right(stored, o) and o.accepted and o.gap <= GAP
        good &= right
        optimum = "" if o.lower is None else f"{o.lower:.12g}"
        off = "" if stored.value is None or not optimum else f"{distance(stored.value, o):.0e}"
        says = [solver_says(solver, stored.problem, o) for solver in SOLVERS]
        lines.append([stored.name, o.claim, optimum, f"{stored.value}", off, *says, "" if right else "NO"])
    print(table(["problem", "proven", "optimum", "stored", "off by", *SOLVERS, "as stored"], lines))
    if arguments.picture:
        draw(outcomes, arguments.picture)
    share = f"{len(done)} of {len(outcomes)} random problems are proven"
    of_bank = f"{sum(not line[-1] for line in lines)} of {len(lines)} of the bank"
    print(
        "verdict: enough is proven:" if good else "verdict: NOT enough is proven:", f"{share}, and {of_bank}"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
