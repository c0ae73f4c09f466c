"""Derivatives against differences of optima solved anew, and against the envelope theorem."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken import ProblemError
from cvxtoken.allocation import model
from cvxtoken.allocation.targets import LIMITS
from tests.support.instances import realistic
from tests.support.thorough import some

QWEN = cvxtoken.load("qwen3-8b")
BUSY = QWEN.replace(arrival_rate=1.5, accuracy_weight=200, base_accuracy=[0.1] * 5, max_tokens=1000.0)
VECTORS = ("accuracy_gain", "saturation_rate", "base_accuracy", "overhead", "time_per_token", "max_tokens")
CASES: list[tuple[cvxtoken.Workload, dict[str, Any]]] = [
    (QWEN, {}),
    (BUSY, {}),  # types at 0, at max_tokens and between
    (realistic(4, 3), {}),
    (QWEN, {"max_mean_system_time": 2.0}),
    (QWEN, {"max_utilization": 0.15, "max_mean_tokens": 1800.0}),
    (QWEN, {"objective": "accuracy", "max_utilization": 0.15}),
    (QWEN, {"objective": "accuracy", "max_mean_system_time": 2.0, "max_mean_tokens": 1700.0}),
    (QWEN, {"min_accuracy": {"GSM8K": 0.952}, "max_mean_wait": 0.2, "max_mean_system_time": 50.0}),
]


def moved(w: cvxtoken.Workload, asked: dict[str, Any], change: dict[str, Any]) -> cvxtoken.Reference:
    """The optimum with numbers added to parameters; a pair (k, h) adds h to type k's."""
    asked, fields = dict(asked), {}
    for name, step in change.items():
        if name in LIMITS:
            asked[name] += step
        elif name == "min_accuracy":
            k, h = step
            asked[name] = {**asked[name], w.names[k]: asked[name][w.names[k]] + h}
        elif isinstance(step, tuple):
            values = getattr(w, name).copy()
            values[step[0]] += step[1]
            fields[name] = values
        else:
            fields[name] = getattr(w, name) + step
    return cvxtoken.solve(w.replace(**fields), **asked)


def check(
    case: tuple[cvxtoken.Workload, dict[str, Any]],
    name: str,
    k: int | None,
    base: float,
    found: tuple[Any, ...],
) -> None:
    """Central differences at a relative step of 1e-6, whose error is of second order."""
    w, asked = case
    h = 1e-6 * base
    sides = [moved(w, asked, {name: s * h if k is None else (k, s * h)}) for s in (1, -1)]
    J, system, accuracy, tokens = found
    for value, of in (
        (J, lambda r: r.objective),
        (system, lambda r: r.mean_system_time),
        (accuracy, lambda r: r.mean_accuracy),
        (tokens, lambda r: r.tokens),
    ):
        high, low = (of(r) for r in sides)
        difference = (high - low) / (2 * h)
        rounding = 1e-14 * (1 + np.abs(high).max()) / h  # of the values subtracted
        assert np.abs(difference - value).max() <= 1e-5 * np.abs(value).max() + rounding, (name, k)


@pytest.mark.parametrize("case", some(CASES, 4), ids=str)
def test_derivatives_are_those_of_optima_solved_anew(
    case: tuple[cvxtoken.Workload, dict[str, Any]],
) -> None:
    w, asked = case
    s = cvxtoken.sensitivity(cvxtoken.solve(w, **asked))
    for name in ("arrival_rate", "accuracy_weight", *(n for n in asked if n in LIMITS)):
        base = asked[name] if name in LIMITS else getattr(w, name)
        found = s.objective[name], s.mean_system_time[name], s.mean_accuracy[name], s.tokens(name)
        check(case, name, None, float(base), found)
    for name in VECTORS:
        for k in some(range(len(w)), 3):
            base = float(getattr(w, name)[k])
            if base == 0:
                assert name == "base_accuracy"
                continue
            column = s.tokens(name)[:, k]
            found = s.objective[name][k], s.mean_system_time[name][k], s.mean_accuracy[name][k], column
            check(case, name, k, base, found)
    for type_name, q in asked.get("min_accuracy", {}).items():
        k, name = w.names.index(type_name), "min_accuracy"
        column = s.tokens(name)[:, k]
        found = s.objective[name][k], s.mean_system_time[name][k], s.mean_accuracy[name][k], column
        check(case, name, k, 0.01 * q, found)


