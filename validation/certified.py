"""Is everything certified? 200 realistic workloads and the stress matrix, judged by the verifier alone.

Claims: every realistic workload (N = 1, 6, 50, 1000) closes to a relative gap of 1e-20, every stress
instance (up to N = 10,000) to 1e-15, the same (to N = 50) where service times vary, and a proof at N = 1000
is checked within a second of CPU time.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from statistics import median

import cvxtoken
from cvxtoken import verifier
from cvxtoken.picture import BLUE, GREY, axes, save
from cvxtoken.proofs import CERTIFIED_GAP
from cvxtoken.tables import table
from validation.instances import realistic, stress, varying
from validation.studies import options


def study(workloads: Iterable[cvxtoken.Workload]) -> list[tuple[Decimal, float, float, str]]:
    """Gap that the verifier accepts (infinite where it refuses), seconds to solve and to check, the form."""
    results = []
    for workload in workloads:
        reference = cvxtoken.solve(workload)
        document = json.loads(json.dumps(reference.certificate.to_document()))
        started = time.process_time()  # other work on the machine is not the checker's
        try:
            verifier.check(document)
            gap = Decimal(document["relative_gap"])
        except verifier.Refused:
            gap = Decimal("Infinity")
        check_seconds = time.process_time() - started
        results.append((gap, reference.seconds, check_seconds, reference.solver.form))
    return results


def draw(gaps: dict[str, list[float]], path: Path) -> None:
    """Every proven gap, by family, and the gap that is called certified."""
    figure, drawn = axes("proven relative gap of the optimum (no unit)", "family")
    for number, values in enumerate(gaps.values()):
        drawn.plot(values, [number] * len(values), "o", color=BLUE, alpha=0.3, markersize=5)
    drawn.axvline(CERTIFIED_GAP, color=GREY, linestyle="--", linewidth=1)
    drawn.set_xscale("log")
    drawn.set_yticks(range(len(gaps)), gaps)
    drawn.invert_yaxis()
    save(figure, path)


def main() -> int:
    """Run both families, print the table and the verdict."""
    arguments = options(__doc__).parse_args()
    seeds, sizes = (8, (1, 6, 50)) if arguments.quick else (50, (1, 6, 50, 1000, 10_000))
    families = {
        f"realistic N={n}": (Decimal("1e-20"), [realistic(s, n) for s in range(seeds)])
        for n in (1, 6, 50, 1000)
    }
    families |= {f"stress N={n}": (Decimal("1e-15"), [w for _, w in stress((n,))]) for n in sizes}
    families |= {
        f"{name}, varying": (target, [varying(w, s) for s, w in enumerate(workloads)])
        for name, (target, workloads) in families.items()
        if len(workloads[0]) <= 50
    }
    rows, gaps, good = [], {}, True
    for name, (target, workloads) in families.items():
        results = study(workloads)
        gaps[name] = [float(gap) for gap, *_ in results]
        worst = max(gap for gap, *_ in results)
        certified = sum(gap <= target for gap, *_ in results)
        slowest_check = max(seconds for _, _, seconds, _ in results)
        good &= certified == len(results) and (slowest_check <= 1 or not name.endswith("N=1000"))
        rows.append(
            (
                name,
                f"{certified}/{len(results)}",
                f"{target:.0e}",
                f"{worst:.1e}",
                f"{median(seconds for _, seconds, _, _ in results):.3f}",
                f"{slowest_check:.3f}",
                str(sum(form == "balanced" for *_, form in results)),
            )
        )
    columns = [
        "family",
        "certified",
        "target",
        "worst gap",
        "solve (s)",
        "slowest check (CPU s)",
        "balanced form",
    ]
    print(table(columns, rows))
    if arguments.picture:
        draw(gaps, arguments.picture)
    print("verdict: everything is certified" if good else "verdict: NOT everything is certified")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
