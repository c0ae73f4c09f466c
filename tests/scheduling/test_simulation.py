"""The event-skipping simulator against the plain one, and what must hold of every run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cvxtoken.errors import PolicyError
from cvxtoken.scheduling import (
    PREDICTIONS,
    Requests,
    Server,
    a_min,
    hindsight_shortest_first,
    mc_sf,
    simulate,
)
from tests.scheduling.plain import Plain, Rule, memory_by_round, pairs, tiny
from tests.support.thorough import some

NAMES = list(pairs("high", "0.2", 0))
SHARES = ("0", "0.2", "0.7")


def two() -> Requests:
    return Requests(arrival=[0, 2], prompt_tokens=[1, 2], output_tokens=[6, 3], memory=10)


def test_the_time_convention() -> None:
    """At 6 the first holds 1 + 6 tokens; the second, 2 + 6 - k, fits beside it from k = 5 on."""
    found = hindsight_shortest_first(two())
    assert found.starts.tolist() == [0, 5]
    assert found.completions.tolist() == [6, 8]
    assert found.profile.tolist() == [[0, 0], [1, 2], [2, 3], [3, 4], [5, 6], [6, 10], [7, 4], [8, 5]]
    assert found.peak_memory == 10
    assert found.latencies is not None
    assert found.latencies.tolist() == [6, 6]
    assert (found.total_latency, found.mean_latency, found.wasted_tokens) == (12, 6.0, 0)
    assert (found.finished, found.outcome) == (True, "All 2 requests completed.")


def test_quantiles_are_latencies() -> None:
    found = hindsight_shortest_first(
        Requests(arrival=[0] * 4, prompt_tokens=[0] * 4, output_tokens=[1, 2, 5, 9], memory=99)
    )
    assert [found.latency_quantile(share) for share in (0, 0.25, 0.5, 0.51, 1)] == [1, 1, 2, 5, 9]


def test_evictions_are_recorded() -> None:
    """Both start at 0 and hold 4 at 3, 10 together at 4; before the round that ends at 5 one must go."""
    requests = Requests(
        arrival=[0, 0], prompt_tokens=[1, 1], output_tokens=[6, 6], predicted_low=[1, 1], memory=10
    )
    for found in (a_min(requests), mc_sf(requests, "low")):
        assert found.evictions.tolist()[0] == [1, 0, 4]
        assert found.completions[0] == 6
        assert found.wasted_tokens == sum(end - start for _, start, end in found.evictions.tolist())


@pytest.mark.parametrize("name", NAMES)
def test_equals_the_plain_simulator(name: str) -> None:
    evictions = unfinished = 0
    for seed in some(range(500), 10):
        requests = tiny(seed, most=9)
        policy, rule = pairs(PREDICTIONS[seed % 4], SHARES[seed % 3], seed)[name]
        found = policy(requests)
        last = int(found.profile[-1, 0])
        by_round = memory_by_round(requests, found)
        plain = Plain(requests, rule(requests)).run(last)
        n = len(requests)
        assert found.completions.tolist() == [plain.completions.get(i, -1) for i in range(n)], seed
        assert found.starts.tolist() == [plain.starts.get(i, -1) for i in range(n)], seed
        assert found.evictions.tolist() == [list(eviction) for eviction in plain.evictions], seed
        assert found.wasted_tokens == sum(end - start for _, start, end in plain.evictions), seed
        times, tokens = found.profile.T
        rounds = np.arange(times[0], times[-1] + 1)
        assert np.rint(np.interp(rounds, times, tokens)).tolist() == by_round[times[0] :].tolist(), seed
        evictions += len(found.evictions)
        if not found.finished:
            unfinished += 1
            later = plain.run(last + int(requests.arrival.max()) + 20 * requests.memory)
            cleared = found.evictions[found.evictions[:, 2] == last, 0].tolist()
            assert not set(cleared) & set(later.completions), f"{seed}: it was no cycle"
    assert (evictions > 0) == (name not in ("hindsight_shortest_first", "a_max"))
    assert (unfinished > 0) == (name == "clear all")


def test_many_runs_of_every_policy() -> None:
    """Memory by round, from all runs; completion; no run before the arrival, none cut short or repeated."""
    for seed in some(range(2_000), 5):
        requests = tiny(seed, most=5)
        known = pairs(PREDICTIONS[seed % 4], SHARES[seed % 3], seed)
        for name, (policy, _) in known.items():
            found = policy(requests)
            held = memory_by_round(requests, found)
            assert held.max() <= requests.memory, (seed, name)
            if not found.finished:
                assert name == "clear all", seed
                assert found.outcome.startswith("Cycle"), (seed, name)
                assert found.total_latency is None
                continue
            assert (found.starts >= requests.arrival).all(), (seed, name)
            assert (found.completions - found.starts == requests.output_tokens).all(), (seed, name)
            if name in ("hindsight_shortest_first", "a_max"):
                assert not len(found.evictions), (seed, name)
            for i, start, end in found.evictions.tolist():
                assert requests.arrival[i] <= start < end <= found.starts[i], (seed, name)
                assert end - start < requests.output_tokens[i], (seed, name)


def test_the_cost_grows_with_events_not_tokens() -> None:
    """The same requests a thousand times as long, and a million rounds apart: as many events."""
    few = tiny(3, most=6)
    many = Requests(
        arrival=few.arrival * 10**6,
        prompt_tokens=few.prompt_tokens * 10**6,
        output_tokens=few.output_tokens * 10**6,
        memory=few.memory * 10**6,
    )
    for policy in (hindsight_shortest_first, a_min):
        found = policy(many)
        assert found.finished
        assert len(found.profile) <= 12 * len(many)


class OneAtATime:
    """A policy of one's own, which asks to be asked every round."""

    def admit(self, server: Server) -> list[int]:
        return [] if server.running or not server.waiting else [min(server.waiting)]

    def evict(self, server: Server) -> list[int]:
        return list(server.running)

    def next_time(self, server: Server) -> int | None:
        return server.now + 1

    def done(self, server: Server) -> str | None:
        return None


