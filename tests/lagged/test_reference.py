from __future__ import annotations

import itertools

import numpy as np
import pytest

import cvxtoken
from cvxtoken import ProblemError, UnstableError
from cvxtoken.lagged import LaggedWorkload, solve_lagged
from cvxtoken.lagged.bounds import LaggedBounds
from cvxtoken.lagged.envelope import Choice, pieces, touching_points
from cvxtoken.lagged.program import envelope_program
from tests.support.instances import realistic
from tests.support.thorough import some


def random_problem(seed: int, size: int | None = None) -> LaggedWorkload:
    """One to three types, most with a lag on the scale of 1 / b; some lags beyond the largest budget."""
    rng = np.random.default_rng([seed, 5])
    size = int(rng.integers(1, 4)) if size is None else size
    workload = realistic(seed, size)
    b = 10 ** rng.uniform(-3.5, -2, size)
    workload = workload.replace(
        saturation_rate=b,
        accuracy_weight=10 ** rng.uniform(0.5, 2),
        max_tokens=rng.uniform(2, 10, size) / b,
    )
    lag = rng.uniform(0, 2, size) / b * (rng.uniform(size=size) < 0.8)
    lag[rng.uniform(size=size) < 0.05] *= 20
    return LaggedWorkload(workload, lag)


def best_on_grids(problem: LaggedWorkload, points: int = 25) -> float:
    """The best J over grids: for each way of being off or on, ever finer ones around the best point.

    Where all have chosen, J is concave, so that the grid may shrink by half around its best point.
    """
    w = problem.workload
    best = -np.inf
    limits = zip(problem.lag, w.max_tokens, strict=True)
    ways = [((0, 0), (lag, top)) if lag > 0 else ((0, top),) for lag, top in limits]
    for way in itertools.product(*ways):
        low, high = np.array(way).T
        if (low > high).any():
            continue
        left, right = low, high
        for _ in range(45):
            lines = [np.linspace(a, b, points if b > a else 1) for a, b in zip(left, right, strict=True)]
            mesh = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, len(problem))
            values = problem.objective(mesh)
            place = int(np.argmax(values))
            best = max(best, float(values[place]))
            half = (right - left) / 4
            left = np.clip(mesh[place] - half, low, high)
            right = np.clip(mesh[place] + half, low, high)
    return best


@pytest.mark.parametrize("seed", some(range(100), 11))
def test_branch_and_bound_agrees_with_a_fine_grid(seed: int) -> None:
    problem = random_problem(seed)
    found = solve_lagged(problem)
    best = best_on_grids(problem)
    assert found.status == "certified"
    assert found.exhausted
    rounding = 1e-12 * (1 + abs(best))  # of the grid's float64
    assert best - rounding <= found.upper <= found.envelope_upper
    assert found.lower == pytest.approx(best, abs=1e-9 * (1 + abs(best))), "the last grid's resolution"
    assert found.lower == pytest.approx(float(problem.objective(found.tokens)), rel=1e-9)
    assert found.lower >= best - rounding


def best_of_all_choices(problem: LaggedWorkload) -> float:
    """The best J over every way of being off or on, each solved and certified as the paper's problem."""
    w, best = problem.workload, -np.inf
    for on in itertools.product(*((False, True) if lag > 0 else (True,) for lag in problem.lag)):
        lag = np.where(on, problem.lag, 0.0)
        if (lag >= w.max_tokens).any():
            continue
        settled = w.replace(
            accuracy_gain=np.where(on, w.accuracy_gain, 1e-300),
            overhead=w.overhead + w.time_per_token * lag,
            max_tokens=w.max_tokens - lag,
        )
        if settled.idle_at_zero > 0:
            best = max(best, cvxtoken.solve(settled).objective)
    return best


@pytest.mark.parametrize(
    ("size", "seed"), some([(4, 20), (4, 35), (4, 44), (4, 73), (5, 118), (6, 34), (6, 66)], 3)
)
def test_where_rounding_the_relaxation_is_not_enough(size: int, seed: int) -> None:
    """Instances whose best choices no rounding of the first relaxation finds, nor one with some types off."""
    problem = random_problem(seed, size)
    found = solve_lagged(problem)
    assert found.nodes > 1
    assert found.objective == pytest.approx(best_of_all_choices(problem), rel=1e-12)


