from __future__ import annotations

import numpy as np
import pytest

import cvxtoken
from cvxtoken import Ensemble, ProblemError, Sharing, UnstableError, solve_robust
from cvxtoken.allocation import model
from cvxtoken.robust.bounds import EnsembleBounds
from cvxtoken.robust.program import ensemble_program
from cvxtoken.robust.reference import search_robust
from tests.support.instances import realistic
from tests.support.thorough import some


def ensemble(seed: int, size: int, draws: int) -> Ensemble:
    """A random workload whose every number is off by some share in each draw."""
    base, rng = realistic(seed, size), np.random.default_rng([seed, 9])

    def off(values: np.ndarray, share: float) -> np.ndarray:
        return values * np.exp(share * rng.normal(size=np.shape(values)))

    found = []
    for _ in range(draws):
        prior = off(base.prior, 0.2)
        gain = np.minimum(off(base.accuracy_gain, 0.2), 0.95)
        found.append(
            base.replace(
                prior=prior / prior.sum(),
                accuracy_gain=gain,
                base_accuracy=np.minimum(base.base_accuracy, 1 - gain),
                saturation_rate=off(base.saturation_rate, 0.4),
                overhead=off(base.overhead, 0.02),
                time_per_token=off(base.time_per_token, 0.2),
                arrival_rate=0.9 * float(off(np.array(base.arrival_rate), 0.02)),
            )
        )
    return Ensemble(found)


@pytest.mark.parametrize("seed", some(range(30), 7))
def test_certified_and_no_allocation_is_better(seed: int) -> None:
    problem = ensemble(seed, seed % 4 + 1, seed % 7 + 1)
    found = solve_robust(problem)
    assert found.status == "certified"
    assert 0 <= found.relative_gap < 1e-20
    assert found.lower == pytest.approx(float(problem.objectives(found.tokens).mean()), rel=1e-9)
    rng = np.random.default_rng(seed)
    near = found.tokens + rng.normal(size=(300, len(found.tokens))) * 10 ** rng.uniform(-3, 3, (300, 1))
    far = problem.max_tokens * rng.uniform(size=near.shape) ** 6
    for tokens in np.clip([*near, *far], 0, problem.max_tokens):
        value = float(problem.objectives(tokens).mean())
        assert value <= found.upper + 1e-12 * (1 + abs(found.upper))


@pytest.mark.parametrize("seed", some(range(30), 7))
def test_the_bound_holds_wherever_it_is_taken(seed: int) -> None:
    """Far from the optimum, where Newton's term is large, and at the corners."""
    problem = ensemble(seed, 2, 4)
    best = solve_robust(problem)
    rng = np.random.default_rng(seed)
    top = problem.max_tokens
    for scale in (*10 ** rng.uniform(-6, 1, 12), 0.0):
        tokens = np.clip(best.tokens * scale + (scale > 1) * rng.uniform(size=2), 0, top)
        if problem.idle(tokens) > 0:
            bounds = EnsembleBounds(problem, tokens.tolist())
            assert bounds.lower <= best.upper
            assert best.lower <= bounds.upper
    for corner in ((top[0], 0.0), (0.0, top[1])):
        if problem.idle(np.array(corner)) > 0:
            assert best.lower <= EnsembleBounds(problem, corner).upper


@pytest.mark.parametrize("name", ["qwen3-8b", "r1-distill-8b"])
def test_one_draw_is_the_papers_problem(name: str) -> None:
    workload = cvxtoken.load(name)
    found, reference = solve_robust(Ensemble([workload])), cvxtoken.solve(workload)
    assert found.tokens == pytest.approx(reference.tokens, abs=1e-5)
    assert found.lower <= reference.upper
    assert reference.lower <= found.upper
    thrice = solve_robust(Ensemble([workload] * 3))
    assert thrice.objective == pytest.approx(found.objective, rel=1e-14)


