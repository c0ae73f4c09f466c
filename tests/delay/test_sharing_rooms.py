"""Every other room under sharing: many, tracker, sensitivity, methods, whole, lagged and robust."""

from __future__ import annotations

import itertools
import json

import cvxpy as cp
import numpy as np
import pytest

import cvxtoken
from cvxtoken import (
    Ensemble,
    LaggedWorkload,
    Tracker,
    Workloads,
    contraction_at,
    contraction_bound,
    solve_integer,
    solve_lagged,
    solve_many,
    solve_robust,
    spectral_radius_at,
    step_size_bound,
    verifier,
)
from cvxtoken.allocation import model
from cvxtoken.delay import Fifo, Sharing
from tests.support import served, truth
from tests.support.instances import boxed, realistic, varying
from tests.support.thorough import some
from tests.support.truth import exact, mpf

SOME = served.some()
SERVERS = [Sharing(0.01), Sharing(0.3, 0.3), Sharing(0.0), Sharing(1.0, 0.5, 3), Fifo(2)]


@pytest.mark.parametrize("server", [Sharing(0.02, 0.4), Sharing(0.0), Sharing(1.0), Sharing(0.1, 0.0, 5)])
def test_many_at_once_are_the_certified_optima(server: Sharing) -> None:
    workloads = [
        served.on(realistic(seed, 1 + seed % 5), server, 0.1 + 0.02 * seed) for seed in some(range(40), 3)
    ]
    found = solve_many(workloads)
    assert found.solved.all()
    for number, w in enumerate(workloads):
        reference = cvxtoken.solve(w)
        assert found.objective[number] == pytest.approx(reference.objective, rel=1e-11)
        np.testing.assert_allclose(found.tokens[number, : len(w)], reference.tokens, rtol=1e-8, atol=1e-8)
        assert found.mean_system_time[number] == pytest.approx(reference.mean_system_time, rel=1e-10)
    assert found.certify(7).relative_gap < 1e-20
    again = solve_many(Workloads.of(workloads), start=found)
    np.testing.assert_allclose(again.objective, found.objective, rtol=1e-12)


@pytest.mark.parametrize("server", SERVERS)
def test_a_tracker_follows(server: Sharing | Fifo) -> None:
    w = realistic(4, 4).replace(server=server)
    w = w.replace(arrival_rate=0.5 * server.replicas / float(w.mean_overhead))
    tracker, rng = Tracker(w), np.random.default_rng(3)
    for _ in range(12):
        prior = rng.dirichlet(np.full(4, 5.0))
        changes = {"arrival_rate": w.arrival_rate * float(np.exp(rng.uniform(-2, 0.3)))}
        changes |= {"prior": prior} if rng.random() < 0.5 else {}
        found, there = tracker.update(**changes), w.replace(**({"prior": tracker.workload.prior} | changes))
        if not found.stable:
            assert there.idle_at_zero <= 0
            continue
        best = cvxtoken.solve(there)
        assert found.relative_gap <= 1e-12
        assert found.objective == pytest.approx(best.objective, rel=1e-11)
        assert found.utilization == pytest.approx(best.utilization, rel=1e-6, abs=1e-12)


CASES = [
    (SOME[6], {}),
    (SOME[9], {}),
    (SOME[10], {}),
    (SOME[13], {}),
    (SOME[6], {"max_mean_system_time": 0.9}),
    (SOME[7], {"max_mean_wait": 0.8}),
    (SOME[7], {"max_utilization": 0.98}),
    (SOME[6], {"objective": "accuracy", "max_mean_system_time": 0.9, "max_mean_tokens": 0.9}),
    (SOME[10], {"max_mean_wait": 0.9}),
]


