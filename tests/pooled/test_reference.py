from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

import cvxtoken
from cvxtoken import ProblemError, UnstableError
from cvxtoken.delay import Fifo, Sharing
from cvxtoken.pooled import PooledWorkload, search, solve_pooled
from tests.pooled.instances import random_problem
from tests.support import pooled_truth
from tests.support.instances import realistic, varying
from tests.support.thorough import some


def best_on_grids(problem: PooledWorkload, points: int = 21) -> float:
    """The best J over a coarse grid of the box, and of what minimisers make of its points."""
    w = problem.workload
    top = np.minimum(w.max_tokens, problem.servers / (w.arrival_rate * w.prior * w.time_per_token))
    lines = [t * np.concatenate([[0], np.geomspace(1e-4, 1, points)]) for t in top]
    mesh = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, len(problem))
    values = problem.objective(mesh)
    best = float(values.max())
    order = np.argsort(-values)
    for start in mesh[order[np.unique(np.geomspace(1, len(order), 8).astype(int) - 1)]]:

        def cost(x: np.ndarray) -> float:  # type: ignore[type-arg]
            J = float(problem.objective(x * top))
            return -J if np.isfinite(J) else 1e30

        for method in ("L-BFGS-B", "Nelder-Mead"):
            options = {"maxiter": 2000}
            found = minimize(cost, start / top, method=method, bounds=[(0, 1)] * len(top), options=options)
            best = max(best, -float(found.fun))
    return best


@pytest.mark.parametrize("seed", some(range(12), 3))
def test_branch_and_bound_agrees_with_brute_force(seed: int) -> None:
    problem = random_problem(seed)
    found = solve_pooled(problem.workload, problem.servers)
    best = best_on_grids(problem)
    assert found.status == "certified"
    assert found.exhausted
    assert best <= found.upper + 1e-12 * (1 + abs(best)), "rounding of the grid's float64"
    assert found.lower == pytest.approx(best, abs=1e-6 * (1 + abs(best)))
    assert found.lower == pytest.approx(float(problem.objective(found.tokens)), rel=1e-9)


@pytest.mark.parametrize("seed", some(range(12), 3))
def test_the_bounds_hold_in_ninety_digits(seed: int) -> None:
    problem = random_problem(seed)
    proof = solve_pooled(problem.workload, problem.servers).certificate
    J = pooled_truth.best(problem)
    assert pooled_truth.exact(proof.lower) <= pooled_truth.objective(problem, proof.tokens) <= J
    assert pooled_truth.exact(proof.upper) >= J


@pytest.mark.parametrize(("servers", "size"), some([(2, 1), (2, 50), (4, 5), (8, 20), (16, 1), (16, 50)], 2))
def test_the_gap_closes_in_some_tens_of_cells(servers: int, size: int) -> None:
    w = realistic(size + servers, size)
    found = solve_pooled(w.replace(arrival_rate=servers * w.arrival_rate), servers)
    assert found.relative_gap <= 1e-15
    assert found.cells <= 60


@pytest.mark.parametrize("seed", some(range(8), 2))
def test_one_server_is_the_papers_model_to_the_last_digit(seed: int) -> None:
    w = realistic(seed, 1 + seed % 4)
    w = varying(w, seed) if seed % 2 else w
    found = solve_pooled(w, 1)
    plain = cvxtoken.certify(w, found.tokens)
    assert (found.certificate.lower, found.certificate.upper) == (plain.lower, plain.upper)
    assert (found.certificate.digits, found.certificate.tokens) == (plain.digits, plain.tokens)
    reference = cvxtoken.solve(w)
    assert found.tokens == pytest.approx(reference.tokens, rel=1e-9, abs=1e-9)
    assert found.mean_wait == pytest.approx(reference.mean_wait, rel=1e-9)
    assert "the optimum" in str(found)
    assert "1 server of one queue" in str(found)


def test_with_very_many_servers_none_waits() -> None:
    """The optimum then is that of each type alone: alpha A b e^(-b l) = c."""
    w = cvxtoken.load("qwen3-8b")
    found = solve_pooled(w, 1000)
    alone = np.log(w.accuracy_weight * w.accuracy_gain * w.saturation_rate / w.time_per_token)
    assert found.tokens == pytest.approx(np.clip(alone / w.saturation_rate, 0, w.max_tokens), rel=1e-9)
    assert found.mean_wait < 1e-300
    assert found.status == "certified"


