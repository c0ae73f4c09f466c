"""Local search: schedules that fit, never worse than the given one, and often the best."""

from __future__ import annotations

import random

import numpy as np
import pytest

from cvxtoken.scheduling import Requests, hindsight_shortest_first, local_search
from cvxtoken.scheduling.local_search import Placement, improve
from cvxtoken.verifier import schedule as schedule_verifier
from tests.scheduling.exhaustive import Request, drawn, fits, optimum


def of(requests: list[Request], memory: int) -> Requests:
    return Requests(**dict(zip(schedule_verifier.COLUMNS, np.array(requests).T, strict=True)), memory=memory)


def latency(requests: list[Request], starts: list[int]) -> int:
    return sum(k + o - a for k, (a, _, o) in zip(starts, requests, strict=True))


def placed(requests: list[Request], memory: int, order: list[int]) -> list[int]:
    """Each at the earliest start that fits with those before."""
    starts: dict[int, int] = {}
    for i in order:
        starts[i] = requests[i][0]
        while not fits([requests[j] for j in starts], memory, list(starts.values())):
            starts[i] += 1
    return [starts[i] for i in order]


def test_orders_are_placed_at_the_earliest_starts() -> None:
    rng = random.Random(6)
    for _ in range(150):
        requests, memory = drawn(rng, most=7)
        n = len(requests)
        horizon = max(a for a, _, _ in requests) + sum(o for _, _, o in requests) + 1
        placement = Placement(of(requests, memory), horizon)
        order = rng.sample(range(n), n)
        placement.keep(*placement.tried(order))
        for _ in range(4):
            assert placement.starts == placed(requests, memory, order)
            assert placement.total == latency([requests[i] for i in order], placement.starts)
            since = rng.randrange(n)  # another order with the same beginning
            order = order[:since] + rng.sample(order[since:], n - since)
            before = placement.total, placement.starts
            tried = placement.tried(order, since)
            assert (placement.total, placement.starts) == before, "until it is kept"
            placement.keep(*tried)


def test_what_it_returns_fits_and_is_no_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_search, "STEPS", 30)
    rng, best, better = random.Random(7), 0, 0
    for _ in range(60):
        requests, memory = drawn(rng, most=6)
        given = hindsight_shortest_first(of(requests, memory)).starts
        starts = improve(of(requests, memory), given).tolist()
        assert fits(requests, memory, starts)
        assert latency(requests, starts) <= latency(requests, given.tolist())
        best += latency(requests, starts) == optimum(requests, memory)[0]
        better += latency(requests, starts) < latency(requests, given.tolist())
    assert best >= 55
    assert better >= 5


def test_a_schedule_that_no_order_gives_is_kept() -> None:
    """The best one lets the long request wait a round in which it fits."""
    rng = random.Random(8)
    kept = 0
    for _ in range(400):
        requests, memory = drawn(rng)
        least, best = optimum(requests, memory)
        given = np.array(best)
        order = np.argsort(given, kind="stable").tolist()
        if latency([requests[i] for i in order], placed(requests, memory, order)) > least:
            starts = improve(of(requests, memory), given)
            assert latency(requests, starts.tolist()) == least
            kept += starts is given
    assert kept


def test_at_full_strength_it_comes_close_to_the_optimum() -> None:
    requests = [(0, 1 + i % 3, 2 + 5 * i % 7) for i in range(9)]
    given = np.cumsum([0] + [o for _, _, o in requests[:-1]])
    starts = improve(of(requests, 13), given)
    found = schedule_verifier.Search(requests, 13, latency(requests, starts.tolist()) + 1)
    assert found.limit == 95, "no order has it"
    assert latency(requests, starts.tolist()) == 96 < latency(requests, given.tolist()) / 1.5


def test_a_seed_repeats_and_one_request_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_search, "STEPS", 5)
    requests = of([(0, i % 4, 3 + 7 * i % 11) for i in range(20)], 25)
    given = hindsight_shortest_first(requests).starts
    assert improve(requests, given, 3).tolist() == improve(requests, given, 3).tolist()
    alone = of([(4, 1, 2)], 3)
    assert improve(alone, np.array([9])).tolist() == [4]
