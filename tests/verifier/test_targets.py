"""Certificates with targets: what they state is true, mutated or not, and broken verifiers are caught."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import cvxtoken
from cvxtoken.allocation.proof.certificate import Certificate, certify
from cvxtoken.allocation.targeted.optimum import certify_targets
from cvxtoken.allocation.targets import LIMITS, Multipliers, Targets
from cvxtoken.verifier import allocation as verifier
from tests.support import targets as judge
from tests.support.instances import changed, realistic
from tests.support.thorough import part, some
from tests.support.truth import exact, mpf
from tests.verifier.test_allocation import nudge

Document = dict[str, Any]
SMALL = cvxtoken.load("qwen3-8b")
ALL = dict(zip(LIMITS, (2.0, 0.25, 0.16, 1500.0), strict=True))
CASES = [
    (SMALL, Targets(max_mean_system_time=2.0)),
    (SMALL, Targets(objective="accuracy", min_accuracy={"GSM8K": 0.95, "AIME 2024": 0.1}, **ALL)),
    (SMALL, Targets(objective="accuracy", max_mean_wait=0.2, max_mean_tokens=1500.0)),
    (SMALL, Targets(max_utilization=0.12, min_accuracy={"HMMT 2025": 0.2})),
    (SMALL, Targets(objective="accuracy", max_mean_system_time=3.0)),
    (realistic(21, 1), Targets(objective="accuracy", max_utilization=0.97)),
    (changed(realistic(23, 3), 0.999), Targets(objective="accuracy", max_mean_wait=3000.0)),
    (changed(realistic(24, 2), 0.3, max_tokens=200.0), Targets(max_mean_tokens=150.0)),
]


@cache
def certificates() -> list[Document]:
    """Certificates of optima under targets, and with other multipliers at other tokens, as parsed files."""
    found = []
    for w, targets in CASES:
        best = certify_targets(w, targets)
        found.append(best.to_document())
        half = Multipliers({name: x / 2 for name, x in best.multipliers.limits.items()})
        least = [l * Decimal("0.97") for l in best.tokens] if not targets.min_accuracy else list(best.tokens)
        found.append(certify(w, least, targets=targets, multipliers=half).to_document())
    return [json.loads(json.dumps(document)) for document in found]


@cache
def known(w: cvxtoken.Workload, text: str) -> judge.Truth:
    return judge.optimum(w, Targets(**json.loads(text)))


def is_true(document: Document) -> bool:
    """Whether what a certificate states holds, by the optimum in 90 digits."""
    w, targets = cvxtoken.Workload(**document["instance"]), Targets(**document["targets"])
    best = known(w, json.dumps(document["targets"], sort_keys=True))
    lower, upper, gap = (exact(Decimal(document[key])) for key in ("lower", "upper", "relative_gap"))
    tokens = [exact(Decimal(l)) for l in document["tokens"]]
    least = 0 if lower <= 0 <= upper else min(abs(lower), abs(upper))
    near = mpf(10) ** -25  # the truth's own error, in tokens
    return (
        document["sha256"] == targets.sha256(w)
        and judge.meets(w, targets, tokens)
        and lower <= judge.objective(w, targets, tokens) + mpf(10) ** -80  # of 90 digits
        and best.low <= upper
        and upper - lower <= gap * (1 + least)
        and all(
            abs(l - star) <= exact(Decimal(radius)) + near
            for l, star, radius in zip(tokens, best.tokens, document["radii"], strict=True)
        )
    )


@pytest.mark.parametrize("number", some(range(2 * len(CASES)), 5))
def test_certificates_are_accepted_and_true(number: int, tmp_path: Path) -> None:
    document = certificates()[number]
    assert verifier.check(document).startswith("proven: instance ")
    assert is_true(document)
    path = tmp_path / "proof.json"
    path.write_text(json.dumps(document))
    assert Certificate.load(path).to_document() == document


@pytest.mark.parametrize("number", some(range(len(CASES)), 2))
def test_the_truth_is_sharp(number: int) -> None:
    w, targets = CASES[number]
    best = judge.optimum(w, targets)
    assert 0 <= best.high - best.low <= (1 + abs(best.low)) * mpf(10) ** -30


# --- mutations ------------------------------------------------------------------------------------------


def mutate(document: Document, rng: random.Random) -> Document:
    """One thing changed; where that is of the problem, the hash is made to fit again, or not."""
    changed_document = copy.deepcopy(document)
    targets, multipliers = changed_document["targets"], changed_document["multipliers"]
    kind = rng.choice(["number", "list", "multiplier", "multiplier", "target", "target", "objective", "drop"])
    names = [key for key in targets if key in LIMITS]
    if kind == "number":
        key = rng.choice(["lower", "upper", "relative_gap"])
        changed_document[key] = nudge(changed_document[key], rng)
    elif kind == "list":
        key = rng.choice(["tokens", "radii"])
        k = rng.randrange(len(changed_document[key]))
        changed_document[key][k] = nudge(changed_document[key][k], rng)
    elif kind == "multiplier":
        least = multipliers.get("min_accuracy", {})
        holder, key = (multipliers, rng.choice(names)) if names else (least, rng.choice(list(least)))
        if least and rng.random() < 0.4:
            holder, key = least, rng.choice(list(least))
        holder[key] = rng.choice([nudge(holder[key], rng), "0", "1e-3", "-1e-3", "1e6", "0.5"])
        if rng.random() < 0.7:  # the bounds say less, so that the multipliers decide
            changed_document["upper"] = str(Decimal(changed_document["upper"]) + Decimal(rng.random()) / 10)
            changed_document |= {"relative_gap": "1", "radii": ["1e9"] * len(changed_document["tokens"])}
    elif kind == "target":
        holder, key = (targets, rng.choice(names)) if names else (targets, None)
        if targets.get("min_accuracy") and (key is None or rng.random() < 0.4):
            holder, key = targets["min_accuracy"], rng.choice(list(targets["min_accuracy"]))
        holder[key] *= 1 + rng.choice((-1, 1)) * 10 ** rng.uniform(-16, -1)
    elif kind == "objective":
        targets["objective"] = rng.choice(["accuracy", "trade-off"])
    else:
        key = rng.choice([key for key in targets if key != "objective"])
        del targets[key]
        del multipliers[key]
    if kind in ("target", "objective", "drop") and rng.random() < 0.8:
        w = cvxtoken.Workload(**changed_document["instance"])
        try:
            changed_document["sha256"] = Targets(**targets).sha256(w)
        except cvxtoken.ProblemError:  # a utilisation of 1 or more
            changed_document["sha256"] = "0" * 64
    return changed_document


def test_no_mutated_certificate_proves_a_falsehood() -> None:
    """800 mutations: each is refused, or what it then states is still true."""
    rng = random.Random(20260321)
    originals = certificates()
    refused, true = 0, 0
    count = part(800, 8)
    while refused + true < count:
        document = mutate(rng.choice(originals), rng)
        if document in originals:
            continue
        try:
            verifier.check(document)
        except verifier.Refused:
            refused += 1
        else:
            assert is_true(document), document
            true += 1
    assert refused > count / 3, "most mutations make a false statement"
    assert true > count / 13, "some only weaken it; a verifier that refuses everything proves nothing"


MALFORMED: list[tuple[Callable[[Document], Any], str]] = [
    (lambda d: {**d, "schema": verifier.SCHEMA}, "schema"),
    (lambda d: {k: v for k, v in d.items() if k != "multipliers"}, "keys"),
    (lambda d: {**d, "targets": []}, "targets' keys"),
    (lambda d: {**d, "targets": {**d["targets"], "max_cost": 1.0}}, "targets' keys"),
    (lambda d: {**d, "targets": {**d["targets"], "objective": "speed"}}, "objective"),
    (lambda d: {**d, "targets": {**d["targets"], "objective": ["accuracy"]}}, "objective"),
    (lambda d: {**d, "targets": {**d["targets"], "max_mean_wait": 2}}, "max_mean_wait is out of its range"),
    (lambda d: {**d, "targets": {**d["targets"], "max_mean_wait": 1e999}}, "out of its range"),
    (lambda d: {**d, "targets": {**d["targets"], "max_mean_wait": -1.0}}, "out of its range"),
    (lambda d: {**d, "targets": {**d["targets"], "min_accuracy": {"GSM8K": 1.5}}}, "min_accuracy"),
    (lambda d: {**d, "targets": {**d["targets"], "min_accuracy": [0.9]}}, "min_accuracy is not by name"),
    (lambda d: {**d, "multipliers": {**d["multipliers"], "objective": "1"}}, "multipliers' keys"),
    (lambda d: {**d, "multipliers": {**d["multipliers"], "max_mean_wait": "-0.1"}}, "multiplier is negative"),
    (lambda d: {**d, "multipliers": {**d["multipliers"], "max_mean_wait": 0.1}}, "not a decimal number"),
    (lambda d: {**d, "multipliers": {**d["multipliers"], "min_accuracy": {}}}, "types' names"),
    (lambda d: {**d, "targets": {**d["targets"], "linear": []}}, "multipliers' keys"),
]


@pytest.mark.parametrize("number", range(len(MALFORMED)))
def test_malformed_certificates_are_refused(number: int) -> None:
    damage, reason = MALFORMED[number]
    with pytest.raises(verifier.Refused, match=re.escape(reason)):
        verifier.check(damage(certificates()[2]))


def linear_document(row: Any, multiplier: str = "0") -> Document:
    document = copy.deepcopy(certificates()[0])
    targets, multipliers = document["targets"], document["multipliers"]
    targets["linear"], multipliers["linear"] = [row], [multiplier]
    numbers = row if isinstance(row, list) and len(row) == 6 else [0.0] * 6
    good = [float(x) for x in numbers]
    document["sha256"] = Targets(max_mean_system_time=2.0, linear=(tuple(good),)).sha256(SMALL)
    return document


def test_linear_targets_are_read_with_care() -> None:
    verifier.check(linear_document([1.0, 0.0, 0.0, 0.0, 0.0, 4000.0]))
    for row, reason in (
        ([1.0, 0.0, 0.0, 0.0, 0.0, 3000.0], "miss a linear target"),
        ([1.0, 0.0], "a row has not one number"),
        ([1, 0.0, 0.0, 0.0, 0.0, 4000.0], "linear: no doubles"),
        ("1", "linear has no rows"),
    ):
        with pytest.raises(verifier.Refused, match=reason):
            verifier.check(linear_document(row))
