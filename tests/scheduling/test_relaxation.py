"""The bound of multipliers: below the optimum whatever they are, and that of the checker to rounding."""

from __future__ import annotations

import numpy as np
import pytest

from cvxtoken.scheduling import Requests, relaxation, snapshots
from cvxtoken.scheduling.certificate import snapshot_proof
from cvxtoken.scheduling.program import build, solve
from cvxtoken.scheduling.relaxation import Inequality, Relaxation, inequalities, multipliers_of
from cvxtoken.verifier import schedule as schedule_verifier
from tests.scheduling.exhaustive import Request, optimum
from tests.scheduling.plain import tiny
from tests.support.thorough import some


def triples(requests: Requests) -> list[Request]:
    columns = (getattr(requests, field).tolist() for field in schedule_verifier.COLUMNS)
    return list(zip(*columns, strict=True))


def small(count: int) -> list[Requests]:
    """Instances that the exhaustive search is quick for."""
    drawn = [tiny(seed, most=4) for seed in range(6 * count)]
    return [r for r in drawn if len(r) > 1 and r.output_tokens.sum() <= 25][:count]


def proven(requests: Requests, valid: list[Inequality], multipliers: np.ndarray) -> int:
    proof = snapshot_proof(valid, multipliers)
    return schedule_verifier.snapshot_bound(
        triples(requests), requests.memory, proof["scale"], proof["inequalities"]
    )


def bound(relaxed: Relaxation, multipliers: np.ndarray) -> float:
    """The bound of multipliers of shape (inequalities, T), at times t = 0..T - 1, in float64."""
    T = multipliers.shape[1]
    a, o = relaxed.requests.arrival, relaxed.requests.output_tokens
    value = -float(multipliers.sum())
    for kind, (_, length) in enumerate(relaxed.kinds.T):
        price = np.arange(T + length, dtype=float)  # of each completion; beyond, it only grows
        for row, profiles in zip(multipliers, relaxed.profiles, strict=True):
            price[: T + length - 1] += np.convolve(row, profiles[kind])
        for i in np.flatnonzero(relaxed.kind == kind):
            ahead = price[a[i] + o[i] :]
            value += float(ahead.min() - a[i]) if len(ahead) else float(o[i])
    return value


def test_any_multipliers_give_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "ROUNDS", 8)
    rng = np.random.default_rng(3)
    positive = 0
    for requests in some(small(30), 2):
        least, _ = optimum(triples(requests), requests.memory)
        valid = inequalities(requests)
        relaxed = Relaxation(requests, valid)
        for scale in (0.01, 0.1, 1.0):
            T = int(rng.integers(1, 40))
            row = rng.choice([0, 0, scale, 3 * scale], (len(valid), T)) * np.linspace(1, 0, T)
            value = bound(relaxed, row)
            assert value <= least + 1e-9
            assert proven(requests, valid, row) == pytest.approx(max(0, np.ceil(value - 1e-4)), abs=1.0)
            positive += value > 0
    assert positive > 15


def test_the_bound_is_what_its_formula_says() -> None:
    """sum_i min over C of [C - a + sum_t lambda_t w] - sum lambda, each completion on its own."""
    rng = np.random.default_rng(4)
    for requests in small(20):
        table = rng.integers(0, 5, (requests.memory + 1, int(requests.output_tokens.max()) + 1))
        valid = [Inequality(None, requests.memory), Inequality(table, 7)]
        row = rng.random((2, 9))
        value = -row.sum()
        for a, s, o in triples(requests):
            prices = []
            for C in range(a + o, a + o + 60):
                running = [(t, s + o - C + t, C - t) for t in range(9) if 0 <= C - t < o]
                price = sum(
                    row[0, t] * m / requests.memory + row[1, t] * table[m, r] / 7 for t, m, r in running
                )
                prices.append(C - a + price)
            value += min(prices)
        assert bound(Relaxation(requests, valid), row) == pytest.approx(value, abs=1e-9)


def test_good_multipliers_prove_the_linear_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """With h = 1 the bound is the program's value, between that of the memory alone and the optimum."""
    monkeypatch.setattr(snapshots, "ROUNDS", 30)
    better = 0
    for requests in some(small(25), 2):
        least, _ = optimum(triples(requests), requests.memory)
        last = int(requests.arrival.max() + 2 * requests.output_tokens.sum())
        values = []
        for valid in ([Inequality(None, requests.memory)], inequalities(requests)):
            relaxed = Relaxation(requests, valid)
            by_request = [[profiles[k] for k in relaxed.kind] for profiles in relaxed.profiles]
            latest = np.full(len(requests), last)
            value = solve(build(requests, latest, by_request)).objective
            multipliers = multipliers_of(relaxed, last, 1)
            assert (multipliers >= 0).all()
            assert bound(relaxed, multipliers) == pytest.approx(value, rel=1e-5, abs=1e-5)
            assert proven(requests, valid, multipliers) >= np.ceil(value - 1e-3)
            values.append(value)
        memory_alone, all_of_them = values
        assert requests.output_tokens.sum() <= memory_alone + 1e-6
        assert memory_alone <= all_of_them + 1e-6 <= least + 2e-6
        better += all_of_them > 1.05 * memory_alone
    assert better >= 1


def test_wider_spans_lose_some_of_it() -> None:
    requests = Requests(
        arrival=[0] * 12, prompt_tokens=[1, 2, 3] * 4, output_tokens=[3, 9, 14, 6] * 3, memory=20
    )
    relaxed = Relaxation(requests, [Inequality(None, requests.memory)])
    one, three = (bound(relaxed, multipliers_of(relaxed, 90, width)) for width in (1, 3))
    assert 0.85 * one < three <= one + 1e-6


def test_at_time_0_nothing_runs_and_no_multiplier_is_spent() -> None:
    requests = Requests(arrival=[0] * 6, prompt_tokens=[0] * 6, output_tokens=[1] * 6, memory=1)
    relaxed = Relaxation(requests, [Inequality(None, 1)])
    for width in (1, 2):
        multipliers = multipliers_of(relaxed, 12, width)
        assert multipliers[0, 0] == 0 < multipliers[0, 1]


def test_profiles_follow_the_rounds_to_go() -> None:
    assert Inequality(None, 9).profile(5, 3).tolist() == [5, 4, 3]
    table = np.arange(60).reshape(10, 6)
    assert Inequality(table, 9).profile(5, 3).tolist() == [table[5, 0], table[4, 1], table[3, 2]]


def test_weights_are_whole_multiples_of_the_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "ROUNDS", 5)
    monkeypatch.setattr(relaxation, "UNIT", 20)
    for item in inequalities(tiny(7))[1:]:
        assert item.weights is not None
        assert item.weights.dtype == np.int64
        assert 0 < item.weights.max() <= item.most <= 20
