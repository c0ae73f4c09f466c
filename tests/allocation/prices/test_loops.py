"""What compiled loops find is what NumPy finds: of many instances every bit, of one the optimum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken import Workloads, solve_many
from cvxtoken.allocation.many.portable import solve_portably
from cvxtoken.allocation.many.search import newton
from cvxtoken.allocation.many.stable import stable_columns
from cvxtoken.allocation.prices import loops
from cvxtoken.allocation.prices.columns import Columns
from cvxtoken.allocation.prices.gap import appraise
from cvxtoken.allocation.prices.portable import PortableColumns
from cvxtoken.allocation.prices.search import price_path
from cvxtoken.rigorous import elementwise
from tests.support.instances import realistic
from validation.proofs import drawn

pytest.importorskip("numba")

MANY = {
    "realistic": drawn(3001, 1),
    "nearly full": drawn(500, 2, load=1 - 1e-6, accuracy_weight=3e12),
    "no tokens": drawn(500, 3, accuracy_weight=1e-3),
    "all at the cap": drawn(500, 4, accuracy_weight=1e6, max_tokens=10.0),
    "one type": Workloads.of([realistic(k, 1) for k in range(300)]),
    "eight types": Workloads.of([realistic(k, 8) for k in range(300)]),
}


@pytest.fixture
def _compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elementwise, "_WORTHWHILE", 0)


def portable(data: Workloads) -> PortableColumns:
    columns, _, _ = stable_columns(data, np.arange(len(data)), PortableColumns)
    assert isinstance(columns, PortableColumns)
    return columns


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("known", [False, True])
def test_prices_and_tokens_have_numpys_bits(name: str, known: bool) -> None:
    columns = portable(MANY[name])
    if not columns.is_basic:
        pytest.fail("loops are for instances like these")
    start = np.full((2, len(MANY[name])), np.nan)
    if known:
        start[:, ::2] = newton(columns, start)[0][:, ::2]
    with np.errstate(all="ignore"):
        for plain, fast in zip(newton(columns, start), newton(columns, start, fast=True), strict=True):
            assert np.array_equal(plain.view(np.int64), fast.view(np.int64))


@pytest.mark.usefixtures("_compiled")
def test_a_solution_has_the_same_bits_with_loops_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    data = drawn(2000, 5)
    fast = solve_portably(data)
    monkeypatch.setattr(elementwise, "_installed", lambda: False)
    plain = solve_portably(data)
    for field in ("tokens", "lower", "upper", "gap"):
        assert np.array_equal(getattr(plain, field), getattr(fast, field)), field


@pytest.mark.parametrize("name", MANY)
def test_the_appraisal_is_numpys_but_for_rounding_and_a_looser_gap(name: str) -> None:
    columns = portable(MANY[name])
    with np.errstate(all="ignore"):
        for share in (1.0, 0.9):
            tokens = share * newton(columns, np.full((2, len(MANY[name])), np.nan))[1]
            plain, (fast, tight) = appraise(columns, tokens), loops.appraise_quickly(columns, tokens)
            held = np.isfinite(plain.gap)
            assert held.mean() > 0.5
            agree(plain, fast, held)
            size = 1e-26 * columns.accuracy_weight[held]
            assert (fast.gap[held] >= plain.gap[held] * (1 - 1e-6) - size).all() or share == 1.0
            assert not tight or (fast.gap[held] <= 1.1 * plain.gap[held] + size).all()


def agree(plain: Any, fast: Any, held: Any = ...) -> None:
    for name in plain._fields:
        a, b = np.asarray(getattr(plain, name))[held], np.asarray(getattr(fast, name))[held]
        if name != "gap":
            scale = np.abs(np.asarray(plain.objective)[held]) if name == "objective" else np.abs(a)
            assert (np.abs(a - b) <= 1e-9 * scale + 1e-12).all(), name


@pytest.mark.usefixtures("_compiled")
def test_solutions_are_optimal(monkeypatch: pytest.MonkeyPatch) -> None:
    data = drawn(3000, 6)
    calls = []
    monkeypatch.setattr(
        "cvxtoken.allocation.many.search.newton_steps",
        lambda *arguments: calls.append(1) or loops.newton_steps(*arguments),
    )
    fast = solve_many(data, prove=True)
    assert calls
    assert fast.solved.all()
    assert fast.proven is not None
    assert fast.proven.certified.all()
    monkeypatch.setattr(elementwise, "_installed", lambda: False)
    plain = solve_many(data)
    assert np.allclose(plain.objective, fast.objective, rtol=1e-11)
    for field in ("mean_accuracy", "mean_system_time", "utilization", "theta", "p"):
        assert np.allclose(getattr(plain, field), getattr(fast, field), rtol=1e-4), field


@pytest.mark.usefixtures("_compiled")
def test_one_instance_of_very_many_types(monkeypatch: pytest.MonkeyPatch) -> None:
    workload = realistic(3, 70_001)
    columns = Columns.of(workload)
    fast = next(price_path(workload))
    found = loops.appraised(columns, fast.tokens)
    assert found.relative_gap <= 1e-14
    result = cvxtoken.price_newton(workload)
    assert result.converged
    monkeypatch.setattr(elementwise, "_installed", lambda: False)
    plain = next(price_path(workload))
    assert np.allclose(plain.tokens, fast.tokens, rtol=1e-9, atol=1e-6)
    agree(appraise(columns, fast.tokens), found)
    assert found.gap >= appraise(columns, fast.tokens).gap * (1 - 1e-6)
    assert found.gap <= 1.1 * appraise(columns, fast.tokens).gap


@pytest.mark.usefixtures("_compiled")
def test_far_from_the_optimum_the_gap_is_numpys() -> None:
    columns = Columns.of(realistic(3, 10_000))
    tokens = np.zeros(10_000)
    assert not loops.appraise_quickly(columns, tokens)[1]
    assert loops.appraised(columns, tokens) == appraise(columns, tokens)
