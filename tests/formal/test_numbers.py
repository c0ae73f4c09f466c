"""The formulas of formal/, as exports evaluate them, are those of the checkers."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken.formal.numbers import Numbers, with_room
from cvxtoken.verifier import allocation

QWEN = cvxtoken.load("qwen3-8b")
ENGINE = cvxtoken.Sharing(sigma=0.006, overhead=0.7)
BATCHED = QWEN.replace(
    arrival_rate=1.0,
    server=ENGINE,
    overhead=[0.05] * 5,
    accuracy_weight=300.0,
    prompt_tokens=[500.0, 20.0, 0.0, 1000.0, 7.0],
)
SCATTERED = {"deviation": [0.1, 0.0, 0.3, 0.2, 0.0], "deviation_per_token": [1e-4, 5e-4, 0.0, 1e-3, 2e-4]}
CLOSE = Decimal("1e-35")  # relative: z and v are rounded otherwise than there, to 50 digits or more


def drawn(seed: int) -> cvxtoken.Workload:
    """A random workload that is stable at its largest budgets; every third has times that vary."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 6))
    workload = cvxtoken.Workload(
        names=[f"task {k}" for k in range(n)],
        prior=rng.dirichlet(np.ones(n)),
        accuracy_gain=rng.uniform(0.1, 0.6, n),
        saturation_rate=10 ** rng.uniform(-4, -1, n),
        base_accuracy=rng.uniform(0, 0.4, n),
        overhead=rng.uniform(0, 0.5, n),
        time_per_token=10 ** rng.uniform(-4, -3, n),
        arrival_rate=float(rng.uniform(0.01, 0.5)),
        accuracy_weight=float(10 ** rng.uniform(0, 2)),
        max_tokens=1500.0,
    )
    if seed % 3:
        return workload
    return workload.replace(deviation=rng.uniform(0, 0.5, n), deviation_per_token=rng.uniform(0, 1e-3, n))


def documents() -> Iterator[tuple[str, Any]]:
    """Certificates of every law, with targets of every kind, and of allocations far from the optimum."""
    for seed in range(12):
        workload = drawn(seed)
        tokens = np.random.default_rng(seed).uniform(0, 1500, len(workload.names))
        yield f"drawn {seed}", cvxtoken.certify(workload, tokens).to_document()
    for name, workload, targets in [
        ("time", QWEN, {"max_mean_system_time": 2.0}),
        (
            "wait and accuracy",
            QWEN.replace(**SCATTERED),
            {"max_mean_wait": 0.3, "min_accuracy": {"GSM8K": 0.952}},
        ),
        ("accuracy", QWEN, {"objective": "accuracy", "max_utilization": 0.3, "max_mean_tokens": 2500.0}),
        ("rows", QWEN, {"constraints": lambda l: [l[0] - l[2] <= 3000.0, l[1] + l[3] <= 6000.0]}),
        ("sharing", BATCHED, {}),
        ("no sharing", BATCHED.replace(server=cvxtoken.Sharing(sigma=0.0, overhead=1.0)), {}),
        ("memory", BATCHED, {"max_mean_kv_tokens": 5000.0, "max_mean_system_time": 10.0}),
        ("memory alone", QWEN.replace(prompt_tokens=[50.0] * 5), {"max_mean_kv_tokens": 400.0}),
    ]:
        yield name, cvxtoken.solve(workload, **targets).certificate.to_document()


CASES = dict(documents())


def same(ours: allocation.Interval, theirs: allocation.Interval, size: Decimal = Decimal(0)) -> bool:
    return abs(ours.low - theirs.low) <= CLOSE * (1 + abs(theirs.low) + size)


@pytest.mark.parametrize("name", CASES)
def test_the_bound_is_that_of_the_checker(name: str) -> None:
    """Slopes, gains, least values, what is fixed, and with them the bound: `separate` and `least`."""
    document = CASES[name]
    w, digest = allocation.read_instance(document["instance"])
    goal = allocation.untargeted(w)
    if "targets" in document:
        goal, _ = allocation.read_targets(document["targets"], document["multipliers"], w, digest)
    tokens = [Decimal(l) for l in document["tokens"]]
    numbers = Numbers(w, goal, tokens, document["digits"], document["digits"])
    model = allocation.Model(w, goal, allocation.arithmetic(document["digits"]))
    constant, curves = model.separate(tokens)
    bound, fixed = constant, -numbers.constant()
    for curve, offer, top in zip(curves, numbers.offers, model.l_max, strict=True):
        least = curve.least(top)
        bound += curve.pi * least
        fixed += curve.pi * offer.fixed
        assert same(offer.gain, curve.gain)
        assert same(offer.slope, curve.slope)
        assert same(offer.bracket, curve.pi * (offer.fixed + least), abs(offer.fixed.high))
    assert same(fixed, constant, model.best.high)
    assert same(-numbers.upper, bound, model.best.high)
    assert Decimal(document["upper"]) >= numbers.upper.high


def test_half_of_the_digits_of_prices_are_enough_at_an_optimum() -> None:
    """The bound moves with the square of what they are off; elsewhere `with_room` takes all digits."""
    document = cvxtoken.solve(QWEN).certificate.to_document()
    w, _ = allocation.read_instance(document["instance"])
    goal, tokens = allocation.untargeted(w), [Decimal(l) for l in document["tokens"]]

    def tried(prices: int) -> tuple[int, Decimal]:
        made = Numbers(w, goal, tokens, document["digits"], prices)
        return prices, Decimal(document["upper"]) - made.upper.high

    full = tried(document["digits"])[1]
    assert with_room(tried, document["digits"]) == (document["digits"] // 2 + 5, pytest.approx(full))
    assert tried(20)[1] < 0, "a quarter is not"
    assert with_room(lambda prices: (prices, Decimal(prices - 100)), 110) == (110, Decimal(10))


def test_every_law_and_target_is_among_the_cases() -> None:
    servers = {case["instance"].get("server", {"kind": "fifo"})["kind"] for case in CASES.values()}
    assert servers == {"fifo", "sharing"}
    targets = {name for case in CASES.values() for name in case.get("targets", {})}
    assert targets == {"objective", *allocation.TARGETS}
    corners = {offer.corner for case in CASES.values() for offer in offers(case)}
    assert corners == {"Zero", "Inside", "Cap"}


def offers(document: Any) -> list[Any]:
    w, _ = allocation.read_instance(document["instance"])
    return Numbers(w, allocation.untargeted(w), [Decimal(l) for l in document["tokens"]], 50, 50).offers
