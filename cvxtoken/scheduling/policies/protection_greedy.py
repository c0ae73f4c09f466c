"""Protection greedy: no forecast, but a share of the memory kept free; on overflow, clear and begin again."""

from __future__ import annotations

import heapq
import math
from fractions import Fraction

import numpy as np

from cvxtoken.errors import ProblemError
from cvxtoken.scheduling.policies.ordered import arrival_ranks
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.simulation import Server, Simulation, simulate

_FRUITLESS = 10_000  # after so many clearings in a row without a completion it gives up


def protection_greedy(
    requests: Requests, protection: float = 0.2, clearing_probability: float = 1.0, seed: int = 0
) -> Simulation:
    """Admit in the order of arrival while the next round leaves a share alpha of the memory free.

    Where the next round would overflow, all that runs is evicted, or each request with probability beta (once
    more if what stays still does not fit). Clearing all can repeat itself for ever. The simulation then
    stops, and its outcome says so, after two clearings with no completion and no arrival between them. For
    whatever arrives later waits behind the same first requests. These are admitted together after every
    clearing, and overflow, with or without others, before any of them completes (derived here).

    Args:
        requests: the data.
        protection: alpha, at least 0 and below 1.
        clearing_probability: beta, from 0.001; 1 clears all.
        seed: of the draws.

    Raises:
        ProblemError: an argument breaks its rule.

    Source: arXiv 2502.07115 (alpha-protection greedy and beta-clearing: the share kept free, the order of
    arrival, both ways of clearing). This project's reading: the memory that is compared is that of the next
    round, the candidate included; where nothing runs, the first in the queue is admitted whatever its size;
    and clearing happens before the overflow, not after it.
    """
    if not (_is_number(protection) and 0 <= protection < 1):
        raise ProblemError(f"protection is {protection!r}; it must be at least 0 and below 1")
    if not (_is_number(clearing_probability) and 1e-3 <= clearing_probability <= 1):
        raise ProblemError(f"clearing_probability is {clearing_probability!r}; it must be from 0.001 to 1")
    if type(seed) is not int or seed < 0:
        raise ProblemError(f"seed is {seed!r}; it must be a whole number, not negative")
    return simulate(requests, _ProtectionGreedy(requests, protection, clearing_probability, seed))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class _ProtectionGreedy:
    def __init__(self, requests: Requests, alpha: float, beta: float, seed: int) -> None:
        self.beta, self.rng = beta, np.random.default_rng(seed)
        M = requests.memory
        self.limit = M - math.ceil(Fraction(str(alpha)) * M)  # alpha as it is written, without rounding
        self.prompts = requests.prompt_tokens.tolist()
        self.ranks = arrival_ranks(requests)
        self.queue: list[tuple[int, int]] = []
        self.left = -1  # unfinished at the last clearing
        self.cleared = -1  # when that was
        self.fruitless = 0  # clearings since a completion
        self.undisturbed = self.repeats = False  # no arrival since the last clearing; which was repeated

    def admit(self, server: Server) -> list[int]:
        self.enqueue(server.arrived)
        if server.arrived and server.now > self.cleared:
            self.undisturbed = False
        held = server.held(server.now + 1)
        admitted: list[int] = []
        while self.queue:
            i = self.queue[0][1]
            held += self.prompts[i] + 1
            if held > self.limit and (server.running or admitted):
                break
            heapq.heappop(self.queue)
            admitted.append(i)
        return admitted

    def evict(self, server: Server) -> list[int]:
        staying, evicted = list(server.running), []
        M, now = server.requests.memory, server.now
        held = server.held(now + 1)
        while held > M:
            cleared = self.rng.random(len(staying)) < self.beta
            for i in (gone := [i for i, out in zip(staying, cleared, strict=True) if out]):
                held -= self.prompts[i] + now + 1 - server.running[i]
            evicted += gone
            staying = [i for i, out in zip(staying, cleared, strict=True) if not out]
        self.enqueue(evicted)
        self.judge(server)
        return evicted

    def judge(self, server: Server) -> None:
        """See whether this clearing leaves what the last one left."""
        same = server.unfinished == self.left
        self.fruitless = self.fruitless + 1 if same else 1
        self.repeats = same and self.undisturbed and self.beta == 1
        self.left, self.cleared, self.undisturbed = server.unfinished, server.now, True

    def enqueue(self, requests: list[int]) -> None:
        for i in requests:
            heapq.heappush(self.queue, (self.ranks[i], i))

    def next_time(self, server: Server) -> int | None:
        return None  # until an event the memory only grows

    def done(self, server: Server) -> str | None:
        if self.repeats:
            return "Cycle: all was cleared twice with no completion and no arrival between, so it never ends."
        if self.fruitless >= _FRUITLESS:
            return f"Gave up: {_FRUITLESS} clearings in a row without a completion."
        return None
