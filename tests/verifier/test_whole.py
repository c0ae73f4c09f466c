"""The checker of whole tokens: no false statement is accepted, whatever is changed in a proof."""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import cvxtoken
from cvxtoken.verifier import allocation as verifier
from cvxtoken.verifier import whole as checker
from tests.support import truth
from tests.support.instances import boxed, varying
from tests.support.thorough import part, some
from tests.verifier.test_allocation import nudge

Document = dict[str, Any]
SEEDS = range(22)  # in the last of them service times vary


@cache
def proofs() -> list[tuple[cvxtoken.Workload, Document]]:
    """Proofs as parsed files, some of them with several cells and multipliers."""
    found = []
    for seed in some(SEEDS, 2):
        w = boxed(seed) if seed < 16 else varying(boxed(seed), seed)
        document = json.loads(json.dumps(cvxtoken.solve_integer(w).certificate.to_document()))
        found.append((w, document))
        halved = copy.deepcopy(document)
        edges = [Decimal(edge) for edge in document["edges"]]
        halved["edges"] = [str(e) for pair in pairwise(edges) for e in (pair[0], sum(pair) / 2)]
        halved["edges"].append("1")
        halved["multipliers"] = [
            [*nus, "0", "0.1", "-3"] for nus in document["multipliers"] for _ in range(2)
        ]
        found.append((w, halved))
    return found


def is_true(document: Document) -> bool:
    w = cvxtoken.Workload(**document["instance"])
    lower, upper, gap = (truth.exact(Decimal(document[key])) for key in ("lower", "upper", "relative_gap"))
    least = 0 if lower <= 0 <= upper else min(abs(lower), abs(upper))
    return (
        document["sha256"] == w.sha256
        and lower <= truth.objective(w, document["tokens"])
        and truth.best_whole(w)[1] <= upper
        and upper - lower <= gap * (1 + least)
    )


def test_proofs_are_accepted() -> None:
    for _, document in proofs():
        assert checker.check(document).startswith("proven: over whole tokens instance")
        assert is_true(document)


def mutate(document: Document, rng: random.Random) -> tuple[Document, str]:
    changed = copy.deepcopy(document)
    kind = rng.choice(
        ["lower", "upper", "relative_gap", "tokens", "z", "v", "edges", "multipliers", "digits", "instance"]
    )
    kind = kind if kind in changed or kind == "instance" else "z"
    if kind in ("lower", "upper", "relative_gap"):
        changed[kind] = nudge(changed[kind], rng)
    elif kind == "tokens":
        k = rng.randrange(len(changed["tokens"]))
        changed["tokens"][k] += rng.choice((-2, -1, 1, 2))
    elif kind in ("z", "v", "edges"):
        k = rng.randrange(len(changed[kind]))
        changed[kind][k] = nudge(changed[kind][k], rng)
    elif kind == "multipliers":
        nus = rng.choice(changed["multipliers"])
        nus[rng.randrange(len(nus))] = rng.choice(["0", "1e3", "-1e3", "0.01", "-0.5"])
    elif kind == "digits":
        changed["digits"] = rng.randrange(20, 400)
    else:
        field = rng.choice(["accuracy_weight", "arrival_rate"])
        changed["instance"][field] *= 1 + rng.choice((-1, 1)) * 10 ** rng.uniform(-15, -1)
    return changed, kind


def test_no_mutated_proof_proves_a_falsehood() -> None:
    rng = random.Random(20261121)
    refused, true = 0, 0
    count = part(600, 7)
    while refused + true < count:
        original = rng.choice(proofs())[1]
        document, kind = mutate(original, rng)
        if document == original:
            continue
        try:
            checker.check(document)
        except checker.Refused:
            refused += 1
        else:
            assert is_true(document), (kind, document)
            assert kind != "instance", "the statement is about another instance"
            true += 1
    assert refused > count / 3
    assert true > count / 12


