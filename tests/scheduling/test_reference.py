"""The hindsight reference: exact where it says so, and never a bound above what can be had."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

import numpy as np
import pytest

from cvxtoken import ProblemError
from cvxtoken.errors import CertificateError, SolverError
from cvxtoken.highs import Solution
from cvxtoken.scheduling import (
    POLICIES,
    Requests,
    bounds,
    check_schedule,
    hindsight_shortest_first,
    local_search,
    program,
    reference,
    snapshots,
)
from cvxtoken.scheduling.certificate import VOLUME, ScheduleCertificate
from cvxtoken.scheduling.reference import best_schedule
from cvxtoken.verifier import schedule as schedule_verifier
from tests.scheduling.exhaustive import drawn, optimum
from tests.scheduling.plain import tiny
from tests.support.thorough import some


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fraction of the effort."""
    monkeypatch.setattr(local_search, "STEPS", 10)
    monkeypatch.setattr(snapshots, "ROUNDS", 10)
    monkeypatch.setattr(bounds, "COLUMNS", 300)


def of(requests: list[tuple[int, int, int]], memory: int) -> Requests:
    return Requests(**dict(zip(schedule_verifier.COLUMNS, np.array(requests).T, strict=True)), memory=memory)


def triples(requests: Requests) -> list[tuple[int, int, int]]:
    columns = (getattr(requests, field).tolist() for field in schedule_verifier.COLUMNS)
    return list(zip(*columns, strict=True))


# --- what is proven -------------------------------------------------------------------------------------


def instances(count: int, most: int = 6, seed: int = 0) -> Iterator[Requests]:
    rng = random.Random(seed)
    return (of(*drawn(rng, most)) for _ in range(count))


@pytest.mark.usefixtures("light")
def test_bounds_lie_about_the_optimum_and_milp_is_exact() -> None:
    kinds = set()
    for requests in some(instances(40, seed=1), 2):
        least, _ = optimum(triples(requests), requests.memory)
        lower = 0
        for bound in ("fast", "prices", "lp", "milp"):
            found = best_schedule(requests, bound)
            assert lower <= found.lower <= least <= found.upper, "each bound does all that the last one does"
            lower = found.lower
            ends = found.starts + requests.output_tokens
            assert found.upper == (ends - requests.arrival).sum()
            assert check_schedule(requests, found.starts) <= requests.memory
            assert found.exact == (found.lower == found.upper)
            assert found.requests is requests
            assert "proven" in found.certificate.check()
        assert found.lower == least == found.upper
        kinds.add(found.certificate.proof["kind"])
    assert kinds >= {"volume", "snapshots", "guided"}


@pytest.mark.usefixtures("light")
def test_no_policy_is_better_than_the_bound() -> None:
    for seed in some(range(25), 3):
        requests = tiny(seed)
        found = best_schedule(requests, "lp")
        for name, policy in POLICIES.items():
            run = policy(requests)
            if run.finished:
                assert run.total_latency >= found.lower, name
        assert hindsight_shortest_first(requests).total_latency >= found.upper


def test_in_full_strength_the_bounds_are_close() -> None:
    """Ten requests, with nothing made lighter; the optimum is 107."""
    requests = Requests(
        arrival=[0, 0, 0, 0, 0, 1, 3, 4, 4, 6],
        prompt_tokens=[2, 1, 3, 1, 2, 1, 3, 2, 1, 1],
        output_tokens=[6, 8, 3, 9, 5, 2, 7, 4, 8, 3],
        memory=14,
    )
    found = best_schedule(requests, "milp")
    assert found.exact
    assert found.certificate.proof["kind"] == "guided"
    assert found.solver_bound is None, "no solver was asked for the optimum"
    relaxed = best_schedule(requests, "lp")
    fast = best_schedule(requests, "fast")
    assert fast.lower < relaxed.lower <= found.lower <= relaxed.upper < fast.upper
    assert relaxed.certificate.relative_gap < 0.1 < fast.certificate.relative_gap


