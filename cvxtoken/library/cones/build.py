"""Makes the shipped proofs anew: `python -m cvxtoken.library.cones.build`, in about a minute.

A problem whose claim cannot be proven is named and left out; one that is proven to be something else than its
claim stops the build. The last digits of a proof may change from one machine to another, what is proven of a
problem does not: `--check` makes all proofs anew, writes nothing, and compares digests and bounds.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from cvxtoken.conic.certificate import ConicCertificate
from cvxtoken.conic.problems import certify_problem
from cvxtoken.errors import CertificateError, LibraryError
from cvxtoken.library.cones.catalog import cone_problems
from cvxtoken.library.cones.shipped import FILE, SCHEMA, proven_problems


def proof(name: str) -> ConicCertificate | None:
    """The proof of a problem's claim, None where there is none (LibraryError: it is proven to be another)."""
    (problem,) = cone_problems(name)
    if problem.without_proof:
        return None
    try:
        found = certify_problem(problem.build())
    except CertificateError:
        return None
    if not found.is_whole:
        return None
    if found.claim != problem.claim:
        raise LibraryError(f"{name} is said to be {problem.claim} and proven to be {found.claim}")
    return found


def main() -> int:
    """The exit status: 1 where the check finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with what is shipped; write nothing")
    options = parser.parse_args()
    problems = cone_problems()
    with ProcessPoolExecutor() as pool:
        found = dict(
            zip((p.name for p in problems), pool.map(proof, (p.name for p in problems)), strict=True)
        )
    without = [name for name, certificate in found.items() if certificate is None]
    print(f"{len(found) - len(without)} of {len(found)} proven; not: {', '.join(without)}")
    if options.check:
        return compared({name: c for name, c in found.items() if c is not None})
    records: list[dict[str, Any]] = []
    for problem in problems:
        if (certificate := found[problem.name]) is not None:
            texts = {field: getattr(problem, field) for field in ("name", "statement", "source", "rounded")}
            records.append({**texts, "certificate": certificate.to_document()})
    text = json.dumps({"schema": SCHEMA, "problems": records}, separators=(",", ":"))
    FILE.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    return 0


def compared(found: dict[str, ConicCertificate]) -> int:
    """Print what differs from the shipped proofs; the exit status."""
    differences = []
    shipped = {problem.name: problem.certificate for problem in proven_problems()}
    for name, old in shipped.items():
        new = found.get(name)
        if new is None or new.claim != old.claim:
            differences.append(f"{name}: not proven to be {old.claim}")
        elif new.to_document()["sha256"] != old.to_document()["sha256"]:
            differences.append(f"{name}: compiled to another program")
        elif old.claim == "enclosed" and not overlap(old, new):
            differences.append(f"{name}: the bounds contradict each other")
    print(*differences, f"{len(differences)} of {len(shipped)} shipped proofs differ", sep="\n")
    return int(bool(differences))


def overlap(a: ConicCertificate, b: ConicCertificate) -> bool:
    """Whether two enclosures have a point in common."""
    low = max(x for x in (a.lower, b.lower) if x is not None)
    high = min(x for x in (a.upper, b.upper) if x is not None)
    return low <= high


if __name__ == "__main__":
    sys.exit(main())
