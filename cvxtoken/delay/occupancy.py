"""How many queries a server of shared service holds, and how many KV tokens they have in use.

A query of type k takes t_k seconds alone and t_k / y in company, y = 1 - rho; a = lambda sum pi_k t_k is the
demand, the number that would be there if none slowed another. Where all work is shared with one sigma, so
that rho = sigma a, the server is a symmetric queue, and whatever the service times

    P(N = n) ~ (a^n / n!) prod_{i<=n} (1 - sigma + sigma i),

a negative binomial with r = 1 / sigma = a / rho and q = rho (sigma = 0: Poisson), E[N] = r q / (1 - q) =
a / y and Var[N] = E[N] / y. Given N those in service are independent: of type k with probability ~ pi_k t_k,
and at an age with density P(service longer than the age) / E[service]. So the KV tokens in use are a
compound of N, with generating function ((1 - q) / (1 - q Phi))^r for Phi that of one query in service.

Prefill that blocks the batch breaks this. With the a and rho of its law the mean of N is a few per cent low
where prefill is most of the load, and true deviations and tails are larger than these. So they are where a
cap on the batch matters.

Source: Kelly (1979), ch. 3; Bonald and Proutiere (2002); the KV tokens are derived here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cvxtoken.arrays import FloatArray
from cvxtoken.delay.iterations import checked
from cvxtoken.errors import ProblemError, UnstableError
from cvxtoken.lengths import LengthDistribution

ALIASING = 1e-12  # the probability of more than the transform spans, at most
_POINTS = 1 << 20  # of the grid, so that a transform takes some 0.1 s
_TRIALS = 64  # values of s in the search for a bound


@dataclass(frozen=True)
class Occupancy:
    """The number of queries in the system, N.

    Attributes:
        demand, rho: a and q above.
        mean, deviation: a / (1 - rho), sqrt(a) / (1 - rho).
    """

    demand: float
    rho: float
    mean: float
    deviation: float

    def more_than(self, number: ArrayLike) -> FloatArray:
        """P(N > B) for whole B >= 0, any shape: the share of time that a cap of B would be felt."""
        from scipy.special import betainc, gammainc

        b = np.asarray(number, dtype=np.float64)
        if not ((b >= 0) & (b == np.floor(b))).all():
            raise ProblemError(f"number is {number!r}; it must hold whole numbers that are not negative")
        if self.demand == 0:
            return np.zeros_like(b)
        if self.rho == 0:
            return np.asarray(gammainc(b + 1, self.demand))
        return np.asarray(betainc(b + 1, self.demand / self.rho, self.rho))


def occupancy(demand: float, rho: float) -> Occupancy:
    """The law of the number of queries in the system.

    Args:
        demand: a = lambda sum pi_k t_k, with t_k = t0_k + c_k l_k.
        rho: sigma a, or where only the mean is claimed lambda sum pi_k (sigma0 t0_k + sigma c_k l_k).

    Raises:
        ProblemError: an argument is not a finite number that is not negative, or rho > demand.
        UnstableError: rho >= 1.
    """
    a, q = float(checked("demand", demand, 1)[0]), float(checked("rho", rho, 1)[0])
    if q >= 1:
        raise UnstableError(f"rho is {q:.6g}; it must be below 1, or no steady state exists")
    if q > a * (1 + 1e-9):
        raise ProblemError(f"rho is {q} and demand {a}; rho must be at most demand, for sigma is at most 1")
    return Occupancy(a, q, a / (1 - q), math.sqrt(a) / (1 - q))


@dataclass(frozen=True)
class KVInUse:
    """The KV tokens in use.

    Attributes:
        mean, deviation: exact.
        step: of the grid, in tokens; 1 where that is fine enough.
        probabilities: of 0, step, 2 step, ... tokens in use. What a query holds and lies between two points
            is split between them, with the right mean.
        coarsening: relative excess of the grid's deviation over the exact one.
        aliasing: bound on the probability beyond the grid, which is wrapped around to its start.
    """

    mean: float
    deviation: float
    step: int
    probabilities: FloatArray
    coarsening: float
    aliasing: float

    def above(self, memory: ArrayLike) -> FloatArray:
        """P(KV > M), any shape of M, in tokens; between points of the grid on the line between them."""
        tail = np.append(np.cumsum(self.probabilities[:0:-1])[::-1], 0.0)  # P(KV > step j)
        m = np.asarray(memory, dtype=np.float64)
        if not (m >= 0).all():
            raise ProblemError(f"memory is {memory!r}; it must not be negative")
        if self.step == 1:  # every whole number of tokens has its point
            place = np.floor(m)
        else:  # what stands at a point was spread around it: half of it is above
            place, tail = m / self.step, tail + self.probabilities / 2
        return np.asarray(np.interp(place, np.arange(len(tail)), tail, right=0.0))

    def quantile(self, share: ArrayLike) -> FloatArray:
        """The least point of the grid with P(KV <= it) >= share, in tokens; any shape of shares below 1."""
        shares = np.asarray(share, dtype=np.float64)
        if not ((shares > 0) & (shares < 1)).all():
            raise ProblemError(f"share is {share!r}; it must lie between 0 and 1")
        return self.step * np.searchsorted(np.cumsum(self.probabilities), shares).astype(np.float64)


def kv_in_use(
    demand: float,
    rho: float,
    decoding: ArrayLike,
    lengths: Sequence[LengthDistribution | float],
    prompt_tokens: ArrayLike,
    prefill: ArrayLike = 0.0,
    aliasing: float = ALIASING,
) -> KVInUse:
    """The law of the KV tokens in use, by one transform.

    Args:
        demand: as for `occupancy`.
        rho: as for `occupancy`.
        decoding: pi_k c_k l_k, shape (K,): shares of those in service that make tokens, in any unit.
        lengths: of each type the distribution of its tokens, or a number l >= 0: that many, and where it is
            no whole number the two next to it at random, with mean l.
        prompt_tokens: m_k, whole numbers, shape (K,) or one for all; a request that makes its token j holds
            m_k + j.
        prefill: pi_k t0_k, in the unit of `decoding`: shares of those in prefill, which hold m_k.
        aliasing: the tolerance on the probability beyond the grid.

    Raises:
        ProblemError: an argument breaks its rule.
        UnstableError: rho >= 1.
    """
    n = occupancy(demand, rho)
    if not 1e-15 <= aliasing < 1:
        raise ProblemError(f"aliasing is {aliasing}; it must be at least 1e-15 and below 1")
    held = _held(decoding, lengths, prompt_tokens, prefill)
    tokens = np.arange(len(held), dtype=np.float64)
    mean, square = float(held @ tokens), float(held @ tokens**2)
    deviation = math.sqrt(n.mean * (square - mean**2) + n.deviation**2 * mean**2)
    span = _span(n, held, tokens, aliasing)
    step = 1 << max(0, math.ceil(math.log2(span / _POINTS)))
    coarse = _coarsen(held, step)
    places = step * np.arange(len(coarse))
    added = n.mean * (float(coarse @ places**2.0) - square)
    p = _compound(n, coarse, math.ceil(span / step) + 1)
    excess = math.sqrt(1 + max(0.0, added) / deviation**2) - 1 if deviation else 0.0
    return KVInUse(n.mean * mean, deviation, step, p, excess, aliasing)


def _held(
    decoding: ArrayLike,
    lengths: Sequence[LengthDistribution | float],
    prompt_tokens: ArrayLike,
    prefill: ArrayLike,
) -> FloatArray:
    """Probabilities of 0, 1, 2, ... KV tokens held by one query in service."""
    size = len(lengths)
    made, begun = checked("decoding", decoding, size), checked("prefill", prefill, size)
    prompt = checked("prompt_tokens", prompt_tokens, size)
    if (prompt != np.floor(prompt)).any():
        raise ProblemError(f"prompt_tokens is {prompt_tokens!r}; it must hold whole numbers")
    survivals = [_survival(length) for length in lengths]
    held = np.zeros(1 + int(max(m + len(s) for m, s in zip(prompt, survivals, strict=True))))
    for m, s, share, before in zip(prompt.astype(int), survivals, made, begun, strict=True):
        held[m] += before
        if share > 0:
            if not len(s):
                raise ProblemError(f"decoding is {share} for a type without tokens; it must be 0")
            held[m + 1 : m + 1 + len(s)] += share / s.sum() * s
    total = held.sum()
    if not total:
        raise ProblemError("decoding and prefill are all 0; at least one must be positive")
    return np.asarray(held / total, dtype=np.float64)


def _survival(length: LengthDistribution | float) -> FloatArray:
    """P(L >= j) for j = 1, 2, ..."""
    if isinstance(length, LengthDistribution):
        return np.asarray(length.survival, dtype=np.float64)
    l = float(checked("lengths", length, 1)[0])
    return np.asarray(np.clip(l + 1 - np.arange(1, math.ceil(l) + 1), 0, 1), dtype=np.float64)


def _span(n: Occupancy, held: FloatArray, tokens: FloatArray, aliasing: float) -> float:
    """X with P(KV >= X) <= aliasing: the least by Chernoff's bound E[e^(s KV)] e^(-s X), over some s."""
    from scipy.optimize import brentq

    if n.mean == 0:
        return 1.0
    most = float(tokens[-1])

    def growth(s: float) -> float:  # Phi(e^s) - 1
        return float(held @ np.expm1(s * tokens))

    if n.rho:
        # the transform is finite for rho Phi < 1; Phi(e^s) >= e^(s E[V])
        end = -math.log(n.rho) / float(held @ tokens)
        end = min(end, 600 / most)
        if n.rho * (1 + growth(end)) > 1:
            end = brentq(lambda s: n.rho * (1 + growth(s)) - 1, 0, end)
    else:
        end = 600 / most
    best = math.inf
    for s in end * np.geomspace(1e-4, 0.999, _TRIALS):
        x = growth(s)
        # log of ((1 - q) / (1 - q Phi))^r, and of e^(a (Phi - 1))
        log = n.demand * x if not n.rho else -n.demand / n.rho * math.log1p(-n.rho * x / (1 - n.rho))
        best = min(best, (log - math.log(aliasing)) / s)
    return max(best, most)


def _coarsen(held: FloatArray, step: int) -> FloatArray:
    """The probabilities on a grid of multiples of a step, what lies between two split by its distance."""
    tokens = np.arange(len(held))
    place, rest = np.divmod(tokens, step)
    size = int(place[-1]) + 2
    upper = held * rest / step
    grid = np.bincount(place, held - upper, size) + np.bincount(place + 1, upper, size)
    return np.asarray(grid, dtype=np.float64)


def _compound(n: Occupancy, held: FloatArray, points: int) -> FloatArray:
    """Probabilities of the sum over N queries of what each holds, on as many points or somewhat more."""
    from scipy.fft import irfft, next_fast_len, rfft

    size = next_fast_len(max(points, len(held)), real=True)
    less = rfft(held, size) - 1
    log = n.demand * less
    if n.rho:
        # (1 - q) / (1 - q Phi) = 1 / (1 - q (Phi - 1) / (1 - q)), in the right half plane: no branch is cut
        log = -n.demand / n.rho * np.log(1 - n.rho / (1 - n.rho) * less)
    return np.asarray(np.maximum(irfft(np.exp(log), size), 0.0))
