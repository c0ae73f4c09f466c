"""Accuracy alone where nothing keeps the server idle: an optimum is stated only where there is one.

The largest accuracy over y >= 0 has a closed form but for one price, which bisection finds in 90 digits: the
optimum exists where y > 0 there, and the supremum is not attained where y = 0 or less.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken import ProblemError, Targets, verifier
from cvxtoken.allocation import model
from cvxtoken.allocation.proof.bounds import Bounds
from cvxtoken.allocation.proof.certificate import certify
from tests.support.thorough import some
from tests.support.truth import columns, exact, mp, mpf

NONE = "objective 'accuracy' (has no optimum here|may have no optimum)"


def best(w: cvxtoken.Workload, limit: float | None) -> list[Any]:
    """The most accurate tokens with sum pi l <= limit, stable or not (mpf)."""
    pi, A, b, *_ = columns(w)
    top = [exact(l) for l in w.max_tokens.tolist()]
    if limit is None or mp.fsum(p * l for p, l in zip(pi, top, strict=True)) <= exact(limit):
        return top

    def filled(log_price: Any) -> list[Any]:
        roots = [(mp.log(a * r) - log_price) / r for a, r in zip(A, b, strict=True)]
        return [min(max(l, mpf(0)), l_max) for l, l_max in zip(roots, top, strict=True)]

    low, high = mpf(-500), mpf(100)
    for _ in range(330):
        middle = (low + high) / 2
        spent = mp.fsum(p * l for p, l in zip(pi, filled(middle), strict=True))
        low, high = (middle, high) if spent > exact(limit) else (low, middle)
    return filled(high)


def idle(w: cvxtoken.Workload, tokens: list[Any]) -> Any:
    pi, _, _, _, t0, c, _, _ = columns(w)
    types = range(len(w))
    return 1 - exact(w.arrival_rate) * mp.fsum(pi[k] * (t0[k] + c[k] * tokens[k]) for k in types)


def random_problem(seed: int) -> tuple[cvxtoken.Workload, dict[str, float], Any]:
    """A workload, its targets, and y at the most accurate tokens: from about 1e-16 to 1, of either sign."""
    rng = np.random.default_rng([seed, 77])
    size = int(rng.integers(1, 5))
    gain, top = rng.uniform(0.1, 0.8, size), 10 ** rng.uniform(2, 4.5, size)
    prior = rng.uniform(0.1, 1, size)
    prior /= prior.sum()
    w = cvxtoken.Workload(
        names=[f"task {k}" for k in range(size)],
        prior=prior,
        accuracy_gain=gain,
        saturation_rate=10 ** rng.uniform(-4, -2, size),
        base_accuracy=rng.uniform(0, 1, size) * (1 - gain),
        overhead=rng.uniform(0, 0.3, size) * (rng.random() < 0.7),
        time_per_token=10 ** rng.uniform(-4, -2.5, size),
        arrival_rate=1.0,
        accuracy_weight=30.0,
        max_tokens=top,
    )
    limit = float(prior @ top * rng.uniform(0.1, 1.2)) if rng.random() < 0.6 else None
    y = rng.choice([-1, 1]) * 10.0 ** -rng.uniform(0.3, 15.5)
    busy = 1 - idle(w, best(w, limit))
    w = w.replace(arrival_rate=float((1 - mpf(y)) / busy))
    return w, {} if limit is None else {"max_mean_tokens": limit}, idle(w, best(w, limit))


SEEDS = some(range(120), 7)


@pytest.mark.parametrize("seed", some(SEEDS, 3))
def test_near_no_idle_share(seed: int) -> None:
    w, limits, y = random_problem(seed)
    if y <= 0:
        with pytest.raises(ProblemError, match=NONE):
            cvxtoken.solve(w, objective="accuracy", **limits)
        return
    found = cvxtoken.solve(w, objective="accuracy", **limits)
    assert found.status == "certified"
    assert verifier.check(found.certificate.to_document()).startswith("proven: ")
    J = mp.fsum(
        pi * (A * (1 - mp.exp(-b * l)) + D)
        for pi, A, b, D, l in zip(*columns(w)[:4], best(w, limits.get("max_mean_tokens")), strict=True)
    )
    rounding = mpf(10) ** -80  # of 90 digits
    assert exact(found.certificate.lower) - rounding <= J <= exact(found.certificate.upper) + rounding
    assert model.is_stable(w, found.tokens.tolist())
    assert found.utilization <= 1
    assert np.isfinite([found.mean_system_time, found.mean_wait]).all()


def test_both_kinds_are_tried() -> None:
    signs = [random_problem(seed)[2] > 0 for seed in SEEDS]
    assert 1 / 3 < np.mean(signs) < 2 / 3


ONE = cvxtoken.Workload(
    names=["a"],
    prior=[1.0],
    accuracy_gain=[0.5],
    saturation_rate=[0.001],
    base_accuracy=[0.25],
    overhead=[0.0],
    time_per_token=[2.0**-10],
    arrival_rate=0.5,
    accuracy_weight=30.0,
    max_tokens=2048.0,
)


@pytest.mark.parametrize(
    ("changes", "limits"),
    [
        ({}, {}),
        ({"max_tokens": 1e5}, {}),
        ({"max_tokens": 1e5}, {"max_mean_tokens": 2048.0}),
        ({"max_tokens": 1e5}, {"min_accuracy": {"a": 0.6}}),
        ({"max_tokens": np.nextafter(2048.0, 3000.0)}, {}),
    ],
    ids=["box", "beyond", "tokens", "floor", "one unit above"],
)
def test_where_the_best_tokens_fill_the_server_exactly(
    changes: dict[str, float], limits: dict[str, Any]
) -> None:
    with pytest.raises(ProblemError, match=NONE):
        cvxtoken.solve(ONE.replace(**changes), objective="accuracy", **limits)


def test_one_unit_below_there_is_an_optimum() -> None:
    w = ONE.replace(max_tokens=np.nextafter(2048.0, 0.0))
    found = cvxtoken.solve(w, objective="accuracy")
    assert found.status == "certified"
    assert found.tokens.tolist() == w.max_tokens.tolist()
    y = Fraction(1, 2**53)  # of which the doubles 1 - y and E[W] know nothing
    assert 1 - Fraction(found.tokens[0]) * Fraction(1, 2**11) == y
    assert found.mean_wait == pytest.approx(float((2 - 2 * y) ** 2 * Fraction(1, 4) / y), rel=1e-12)


def test_further_rows_that_keep_the_load_below_1_give_an_optimum() -> None:
    w = ONE.replace(max_tokens=1e5)
    found = cvxtoken.solve(w, objective="accuracy", constraints=lambda l: [l <= 2000])
    assert found.status == "certified"
    assert found.tokens == pytest.approx([2000], rel=1e-12)
    with pytest.raises(ProblemError, match=NONE):
        cvxtoken.solve(w, objective="accuracy", constraints=lambda l: [l <= 2048])


def test_a_proof_whose_radii_reach_full_load_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a writer without the rule would state: true bounds of a supremum that no tokens reach."""
    monkeypatch.setattr(Bounds, "require_optimum", lambda *_: None)
    accuracy = Targets(objective="accuracy")
    for nines in (3, 30, 150):
        tokens = [Decimal("2047." + nines * "9")]
        document = certify(ONE, tokens, 400, accuracy).to_document()
        with pytest.raises(verifier.Refused, match="there may be no optimum"):
            verifier.check(document)
    limited = Targets(objective="accuracy", max_utilization=0.75)
    assert verifier.check(certify(ONE, [1536.0], 400, limited).to_document()).startswith("proven: ")


def test_a_limit_on_the_load_of_1_or_more_is_refused() -> None:
    document = cvxtoken.solve(ONE, objective="accuracy", max_utilization=0.75).certificate.to_document()
    for limit in (1.0, 1.5):
        targets = document["targets"] | {"max_utilization": limit}
        with pytest.raises(verifier.Refused, match="max_utilization is out of its range"):
            verifier.check(document | {"targets": targets})


def test_stable_tokens_stay_stable_as_doubles() -> None:
    """The double nearest to 2048 - 1e-30 is 2048, at which nothing is idle."""
    tokens = [Decimal("2047." + 30 * "9")]
    assert model.is_stable(ONE, tokens)
    assert not model.is_stable(ONE, [2048.0])
    assert model.stable_doubles(ONE, tokens).tolist() == [np.nextafter(2048.0, 0.0)]
