"""Write the shipped ground truth: `python -m cvxtoken.library.build [--check]` (a minute; needs no solver).

Every optimum is polished to 40 digits and certified; the verifiers accept every proof before it is written.
With --check nothing is written; it names the records that differ from those shipped.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from rich.progress import track

from cvxtoken import verifier
from cvxtoken.allocation.prices.search import solve_prices
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.program.cones import cone_program
from cvxtoken.allocation.proof.certificate import certify
from cvxtoken.allocation.targeted.feasible import feasible
from cvxtoken.allocation.targeted.polish import Start, polish_targets
from cvxtoken.allocation.targets import Targets
from cvxtoken.errors import LibraryError
from cvxtoken.library.generate import FAMILIES, recipes
from cvxtoken.library.recipe import Recipe
from cvxtoken.library.shipped import DUALS_STORED, FOLDER, SCHEMA, SUMS, read_family
from cvxtoken.precision import SHIPPED, SHIPPED_PROOF
from cvxtoken.whole.reference import solve_integer

_INTEGER_SIZE = 100  # types; with more, no best whole tokens are sought
_SEARCHED = ("z", "v", "edges", "multipliers")


def shipped_workloads(family: str) -> dict[str, Workload]:
    """The instances of a family that are shipped already, by id."""
    stored = (FOLDER / f"{family}.json.gz").exists()
    return {instance.id: instance.workload for instance in read_family(family)} if stored else {}


def new_workload(recipe: Recipe) -> Workload:
    """What a recipe makes that is not shipped yet.

    Raises:
        LibraryError: a number in the instance is not a decimal of six digits.
    """
    data = recipe.workload.to_instance()
    del data["names"]
    data |= {f"{name} of the server": value for name, value in recipe.workload.server.parameters.items()}
    data.pop("server", None)
    for field, values in data.items():
        for value in np.ravel(values).tolist():
            if value != float(f"{value:.6g}"):
                raise LibraryError(
                    f"{recipe.id}: {field} holds {value!r}; a new instance is made of decimals of six "
                    "digits, which are the same on every machine"
                )
    return recipe.workload


def optimal_tokens(w: Workload) -> list[Decimal]:
    """The optimum to 40 digits; a budget at its limit equals that double (LibraryError: not found)."""
    near = Start(solve_prices(w).tolist(), {}, ())
    found = polish_targets(feasible(w, Targets()), near)
    if found is None:
        raise LibraryError("the polish does not end")
    short, top = Context(SHIPPED, ROUND_HALF_EVEN), map(Decimal, w.max_tokens.tolist())
    return [l if l == l_max else short.plus(l) for l, l_max in zip(found[0], top, strict=True)]


def ground_truth(recipe: Recipe, w: Workload) -> dict[str, Any]:
    """The record of one instance; every proof in it has been checked.

    Args:
        recipe: where it comes from.
        w: the instance, as shipped or new.
    """
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "id": recipe.id,
        "knob": recipe.knob,
        "value": recipe.value,
        "seed": recipe.seed,
        "since": recipe.since,
        "sha256": w.sha256,
        "instance": w.to_instance(),
    }
    if w.idle_at_zero <= 0:
        used: Fraction = 1 - w.idle_at_zero
        return record | {"witness": f"{used.numerator}/{used.denominator}"}
    tokens = optimal_tokens(w)
    proof = certify(w, tokens, SHIPPED_PROOF).to_document()
    verifier.check(proof)
    record["certificate"] = {
        key: proof[key] for key in ("digits", "lower", "upper", "relative_gap", "tokens", "radii")
    }
    if len(w) <= DUALS_STORED:
        record["duals"] = cone_program(w, "raw").duals(tokens).tolist()
    if len(w) <= _INTEGER_SIZE:
        whole = solve_integer(w)
        if whole.exact:
            document = whole.certificate.to_document()
            verifier.whole.check(document)
            record["integer"] = {
                key: value for key, value in document.items() if key not in ("schema", "sha256", "instance")
            }
    return record


def statements(records: list[dict[str, Any]]) -> dict[str, Any]:
    """What records state, by id, without the proofs of whole tokens, which come from a search in float64."""
    stated = {}
    for record in records:
        whole = {key: value for key, value in record.get("integer", {}).items() if key not in _SEARCHED}
        stated[record["id"]] = record | ({"integer": whole} if whole else {})
    return stated


def differing(family: str, made: list[dict[str, Any]]) -> list[str]:
    """Ids of records that, made anew, differ from those shipped, or that only one side has."""
    shipped = json.loads(gzip.decompress((FOLDER / f"{family}.json.gz").read_bytes()))
    old, new = statements(shipped), statements(json.loads(json.dumps(made)))
    return sorted(id_ for id_ in {*old, *new} if old.get(id_) != new.get(id_))


def main() -> int:
    """Build all families and the sums of their files, or compare them with those shipped."""
    parser = argparse.ArgumentParser(
        prog="python -m cvxtoken.library.build", description="Write the shipped ground truth."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; name the records that differ")
    check_only, wrong = parser.parse_args().check, []
    sums = {}
    for family in FAMILIES:
        shipped = shipped_workloads(family)
        made = [
            ground_truth(recipe, shipped.get(recipe.id) or new_workload(recipe))
            for recipe in track(recipes(family), description=f"{family:<12}")
        ]
        if check_only:
            wrong += differing(family, made)
            continue
        text = json.dumps(made, separators=(",", ":"), allow_nan=False)
        data = gzip.compress(text.encode(), mtime=0)
        (FOLDER / f"{family}.json.gz").write_bytes(data)
        sums[f"{family}.json.gz"] = hashlib.sha256(data).hexdigest()
    if check_only:
        print(
            "\n".join(["these records differ:", *wrong]) if wrong else "every record states what is shipped"
        )
        return 1 if wrong else 0
    (FOLDER / SUMS).write_text(
        "".join(f"{digest}  {name}\n" for name, digest in sums.items()), encoding="ascii"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
