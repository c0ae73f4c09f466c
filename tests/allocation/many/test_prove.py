from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

import cvxtoken
from cvxtoken import (
    Multipliers,
    ProblemError,
    Sharing,
    Targets,
    Workload,
    Workloads,
    certify_many,
    solve_many,
)
from cvxtoken.allocation.many.prove import ProvenBounds
from cvxtoken.allocation.proof.bounds import Bounds
from cvxtoken.allocation.targeted.optimum import certify_targets
from cvxtoken.errors import CvxtokenError
from cvxtoken.rigorous import Rounding
from tests.support.instances import realistic

SERVERS = [None, Sharing(0.006), Sharing(1.0, 0.3, 3), Sharing(0.0), Sharing(1e-9)]


def drawn(
    rng: np.random.Generator, count: int, size: int = 0, random: bool = False, **changes: object
) -> list[Workload]:
    """Random workloads of up to 8 types."""
    found = []
    for _ in range(count):
        n = size or int(rng.integers(1, 9))
        prior, overhead = rng.dirichlet(np.ones(n)), rng.uniform(0, 0.3, n) * (rng.random(n) < 0.9)
        spread = {"deviation": rng.uniform(0, 0.3, n), "deviation_per_token": rng.uniform(0, 0.01, n)}
        fields = {
            "prior": prior / prior.sum(),
            "accuracy_gain": rng.uniform(0.2, 0.8, n),
            "saturation_rate": 10 ** rng.uniform(-4, -2, n),
            "base_accuracy": rng.uniform(0, 0.2, n),
            "overhead": overhead,
            "time_per_token": 10 ** rng.uniform(-3, -1.7, n),
            "max_tokens": 10 ** rng.uniform(1, 5),
            "arrival_rate": rng.uniform(0.1, 0.95) / max(prior @ overhead, 0.01),
            "accuracy_weight": 10 ** rng.uniform(0, 6),
        }
        found.append(
            Workload(names=[f"type {k}" for k in range(n)], **fields | (spread if random else {}) | changes)
        )
    return found


def agree(proven: ProvenBounds, index: int, digits: int = 90) -> None:
    """Hold one instance against the bounds in decimals: never tighter, and not much wider."""
    w = proven.workloads.workload(index)
    tokens = [Decimal(l) for l in proven.tokens[index, : len(w)].tolist()]
    multipliers = proven.multipliers[index] if proven.multipliers else Multipliers()
    try:
        exact = Bounds(w, tokens, Rounding(digits), proven.targets, multipliers)
    except CvxtokenError:
        assert proven.lower[index] == -np.inf
        return
    J, bound, gap = -exact.F.low, -exact.F_bound.low, exact.F.high - exact.F_bound.low
    lower, upper, claimed = (Decimal(float(x[index])) for x in (proven.lower, proven.upper, proven.gap))
    size = Decimal(w.accuracy_weight) + exact.at.reached["max_mean_system_time"].high
    assert J - Decimal("1e-15") * (1 + abs(J)) - Decimal("4e-17") * size <= lower <= J
    assert claimed >= gap - Decimal("1e-70") * size
    rounded = Decimal("3e-17") * size if proven.targets.min_accuracy else 0  # of zeta (p - q)
    assert claimed <= rounded + Decimal("1.4") * gap + Decimal("1e-26") * size / max(
        exact.at.y.low, Decimal("1e-3")
    )
    assert bound - Decimal("1e-70") * size <= upper
    assert (
        upper
        <= lower
        + claimed * (1 + Decimal(2) ** -50)
        + Decimal("1e-15") * (1 + abs(J))
        + Decimal("1e-16") * size
    )


@pytest.mark.parametrize("server", SERVERS, ids=str)
@pytest.mark.parametrize("random", [False, True])
def test_the_bounds_are_those_in_decimals(server: Sharing | None, random: bool) -> None:
    """At optima, near them and far from them."""
    changes = {} if server is None else {"server": server}
    workloads = drawn(np.random.default_rng(7), 24, random=random, **changes)
    found = solve_many(workloads)
    for share in (1.0, 1 - 1e-6, 0.9, 0.3, 0.0):
        proven = certify_many(workloads, found.tokens * share)
        for index in range(0, 24, 1 if share == 1 else 4):
            agree(proven, index)
    more = np.minimum(found.tokens * 1.3 + 20, proven.workloads.max_tokens)
    proven = certify_many(workloads, np.nan_to_num(more))
    for index in range(0, 24, 4):
        agree(proven, index)