def test_more_servers_are_better_and_one_queue_is_better_than_two() -> None:
    w = cvxtoken.load("qwen3-8b").replace(arrival_rate=1.0)
    J = [solve_pooled(w, servers).lower for servers in (1, 2, 4)]
    assert sorted(J) == J
    split = cvxtoken.solve(w.replace(arrival_rate=0.5)).lower  # two queues of a server each
    assert J[1] > split


def test_a_search_that_stops_early_states_a_valid_bound() -> None:
    problem = random_problem(2)
    full = solve_pooled(problem.workload, problem.servers)
    short = solve_pooled(problem.workload, problem.servers, time_limit=1e-9)
    assert full.exhausted
    assert not short.exhausted
    assert short.cells < full.cells
    assert short.lower <= full.lower <= full.upper <= short.upper
    assert short.status == "uncertified"
    assert "stopped early" in str(short)


def test_nothing_is_found_by_luck(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the relaxations give no tokens, what is proven is weak and true."""
    problem = random_problem(2)
    full = solve_pooled(problem.workload, problem.servers)
    monkeypatch.setattr(search._Search, "relaxed", lambda self, line: None)
    found = solve_pooled(problem.workload, problem.servers, time_limit=1)
    assert found.tokens.tolist() == [0] * len(problem)
    assert found.lower < full.lower <= full.upper <= found.upper


def test_no_thinking_and_no_overhead() -> None:
    """No load at all, so that none waits."""
    w = realistic(3, 2).replace(overhead=[0.0, 0.0], accuracy_weight=1e-9)
    found = solve_pooled(w, 3)
    assert found.tokens.tolist() == [0, 0]
    assert (found.mean_wait, found.utilization, found.status) == (0, 0, "certified")


def test_nearly_full_servers() -> None:
    w = realistic(3, 4)
    for rho in (1 - 1e-6, 1 - 1e-12):
        found = solve_pooled(w.replace(arrival_rate=5 * rho / float(w.mean_overhead)), 5)
        assert found.status == "certified"


def test_bad_data() -> None:
    w = cvxtoken.load("qwen3-8b")
    for servers in (0, -1, 1.5, 1001, True, "2", None, float("nan"), float("inf")):
        with pytest.raises(ProblemError, match=r"servers is .*; it must be a whole number from 1 to 1000"):
            solve_pooled(w, servers)  # type: ignore[arg-type]
    assert PooledWorkload(w, 2.0).servers == 2  # type: ignore[arg-type]
    for server in (Sharing(0.5), Fifo(2)):
        with pytest.raises(ProblemError, match="take one query at a time, and are counted here"):
            solve_pooled(w.replace(server=server), 2)
    with pytest.raises(ProblemError, match="time_limit is 0"):
        solve_pooled(w, 2, time_limit=0)
    with pytest.raises(ProblemError, match="time_limit is nan"):
        solve_pooled(w, 2, time_limit=float("nan"))


def test_unstable_data_are_told_exactly() -> None:
    w = realistic(3, 2).replace(prior=[0.5, 0.5], overhead=[0.25, 0.75])
    with pytest.raises(
        UnstableError, match=r"4 servers are busy in the mean, and there are 2.*and 5 servers"
    ):
        solve_pooled(w.replace(arrival_rate=8.0), 2)
    with pytest.raises(UnstableError) as caught:
        solve_pooled(w.replace(arrival_rate=4.0), 2)
    assert "the largest stable arrival rate is 3.9999999999999996 /s, and 3 servers would do" in str(
        caught.value
    )
    assert solve_pooled(w.replace(arrival_rate=np.nextafter(4.0, 0)), 2).lower < 0
    with pytest.raises(UnstableError, match="servers are busy") as caught:
        solve_pooled(w.replace(arrival_rate=1e9), 2)
    assert "would do" not in str(caught.value)


def test_document_and_text() -> None:
    w = cvxtoken.load("qwen3-8b").replace(arrival_rate=1.0)
    found = solve_pooled(w, 4)
    document = found.to_document()
    assert (document["servers"], document["status"], document["cells"]) == (4, "certified", found.cells)
    assert document["tokens"] == dict(zip(w.names, found.tokens.tolist(), strict=True))
    assert 0 < document["utilization"] < 1
    assert "the exact optimum of an approximate law" in str(found)
    assert "Lee and Longton's law, an approximation" in str(found)
