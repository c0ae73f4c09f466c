"""The state of an engine that batches continuously, many replications of it side by side.

A step is a phase in which a replication's batch stays the same: the prefills of those who joined, and then
decode iterations until a request ends or a query has arrived, whichever is first. Replications keep clocks of
their own. Since arrivals are Poisson, the time to the next one is drawn anew in each phase.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxtoken.arrays import FloatArray, IntArray

_NEVER = np.iinfo(np.int64).max // 2  # the iteration at which an empty slot ends


@dataclass(frozen=True)
class Engine:
    """What is simulated; `iterations.simulate` says what each number means.

    Attributes:
        arrival_rate, alpha, beta: lambda in 1/s; an iteration of n requests takes alpha + beta n seconds.
        share: cumulated probabilities of all pairs of a type and a number of tokens, shape (P,).
        kind, tokens: type and number of tokens of each pair, shape (P,).
        prefill: t0, in s, shape (K,).
        prompt: m, in tokens, shape (K,).
        chunked: whether prefill is worked off in iterations, a token's time alone in each.
        cap: of requests that run.
        patience: tau, in s: who has not joined after it leaves; infinite where nobody does.
    """

    arrival_rate: float
    alpha: float
    beta: float
    share: FloatArray
    kind: IntArray
    tokens: IntArray
    prefill: FloatArray
    prompt: FloatArray
    chunked: bool
    cap: int
    patience: float


@dataclass(frozen=True)
class Phase:
    """One step of every replication; arrays of shape (R,) unless said.

    Attributes:
        start, length: in s.
        present: queries in the system at the start.
        rows, wait: of each arrival in the phase, ordered: its replication, and the time from it to the end
            of the phase, shape (A,).
        rank: 0, 1, ... of the arrivals of a replication, shape (A,).
        blocked: seconds of prefill before the first iteration.
        iterations, seconds: how many there are, and how long each takes.
        held, growth: KV tokens at the start, and those that an iteration adds.
        done_rows, done_kind, done_time: of each request that ends with the phase: its replication, its type
            and its time in the system, shape (D,).
        joined_wait: seconds that those who joined at the start had waited, added up.
        joined, lost: how many joined at the start, and how many had left unserved since the last one.
    """

    start: FloatArray
    length: FloatArray
    present: IntArray
    rows: IntArray
    rank: IntArray
    wait: FloatArray
    blocked: FloatArray
    iterations: IntArray
    seconds: FloatArray
    held: FloatArray
    growth: IntArray
    done_rows: IntArray
    done_kind: IntArray
    done_time: FloatArray
    joined_wait: FloatArray
    joined: IntArray
    lost: IntArray


class Replications:
    """R engines, empty at first.

    A slot's request ends with iteration `end` (a slot without one, never); if it still works off its prefill
    it has `left` tokens to make from then on. Who waits stands with its arrival time in a ring.
    """

    def __init__(self, engine: Engine, replications: int, seed: int) -> None:
        self.engine = engine
        self.times, self.kinds = np.random.default_rng(seed).spawn(2)
        self.all = np.arange(replications)
        self.now = np.zeros(replications)
        self.made, self.batch, self.growth, self.queued, self.first = np.zeros((5, replications), np.int64)
        self.base = np.zeros(replications)  # KV tokens held, less growth times the iterations made
        self.ring = np.zeros((replications, 16))
        self.end = np.full((replications, 16), _NEVER)
        self.free = np.tile(np.arange(16), (replications, 1))  # a stack of slots: the first 16 - batch
        self.kind, self.left = np.zeros((2, replications, 16), np.int64)
        self.arrived, self.offset = np.zeros((2, replications, 16))

    def step(self) -> Phase:
        """Let those who wait join, run a phase, and let those who are done leave."""
        e = self.engine
        lost = self._give_up()
        present, waiting = self.batch + self.queued, self.queued
        blocked, joined_wait = self._join()
        joined = waiting - self.queued
        start, held, growth = self.now, self.base + self.growth * self.made, self.growth.copy()
        seconds = e.alpha + e.beta * np.maximum(self.batch, 1)  # positive where none runs, too
        gap = self.times.standard_exponential(len(self.all)) * (1 / e.arrival_rate)
        to_end = self.end.min(axis=1) - self.made
        # where the batch is full an arrival does not end the phase
        to_arrival = np.where(self.batch < e.cap, np.ceil((gap - blocked) / seconds), to_end)
        iterations = np.maximum(np.minimum(to_arrival, to_end), 1).astype(np.int64)
        idle = self.batch == 0
        iterations[idle] = 0
        length = np.where(idle, gap, blocked + iterations * seconds)
        rows, rank, wait = self._arrivals(gap, length)
        self.now = start + length
        self.made = self.made + iterations
        self._queue(rows, rank, wait)
        done = self._leave()
        joins = (joined_wait, joined, lost)
        return Phase(
            start,
            length,
            present,
            rows,
            rank,
            wait,
            blocked,
            iterations,
            seconds,
            held,
            growth,
            *done,
            *joins,
        )

    def _give_up(self) -> IntArray:
        """Take out of the ring who has waited longer than the patience, and stands first; how many."""
        lost = np.zeros_like(self.queued)
        if not np.isfinite(self.engine.patience):
            return lost
        while True:
            first = self.ring[self.all, self.first]
            late = (self.queued > 0) & (self.now - first > self.engine.patience)
            if not late.any():
                return lost
            self.first = (self.first + late) % self.ring.shape[1]
            self.queued = self.queued - late
            lost += late

    def _join(self) -> tuple[FloatArray, FloatArray]:
        """Move who waits into the batch, as far as there is room.

        Returns:
            The seconds that their prefills block the batch, and those that they have waited, added up.
        """
        e = self.engine
        count = np.minimum(self.queued, e.cap - self.batch)
        rows, rank = ranked(count, self.all)
        while (self.batch + count).max(initial=0) > self.end.shape[1]:
            self._widen()
        position = (self.first[rows] + rank) % self.ring.shape[1]
        slot = self.free[rows, self.end.shape[1] - self.batch[rows] - 1 - rank]
        pair = np.searchsorted(e.share, self.kinds.random(len(rows)), side="right")
        kind, tokens = e.kind[pair], e.tokens[pair]
        arrived = self.ring[rows, position]
        self.kind[rows, slot], self.arrived[rows, slot] = kind, arrived
        waited = np.bincount(rows, self.now[rows] - arrived, len(self.all)).astype(np.float64)
        blocked: FloatArray = np.zeros(len(self.all))
        if e.chunked:
            # as many iterations as tokens would take alone, rounded to a whole number of the same mean
            chunks = (e.prefill[kind] / (e.alpha + e.beta) + self.kinds.random(len(rows))).astype(np.int64)
        else:
            chunks = np.zeros_like(tokens)
            blocked = np.bincount(rows, e.prefill[kind], len(self.all)).astype(np.float64)
        decoding = chunks == 0
        self.end[rows, slot] = self.made[rows] + np.where(decoding, tokens, chunks)
        self.left[rows, slot] = np.where(decoding, 0, tokens)
        offset = e.prompt[kind] - np.where(decoding, self.made[rows], 0)
        self.offset[rows, slot] = offset
        self.base += np.bincount(rows, offset, len(self.all))
        self.growth += np.bincount(rows[decoding], minlength=len(self.all))
        self.batch, self.queued = self.batch + count, self.queued - count
        self.first = (self.first + count) % self.ring.shape[1]
        return blocked, waited

    def _arrivals(self, gap: FloatArray, length: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
        """Of each arrival in the phase: replication, rank in it, and time to the end; the first is at gap."""
        rest = np.maximum(length - gap, 0)
        count = (gap <= length) + self.times.poisson(self.engine.arrival_rate * rest)
        rows, rank = ranked(count, self.all)
        wait = rest[rows]
        later = rank > 0
        wait[later] *= self.times.random(int(later.sum()))
        order = np.lexsort((-wait, rows))  # the first stays first: none waits longer
        return rows, rank, wait[order]

    def _queue(self, rows: IntArray, rank: IntArray, wait: FloatArray) -> None:
        """Put arrivals at the end of the ring, the clock being at the end of the phase."""
        count = np.bincount(rows, minlength=len(self.all))
        while (self.queued + count).max() > self.ring.shape[1]:
            width = self.ring.shape[1]
            turned = (self.first[:, None] + np.arange(width)) % width
            self.ring = np.hstack([np.take_along_axis(self.ring, turned, 1), np.zeros_like(self.ring)])
            self.first[:] = 0
        position = (self.first[rows] + self.queued[rows] + rank) % self.ring.shape[1]
        self.ring[rows, position] = self.now[rows] - wait
        self.queued = self.queued + count

    def _leave(self) -> tuple[IntArray, IntArray, FloatArray]:
        """Free the slots of those who are done: replication, type and time in the system of each."""
        rows, slot = np.divmod(np.flatnonzero(self.end == self.made[:, None]), self.end.shape[1])
        if self.engine.chunked:
            turns = self.left[rows, slot] > 0
            self._decode(rows[turns], slot[turns])
            rows, slot = rows[~turns], slot[~turns]
        count = np.bincount(rows, minlength=len(self.all))
        rank = ranked(count, self.all)[1]
        self.free[rows, self.end.shape[1] - self.batch[rows] + rank] = slot
        self.end[rows, slot] = _NEVER
        self.base -= np.bincount(rows, self.offset[rows, slot], len(self.all))
        self.growth -= count
        self.batch = self.batch - count
        return rows, self.kind[rows, slot], self.now[rows] - self.arrived[rows, slot]

    def _decode(self, rows: IntArray, slot: IntArray) -> None:
        """Let requests whose prefill is worked off make their tokens."""
        self.end[rows, slot] += self.left[rows, slot]
        self.left[rows, slot] = 0
        self.offset[rows, slot] -= self.made[rows]
        self.base -= np.bincount(rows, self.made[rows], len(self.all))
        self.growth += np.bincount(rows, minlength=len(self.all))

    def _widen(self) -> None:
        """Twice the slots."""
        width = self.end.shape[1]
        fresh = np.tile(np.arange(width, 2 * width), (len(self.all), 1))
        self.free = np.hstack([fresh, self.free])
        self.end = np.hstack([self.end, np.full_like(self.end, _NEVER)])
        for name in ("kind", "left", "arrived", "offset"):
            values = getattr(self, name)
            setattr(self, name, np.hstack([values, np.zeros_like(values)]))


def ranked(count: IntArray, rows: IntArray) -> tuple[IntArray, IntArray]:
    """Each row as often as counted, and beside it 0, 1, ... within the row."""
    repeated = np.repeat(rows, count)
    return repeated, np.arange(len(repeated)) - np.repeat(np.cumsum(count) - count, count)
