"""The policies told round by round, as slowly and plainly as possible; and small random instances.

Nothing here is shared with the package but the data: feasibility looks at every future round.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from cvxtoken.scheduling import Requests, Simulation, mc_sf, protection_greedy
from cvxtoken.scheduling import policies as package


@dataclass
class Plain:
    """One run, with the state that the rules below look at."""

    requests: Requests
    rule: Rule
    t: int = 0
    running: dict[int, int] = field(default_factory=dict)  # starts, in the order of admission
    waiting: set[int] = field(default_factory=set)
    starts: dict[int, int] = field(default_factory=dict)
    completions: dict[int, int] = field(default_factory=dict)
    evictions: list[tuple[int, int, int]] = field(default_factory=list)

    def run(self, limit: int) -> Plain:
        r = self.requests
        while len(self.completions) < len(r) and self.t <= limit:
            for i, k in list(self.running.items()):
                if self.t - k == r.output_tokens[i]:
                    self.starts[i], self.completions[i] = k, self.t
                    del self.running[i]
            self.waiting |= {i for i in range(len(r)) if r.arrival[i] == self.t}
            if self.next_round(self.running) > r.memory:
                for i in self.rule.evicted(self):
                    self.evictions.append((i, self.running.pop(i), self.t))
                    self.waiting.add(i)
            while (i := self.rule.choice(self)) is not None:
                self.waiting.remove(i)
                self.running[i] = self.t
            assert self.next_round(self.running) <= r.memory
            self.t += 1
        return self

    def next_round(self, running: dict[int, int]) -> int:
        return sum(int(self.requests.prompt_tokens[i]) + self.t + 1 - k for i, k in running.items())

    def first_come(self) -> list[int]:
        return sorted(self.waiting, key=lambda i: (self.requests.arrival[i], i))


class Rule:
    """Forecast on estimates e; the queue in the order of e, or of arrival; the latest admitted goes first."""

    def __init__(self, estimates: np.ndarray, by_arrival: bool = False) -> None:
        self.e, self.by_arrival = estimates.tolist(), by_arrival

    def queue(self, run: Plain) -> list[int]:
        return run.first_come() if self.by_arrival else sorted(run.first_come(), key=lambda i: self.e[i])

    def choice(self, run: Plain) -> int | None:
        """Who starts next: the first in the queue, if it fits."""
        queue = self.queue(run)
        return queue[0] if queue and self.fits(run, queue[0]) else None

    def fits(self, run: Plain, candidate: int) -> bool:
        batch = run.running | {candidate: run.t}
        ends = {i: max(k + self.e[i], run.t + 1) for i, k in batch.items()}  # the overdue run one more round
        return all(
            sum(int(run.requests.prompt_tokens[i]) + later - k for i, k in batch.items() if later <= ends[i])
            <= run.requests.memory
            for later in range(run.t + 1, max(ends.values()) + 1)
        )

    def evicted(self, run: Plain) -> list[int]:
        return self.until_it_fits(run, list(reversed(run.running)))

    def until_it_fits(self, run: Plain, candidates: list[int]) -> list[int]:
        for number in range(len(candidates) + 1):
            staying = {i: k for i, k in run.running.items() if i not in candidates[:number]}
            if run.next_round(staying) <= run.requests.memory:
                return candidates[:number]
        raise AssertionError


class AMinRule(Rule):
    def evicted(self, run: Plain) -> list[int]:
        made = {i: run.t - k for i, k in run.running.items()}
        now = {i: self.e[i] if made[i] < self.e[i] else made[i] + 1 for i in made}
        latest_first = list(reversed(run.running))
        gone = self.until_it_fits(run, sorted(latest_first, key=lambda i: now[i]))
        for i in gone:
            self.e[i] = now[i]
        return gone


class BackfillingRule(AMinRule):
    def __init__(self, estimates: np.ndarray, depth: int) -> None:
        super().__init__(estimates)
        self.depth = depth

    def queue(self, run: Plain) -> list[int]:
        def volume(i: int) -> int:
            return sum(int(run.requests.prompt_tokens[i]) + j for j in range(1, self.e[i] + 1))

        return sorted(run.first_come(), key=volume)

    def choice(self, run: Plain) -> int | None:
        fitting = [i for i in self.queue(run)[: self.depth] if self.fits(run, i)]
        return min(fitting, key=lambda i: self.room(run, i), default=None)

    def room(self, run: Plain, candidate: int) -> int:
        """The least that is left at a predicted end until the candidate's own."""
        ends = {i: k + self.e[i] for i, k in (run.running | {candidate: run.t}).items()}
        starts = run.running | {candidate: run.t}
        return run.requests.memory - max(
            sum(int(run.requests.prompt_tokens[i]) + end - starts[i] for i in ends if ends[i] >= end)
            for end in set(ends.values())
            if run.t < end <= ends[candidate]
        )


