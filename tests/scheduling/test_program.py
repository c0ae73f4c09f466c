"""The integer program: the optimum, by two ways that share nothing with it."""

from __future__ import annotations

import random

import highspy
import numpy as np
import pytest

from cvxtoken.errors import SolverError
from cvxtoken.scheduling import Requests, default_requests, program
from cvxtoken.scheduling.program import build, solve
from cvxtoken.verifier import schedule as schedule_verifier
from tests.scheduling.exhaustive import Request, drawn, fits, optimum
from tests.support.thorough import some


def of(requests: list[Request], memory: int) -> Requests:
    return Requests(**dict(zip(schedule_verifier.COLUMNS, np.array(requests).T, strict=True)), memory=memory)


def memory_rows(requests: Requests) -> list[list[np.ndarray]]:
    pairs = zip(requests.peak, requests.output_tokens, strict=True)
    return [[(P - np.arange(o)) / requests.memory for P, o in pairs]]


def written(requests: Requests, whole: bool = True) -> program.Program:
    """With the safe horizon: the last arrival and all outputs."""
    end = int(requests.arrival.max() + requests.output_tokens.sum())
    return build(requests, np.full(len(requests), end), memory_rows(requests), whole=whole)


def best(requests: Requests) -> tuple[int, list[int]]:
    built = written(requests)
    solution = solve(built)
    chosen = np.flatnonzero(solution.x > 0.5)
    assert built.request[chosen].tolist() == list(range(len(requests)))
    ends = built.span[chosen] + 1
    assert solution.status == "optimal"
    assert solution.multipliers.shape == (0,)
    assert solution.bound == pytest.approx((ends - requests.arrival).sum(), rel=1e-4)
    return int((ends - requests.arrival).sum()), (ends - requests.output_tokens).tolist()


def test_the_optimum_is_that_of_trying_all_starts() -> None:
    """50 instances of up to 8 requests."""
    rng, sizes = random.Random(50), []
    for _ in some(range(50), 2):
        requests, memory = drawn(rng, most=8, longest=4)
        least, starts = best(of(requests, memory))
        assert least == optimum(requests, memory)[0]
        assert fits(requests, memory, starts)
        sizes.append(len(requests))
    assert max(sizes) == 8


def test_the_optimum_is_that_of_branch_and_bound() -> None:
    """10 instances of 10 to 12 requests."""
    rng = random.Random(12)
    for n in some((10, 11, 12, 10, 11, 12, 10, 11, 12, 12), 2):
        requests = [(rng.randint(0, 6), rng.randint(0, 2), rng.randint(1, 3)) for _ in range(n)]
        least, starts = best(of(requests, 8))
        search = schedule_verifier.Search(requests, 8, least + 1)
        assert search.limit == least
        assert search.best is not None
        assert fits(requests, 8, starts)
        assert fits(requests, 8, search.best)


def test_the_relaxation_lies_below() -> None:
    rng, ratios = random.Random(13), []
    for _ in range(30):
        requests, memory = drawn(rng, most=6)
        instance = of(requests, memory)
        solution = solve(written(instance, whole=False))
        value = solution.objective
        assert value == solution.bound
        assert len(solution.multipliers) > 0
        assert (solution.multipliers >= 0).all()
        assert solution.x.min() >= -1e-6
        least = optimum(requests, memory)[0]
        assert instance.output_tokens.sum() - 1e-6 <= value <= least + 1e-6
        ratios.append(value / least)
    assert np.mean(ratios) > 0.8


def test_a_heuristic_end_as_the_horizon_would_cut_the_optimum_off() -> None:
    """The shortest schedule is not the best: it ends a round sooner, at a higher total latency."""
    requests, memory = [(0, 0, 4), (0, 1, 1), (0, 1, 1), (0, 1, 1)], 5
    instance = of(requests, memory)
    least, starts = best(instance)
    end = max(k + o for k, (_, _, o) in zip(starts, requests, strict=True))
    cut = build(instance, np.full(4, end - 1), memory_rows(instance), whole=True)
    try:
        shorter = solve(cut).bound
    except SolverError:
        shorter = np.inf
    assert shorter > least + 0.5


def test_columns_are_the_spans_that_a_request_may_end_in() -> None:
    requests = Requests(arrival=[0, 4], prompt_tokens=[1, 1], output_tokens=[2, 3], memory=9)
    built = build(requests, np.array([5, 9]), memory_rows(requests))
    assert built.request.tolist() == [0] * 4 + [1] * 3
    assert (built.span + 1).tolist() == [2, 3, 4, 5, 7, 8, 9]
    wide = build(requests, np.array([5, 9]), memory_rows(requests), width=3)
    assert wide.request.tolist() == [0, 0, 1]
    assert wide.span.tolist() == [0, 1, 2]
    for column, completion in enumerate((2, 5, 8)):
        assert wide.linear.cost[column] == completion - (4 if column == 2 else 0)
    late = build(
        Requests(arrival=[0], prompt_tokens=[1], output_tokens=[3], memory=9),
        np.array([4]),
        [[np.ones(3)]],
        3,
    )
    assert late.linear.cost[0] == 3, "a span's middle lies before the earliest completion"


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_coefficients_are_means_over_spans(width: int) -> None:
    requests = Requests(arrival=[0, 1, 2], prompt_tokens=[1, 0, 2], output_tokens=[7, 1, 4], memory=9)
    latest = np.array([20, 17, 19])
    built = build(requests, latest, memory_rows(requests), width=width)
    packed = built.linear.less.toarray()
    assert packed.shape == (int(built.span.max()) + 1, len(built.span))
    assert (built.linear.limit == 1).all()
    for column in range(len(built.span)):
        i, g = int(built.request[column]), int(built.span[column])
        profile = memory_rows(requests)[0][i]
        for span, value in enumerate(packed[:, column]):
            ends, times = (range(which * width + 1, which * width + width + 1) for which in (g, span))
            mean = sum(profile[C - t] for C in ends for t in times if 0 <= C - t < len(profile)) / width**2
            assert value == pytest.approx(mean, abs=1e-12)


def test_the_example_of_the_command_is_solved() -> None:
    """Twelve requests of up to ten tokens, by the solver's own bound."""
    requests = default_requests()
    least, starts = best(requests)
    triples = list(zip(*(getattr(requests, c).tolist() for c in schedule_verifier.COLUMNS), strict=True))
    assert fits(triples, requests.memory, starts)
    assert least >= schedule_verifier.volume_bound(triples, requests.memory)


def test_a_failing_solver_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = of([(0, 0, 2), (0, 0, 2)], 2)
    with pytest.raises(SolverError, match="kInfeasible"):
        solve(build(requests, np.array([2, 3]), memory_rows(requests), whole=True))
    monkeypatch.setattr(highspy.Highs, "run", lambda _: highspy.HighsStatus.kError)
    with pytest.raises(SolverError, match="kError"):
        solve(written(requests))
