"""Optima under further constraints, certified of the model: values, prices, both roads, no point at all."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import cvxpy as cp
import numpy as np
import pytest

import cvxtoken
from cvxtoken import CertificateError, ProblemError, TargetError, Targets, verifier
from cvxtoken.allocation import model
from cvxtoken.allocation.constrained.certificate import (
    ConstrainedCertificate,
    ConstrainedProof,
    certify_constrained,
)
from cvxtoken.allocation.program.constraints import further_cones
from cvxtoken.allocation.program.forms import FORMS, program
from cvxtoken.allocation.targeted.feasible import feasible
from cvxtoken.conic.certify import certify_cone
from cvxtoken.conic.compiled import compiled
from tests.support.constrained import Constraints, random_case
from tests.support.thorough import some

QWEN = cvxtoken.load("qwen3-8b")
FULL = cvxtoken.Workload(
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
)  # y = 0 at the most tokens
CLOSED = Decimal("1e-20")


@pytest.mark.parametrize(
    ("constraints", "J"),
    [
        (lambda l: [l[0] == 2 * l[1]], "8.8804392590533623872"),
        (lambda l: [cp.sum_squares(l / 1000) <= 30], "8.9728948032723764157"),
    ],
)
def test_values_that_another_program_found(constraints: Constraints, J: str) -> None:
    """J of the programs that CVXPY compiles, whose data are off in the 16th digit, by a prototype."""
    found = cvxtoken.solve(QWEN, constraints=constraints)
    assert (found.status, found.uncertified_because) == ("certified", "")
    assert found.certificate.relative_gap <= CLOSED
    assert abs(found.certificate.lower - Decimal(J)) <= Decimal("2e-15")
    line = found.certificate.check()
    assert f"its optimum J from {found.certificate.lower} to {found.certificate.upper}" in line
    assert verifier.check(found.certificate.to_document()) == line
    l = cp.Variable(5)
    l.value = found.tokens
    assert max(float(np.max(c.violation())) for c in constraints(l)) <= 1e-11
    assert model.objective(QWEN, found.tokens) == pytest.approx(float(J), rel=1e-14)


@pytest.mark.parametrize("seed", some(range(8), 3))
def test_random_constraints_are_certified(seed: int) -> None:
    w, targets, constraints = random_case(seed)
    further = further_cones(constraints, len(w))
    assert further is not None
    found = certify_constrained(feasible(w, targets), further.program)
    assert found.relative_gap <= CLOSED
    tokens = np.array([float(l) for l in found.tokens])
    J = model.mean_accuracy(w, tokens)
    if targets.delay_weight:
        J = model.objective(w, tokens)
    assert float(found.lower) == pytest.approx(float(J), rel=1e-11, abs=1e-11)
    l = cp.Variable(len(w))
    l.value = tokens
    assert max(float(np.max(c.violation())) for c in constraints(l)) <= 1e-9


@pytest.mark.parametrize(
    "name",
    [
        "workloads/qwen3-8b-0.5-100",
        "utilization/0.999-100",
        "weight/1e5-200",
        "servers/sigma-0",
        "servers/chunked-0.02",
        "servers/load-0.999-1",
        "degenerate/at-top-501",
        "all-zero/n6-0.5",
    ],
)
def test_both_roads_enclose_each_other(name: str) -> None:
    """Without constraints: the bound of the two prices, and the exact cones."""
    (instance,) = cvxtoken.instances(name)
    cones, prices = certify_constrained(feasible(instance.workload, Targets())), instance.certificate
    assert max(cones.relative_gap, prices.relative_gap) <= CLOSED
    assert max(cones.lower, prices.lower) <= min(cones.upper, prices.upper)


@pytest.mark.parametrize(
    "asked",
    [
        {"max_mean_system_time": 2.0, "min_accuracy": {"GSM8K": 0.952}},
        {"max_mean_kv_tokens": 300.0, "max_mean_tokens": 1e5},
        {"objective": "accuracy", "max_mean_wait": 0.2, "linear": ((1.0, 1.0, 0.0, 0.0, 0.0, 5000.0),)},
    ],
)
def test_targets_have_the_prices_of_the_other_road(asked: dict[str, Any]) -> None:
    targets = Targets(**asked)
    problem = feasible(QWEN, targets)
    found = certify_constrained(problem)
    rows = targets.linear
    constraints = (lambda l: [np.array(row[:-1]) @ l <= row[-1] for row in rows]) if rows else None
    other = cvxtoken.solve(
        QWEN, constraints=constraints, **{key: value for key, value in asked.items() if key != "linear"}
    ).certificate
    assert isinstance(other, cvxtoken.Certificate)
    assert max(found.lower, other.lower) <= min(found.upper, other.upper)
    here, there = found.multipliers, other.multipliers
    for name in targets.limits:
        assert float(here.of(name)) == pytest.approx(float(there.of(name)), rel=1e-12), name
    assert here.min_accuracy.keys() == targets.min_accuracy.keys()
    for name, price in here.min_accuracy.items():
        assert float(price) == pytest.approx(float(there.min_accuracy[name]), rel=1e-12), name
    assert [float(x) for x in here.linear] == pytest.approx([float(x) for x in there.linear], rel=1e-12)
    assert any(here.limits.values()), "one of them at least is active"


@pytest.mark.parametrize(
    "constraints",
    [
        lambda l: [l[0] == 40000],
        lambda l: [l[0] == l[1], cp.norm(l) <= 10, l[1] + l[2] == 50],
        lambda l: [cp.exp(l[0] / 1e3) <= 0.5],
        lambda l: [cp.sum(l) >= 1e5, l[0] == l[1]],
    ],
    ids=["box", "norm", "exponential", "load"],
)
def test_no_point_is_an_error_with_its_proof(constraints: Constraints, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="no allocation meets the targets and constraints") as caught:
        cvxtoken.solve(QWEN, constraints=constraints)
    proof = caught.value.proof
    assert "has no tokens that meet all of this" in proof.check()
    proof.save(tmp_path / "proof.json")
    assert ConstrainedProof.load(tmp_path / "proof.json").check() == proof.check()
    with pytest.raises(CertificateError, match="not one of two bounds: its claim is 'infeasible'"):
        ConstrainedCertificate.load(tmp_path / "proof.json")


def test_accuracy_alone_has_an_optimum_only_below_full_load() -> None:
    one = QWEN.replace(arrival_rate=1.0, overhead=[0.0] * 5, prior=[0.2] * 5, time_per_token=[2.0**-11] * 5)
    limit = 2048.0 - 2.0**-20
    asked, one_less = Targets("accuracy"), Targets("accuracy", linear=((1.0, 1.0, 1.0, 1.0, 1.0, 5 * limit),))
    with pytest.raises(ProblemError, match="more tokens are better until the server has no idle share left"):
        certify_constrained(feasible(one, asked))
    with pytest.raises(ProblemError, match="more tokens are better until the server has no idle share left"):
        certify_constrained(feasible(FULL, asked))  # the proof's own tokens are a hair below full load
    with pytest.raises(ProblemError, match="more tokens are better until the server has no idle share left"):
        cvxtoken.solve(QWEN, objective="accuracy", constraints=lambda l: [l[0] == l[1]])
    found = certify_constrained(feasible(one, one_less))
    assert found.relative_gap <= CLOSED
    assert model.is_stable(one, found.tokens)


def test_what_cvxpy_replaces_is_said_to_be_uncertified() -> None:
    found = cvxtoken.solve(QWEN, constraints=lambda l: [cp.pnorm(l, 1.23456789) <= 9000])
    assert found.status == "uncertified"
    assert "CVXPY replaces exponents in" in found.uncertified_because
    assert isinstance(found.certificate, cvxtoken.Certificate)


def test_semidefinite_constraints_are_certified_too() -> None:
    """[[l0, 2 l1], [2 l1, 3 l1]] positive semidefinite is 3 l0 >= 4 l1, for l1 > 0."""
    found, row = (
        cvxtoken.solve(QWEN, constraints=constraints).certificate
        for constraints in (
            lambda l: [cp.bmat([[l[0], 2 * l[1]], [2 * l[1], 3 * l[1]]]) >> 0],
            lambda l: [3 * l[0] >= 4 * l[1]],
        )
    )
    assert isinstance(found, ConstrainedCertificate)
    assert max(found.relative_gap, row.relative_gap) <= CLOSED
    assert max(found.lower, row.lower) <= min(found.upper, row.upper)


def test_a_file_gives_back_all_of_it(tmp_path: Path) -> None:
    w, targets, constraints = random_case(3)
    further = further_cones(constraints, len(w))
    assert further is not None
    made = certify_constrained(feasible(w, targets), further.program)
    made.save(tmp_path / "proof.json")
    read = ConstrainedCertificate.load(tmp_path / "proof.json")
    assert read.to_document() == made.to_document()
    assert (read.workload, read.targets, read.tokens) == (made.workload, made.targets, made.tokens)
    assert read.multipliers == made.multipliers


def test_what_is_printed_names_what_is_proven() -> None:
    found = cvxtoken.solve(QWEN, constraints=lambda l: [l[0] == 2 * l[1]], max_mean_wait=5.0)
    text, document = str(found), found.to_document()
    assert "of the model, further constraints as CVXPY compiles them" in text
    assert f"constraint        {found.constraints[0]}" in text
    assert "max_mean_wait <= 5 s" in text
    assert "not active" in text
    assert document["status"] == "certified"
    assert document["constraints"] == list(found.constraints)
    with pytest.raises(cvxtoken.ProblemError, match="without further constraints"):
        cvxtoken.sensitivity(found)


def test_compiled_forms_are_not_the_model_and_the_exact_cones_are() -> None:
    """CVXPY rounds sqrt(pi) and products of the data: each of its forms has an optimum of its own."""
    exact = cvxtoken.solve(QWEN).certificate
    cones = certify_constrained(feasible(QWEN, Targets()))
    assert max(cones.lower, exact.lower) <= min(cones.upper, exact.upper)
    for form in FORMS:
        if form != "balanced":  # which scales J
            proof = certify_cone(compiled(program(QWEN, form).problem))
            assert proof.lower is not None
            assert proof.data_radius is not None
            off = abs(proof.lower - exact.lower)
            assert Decimal("1e-17") < off < Decimal("1e-13"), form
            assert off < 2 * Decimal(proof.data_radius), form
