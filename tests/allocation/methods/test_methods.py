"""What every method must hold: it converges only where the certificate says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken import ProblemError, UnstableError
from cvxtoken.allocation import methods, model
from cvxtoken.allocation.methods import Result, loop
from cvxtoken.allocation.methods.comparison import compare
from cvxtoken.allocation.prices.gap import appraise
from cvxtoken.arrays import FloatArray
from tests.support.instances import realistic, stress
from tests.support.thorough import some

Solver = Callable[..., Result]
ALL: dict[str, Solver] = {
    "fixed_point": methods.fixed_point,
    "fixed_point_damped": partial(methods.fixed_point, damping=0.5),
    "gauss_seidel": partial(methods.fixed_point, order="gauss-seidel"),
    "projected_gradient": partial(methods.projected_gradient, max_iterations=100),
    "backtracking": partial(methods.projected_gradient, rule="backtracking", max_iterations=300),
    "accelerated": partial(methods.projected_gradient, rule="accelerated", max_iterations=300),
    "newton": methods.newton,
    "price_newton": methods.price_newton,
}


def random_start(w: cvxtoken.Workload, seed: int) -> FloatArray:
    """Stable tokens in the box, from near 0 to near the stability limit."""
    rng = np.random.default_rng(seed)
    l = rng.uniform(0, 1, len(w)) * w.max_tokens
    limit = float(w.idle_at_zero) / (w.arrival_rate * float((w.time_per_token * l) @ w.prior))
    return np.minimum(l * min(1, 0.999 * limit) * 10 ** rng.uniform(-4, 0), w.max_tokens)


@pytest.mark.parametrize("name", ALL)
def test_converged_means_certified(name: str) -> None:
    """On realistic and stress instances, from zero and from random starts; a study runs 500 more."""
    instances = [realistic(seed, size) for seed in range(8) for size in (1, 6, 50)]
    instances += [w for _, w in stress((1, 6))]
    for number, w in some(enumerate(instances), 3):
        result = ALL[name](w, start=random_start(w, number) if number % 2 else None)
        if result.converged:
            assert result.certificate.relative_gap <= loop.CLAIMED_GAP
        assert result.objective == float(model.objective(w, result.tokens))
        assert len(result.trace.objectives) == result.iterations + 1
        assert model.idle(w, result.tokens) > 0


@pytest.mark.parametrize("name", ["newton", "price_newton"])
@pytest.mark.parametrize(("label", "w"), some(stress((1, 6, 50)), 2))
def test_newton_methods_solve_the_stress_matrix(name: str, label: str, w: cvxtoken.Workload) -> None:
    result = ALL[name](w)
    assert result.converged
    assert result.certificate.relative_gap <= 1e-12


def test_a_hundred_thousand_types_are_solved_in_a_few_passes() -> None:
    w = realistic(1, 100_000)
    result = methods.price_newton(w)
    assert result.converged
    assert result.trace.residuals[-1] <= 1e-14
    assert result.iterations == 0  # beyond the first, two Newton steps from the prices of a sample
    started = methods.price_newton(w, start=np.zeros(100_000))
    assert started.objective == pytest.approx(result.objective, rel=1e-13)


def test_price_newton_is_the_reference_s_polish() -> None:
    w = realistic(2, 6)
    assert methods.price_newton(w, tolerance=1e-30).tokens.tolist() == pytest.approx(
        cvxtoken.solve(w).tokens.tolist(), rel=1e-13
    )


# --- metamorphic ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["solve", "price_newton", "newton"])
@pytest.mark.parametrize("seed", range(3))
def test_metamorphic(solver: str, seed: int) -> None:
    """Relations that hold of the optimum itself, whatever finds it."""
    find: Callable[[cvxtoken.Workload], Any] = cvxtoken.solve if solver == "solve" else ALL[solver]
    w = realistic(seed, 5)
    found = find(w)
    accurate = {"rel": 1e-4, "abs": 1e-3}  # tokens of an objective exact to 1e-12: about its square root
    same_J = {"rel": 1e-11}
    fields = ("prior", "accuracy_gain", "saturation_rate", "base_accuracy", "overhead", "time_per_token")
    columns = {field: getattr(w, field) for field in (*fields, "max_tokens")}

    order = np.random.default_rng(seed).permutation(5)
    permuted = find(w.replace(names=[w.names[k] for k in order], **{f: v[order] for f, v in columns.items()}))
    assert permuted.objective == pytest.approx(found.objective, **same_J)
    assert permuted.tokens == pytest.approx(found.tokens[order], **accurate)

    twice = {field: np.append(values, values[0]) for field, values in columns.items()}
    twice["prior"] = twice["prior"] * np.array([0.5, 1, 1, 1, 1, 0.5])
    split = find(w.replace(names=[*w.names, "again"], **twice))
    assert split.objective == pytest.approx(found.objective, **same_J)
    assert split.tokens == pytest.approx(np.append(found.tokens, found.tokens[0]), **accurate)

    slow = w.replace(
        overhead=w.overhead * 1024,
        time_per_token=w.time_per_token * 1024,
        arrival_rate=w.arrival_rate / 1024,
        accuracy_weight=w.accuracy_weight * 1024,
    )
    scaled = find(slow)
    assert scaled.objective == pytest.approx(1024 * found.objective, **same_J)
    assert scaled.tokens == pytest.approx(found.tokens, **accurate)

    tight = find(w.replace(max_tokens=np.minimum(w.max_tokens, found.tokens + 1)))
    assert tight.objective == pytest.approx(found.objective, **same_J)
    assert tight.tokens == pytest.approx(found.tokens, **accurate)


# --- a method of one's own ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _State:
    tokens: FloatArray


@dataclass(frozen=True)
class _Liar:
    """Does nothing, or leaves the stability region, or falsely claims to have converged."""

    workload: cvxtoken.Workload
    kind: str

    def start(self, tokens: FloatArray) -> _State:
        return _State(tokens)

    def step(self, state: _State) -> _State:
        return _State(self.workload.max_tokens if self.kind == "leaves" else state.tokens)

    def done(self, state: _State) -> str | None:
        return "Converged, I swear." if self.kind == "claims" else None


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [("claims", "Converged, I swear"), ("leaves", "Left the stab"), ("idles", "Reached the limit of 7")],
)
def test_a_method_cannot_call_itself_converged(kind: str, outcome: str) -> None:
    w = cvxtoken.load("qwen3-8b")
    result = methods.run(w, _Liar(w, kind), max_iterations=7)
    assert not result.converged
    assert result.outcome.startswith(outcome)
    assert result.tokens.tolist() == [0.0] * 5


def test_a_method_that_knows_the_answer_converges_at_once() -> None:
    w = cvxtoken.load("qwen3-8b")
    result = methods.run(w, _Liar(w, "idles"), start=cvxtoken.solve(w).tokens)
    assert (result.converged, result.iterations) == (True, 0)


def test_what_the_certificate_does_not_confirm_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    perfect = lambda columns, tokens: appraise(columns, tokens)._replace(gap=np.float64(0.0))  # noqa: E731
    monkeypatch.setattr(loop, "appraised", perfect)
    result = methods.newton(cvxtoken.load("qwen3-8b"))
    assert not result.converged
    assert "the certificate proves a relative gap of 1.25 only" in result.outcome


def test_trace_keeps_iterates_within_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_KEPT_NUMBERS", 12)
    trace = methods.newton(cvxtoken.load("qwen3-8b")).trace
    assert len(trace.tokens) == 2
    assert len(trace.objectives) == len(trace.residuals) == len(trace.utilization) > 2


# --- bad input ------------------------------------------------------------------------------------------

BAD = [
    ({"start": [-1.0, 0, 0, 0, 0]}, "'AIME 2024' is -1.0; it must be from 0 to 32768"),
    ({"start": [np.nan, 0, 0, 0, 0]}, "'AIME 2024' is nan"),
    ({"start": [0.0, 0, 0, 0, np.inf]}, "'HMMT 2025' is inf"),
    ({"start": [0.0, 0]}, "tokens has shape"),
    ({"start": [32768.0] * 5}, "start gives a utilisation of 2.6.*must be below 1"),
    ({"max_iterations": 0}, "max_iterations is 0; it must be at least 1"),
    ({"tolerance": 1e-3}, "tolerance is 0.001; it must be"),
]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_arguments(name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        ALL[name](cvxtoken.load("qwen3-8b"), **arguments)


@pytest.mark.parametrize("damping", [0.0, -0.5, 1.0001, float("nan")])
def test_bad_damping(damping: float) -> None:
    with pytest.raises(ProblemError, match="must be above 0 and at most 1"):
        methods.fixed_point(cvxtoken.load("qwen3-8b"), damping=damping)


@pytest.mark.parametrize("step_size", [0.0, -1.0, float("inf"), float("nan")])
def test_bad_step_size(step_size: float) -> None:
    with pytest.raises(ProblemError, match=r"step_size is .*must be positive and finite"):
        methods.projected_gradient(cvxtoken.load("qwen3-8b"), step_size=step_size)


def test_unknown_variants() -> None:
    with pytest.raises(ProblemError, match="rule is 'fast'"):
        methods.projected_gradient(cvxtoken.load("qwen3-8b"), rule="fast")
    with pytest.raises(ProblemError, match="order is 'random'"):
        methods.fixed_point(cvxtoken.load("qwen3-8b"), order="random")


@pytest.mark.parametrize("name", ALL)
def test_no_stable_allocation(name: str) -> None:
    with pytest.raises(UnstableError):
        ALL[name](cvxtoken.load("qwen3-8b").replace(arrival_rate=5))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("weight", [1e20, 1e160, 1e300])
def test_data_beyond_float64_end_in_a_sentence(name: str, weight: float) -> None:
    w = cvxtoken.load("qwen3-8b").replace(accuracy_weight=weight)
    result = ALL[name](w, max_iterations=50)
    assert result.outcome
    assert not result.converged or result.certificate.relative_gap <= loop.CLAIMED_GAP


def test_very_many_types_beyond_float64_end_in_a_sentence_too() -> None:
    for weight in (1e200, 1e300):
        result = methods.price_newton(realistic(1, 70_000).replace(accuracy_weight=weight), max_iterations=5)
        assert result.outcome
        assert not result.converged or result.certificate.relative_gap <= loop.CLAIMED_GAP


def test_comparison_shows_every_method() -> None:
    comparison = compare(cvxtoken.load("qwen3-8b"))
    document = comparison.to_document()
    assert list(document["methods"]) == list(methods.METHODS)
    assert document["contraction_bound"] == pytest.approx(4.747, abs=1e-3)
    assert document["contraction_at_optimum"] == pytest.approx(1.355, abs=1e-3)
    assert not document["methods"]["fixed_point"]["converged"]
    assert document["methods"]["newton"]["max_token_error"] < 0.1
    assert "fixed_point: Two-cycle" in str(comparison)
