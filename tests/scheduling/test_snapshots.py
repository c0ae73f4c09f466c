"""Valid inequalities of one instant: never broken by a schedule, and better than the memory's own."""

from __future__ import annotations

import random

import numpy as np
import pytest

from cvxtoken.scheduling import Requests, hindsight_shortest_first, relaxation, snapshots
from cvxtoken.scheduling.relaxation import Inequality, inequalities
from cvxtoken.scheduling.snapshots import Cells, best_weights
from cvxtoken.verifier import schedule as schedule_verifier
from tests.scheduling.exhaustive import fits
from tests.scheduling.plain import tiny
from tests.support.thorough import some


def held_together(requests: Requests, cells: list[tuple[int, int]]) -> bool:
    """Whether requests in these (m, r) fit at each other's completions."""
    return all(sum(m + r for m, other in cells if other >= r) <= requests.memory for _, r in cells)


def usage(requests: Requests, ends: list[int], valid: Inequality) -> int:
    """The most that the weights of what runs sum to, at any time."""
    most = 0
    for t in range(max(ends) + 1):
        running = [
            (int(P), C - t)
            for P, o, C in zip(requests.peak, requests.output_tokens, ends, strict=True)
            if 0 <= C - t < o
        ]
        weights = valid.weights
        most = max(most, sum(P - r if weights is None else int(weights[P - r, r]) for P, r in running))
    return most


def test_cells_are_all_that_requests_pass_through() -> None:
    for seed in range(50):
        requests = tiny(seed)
        cells = Cells.of(requests)
        pairs = list(zip(cells.held.tolist(), cells.left.tolist(), strict=True))
        triples = zip(requests.peak.tolist(), requests.output_tokens.tolist(), strict=True)
        assert set(pairs) == {(P - r, r) for P, o in triples for r in range(o)}
        assert len(set(pairs)) == len(pairs)
        assert (np.diff(cells.left) <= 0).all()
        shares = np.arange(2.0 * len(requests)).reshape(2, -1)
        by_cell = [
            [
                sum(
                    row[i]
                    for i in range(len(row))
                    if requests.peak[i] == m + r < requests.output_tokens[i] + m
                )
            ]
            for row in shares
            for m, r in pairs
        ]
        assert cells.usage(requests, shares).ravel().tolist() == np.ravel(by_cell).tolist()


def test_the_worst_snapshots_are_those_of_the_checker() -> None:
    rng = np.random.default_rng(1)
    exceeding = 0
    for seed in range(150):
        requests = tiny(seed)
        cells = Cells.of(requests)
        weights = rng.integers(0, 6, (3, len(cells.held))) * rng.choice([0, 1], (3, len(cells.held)))
        largest, found = cells.worst(weights / 10)
        for row, value, members in zip(weights, largest, found, strict=True):
            table = dict(
                zip(zip(cells.held.tolist(), cells.left.tolist(), strict=True), row.tolist(), strict=True)
            )
            assert round(10 * value) == schedule_verifier.largest_snapshot(table, requests.memory)
            sums = [row[snapshot].sum() for snapshot in members]
            assert all(total > 10 for total in sums)
            assert max(sums, default=0) == (round(10 * value) if value > 1.0001 else 0)
            for snapshot in members:
                together = list(
                    zip(cells.held[snapshot].tolist(), cells.left[snapshot].tolist(), strict=True)
                )
                assert held_together(requests, together)
            exceeding += len(members)
    assert exceeding > 100


def test_weights_are_valid_and_close_to_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the linear program over all snapshots that are not part of others, on small instances."""
    monkeypatch.setattr(snapshots, "STAGES", ((0.0, 1, 1),))
    for seed in (5, 7, 10, 18, 23, 25):
        requests = tiny(seed)
        cells = Cells.of(requests)
        worth = cells.usage(requests, np.ones((1, len(requests))))
        weights = best_weights(cells, worth)
        (largest,), _ = cells.worst(weights)
        assert largest <= 1 + 1e-9
        value = float((worth * weights).sum())
        outer = snapshots._OuterProgram(worth[0])
        for _ in range(500):  # snapshots added until none exceeds 1: the best weights, from above
            point = outer.solve()
            _, (found,) = cells.worst(point[None])
            if not found:
                break
            outer.add(found)
        assert not found
        best = float(point @ worth[0])
        assert best / (1 + snapshots.TOLERANCE) ** 2 <= value <= best * (1 + 1e-6)
        assert value >= float(worth[0] @ cells.held) / requests.memory


def test_blocks_of_cells_lose_little_and_break_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "ROUNDS", 30)
    requests = tiny(10)
    cells = Cells.of(requests)
    worth = cells.usage(requests, np.eye(len(requests)) + 0.1)
    weights = best_weights(cells, worth)
    assert (weights >= 0).all()
    assert (cells.worst(weights)[0] <= 1 + 1e-9).all()
    gained, plain = (worth * weights).sum(axis=1), worth @ cells.held / cells.memory
    assert (gained >= plain - 1e-9).all()
    assert gained.sum() > 1.1 * plain.sum()


def test_no_schedule_breaks_an_inequality(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random schedules, drawn until they fit, and the one of H-SF; some meet an inequality with equality."""
    monkeypatch.setattr(snapshots, "ROUNDS", 8)
    rng, schedules, used_up = random.Random(9), 0, 0
    for seed in some(range(40), 3):
        requests = tiny(seed)
        triples = list(zip(*(getattr(requests, c).tolist() for c in schedule_verifier.COLUMNS), strict=True))
        drawn = [[a + rng.randint(0, 12) for a, _, _ in triples] for _ in range(30)]
        feasible = [starts for starts in drawn if fits(triples, requests.memory, starts)]
        feasible.append(hindsight_shortest_first(requests).starts.tolist())
        valid = inequalities(requests)
        assert (valid[0].weights, valid[0].most, len(valid)) == (
            None,
            requests.memory,
            1 + relaxation.CLASSES,
        )
        for starts in feasible:
            ends = [k + o for k, (_, _, o) in zip(starts, triples, strict=True)]
            most = [usage(requests, ends, item) for item in valid]
            assert all(value <= item.most for value, item in zip(most, valid, strict=True))
            used_up += most[1:] == [item.most for item in valid[1:]]
        schedules += len(feasible)
    assert schedules > 200
    assert used_up > 10


def test_the_sum_allowed_is_the_largest_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "ROUNDS", 8)
    for seed in range(0, 40, 3):
        requests = tiny(seed)
        for item in inequalities(requests)[1:]:
            assert item.weights is not None
            rows = {
                (int(m), int(r)): int(item.weights[m, r])
                for m, r in zip(*item.weights.nonzero(), strict=True)
            }
            assert item.most == schedule_verifier.largest_snapshot(rows, requests.memory) > 0
            assert relaxation.UNIT / 2 <= item.most <= relaxation.UNIT
