"""Write the shipped ground truth: `python -m cvxtoken.library.build [--check]` (a minute).

Plain optima need no solver; the searches of other kinds begin at the points of one.

Every optimum is polished to 40 digits and certified; the verifiers accept every proof before it is written.
With --check nothing is written; it names the records that differ from those shipped.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
from collections.abc import Iterator
from decimal import Context
from fractions import Fraction
from typing import Any

from rich.progress import track

from cvxtoken import verifier
from cvxtoken.errors import LibraryError
from cvxtoken.library.generate import FAMILIES, recipes
from cvxtoken.library.problems import read_problem
from cvxtoken.library.problems.allocation import Allocation
from cvxtoken.library.problems.problem import Problem
from cvxtoken.library.recipe import Recipe
from cvxtoken.library.shipped import DUALS_STORED, FOLDER, SCHEMA, SUMS, read_family
from cvxtoken.whole.reference import solve_integer

_INTEGER_SIZE = 100  # types; with more, no best whole tokens are sought
_STATED = 20  # digits of the optimum of other kinds, whose proofs come from searches in float64 too
_SEARCHED = ("z", "v", "z0", "edges", "multipliers")


def shipped_problems(family: str) -> dict[str, Problem]:
    """The instances of a family that are shipped already, by id."""
    stored = (FOLDER / f"{family}.json.gz").exists()
    return {instance.id: instance.problem for instance in read_family(family)} if stored else {}


def new_problem(recipe: Recipe) -> Problem:
    """What a recipe makes that is not shipped yet.

    Raises:
        LibraryError: a number in the instance is not a decimal of six digits.
    """
    for field, value in _numbers("", recipe.problem.to_record()):
        if value != float(f"{value:.6g}"):
            raise LibraryError(
                f"{recipe.id}: {field} holds {value!r}; a new instance is made of decimals of six "
                "digits, which are the same on every machine"
            )
    return recipe.problem


def _numbers(field: str, value: Any) -> Iterator[tuple[str, float]]:
    """Every number in a record, with the name of its field."""
    if isinstance(value, dict):
        for name, part in value.items():
            inside = f"{name} of the {field}" if field in ("server", "targets") else name
            yield from _numbers(inside, part)
    elif isinstance(value, list):
        for part in value:
            yield from _numbers(field, part)
    elif isinstance(value, int | float):
        yield field, value


def ground_truth(recipe: Recipe, problem: Problem) -> dict[str, Any]:
    """The record of one instance; every proof in it has been checked.

    Args:
        recipe: where it comes from.
        problem: the instance, as shipped or new.
    """
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "id": recipe.id,
        "knob": recipe.knob,
        "value": recipe.value,
        "seed": recipe.seed,
        "since": recipe.since,
    }
    if not isinstance(problem, Allocation):
        named = {"kind": problem.kind, "sha256": problem.sha256, "problem": problem.to_record()}
        return record | named | problem.proven()
    w = problem.workload
    record |= {"sha256": w.sha256, **problem.to_record()}
    if w.idle_at_zero <= 0:
        used: Fraction = 1 - w.idle_at_zero
        return record | {"witness": f"{used.numerator}/{used.denominator}"}
    record |= problem.proven()
    if len(w) <= DUALS_STORED:
        proof = problem.read_proof(record)
        record["duals"] = problem.duals(proof, "raw").tolist()
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
    """What records state, by id, without what comes from a search in float64, as whole tokens do."""
    stated = {}
    for record in records:
        if "kind" in record:
            problem = read_problem(record["kind"], record["problem"])
            optimum = Context(_STATED).plus(problem.optimum(problem.read_proof(record)))
            stated[record["id"]] = record | {"certificate": str(optimum)}
            continue
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
        shipped = shipped_problems(family)
        made = [
            ground_truth(recipe, shipped.get(recipe.id) or new_problem(recipe))
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
