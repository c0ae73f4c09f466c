"""Beams and the guided search: schedules that fit, optima where it says so, and limits that are kept."""

from __future__ import annotations

import pytest

from cvxtoken.scheduling import Requests, check_schedule, hindsight_shortest_first
from cvxtoken.scheduling.bounds import designed
from cvxtoken.scheduling.certificate import VOLUME, ScheduleCertificate
from cvxtoken.scheduling.guided import beam_schedule, exact_schedule
from cvxtoken.scheduling.watch import Watch
from cvxtoken.verifier import schedule as checker
from tests.scheduling.plain import tiny

# two of the long ones fit only one after the other, and beside each a short one that waits for it
DELAYED = Requests(
    arrival=[0, 0, 0, 0, 0], prompt_tokens=[1, 1, 2, 1, 1], output_tokens=[9, 8, 3, 3, 2], memory=12
)
MEMORY = {"kind": "snapshots", "scale": 100, "inequalities": [{"weights": "memory", "multipliers": [9] * 20}]}


def given(requests: Requests) -> ScheduleCertificate:
    return ScheduleCertificate(requests, hindsight_shortest_first(requests).starts, 1, VOLUME)


@pytest.mark.parametrize("requests", [DELAYED, tiny(3), tiny(10)])
def test_a_beam_and_a_search_are_at_least_as_good_and_the_search_is_exact(requests: Requests) -> None:
    first = given(requests)
    beam = beam_schedule(first, MEMORY, Watch())
    found = exact_schedule(beam, MEMORY, [], Watch())
    assert found.lower == found.upper <= beam.upper <= first.upper
    assert check_schedule(requests, found.starts) <= requests.memory
    assert "which is exact" in found.check()
    assert exact_schedule(first, MEMORY, [], Watch()).upper == found.upper, "whatever is known before"


def test_designed_multipliers_leave_fewer_states_than_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the same optimum; the states of all rounds are counted."""
    counts, after = [], checker.Guided.after

    def counted(self: checker.Guided, ways: list[checker.Way]) -> checker.Layer:
        counts[-1] += sum(len(states) for *_, states in ways)
        return after(self, ways)

    monkeypatch.setattr(checker.Guided, "after", counted)
    requests, first = DELAYED, given(DELAYED)
    _, guide = designed(first, [])
    assert guide
    optima = []
    for guided in (guide, {"kind": "snapshots", "scale": 1, "inequalities": []}):
        counts.append(0)
        optima.append(exact_schedule(first, guided, [], Watch()).lower)
    assert optima[0] == optima[1]
    assert 5 * counts[0] < counts[1]
    assert len(requests) == 5


def test_what_takes_too_long_or_is_stopped_keeps_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    first, said = given(tiny(10)), list[str]()
    assert beam_schedule(first, MEMORY, Watch(0.0)) is first
    monkeypatch.setattr(checker, "MAX_STATES", 3)
    assert beam_schedule(first, MEMORY, Watch()) is first
    assert exact_schedule(first, MEMORY, said, Watch()) is first
    assert exact_schedule(first, MEMORY, said, Watch(0.0)) is first
    assert len(said) == 2
    assert "not all schedules were tried" in said[0]
    assert said[1].endswith("it was stopped")


def test_a_beam_lets_a_request_wait_that_could_start() -> None:
    """Started at once, the long one would keep out both short ones until it ends."""
    requests = Requests(arrival=[0, 1, 1], prompt_tokens=[0, 6, 6], output_tokens=[9, 2, 2], memory=10)
    found = beam_schedule(given(requests), MEMORY, Watch())
    assert found.upper < given(requests).upper
    assert found.starts[0] > 0 == requests.arrival[0]