TARGETS = [
    Targets(max_mean_system_time=1.0),
    Targets(max_mean_wait=0.3),
    Targets(max_utilization=0.7, min_accuracy={"type 0": 0.4}),
    Targets(max_mean_tokens=300.0, linear=((1.0, -2.0, 1.0, 500.0), (-1.0, 1.0, 0.0, 900.0))),
    Targets(max_mean_kv_tokens=900.0),
    Targets(objective="accuracy", max_mean_wait=0.3),
]


@pytest.mark.parametrize("targets", TARGETS, ids=lambda t: " ".join(t.limits))
@pytest.mark.parametrize("server", [None, Sharing(0.05)], ids=str)
def test_the_bounds_under_targets_are_those_in_decimals(targets: Targets, server: Sharing | None) -> None:
    rng = np.random.default_rng(3)
    changes = {"arrival_rate": 1.0, "prompt_tokens": [50.0, 0.0, 900.0], "overhead": [0.1, 0.02, 0.05]}
    workloads = drawn(rng, 4, size=3, **changes | ({} if server is None else {"server": server}))
    if targets.min_accuracy:  # which the optimum would not reach
        curve = {"accuracy_gain": [0.5] * 3, "saturation_rate": [2e-3] * 3, "time_per_token": [1e-3] * 3}
        w = workloads[0].replace(**curve, max_tokens=4096, accuracy_weight=1e-2)
        workloads = [w.replace(arrival_rate=rate) for rate in (0.1, 0.2, 0.4, 0.5)]
    if targets.linear:  # any multipliers make a bound
        tokens = np.array([[10.0, 5.0, 20.0]] * 4)
        multipliers = [
            Multipliers({"max_mean_tokens": Decimal("1e-3")}, {}, (Decimal("2e-3"), Decimal(0)))
        ] * 4
    else:
        proofs = [certify_targets(w, targets) for w in workloads]
        tokens = np.array([[float(l) for l in proof.tokens] for proof in proofs])
        multipliers = [proof.multipliers for proof in proofs]
    met = 0
    for share in (1.0, 1 - 1e-9, 0.99, 0.5):
        proven = certify_many(workloads, np.minimum(tokens * share, 1e6), targets, multipliers)
        for index in range(4):
            agree(proven, index)
        met += np.isfinite(proven.lower).sum()
    assert met >= 4


def nasty() -> dict[str, Workload]:
    """Instances at the ends of what doubles can do."""
    w = realistic(3, 5)
    rho0 = w.arrival_rate * float(w.prior @ w.overhead)
    edges = {
        f"1e-{k} idle": w.replace(arrival_rate=w.arrival_rate * (1 - 10.0**-k) / rho0) for k in (3, 6, 9, 12)
    }
    return edges | {
        "no tokens": w.replace(accuracy_weight=1e-3),
        "all at the cap": w.replace(accuracy_weight=1e8, max_tokens=10.0),
        "a weight of 1e8": w.replace(accuracy_weight=1e8),
        "beyond the range": w.replace(accuracy_weight=1e-25),
        "far beyond 600": w.replace(saturation_rate=w.saturation_rate * 1e6),
    }


@pytest.mark.parametrize("name", nasty())
def test_nasty_ones_are_bounded(name: str) -> None:
    workload = nasty()[name]
    found = solve_many([workload], prove=True)
    assert found.proven is not None
    assert found.solved[0]
    assert found.proven.relative_gap[0] <= 1e-12
    agree(found.proven, 0)


def test_a_million_optima_are_proven_to_the_last_digit() -> None:
    """A thousand of them here: all certified, and nearly all gaps far below what J can show."""
    workloads = [realistic(seed, 5) for seed in range(1000)]
    found = solve_many(workloads, prove=True)
    proven = found.proven
    assert proven is not None
    assert proven.certified.all()
    gap = proven.gap / (1 + np.abs(proven.lower))
    assert np.quantile(gap, 0.99) <= 1e-20
    assert (proven.lower <= proven.upper).all()
    plain = solve_many(workloads)
    again = certify_many(workloads, plain.tokens)
    assert (again.gap >= proven.gap).all()
    np.testing.assert_array_equal(again.certify(7).relative_gap <= again.relative_gap[7], True)