def test_a_policy_of_ones_own() -> None:
    found = simulate(two(), OneAtATime())
    assert found.completions.tolist() == [6, 9]
    assert found.peak_memory == 7


def test_a_policy_may_give_up() -> None:
    class Tired(OneAtATime):
        def done(self, server: Server) -> str | None:
            return "Tired." if server.now >= 3 else None

    found = simulate(two(), Tired())
    assert (found.finished, found.outcome, found.completions.tolist()) == (False, "Tired.", [-1, -1])
    assert found.total_latency is found.mean_latency is found.latencies is found.latency_quantile(0.5) is None


ALL = {"admit": lambda s: sorted(s.waiting)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"admit": lambda s: [0, 1]}, "at time 0 the policy Broken admits request 1, which does not wait"),
        ({"admit": lambda s: [0, 0]}, "at time 0 the policy Broken admits request 0, which does not wait"),
        ({"admit": lambda s: []}, "admits none of 2 waiting requests, though nothing runs"),
        ({"next_time": lambda s: s.now}, "time 0 the policy Broken wants to be asked at 0, which is not in"),
        (ALL, "at time 6 the policy Broken needs 11 tokens for the next round after its admissions; the mem"),
        ({**ALL, "evict": lambda s: [7]}, "at time 4 the policy Broken evicts request 7, which does not run"),
        (
            {**ALL, "evict": lambda s: []},
            "at time 4 the policy Broken needs 12 tokens for the next round after its ev",
        ),
    ],
)
def test_broken_policies(change: dict[str, Callable[[Server], object]], message: str) -> None:
    class Broken(OneAtATime):
        def next_time(self, server: Server) -> int | None:
            return None

    for name, function in change.items():
        setattr(Broken, name, lambda self, server, function=function: function(server))
    second = 1 if "at time 4" in message else 6
    requests = Requests(arrival=[0, second], prompt_tokens=[1, 2], output_tokens=[8, 8], memory=10)
    with pytest.raises(PolicyError) as caught:
        simulate(requests, Broken())
    assert message in str(caught.value)


def test_the_plain_rule_counts_the_overdue() -> None:
    """The plain simulator itself: overdue requests hold memory in the next round, and nowhere after it."""
    requests = Requests(
        arrival=[0, 3], prompt_tokens=[1, 1], output_tokens=[6, 3], predicted_low=[2, 3], memory=9
    )
    run = Plain(requests, Rule(requests.predicted_low), t=3, running={0: 0}, waiting={1})
    assert run.rule.fits(run, 1), "5 + 2 in the next round"
    requests = requests.replace(memory=7)
    assert run.rule.fits(Plain(requests, run.rule, t=3, running={0: 0}, waiting={1}), 1)
    assert not run.rule.fits(Plain(requests, run.rule, t=4, running={0: 0}, waiting={1}), 1)
