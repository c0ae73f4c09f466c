"""One worker with a KV-cache memory, simulated event by event under any policy.

Events are arrivals, completions, the last round before the memory would overflow, and the times for which the
policy has asked. Between events the same requests run and the memory only grows. So a check at the events is
a check of every round, and the cost grows with the events, not with the tokens. At each event, what completes
leaves, what has arrived joins the queue, the policy evicts if the next round would overflow, and it admits.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from cvxtoken.arrays import IntArray
from cvxtoken.errors import PolicyError
from cvxtoken.scheduling.problem import Requests


@dataclass
class Server:
    """What a policy sees at an event; requests are given by their numbers.

    Attributes:
        requests: the data; an online policy looks neither at requests to come nor at output tokens.
        now: t.
        running: start of each running request, in the order of admission.
        waiting: the requests that have arrived and do not run.
        arrived: those that joined the queue by arriving at this event.
        completed: those that completed at this event.
        unfinished: how many requests have not completed, those to come included.
    """

    requests: Requests
    now: int
    unfinished: int
    running: dict[int, int] = field(default_factory=dict)
    waiting: set[int] = field(default_factory=set)
    arrived: list[int] = field(default_factory=list)
    completed: list[int] = field(default_factory=list)
    _offset: int = 0  # sum of s - k over what runs

    def held(self, time: int) -> int:
        """Tokens held in the round that ends at a later time, if no request joins or leaves until then."""
        return self._offset + len(self.running) * time

    def start(self, i: int) -> None:
        """Move a request from the queue to the worker."""
        self.waiting.remove(i)
        self.running[i] = self.now
        self._offset += int(self.requests.prompt_tokens[i]) - self.now

    def stop(self, i: int) -> int:
        """Take a request off the worker; returns its start."""
        start = self.running.pop(i)
        self._offset -= int(self.requests.prompt_tokens[i]) - start
        return start


class Policy(Protocol):
    """Decides which requests are admitted and which are evicted. A policy object serves one run."""

    def admit(self, server: Server) -> list[int]:
        """Waiting requests to start now; called once at every event."""

    def evict(self, server: Server) -> list[int]:
        """Running requests to stop so that the next round fits; they wait again and start from nothing."""

    def next_time(self, server: Server) -> int | None:
        """When to ask next if nothing happens until then; None for the next event, now + 1 if unknown."""

    def done(self, server: Server) -> str | None:
        """A sentence that says why the policy never completes all requests; None to go on."""


@dataclass(frozen=True, eq=False)
class Simulation:
    """What a policy did with the requests.

    Attributes:
        requests: the data.
        finished: whether every request completed.
        outcome: what happened, as a sentence.
        starts: of the run of each request that completed, shape (n,); -1 where none did.
        completions: shape (n,); -1 where the request did not complete.
        evictions: shape (E, 3); each request evicted, when it had started, and when it was evicted.
        profile: shape (K, 2); ends of rounds and the tokens held in them, of the first and the last round
            between events. What is held is linear between neighbouring rows.
    """

    requests: Requests
    finished: bool
    outcome: str
    starts: IntArray
    completions: IntArray
    evictions: IntArray
    profile: IntArray

    @cached_property
    def latencies(self) -> IntArray | None:
        """C_i - a_i in rounds, shape (n,); None where a request did not complete."""
        return self.completions - self.requests.arrival if self.finished else None

    @cached_property
    def total_latency(self) -> int | None:
        """TEL = sum_i (C_i - a_i), in rounds; None where a request did not complete."""
        return None if self.latencies is None else sum(self.latencies.tolist())

    @property
    def mean_latency(self) -> float | None:
        """TEL / n, in rounds; None where a request did not complete."""
        return None if self.total_latency is None else self.total_latency / len(self.requests)

    def latency_quantile(self, share: float) -> int | None:
        """The least latency that at least this share of the requests does not exceed, in rounds."""
        if self.latencies is None:
            return None
        return int(np.quantile(self.latencies, share, method="inverted_cdf"))

    @property
    def wasted_tokens(self) -> int:
        """Output tokens that evicted requests had made."""
        return int((self.evictions[:, 2] - self.evictions[:, 1]).sum())

    @property
    def peak_memory(self) -> int:
        """The most tokens held in any round."""
        return int(self.profile[:, 1].max())


def simulate(requests: Requests, policy: Policy) -> Simulation:
    """Run a policy until every request has completed, or until the policy says that this never happens.

    Raises:
        PolicyError: the policy exceeds the memory, admits a request that does not wait, evicts one that does
            not run, or admits nothing although nothing runs or is still to come.
    """
    return _Run(requests, policy).run()


class _Run:
    def __init__(self, requests: Requests, policy: Policy) -> None:
        self.policy, self.memory = policy, requests.memory
        arrival = requests.arrival
        self.outputs = requests.output_tokens.tolist()
        order = np.argsort(-arrival, kind="stable")  # the next arrival stands last
        self.to_come = list(zip(arrival[order].tolist(), order.tolist(), strict=True))
        self.server = Server(requests, now=self.to_come[-1][0], unfinished=len(requests))
        self.ends: list[tuple[int, int, int]] = []  # completion, request, start; the evicted stay
        self.starts, self.completions = [-1] * len(requests), [-1] * len(requests)
        self.evictions: list[tuple[int, int, int]] = []
        self.profile: list[tuple[int, int]] = [(self.server.now, 0)]

    def run(self) -> Simulation:
        server = self.server
        outcome = None
        while True:
            self.complete()
            self.arrive()
            if not server.unfinished:
                break
            if server.held(server.now + 1) > self.memory:
                self.evict()
            outcome = self.policy.done(server)
            if outcome is not None:
                break
            self.admit()
            self.advance()
        return Simulation(
            server.requests,
            outcome is None,
            outcome or f"All {len(server.requests)} requests completed.",
            np.array(self.starts, dtype=np.int64),
            np.array(self.completions, dtype=np.int64),
            np.array(self.evictions, dtype=np.int64).reshape(-1, 3),
            np.array(self.profile, dtype=np.int64),
        )

    def complete(self) -> None:
        server, ends = self.server, self.ends
        server.completed = []
        while ends and ends[0][0] <= server.now:
            end, i, start = heapq.heappop(ends)
            if server.running.get(i) == start:
                self.starts[i], self.completions[i] = server.stop(i), end
                server.completed.append(i)
        server.unfinished -= len(server.completed)

    def arrive(self) -> None:
        server = self.server
        server.arrived = []
        while self.to_come and self.to_come[-1][0] <= server.now:
            server.arrived.append(self.to_come.pop()[1])
        server.waiting.update(server.arrived)

    def evict(self) -> None:
        server = self.server
        for i in self.policy.evict(server):
            if i not in server.running:
                raise self.broken(f"evicts request {i}, which does not run")
            self.evictions.append((i, server.stop(i), server.now))
            server.waiting.add(i)
        self.check("after its evictions")

    def admit(self) -> None:
        server = self.server
        for i in self.policy.admit(server):
            if i not in server.waiting:
                raise self.broken(f"admits request {i}, which does not wait")
            server.start(i)
            heapq.heappush(self.ends, (server.now + self.outputs[i], i, server.now))
        self.check("after its admissions")

    def check(self, when: str) -> None:
        held = self.server.held(self.server.now + 1)
        if held > self.memory:
            raise self.broken(
                f"needs {held} tokens for the next round {when}; the memory holds {self.memory}"
            )

    def advance(self) -> None:
        """Go to the next event, and record the memory on the way."""
        server = self.server
        times = [self.ends[0][0]] if self.ends else []
        if server.running:
            times.append((self.memory - server.held(0)) // len(server.running))  # the last round that fits
        if self.to_come:
            times.append(self.to_come[-1][0])
        asked = self.policy.next_time(server)
        if asked is not None:
            if asked <= server.now:
                raise self.broken(f"wants to be asked at {asked}, which is not in the future")
            times.append(asked)
        if not times:
            raise self.broken(f"admits none of {len(server.waiting)} waiting requests, though nothing runs")
        first, last = server.now + 1, min(times)
        self.profile += [(time, server.held(time)) for time in ((first, last) if first < last else (last,))]
        server.now = last

    def broken(self, what: str) -> PolicyError:
        return PolicyError(f"at time {self.server.now} the policy {type(self.policy).__name__} {what}")