def test_the_program_is_dcp_and_agrees() -> None:
    problem = ensemble(3, 3, 5)
    program = ensemble_program(problem)
    assert program.problem.is_dcp()
    program.problem.solve(solver="CLARABEL")
    assert program.problem.value == pytest.approx(solve_robust(problem).objective, rel=1e-6)


def test_it_may_rest_at_every_kind_of_bound() -> None:
    base = cvxtoken.load("qwen3-8b").replace(accuracy_weight=1e-3)
    assert solve_robust(Ensemble([base, base.replace(arrival_rate=0.2)])).tokens.tolist() == [0] * 5
    rich = base.replace(accuracy_weight=1e6, max_tokens=50, arrival_rate=0.01)
    full = solve_robust(Ensemble([rich, rich.replace(arrival_rate=0.02)]))
    assert full.tokens.tolist() == [50] * 5
    assert full.status == "certified"


def test_the_robust_allocation_is_stable_in_every_draw() -> None:
    slow, fast = (cvxtoken.load("qwen3-8b").replace(arrival_rate=r, accuracy_weight=300) for r in (0.1, 3.0))
    alone = cvxtoken.solve(slow).tokens
    problem = Ensemble([slow, fast])
    assert problem.idle(alone) <= 0, "what is best for one draw is unstable in the other"
    found = solve_robust(problem)
    assert found.status == "certified"
    assert problem.idle(found.tokens) > 0


def test_document() -> None:
    found = solve_robust(ensemble(1, 2, 3))
    assert found.to_document()["draws"] == 3
    assert "mean J" in str(found)


def test_bad_data() -> None:
    workload = cvxtoken.load("qwen3-8b")
    for draws, message in (
        ([], "draws is empty"),
        ("many", "draws is 'many'"),
        ([workload, 3], "draw 1 is 3; it must be a Workload"),
        ([workload, realistic(0, 5)], "draw 1 has the names"),
        ([workload, workload.replace(max_tokens=100)], "draw 1 has other max_tokens"),
    ):
        with pytest.raises(ProblemError) as caught:
            Ensemble(draws)  # type: ignore[arg-type]
        assert message in str(caught.value)
    with pytest.raises(UnstableError, match=r"1 of 2 draws \(the first is draw 1\)"):
        solve_robust(Ensemble([workload, workload.replace(arrival_rate=100.0)]))


@pytest.mark.parametrize("server", [None, Sharing(0.02, 0.3, replicas=2)])
def test_the_average_in_arrays_is_that_of_the_model(server: Sharing | None) -> None:
    problem = ensemble(3, 4, 5)
    draws = [
        draw.replace(
            deviation=0.1 * draw.overhead,
            deviation_per_token=0.3 * draw.time_per_token,
            **({} if server is None else {"server": server}),
        )
        for draw in problem.draws
    ]
    problem = Ensemble(draws)
    tokens = 0.3 * solve_robust(problem).tokens + 1
    assert problem.idle(tokens) == pytest.approx(min(float(model.idle(w, tokens)) for w in draws), rel=1e-12)
    each = [float(model.objective(w, tokens)) for w in draws]
    assert problem.objectives(tokens) == pytest.approx(each, rel=1e-12)
    slopes = np.mean([model.gradient(w, tokens) for w in draws], axis=0)
    assert problem.gradient(tokens) == pytest.approx(slopes, rel=1e-10)
    curvatures = np.mean([model.hessian(w, tokens).dense() for w in draws], axis=0)
    assert problem.hessian(tokens) == pytest.approx(curvatures, rel=1e-10)
    assert (problem.objectives(1e9 + 0 * tokens) == -np.inf).all()


@pytest.mark.parametrize("seed", some(range(8), 2))
def test_a_search_from_anywhere_ends_at_the_best_average(seed: int) -> None:
    problem = ensemble(seed, seed % 4 + 1, 5)
    best = solve_robust(problem).tokens
    rng = np.random.default_rng(seed)
    for start in (np.zeros_like(best), problem.max_tokens, best * rng.uniform(size=best.shape)):
        assert search_robust(problem, start) == pytest.approx(best, rel=1e-7, abs=1e-6)
