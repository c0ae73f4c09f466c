"""The checker of robust budgets: no false statement is accepted, whatever is changed in a proof."""

from __future__ import annotations

import copy
import json
import random
from contextlib import suppress
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken import CertificateError, Ensemble
from cvxtoken.allocation import model
from cvxtoken.robust import RobustCertificate, certify_robust
from cvxtoken.verifier import allocation as verifier
from cvxtoken.verifier import robust as robust_verifier
from tests.robust.test_reference import ensemble
from tests.support import truth
from tests.support.instances import varying
from tests.support.thorough import part
from tests.support.truth import exact, mp, mpf
from tests.verifier.test_allocation import nudge

Document = dict[str, Any]


@cache
def problems() -> list[Ensemble]:
    """Few types and draws, some with times that vary, at the ends of the box, or with hardly a queue."""
    found = [ensemble(seed, 1 + seed % 3, 1 + seed % 4) for seed in range(10)]
    found += [Ensemble([varying(w, seed) for w in one.draws]) for seed, one in enumerate(found[:5])]
    short = [Ensemble([w.replace(max_tokens=50.0) for w in one.draws]) for one in found[1:4]]
    idle = [Ensemble([w.replace(accuracy_weight=1e-6) for w in one.draws]) for one in found[2:4]]
    light = [Ensemble([w.replace(arrival_rate=1e-9) for w in one.draws]) for one in found[2:4]]
    return found + short + idle + light  # in the last the bound's slack is in the single types alone


@cache
def proofs() -> list[Document]:
    """Proofs at the optimum and away from it, as parsed files."""
    found = []
    for problem in problems():
        best = cvxtoken.solve_robust(problem).tokens
        for share in (1.0, 0.9):
            proof = certify_robust(problem, (share * best).tolist())
            found.append(json.loads(json.dumps(proof.to_document())))
    return found


def mean(draws: tuple[cvxtoken.Workload, ...], l: list[Any]) -> Any:
    return mp.fsum(truth.objective(w, l) for w in draws) / len(draws)


@cache
def best(draws: tuple[cvxtoken.Workload, ...]) -> Any:
    """The best mean J, in 90 digits, its conditions of optimality verified."""
    tops = [exact(top) for top in draws[0].max_tokens.tolist()]
    l = [exact(x) for x in cvxtoken.solve_robust(Ensemble(draws)).tokens.tolist()]
    free = [k for k, x in enumerate(l) if 0 < x < tops[k]]

    def gradient() -> list[Any]:
        return [mp.fsum(column) for column in zip(*(truth.gradient(w, l) for w in draws), strict=True)]

    for _ in range(8 if free else 0):
        matrix = sum((truth._jacobian(w, l, free) for w in draws[1:]), truth._jacobian(draws[0], l, free))
        step = mp.lu_solve(matrix, mp.matrix([gradient()[k] for k in free]))
        for k, change in zip(free, step, strict=True):
            l[k] -= change
    for k, slope in enumerate(gradient()):
        good = abs(slope) < mpf(10) ** -60 if k in free else (slope <= 0) == (l[k] == 0)
        if not good or not 0 <= l[k] <= tops[k]:
            raise AssertionError(f"the truth of type {k} is not optimal: gradient {slope}")
    return mean(draws, l)


def is_true(document: Document) -> bool:
    draws = tuple(cvxtoken.Workload(**instance) for instance in document["instances"])
    lower, upper, gap = (exact(Decimal(document[key])) for key in ("lower", "upper", "relative_gap"))
    tokens = [exact(Decimal(l)) for l in document["tokens"]]
    least = 0 if lower <= 0 <= upper else min(abs(lower), abs(upper))
    stable = all(float(model.idle(w, np.array([float(l) for l in tokens]))) > 0 for w in draws)
    return (
        stable
        and lower <= mean(draws, tokens)
        and best(draws) <= upper
        and upper - lower <= gap * (1 + least)
    )


def test_proofs_are_accepted_and_true() -> None:
    for number, document in enumerate(proofs()):
        assert robust_verifier.check(document).startswith("proven: the mean J over ")
        assert is_true(document)
        assert number % 2 or Decimal(document["relative_gap"]) <= Decimal("1e-20")