@pytest.mark.usefixtures("light")
def test_the_integer_program_alone_finds_the_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    """From a bad schedule too; and its horizon never lies beyond the last arrival and all outputs."""
    latest = []
    build = program.build

    def watched(requests: Requests, ends: np.ndarray, *rest: object, **named: object) -> program.Program:
        latest.append(int(ends.max() - requests.arrival.max() - requests.output_tokens.sum()))
        return build(requests, ends, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(program, "build", watched)
    for requests in instances(25, seed=1):
        least, _ = optimum(triples(requests), requests.memory)
        o = requests.output_tokens
        one_by_one = requests.arrival.max() + o.cumsum() - o
        for starts in (one_by_one, hindsight_shortest_first(requests).starts):
            given = ScheduleCertificate(requests, starts, 1, VOLUME)
            found, bound = reference._integer(given, 60.0, [])
            assert found.upper == least
            assert bound == pytest.approx(least, abs=0.1)
    assert max(latest) == 0


def test_a_solver_without_time_leaves_what_is_known() -> None:
    requests = of([(0, i % 3, 5 + i) for i in range(12)], 30)
    given = ScheduleCertificate(requests, hindsight_shortest_first(requests).starts, 1, VOLUME)
    said: list[str] = []
    found, bound = reference._integer(given, 1e-3, said)
    assert found.upper <= given.upper
    assert bound is None or bound <= found.upper
    assert len(said) == 1
    assert "time limit" in said[0]


@pytest.mark.usefixtures("light")
def test_a_solver_that_lies_or_fails_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = tiny(10)
    honest = best_schedule(requests, "lp")

    def failing(*_: object) -> None:
        raise SolverError("no")

    monkeypatch.setattr(bounds, "multipliers_of", failing)
    monkeypatch.setattr(program, "solve", failing)
    monkeypatch.setattr(reference, "SEARCHED", 0)
    found = best_schedule(requests, "milp")
    assert found.certificate.proof["kind"] in ("volume", "busy", "prices")
    assert found.solver_bound is None
    assert [sentence.rpartition(": ")[2] for sentence in found.fallbacks] == ["no", "no"]
    assert found.to_document()["fallbacks"] == list(found.fallbacks)
    lie = np.zeros(10**5)
    lie[:5] = 1.0
    monkeypatch.setattr(
        program, "solve", lambda built, _: Solution("optimal", lie[: len(built.span)], np.zeros(0), 1.0, 1e9)
    )
    assert best_schedule(requests, "milp").upper == found.upper == honest.upper
    for worth in (1e-3, 0.3, 50.0):
        monkeypatch.setattr(bounds, "multipliers_of", lambda r, last, _, w=worth: np.full((9, last), w))
        assert best_schedule(requests, "lp").lower <= honest.upper


@pytest.mark.usefixtures("light")
def test_what_the_solver_states_is_plain_json() -> None:
    """No bound yet is None, not -inf, which no JSON holds."""
    document = best_schedule(tiny(10), "milp", 1e-9).to_document()
    json.dumps(document, allow_nan=False)
    stated = {"lower", "upper", "exact", "relative_gap", "proof", "solver_bound", "seconds", "fallbacks"}
    assert set(document) == stated | {"method"}


def test_the_search_gives_up_and_keeps_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = tiny(10)
    given = ScheduleCertificate(requests, hindsight_shortest_first(requests).starts, 1, VOLUME)
    said: list[str] = []
    assert reference._searched(given, said).lower == optimum(triples(requests), requests.memory)[0]
    monkeypatch.setattr(schedule_verifier, "MAX_STEPS", 10)
    assert not said
    assert reference._searched(given, said) is given
    assert len(said) == 1


def test_nothing_is_returned_that_the_checker_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "quick_bound", lambda _: (165, VOLUME))
    with pytest.raises(CertificateError, match="less than the lower bound stated"):
        best_schedule(tiny(10), "fast")


def test_unknown_bounds_are_named() -> None:
    for seconds in (-1.0, float("nan")):
        with pytest.raises(ProblemError, match=rf"seconds is {seconds:g}; it must not be negative"):
            best_schedule(tiny(1), "fast", seconds)
    with pytest.raises(ProblemError, match=r"bound is .lpp.; it must be one of fast, prices, lp, courses"):
        best_schedule(tiny(1), "lpp")


# --- sizes ----------------------------------------------------------------------------------------------


def test_too_many_requests_are_named_before_anything_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "quick_schedule", None)
    for n, o, bound, advice in (
        (200_001, 1, "prices", "fast"),
        (6000, 1, "lp", "prices"),  # local search would hold 36 million numbers
        (400, 120, "lp", "prices"),
        (400, 120, "courses", "prices"),
        (200, 30, "courses", "lp"),
        (200, 30, "milp", "lp"),
    ):
        requests = Requests(arrival=[0] * n, prompt_tokens=[0] * n, output_tokens=[o] * n, memory=o)
        with pytest.raises(ProblemError, match=rf"{n} requests of up to {o} .* too many; take '{advice}'"):
            best_schedule(requests, bound)


@pytest.mark.parametrize(
    ("n", "without_time", "with_time"),
    [(50, "lp", "lp"), (6000, "fast", "prices"), (200_001, "fast", "fast")],
)
def test_the_default_bound_goes_by_size_and_time(n: int, without_time: str, with_time: str) -> None:
    requests = Requests(arrival=[0] * n, prompt_tokens=[0] * n, output_tokens=[1] * n, memory=1)
    assert reference.default_bound(requests) == without_time
    assert reference.default_bound(requests, 1.0) == with_time


def test_fast_takes_any_size() -> None:
    n = 20_000
    requests = Requests(arrival=[0] * n, prompt_tokens=[0] * n, output_tokens=[1] * n, memory=10)
    found = best_schedule(requests, "fast")
    assert found.exact
    assert found.lower == 10 * sum(range(1, n // 10 + 1))
    huge = Requests(arrival=[0] * 3, prompt_tokens=[0] * 3, output_tokens=[10**9] * 3, memory=10**9)
    assert best_schedule(huge, "fast").upper == 6 * 10**9


@pytest.mark.usefixtures("light")
def test_a_proof_that_takes_too_long_to_check_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = tiny(5)
    best = best_schedule(requests, "lp")
    assert best.certificate.proof["kind"] == "snapshots"
    monkeypatch.setattr(schedule_verifier, "MAX_WORK", 10)
    found = best_schedule(requests, "lp")
    assert found.certificate.proof["kind"] in ("volume", "busy")
    assert found.lower < best.lower <= best.upper == found.upper
