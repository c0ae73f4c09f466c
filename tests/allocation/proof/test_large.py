"""Certificates of very many types, in arrays: what they state, and who checks it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import cvxtoken
from cvxtoken import (
    Certificate,
    Multipliers,
    ProblemError,
    Sharing,
    Targets,
    UnstableError,
    Workload,
    certify,
)
from cvxtoken.allocation.proof import certificate
from cvxtoken.arrays import FloatArray
from tests.support import truth
from tests.support.instances import changed, realistic, varying
from tests.support.thorough import some


@pytest.fixture
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrays prove all sizes, so that decimals can be held against them."""
    monkeypatch.setattr(certificate, "LARGE", 1)


def optimum(workload: Workload) -> FloatArray:
    return cvxtoken.solve_many([workload], prove=True).tokens[0]


def in_decimals(workload: Workload, tokens: FloatArray, digits: int = 60) -> Certificate:
    """The proof by intervals of decimals alone: tokens that are decimals are none of the arrays'."""
    return certify(workload, [Decimal(l) for l in tokens.tolist()], digits)


@pytest.mark.usefixtures("small_is_large")
@pytest.mark.parametrize("seed", some(range(12), 3))
@pytest.mark.parametrize("share", [1.0, 1 - 1e-7, 0.8, 0.0])
def test_it_states_what_decimals_state(seed: int, share: float) -> None:
    w = realistic(seed, 6)
    tokens = optimum(w) * share
    found, exact = certify(w, tokens), in_decimals(w, tokens)
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


KINDS: dict[str, Callable[[], Workload]] = {
    "plain": lambda: realistic(11, 6),
    "times vary": lambda: varying(realistic(12, 6), 2),
    "batching": lambda: realistic(13, 6).replace(server=Sharing(0.04)),
    "constant load": lambda: realistic(14, 6).replace(server=Sharing(0.0)),
    "nearly unstable": lambda: changed(realistic(15, 6), 1 - 1e-9),
    "large weight": lambda: realistic(16, 6).replace(accuracy_weight=1e8),
}


@pytest.mark.usefixtures("small_is_large")
@pytest.mark.parametrize("share", [1.0, 1 - 1e-9, 0.5, 0.0])
@pytest.mark.parametrize("kind", KINDS)
def test_with_digits_it_states_what_decimals_state(kind: str, share: float) -> None:
    """J to nearly all digits asked for, the gap as arrays know it; checked in decimals."""
    w = KINDS[kind]()
    tokens = optimum(w) * share
    found, exact = certify(w, tokens, 60), in_decimals(w, tokens)
    assert found.digits >= 60
    (low, high), (exact_low, exact_high) = (map(Fraction, (one.lower, one.upper)) for one in (found, exact))
    size = 1 + abs(exact_low)
    assert abs(low - exact_low) <= size / 10**38
    assert high >= exact_high - size / 10**38
    assert high - low <= Fraction("1.08") * (exact_high - exact_low) + size / 10**27
    assert found.check().startswith("proven: ")


@pytest.mark.usefixtures("small_is_large")
@pytest.mark.parametrize("digits", [60, 80])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.0])
def test_no_bound_with_digits_is_wrong(digits: int, share: float) -> None:
    for seed in range(6):
        w = realistic(seed, 5)
        l_best, best = truth.optimum(w)
        tokens = np.array([float(l) for l in l_best]) * share
        found = certify(w, tokens, digits)
        assert truth.exact(found.lower) <= truth.objective(w, tokens.tolist())
        assert truth.exact(found.lower) <= best <= truth.exact(found.upper)


@pytest.mark.usefixtures("small_is_large")
def test_digits_are_added_until_rounding_is_a_small_part() -> None:
    """1e-8 of the server is idle: numbers of 1e16 cancel, and 54 digits leave 1e-26 of J."""
    w = changed(realistic(15, 6), 1 - 1e-14).replace(accuracy_weight=1.0)
    found = certify(w, np.zeros(6), 20)
    assert found.digits > 54
    assert found.check().startswith("proven: ")


def test_a_hundred_thousand_types_are_proven_to_digits_by_whole_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Intervals of decimals would take half a minute; they are never asked."""
    w = realistic(3, 100_000)
    tokens = cvxtoken.price_newton(w).tokens
    with monkeypatch.context() as patched:
        patched.setattr(certificate, "Bounds", None)
        found, doubles = certify(w, tokens, 60), certify(w, tokens)
    assert found.digits == 60
    assert found.relative_gap <= Decimal("1e-15")
    assert abs(found.lower - doubles.lower) <= Decimal("1e-16") * (1 + abs(found.lower))
    assert doubles.lower <= found.upper
    assert found.lower <= doubles.upper


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
