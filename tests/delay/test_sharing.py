"""The law of sharing: closed forms and optima against its definition E[T] = E[S] / y in 90 digits."""

from __future__ import annotations

import warnings
from decimal import Decimal

import numpy as np
import pytest

import cvxtoken
from cvxtoken.allocation import model
from cvxtoken.allocation.program.cones import cone_program
from cvxtoken.allocation.program.forms import FORMS, program
from cvxtoken.verifier import allocation as verifier
from tests.support import served, truth
from tests.support.thorough import some
from tests.support.truth import exact, mp, mpf

SOME = served.some()
NUMBERS = range(len(SOME))


def points(w: cvxtoken.Workload, seed: int) -> list[np.ndarray]:
    """Stable tokens: none, the best, and anywhere below."""
    best, rng = cvxtoken.solve(w).tokens, np.random.default_rng(seed)
    found = [np.zeros(len(w)), best, *(best * rng.uniform(0, 1, len(w)) for _ in range(3))]
    return [l for l in found if float(model.idle(w, l)) > 0]


@pytest.mark.parametrize("number", some(NUMBERS, 3))
def test_closed_forms(number: int) -> None:
    """The sums of float64 lose some 1e-15; what is divided by y has that over y, as y is a difference."""
    w = SOME[number]
    for l in points(w, number):
        exactly = [exact(x) for x in l.tolist()]
        system, y = truth.law(w, exactly)
        service = mp.fsum(exact(p) * exact(t) for p, t in zip(w.prior, model.service_time(w, l), strict=True))
        loss = 1e-14 / float(y)
        assert float(model.idle(w, l)) == pytest.approx(float(y), rel=loss)
        assert float(model.utilization(w, l)) == pytest.approx(float(1 - y), rel=1e-13, abs=1e-15)
        assert float(model.mean_system_time(w, l)) == pytest.approx(float(system), rel=loss)
        wait = float(system - service)
        assert float(model.mean_wait(w, l)) == pytest.approx(wait, rel=loss, abs=1e-14 * float(system))
        waits = w.server.type_waits(model.service_time(w, l), model.mean_wait(w, l), model.idle(w, l))
        assert float(waits @ w.prior) == pytest.approx(wait, rel=loss, abs=1e-14 * float(system))
        value = truth.objective(w, exactly)
        size = w.accuracy_weight + float(system) / float(y)
        assert float(model.objective(w, l)) == pytest.approx(float(value), abs=1e-14 * size)
        gradient = np.array([float(x) for x in truth.gradient(w, exactly)])
        size = np.abs(w.prior * w.time_per_token * model.delay_price(w, l)) + np.abs(gradient)
        assert (np.abs(model.gradient(w, l) - gradient) <= 3 * loss * size).all()


@pytest.mark.parametrize("number", some(NUMBERS, 3))
def test_the_law_of_six_numbers_is_the_definition(number: int) -> None:
    w, law = SOME[number], SOME[number].exact_law
    for l in points(w, number):
        system, y = truth.law(w, [exact(x) for x in l.tolist()])
        service = mp.fsum(
            exact(p) * (exact(t0) + exact(c) * exact(x))
            for p, t0, c, x in zip(w.prior, w.overhead, w.time_per_token, l.tolist(), strict=True)
        )
        offset, direct, square, constant, share0, share = map(exact, law)
        found = offset + direct * service + exact(w.rate) * constant / (2 * y)
        assert square == 0
        assert (share0, share) == (exact(w.server.overhead_share), exact(w.server.sigma))  # type: ignore[attr-defined]
        assert abs(found - system) <= mpf(10) ** -70 * (abs(offset) + system)


