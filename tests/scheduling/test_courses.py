"""Courses of the memory: sums as the checker has them, paths that are courses, and steps that gain."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from cvxtoken.scheduling import Requests, best_schedule, hindsight_shortest_first
from cvxtoken.scheduling import courses as module
from cvxtoken.scheduling.bounds import coursed, designed, quick_bound, triples
from cvxtoken.scheduling.certificate import COARSE, ScheduleCertificate, course_proof
from cvxtoken.scheduling.courses import Courses, climbed, first_weights, slots_of
from cvxtoken.scheduling.watch import Watch
from cvxtoken.verifier import schedule as checker
from tests.scheduling.plain import tiny


def drawn(requests: Requests, span: int, seed: int) -> tuple[Courses, np.ndarray]:
    """Courses for as long as all take one after the other, and whole weights."""
    last = int(requests.arrival.max() + requests.output_tokens.sum()) + 1
    courses = Courses(requests, -(-last // span), span)
    return courses, np.random.default_rng(seed).integers(0, 4, courses.may.shape) * courses.may * 1.0


def passed(courses: Courses, starts: np.ndarray) -> np.ndarray:
    """How often a schedule passes each cell."""
    o, count = courses.requests.output_tokens, np.zeros(courses.may.shape)
    for cell, (i, r) in enumerate(zip(courses.request, courses.left, strict=True)):
        t = starts[i] + o[i] - r
        if t < courses.times:
            count[cell, t // courses.span] += 1
    return count


@pytest.mark.parametrize("span", [1, 3])
def test_the_largest_sum_is_that_of_the_checker_and_of_its_course(span: int) -> None:
    for seed in range(40):
        requests = tiny(seed)
        courses, weights = drawn(requests, span, seed)
        value, taken = courses.best(weights)
        rows = course_proof(requests, span, courses.by_cell(weights / COARSE))["weights"]
        told = checker.Courses(triples(requests), requests.memory, span, rows, 1e9)
        assert value == told.most == (weights * taken).sum()
        assert (taken[~courses.may] == 0).all()
        largest = (courses.span * np.ones(weights.shape) * courses.may).max()
        assert taken.max() <= largest


def test_a_schedule_is_a_course_and_is_paid_for() -> None:
    """Its weights sum to at most B, and requests that answer alone cost no more than in it."""
    for seed in range(40):
        requests = tiny(seed)
        courses, weights = drawn(requests, 1 + seed % 3, seed)
        starts = hindsight_shortest_first(requests).starts
        count = passed(courses, starts)
        assert (weights * count).sum() <= courses.best(weights)[0]
        alone, answered = courses.answers(weights, 0.01)
        total = (starts + requests.output_tokens - requests.arrival).sum()
        assert alone <= total + (weights * count).sum()
        assert answered.sum() <= requests.output_tokens.sum() + 1e-9


def test_answers_are_those_of_the_least_cost() -> None:
    """One request of two rounds, which waits out the times that cost it much."""
    requests = Requests(arrival=[1], prompt_tokens=[0], output_tokens=[2], memory=4)
    courses = Courses(requests, 8, 1)
    weights = np.zeros(courses.may.shape)
    weights[:, :4] = 5.0
    value, answered = courses.answers(weights, 0.01)
    assert value == 4.0  # it completes at 5, and is seen with one round to go at 4, or it pays at 3
    assert answered.sum() == pytest.approx(2)
    assert answered[:, 4].sum() == answered[:, 5].sum() == pytest.approx(1)


@pytest.mark.parametrize("seed", [3, 10, 12, 25])
def test_steps_gain_on_the_inequalities(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEPS", 60)
    requests = tiny(seed)
    first = ScheduleCertificate(requests, hindsight_shortest_first(requests).starts, *quick_bound(requests))
    before, guide = designed(first, [])
    assert guide
    found = coursed(before, guide, [], Watch())
    optimum = best_schedule(requests, "milp").lower
    assert before.lower <= found.lower <= optimum
    found.check()


def test_a_watch_that_is_over_leaves_the_first_weights() -> None:
    requests = tiny(10)
    first = ScheduleCertificate(requests, hindsight_shortest_first(requests).starts, *quick_bound(requests))
    _, guide = designed(first, [])
    assert guide
    courses = Courses(requests, 60, 1)
    weights = first_weights(courses, guide)
    assert (climbed(courses, weights, Watch(0.0)) == weights).all()
    better = climbed(courses, weights, Watch())
    worth = [courses.answers(each, 1.0)[0] - courses.best(each)[0] for each in (weights, better)]
    assert worth[0] <= worth[1] <= first.upper


def test_what_the_checker_refuses_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = tiny(10)
    first = ScheduleCertificate(requests, hindsight_shortest_first(requests).starts, *quick_bound(requests))
    before, guide = designed(first, [])
    assert guide
    monkeypatch.setattr(module, "STEPS", 1)
    monkeypatch.setattr(checker, "MAX_WORK", 10.0)
    said = list[str]()
    assert coursed(before, guide, said, Watch()) is before
    assert len(said) == 1
    assert "courses of the memory gave no bound" in said[0]
    monkeypatch.setattr(checker, "MAX_COURSE", requests.memory - 1)
    assert coursed(before, guide, said, Watch()) is before
    assert len(said) == 1


def test_the_states_that_cells_may_join_are_counted() -> None:
    requests = Requests(arrival=[0, 0], prompt_tokens=[0, 2], output_tokens=[2, 1], memory=4)
    # cells (m, r) = (2, 0), (1, 1) and (3, 0), each after none or one, which may hold 0..M - m - (k + 1) r
    assert slots_of(requests) == (3 + 3) + (3 + 2) + (2 + 2)


def test_weights_of_more_than_some_rounds_are_stored_whole() -> None:
    """Many alike wait long, and what one passes is worth as many rounds as they are."""
    requests = Requests(arrival=[0] * 90, prompt_tokens=[0] * 90, output_tokens=[1] * 90, memory=1)
    first = ScheduleCertificate(requests, np.arange(90), *quick_bound(requests))
    memory = {"weights": "memory", "multipliers": list(range(90, -1, -1))}
    guide = {"kind": "snapshots", "scale": 1, "inequalities": [memory]}
    lower = dataclasses.replace(first, lower=1)
    assert coursed(lower, guide, [], Watch(0.0)).lower == first.upper
