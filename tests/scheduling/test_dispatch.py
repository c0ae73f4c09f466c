"""Dispatches and windows: schedules that fit, with what is promised told by plain sums."""

from __future__ import annotations

import signal
from fractions import Fraction

import numpy as np
import pytest

from cvxtoken.scheduling import (
    Requests,
    best_schedule,
    check_schedule,
    hindsight_shortest_first,
    model_1,
    model_2,
)
from cvxtoken.scheduling.dispatch import ORDERS, Dispatch, Queues
from cvxtoken.scheduling.heuristics import Found, good_schedule, quick_schedule
from cvxtoken.scheduling.local_search import improve
from cvxtoken.scheduling.watch import Watch
from cvxtoken.scheduling.windows import Promises, by_windows
from tests.scheduling.plain import tiny


def total(requests: Requests, starts: np.ndarray) -> int:
    return int((starts + requests.output_tokens - requests.arrival).sum())


def test_every_order_and_depth_fits() -> None:
    for seed in range(60):
        requests = tiny(seed, most=12)
        queues = Queues(requests)
        for order in ORDERS:
            for depth in (1, 2, 12):
                run = Dispatch(queues).run(order, depth)
                starts = run.starts()
                assert check_schedule(requests, starts) <= requests.memory
                assert run.total == total(requests, starts)
                last = int(requests.arrival.max())
                assert starts.max() <= last + requests.output_tokens.sum(), "never idle while some wait"


def test_a_copy_goes_its_own_way_and_all_queues_agree() -> None:
    requests = model_2(3)
    run = Dispatch(Queues(requests)).run("volume", 4, 20)
    state = run.now, run.total, list(run.started), {name: list(ranks) for name, ranks in run.waiting.items()}
    other = run.copy().run("length", 8, 30).run("peak", 2, 45)
    assert (run.now, run.total, run.started, run.waiting) == state
    assert other.now == 45
    held = [{other.queues.members[name][rank] for rank in ranks} for name, ranks in other.waiting.items()]
    begun = {i for i, _ in other.started}
    assert all(each == set(np.flatnonzero(requests.arrival <= 45)) - begun for each in held)
    assert held[0], "some wait"
    assert all(ranks == sorted(ranks) for ranks in other.waiting.values())
    done = run.run("volume", 4)
    assert len(done.started) == len(requests)
    assert check_schedule(requests, done.starts()) <= requests.memory


def test_what_a_run_promises() -> None:
    requests = model_2(5)
    queues = Queues(requests)
    run = Dispatch(queues).run("volume", 4, 25)
    at = dict(run.started)
    left = sum(
        int(requests.prompt_tokens[i]) + j
        for i, start in at.items()
        for j in range(1, int(requests.output_tokens[i]) + 1)
        if start + j > 25
    )
    expected = Fraction(run.total)
    work = left
    for i in sorted(set(np.flatnonzero(requests.arrival <= 25)) - set(at), key=lambda i: requests.volume[i]):
        work += int(requests.volume[i])
        expected += 25 - int(requests.arrival[i]) + Fraction(work, requests.memory)
    assert left > 0
    assert Promises(queues).of(run) == pytest.approx(float(expected), rel=1e-12)
    huge = Requests(arrival=[0] * 9, prompt_tokens=[0] * 9, output_tokens=[10**9] * 9, memory=10**9)
    run = Dispatch(Queues(huge)).run("volume", 1, 1)
    volume = 10**9 * (10**9 + 1) // 2
    own, rest = 10**9, volume - 1
    expected = own + 8 + Fraction(8 * rest + 36 * volume, 10**9)
    assert Promises(run.queues).of(run) == pytest.approx(float(expected), rel=1e-12), "beyond 64 bits"


def test_windows_fit_and_are_better() -> None:
    better = worse = 0
    for make in (model_1, model_2):
        for seed in range(3):
            requests = make(seed)
            starts = by_windows(requests, 8, Watch())
            assert check_schedule(requests, starts) <= requests.memory
            single = Dispatch(Queues(requests)).run("volume", 8).total
            better += total(requests, starts) < single
            worse += total(requests, starts) > single
    assert better > worse


def test_windows_pass_over_idle_time() -> None:
    """A thousand million rounds without work are no windows of one round each."""
    requests = tiny(3, most=9)
    late = requests.replace(arrival=requests.arrival + np.arange(len(requests)) * 10**8)
    starts = by_windows(late, 1, Watch())
    assert (starts == late.arrival).all()


def test_the_best_is_taken_and_named() -> None:
    names = set()
    for seed in range(8):
        requests = model_1(seed)
        base = hindsight_shortest_first(requests)
        found = quick_schedule(requests, Watch())
        assert found.total == total(requests, found.starts) <= base.total_latency
        assert check_schedule(requests, found.starts) <= requests.memory
        names.add(found.method)
        assert quick_schedule(requests, Watch(), enough=10**9).method == "H-SF", "nothing more is tried"
        assert quick_schedule(requests, Watch(), [found.starts]).method == "a policy", (
            "of several alike the first"
        )
    assert any("the tightest of the first" in name for name in names)
    assert len(names) > 2


def test_local_search_follows_where_there_is_something_to_gain() -> None:
    requests = tiny(7)
    quick = quick_schedule(requests, Watch())
    assert good_schedule(requests, quick, Watch(), quick.total) is quick
    poor = Found.of(requests, requests.arrival.max() + np.cumsum(requests.output_tokens), "by hand")
    good = good_schedule(requests, poor, Watch())
    assert good.total < poor.total
    assert good.method in ("windows of dispatches", "local search")
    assert check_schedule(requests, good.starts) <= requests.memory


def test_a_watch_that_is_over_leaves_what_is_there() -> None:
    requests = model_1(1)
    over = Watch(0.0)
    assert over.over
    assert over.left == 0
    assert 40 < Watch(100.0).half().left <= 50 < Watch().half().left
    quick = quick_schedule(requests, over)
    assert quick.method == "H-SF"
    assert good_schedule(requests, quick, over) is quick
    starts = by_windows(requests, 8, over)
    assert starts.tolist() == Dispatch(Queues(requests)).run("volume", 8).starts().tolist()
    placed = improve(requests, starts, watch=over)  # in the order of the starts, and no step
    assert (placed <= starts).all()


def test_an_interruption_ends_the_search_with_what_is_known() -> None:
    """The first is noted, the second raises, and afterwards Python's own handler is back."""
    before = signal.getsignal(signal.SIGINT)
    told = []

    def report(lower: int, upper: int, doing: str) -> None:
        told.append((lower, upper, doing))
        if doing == "windows of dispatches":
            signal.raise_signal(signal.SIGINT)

    found = best_schedule(model_1(3), "milp", report=report)
    assert told[-1][2] == "windows of dispatches", "nothing follows"
    assert told[-1][:2] <= (found.lower, found.upper)
    assert found.lower < found.upper <= told[-1][1]
    (said,) = found.fallbacks
    assert said == "the search was interrupted; the best schedule and bound so far are the result"
    assert signal.getsignal(signal.SIGINT) is before
    with Watch() as watch:
        signal.raise_signal(signal.SIGINT)
        assert watch.over
        assert watch.half().over
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    timed = best_schedule(model_1(3), "lp", seconds=0.0)
    assert timed.fallbacks == ("the time ran out; the best schedule and bound so far are the result",)
    assert timed.lower < timed.upper
