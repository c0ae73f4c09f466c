"""The proof of lagged budgets as an object and as a file; the checker itself is in test_lagged_verifier."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import cvxtoken
from cvxtoken import CertificateError, SolverError
from cvxtoken.lagged import LaggedCertificate, LaggedWorkload, reference, search, solve_lagged
from cvxtoken.lagged.bounds import LaggedBounds
from cvxtoken.lagged.envelope import Choice
from cvxtoken.precision import SQUARED
from cvxtoken.rigorous import double_above, double_below
from cvxtoken.verifier import allocation as verifier
from cvxtoken.verifier import lagged as lagged_verifier
from tests.lagged.test_reference import random_problem
from tests.support.instances import changed, varying
from tests.support.thorough import some


def test_a_result_states_what_its_certificate_proves() -> None:
    problem = random_problem(35, 4)
    found = solve_lagged(problem)
    proof = found.certificate
    assert (found.lower, found.upper) == (double_below(proof.lower), double_above(proof.upper))
    assert found.relative_gap == float(proof.relative_gap)
    assert list(map(float, proof.tokens)) == found.tokens.tolist()
    assert len(proof.leaves) > 1
    hopeless = problem.lag >= problem.workload.max_tokens
    assert hopeless.any()
    assert all(leaf.choices[k] == "." for leaf in proof.leaves for k in np.flatnonzero(hopeless))


def test_a_file_is_read_back_and_checked(tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    problem = random_problem(20, 4)
    for workload in (problem.workload, varying(problem.workload)):
        proof = solve_lagged(LaggedWorkload(workload, problem.lag)).certificate
        proof.save(file)
        read = LaggedCertificate.load(file)
        assert read.to_document() == proof.to_document()
        assert replace(read, problem=proof.problem) == proof
        assert lagged_verifier.check(verifier.read(str(file))).startswith("proven: ")
    file.write_text(json.dumps(proof.to_document() | {"upper": str(proof.lower)}))
    with pytest.raises(CertificateError, match=r"proof\.json: upper is below what leaf"):
        LaggedCertificate.load(file)
    with pytest.raises(CertificateError, match="cannot be read"):
        LaggedCertificate.load(tmp_path / "none.json")


def test_what_the_checker_refuses_is_not_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*arguments: object) -> search.Found:
        found = search.search(*arguments)  # type: ignore[arg-type]
        return replace(found, upper=found.lower)

    monkeypatch.setattr(reference, "search", wrong)
    with pytest.raises(CertificateError, match="refused: upper is below"):
        solve_lagged(random_problem(0))


def test_nodes_that_are_left_open_are_leaves_too(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = LaggedWorkload(cvxtoken.load("qwen3-8b"), [2000, 2000, 900, 170, 2000])
    assert [leaf.choices for leaf in solve_lagged(problem, time_limit=1e-9).certificate.leaves] == ["....."]
    full = solve_lagged(problem)
    assert full.exhausted
    for leaves in range(2, len(full.certificate.leaves)):
        monkeypatch.setattr(lagged_verifier, "MAX_WORK", 5 * 100**2 * leaves)
        stopped = solve_lagged(problem)
        assert not stopped.exhausted
        assert len(stopped.certificate.leaves) == leaves
        assert stopped.lower <= full.lower <= full.upper <= stopped.upper


def test_choices_that_leave_nothing_stable_are_leaves_without_a_point() -> None:
    crowded = random_problem(1, 4)
    workload = changed(crowded.workload, 0.99, accuracy_weight=1e8)
    found = solve_lagged(LaggedWorkload(workload, crowded.lag))
    unstable = [leaf.choices for leaf in found.certificate.leaves if leaf.point is None]
    assert unstable
    assert all("1" in choices for choices in unstable)


@pytest.mark.parametrize("seed", some(range(25), 7))
def test_a_checker_has_room_to_round(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Near rho = 1 too, where the idle share cancels, at points far from the optimum, and of tiny weights."""
    monkeypatch.setattr(lagged_verifier, "cover", lambda leaves: None)  # a leaf alone does not
    rng = np.random.default_rng([seed, 3])
    for _ in range(8):
        problem = random_problem(int(rng.integers(1000)), int(rng.integers(1, 30)))
        rho = (0.5, 0.99, 1 - 1e-6, 1 - 1e-9, 1 - 1e-12)[seed % 5]
        w = changed(problem.workload, rho, accuracy_weight=10 ** rng.uniform(0, 8))
        if rng.random() < 0.1:
            w = w.replace(overhead=0 * w.overhead, arrival_rate=1e-15, accuracy_weight=1e-15)
        w = varying(w, seed) if seed % 2 else w
        can = (problem.lag > 0) & (problem.lag < w.max_tokens)
        choices = np.where(can, rng.integers(0, 3, len(w)), Choice.FREE)
        tokens = w.max_tokens * rng.uniform(size=len(w)) ** 3
        used = w.arrival_rate * float(w.prior * w.time_per_token @ tokens)
        tokens *= min(1.0, float(w.idle_at_zero) / used * (1 - 10 ** rng.uniform(-8, -0.1)))
        bounds = LaggedBounds(LaggedWorkload(w, problem.lag), tokens.tolist(), choices)
        data, _ = lagged_verifier.read_instance(w.to_instance(), problem.lag.tolist())
        point = [Decimal(l) for l in tokens.tolist()]
        leaf = ("".join(".01"[choice] for choice in choices), point)
        lagged_verifier.prove(data, point, [leaf], bounds.lower, bounds.upper, SQUARED)


def test_without_a_solver_the_bounds_at_no_tokens_remain(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = random_problem(35, 4)
    best = solve_lagged(problem)
    monkeypatch.setattr(search._Search, "relaxed", lambda self, choices: None)
    monkeypatch.setattr(search._Search, "settled", lambda self, choices: None)
    found = solve_lagged(problem)
    assert found.nodes > 1
    assert (found.exhausted, found.status) == (True, "uncertified")
    assert found.tokens.tolist() == [0] * 4
    assert best.upper < found.upper <= found.envelope_upper < np.inf


def test_an_idle_share_beyond_the_working_precision_is_an_error() -> None:
    """Here it is 2^-212."""
    parts = [2.0 ** (-53 * k) - 2.0 ** (-53 * (k + 1)) for k in range(4)]
    workload = cvxtoken.Workload(
        names=list("abcd"),
        prior=[0.25] * 4,
        accuracy_gain=[0.5] * 4,
        saturation_rate=[0.01] * 4,
        base_accuracy=[0.1] * 4,
        overhead=[4 * part for part in parts],
        time_per_token=[0.001] * 4,
        max_tokens=1000.0,
        arrival_rate=1.0,
        accuracy_weight=10.0,
    )
    with pytest.raises(SolverError, match="too small to be told from 0 with 50 digits"):
        solve_lagged(LaggedWorkload(workload, [10, 0, 0, 0]))
