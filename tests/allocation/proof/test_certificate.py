from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken import CertificateError, ProblemError, UnstableError, rigorous, verifier
from cvxtoken.allocation.proof import certificate
from tests.support import truth
from tests.support.instances import changed, realistic, stress


def test_more_digits_give_a_smaller_gap() -> None:
    w = realistic(5, 5)
    best, _ = truth.optimum(w)
    coarse = certificate.certify(w, cvxtoken.solve(w).tokens)
    fine = certificate.certify(w, [Decimal(truth.mp.nstr(l, 40, strip_zeros=False)) for l in best])
    assert fine.relative_gap < Decimal("1e-70") < coarse.relative_gap
    assert fine.lower <= coarse.upper
    assert coarse.lower <= fine.upper


def test_gap_is_of_second_order() -> None:
    w = realistic(6, 5)
    tokens = cvxtoken.solve(w).tokens
    inside = (tokens > 0) & (tokens < w.max_tokens)
    gaps = [
        float(certificate.certify(w, np.where(inside, tokens * (1 + step), tokens)).relative_gap)
        for step in (1e-4, 1e-5)
    ]
    assert gaps[0] / gaps[1] == pytest.approx(100, rel=0.01)


def test_uniform_allocation_of_the_default_workload() -> None:
    """From the literature's comparison: the best uniform budget is about 4360 tokens at weight 60."""
    w = cvxtoken.load("qwen3-8b").replace(accuracy_weight=60)
    proof = certificate.certify(w, [4360.0] * 5)
    assert float(proof.lower) == pytest.approx(20.7886, abs=5e-5)
    assert float(proof.upper) > 21.9316 - 5e-5


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([1.0], "has 1 numbers"),
        ([1.0, float("nan")], "'task 1' is nan"),
        ([1.0, float("inf")], "'task 1' is inf"),
        ([-1e-30, 1.0], "'task 0' is -1"),
        ([0.0, 10**400], "'task 1' is 1000"),
        ([0.0, Decimal("32768.0000000000000000000000001")], "'task 1' is .*it must be from 0 to 32768"),
        (["1", 1.0], "'task 0' is '1'; it must be a number"),
        ([True, 1.0], "'task 0' is True; it must be a number"),
        ("11", "tokens is '11'; it must be a list of numbers"),
        ([0.0, Decimal("1e-100000")], "must be 0 or at least 1e-9000"),
        ([0.0, Decimal("0." + "3" * 200)], "tokens need 420 working digits; more than 400 cannot be checked"),
    ],
)
def test_bad_tokens(tokens: list[Any], message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        certificate.certify(realistic(1, 2), tokens)


@pytest.mark.parametrize("size", [1, 5])
def test_the_worst_allocations_are_bounded_too(size: int) -> None:
    """At the corners nothing but the box itself bounds the optimum: radii reach it, and no further."""
    w = realistic(8, size).replace(max_tokens=50.0, arrival_rate=0.01)
    for weight in (1e-6, 1e-3, 1.0, 1e3, 1e6):
        for tokens in ([0.0] * size, [50.0] * size):
            proof = certificate.certify(w.replace(accuracy_weight=weight), tokens)
            assert max(proof.radii) <= 50
            verifier.check(proof.to_document())


def test_limits_of_many_digits_are_reached() -> None:
    """0.1 has 55 decimal digits, one more than the working precision."""
    w = cvxtoken.load("qwen3-8b").replace(max_tokens=0.1)
    for tokens in ([0.0] * 5, [0.1] * 5, [0.05] * 5):
        verifier.check(certificate.certify(w, tokens).to_document())


def test_precision_grows_until_rounding_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    w = realistic(5, 5)
    tokens = cvxtoken.solve(w).tokens
    usual = certificate.certify(w, tokens)
    monkeypatch.setattr(certificate, "Rounding", lambda digits: rigorous.Rounding(digits - 38))
    grown = certificate.certify(w, tokens)
    assert grown.digits == 2 * 54 - 38
    assert float(grown.relative_gap) == pytest.approx(float(usual.relative_gap), rel=0.02)


def test_an_idle_share_of_two_to_the_minus_104_is_seen() -> None:
    """With t0 = 1 + 2^-52 and lambda = 1 - 2^-52: a float would call it unstable."""
    w = realistic(5, 1).replace(prior=[1.0], overhead=[1 + 2.0**-52], arrival_rate=1 - 2.0**-52)
    assert cvxtoken.solve(w).status == "certified"


def test_unstable_tokens() -> None:
    with pytest.raises(UnstableError, match="must be below 1"):
        certificate.certify(changed(realistic(1, 2), 0.999), [32768.0, 32768.0])


@pytest.mark.parametrize(("name", "w"), list(stress((1, 6)))[::3])
def test_files_come_back_as_they_were(name: str, w: cvxtoken.Workload, tmp_path: Path) -> None:
    proof = cvxtoken.solve(w).certificate
    proof.save(tmp_path / "proof.json")
    again = certificate.Certificate.load(tmp_path / "proof.json")
    assert again == proof
    assert again.relative_gap == proof.relative_gap


def test_a_damaged_file_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "proof.json"
    cvxtoken.solve(realistic(1, 2)).certificate.save(path)
    path.write_text(path.read_text().replace('"accuracy_weight": ', '"accuracy_weight": 1'))
    with pytest.raises(CertificateError, match="SHA-256"):
        certificate.Certificate.load(path)
    with pytest.raises(CertificateError, match="cannot be read"):
        certificate.Certificate.load(tmp_path / "none.json")
