"""Targets under sharing: proofs, the truth, and ties, as E[T], E[W] and rho are functions of y alone."""

from __future__ import annotations

import itertools
import json
from decimal import Decimal

import numpy as np
import pytest

import cvxtoken
from cvxtoken.allocation.proof.certificate import Certificate
from cvxtoken.allocation.targeted.feasible import upper_values
from cvxtoken.allocation.targeted.optimum import certify_targets
from cvxtoken.allocation.targets import Targets
from cvxtoken.delay import Sharing
from cvxtoken.verifier import allocation as verifier
from tests.support import served, truth
from tests.support import targets as judge
from tests.support.thorough import some
from tests.support.truth import exact, mp, mpf

ENOUGH = Decimal("1e-20")
OF_LOAD = ("max_mean_system_time", "max_mean_wait", "max_utilization")
SOME = served.some()


def proven(w: cvxtoken.Workload, targets: Targets) -> Certificate:
    """The proof, which the checker takes too and whose gap is closed."""
    proof = certify_targets(w, targets)
    assert verifier.check(json.loads(json.dumps(proof.to_document()))).startswith("proven")
    assert proof.relative_gap <= ENOUGH
    return proof


@pytest.mark.parametrize("seed", some(range(40), 7))
def test_random_targets_are_certified_and_true(seed: int) -> None:
    w = SOME[seed % len(SOME)]
    rng = np.random.default_rng([seed, 31])
    goal = ("trade-off", "accuracy")[seed // 2 % 2]
    targets = judge.random_targets(w, rng, goal, judge.combination(rng, goal), seed % 3 == 0)
    if targets.is_trivial:  # the road without targets ends in doubles, which prove less
        targets = Targets(max_mean_tokens=1e9)
    proof, best = proven(w, targets), judge.optimum(w, targets)
    assert best.low <= best.high <= best.low + (1 + abs(best.low)) * mpf(10) ** -20
    rounding = (1 + abs(best.low)) * mpf(10) ** -75  # of the truth's 90 digits, next to 1 / (lambda sigma)
    assert exact(proof.lower) <= best.low + rounding
    assert exact(proof.upper) >= best.low - rounding


@pytest.mark.parametrize("name", OF_LOAD)
@pytest.mark.parametrize("seed", some(range(6), 2))
def test_a_target_of_the_load_fixes_the_idle_share(name: str, seed: int) -> None:
    """Accuracy alone: the types share what tokens the limit leaves, A b e^(-b l) = eta c for one eta."""
    w = served.served(seed, 3)
    tokens = [Decimal(l) for l in (0.8 * cvxtoken.solve(w).tokens).tolist()]
    limit = float(upper_values(w, tokens)[name])
    proof = proven(w, Targets("accuracy", **{name: limit}))
    l = [exact(x) for x in proof.tokens]
    pi, A, b, _, t0, c, _, _ = truth.columns(w)
    lam, server = exact(w.rate), w.server
    sigma, sigma0 = exact(server.sigma), exact(server.overhead_share)  # type: ignore[attr-defined]
    T0 = mp.fsum(p * t for p, t in zip(pi, t0, strict=True))
    # the y at the limit, from E[T] = (T0 + C) / y, E[W] = (T0 + C) (1 - y) / y or rho = 1 - y, solved for C
    C = mp.fsum(p * x * y for p, x, y in zip(pi, c, l, strict=True))
    tau = exact(limit)
    y0, load = 1 - lam * sigma0 * T0, lam * sigma
    if name == "max_utilization":
        most = (tau - 1 + y0) / load
    elif name == "max_mean_system_time":
        most = (tau * y0 - T0) / (1 + tau * load)
    else:
        most = mp.findroot(lambda C: (T0 + C) * (1 - y0 + load * C) - tau * (y0 - load * C), C)
    assert abs(C - most) <= mpf(10) ** -30 * most
    free = [k for k in range(len(w)) if 0 < l[k] < exact(w.max_tokens[k])]
    slopes = [A[k] * b[k] * mp.exp(-b[k] * l[k]) / c[k] for k in free]
    assert all(abs(x - slopes[0]) <= mpf(10) ** -30 * slopes[0] for x in slopes)
    idle = [A[k] * b[k] / c[k] for k in range(len(w)) if l[k] == 0]
    assert all(x <= slopes[0] for x in idle if slopes)


@pytest.mark.parametrize("names", [*itertools.combinations(OF_LOAD, 2), OF_LOAD])
@pytest.mark.parametrize("seed", some([1, 2, 4, 5, 6, 7, 9, 11, 12, 14, 16, 17], 3))
def test_limits_that_tie_to_the_last_bit(names: tuple[str, ...], seed: int) -> None:
    """All limits are the values of one allocation, rounded to doubles: any of them may be the tightest."""
    w = SOME[seed]
    tokens = [Decimal(l) for l in (0.7 * cvxtoken.solve(w).tokens).tolist()]
    values = upper_values(w, tokens)
    limits = {name: float(values[name]) for name in names if values[name] > 0}
    if limits.get("max_utilization", 0.0) < 1 and limits:
        proven(w, Targets("trade-off", **limits))


ROUND = {
    "names": ["a", "b"],
    "prior": [0.5, 0.5],
    "accuracy_gain": [0.5, 0.25],
    "saturation_rate": [1 / 64, 1 / 32],
    "base_accuracy": [0.25, 0.25],
    "overhead": [0.5, 1.5],
    "time_per_token": [1 / 64, 1 / 128],
    "arrival_rate": 0.5,
    "accuracy_weight": 256.0,
    "max_tokens": 512.0,
}


@pytest.mark.parametrize("objective", ["trade-off", "accuracy"])
@pytest.mark.parametrize(
    ("sigma", "sigma0", "limits"),
    [
        (0.5, 1.0, {"max_mean_system_time": 2.0}),
        (0.5, 1.0, {"max_mean_wait": 1.0}),
        (0.5, 1.0, {"max_utilization": 0.5}),
        (0.5, 0.0, {"max_mean_system_time": 1.0}),
        (0.0, 1.0, {"max_mean_system_time": 2.0}),
        (0.0, 1.0, {"max_mean_wait": 1.0}),
        (0.0, 1.0, {"max_utilization": 0.5, "max_mean_wait": 1.0}),
        (1.0, 1.0, {"max_mean_wait": 1.0, "max_utilization": 0.5}),
    ],
)
def test_no_room_at_all(objective: str, sigma: float, sigma0: float, limits: dict[str, float]) -> None:
    """T0 = 1 s and y0 = 1/2 or 1 leave nothing above the least values, exactly."""
    w = cvxtoken.Workload(**ROUND, server=Sharing(sigma, sigma0))  # type: ignore[arg-type]
    assert proven(w, Targets(objective, **limits)).tokens == (0, 0)  # type: ignore[arg-type]


def test_a_utilisation_that_tokens_do_not_change_binds_nothing() -> None:
    """Where sigma is 0, rho is the same whatever the tokens, and may be just the limit."""
    w = cvxtoken.Workload(**ROUND, server=Sharing(0.0))  # type: ignore[arg-type]
    at_limit = cvxtoken.solve(w, max_utilization=0.5)
    free = cvxtoken.solve(w)
    assert at_limit.status == "certified"
    np.testing.assert_allclose(at_limit.tokens, free.tokens, rtol=1e-12)
    assert proven(w, Targets("accuracy", max_utilization=0.5)).tokens == (512, 512)
    with pytest.raises(cvxtoken.TargetError, match=r"max_utilization is 0\.49"):
        cvxtoken.solve(w, max_utilization=0.49)


@pytest.mark.parametrize("seed", some([0, 3, 6, 10, 12, 15], 2))
def test_linear_rows(seed: int) -> None:
    w = SOME[seed]
    best = cvxtoken.solve(w).tokens
    half = float(best.sum()) / 2
    found = cvxtoken.solve(w, constraints=lambda l: [sum(l) <= half, l[0] >= half / 4])
    assert found.status == "certified"
    assert found.certificate.relative_gap <= ENOUGH
    assert verifier.check(json.loads(json.dumps(found.certificate.to_document()))).startswith("proven")
    assert float(sum(found.tokens)) <= half * (1 + 1e-12)


@pytest.mark.parametrize("server", [Sharing(0.0), Sharing(0.02), Sharing(1.0, 0.3, 2)])
def test_the_frontier(server: Sharing) -> None:
    w = served.on(served.served(3, 3), server, 0.6)
    points = cvxtoken.frontier(w, points=4).points
    times = [point.mean_system_time for point in points]
    accuracies = [point.mean_accuracy for point in points]
    assert times == sorted(times)
    assert accuracies == sorted(accuracies)
