from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

import cvxtoken
from cvxtoken import SolverError, verifier
from cvxtoken.allocation import model, reference
from cvxtoken.allocation.program import solver as solver_room
from cvxtoken.allocation.targeted import optimum
from cvxtoken.allocation.targeted.feasible import Feasible
from tests.support.instances import realistic, stress
from tests.support.thorough import some
from tests.support.uno import needs_uno

# computed to 1e-14 by two independent programs; arrival rate, weight, tokens, J*
CHECK_VALUES = [
    (0.1, 30.0, "4072.5 4702.2 704.4 2244.6 1392.8", "9.023840"),
    (0.01, 30.0, "7708.3 8316.1 1275.5 2279.7 2626.2", "9.788461"),
    (0.5, 100.0, "2075.9 2567.8 430.2 2228.9 646.2", "31.013386"),
    (1.5, 200.0, "476.1 945.8 0.0 2068.0 0.0", "56.165963"),
]


@pytest.mark.parametrize(("rate", "weight", "tokens", "objective"), CHECK_VALUES)
def test_check_values(rate: float, weight: float, tokens: str, objective: str) -> None:
    w = cvxtoken.load("qwen3-8b").replace(arrival_rate=rate, accuracy_weight=weight)
    found = cvxtoken.solve(w)
    assert " ".join(f"{l:.1f}" for l in found.tokens) == tokens
    assert f"{found.objective:.6f}" == objective
    assert found.status == "certified"


@pytest.mark.parametrize("size", [1, 6, 50])
@pytest.mark.parametrize("seed", some(range(20), 5))
def test_random_realistic_workloads_are_certified(size: int, seed: int) -> None:
    found = cvxtoken.solve(realistic(seed, size))
    verifier.check(found.certificate.to_document())
    assert found.certificate.relative_gap <= Decimal("1e-20")
    assert found.solver.status == "optimal"  # the presolved form is within Clarabel's reach
    assert found.solver.form == "presolved"


@pytest.mark.parametrize("w", [realistic(1, 1000), realistic(2, 5_000)], ids=len)
def test_large_workloads_are_certified(w: cvxtoken.Workload) -> None:
    found = cvxtoken.solve(w)
    verifier.check(found.certificate.to_document())
    # from 4096 types on bounds are made in arrays of pairs of doubles; in decimals on request
    assert found.certificate.relative_gap <= (Decimal("1e-20") if len(w) < 4096 else Decimal("1e-16"))
    assert cvxtoken.certify(w, found.tokens, digits=50).relative_gap <= Decimal("1e-20")


def test_no_other_allocation_is_better() -> None:
    w = realistic(3, 6)
    found = cvxtoken.solve(w)
    rng = np.random.default_rng(1)
    others = np.clip(
        found.tokens * rng.lognormal(0, 0.3, (10_000, 6)) + rng.normal(size=(10_000, 6)), 0, 32768
    )
    assert model.objective(w, others).max() <= found.upper


def test_the_figures_are_those_of_the_tokens() -> None:
    w = cvxtoken.load("qwen3-8b")
    found = cvxtoken.solve(w)
    assert found.lower <= found.objective <= found.upper
    assert Decimal(found.lower) <= found.certificate.lower
    assert Decimal(found.upper) >= found.certificate.upper
    assert found.objective == pytest.approx(float(model.objective(w, found.tokens)), rel=1e-14)
    expected = w.accuracy_weight * found.mean_accuracy - found.mean_system_time
    assert found.objective == pytest.approx(expected, rel=1e-14)
    assert found.utilization == pytest.approx(w.arrival_rate * float(model.moments(w, found.tokens)[0]))
    assert found.mean_accuracy == pytest.approx(w.prior @ found.accuracy)
    text = str(found)
    assert "9.023840" in text
    assert "certified" in text
    assert "4072.5" in text