@pytest.mark.parametrize("case", some(CASES, 4), ids=str)
def test_priors_moved_from_one_type_to_another(case: tuple[cvxtoken.Workload, dict[str, Any]]) -> None:
    """The sum must stay 1, so that the difference of two derivatives is compared."""
    w, asked = case
    s = cvxtoken.sensitivity(cvxtoken.solve(w, **asked))
    h, direction = 1e-6, np.eye(len(w))[0] - np.eye(len(w))[-1]
    sides = [cvxtoken.solve(w.replace(prior=w.prior + x * h * direction), **asked) for x in (1, -1)]
    for found, of in (
        (s.objective["prior"] @ direction, lambda r: r.objective),
        (s.mean_accuracy["prior"] @ direction, lambda r: r.mean_accuracy),
        (s.mean_system_time["prior"] @ direction, lambda r: r.mean_system_time),
        (s.tokens("prior") @ direction, lambda r: r.tokens),
    ):
        high, low = (of(r) for r in sides)
        difference = (high - low) / (2 * h)
        rounding = 1e-14 * (1 + np.abs(high).max()) / h
        assert np.abs(difference - found).max() <= 1e-5 * np.abs(found).max() + rounding


def test_the_envelope_theorem() -> None:
    """dJ*/dq is the partial derivative at fixed budgets: written down here for each parameter."""
    w = QWEN
    reference = cvxtoken.solve(w)
    s, l = cvxtoken.sensitivity(reference), reference.tokens
    h, alpha, pi = model.delay_price(w, l), w.accuracy_weight, w.prior
    decay = np.exp(-w.saturation_rate * l)
    y, (s1, s2) = float(model.idle(w, l)), (float(x) for x in model.moments(w, l))
    expected = {
        "accuracy_weight": reference.mean_accuracy,
        "arrival_rate": -s2 / (2 * y) - w.arrival_rate * s2 * s1 / (2 * y**2),
        "accuracy_gain": alpha * pi * (1 - decay),
        "saturation_rate": alpha * pi * w.accuracy_gain * l * decay,
        "base_accuracy": alpha * pi,
        "overhead": -pi * h,
        "time_per_token": -pi * h * l,
        "max_tokens": np.zeros(5),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(s.objective[name], value, rtol=1e-10, atol=1e-12)


def test_an_active_target_s_derivative_is_its_shadow_price() -> None:
    for objective in ("trade-off", "accuracy"):
        reference = cvxtoken.solve(QWEN, objective=objective, max_mean_system_time=2.0)
        s, (price,) = cvxtoken.sensitivity(reference), reference.shadow_prices
        assert s.objective["max_mean_system_time"] == pytest.approx(price.objective, rel=1e-9)
        assert s.mean_accuracy["max_mean_system_time"] == pytest.approx(price.accuracy, rel=1e-9)
        assert s.mean_system_time["max_mean_system_time"] == pytest.approx(1.0, rel=1e-9)


def test_large_and_bad() -> None:
    s = cvxtoken.sensitivity(cvxtoken.solve(realistic(1, 2000)))
    assert s.response.shape == (2000, 2)
    assert s.objective["overhead"].shape == (2000,)
    with pytest.raises(ProblemError, match=r"'arrival' is not a parameter .did you mean 'arrival_rate'"):
        s.tokens("arrival")
    rows = cvxtoken.solve(QWEN, constraints=lambda l: [l[0] <= 3000])
    with pytest.raises(ProblemError, match="without further constraints"):
        cvxtoken.sensitivity(rows)
