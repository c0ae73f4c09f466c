"""Waiting under a line in place of g: a delay law like all others, which the two-price method solves.

With h(a) = u - s a and a = lambda E[S],

    E[T] = E[S] + lambda E[S^2] / (2 h(a))   has   square = 1/u,   sigma0 = sigma = s/u,   y = h(a) / u.

Where h is above g the law is below Lee and Longton's, where it is below g the law is above it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.delay import Law, Server
from cvxtoken.delay.law import Number
from cvxtoken.queueing import pollaczek_khinchine


@dataclass(frozen=True)
class Line(Server):
    """The law of the line u - s a.

    Attributes:
        u, s: exact numbers, u > 0 and s >= 0.
        replicas: 1.
    """

    kind: ClassVar[str] = "line"
    formula: ClassVar[str] = "E[T] = E[S] + lambda/2 E[S^2] / (u - s lambda E[S])"

    u: Decimal
    s: Decimal
    replicas: int = 1

    @property
    def overhead_share(self) -> float:
        """The ratio s/u."""
        return float(self.s) / float(self.u)

    @property
    def token_share(self) -> float:
        """The same."""
        return self.overhead_share

    @property
    def runs_together(self) -> bool:
        """A query is served alone, by one of the servers."""
        return False

    def law(self, lam: Number, T0: Number, exact: Callable[[float], Number]) -> Law:
        """The law; see `Server`."""
        zero, one, u = exact(0), exact(1), exact(self.u)  # type: ignore[arg-type]
        share = exact(self.s) / u  # type: ignore[arg-type]
        return Law(
            offset=zero, direct=one, square=one / u, constant=zero, overhead_share=share, token_share=share
        )

    def mean_wait(self, lam: Number, service: Number, second_moment: Number, y: Number) -> FloatArray:
        """E[W] = lambda E[S^2] / (2 u y)."""
        return pollaczek_khinchine(lam, second_moment / float(self.u), y)

    def type_waits(self, t: FloatArray, mean_wait: FloatArray, y: FloatArray) -> FloatArray:
        """E[W], the same for all types."""
        return np.broadcast_to(np.asarray(mean_wait)[..., None], t.shape)

    def least_idle(self, lam: Number, law: Law, most: Number, y0: Number) -> Number:
        """1 / (1 + q + sqrt(q^2 + 2 q)), q = lambda M s^2 / u, M being the most.

        E[S^2] >= E[S]^2 = ((1 - y) u / (lambda s))^2 makes E[T] at least u (1 - y)^2 / (2 lambda s^2 y).
        """
        q = lam * most * float(self.s) ** 2 / float(self.u)
        return np.minimum(y0, 1 / (1 + q + np.sqrt(q * (q + 2))))