@pytest.mark.parametrize("solver", ["SCS", "scs", pytest.param("UNO", marks=needs_uno)])
def test_any_installed_solver_leads_to_the_same_optimum(solver: str) -> None:
    w = realistic(4, 6)
    found = cvxtoken.solve(w, solver=solver)
    assert found.solver.name == solver.upper()
    assert found.solver.version
    assert found.relative_gap <= 1e-20
    np.testing.assert_allclose(found.tokens, cvxtoken.solve(w).tokens, rtol=1e-10)


def test_solvers_that_cannot_do_it_are_named() -> None:
    w = cvxtoken.load("qwen3-8b")
    with pytest.raises(SolverError, match=r"'CLARABLE' is not installed \(did you mean 'CLARABEL'\?\)"):
        cvxtoken.solve(w, solver="clarable")
    with pytest.raises(SolverError, match="'OSQP' cannot take this program"):
        cvxtoken.solve(w, solver="OSQP")


@pytest.mark.parametrize("raw", [None, np.full(6, np.nan), np.full(6, 1e300), np.full(6, -5.0), np.zeros(6)])
def test_a_solver_that_fails_or_lies_changes_nothing(
    raw: np.ndarray | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the solver says and gives: the optimum is that of the certificate."""
    w = realistic(5, 6)
    expected = cvxtoken.solve(w)

    def lie(problem: Feasible, name: str, extra: object) -> solver_room.Witness:
        run = cvxtoken.SolverRun(name, "0", "presolved", "optimal", 1, 0.0)
        point = None if raw is None else solver_room.usable(problem.workload, raw)
        return solver_room.Witness(run, point, {})

    monkeypatch.setattr(reference, "witness", lie)
    found = cvxtoken.solve(w)
    assert found.status == "certified"
    assert found.objective == pytest.approx(expected.objective, rel=1e-15)


def test_what_is_not_proven_is_not_called_certified(monkeypatch: pytest.MonkeyPatch) -> None:
    w = realistic(6, 6)
    best = cvxtoken.solve(w).tokens
    monkeypatch.setattr(optimum, "solve_prices", lambda workload, start: 0.99 * best)
    found = cvxtoken.solve(w)
    assert found.status == "uncertified"
    assert found.relative_gap > 1e-15
    assert "uncertified" in str(found)


@pytest.mark.parametrize("weight", [1e20, 1e160, 1e300, 1.7e308])
def test_data_beyond_float64_end_uncertified(weight: float) -> None:
    found = cvxtoken.solve(cvxtoken.load("qwen3-8b").replace(accuracy_weight=weight))
    assert found.status == "uncertified"
    verifier.check(found.certificate.to_document())


def test_every_field_may_be_extreme() -> None:
    """Fields up to 1e+-150: no error but of ours, and no certificate that its verifier refuses."""
    rng = np.random.default_rng(12)
    statuses = set()
    for _ in some(range(60), 3):
        size, reach = int(rng.integers(1, 4)), rng.choice([5, 30, 150])
        names = ("saturation_rate", "time_per_token", "max_tokens")
        extreme = {name: 10 ** rng.uniform(-reach, reach, size) for name in names}
        overhead = 10 ** rng.uniform(-reach, reach, size)
        rate = min(rng.uniform(0, 1) / overhead.mean(), 1e300)
        w = realistic(1, size).replace(
            prior=np.full(size, 1 / size),
            overhead=overhead,
            arrival_rate=rate,
            accuracy_weight=10 ** rng.uniform(-reach, reach),
            **extreme,
        )
        found = cvxtoken.solve(w)
        statuses.add(found.status)
        verifier.check(found.certificate.to_document())
    assert statuses == {"certified", "uncertified"}


def test_the_balanced_form_serves_where_the_presolved_fails() -> None:
    forms = {name: cvxtoken.solve(w).solver.form for name, w in stress((6,))}
    assert "balanced" in forms.values()
    assert "presolved" in forms.values()
