from __future__ import annotations

import os
import signal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken import ProblemError, Status, Workload, Workloads, solve_many
from cvxtoken.allocation.many import solve as many
from cvxtoken.allocation.many.stable import IDLE_ERROR, idle_at_zero
from cvxtoken.allocation.many.workloads import ARRAYS
from cvxtoken.allocation.prices.columns import Columns
from cvxtoken.arrays import FloatArray
from tests.support.instances import realistic, stress

SCALARS = ("arrival_rate", "accuracy_weight")


def stacked(workloads: list[Workload]) -> dict[str, Any]:
    """The fields of workloads of one size as keywords of `Workloads`."""
    return {field: np.stack([getattr(w, field) for w in workloads]) for field in (*ARRAYS, *SCALARS)}


def wrong(columns: Columns, log_start: FloatArray, fast: bool) -> tuple[FloatArray, FloatArray]:
    """A search that finds nothing."""
    return np.full(log_start.shape, np.nan), np.zeros(columns.prior.shape)


def test_the_library_is_solved_as_certified() -> None:
    instances = [i for i in cvxtoken.instances() if i.kind == "allocation"]
    found = solve_many([instance.workload for instance in instances])
    for index, instance in enumerate(instances):
        if not instance.feasible:
            assert found.status[index] == Status.UNSTABLE, instance.id
            assert np.isnan(found.tokens[index]).all()
            continue
        assert found.solved[index], instance.id
        best = float(instance.objective)
        assert abs(found.objective[index] - best) <= 2e-12 * (1 + abs(best)), instance.id


@pytest.mark.parametrize("size", [1, 2, 5, 40])
def test_what_is_solved_is_proven(size: int) -> None:
    workloads = [realistic(seed, size) for seed in range(60)]
    found = solve_many(Workloads(**stacked(workloads)))
    assert found.solved.all()
    assert (found.relative_gap >= 0).all()
    for index in range(0, 60, 10):
        assert found.certify(index).relative_gap <= found.relative_gap[index] + 1e-15
        w, l = workloads[index], found.tokens[index]
        assert found.mean_system_time[index] == pytest.approx(cvxtoken.solve(w).mean_system_time, rel=1e-5)
        y = 1 - found.utilization[index]
        assert found.theta[index] == pytest.approx(w.arrival_rate / y, rel=1e-6)
        s2 = float(w.prior @ (w.overhead + w.time_per_token * l) ** 2)
        assert found.p[index] == pytest.approx(1 + (w.arrival_rate / y) ** 2 * s2 / 2, rel=1e-6)