@pytest.mark.parametrize("seed", some(range(100), 11))
def test_the_bound_holds_at_every_point_and_for_every_choice(seed: int) -> None:
    """Whatever tokens give the prices, no allocation that obeys the choices is better than the bound."""
    problem = random_problem(seed, 2)
    w, rng = problem.workload, np.random.default_rng(seed)
    tokens = w.max_tokens * rng.uniform(size=(20_000, 2)) ** 3
    tokens[:4000, 0] = 0
    tokens[2000:6000, 1] = 0
    values = problem.objective(tokens)
    centres = tokens[np.isfinite(values)][:: max(1, np.isfinite(values).sum() // 3)]
    for choices in itertools.product(Choice, Choice):
        obeys = np.ones(len(tokens), dtype=bool)
        for k, choice in enumerate(choices):
            if problem.lag[k] > 0 and choice == Choice.OFF:
                obeys &= tokens[:, k] == 0
            elif problem.lag[k] > 0 and choice == Choice.ON:
                obeys &= tokens[:, k] >= problem.lag[k]
        if problem.lag.max() <= 0 or not obeys.any():
            continue
        for centre in centres:
            upper = LaggedBounds(problem, centre.tolist(), np.array(choices)).upper
            assert values[obeys].max() <= float(upper) * (1 + 1e-12) + 1e-12


@pytest.mark.parametrize("seed", some(range(30), 7))
def test_pieces_are_the_concave_envelope(seed: int) -> None:
    problem = random_problem(seed, 3)
    w = problem.workload
    e = pieces(problem, np.zeros(3, dtype=np.int64))
    for k in range(3):
        l = np.linspace(0, w.max_tokens[k], 4001)
        a = np.minimum(l, e.chord[k])
        envelope = e.level[k] + e.slope[k] * a - e.gain[k] * np.expm1(-w.saturation_rate[k] * (l - a))
        p = problem.accuracy(np.outer(l, np.eye(3)[k]))[:, k]
        assert (envelope >= p - 1e-12).all()
        assert (np.diff(envelope, 2) <= 1e-12).all(), "concave"
        touching = l >= touching_points(problem)[k] * (1 + 1e-9)
        assert envelope[touching] == pytest.approx(p[touching], abs=1e-9)
        assert envelope[0] == pytest.approx(p[0], abs=1e-12)
        if 0 < problem.lag[k] < w.max_tokens[k] and touching.any():  # the chord is a tangent
            after = w.saturation_rate[k] * e.gain[k]
            assert after == pytest.approx(e.slope[k], rel=1e-9)


def test_the_program_is_dcp_and_meets_the_bound() -> None:
    problem = LaggedWorkload(cvxtoken.load("qwen3-8b"), [2000, 500, 300, 170, 1000])
    program = envelope_program(problem, np.zeros(5, dtype=np.int64))
    assert program.problem.is_dcp()
    program.problem.solve(solver="CLARABEL")
    found = solve_lagged(problem)
    assert program.problem.value == pytest.approx(found.envelope_upper, rel=1e-6)
    assert found.on_chord
    assert found.chord_gap > 1e-3
    assert "on a chord" in str(found)


def test_without_lags_it_is_the_papers_problem() -> None:
    workload = cvxtoken.load("qwen3-8b")
    found, reference = solve_lagged(LaggedWorkload(workload, [0] * 5)), cvxtoken.solve(workload)
    assert found.tokens == pytest.approx(reference.tokens, abs=1e-6)
    assert found.lower <= reference.upper
    assert reference.lower <= found.upper
    assert (found.on_chord, found.nodes, found.status) == ((), 1, "certified")
    assert "no type lies on a chord" in str(found)


def test_a_lag_moves_an_optimum_that_is_worth_it() -> None:
    """A type that thinks is the paper's with t0 + c l0; doubling the weight makes all of them think."""
    workload = cvxtoken.load("qwen3-8b").replace(accuracy_weight=60)
    lag = np.array([2000.0, 0, 0, 170, 0])
    found = solve_lagged(LaggedWorkload(workload, lag))
    shifted = workload.replace(
        overhead=workload.overhead + workload.time_per_token * lag, max_tokens=workload.max_tokens - lag
    )
    assert found.tokens == pytest.approx(lag + cvxtoken.solve(shifted).tokens, abs=1e-4)
    assert not found.on_chord


def test_lags_that_leave_nothing_stable_are_never_taken() -> None:
    workload = cvxtoken.load("qwen3-8b").replace(arrival_rate=3.0, accuracy_weight=1e4)
    found = solve_lagged(LaggedWorkload(workload, [5000, 5000, 0, 0, 5000]))
    assert found.tokens[[0, 1, 4]].tolist() == [0, 0, 0]
    assert found.status == "certified"


def test_a_time_limit_leaves_a_valid_bound() -> None:
    problem = LaggedWorkload(cvxtoken.load("qwen3-8b"), [2000, 2000, 900, 170, 2000])
    short, full = solve_lagged(problem, time_limit=1e-9), solve_lagged(problem)
    assert not short.exhausted
    assert short.nodes < full.nodes
    assert short.lower <= full.lower <= full.upper <= short.upper
    assert short.status == "uncertified"
    assert "stopped early" in str(short)


def test_bad_data() -> None:
    workload = cvxtoken.load("qwen3-8b")
    for lag, message in (
        ([1, 2], "lag has shape (2,)"),
        ([0, 0, -1, 0, 0], "lag of 'GPQA Diamond' is -1.0; it must be finite and not negative"),
        ([0, 0, np.nan, 0, 0], "lag of 'GPQA Diamond' is nan"),
        ("many", "lag is 'many'"),
    ):
        with pytest.raises(ProblemError) as caught:
            LaggedWorkload(workload, lag)
        assert message in str(caught.value)
    with pytest.raises(ProblemError, match="time_limit is 0"):
        solve_lagged(LaggedWorkload(workload, [0] * 5), time_limit=0)
    with pytest.raises(UnstableError):
        solve_lagged(LaggedWorkload(workload.replace(arrival_rate=100.0), [0] * 5))


def test_document() -> None:
    found = solve_lagged(LaggedWorkload(cvxtoken.load("qwen3-8b"), [2000, 0, 0, 170, 0]))
    document = found.to_document()
    assert document["on_chord"] == ["AIME 2024"]
    assert document["chord_gap"] == found.envelope_upper - found.lower
    assert document["tokens"]["AIME 2024"] == 0
