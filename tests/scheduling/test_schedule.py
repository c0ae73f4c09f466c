from __future__ import annotations

import numpy as np
import pytest

from cvxtoken import ProblemError
from cvxtoken.scheduling import Requests, check_schedule, hindsight_shortest_first
from cvxtoken.scheduling.schedule import memory_at
from tests.scheduling.plain import tiny


def by_the_program(requests: Requests, starts: np.ndarray, t: int) -> int:
    """sum_i sum_{k = max(a_i, t - o_i)}^{t - 1} (s_i + t - k) x_{i,k}, x_{i,k} = 1 where i starts at k."""
    columns = zip(requests.arrival, requests.prompt_tokens, requests.output_tokens, starts, strict=True)
    return sum(int(s) + t - k for a, s, o, start in columns for k in range(max(a, t - o), t) if k == start)


def test_memory_is_that_of_the_integer_program() -> None:
    for seed in range(200):
        requests = tiny(seed)
        rng = np.random.default_rng(seed)
        starts = requests.arrival + rng.integers(0, 20, len(requests))
        times = np.arange(-1, int((starts + requests.output_tokens).max()) + 3)
        held = memory_at(requests, starts, times)
        assert held.tolist() == [by_the_program(requests, starts, int(t)) for t in times]
        assert check_schedule(requests, starts) == held.max()


def test_schedules_of_policies_take_what_the_simulation_says() -> None:
    for seed in range(200):
        found = hindsight_shortest_first(tiny(seed))
        assert check_schedule(found.requests, found.starts) == found.peak_memory <= found.requests.memory


def test_sums_beyond_64_bits_come_out_right() -> None:
    n, late = 100_000, 10**15
    requests = Requests(arrival=[0] * n, prompt_tokens=[3] * n, output_tokens=[4] * n, memory=10)
    assert check_schedule(requests, np.full(n, late)) == 7 * n
    assert check_schedule(requests, late + 4 * np.arange(n)) == 7


def test_bad_starts() -> None:
    requests = Requests(arrival=[0, 3], prompt_tokens=[1, 1], output_tokens=[2, 2], memory=10)
    for starts, message in (
        ([0], "starts has shape (1,); it must be one whole number a request"),
        ([0.0, 3.0], "it must be one whole number a request"),
        ([0, 2], "starts of request 1 is 2; it must be at least the arrival, 3"),
    ):
        with pytest.raises(ProblemError) as caught:
            check_schedule(requests, starts)
        assert message in str(caught.value)