@pytest.mark.parametrize("number", some(range(len(CASES)), 3))
def test_sensitivities_are_differences_of_optima_solved_anew(number: int) -> None:
    """Central differences at a step of 1e-6 of the parameter, whose error is of second order."""
    w, shares = CASES[number]
    free = cvxtoken.solve(w)
    values = {
        "max_mean_system_time": free.mean_system_time,
        "max_mean_wait": float(model.mean_wait(w, free.tokens)),
        "max_utilization": free.utilization,
        "max_mean_tokens": float(w.prior @ free.tokens),
    }
    asked = {name: x if isinstance(x, str) else x * values[name] for name, x in shares.items()}
    s = cvxtoken.sensitivity(cvxtoken.solve(w, **asked))
    limits = [name for name in asked if name != "objective"]
    vectors = ["accuracy_gain", "saturation_rate", "overhead", "time_per_token"][2 if limits else 0 :]
    for name in ["arrival_rate", "accuracy_weight", *limits, *vectors]:
        for k in range(min(len(w), 3)) if name in vectors else [None]:
            base = asked[name] if name in asked else getattr(w, name)
            base = float(base if k is None else base[k])
            sides = []
            for sign in (1, -1):
                if name in asked:
                    sides.append(cvxtoken.solve(w, **(asked | {name: base * (1 + sign * 1e-6)})))
                    continue
                value = base * (1 + sign * 1e-6)
                if k is not None:
                    value = np.where(np.arange(len(w)) == k, value, getattr(w, name))
                sides.append(cvxtoken.solve(w.replace(**{name: value}), **asked))
            for table, of in ((s.objective, "objective"), (s.mean_system_time, "mean_system_time")):
                derivative = float(table[name] if k is None else table[name][k])
                high, low = (getattr(side, of) for side in sides)
                rounding = 1e-13 * (1 + abs(high)) / (2e-6 * base)
                difference = (high - low) / (2e-6 * base)
                assert difference == pytest.approx(derivative, rel=1e-5, abs=rounding), (name, k, of)
            tokens = s.tokens(name) if k is None else s.tokens(name)[:, k]
            moved = (sides[0].tokens - sides[1].tokens) / (2e-6 * base)
            rounding = 1e-12 * (1 + np.abs(sides[0].tokens).max()) / (2e-6 * base)
            assert np.abs(moved - tokens).max() <= 1e-4 * np.abs(moved).max() + rounding, (name, k)


@pytest.mark.parametrize("number", [0, 4, 6, 8, 10, 14])
def test_methods_and_their_constants(number: int) -> None:
    w = SOME[number].replace(max_tokens=np.minimum(SOME[number].max_tokens, 3000.0))
    best = cvxtoken.solve(w)
    l, N = best.tokens, len(w)
    free = (l > 0) & (l < w.max_tokens)
    columns = [(model.answer(w, l + d) - model.answer(w, l - d)) / 2e-4 for d in 1e-4 * np.eye(N)]
    J = np.array(columns).T * free[:, None]
    assert contraction_at(w, l) == pytest.approx(np.abs(J).sum(axis=1).max(), rel=1e-4, abs=1e-7)
    radius = np.abs(np.linalg.eigvals(J)).max()
    assert spectral_radius_at(w, l) == pytest.approx(radius, rel=1e-4, abs=1e-7)
    bound, u = contraction_bound(w).value, model.upper_bounds(w)
    rng = np.random.default_rng(number)
    if bound is not None:
        for _ in range(200):
            assert contraction_at(w, rng.uniform(0, 1, N) * u) <= bound
    if bound is not None and bound < 1:
        assert cvxtoken.fixed_point(w).outcome.startswith("Converged")
    L = 1 / step_size_bound(w)
    floor = float(model.objective(w, np.zeros(N)))
    for _ in range(200):
        there = rng.uniform(0, 1, N) ** 3 * w.max_tokens
        if float(model.idle(w, there)) > 0 and float(model.objective(w, there)) >= floor:
            assert np.abs(np.linalg.eigvalsh(model.hessian(w, there).dense())).max() <= L
    for method in (cvxtoken.newton, cvxtoken.price_newton):
        found = method(w)
        assert found.outcome.startswith("Converged")
        np.testing.assert_allclose(found.tokens, l, rtol=1e-4, atol=1e-3)  # J is flat, to its rounding
    climbed = cvxtoken.projected_gradient(w, rule="constant", max_iterations=30)
    values = [float(model.objective(w, x)) for x in climbed.trace.tokens]
    assert all(b >= a - 1e-12 * (1 + abs(a)) for a, b in itertools.pairwise(values))
    swept = cvxtoken.fixed_point(w, damping=0.5, order="gauss-seidel", max_iterations=3)
    assert float(model.idle(w, swept.tokens)) > 0


@pytest.mark.parametrize("block", some(range(5), 2))
def test_whole_tokens_against_enumeration(block: int) -> None:
    for seed in range(8 * block, 8 * block + 8):
        w = boxed(seed)
        w = varying(w, seed) if seed % 4 == 3 else w
        server = SERVERS[seed % len(SERVERS)]
        work = server.overhead_share * float(w.mean_overhead)
        w = w.replace(server=server, arrival_rate=(0.1 + 0.02 * seed) * server.replicas / work)
        found = solve_integer(w)
        best, J = truth.best_whole(w)
        assert found.exact, seed
        assert found.tokens.tolist() in best, seed
        proof = found.certificate
        assert exact(proof.lower) <= J <= exact(proof.upper)
        assert verifier.whole.check(json.loads(json.dumps(proof.to_document()))).startswith("proven")


