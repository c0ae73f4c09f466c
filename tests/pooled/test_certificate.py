"""The proof as an object and as a file; the checker itself is in tests/verifier/test_pooled.py."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from cvxtoken import CertificateError
from cvxtoken.pooled import PooledCertificate, PooledWorkload, reference, search, solve_pooled
from cvxtoken.pooled.bounds import Cell, attained, line_above, under_line, without_waits
from cvxtoken.precision import SQUARED
from cvxtoken.rigorous import double_above, double_below
from cvxtoken.verifier import allocation as verifier
from cvxtoken.verifier import pooled as pooled_verifier
from tests.pooled.instances import random_problem
from tests.support.instances import changed, varying
from tests.support.thorough import some


def test_a_result_states_what_its_certificate_proves() -> None:
    problem = random_problem(1)
    found = solve_pooled(problem.workload, problem.servers)
    proof = found.certificate
    assert (found.lower, found.upper) == (double_below(proof.lower), double_above(proof.upper))
    assert found.relative_gap == float(proof.relative_gap)
    assert list(map(float, proof.tokens)) == found.tokens.tolist()
    assert found.cells == len(proof.cells) > 1
    assert proof.cells[-1].right == problem.servers


def test_a_file_is_read_back_and_checked(tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    for seed in (1, 2):  # with a cell without a line, and with deviations
        problem = random_problem(seed)
        proof = solve_pooled(problem.workload, problem.servers).certificate
        proof.save(file)
        read = PooledCertificate.load(file)
        assert read.to_document() == proof.to_document()
        assert replace(read, problem=proof.problem) == proof
        assert pooled_verifier.check(verifier.read(str(file))).startswith("proven: ")
    file.write_text(json.dumps(proof.to_document() | {"upper": str(proof.lower)}))
    with pytest.raises(CertificateError, match=r"proof\.json: upper is below what the cell to"):
        PooledCertificate.load(file)
    with pytest.raises(CertificateError, match="cannot be read"):
        PooledCertificate.load(tmp_path / "none.json")


def test_what_the_checker_refuses_is_not_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*arguments: object) -> search.Found:
        found = search.search(*arguments)  # type: ignore[arg-type]
        return replace(found, upper=found.lower)

    monkeypatch.setattr(reference, "search", wrong)
    problem = random_problem(0)
    with pytest.raises(CertificateError, match="refused: upper is below"):
        solve_pooled(problem.workload, problem.servers)


def test_no_more_cells_are_made_than_a_checker_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = random_problem(2)
    full = solve_pooled(problem.workload, problem.servers)
    for cells in (3, 6, 10):
        most = pooled_verifier.work(len(problem), problem.servers, cells, SQUARED)
        monkeypatch.setattr(pooled_verifier, "MAX_WORK", most)
        stopped = solve_pooled(problem.workload, problem.servers)
        assert not stopped.exhausted
        assert stopped.cells <= cells < full.cells
        assert stopped.lower <= full.lower <= full.upper <= stopped.upper


@pytest.mark.parametrize("seed", some(range(25), 7))
def test_a_checker_has_room_to_round(seed: int) -> None:
    """Near a full load too, where idle shares cancel, at points far from the optimum, and of tiny weights."""
    rng = np.random.default_rng([seed, 3])
    for _ in range(6):
        problem = random_problem(int(rng.integers(1000)), int(rng.integers(1, 20)))
        R = problem.servers
        rho = (0.5, 0.99, 1 - 1e-6, 1 - 1e-9, 1 - 1e-12)[seed % 5]
        w = problem.workload.replace(overhead=problem.workload.overhead + 0.01)
        w = changed(w, R * rho, accuracy_weight=10 ** rng.uniform(-9, 8))
        w = varying(w, seed) if seed % 2 else w
        problem = PooledWorkload(w, R)
        tokens = w.max_tokens * rng.uniform(size=len(w)) ** 3
        used = w.arrival_rate * float(w.prior * w.time_per_token @ tokens)
        spare = float(R - problem.least_load)
        tokens *= min(1.0, spare / used * (1 - 10 ** rng.uniform(-8, -0.1)))
        left = Decimal(float(problem.least_load) * (1 - 1e-9))
        line = line_above(problem, float(left), float(R))
        point = tuple(map(Decimal, tokens.tolist()))
        price = Decimal(10 ** rng.uniform(-3, 3))
        for cell, upper in (
            (Cell(Decimal(R), line, point), under_line(problem, line, tokens.tolist())),
            (Cell(Decimal(R), None, (), price), without_waits(problem, Decimal(R), price)),
        ):
            lower = min(attained(problem, tokens.tolist()), upper)
            proof = PooledCertificate(problem, point, lower, upper, left, (cell,), SQUARED)
            proof.check()
