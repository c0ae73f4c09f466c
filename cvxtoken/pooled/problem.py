"""An allocation problem with one queue for several servers, first come, first served.

    J(l) = alpha sum pi p - E[T],   E[T] = E[S] + lambda E[S^2] / (2 g(a)),   a = lambda E[S] < R,

with g of `pooled.erlang`: Lee and Longton's law, an approximation where R >= 2, which is exact for
exponential service times. R = 1 is the paper's model. All else is as in `cvxtoken.allocation`.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import FIFO, Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError, UnstableError
from cvxtoken.pooled.erlang import spares

MAX_SERVERS = 1000


@dataclass(frozen=True, eq=False, init=False)
class PooledWorkload:
    """A workload and how many servers take its queries from one queue.

    Attributes:
        workload: everything else; its own server is `Fifo()`.
        servers: R, from 1 to 1000.
    """

    workload: Workload
    servers: int

    def __init__(self, workload: Workload, servers: int) -> None:
        """Validate and freeze.

        Raises:
            ProblemError: servers is no whole number from 1 to 1000, or the workload has another kind of
                server, or replicas.
        """
        if workload.server != FIFO:
            raise ProblemError(
                f"server is {workload.server!r}; servers of one queue take one query at a time, and are "
                "counted here: the workload must have Fifo() with one replica"
            )
        object.__setattr__(self, "workload", workload)
        object.__setattr__(self, "servers", _checked_servers(servers))

    @property
    def sha256(self) -> str:
        """SHA-256 of the exact data, in hexadecimal; `cvxtoken.verifier.pooled` defines the bytes."""
        text = f"cvxtoken-pooled/1\n{self.workload.sha256}\n{self.servers}\n"
        return hashlib.sha256(text.encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.workload)

    @cached_property
    def least_load(self) -> Fraction:
        """Lambda T0, the load without thinking tokens, without rounding."""
        return Fraction(self.workload.rate) * self.workload.mean_overhead

    def load(self, tokens: FloatArray) -> FloatArray:
        """a = lambda E[S], shape (...); not stable from R on."""
        return np.asarray(self.workload.rate * model.moments(self.workload, tokens)[0])

    def mean_wait(self, tokens: FloatArray) -> FloatArray:
        """E[W] = lambda E[S^2] / (2 g(a)), in s, shape (...); infinite where a >= R."""
        rate, square = self.workload.rate, model.moments(self.workload, tokens)[1]
        with np.errstate(divide="ignore"):
            return np.asarray(rate * square / (2 * spares(self.servers, self.load(tokens))))

    def objective(self, tokens: FloatArray) -> FloatArray:
        """J = alpha sum_k pi_k p_k(l_k) - E[T], in s, shape (...); minus infinity where a >= R."""
        w = self.workload
        system = model.moments(w, tokens)[0] + self.mean_wait(tokens)
        return w.accuracy_weight * model.mean_accuracy(w, tokens) - system

    def require_stable(self) -> None:
        """Decide exactly whether any allocation is stable: lambda T0 < R in rational numbers.

        Raises:
            UnstableError: it is not; says what would be: the largest arrival rate (a double), and the least
                number of servers where 1000 are enough.
        """
        load, R = self.least_load, self.servers
        if load < R:
            return
        limit = float(R / self.workload.mean_overhead)
        while limit > 0 and Fraction(limit) * self.workload.mean_overhead >= R:
            limit = math.nextafter(limit, 0)
        enough = math.floor(load) + 1
        raise UnstableError(
            f"arrival_rate is {self.workload.arrival_rate} /s; even without thinking tokens "
            f"{model.to_decimal(load):.12g} servers are busy in the mean, and there are {R}; the largest "
            f"stable arrival rate is {limit!r} /s"
            + (f", and {enough} servers would do" if enough <= MAX_SERVERS else "")
        )


def _checked_servers(value: Any) -> int:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not 1 <= value <= MAX_SERVERS or value != int(value):
        raise ProblemError(f"servers is {value!r}; it must be a whole number from 1 to {MAX_SERVERS}")
    return int(value)