class ProtectionRule(Rule):
    def __init__(self, alpha: str, beta: float, seed: int) -> None:
        self.alpha, self.beta, self.rng = Fraction(alpha), beta, np.random.default_rng(seed)

    def queue(self, run: Plain) -> list[int]:
        return run.first_come()

    def fits(self, run: Plain, candidate: int) -> bool:
        held = run.next_round(run.running | {candidate: run.t})
        return not run.running or held <= (1 - self.alpha) * run.requests.memory

    def evicted(self, run: Plain) -> list[int]:
        staying, gone = dict(run.running), []
        while run.next_round(staying) > run.requests.memory:
            for i, number in zip(list(staying), self.rng.random(len(staying)), strict=True):
                if number < self.beta:
                    gone.append(i)
                    del staying[i]
        return gone


def pairs(
    prediction: str, alpha: str, seed: int
) -> dict[str, tuple[Callable[[Requests], Simulation], Callable[[Requests], Rule]]]:
    """Every policy of the package beside its plain rule."""
    return {
        "hindsight_shortest_first": (
            package.hindsight_shortest_first,
            lambda r: Rule(r.output_tokens),
        ),
        "mc_sf": (lambda r: mc_sf(r, prediction), lambda r: Rule(estimates(r, prediction))),
        "fcfs": (
            lambda r: package.fcfs(r, prediction),
            lambda r: Rule(estimates(r, prediction), by_arrival=True),
        ),
        "a_max": (package.a_max, lambda r: Rule(estimates(r, "high"))),
        "a_min": (package.a_min, lambda r: AMinRule(r.predicted_low)),
        "backfilling": (package.backfilling, lambda r: BackfillingRule(r.predicted_low, 12)),
        "backfilling, two deep": (
            lambda r: package.backfilling(r, 2),
            lambda r: BackfillingRule(r.predicted_low, 2),
        ),
        "clear all": (
            lambda r: protection_greedy(r, float(alpha)),
            lambda r: ProtectionRule(alpha, 1.0, 0),
        ),
        "clear some": (
            lambda r: protection_greedy(r, float(alpha), 0.5, seed),
            lambda r: ProtectionRule(alpha, 0.5, seed),
        ),
    }


def estimates(r: Requests, prediction: str) -> np.ndarray:
    low = [int(x) for x in r.predicted_low]
    high = [min(int(u), r.memory - int(s)) for u, s in zip(r.predicted_high, r.prompt_tokens, strict=True)]
    middle = [math.floor((a + b) / 2) for a, b in zip(low, high, strict=True)]
    return np.array({"low": low, "high": high, "middle": middle, "true": list(r.output_tokens)}[prediction])


def tiny(seed: int, most: int = 6) -> Requests:
    """One to `most` requests, memory 3..20, intervals that may reach beyond the memory."""
    rng = np.random.default_rng([seed, 8])
    n, M = int(rng.integers(1, most + 1)), int(rng.integers(3, 21))
    s = rng.integers(0, min(4, M - 1), n)
    o = rng.integers(1, M - s + 1)
    low = np.maximum(o - rng.integers(0, M, n), 1)
    return Requests(
        arrival=rng.integers(0, rng.choice([1, 5, 30]), n),
        prompt_tokens=s,
        output_tokens=o,
        predicted_low=low,
        predicted_high=o + rng.integers(0, M, n),
        memory=M,
    )


def memory_by_round(requests: Requests, simulation: Simulation) -> np.ndarray:
    """Tokens held in the rounds that end at 0, 1, 2, ..., from all runs, those evicted included."""
    done = np.flatnonzero(simulation.completions >= 0)
    i = np.concatenate([done, simulation.evictions[:, 0]])
    start = np.concatenate([simulation.starts[done], simulation.evictions[:, 1]])
    end = np.concatenate([simulation.completions[done], simulation.evictions[:, 2]])
    size = int(end.max(initial=0)) + 2
    change = np.zeros((2, size), dtype=np.int64)  # of how many run, and of the sum of s - start
    offset = requests.prompt_tokens[i] - start
    for sign, when in ((1, start + 1), (-1, end + 1)):
        np.add.at(change[0], when, sign)
        np.add.at(change[1], when, sign * offset)
    running, offsets = change.cumsum(axis=1)
    return np.asarray(offsets + running * np.arange(size))[:-1]
