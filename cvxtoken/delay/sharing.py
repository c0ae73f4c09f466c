"""Continuous batching: all queries that have arrived run, and share the server.

An iteration gives each of the n running queries one token and takes alpha + beta n seconds, so that the
server works like processor sharing with a total rate that grows with n. With Poisson arrivals only the mean
work of a query counts, whatever its distribution. Alone, a query takes t = t0 + c l, c = alpha + beta; of its
tokens the share sigma = beta / (alpha + beta) adds to the time of an iteration, and of its overhead the share
sigma0, which is 1 where its prompt is read while all others wait.

    E[T] = E[S] / y,   y = 1 - lambda (sigma0 T0 + sigma C),   E[T_k] = t_k / y.

Because C is affine in y, E[T] is a constant over the idle share,

    E[T] = K / y - 1 / (lambda sigma),   K = T0 + (1 - lambda sigma0 T0) / (lambda sigma).

Where sigma is 0 the idle share is constant, and E[T] = (T0 + C) / y is affine.

Source: Kelly, Reversibility and Stochastic Networks (1979), chapter 3, and Bonald and Proutiere (2002) for
why the distribution of work does not matter; sigma, sigma0 and the form are derived here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.delay.law import Law, Load, Number, Server, checked_replicas, checked_share
from cvxtoken.errors import ProblemError

if TYPE_CHECKING:
    from cvxtoken.conic.writing import Writer  # with SciPy, which no workload needs

LEAST = 1e-9  # of sigma: below, the form of all laws loses its digits; 0 has a form of its own


@dataclass(frozen=True)
class Sharing(Server):
    """E[T] = E[S] / y, y = 1 - lambda (sigma0 T0 + sigma C).

    One sigma holds for all types: with a sigma of its own for each the queue would depend on more than means.
    Types may differ in c, their speed alone.

    Attributes:
        sigma: beta / (alpha + beta), the share of a token's time alone that it adds to the iterations of
            others; from 0 (a batch costs nothing) to 1 (equal shares of a fixed rate).
        overhead: sigma0, the same of the overheads: 1 where reading a prompt blocks the batch, sigma where it
            is read in chunks beside the tokens of others.
        replicas: see `Server`.

    Raises:
        ProblemError: a share is not from 0 to 1, sigma is so small that E[T] is a difference of huge numbers,
            or replicas is no whole number of at least 1.

    Source: see the module's text.

    >>> Sharing.from_iterations(alpha=0.0109, beta=6.8e-5).sigma
    0.0061998541210795035
    """

    kind: ClassVar[str] = "sharing"
    formula: ClassVar[str] = "E[T] = E[S] / y, y = 1 - lambda (sigma0 sum pi t0 + sigma sum pi c l)"

    sigma: float
    overhead: float = 1.0
    replicas: int = 1

    def __post_init__(self) -> None:
        set_field = object.__setattr__  # the dataclass is frozen; this is its only door
        set_field(self, "sigma", checked_share("sigma", self.sigma))
        if 0 < self.sigma < LEAST:
            raise ProblemError(f"sigma is {self.sigma}; it must be 0 or at least {LEAST}")
        set_field(self, "overhead", checked_share("overhead", self.overhead))
        set_field(self, "replicas", checked_replicas(self.replicas))

    @classmethod
    def from_iterations(cls, alpha: float, beta: float, overhead: float = 1.0, replicas: int = 1) -> Self:
        """The server whose iterations of n queries take alpha + beta n seconds (ProblemError).

        The time_per_token of its workloads is alpha + beta.
        """
        for name, value in (("alpha", alpha), ("beta", beta)):
            if not (isinstance(value, int | float | np.number) and 0 <= value < np.inf):
                raise ProblemError(f"{name} is {value!r}; it must be finite and not negative")
        if not alpha + beta > 0:
            raise ProblemError("alpha and beta are 0; an iteration must take time")
        return cls(float(beta / (alpha + beta)), overhead, replicas)

    def with_overhead(self, old: float, new: float) -> Sharing:
        """The share of all overheads is the mean of that of the old ones and of the tokens'."""
        share = (self.overhead * old + self.sigma * (new - old)) / new if new > 0 else self.overhead
        return replace(self, overhead=min(max(share, 0.0), 1.0))

    @property
    def overhead_share(self) -> float:
        """sigma0."""
        return self.overhead

    @property
    def token_share(self) -> float:
        """sigma."""
        return self.sigma

    @property
    def runs_together(self) -> bool:
        """All queries run at once."""
        return True

    def law(self, lam: Number, T0: Number, exact: Callable[[float], Number]) -> Law:
        """The law; see `Server`."""
        zero, one = exact(0), exact(1)
        sigma, sigma0 = exact(self.sigma), exact(self.overhead)
        y0 = one - lam * sigma0 * T0
        if not self.sigma:
            return Law(
                offset=zero,
                direct=one / y0,
                square=zero,
                constant=zero,
                overhead_share=sigma0,
                token_share=zero,
            )
        u = one / (lam * sigma)
        K = T0 + y0 * u
        return Law(
            offset=zero - u,
            direct=zero,
            square=zero,
            constant=(K + K) / lam,
            overhead_share=sigma0,
            token_share=sigma,
        )

    def write(self, write: Writer, load: Load) -> int:
        """T = (T0 + C) / y, with X = C / y, y0 = 1 - lambda sigma0 T0 and C^2 <= 2 m y; see `Server`.

        As y0 = y + lambda sigma C,

            y0 X = C + 2 sigma lambda m,
            y0 T = T0 + C + 2 sigma lambda m + sigma lambda T0 X,

        which holds for sigma = 0 too, and divides by no small sigma.
        """
        T, X, m, m_lam = write.unknowns(4)
        T0_T, T0_X = _written_overhead(write, load, T), _written_overhead(write, load, X)
        if self.sigma:
            write.square(load.C, m, load.y)
        else:
            write.equal({m: 1.0})
        write.equal({m_lam: -1.0, m: load.lam})
        write.equal({X: 1.0, T0_X: -self.overhead, load.C: -1.0, m_lam: -2 * self.sigma})
        write.equal({T: 1.0, T0_T: -self.overhead, load.S: -1.0, m_lam: -2 * self.sigma, T0_X: -self.sigma})
        return T

    def mean_wait(self, lam: Number, service: Number, second_moment: Number, y: Number) -> FloatArray:
        """E[W] = E[S] (1 - y) / y."""
        service, y = np.broadcast_arrays(np.asarray(service, float), np.asarray(y, float))
        wait = np.full(y.shape, np.inf)
        np.divide(service * (1 - y), y, out=wait, where=y > 0)
        return wait

    def type_waits(self, t: FloatArray, mean_wait: FloatArray, y: FloatArray) -> FloatArray:
        """E[W_k] = t_k (1 - y) / y."""
        y = np.asarray(y)[..., None]
        return np.asarray(t * (1 - y) / y)

    def least_idle(self, lam: Number, law: Law, most: Number, y0: Number) -> Number:
        """K / (M + 1 / (lambda sigma)), M being the most; y0, which never changes, where sigma is 0."""
        return y0 if not self.sigma else lam * law.constant / (2 * (most - law.offset))


def _written_overhead(write: Writer, load: Load, X: int) -> int:
    """The unknown lambda T0 X, T0 = sum pi t0."""
    parts = write.unknowns(len(load.t0))
    for part, t0 in zip(parts, load.t0, strict=True):
        write.equal({part: -1.0, X: t0})
    total, product = write.unknowns(2)
    write.equal({total: -1.0, **dict(zip(parts, load.pi, strict=True))})
    write.equal({product: -1.0, total: load.lam})
    return product