@pytest.mark.parametrize("number", some(NUMBERS, 3)[:12])
def test_the_hessian(number: int) -> None:
    """Against second derivatives that mpmath takes of the definition, by differences of 1e-25."""
    w = SOME[number]
    l = [exact(x) for x in (0.7 * cvxtoken.solve(w).tokens).tolist()]
    H = model.hessian(w, np.array([float(x) for x in l])).dense()
    h = mpf(10) ** -25
    for k in range(len(w)):
        ends = [truth.gradient(w, [x + s * h * (j == k) for j, x in enumerate(l)]) for s in (1, -1)]
        for j in range(len(w)):
            true = float((ends[0][j] - ends[1][j]) / (2 * h))
            assert H[k, j] == pytest.approx(true, rel=1e-9, abs=1e-12 * np.abs(H).max())


@pytest.mark.parametrize("number", some(NUMBERS, 3))
def test_the_optimum_is_the_root_of_one_equation(number: int) -> None:
    w = SOME[number]
    l, J = served.optimum(w)
    reference = cvxtoken.solve(w)
    proof = reference.certificate
    assert exact(proof.lower) <= J <= exact(proof.upper)
    y = float(truth.law(w, l)[1])
    # tokens are doubles: y is known to some 1e-16 / y of itself, of which the gap is the square
    assert proof.relative_gap <= Decimal(max(1e-20, 1e-31 / y**2))
    assert verifier.check(proof.to_document()).startswith("proven")
    for mine, theirs, radius in zip(proof.tokens, l, proof.radii, strict=True):
        assert abs(exact(mine) - theirs) <= exact(radius)
    also, J_also = truth.optimum(w)  # by Newton's method on all tokens
    assert abs(J - J_also) <= mpf(10) ** -55 * (1 + abs(J))
    assert all(abs(a - x) <= mpf(10) ** -40 * (1 + x) for a, x in zip(also, l, strict=True))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("number", some([0, 3, 7, 10, 11, 12, 13, 14, 15, 19, 20], 3))
def test_every_form_has_the_certified_optimum(form: str, number: int) -> None:
    w = SOME[number]
    built = program(w, form)
    assert built.problem.is_dcp()
    assert form != "parametric" or built.problem.is_dcp(dpp=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the badly scaled forms may end a little less exact
        built.problem.solve(solver="CLARABEL")
    best = cvxtoken.solve(w).objective
    tokens = np.clip(built.tokens.value, 0, w.max_tokens)
    # 1e-6 relative is what an interior-point method reaches at its default tolerances
    assert float(model.objective(w, tokens)) == pytest.approx(best, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("number", [0, 5, 10, 11, 13, 15])
def test_the_parametric_form_is_solved_again_for_other_loads(number: int) -> None:
    """Offset, direct and constant of the law move with the load, too."""
    w = SOME[number]
    built = program(w, "parametric")
    for factor, weight in ((0.3, 1.0), (0.9, 3.0), (0.05, 0.5)):
        other = w.replace(arrival_rate=factor * w.arrival_rate, accuracy_weight=weight * w.accuracy_weight)
        built.update(other.arrival_rate, other.accuracy_weight)
        built.problem.solve(solver="CLARABEL")
        tokens = np.clip(built.tokens.value, 0, w.max_tokens)
        best = cvxtoken.solve(other).objective
        assert float(model.objective(other, tokens)) == pytest.approx(best, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("form", ["raw", "presolved"])
@pytest.mark.parametrize("number", [0, 2, 7, 10, 11, 12, 13, 14, 15, 19])
def test_cone_data_have_the_optimum_and_its_duals(form: str, number: int) -> None:
    w = SOME[number]
    tokens, J = served.optimum(w)
    cones = cone_program(w, form)
    p = cones.program
    z = cones.duals([Decimal(mp.nstr(l, 60)) for l in tokens])
    size = 1 + abs(p.q).max() + abs(p.offset)
    # the duals are exact to 17 digits, the data too: sums of some terms of that size
    assert np.abs(p.A.T @ z + p.q).max() <= 1e-12 * (1 + np.abs(z).max() * abs(p.A).max())
    dual = p.offset - float(p.b @ z)
    loss = 1e-14 * (size + float(np.abs(p.b) @ np.abs(z)))
    assert dual == pytest.approx(-float(J), abs=loss)
