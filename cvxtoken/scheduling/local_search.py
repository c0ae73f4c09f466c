"""Better schedules by local search: simulated annealing over the order in which requests are placed.

An order is turned into a schedule by placing one request after the other at the earliest time that fits with
all before it. Not every schedule is had from an order (an earlier start holds more memory at a later time,
so that the best schedule may let a request wait that could start); the result is a good one, not the best.
Derived here.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter1d

from cvxtoken.arrays import IntArray
from cvxtoken.scheduling.problem import Requests

STEPS, PLACEMENTS = 400, 10**6  # steps a request, and requests placed in all, at most
WARMTH = 0.03  # first temperature, in mean latencies; a worse order by so much is taken with chance 1 / e


class Placement:
    """Places requests in an order, and keeps what each prefix of the order has left of the memory."""

    def __init__(self, requests: Requests, horizon: int) -> None:
        self.arrival, self.memory = requests.arrival.tolist(), requests.memory
        self.prompt, self.outputs = requests.prompt_tokens.tolist(), requests.output_tokens.tolist()
        self.times = np.arange(horizon)
        # row p: tokens held in the round that ends at t + 1, plus t, once p requests are placed
        self.levels = np.tile(self.times, (len(requests) + 1, 1))
        self.starts = np.zeros(len(requests), dtype=np.int64)  # by place in the order
        self.totals = np.zeros(len(requests) + 1, dtype=np.int64)  # sum of C - a of prefixes

    def place(self, order: IntArray, since: int = 0) -> int:
        """The total latency of an order that differs from the last one placed from a place on."""
        for p in range(since, len(order)):
            i = order[p]
            o, level = self.outputs[i], self.levels[p]
            # started at t, it fits if s + 1 + (tau - t) + held(tau) <= M for tau = t..t + o - 1
            highest = maximum_filter1d(level, o, origin=-(o // 2), mode="nearest")
            fits = highest - self.times <= self.memory - self.prompt[i] - 1
            fits[: self.arrival[i]] = False
            start = int(np.argmax(fits))
            self.starts[p] = start
            self.levels[p + 1] = level
            self.levels[p + 1, start : start + o] += self.prompt[i] + 1 + self.times[:o]
            self.totals[p + 1] = self.totals[p] + start + o - self.arrival[i]
        return int(self.totals[-1])


def improve(requests: Requests, starts: IntArray, seed: int = 0) -> IntArray:
    """The starts, shape (n,), of the best schedule met, at least as good as the given one.

    A step moves one request by some places in the order, or swaps two.
    """
    n, o = len(requests), requests.output_tokens
    random = np.random.default_rng(seed)
    # an order's schedule ends by then: before, someone runs or is still to come at any time
    placement = Placement(requests, int(requests.arrival.max() + o.sum()) + 1)
    given = int((starts + o - requests.arrival).sum())
    order = np.argsort(starts, kind="stable")
    now = least = placement.place(order)
    best = order, placement.starts.copy()
    steps = min(STEPS * n, PLACEMENTS // n)
    warmth = WARMTH * now / n
    for step in range(steps):
        p = int(random.integers(n))
        q = int(np.clip(p + random.integers(-n // 4, n // 4 + 1), 0, n - 1))
        if p == q:
            continue
        new = order.copy()
        if random.random() < 0.5:
            new[p], new[q] = order[q], order[p]
        else:
            new = np.insert(np.delete(order, p), q, order[p])
        since = min(p, q)
        found = placement.place(new, since)
        if found <= now or random.random() < np.exp((now - found) / (warmth * (1 - step / steps))):
            order, now = new, found
            if found < least:
                least, best = found, (new, placement.starts.copy())
        else:
            placement.place(order, since)
    order, placed = best
    if least >= given:
        return starts
    result = np.empty(n, dtype=np.int64)
    result[order] = placed
    return result