@pytest.mark.parametrize("missing", [[], ["newton"], ["newton", "search"]])
def test_stress_whatever_part_of_the_search_fails(
    missing: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each stage alone solves what the one before has left."""
    for name in missing:
        monkeypatch.setattr(many, name, wrong)
    if "search" not in missing:
        monkeypatch.setattr(many, "_solve_alone", lambda found, row: None)
    workloads = [w for _, w in stress((1, 2, 6))]
    found = solve_many(workloads)
    assert found.solved.all()
    for index in range(0, len(workloads), 7):
        assert found.certify(index).relative_gap <= 1e-12


def test_a_search_that_fails_is_not_called_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "newton", wrong)
    monkeypatch.setattr(many, "search", wrong)
    monkeypatch.setattr(many, "_solve_alone", lambda found, row: None)
    found = solve_many([realistic(0, 5)])
    assert found.status.tolist() == [Status.UNFINISHED]
    assert found.outcome(0).startswith("Not solved: the relative dual gap is 0.")
    assert found.certify(0).relative_gap > 0.1


def test_sizes_may_differ() -> None:
    sizes = [5, 1, 300, 2, 9000, 5]
    workloads = [realistic(seed, size) for seed, size in enumerate(sizes)]
    found = solve_many(workloads)
    assert found.solved.all()
    for index, w in enumerate(workloads):
        alone = solve_many([w])
        assert found.objective[index] == pytest.approx(alone.objective[0], rel=1e-13)
        assert (found.tokens[index, len(w) :] == 0).all()
        assert found.workloads.workload(index, w.names) == w


@pytest.mark.parametrize("sizes", [[5, 3, 4, 1], [1, 2, 3, 4], [2, 2, 2, 7, 1, 2]])
def test_mixed_sizes_come_back_in_their_rows(sizes: list[int]) -> None:
    workloads = [realistic(seed, size) for seed, size in enumerate(sizes)]
    found = solve_many(workloads)
    alone = [solve_many([w]).objective[0] for w in workloads]
    np.testing.assert_allclose(found.objective, alone, rtol=1e-11)


def test_what_stands_beyond_a_row_s_size_is_not_read() -> None:
    fields = stacked([realistic(seed, 5) for seed in range(3)])
    for field in ARRAYS:
        fields[field] = np.concatenate([fields[field], [[np.nan], [np.inf], [-3]]], axis=1)
    found = solve_many(Workloads(**fields, sizes=[5, 5, 5]))
    assert found.solved.all()
    assert found.tokens[:, 5].tolist() == [0.0, 0.0, 0.0]


def test_what_is_shared_is_given_once() -> None:
    w = cvxtoken.load("qwen3-8b")
    rates = np.linspace(0.01, 4, 50)
    fields = {field: getattr(w, field) for field in (*ARRAYS, "accuracy_weight")}
    found = solve_many(Workloads(**fields, arrival_rate=rates))
    again = solve_many([w.replace(arrival_rate=rate) for rate in rates.tolist()])
    np.testing.assert_array_equal(found.tokens, again.tokens)
    assert found.workloads.prior.strides[0] == 0


def test_more_than_a_block_of_instances() -> None:
    w = cvxtoken.load("qwen3-8b")
    fields = {field: getattr(w, field) for field in ARRAYS}
    rates, weights = np.random.default_rng(1).uniform([[0.01], [1]], [[4.4], [1000]], (2, 5000))
    found = solve_many(Workloads(**fields, arrival_rate=rates, accuracy_weight=weights))
    assert found.solved.all()
    for index in (0, 1637, 1638, 4999):
        alone = w.replace(arrival_rate=rates[index], accuracy_weight=weights[index])
        assert found.objective[index] == pytest.approx(cvxtoken.solve(alone).objective, rel=1e-12)


def test_workers_share_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    w = cvxtoken.load("qwen3-8b")
    fields = {field: getattr(w, field) for field in (*ARRAYS, "accuracy_weight")}
    data = Workloads(**fields, arrival_rate=np.linspace(0.01, 5, 20_000))
    alone, shared = solve_many(data), solve_many(data, workers=2)
    for name in ("status", "tokens", "objective", "relative_gap", "theta"):
        np.testing.assert_array_equal(getattr(shared, name), getattr(alone, name))
    solve, parent = many._solve_block, os.getpid()

    def deadly(*arguments: Any) -> None:
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        solve(*arguments)

    monkeypatch.setattr(many, "_solve_block", deadly)
    rescued = solve_many(data, workers=3)
    np.testing.assert_array_equal(rescued.tokens, alone.tokens)
    for workers in (0, 1.5, True):
        with pytest.raises(ProblemError, match="workers is"):
            solve_many(data, workers=workers)  # type: ignore[arg-type]


BAD = [
    ("prior", [0.5, 0.4, 0.2], "prior sums to 1.1"),
    ("prior", [1.0, 0.5, -0.5], "prior of 'type 2' is -0.5; it must be finite and positive"),
    ("accuracy_gain", [0.5, np.nan, 0.5], "accuracy_gain of 'type 1' is nan"),
    ("accuracy_gain", [0.5, 0.9, 0.5], "accuracy_gain.* of 'type 1' is 1.1.*; it must be at most 1"),
    ("saturation_rate", [0.0, 1e-3, 1e-3], "saturation_rate of 'type 0' is 0.0"),
    ("base_accuracy", [0.1, 0.1, -0.1], "base_accuracy of 'type 2' is -0.1"),
    ("overhead", [0.1, np.inf, 0.1], "overhead of 'type 1' is inf"),
    ("time_per_token", [-1e-3, 1e-3, 1e-3], "time_per_token of 'type 0' is -0.001"),
    ("max_tokens", [10.0, np.nan, 10.0], "max_tokens of 'type 1' is nan"),
    ("arrival_rate", np.nan, "arrival_rate is nan"),
    ("arrival_rate", np.inf, "arrival_rate is inf"),
    ("accuracy_weight", np.inf, "accuracy_weight is inf"),
    ("accuracy_weight", 0.0, "accuracy_weight is 0.0"),
]


def three_types(count: int) -> dict[str, Any]:
    fields = {
        "prior": [0.2, 0.3, 0.5],
        "accuracy_gain": [0.5, 0.4, 0.3],
        "saturation_rate": [1e-3, 2e-3, 1e-4],
        "base_accuracy": [0.1, 0.2, 0.0],
        "overhead": [0.1, 0.0, 0.3],
        "time_per_token": [1e-3, 1e-3, 2e-3],
        "max_tokens": [4096.0, 4096.0, 512.0],
    }
    arrays = {field: np.tile(values, (count, 1)) for field, values in fields.items()}
    return arrays | {"arrival_rate": np.full(count, 0.2), "accuracy_weight": np.full(count, 30.0)}


@pytest.mark.parametrize(("field", "value", "message"), BAD)
def test_a_bad_instance_is_marked_and_the_others_are_solved(field: str, value: Any, message: str) -> None:
    fields = three_types(2000)
    fields[field][1700] = value
    found = solve_many(Workloads(**fields))
    assert np.flatnonzero(found.status).tolist() == [1700]
    assert found.status[1700] == Status.INVALID
    assert np.isnan(found.tokens[1700]).all()
    assert np.isnan(found.objective[1700])
    with pytest.raises(ProblemError, match=message):
        found.certify(1700)
    assert found.outcome(1700).startswith("Invalid: ")
    assert found.outcome(0).startswith("Solved: ")


def test_an_unstable_instance_is_marked() -> None:
    fields = three_types(3)
    fields["arrival_rate"][1] = 6.0
    found = solve_many(Workloads(**fields))
    assert found.status.tolist() == [Status.SOLVED, Status.UNSTABLE, Status.SOLVED]
    assert "Unstable: arrival_rate is 6.0 /s; even without thinking tokens" in found.outcome(1)
    assert np.isnan(found.tokens[1]).all()


def test_stability_is_decided_exactly() -> None:
    """At utilisation 1, and one unit in the last place below and above."""
    fields = three_types(3)
    fields |= {"prior": np.tile([0.25, 0.25, 0.5], (3, 1)), "overhead": np.full((3, 3), 0.5)}
    fields["arrival_rate"] = np.array([np.nextafter(2, 0), 2.0, np.nextafter(2, 3)])
    status = solve_many(Workloads(**fields)).status
    assert status[0] < Status.UNSTABLE
    assert status[1:].tolist() == [Status.UNSTABLE, Status.UNSTABLE]


@pytest.mark.parametrize("exact_bits", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_idle_share_at_zero_is_rounded_once_where_it_is_small(size: int, exact_bits: bool) -> None:
    """And wherever its bits must be those of every machine."""
    rng = np.random.default_rng(size)
    prior, overhead = rng.uniform(0, 1, (2, size, 200))
    prior /= prior.sum(axis=0)
    rate = (1 - 10.0 ** rng.uniform(-15, 0, 200)) / (prior * overhead).sum(axis=0)
    found = idle_at_zero(prior, overhead, rate, exact=exact_bits)
    for k in range(200):
        exact = 1 - Fraction(rate[k]) * sum(
            Fraction(a) * Fraction(b) for a, b in zip(prior[:, k], overhead[:, k], strict=True)
        )
        digits = Fraction(1, 2**52) if exact_bits or exact < 1 / 64 or size > 64 else Fraction(1, 2**45)
        assert abs(Fraction(found[k]) - exact) <= abs(exact) * digits + Fraction(size * IDLE_ERROR)


def test_starts_change_nothing_but_the_time() -> None:
    workloads = [realistic(seed, 5) for seed in range(50)]
    cold = solve_many(workloads)
    rng = np.random.default_rng(0)
    for start in (cold, (1.0, np.nan), (-1.0, 0.0), tuple(10.0 ** rng.uniform(-9, 9, (2, 50)))):
        found = solve_many(workloads, start=start)
        assert found.solved.all()
        np.testing.assert_allclose(found.objective, cold.objective, rtol=1e-11)


def test_a_good_start_saves_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    workloads = [realistic(seed, 5) for seed in range(50)]
    cold = solve_many(workloads)
    from cvxtoken.allocation.many import search

    monkeypatch.setattr(search, "_STEPS", 1)
    monkeypatch.setattr(many, "search", wrong)
    monkeypatch.setattr(many, "_solve_alone", lambda found, row: None)
    assert solve_many(workloads).solved.sum() < 10
    assert solve_many(workloads, start=cold).solved.all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prior": np.full((4, 3), 1 / 3)}, "the shapes do not fit together: prior"),
        ({"prior": np.full((2, 2), 1 / 2)}, "the shapes do not fit together: prior"),
        ({"prior": np.zeros((3, 0))}, "fit together|at least one is needed"),
        ({"prior": np.full((1, 3, 3), 1 / 3)}, "prior has shape .*; it must have at most 2 axes"),
        ({"arrival_rate": np.ones((3, 3))}, "arrival_rate has shape .*; it must have at most 1 axes"),
        ({"overhead": [["a", "b", "c"]]}, "overhead holds <U1; it must hold numbers"),
        ({"overhead": [[1.0], [1.0, 2.0]]}, "overhead is ragged"),
        ({"sizes": [1, 2]}, "sizes has shape"),
        ({"sizes": [1, 2, 4]}, "sizes reaches from 1 to 4; it must be from 1 to 3"),
        ({"sizes": [0, 2, 3]}, "sizes reaches from 0"),
        ({"sizes": [1.0, 2.0, 3.0]}, "it must be 3 whole numbers"),
    ],
)
def test_arrays_that_do_not_fit(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        Workloads(**(three_types(3) | changes))


def test_lists_that_do_not_fit() -> None:
    w = realistic(0, 2)
    with pytest.raises(ProblemError, match="workloads is empty"):
        solve_many([])
    with pytest.raises(ProblemError, match="workloads holds 'qwen3-8b' at 1"):
        solve_many([w, "qwen3-8b"])  # type: ignore[list-item]
    for start in ((1.0,), (np.ones(2), 1.0), ("a", "b"), 3.0):
        with pytest.raises(ProblemError, match="start does not fit"):
            solve_many([w], start=start)  # type: ignore[arg-type]
