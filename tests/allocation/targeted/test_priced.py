"""Limits on very many types, by one multiplier: the optimum that the polish in decimals finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

import cvxtoken
from cvxtoken import Targets, Workload
from cvxtoken.allocation import model
from cvxtoken.allocation.proof import certificate
from cvxtoken.allocation.targeted import optimum
from cvxtoken.allocation.targeted.feasible import feasible
from cvxtoken.allocation.targeted.optimum import certify_targets
from cvxtoken.allocation.targeted.priced import is_priced, priced_candidates
from tests.support.instances import realistic, varying


def limited(workload: Workload, share: float) -> Iterator[Targets]:
    """Limits between what no tokens need and what the best tokens do."""
    best = cvxtoken.price_newton(workload).tokens
    for name, value in (
        ("max_mean_system_time", model.mean_system_time),
        ("max_mean_wait", model.mean_wait),
        ("max_utilization", model.utilization),
    ):
        least, most = (float(value(workload, l)) for l in (0 * best, best))
        yield Targets(**{name: least + share * (most - least)})
    tokens = float(workload.prior @ best)
    yield Targets(max_mean_tokens=share * tokens)
    gain, b, D = workload.accuracy_gain, workload.saturation_rate, workload.base_accuracy
    more = np.minimum(1.2 * best + 10, workload.max_tokens)
    floors = dict(zip(workload.names[::2], (D - gain * np.expm1(-b * more))[::2].tolist(), strict=True))
    yield Targets(min_accuracy=floors)
    least = np.where(np.arange(len(best)) % 2, 0.0, more)
    room = (share * tokens + float(workload.prior @ least)) if share < 1 else 2 * tokens
    yield Targets(min_accuracy=floors, max_mean_tokens=room)
    yield Targets(objective="accuracy", max_mean_tokens=share * tokens, max_utilization=0.999)
    least, most = (float(model.mean_wait(workload, l)) for l in (0 * best, best))
    yield Targets(objective="accuracy", max_mean_wait=least + share * (most - least))


KINDS = ["plain", "times vary", "batching"]


def instance(kind: str, size: int) -> Workload:
    w = realistic(7, size)
    if kind == "batching":
        return w.replace(server=cvxtoken.Sharing(0.04))
    return varying(w, 2) if kind == "times vary" else w


@pytest.mark.parametrize(("kind", "share"), [*((kind, 0.5) for kind in KINDS), ("plain", 1.2)])
def test_it_finds_what_the_polish_finds(kind: str, share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    w = instance(kind, 6)
    for targets in limited(w, share):
        if targets.objective == "accuracy" and share > 1:
            continue
        exact = certify_targets(w, targets)
        with monkeypatch.context() as patched:
            patched.setattr(certificate, "LARGE", 1)
            patched.setattr(optimum, "LARGE", 1)
            found = certify_targets(w, targets)
        assert found.digits == 50, "in arrays"
        assert found.relative_gap <= Decimal("1e-15")
        assert abs(found.lower - exact.lower) <= Decimal("1e-15") * (1 + abs(exact.lower))
        assert found.check().startswith("proven: ")
        for name, multiplier in exact.multipliers.limits.items():
            assert float(found.multipliers.of(name)) == pytest.approx(float(multiplier), rel=1e-9, abs=1e-9)
        for name, multiplier in exact.multipliers.min_accuracy.items():
            priced = float(found.multipliers.min_accuracy[name])
            assert priced == pytest.approx(float(multiplier), rel=1e-6, abs=1e-9)


VALUES = {
    "max_mean_system_time": model.mean_system_time,
    "max_mean_wait": model.mean_wait,
    "max_utilization": model.utilization,
    "max_mean_tokens": lambda w, l: float(w.prior @ l),
}
PAIRS = {
    "plain": [(0, 3, "trade-off"), (1, 2, "trade-off"), (1, 2, "accuracy")],
    "times vary": [(0, 2, "trade-off"), (3, 2, "accuracy")],
    "batching": [(0, 3, "trade-off"), (1, 3, "accuracy")],
}


@pytest.mark.parametrize("kind", KINDS)
def test_two_active_limits_are_found_too(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first limit, and a little less than its optimum uses of a second; the proof says that it is best."""
    monkeypatch.setattr(certificate, "LARGE", 1)
    w, active = instance(kind, 6), 0
    best, names = cvxtoken.price_newton(w).tokens, list(VALUES)
    for number, other, objective in PAIRS[kind]:
        first, second = names[number], names[other]
        least, most = (float(VALUES[first](w, l)) for l in (0 * best, best))
        one = Targets(objective=objective, **{first: (least + most) / 2})
        with np.errstate(all="ignore"):  # of prices that are tried
            tokens, _ = next(priced_candidates(feasible(w, one)))
        least, most = (float(VALUES[second](w, l)) for l in (0 * tokens, tokens))
        targets = replace(one, **{second: least + 0.98 * (most - least)})
        with np.errstate(all="ignore"):
            candidates = list(priced_candidates(feasible(w, targets)))
        proofs = [cvxtoken.certify(w, l, 0, targets, m) for l, m in candidates]
        found = min(proofs, key=lambda proof: proof.relative_gap)
        assert found.digits == 50, "in arrays"
        assert found.relative_gap <= Decimal("1e-15")
        assert found.check().startswith("proven: ")
        active += len(found.multipliers.limits) == 2
    assert active >= 1


def test_five_thousand_types_are_certified_under_two_limits() -> None:
    w = realistic(3, 5000)
    one = certify_targets(w, next(limited(w, 0.5)))
    most = 0.97 * float(w.prior @ np.array([float(l) for l in one.tokens]))
    proof = certify_targets(w, replace(one.targets, max_mean_tokens=most))
    assert proof.digits == 50, "in arrays"
    assert proof.relative_gap <= Decimal("1e-15")
    assert min(proof.multipliers.limits.values()) > 0
    assert len(proof.multipliers.limits) == 2


def test_five_thousand_types_are_certified_under_a_limit() -> None:
    w = realistic(3, 5000)
    proof = certify_targets(w, next(limited(w, 0.5)))
    assert proof.relative_gap <= Decimal("1e-15")
    assert min(proof.multipliers.limits.values()) > 0


def test_what_one_multiplier_cannot_find_is_left_to_others() -> None:
    assert not is_priced(Targets(max_mean_kv_tokens=5.0))
    assert not is_priced(Targets(linear=((1.0, 2.0),)))
    w = realistic(3, 6)
    extreme = w.replace(accuracy_weight=1e300)
    with np.errstate(all="ignore"):
        assert list(priced_candidates(feasible(extreme, Targets(max_utilization=0.9)))) is not None
    rho0 = float(model.utilization(w, np.zeros(6)))
    load = rho0 + (1 - rho0) / 2
    [(tokens, _)] = priced_candidates(feasible(w, Targets(objective="accuracy", max_utilization=load)))
    least, most = (float(model.mean_wait(w, l)) for l in (np.zeros(6), tokens))
    three = Targets(
        objective="accuracy",
        max_utilization=rho0 + (1 - rho0) / 3,
        max_mean_tokens=0.6 * float(w.prior @ tokens),
        max_mean_wait=least + (most - least) / 4,
    )
    proof = certify_targets(w, three)
    assert proof.relative_gap <= Decimal("1e-20"), "whichever of them are active"
