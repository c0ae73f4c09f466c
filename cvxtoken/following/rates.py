"""Arrival rates of the types from the recent past: a window, or weights that decay.

Arrivals t_i of type k count with weights w(now - t_i): 1 within a window, or 2^(-age / half-life). With W the
weight of the time that was watched, the integral of w, and W2 that of w^2,

    rate_k = (sum w + pi_k) / (W + 1 / lambda),     variance of rate_k = rate_k W2 / (W + 1 / lambda)^2,

the second as of Poisson arrivals. lambda and pi are those of the workload to begin with, which count as one
arrival: so there is an estimate before the first, and no rate is ever 0.

Source: derived here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import insort
from collections import deque
from dataclasses import dataclass
from math import exp, log

import numpy as np

from cvxtoken.allocation.fields import checked_scalar
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray


@dataclass(frozen=True)
class Estimate:
    """Rates of the types.

    Attributes:
        rates: lambda_k, shape (N,), in 1/s; positive.
        spread: variance of a rate over the rate, in 1/s: W2 / (W + 1 / lambda)^2.
    """

    rates: FloatArray
    spread: float

    @property
    def variances(self) -> FloatArray:
        """Of the rates, as of independent Poisson arrivals, shape (N,)."""
        return self.rates * self.spread

    @property
    def arrival_rate(self) -> float:
        """lambda, in 1/s."""
        return float(self.rates.sum())

    @property
    def prior(self) -> FloatArray:
        """pi, shape (N,)."""
        return np.asarray(self.rates / self.rates.sum())


class Memory(ABC):
    """What is remembered of the arrivals so far; times in s on one clock."""

    def __init__(self, workload: Workload, start: float) -> None:
        self._first = np.array(workload.prior)
        self._gap = 1 / workload.arrival_rate
        self._start = start

    @abstractmethod
    def add(self, time: float, kind: int) -> None:
        """An arrival; it may be older than the last one."""

    @abstractmethod
    def _sums(self, now: float) -> tuple[FloatArray, float, float]:
        """Sums of the weights by type, W and W2."""

    def estimate(self, now: float) -> Estimate:
        """At a time not before the last arrival's."""
        sums, weight, square = self._sums(now)
        rates = (sums + self._first) / (weight + self._gap)
        return Estimate(rates, square / (weight + self._gap) ** 2)


class Window(Memory):
    """Arrivals of the last so many seconds, all alike."""

    def __init__(self, workload: Workload, start: float, seconds: float) -> None:
        super().__init__(workload, start)
        self._seconds = checked_scalar("window", seconds)
        self._past: deque[tuple[float, int]] = deque()
        self._counts = np.zeros(len(workload))

    def add(self, time: float, kind: int) -> None:
        """An arrival; see `Memory`."""
        if not self._past or time >= self._past[-1][0]:
            self._past.append((time, kind))
        else:
            insort(self._past, (time, kind))
        self._counts[kind] += 1

    def _sums(self, now: float) -> tuple[FloatArray, float, float]:
        while self._past and self._past[0][0] <= now - self._seconds:
            self._counts[self._past.popleft()[1]] -= 1
        watched = min(self._seconds, max(0.0, now - self._start))
        return self._counts.copy(), watched, watched


class Decay(Memory):
    """All arrivals, each with half the weight after every half-life."""

    def __init__(self, workload: Workload, start: float, half_life: float) -> None:
        super().__init__(workload, start)
        self._decay = log(2) / checked_scalar("half_life", half_life)
        self._sum = np.zeros(len(workload))
        self._at = start

    def add(self, time: float, kind: int) -> None:
        """An arrival; see `Memory`."""
        self._advance(time)
        self._sum[kind] += exp(-self._decay * (self._at - time))

    def _advance(self, now: float) -> None:
        if now > self._at:
            self._sum *= exp(-self._decay * (now - self._at))
            self._at = now

    def _sums(self, now: float) -> tuple[FloatArray, float, float]:
        self._advance(now)
        kept = exp(-self._decay * max(0.0, now - self._start))
        return self._sum.copy(), (1 - kept) / self._decay, (1 - kept**2) / (2 * self._decay)
