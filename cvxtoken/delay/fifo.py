"""One query at a time, first come, first served: the M/G/1 queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.delay.law import Law, Load, Number, Server, checked_replicas
from cvxtoken.queueing import pollaczek_khinchine

if TYPE_CHECKING:
    from cvxtoken.conic.writing import Writer  # with SciPy, which no workload needs


@dataclass(frozen=True)
class Fifo(Server):
    """E[T] = E[S] + lambda E[S^2] / (2 y), y = 1 - lambda E[S].

    Attributes:
        replicas: see `Server`.

    Raises:
        ProblemError: replicas is not a whole number of at least 1.

    Source: the formula of Pollaczek and Khinchine, as in arXiv 2601.10274.
    """

    kind: ClassVar[str] = "fifo"
    formula: ClassVar[str] = "E[T] = E[S] + lambda/2 E[S^2] / y, y = 1 - lambda E[S]"

    replicas: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "replicas", checked_replicas(self.replicas))  # frozen; this is its only door

    @property
    def overhead_share(self) -> float:
        """All of an overhead makes the server busy."""
        return 1.0

    @property
    def token_share(self) -> float:
        """All of a token's time does, too."""
        return 1.0

    @property
    def runs_together(self) -> bool:
        """A query is served alone."""
        return False

    def law(self, lam: Number, T0: Number, exact: Callable[[float], Number]) -> Law:
        """The law; see `Server`."""
        zero, one = exact(0), exact(1)
        return Law(offset=zero, direct=one, square=one, constant=zero, overhead_share=one, token_share=one)

    def write(self, write: Writer, load: Load) -> int:
        """T = E[S] + lambda sum pi (w + v), t^2 <= 2 w y, s^2 <= 2 v y; see `Server`."""
        T, M = write.unknown(), write.unknown()
        w, v = write.unknowns(len(load.t)), write.unknowns(len(load.s))
        for squared, root in zip([*w, *v], [*load.t, *load.s], strict=True):
            write.square(root, squared, load.y)
        shares = zip([*w, *v], [*load.pi, *load.pi[: len(v)]], strict=True)
        write.equal({M: -1.0, **dict(shares)})
        write.equal({T: -1.0, load.S: 1.0, M: load.lam})
        return T

    def mean_wait(self, lam: Number, service: Number, second_moment: Number, y: Number) -> FloatArray:
        """E[W] = lambda E[S^2] / (2 y)."""
        return pollaczek_khinchine(lam, second_moment, y)

    def type_waits(self, t: FloatArray, mean_wait: FloatArray, y: FloatArray) -> FloatArray:
        """E[W], the same for all types."""
        return np.broadcast_to(np.asarray(mean_wait)[..., None], t.shape)

    def least_idle(self, lam: Number, law: Law, most: Number, y0: Number) -> Number:
        """1 / (lambda M + sqrt(lambda^2 M^2 + 1)), M being the most.

        E[S^2] >= E[S]^2 makes E[T] at least (1 - y^2) / (2 lambda y).
        """
        x = lam * most
        larger, smaller = np.maximum(x, 1.0), np.minimum(x, 1.0)
        # as hypot, whose last bit is the C library's
        return 1 / (x + larger * np.sqrt(1 + (smaller / larger) ** 2))