def test_files(tmp_path: Path) -> None:
    found = cvxtoken.solve_robust(problems()[5])
    found.certificate.save(tmp_path / "p.json")
    again = RobustCertificate.load(tmp_path / "p.json")
    assert again.to_document() == found.certificate.to_document()
    assert again.ensemble.draws == found.ensemble.draws
    (tmp_path / "p.json").write_text(json.dumps(again.to_document() | {"lower": "1e9", "upper": "1e9"}))
    with pytest.raises(CertificateError, match="lower is above"):
        RobustCertificate.load(tmp_path / "p.json")


def test_malformed_proofs_are_refused() -> None:
    good = proofs()[2]
    size = len(good["tokens"])
    other = good["instances"][0] | {"max_tokens": [1e9] * size}
    cases: list[tuple[Document, str]] = [
        ({"schema": "other"}, "the keys or the schema"),
        ({"more": 1}, "the keys or the schema"),
        ({"instances": []}, "not a list of draws"),
        ({"instances": [3]}, "the instance's keys"),
        ({"instances": [*good["instances"], other]}, "differ in max_tokens"),
        ({"instances": [*good["instances"], good["instances"][0]]}, "SHA-256"),
        ({"digits": 19}, "digits is not from 20"),
        ({"digits": True}, "digits is not from 20"),
        ({"tokens": good["tokens"][:-1]}, "not one number a name"),
        ({"ends": ["0"] * size}, "is out of range"),
        ({"ends": ["1e9"] * size}, "is out of range"),
        ({"tokens": ["-1", *good["tokens"][1:]]}, "is out of range"),
        ({"relative_gap": "0"}, "relative_gap is too small"),
        ({"upper": "NaN"}, "not a decimal number"),
    ]
    for change, reason in cases:
        with pytest.raises(verifier.Refused, match=reason):
            robust_verifier.check(good | change)


def test_an_end_before_the_least_value_is_refused() -> None:
    short_of_it = proofs()[3]
    with pytest.raises(verifier.Refused, match="may lie beyond the end"):
        robust_verifier.check(short_of_it | {"ends": short_of_it["tokens"]})


def test_work_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    document = proofs()[0]  # made before the limit is lowered: whoever makes a proof checks it
    monkeypatch.setattr(robust_verifier, "MAX_WORK", 100)
    with pytest.raises(verifier.Refused, match="take too long"):
        robust_verifier.check(document)


def mutate(document: Document, rng: random.Random) -> Document:
    changed = copy.deepcopy(document)
    kind = rng.choice(["lower", "upper", "relative_gap", "tokens", "ends", "digits", "instance", "rehashed"])
    if kind in ("lower", "upper", "relative_gap"):
        changed[kind] = nudge(changed[kind], rng)
    elif kind in ("tokens", "ends"):
        k = rng.randrange(len(changed[kind]))
        changed[kind][k] = nudge(changed[kind][k], rng)
    elif kind == "digits":
        changed["digits"] = rng.randrange(20, 200)
    else:
        instance = rng.choice(changed["instances"])
        field = rng.choice([field for field in instance if field not in ("names", "max_tokens")])
        factor = 1 + rng.choice((-1, 1)) * 10 ** rng.uniform(-16, -2)
        if isinstance(instance[field], list):
            instance[field][0] *= factor
        else:
            instance[field] *= factor
        if kind == "rehashed":
            with suppress(verifier.Refused):  # the priors may not sum to 1 any more
                changed["sha256"] = robust_verifier.read_draws(changed["instances"])[1]
    return changed


def test_no_mutated_proof_proves_a_falsehood() -> None:
    rng = random.Random(20261122)
    refused, true = 0, 0
    count = part(500, 7)
    while refused + true < count:
        document = mutate(rng.choice(proofs()), rng)
        if document in proofs():
            continue
        try:
            robust_verifier.check(document)
        except verifier.Refused:
            refused += 1
        else:
            assert is_true(document), document
            true += 1
    assert refused > count / 2
    assert true > count / 10
