"""Certificates of very many types, in arrays: what they state, and who checks it."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

import cvxtoken
from cvxtoken import Multipliers, ProblemError, Targets, UnstableError, Workload, certify
from cvxtoken.allocation.proof import certificate
from cvxtoken.arrays import FloatArray
from tests.support.instances import realistic
from tests.support.thorough import some


@pytest.fixture
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrays prove all sizes, so that decimals can be held against them."""
    monkeypatch.setattr(certificate, "LARGE", 1)


def optimum(workload: Workload) -> FloatArray:
    return cvxtoken.solve_many([workload], prove=True).tokens[0]


@pytest.mark.usefixtures("small_is_large")
@pytest.mark.parametrize("seed", some(range(12), 3))
@pytest.mark.parametrize("share", [1.0, 1 - 1e-7, 0.8, 0.0])
def test_it_states_what_decimals_state(seed: int, share: float) -> None:
    w = realistic(seed, 6)
    tokens = optimum(w) * share
    found, exact = certify(w, tokens), certify(w, tokens, digits=60)
    assert found.digits == 50
    assert found.lower <= exact.lower + Decimal("1e-40")
    assert found.upper >= exact.upper - Decimal("1e-40")
    assert found.relative_gap <= Decimal("1.2") * exact.relative_gap + Decimal("2e-16")
    if share == 1.0:
        assert found.relative_gap <= Decimal("1e-16")
        assert max(found.radii) <= 4 * max(exact.radii) + Decimal("1e-9")
    assert found.check().startswith("proven: ")
    best = [Decimal(l) for l in cvxtoken.solve(w).certificate.tokens]
    for l, radius, true in zip(found.tokens, found.radii, best, strict=True):
        assert abs(l - true) <= radius


@pytest.mark.usefixtures("small_is_large")
def test_under_targets_too() -> None:
    w = realistic(4, 5)
    free = cvxtoken.solve(w)
    limited = cvxtoken.solve(w, max_mean_system_time=free.mean_system_time * 0.8)
    tokens = limited.tokens * (1 - 1e-13)  # the target is met
    found = certify(w, tokens, 0, limited.targets, limited.certificate.multipliers)
    assert found.digits == 50
    assert found.relative_gap <= Decimal("1e-11")
    assert "max_mean_system_time" in found.check()


@pytest.mark.usefixtures("small_is_large")
def test_what_arrays_cannot_prove_is_left_to_decimals() -> None:
    w = realistic(2, 3)
    accuracy = Targets(objective="accuracy", max_mean_tokens=50.0)
    with pytest.raises(ProblemError, match="may have no optimum"):
        certify(w, np.zeros(3), 0, accuracy, Multipliers())
    assert certify(w, [Decimal("0.1")] * 3).digits != 50
    assert certify(w.replace(accuracy_weight=1e30, max_tokens=1.0), np.ones(3)).digits != 50
    with pytest.raises(UnstableError):
        certify(w.replace(max_tokens=1e6), np.full(3, 1e6))
    with pytest.raises(ProblemError, match="it must be from 0 to"):
        certify(w, np.full(3, np.nan))


def test_many_types_are_solved_and_certified() -> None:
    """Without a convex solver: it would take minutes, and has nothing to tell."""
    w = realistic(5, 25_000)
    found = cvxtoken.solve(w)
    assert found.status == "certified"
    assert found.relative_gap <= 1e-16
    assert found.solver.form == "no"
    assert found.solver.said.endswith("not asked: 25000 types, more than 20000")
    assert certify(w.replace(arrival_rate=w.arrival_rate * 0.9), found.tokens).relative_gap > 1e-6