def test_what_cannot_be_proven_is_said() -> None:
    w = realistic(1, 3)
    base = {
        field: getattr(w, field) for field in ("prior", "accuracy_gain", "saturation_rate", "base_accuracy")
    }
    base |= {"overhead": w.overhead, "time_per_token": w.time_per_token, "accuracy_weight": w.accuracy_weight}
    rates = np.array([w.arrival_rate, 1e3, np.nan, -1.0])
    workloads = Workloads(**base, max_tokens=4096.0, arrival_rate=rates)
    proven = certify_many(workloads, [1.0, 2.0, 3.0])
    assert np.isfinite(proven.lower).tolist() == [True, False, False, False]
    assert proven.relative_gap[1:].tolist() == [np.inf] * 3
    assert not proven.certified.any()
    outside = certify_many([w, w, w], [[0.0, 0.0, 1e9], [-1.0, 0.0, 0.0], [np.nan, 0.0, 0.0]])
    assert (outside.lower == -np.inf).all()
    assert (outside.upper == np.inf).all()
    found = solve_many(workloads, prove=True)
    assert found.proven is not None
    assert found.proven.certified.tolist() == [True, False, False, False]


def test_ragged_and_mixed_ones_are_those_alone() -> None:
    rng = np.random.default_rng(2)
    workloads = [*drawn(rng, 5), *drawn(rng, 5, server=Sharing(0.1)), *drawn(rng, 3, size=1)]
    found = solve_many(workloads)
    together = certify_many(workloads, found.tokens)
    for index, workload in enumerate(workloads):
        alone = certify_many([workload], found.tokens[index, : len(workload)])
        agree(together, index)
        assert alone.gap[0] == pytest.approx(together.gap[index], rel=1e-6, abs=1e-26)


@pytest.mark.parametrize(
    ("tokens", "options", "message"),
    [
        ([1.0, 2.0], {}, r"tokens is \[1.0, 2.0\]; it must be numbers of shape \(2, 3\)"),
        ("none", {}, "tokens is 'none'"),
        (
            0.0,
            {"targets": Targets(min_accuracy={"chat": 0.5})},
            "'chat' is not a type; types are named 'type 0'",
        ),
        (0.0, {"targets": Targets(linear=((1.0, 2.0),))}, "a row has 2 numbers"),
        (0.0, {"multipliers": [Multipliers()]}, "multipliers holds 1; it must hold one for each instance"),
        (
            0.0,
            {"multipliers": [Multipliers({"max_mean_wait": Decimal(1)})] * 2},
            "a multiplier without a target",
        ),
    ],
)
def test_arguments_that_do_not_fit(tokens: object, options: dict[str, object], message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        certify_many([realistic(1, 3), realistic(2, 3)], tokens, **options)  # type: ignore[arg-type]


def test_one_of_many_types_is_bounded_in_parts() -> None:
    """Each of five types 2048 times, with a share that is exactly so much smaller: J is the same number."""
    few = realistic(3, 5)
    columns = (
        "accuracy_gain",
        "saturation_rate",
        "base_accuracy",
        "overhead",
        "time_per_token",
        "max_tokens",
    )
    many = Workload(
        names=[f"type {k}" for k in range(5 * 2048)],
        prior=np.tile(few.prior / 2048, 2048),
        **{name: np.tile(getattr(few, name), 2048) for name in columns},
        arrival_rate=few.arrival_rate,
        accuracy_weight=few.accuracy_weight,
    )
    best = cvxtoken.price_newton(few).tokens
    for share in (1.0, 0.5):
        one, all_types = certify_many([few], best * share), certify_many([many], np.tile(best * share, 2048))
        agree(one, 0)
        exact = Bounds(few, [Decimal(l) for l in (best * share).tolist()], Rounding(60))
        assert Decimal(all_types.lower[0]) <= -exact.F.low
        assert Decimal(all_types.upper[0]) >= -exact.F_bound.high
        assert all_types.gap[0] == pytest.approx(one.gap[0], rel=1e-3, abs=1e-25)
        assert all_types.certified[0] == one.certified[0] == (share == 1.0)
