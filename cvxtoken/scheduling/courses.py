"""Courses of the memory: a lower bound from weights on each request by its rounds to go and the time.

Inequalities of one instant (`snapshots`) may be met by another mixture of snapshots at every time, of which
none turns into the next. A course ties them together by two numbers that evolve by rule, how many requests
run, k, and how many tokens h they hold:

    (k, h)  at t, of those with r = C - t from 0 to o - 1 rounds to go
    (k', h')  without those of r = 0, who complete and leave with s + o each
    (k' + b, h' + k' + sum of (s + 1))  at t + 1, with b that start at t.

With weights w_i(r, t) >= 0 of request i with r rounds to go at time t, and B the largest sum of weights along
a course whose requests fit at each other's completions at every time, every schedule has

    TEL >= sum_i min over C >= a_i + o_i of [C - a_i + sum_r w_i(r, C - r)] - B.

The right side is concave in w; a supergradient is how often requests pass a cell (i, r, t) where they answer
alone, less how often the best course does. The weights begin as lambda_t w of `relaxation`, and follow means
of supergradients. They are constant in spans of times. Derived here; `cvxtoken.verifier.schedule` redoes it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxtoken.arrays import BoolArray, FloatArray, IntArray
from cvxtoken.scheduling.certificate import Kind
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.watch import Watch

NEVER = -1e15  # the worth of a state that no course meets
SOFTNESS = 0.1  # in rounds: completions that cost so little more than the best are answers, too
STEPS = 300
PATIENCE, SHORTER = 40, 0.6  # steps without a gain, after which they are so much shorter
STEP, LAST = 0.0075, 0.1  # the first step over B a time, the last ones over the first
MEAN, SQUARE, FLOOR = 0.9, 0.98, 0.05  # kept of means of supergradients and of squares; beside the root


@dataclass(frozen=True, eq=False)
class Moves:
    """Ways from states to states, those to each state side by side: source, number of the move, target."""

    source: IntArray
    move: IntArray
    first: IntArray
    states: int

    @classmethod
    def of(cls, source: IntArray, states: int) -> Moves:
        """From sources by target and move, shape (states, moves); `states` where there is none."""
        there = source < states
        there[:, 0] = True  # or a state without a way would have that of the next
        target, move = np.nonzero(there)
        return cls(source[target, move], move, np.searchsorted(target, np.arange(states)), states)

    def best(self, worth: FloatArray, gains: FloatArray | float) -> FloatArray:
        """The largest worth of a source and gain of a move, shape (states + 1,); the last one is NEVER."""
        along = worth[self.source] + (gains if isinstance(gains, float) else gains[self.move])
        return np.append(np.maximum(np.maximum.reduceat(along, self.first), NEVER), NEVER)

    def back(self, target: int, worth: FloatArray, gains: FloatArray | float) -> tuple[int, int]:
        """The source and the move that led to a target."""
        last = self.first[target + 1] if target + 1 < self.states else len(self.source)
        ways = slice(int(self.first[target]), int(last))
        gain = gains if isinstance(gains, float) else gains[self.move[ways]]
        number = int((worth[self.source[ways]] + gain).argmax())
        return int(self.source[ways][number]), int(self.move[ways][number])


class Courses:
    """The cells (i, r) of requests and the states (k, h) of the memory, for times 0..T - 1 in G spans.

    Attributes:
        request, left, held: i, r and m = s + o - r of the cells, shape (c,), from the most rounds to go on.
        may: whether a cell's request can be there in a span, shape (c, G).
    """

    def __init__(self, requests: Requests, spans: int, span: int) -> None:
        self.requests, self.span, self.spans, self.times = requests, span, spans, spans * span
        a, s, o, M = requests.arrival, requests.prompt_tokens, requests.output_tokens, requests.memory
        pairs = sorted(((r, i) for i in range(len(o)) for r in range(o[i])), reverse=True)
        self.left, self.request = np.array(pairs).T
        self.held = requests.peak[self.request] - self.left
        since = a[self.request] + o[self.request] - self.left
        self.first = since // span  # the first span
        self.may: BoolArray = self.first[:, None] <= np.arange(spans)
        self.by_left = [np.flatnonzero(self.left == r) for r in range(o.max())]
        self.most = _most(requests)
        k, h = np.nonzero(np.ones((self.most + 1, M + 1), dtype=bool))
        self.state = k[(k > 0) | (h == 0)], h[(k > 0) | (h == 0)]
        k, h = self.state
        count = len(k)
        number = np.full((2 * self.most + 2, 2 * M + 2), count)
        number[k, h] = np.arange(count)
        self.ends = self._sums(requests.peak)
        self.ending = Moves.of(number[k[:, None] + self.ends[0], h[:, None] + self.ends[1]], count)
        self.starting = {}
        for t in np.unique(a):
            many, tokens = self._sums(s[a <= t] + 1)
            before = k[:, None] - many
            less = h[:, None] - tokens - before
            source = number[np.maximum(before, 0), np.maximum(less, 0)]
            self.starting[int(t)] = Moves.of(np.where((before < 0) | (less < 0), count, source), count)
        self.waiting = Moves.of(np.where(h >= k, number[k, np.maximum(h - k, 0)], count)[:, None], count)

    def by_cell(self, weights: FloatArray) -> dict[tuple[int, int], FloatArray]:
        """Rows of weights by i and r, 0 where the request cannot be there."""
        rows = np.where(self.may, weights, 0.0)
        return dict(zip(zip(self.request.tolist(), self.left.tolist(), strict=True), rows, strict=True))

    def _sums(self, tokens: IntArray) -> tuple[IntArray, IntArray]:
        """How many requests of these tokens may hold how many together, from none on."""
        sums = np.zeros((self.most + 1, self.requests.memory + 1), dtype=bool)
        sums[0, 0] = True
        for m in tokens:
            sums[1:, m:] |= sums[:-1, : sums.shape[1] - m]
        many, together = np.nonzero(sums)
        return many, together

    def answers(self, weights: FloatArray, softness: float) -> tuple[float, FloatArray]:
        """The sum of what requests cost that answer alone, and how often they pass each cell, (c, G)."""
        a, n, T = self.requests.arrival, len(self.requests), self.times
        costs = np.tile(np.arange(T + self.requests.output_tokens.max()) * 1.0, (n, 1)) - a[:, None]
        by_time = np.repeat(weights, self.span, axis=1)
        for r, cells in enumerate(self.by_left):
            costs[self.request[cells], r : T + r] += by_time[cells]
        earliest = a + self.requests.output_tokens
        costs[np.arange(costs.shape[1]) < earliest[:, None]] = np.inf
        least = costs.min(axis=1)
        shares = np.exp((least[:, None] - costs) / softness)
        shares /= shares.sum(axis=1, keepdims=True)
        passed = np.zeros((len(self.left), T))
        for r, cells in enumerate(self.by_left):
            passed[cells] = shares[self.request[cells], r : T + r]
        return float(least.sum()), passed.reshape(len(passed), self.spans, self.span).sum(axis=2)

    def best(self, weights: FloatArray) -> tuple[float, FloatArray]:
        """B, and how often a best course passes each cell, shape (c, G)."""
        ending = self.left == 0
        parts = [Snapshots(self, weights, np.flatnonzero(cells)) for cells in (~ending, ending)]
        stays, ends = parts[0].worth[self.state], parts[1].worth[self.ends]
        nothing = np.full(len(self.state[0]) + 1, NEVER)
        nothing[0] = 0
        before, after, moves = [nothing], list[FloatArray](), list[Moves]()
        start = self.waiting
        for t in range(self.times):
            g = t // self.span
            stayed = self.ending.best(before[-1], ends[:, g])
            stayed[:-1] += stays[:, g]
            start = self.starting.get(t, start)
            after.append(np.maximum(stayed, NEVER))
            moves.append(start)
            before.append(start.best(after[-1], 0.0))
        state, value = int(before[-1].argmax()), float(before[-1].max())
        passed = np.zeros_like(weights)
        met = np.zeros((2, self.times), dtype=np.int64)
        for t in reversed(range(self.times)):
            g = t // self.span
            state, _ = moves[t].back(state, after[t], 0.0)
            met[0, t] = state
            state, met[1, t] = self.ending.back(state, before[t], ends[:, g])
        spans = np.arange(self.times) // self.span
        parts[0].trace(self.state[0][met[0]], self.state[1][met[0]], spans, passed)
        parts[1].trace(self.ends[0][met[1]], self.ends[1][met[1]], spans, passed)
        return value, passed


def slots_of(requests: Requests) -> int:
    """How many states (k, h) all cells together may join, which is the work of a step for each span."""
    M, most, total = requests.memory, _most(requests), 0
    for P, o in zip(requests.peak.tolist(), requests.output_tokens.tolist(), strict=True):
        for r in range(o):
            total += sum(max(0, M - P - k * r + 1) for k in range(most))
    return total


def _most(requests: Requests) -> int:
    """How many requests can run together, at most."""
    least = np.cumsum(np.sort(requests.prompt_tokens + 1))
    return int(np.searchsorted(least, requests.memory, side="right"))


def first_weights(courses: Courses, guide: Kind) -> FloatArray:
    """The weights lambda_t w(m, r) of multipliers of `snapshots`, means over spans, shape (c, G)."""
    weights = np.zeros((len(courses.left), courses.times))
    cells = list(zip(courses.held.tolist(), courses.left.tolist(), strict=True))
    for item in guide["inequalities"]:
        row = np.zeros(courses.times)
        used = item["multipliers"][: courses.times]
        row[: len(used)] = np.array(used) / guide["scale"]
        table = item["weights"]
        known = {} if table == "memory" else {(m, r): w for m, r, w in table}
        weights += (
            np.array([m if table == "memory" else known.get((m, r), 0) for m, r in cells])[:, None] * row
        )
    return np.asarray(weights.reshape(len(cells), courses.spans, courses.span).mean(axis=2))


def climbed(courses: Courses, weights: FloatArray, watch: Watch) -> FloatArray:
    """The best weights met in STEPS steps, or until the watch is over, from given ones.

    A step follows a mean of supergradients, each entry over its root mean square (Kingma and Ba 2015). After
    steps in vain the best weights are gone on from, with the means as they are, and with shorter steps.
    """
    best, most, mean, square, first = weights, -np.inf, np.zeros(1), np.zeros(1), 0.0
    idle = 0
    for step in range(STEPS):
        if watch.over:
            break
        alone, passed = courses.answers(weights, SOFTNESS)
        largest, taken = courses.best(weights)
        idle += 1
        if alone - largest > most:
            best, most, idle = weights, alone - largest, 0
        elif idle >= PATIENCE:
            weights, first, idle = best, SHORTER * first, 0
            continue
        gradient = passed - taken
        if not step:
            first = STEP * max(1.0, largest) / courses.times
            mean, square = gradient, gradient**2
        mean = MEAN * mean + (1 - MEAN) * gradient
        square = SQUARE * square + (1 - SQUARE) * gradient**2
        length = first * max(LAST, 1 - step / STEPS)
        weights = np.maximum(weights + length * mean / (np.sqrt(square) + FLOOR), 0.0)
    return best


class Snapshots:
    """The largest sums of weights of k requests that hold h together, by k, h and span, each at most once.

    From the most rounds to go to the least, one joins k that hold h where h + m + (k + 1) r <= M.
    """

    def __init__(self, courses: Courses, weights: FloatArray, cells: IntArray) -> None:
        self.courses, M, most = courses, courses.requests.memory, courses.most
        self.worth = np.full((most + 1, M + 1, courses.spans), NEVER)
        self.worth[0, 0] = 0
        self.joined: list[tuple[int, int, BoolArray]] = []  # cell, k, and at which h and span it joins
        top = 0
        for cell in cells:
            m, r, since = int(courses.held[cell]), int(courses.left[cell]), int(courses.first[cell])
            if since >= courses.spans:
                continue
            for k in reversed(range(min(top + 1, most))):
                room = M - m - (k + 1) * r
                if room >= 0:
                    there = self.worth[k + 1, m : m + room + 1, since:]
                    sums = self.worth[k, : room + 1, since:] + weights[cell, since:]
                    better = sums > there
                    np.copyto(there, sums, where=better)
                    self.joined.append((cell, k, better))
            top = min(top + 1, most)
        np.maximum(self.worth, NEVER, out=self.worth)

    def trace(self, k: IntArray, h: IntArray, spans: IntArray, passed: FloatArray) -> None:
        """Count the cells of the best of the given states, each of a span."""
        k, h = k.copy(), h.copy()
        for cell, size, better in reversed(self.joined):
            place = np.flatnonzero(k == size + 1)
            less, since = h[place] - self.courses.held[cell], spans[place] - self.courses.first[cell]
            good = (less >= 0) & (less < better.shape[0]) & (since >= 0)
            hit = place[good][better[less[good], since[good]]]
            k[hit] -= 1
            h[hit] -= self.courses.held[cell]
            np.add.at(passed[cell], spans[hit], 1)