def lagged(seed: int) -> LaggedWorkload:
    rng = np.random.default_rng([seed, 50])
    size = int(rng.integers(1, 4))
    b = 10 ** rng.uniform(-3.5, -2, size)
    w = realistic(seed, size).replace(saturation_rate=b, max_tokens=rng.uniform(2, 10, size) / b)
    server = [Sharing(0.01), Sharing(0.2, 0.2), Sharing(0.0), Sharing(1.0, 1.0, 2)][seed % 4]
    w = served.on(w, server, float(rng.uniform(0.1, 0.8))).replace(accuracy_weight=10 ** rng.uniform(0.5, 2))
    lag = rng.uniform(0, 2, size) / b * (rng.uniform(size=size) < 0.8)
    lag[rng.uniform(size=size) < 0.1] *= 20
    return LaggedWorkload(w, lag)


@pytest.mark.parametrize("seed", some(range(16), 4))
def test_lags_against_every_way_to_be_off_or_on(seed: int) -> None:
    problem = lagged(seed)
    w, best = problem.workload, -mpf("inf")
    lags = problem.lag.tolist()
    for on in itertools.product(*((False, True) if lag > 0 else (True,) for lag in lags)):
        base = [lag if is_on else 0.0 for lag, is_on in zip(lags, on, strict=True)]
        top = np.where(on, w.max_tokens, 0.0)
        if (np.array(base) > w.max_tokens).any():
            continue
        if truth.law(w, [exact(x) for x in base])[1] > 0:
            best = max(best, served.optimum(w.replace(max_tokens=top), base)[1])
    found = solve_lagged(problem)
    assert found.status == "certified"
    assert exact(found.lower) <= best <= exact(found.upper) + mpf(10) ** -75
    assert verifier.lagged.check(json.loads(json.dumps(found.certificate.to_document()))).startswith("proven")


@pytest.mark.parametrize("seed", some(range(6), 2))
def test_robust_budgets_with_mixed_servers(seed: int) -> None:
    """Against the mean of J in CVXPY, written down from E[T] = E[S] / y and the queue's formula."""
    base, rng = realistic(seed, 3), np.random.default_rng([seed, 60])
    draws = []
    for number in range(4):
        server = SERVERS[(seed + number) % len(SERVERS)]
        work = server.overhead_share * float(base.mean_overhead)
        rate = float(rng.uniform(0.2, 0.7)) * server.replicas / work
        draws.append(base.replace(server=server, arrival_rate=rate))
    problem = Ensemble(draws)
    found = solve_robust(problem)
    assert found.status == "certified"
    assert found.relative_gap < 1e-20
    document = json.loads(json.dumps(found.certificate.to_document()))
    assert verifier.robust.check(document).startswith("proven")
    x, b = cp.Variable(3), base.saturation_rate
    parts = []
    for w in draws:
        t0, C = float(w.prior @ w.overhead), (w.prior * w.time_per_token / b) @ x
        if isinstance(w.server, Sharing):
            load = w.rate * w.server.sigma
            y0 = 1 - w.rate * w.server.overhead * t0
            delay = ((t0 + y0 / load) * cp.inv_pos(y0 - load * C) - 1 / load) if load else (t0 + C) / y0
        else:
            t = w.overhead + cp.multiply(w.time_per_token / b, x)
            root = cp.multiply(np.sqrt(w.prior), t)
            delay = t0 + C + w.rate / 2 * cp.quad_over_lin(root, 1 - w.rate * (t0 + C))
        gain = (w.prior * w.accuracy_gain) @ (1 - cp.exp(-x)) + float(w.prior @ w.base_accuracy)
        parts.append(w.accuracy_weight * gain - delay)
    direct = cp.Problem(cp.Maximize(sum(parts) / len(parts)), [x >= 0, x <= b * base.max_tokens])
    direct.solve(solver="CLARABEL")
    assert direct.value == pytest.approx(found.objective, rel=1e-6)
    l = np.clip(x.value / b, 0, base.max_tokens)
    assert float(problem.objectives(l).mean()) <= float(found.upper) + 1e-12 * (1 + abs(found.upper))
    values = [truth.objective(w, found.tokens.tolist()) for w in draws]
    assert exact(found.lower) <= sum(values) / 4 <= exact(found.upper)
