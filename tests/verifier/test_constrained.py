"""The checker of constrained budgets: it writes their program anew, and refuses what is false by little."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from decimal import Context, Decimal
from functools import cache
from typing import Any

import cvxpy as cp
import numpy as np
import pytest

import cvxtoken
from cvxtoken import CertificateError, Targets, Workload
from cvxtoken.allocation.constrained import certificate
from cvxtoken.allocation.constrained.certificate import (
    ConstrainedProof,
    certify_constrained,
    unconstrained,
)
from cvxtoken.allocation.constrained.exact import exact_program
from cvxtoken.allocation.program.constraints import further_cones
from cvxtoken.allocation.targeted.feasible import feasible
from cvxtoken.conic.certificate import document_of, program_of
from cvxtoken.conic.digest import digest
from cvxtoken.verifier import Refused, allocation, constrained
from tests.allocation.constrained.test_exact import INSTANCES
from tests.support.instances import realistic

Document = dict[str, Any]


@pytest.mark.parametrize("name", INSTANCES)
@pytest.mark.parametrize("targeted", [False, True])
def test_it_writes_the_same_program(name: str, targeted: bool) -> None:
    w = INSTANCES[name]
    further = further_cones(lambda l: [cp.norm(l) <= 9, l[0] == l[2], cp.exp(l[1]) <= l[2]], len(w))
    assert further is not None
    floors, row = {w.names[2]: 0.2, w.names[0]: 0.0}, (*([0.5] * len(w)), 700.0)
    asked = Targets("accuracy", 3.7, 1.1, 0.77, 300.0, 9e4, floors, (row, row)) if targeted else Targets()
    ours = exact_program(w, asked, further.program).program
    if not targeted:
        alone = exact_program(w, Targets("accuracy"), further.program).program
        read = allocation.read_instance(json.loads(json.dumps(w.to_instance())))[0]
        theirs = constrained.Sheet(read, {"objective": "accuracy"}, document_of(further.program)).program()
        assert digest(program_of(theirs)) == digest(alone)
    read = allocation.read_instance(json.loads(json.dumps(w.to_instance())))[0]
    theirs = constrained.Sheet(read, asked.to_document(), document_of(further.program)).program()
    assert digest(program_of(theirs)) == digest(ours)


@cache
def proof() -> Document:
    w = realistic(31, 3)
    best = cvxtoken.solve(w)
    further = further_cones(
        lambda l: [cp.norm(l) <= 0.9 * float(np.linalg.norm(best.tokens)), l[0] == 2 * l[1]], 3
    )
    assert further is not None
    row = (1.0, 1.0, 1.0, 2 * float(best.tokens.sum()))
    targets = Targets(
        max_mean_system_time=0.9 * best.mean_system_time, min_accuracy={w.names[0]: 0.01}, linear=(row,)
    )
    made = certify_constrained(feasible(w, targets), further.program).to_document()
    document: Document = json.loads(json.dumps(made))
    return document


def rehashed(document: Document) -> Document:
    """With the hash that the data have: what is wrong then is the statement."""
    w, targets, rows = (document[name] for name in ("instance", "targets", "constraints"))
    further = program_of({**rows, "sense": "minimize", "offset": 0.0, "q": [0.0] * rows["columns"]})
    nothing: Any = None
    made = ConstrainedProof(Workload(**w), Targets(**targets), further, nothing)
    return document | {"sha256": made.sha256}


def moved(document: Document, name: str, by: int) -> Document:
    """A bound moved by some gaps."""
    near = Context(80)
    gap = near.subtract(Decimal(document["upper"]), Decimal(document["lower"]))
    return document | {name: str(near.add(Decimal(document[name]), by * gap))}


def changed(name: str, *path: Any) -> Callable[[Document], Document]:
    """A number of the file moved by its last bit, towards 0."""

    def change(document: Document) -> Document:
        part = document[name]
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = math.nextafter(part[path[-1]], 0.0)
        return rehashed(document)

    return change


def other_tokens(document: Document) -> Document:
    values = document["x"]["values"]
    values[0], values[1] = values[1], values[0]
    return document


FALSEHOODS: dict[str, tuple[Callable[[Document], Document], str]] = {
    "tokens reach less": (lambda d: moved(d, "lower", 1), "x does not reach|lower exceeds"),
    "less is proven": (lambda d: moved(d, "upper", -1), "z does not prove|lower exceeds"),
    "other tokens": (other_tokens, "x is outside"),
    "another hash": (lambda d: d | {"sha256": "0" * 64}, "SHA-256"),
    "another rate": (changed("instance", "arrival_rate"), "x is outside|is not 0"),
    "another gain": (changed("instance", "accuracy_gain", 1), "x is outside|is not 0"),
    "another limit": (changed("targets", "max_mean_system_time"), "x is outside"),
    "another constraint": (changed("constraints", "A", 0, 2), "x is outside|is not 0"),
    "infeasible": (lambda d: d | {"claim": "infeasible", "lower": None, "upper": None}, "vectors"),
    "infeasible, by z": (
        lambda d: d | {"claim": "infeasible", "lower": None, "upper": None, "x": None},
        "A'z is not 0",
    ),
    "no tokens": (lambda d: d | {"x": None}, "the vectors are not those"),
    "one bound": (lambda d: d | {"upper": None}, "do not come together|damaged|bound"),
    "a key more": (lambda d: d | {"far": None}, "the keys"),
    "another objective": (
        lambda d: rehashed(d | {"targets": d["targets"] | {"objective": "accuracy"}}),
        "x does not reach|is not 0",
    ),
    "targets without names": (
        lambda d: d | {"targets": d["targets"] | {"min_accuracy": [0.5]}},
        "min_accuracy of the targets is no dict",
    ),
    "no targets": (lambda d: d | {"targets": []}, "targets' keys"),
    "columns": (
        lambda d: d | {"constraints": d["constraints"] | {"columns": 10**12}},
        "columns is no count within limits",
    ),
    "fewer columns": (
        lambda d: (
            d | {"constraints": {"rows": 0, "columns": 2, "cones": [], "exponents": [], "b": [], "A": []}}
        ),
        "not a column for each type",
    ),
}


@pytest.mark.parametrize("what", FALSEHOODS)
def test_what_is_false_is_refused(what: str) -> None:
    change, words = FALSEHOODS[what]
    assert f"further constraints of {proof()['constraints']['rows']} rows" in constrained.check(proof())
    with pytest.raises(Refused, match=words):
        constrained.check(change(copy.deepcopy(proof())))


def test_the_hash_is_of_instance_targets_and_constraints() -> None:
    rows = proof()["constraints"]
    for change in (
        changed("instance", "prior", 0),
        changed("targets", "max_mean_system_time"),
        changed("constraints", "b", rows["b"].index(max(rows["b"]))),
    ):
        assert change(copy.deepcopy(proof()))["sha256"] != proof()["sha256"]


def test_an_instance_that_nothing_makes_stable_is_refused() -> None:
    w = realistic(31, 3)
    heavy = w.replace(arrival_rate=1.01 / float(w.prior @ w.overhead))
    document = rehashed(copy.deepcopy(proof()) | {"instance": heavy.to_instance()})
    with pytest.raises(Refused, match="no tokens are stable"):
        constrained.check(document)


def test_a_supremum_that_no_tokens_reach_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a writer without the rule would state of accuracy alone, where y = 0 at the best tokens."""
    one = Workload(
        names=["a"],
        prior=[1],
        accuracy_gain=[0.5],
        saturation_rate=[1e-3],
        base_accuracy=[0.2],
        overhead=[0.0],
        time_per_token=[2.0**-11],
        arrival_rate=1.0,
        accuracy_weight=1.0,
        max_tokens=2048.0,
    )
    monkeypatch.setattr(certificate, "require_optimum", lambda *_: None)
    accuracy = Targets("accuracy")
    with pytest.raises(CertificateError, match="there may be no optimum: the utilisation may reach 1"):
        certify_constrained(feasible(one, accuracy))
    with pytest.raises(CertificateError, match=r"not stable|may reach 1"):
        certify_constrained(feasible(one.replace(max_tokens=2049.0), accuracy))
    for most in (2047.0, math.nextafter(2048.0, 0.0)):
        made = certify_constrained(feasible(one.replace(max_tokens=most), accuracy))
        assert float(made.tokens[0]) == pytest.approx(most, rel=1e-15)


def test_work_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    document = proof()
    monkeypatch.setattr(constrained, "MAX_TYPES", 2)
    with pytest.raises(Refused, match="the check would take too long"):
        constrained.check(document)


def test_no_constraints_are_no_rows() -> None:
    assert unconstrained(3).A.shape == (0, 3)