def test_malformed_proofs_are_refused() -> None:
    good = proofs()[1][1]
    cases: list[tuple[dict[str, Any], str]] = [
        ({"schema": "other"}, "the keys or the schema"),
        ({"more": 1}, "the keys"),
        ({"tokens": good["tokens"][:-1]}, "tokens has not"),
        ({"tokens": [0.0] * len(good["tokens"])}, "not whole numbers"),
        ({"tokens": [True] * len(good["tokens"])}, "not whole numbers"),
        ({"tokens": [-1] * len(good["tokens"])}, "not whole numbers"),
        ({"tokens": [10**9] * len(good["tokens"])}, "not whole numbers"),
        ({"z": ["-1"] * len(good["z"])}, "z, v or z0 is negative"),
        ({"v": ["-1"] * len(good["z"])}, "z, v or z0 is negative"),
        ({"v": ["0"]}, "has not one number a name"),
        ({"z": ["NaN"] * len(good["z"])}, "not a decimal number"),
        ({"edges": good["edges"][:-1]}, "one list of multipliers a cell"),
        ({"edges": ["0.1", *good["edges"][1:]]}, "do not cover"),
        ({"edges": [*good["edges"][:-1], "0.99"]}, "do not cover"),
        ({"edges": ["0", *["0.5"] * (len(good["edges"]) - 2), "1"]}, "do not rise"),
        ({"multipliers": []}, "one list of multipliers a cell"),
        ({"multipliers": [[] for _ in good["multipliers"]]}, "no list of multipliers"),
        ({"multipliers": 3}, "not a list"),
        ({"digits": 19}, "digits"),
        ({"relative_gap": "0"}, "relative_gap is too small"),
    ]
    for change, reason in cases:
        with pytest.raises(checker.Refused, match=reason):
            checker.check(good | change)


def test_work_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    document = proofs()[1][1]  # made before the limit is lowered: whoever makes a proof checks it
    monkeypatch.setattr(checker, "MAX_WORK", 1e6)
    with pytest.raises(checker.Refused, match="take too long"):
        checker.check(document)


def test_an_excess_that_rounding_shows_as_negative_rules_nothing_out() -> None:
    """With nu near -(P + lambda z) h is a small difference, and from below it can lie under its floor."""
    size, prior = 1e25, 2.0**-33
    instance = {
        "names": ["j", "n"],
        "prior": [1.0, prior],
        "accuracy_gain": [1e-300, 0.86],
        "saturation_rate": [1000.0, 1000.0],
        "base_accuracy": [0.0, 0.0],
        "overhead": [0.0, 0.0],
        "time_per_token": [0.0, 2e-17 / prior * size + 0.86e-9 * size],
        "max_tokens": [3.0, 1.0],
        "arrival_rate": 1e-200,
        "accuracy_weight": 1e-9 * size,
    }
    multiple = 5**6 * 2**33  # a double of 20 decimal digits whose triple has 21
    instance["time_per_token"][0] = next(
        float(j * multiple)
        for j in range(int(5.000003e25) // multiple, 2**63)
        if float(j * multiple) == j * multiple
        and len(str(j * multiple).rstrip("0")) == 20
        and len(str(3 * j * multiple).rstrip("0")) == 21
    )
    document = {
        **{"schema": checker.SCHEMA, "instance": instance, "sha256": verifier.read_instance(instance)[1]},
        **{"digits": 20, "tokens": [0, 1], "lower": "-2.1e8", "upper": "-7e6", "relative_gap": "100"},
        **{"z": ["0", "0"], "edges": ["0", "1"], "multipliers": [["-0.99999999999999999998"]]},
    }
    with pytest.raises(checker.Refused, match="a better allocation may exist"):
        checker.check(document)  # J = 0 at no tokens


def test_it_runs_as_a_script_beside_the_verifier(tmp_path: Path) -> None:
    for module in (verifier, checker):
        (tmp_path / Path(module.__file__).name).write_bytes(Path(module.__file__).read_bytes())
    file = tmp_path / "proof.json"
    document = proofs()[0][1]
    for flags in ([], ["-O"]):
        for content, code, begin in (
            (document, 0, "proven: "),
            (document | {"digits": 1}, 1, "refused: digits"),
        ):
            file.write_text(json.dumps(content))
            command = [sys.executable, *flags, "-S", "whole.py", str(file)]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (code, "")
            assert done.stdout.startswith(begin)
