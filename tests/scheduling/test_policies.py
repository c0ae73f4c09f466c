"""What is known of the policies: the ratios of the notes were found with other seeds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cvxtoken import ProblemError
from cvxtoken.scheduling import (
    POLICIES,
    Requests,
    Simulation,
    a_max,
    a_min,
    backfilling,
    fcfs,
    geometric,
    hindsight_shortest_first,
    mc_sf,
    model_1,
    model_2,
    predict_relative,
    protection_greedy,
    two_point,
    uniform,
)
from tests.scheduling.plain import tiny


def same(one: Simulation, other: Simulation) -> bool:
    return (
        one.completions.tolist() == other.completions.tolist()
        and one.evictions.tolist() == other.evictions.tolist()
    )


def exact(requests: Requests) -> Requests:
    return requests.replace(predicted_low=requests.output_tokens, predicted_high=requests.output_tokens)


@pytest.mark.parametrize("make", [model_1, model_2, tiny])
def test_with_exact_predictions_all_are_the_hindsight_policy(make: Callable[[int], Requests]) -> None:
    for seed in range(50):
        requests = exact(make(seed))
        best = hindsight_shortest_first(requests)
        assert not len(best.evictions)
        for policy in (a_min, a_max, mc_sf):
            assert same(policy(requests), best)
        assert same(mc_sf(tiny(seed), "true"), hindsight_shortest_first(tiny(seed)))


def test_a_max_never_evicts_where_the_upper_end_holds() -> None:
    for seed in range(300):
        requests = tiny(seed, most=9)
        found = a_max(requests)
        assert found.finished
        assert not len(found.evictions)
        assert same(found, mc_sf(requests, "high"))


def test_an_upper_end_beyond_the_memory_is_admitted() -> None:
    requests = Requests(
        arrival=[0, 0], prompt_tokens=[2, 2], output_tokens=[3, 4], predicted_high=[50, 60], memory=10
    )
    assert a_max(requests).completions.tolist() == [3, 7], "each is thought to need all 10 tokens"


@pytest.mark.parametrize(
    ("make", "adaptive", "conservative"),
    [
        (two_point, 1.145, 1.63),
        (uniform, 1.035, 1.99),
        (lambda size, memory, seed: two_point(size, memory, share=0.0, seed=seed), 1.00, 9.44),
        (geometric, 1.69, 7.43),
    ],
    ids=["two-point", "uniform", "all at the lower end", "geometric"],
)
def test_ratios_to_hindsight(make: Callable[..., Requests], adaptive: float, conservative: float) -> None:
    requests = make(3000, 2000, seed=2)
    best, low, high = (policy(requests).total_latency for policy in (hindsight_shortest_first, a_min, a_max))
    assert best is not None
    assert low is not None
    assert high is not None
    assert low / best == pytest.approx(adaptive, rel=0.1)
    assert high / best == pytest.approx(conservative, rel=0.1)
    assert low <= high


def test_clearing_all_can_go_in_a_circle() -> None:
    """Two requests reach 10 tokens after 4 rounds, are cleared, and begin again."""
    requests = Requests(arrival=[0, 0], prompt_tokens=[1, 1], output_tokens=[6, 6], memory=10)
    found = protection_greedy(requests, protection=0.2)
    assert (found.finished, found.total_latency) == (False, None)
    assert found.outcome == (
        "Cycle: all was cleared twice with no completion and no arrival between, so it never ends."
    )
    assert found.evictions.tolist() == [[0, 0, 4], [1, 0, 4], [0, 4, 8], [1, 4, 8]]
    assert protection_greedy(requests, protection=0.2, clearing_probability=0.5).finished
    assert protection_greedy(requests, protection=0.7).finished, "the second waits until the first is done"


def test_a_cycle_is_reported_whatever_is_to_come() -> None:
    """Two clearings with an arrival between are none yet; those to come stand behind the same two."""
    requests = Requests(arrival=[0, 0, 6], prompt_tokens=[1, 1, 1], output_tokens=[6, 6, 6], memory=10)
    for when, cleared in ((6, [4, 8, 10]), (8, [4, 8]), (10**8, [4, 8])):
        found = protection_greedy(requests.replace(arrival=[0, 0, when]))
        assert found.outcome.startswith("Cycle")
        assert sorted(set(found.evictions[:, 2].tolist())) == cleared


def test_a_short_request_may_complete_within_a_cycle() -> None:
    requests = Requests(arrival=[0, 0, 2], prompt_tokens=[1, 1, 1], output_tokens=[6, 6, 1], memory=10)
    assert protection_greedy(requests).completions.tolist() == [-1, -1, 5]


def test_clearing_some_gives_up_at_last() -> None:
    """At each clearing one of the two stays with probability 2e-7 only."""
    requests = Requests(arrival=[0, 0], prompt_tokens=[1, 1], output_tokens=[6, 6], memory=10)
    found = protection_greedy(requests, clearing_probability=1 - 1e-7)
    assert found.outcome == "Gave up: 10000 clearings in a row without a completion."
    assert len(found.evictions) == 20_000


def test_protection_is_read_as_it_is_written() -> None:
    """0.07 * 100 is 7.000000000000001 in float64; 7 are to be kept free, not 8."""
    for alpha, used in ((0.07, 93), (0.29, 71), (0.7, 30), (0.995, 1), (0.0, 100)):
        requests = Requests(arrival=[0] * 99, prompt_tokens=[0] * 99, output_tokens=[1] * 99, memory=100)
        assert protection_greedy(requests, alpha).peak_memory == min(used, 99)


def test_many_clearings_in_all_are_no_reason_to_give_up() -> None:
    some = tiny(5, most=9)
    n, copies = len(some), 40
    requests = Requests(
        arrival=np.tile(some.arrival, copies) + np.repeat(np.arange(copies) * 100_000, n),
        prompt_tokens=np.tile(some.prompt_tokens, copies),
        output_tokens=np.tile(some.output_tokens, copies),
        memory=some.memory,
    )
    found = protection_greedy(requests, 0.0, 0.3)
    assert len(set(found.evictions[:, 2].tolist())) > 10_000
    assert found.finished


def test_clearing_draws_are_seeded() -> None:
    requests = tiny(10, most=9)
    runs = [protection_greedy(requests, 0.0, 0.3, seed) for seed in (1, 1, 2)]
    assert same(runs[0], runs[1])
    assert not same(runs[0], runs[2])


def test_nobody_overtakes_in_fcfs() -> None:
    for seed in range(50):
        requests = exact(tiny(seed, most=9))
        starts = fcfs(requests).starts[np.argsort(requests.arrival, kind="stable")]
        assert (np.diff(starts) >= 0).all()


def test_order_matters() -> None:
    """A long request ahead of two short ones that do not fit beside it."""
    requests = Requests(arrival=[0, 0, 0], prompt_tokens=[0, 5, 5], output_tokens=[9, 1, 1], memory=9)
    assert hindsight_shortest_first(requests).completions.tolist() == [10, 1, 2]
    assert fcfs(requests).completions.tolist() == [9, 1, 2]


def test_policies_have_names_and_every_one_runs() -> None:
    requests = predict_relative(model_2(1), 0.5)
    for name, policy in POLICIES.items():
        found = policy(requests)
        assert found.peak_memory <= requests.memory, name
        assert found.finished or name == "protection_greedy"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"protection": 1.0}, "protection is 1.0; it must be at least 0 and below 1"),
        ({"protection": -0.1}, "protection is -0.1; it must be at least 0 and below 1"),
        ({"protection": "0.2"}, "protection is '0.2'; it must be at least 0 and below 1"),
        ({"clearing_probability": 0}, "clearing_probability is 0; it must be from 0.001 to 1"),
        ({"clearing_probability": True}, "clearing_probability is True; it must be from 0.001 to 1"),
        ({"seed": -1}, "seed is -1; it must be a whole number, not negative"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ProblemError) as caught:
        protection_greedy(tiny(0), **arguments)
    assert str(caught.value) == message
    for policy in (mc_sf, fcfs):
        with pytest.raises(
            ProblemError, match="prediction is 'best'; it must be one of low, middle, high, true"
        ):
            policy(tiny(0), "best")


def test_backfilling_takes_what_fits_best() -> None:
    """The second fills the memory best, and the third need not wait until the first is done."""
    requests = Requests(arrival=[0, 0, 0], prompt_tokens=[6, 8, 1], output_tokens=[1, 1, 7], memory=10)
    assert a_min(requests).completions.tolist() == [1, 2, 9]
    assert backfilling(requests, 1).completions.tolist() == [1, 2, 9]
    assert backfilling(requests).completions.tolist() == [2, 1, 8]
    with pytest.raises(ProblemError, match="depth is 0; it must be a whole number from 1"):
        backfilling(requests, 0)
