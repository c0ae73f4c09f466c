from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cvxtoken
from cvxtoken import (
    CertificateError,
    IntegerCertificate,
    ProblemError,
    SolverError,
    UnstableError,
    solve_integer,
)
from cvxtoken.allocation.prices.search import solve_prices
from cvxtoken.verifier import whole as checker
from cvxtoken.whole import reference as integer
from cvxtoken.whole.search import Found, search, twins
from tests.support import truth
from tests.support.instances import boxed, changed, realistic, stress
from tests.support.thorough import some


@pytest.mark.parametrize("block", some(range(10), 3))
def test_agrees_with_brute_force_and_the_saved_proof_is_accepted(block: int, tmp_path: Path) -> None:
    for seed in range(35 * block, 35 * block + 35):
        w = boxed(seed)
        found = solve_integer(w)
        best, J = truth.best_whole(w)
        assert found.exact, seed
        assert found.tokens.tolist() in best, seed
        proof = found.certificate
        assert truth.exact(proof.lower) <= J <= truth.exact(proof.upper)
        assert found.objective == pytest.approx(float(J), rel=1e-15, abs=1e-15)
        proof.save(tmp_path / "proof.json")
        assert IntegerCertificate.load(tmp_path / "proof.json") == proof


@pytest.mark.parametrize("size", some([2, 1, 6, 20, 50, 100], 2))
@pytest.mark.parametrize("seed", [300, 301])
def test_realistic_workloads_are_solved_exactly(size: int, seed: int) -> None:
    w = realistic(seed, size)
    found = solve_integer(w)
    assert found.exact
    reference = cvxtoken.solve(w)
    assert found.objective <= reference.upper
    for rounding, loss in found.roundings().values():
        assert found.objective >= rounding.objective
        assert 0 <= loss <= rounding.loss


@pytest.mark.parametrize("seed", some([100, 106, 115, 119, 129], 2))
def test_what_one_multiplier_a_cell_cannot_close(seed: int) -> None:
    """Few steps of y are large here: with the best multiplier alone millions of allocations are left."""
    assert solve_integer(realistic(seed, 20 if seed == 119 else 100)).exact


def test_stress_matrix() -> None:
    for name, w in stress((1, 6)):
        assert solve_integer(w, time_limit=600).exact, name  # some seconds in all, on any machine


def copies(size: int) -> cvxtoken.Workload:
    """One type in so many equal copies."""
    one = realistic(8, 1)
    fields = ("accuracy_gain", "saturation_rate", "base_accuracy", "overhead", "time_per_token", "max_tokens")
    columns = {field: np.repeat(getattr(one, field), size) for field in fields}
    return one.replace(names=[f"copy {k}" for k in range(size)], prior=np.full(size, 1 / size), **columns)


@pytest.mark.parametrize("size", [2, 16, 64])
def test_identical_types_tie_and_are_still_exact(size: int) -> None:
    w = copies(size)
    assert len(set(twins(w).tolist())) == 1
    found = solve_integer(w)
    assert found.exact
    assert found.tokens.max() - found.tokens.min() <= 1


def test_a_time_limit_leaves_a_certified_gap() -> None:
    w = realistic(0, 100)
    found = solve_integer(w, time_limit=1e-9)
    assert not found.exact
    assert 1e-25 < found.relative_gap < 1e-6
    assert found.objective <= solve_integer(w).objective <= found.upper


def test_what_the_checker_refuses_is_not_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that overlooks everything ends in the bound of the continuous problem, not in a lie."""
    w = realistic(0, 20)
    best = solve_integer(w)
    worse = np.array(best.tokens, dtype=float)
    worse[np.argmax(w.prior * w.time_per_token)] += 1

    def overlooks(*_: object) -> Found:
        true = search(w, solve_prices(w), 10)
        loss = true.loss + best.objective - float(cvxtoken.certify(w, worse).lower)
        return replace(true, ties=[worse], loss=loss, missing=0.0)

    monkeypatch.setattr(integer, "search", overlooks)
    found = solve_integer(w)
    assert not found.exact
    assert found.upper >= best.objective

    monkeypatch.setattr(checker, "prove", lambda *_: checker.require(False, "no"))
    with pytest.raises(CertificateError, match="refused: no"):
        solve_integer(w)


def test_loss_of_given_tokens() -> None:
    w = boxed(3)
    found = solve_integer(w)
    _, J = truth.best_whole(w)
    lost = float(J - truth.objective(w, [0] * len(w)))
    assert found.loss([0] * len(w)) == pytest.approx(lost, rel=1e-12)
    assert 0 <= found.loss(found.tokens) < 1e-20 * (1 + abs(found.objective))


def test_bad_requests() -> None:
    w = realistic(1, 2)
    found = solve_integer(w)
    for tokens, error, message in (
        ([1.5, 2], ProblemError, "tokens of 'task 0' is 1.5; it must be a whole number"),
        ([1], ProblemError, "tokens has shape"),
        ([-1, 0], ProblemError, "must be from 0"),
    ):
        with pytest.raises(error, match=message):
            found.loss(tokens)
    busy = changed(w, 1 - 1e-9)
    with pytest.raises(UnstableError):
        solve_integer(busy).loss([32768, 32768])
    with pytest.raises(UnstableError):
        solve_integer(w.replace(arrival_rate=1e3))
    with pytest.raises(SolverError, match="the search fails on data beyond float64"):
        solve_integer(realistic(1, 3).replace(accuracy_weight=1e305))
    for limit in (0, -1, float("nan")):
        with pytest.raises(ProblemError, match="time_limit is"):
            solve_integer(w, time_limit=limit)


def test_load_refuses_a_false_proof(tmp_path: Path) -> None:
    document = solve_integer(boxed(1)).certificate.to_document()
    document["tokens"][0] += 1
    path = tmp_path / "false.json"
    path.write_text(json.dumps(document))
    with pytest.raises(CertificateError, match=r"false\.json: the tokens are not stable"):
        IntegerCertificate.load(path)
