"""Budgets that follow a changing load: a stream of estimates goes in, the optimum of each comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import exp

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.fields import TOLERANCE, checked_scalar, checked_vector
from cvxtoken.allocation.prices.answers import advance, nearer, newton_step, sums
from cvxtoken.allocation.prices.columns import Columns
from cvxtoken.allocation.prices.gap import appraise
from cvxtoken.allocation.prices.search import optimal_path
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.proof.certificate import Certificate, certify
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError, SolverError, UnstableError
from cvxtoken.rigorous import exact_dot, nearest_double

_REACH = 0.5  # where the first step in log prices is longer, the global search takes over
_CLOSE = 3e-4  # after such a step the next one is below 1e-6, and the gap is about its square
_STEPS = 8  # of Newton's method, at most
_GAP = 1e-12  # relative; where Newton's method leaves a larger gap, the global search takes over


@dataclass(frozen=True)
class Budgets:
    """The budgets for one estimate of the load.

    Attributes:
        tokens: l*, shape (N,); all 0 where no allocation is stable, which keeps the queue shortest.
        stable: whether any allocation is.
        objective: J, in s; minus infinity where unstable (and the gap is infinite).
        relative_gap: upper bound of (J* - J) / (1 + |J|) in float64, with an allowance for rounding (no
            proof).
        mean_system_time: E[T], in s; infinite where unstable.
        utilization: rho.
        outcome: what happened, as a sentence.
    """

    tokens: FloatArray
    stable: bool
    objective: float
    relative_gap: float
    mean_system_time: float
    utilization: float
    outcome: str


class Tracker:
    """Optimal budgets for a stream of estimates of the arrival rate or of the shares of the types.

    The answers of all types depend on the two prices alone (see `prices.search`), and so stay valid when the
    load changes. Newton's method goes on from the last prices, with two passes over the types for a usual
    change. A change too large for that is left to the global search, at a few times the cost.

    Attributes:
        budgets: for the last estimate.

    >>> from cvxtoken.library import load
    >>> tracker = Tracker(load("qwen3-8b"))
    >>> tracker.update(arrival_rate=0.12).tokens.round().tolist()
    [3634.0, 4262.0, 620.0, 2236.0, 1218.0]
    >>> tracker.update(arrival_rate=5).stable
    False

    Source: derived here.
    """

    budgets: Budgets

    def __init__(self, workload: Workload) -> None:
        """Solve the workload as the first estimate (SolverError where it is beyond float64)."""
        self._workload = workload
        self._columns = Columns.of(workload)
        self._arrival_rate = workload.arrival_rate  # over all replicas
        self._load: Fraction | None = None  # sum pi t0, once it is needed
        self._prices: tuple[float, float] | None = None  # log theta and log p
        self._tokens = np.zeros(len(workload))  # the answers to them
        self.budgets = self._solve()

    def update(
        self, arrival_rate: float | None = None, prior: Sequence[float] | FloatArray | None = None
    ) -> Budgets:
        """The budgets for a new estimate; a number not given stays as it was.

        Args:
            arrival_rate: lambda, in 1/s; positive.
            prior: shares of the types, shape (N,); positive, sum to 1 within 1e-9.

        Raises:
            ProblemError: an estimate breaks its rule; nothing is changed then.
            SolverError: the data are beyond float64, such as a weight of 1e300.
        """
        w, server = self._columns, self._workload.server
        total = self._arrival_rate if arrival_rate is None else checked_scalar("arrival_rate", arrival_rate)
        rate = total / server.replicas
        shares = w.prior if prior is None else self._checked_prior(prior)
        if prior is not None:
            self._load = None
        y0, law = self._idle_at_zero(rate, shares), server.law(rate, float(shares @ w.overhead), float)
        self._arrival_rate = total
        self._columns = replace(w, arrival_rate=rate, prior=shares, idle_at_zero=y0, law=law)
        self.budgets = self._solve()
        return self.budgets

    @property
    def workload(self) -> Workload:
        """The workload with the last estimates."""
        return self._workload.replace(arrival_rate=self._arrival_rate, prior=self._columns.prior)

    def certify(self) -> Certificate:
        """The rigorous proof for the last budgets (UnstableError where no allocation is stable)."""
        workload = self.workload
        model.require_stable(workload)
        return certify(workload, self.budgets.tokens)

    def _checked_prior(self, prior: Sequence[float] | FloatArray) -> FloatArray:
        shares = checked_vector("prior", prior, self._workload.names)
        if abs(shares.sum() - 1) > TOLERANCE:
            raise ProblemError(f"prior sums to {shares.sum()}; it must sum to 1 within {TOLERANCE}")
        return shares

    def _idle_at_zero(self, rate: float, shares: FloatArray) -> float:
        """The idle share y0, rounded once from its exact value where a sum in floats is too inaccurate."""
        overhead, share = self._columns.overhead, self._workload.server.overhead_share
        y0 = 1 - rate * share * float(shares @ overhead)
        if y0 >= model.ROUGH_IDLE:
            return y0
        if self._load is None:
            self._load = exact_dot(shares, overhead)
        return nearest_double(1 - Fraction(rate) * Fraction(share) * self._load)

    def _solve(self) -> Budgets:
        if not self._columns.idle_at_zero > 0:
            return self._unstable()
        with np.errstate(all="ignore"):  # an overflow shows in the gap
            gap = np.inf
            if self._follow():
                found = appraise(self._columns, self._tokens)
                gap = float(found.relative_gap)
            if not gap <= _GAP:
                try:
                    *_, last = optimal_path(self._columns)
                except (ArithmeticError, ValueError) as error:
                    raise SolverError(f"the search fails on data beyond float64: {error}") from error
                self._prices, self._tokens = (last.log_theta, last.log_p), last.tokens
                found = appraise(self._columns, self._tokens)
                gap = float(found.relative_gap)
        self._tokens.flags.writeable = False  # the next update begins with them
        return Budgets(
            tokens=self._tokens,
            stable=True,
            objective=float(found.objective),
            relative_gap=gap,
            mean_system_time=float(found.mean_service + found.mean_wait),
            utilization=1 - float(found.idle),
            outcome=f"{'Optimal' if gap <= _GAP else 'Not optimal'}: the relative dual gap is {gap:.2g}.",
        )

    def _follow(self) -> bool:
        """Newton's method from the last prices and answers; False where the optimum is too far from them."""
        if self._prices is None:
            return False
        log_theta, log_p = self._prices
        l = self._tokens
        found = sums(self._columns, exp(log_theta), exp(log_p), l)
        for _ in range(_STEPS):
            step = newton_step(self._columns, log_theta, log_p, found)
            error = max(abs(step.log_theta), abs(step.log_p))
            if not error <= _REACH:
                return False
            log_theta, log_p = log_theta + float(step.log_theta), log_p + float(step.log_p)
            theta, p = exp(log_theta), exp(log_p)
            if error <= _CLOSE:
                self._prices, self._tokens = (log_theta, log_p), nearer(self._columns, theta, p, l)[0]
                return True
            l, found = advance(self._columns, theta, p, l)
        return False

    def _unstable(self) -> Budgets:
        """Budgets without thinking tokens, and why."""
        try:
            model.require_stable(self.workload)
        except UnstableError as error:
            reason = str(error)
        return Budgets(
            tokens=np.zeros(len(self._columns.prior)),
            stable=False,
            objective=-np.inf,
            relative_gap=np.inf,
            mean_system_time=np.inf,
            utilization=1 - float(self._columns.idle_at_zero),
            outcome=f"No allocation is stable, so no type may think: {reason}.",
        )
