"""Better schedules by local search: simulated annealing over the order in which requests are placed.

An order becomes a schedule by placing one request after the other at the earliest time at which it fits with
all those placed before. Not every schedule comes from an order: the best one may let a request wait that
could start, because an earlier start holds more memory at a later time. So the result is a good schedule, not
always the best. Derived here.
"""

from __future__ import annotations

import numpy as np

from cvxtoken.arrays import IntArray
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.watch import Watch

STEPS, PLACEMENTS = 400, 10**6  # at most so many steps a request, and so many requests placed in all
WARMTH = 0.03  # first temperature, in mean latencies: an order worse by this is taken with chance 1 / e


class Placement:
    """Places requests in an order, and keeps the memory that each prefix of the order holds.

    Attributes:
        starts: of the order kept, by place in it.
        total: of the order kept, sum of C - a.
    """

    def __init__(self, requests: Requests, horizon: int) -> None:
        self.memory = requests.memory
        self.arrival: list[int] = requests.arrival.tolist()
        self.prompt: list[int] = requests.prompt_tokens.tolist()
        self.outputs: list[int] = requests.output_tokens.tolist()
        # row p: tokens held in the round that begins at t, once p requests are placed
        self.held: list[list[int]] = [[0] * horizon for _ in range(len(requests) + 1)]
        self.starts = [0] * len(requests)
        self.total = 0

    def tried(self, order: list[int], since: int = 0) -> tuple[int, list[int], list[list[int]]]:
        """The total latency, starts and rows of an order that agrees with the kept one up to a place."""
        starts, rows = self.starts[:since], self.held[: since + 1]
        total = sum(self.starts[p] + self.outputs[i] - self.arrival[i] for p, i in enumerate(order[:since]))
        for i in order[since:]:
            start, o, row = self.earliest(i, rows[-1]), self.outputs[i], rows[-1].copy()
            for t, held in enumerate(range(self.prompt[i] + 1, self.prompt[i] + o + 1), start):
                row[t] += held
            starts.append(start)
            rows.append(row)
            total += start + o - self.arrival[i]
        return total, starts, rows

    def keep(self, total: int, starts: list[int], rows: list[list[int]]) -> None:
        """Go on from what was tried."""
        self.total, self.starts, self.held = total, starts, rows

    def earliest(self, i: int, held: list[int]) -> int:
        """The first start from the arrival on at which a request fits with what is held."""
        start, o, room = self.arrival[i], self.outputs[i], self.memory - self.prompt[i] - 1
        t = start + o - 1
        while t >= start:  # backward, as the last round that is too full rules out the most starts
            if (excess := held[t] + t - start - room) > 0:
                start = min(start + excess, t + 1)  # later by so much it holds as much less, or begins after
                t = start + o
            t -= 1
        return start


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
    order = np.argsort(starts, kind="stable").tolist()
    placement.keep(*placement.tried(order))
    best = placement.total, order, placement.starts
    steps = min(STEPS * n, PLACEMENTS // n)
    warmth = WARMTH * placement.total / n
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
            new.insert(q, new.pop(p))
        tried = placement.tried(new, min(p, q))
        worse = tried[0] - placement.total
        if worse <= 0 or random.random() < np.exp(-worse / (warmth * (1 - step / steps))):
            order = new
            placement.keep(*tried)
            best = min(best, (placement.total, order, placement.starts), key=lambda each: each[0])
    least, order, placed = best
    if least >= given:
        return starts
    result = np.empty(n, dtype=np.int64)
    result[order] = placed
    return result
