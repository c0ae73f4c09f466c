"""Better schedules by local search: simulated annealing over the order in which requests are placed.

An order becomes a schedule by placing one request after the other at the earliest time at which it fits with
all those placed before. Not every schedule comes from an order: the best one may let a request wait that
could start, because an earlier start holds more memory at a later time. So the result is a good schedule, not
always the best. Derived here.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter1d

from cvxtoken.arrays import IntArray
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.watch import Watch

STEPS, PLACEMENTS = 400, 10**6  # at most so many steps a request, and so many requests placed in all
WARMTH = 0.03  # first temperature, in mean latencies: an order worse by this is taken with chance 1 / e


class Placement:
    """Places requests in an order, and keeps the memory that each prefix of the order holds."""

    def __init__(self, requests: Requests, horizon: int) -> None:
        self.arrival, self.memory = requests.arrival.tolist(), requests.memory
        self.prompt, self.outputs = requests.prompt_tokens.tolist(), requests.output_tokens.tolist()
        self.times = np.arange(horizon)
        # row p: tokens held in the round that ends at t + 1, plus t, once p requests are placed
        self.levels = np.tile(self.times, (len(requests) + 1, 1))
        self.starts = np.zeros(len(requests), dtype=np.int64)  # by place in the order
        self.totals = np.zeros(len(requests) + 1, dtype=np.int64)  # by prefix, the sum of C - a

    def place(self, order: IntArray, since: int = 0) -> int:
        """The total latency of an order that agrees with the last one placed up to the place `since`."""
        for p in range(since, len(order)):
            i = order[p]
            o, level = self.outputs[i], self.levels[p]
            # started at t, it fits if s + 1 + (u - t) + held(u) <= M for u = t..t + o - 1
            highest = maximum_filter1d(level, o, origin=-(o // 2), mode="nearest")
            fits = highest - self.times <= self.memory - self.prompt[i] - 1
            fits[: self.arrival[i]] = False
            start = int(np.argmax(fits))
            self.starts[p] = start
            self.levels[p + 1] = level
            self.levels[p + 1, start : start + o] += self.prompt[i] + 1 + self.times[:o]
            self.totals[p + 1] = self.totals[p] + start + o - self.arrival[i]
        return int(self.totals[-1])


def improve(requests: Requests, starts: IntArray, seed: int = 0, watch: Watch | None = None) -> IntArray:
    """The starts, shape (n,), of the best schedule met, at least as good as the given one.

    A step moves one request by some places in the order, or swaps two.
    None follows when the watch is over.
    """
    n, o = len(requests), requests.output_tokens
    random = np.random.default_rng(seed)
    # any order's schedule ends by then, as at every time before, a request runs or is still to come
    placement = Placement(requests, int(requests.arrival.max() + o.sum()) + 1)
    given = int((starts + o - requests.arrival).sum())
    order = np.argsort(starts, kind="stable")
    now = least = placement.place(order)
    best = order, placement.starts.copy()
    steps = min(STEPS * n, PLACEMENTS // n)
    warmth = WARMTH * now / n
    for step in range(steps):
        if watch is not None and watch.over:
            break
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
