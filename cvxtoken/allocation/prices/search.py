"""The two-price form: the optimum depends on the N types only through two numbers (derived here).

Let Q = square E[S^2] + constant with the numbers of the delay law (`delay.law`). With theta = lambda / y, the
price of occupying the server, and p = direct + sigma lambda^2 Q / (2 y^2), the price of a second of mean
service, every type answers on its own: l_k is the root, clipped to [0, l_max], of

    alpha A_k b_k exp(-b_k l) = c_k (p + theta m_k(l)),   m_k = square tau_k,

tau being the marginal time of `model`: t0 + c l, and where service times vary t + s s1 / c.

The prices are right where these answers reproduce them, that is where both residuals vanish:

    idle_residual  = y(l) - lambda / theta
    price_residual = log p - log(direct + sigma theta^2 Q(l) / 2)

Answers fall as either price rises. So the first residual increases with both prices. The second increases
with p, and decreases with theta: at fixed answers theta^2 Q / 2 grows by theta Q, and their fall takes away
no more than the share theta m' / (b q + theta m') of the part with E[S^2], q = p + theta m and m' = dm/dl,
because (c tau)^2 = (c t + s1 s)^2 <= (c^2 + s1^2) (t^2 + s^2) and c^2 + s1^2 = c dtau/dl. The curve where
the first vanishes falls in the plane of the prices, that of the second rises, and they cross once, at the
optimum.
Hence the signs at any pair of prices tell on which side of the optimum one of the two lies:

    (-, -)  p is too low        (+, +)  p is too high
    (-, +)  theta is too low    (+, -)  theta is too high

Each pair so cuts a rectangle that holds the optimum, and bisection always ends. Newton's method in
(log theta, log p), at O(N) a step, does nearly all of the work.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import exp, inf, log
from operator import add

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.prices.answers import (
    ANSWERED,
    NOTHING,
    SLACK,
    Step,
    Sums,
    advance,
    guess,
    nearer,
    newton_step,
    price_bounds,
    respond,
    sums,
)
from cvxtoken.allocation.prices.columns import Columns
from cvxtoken.allocation.prices.loops import REACH, appraised, step_to_answers
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import SolverError
from cvxtoken.rigorous.elementwise import worthwhile

RELIABLE_GAP = 1e-12  # relative
_RELIABLE = 1e-9  # below this step Newton's method has converged, and stalls only from rounding
_MOST = 1000  # pairs of prices; bisection needs some 60 for each, and rounding may send it in circles
_EXACT = 1e-15  # about the rounding error of a log price
SAMPLED_FROM = 65_536  # types; from here on the first prices are those of a sample
_SAMPLE = 16_384  # types in it
_SAMPLED = 1e-3  # how exact those need be: Newton's next step is better than the sample is true


@dataclass(frozen=True)
class PricePoint:
    """The answers of all types to a pair of prices.

    Attributes:
        columns: the instance.
        log_theta, log_p: the prices; theta has no unit of its own (lambda over an idle share, 1/s).
        tokens: l, shape (N,).
    """

    columns: Columns
    log_theta: float
    log_p: float
    tokens: FloatArray

    @property
    def idle(self) -> float:
        """y at these tokens; not positive where they are unstable."""
        thinking = sum(
            part.mean(part.time_per_token * self.tokens[types]) for types, part in self.columns.parts
        )
        w = self.columns
        return float(w.idle_at_zero - w.arrival_rate * w.law.token_share * thinking)

    @cached_property
    def step(self) -> Step[float]:
        """The residuals, and Newton's step from here; another pass over the types, made on first use."""
        theta, p = exp(self.log_theta), exp(self.log_p)
        found = NOTHING
        for types, part in self.columns.parts:
            found = Sums(*map(add, found, sums(part, theta, p, self.tokens[types])))
        step = Step(*map(float, newton_step(self.columns, self.log_theta, self.log_p, found)))
        if step.idle_residual != step.idle_residual or step.price_residual != step.price_residual:
            raise FloatingPointError("the prices are beyond float64")
        return step

    @property
    def error(self) -> float:
        """Length of Newton's step: the error of the log prices, to first order."""
        size = max(abs(self.step.log_theta), abs(self.step.log_p))
        return size if size == size else inf  # not a number where the Jacobian overflows

    @property
    def target(self) -> tuple[float, float]:
        """The log prices that Newton's step leads to."""
        return self.log_theta + self.step.log_theta, self.log_p + self.step.log_p


def evaluate(workload: Workload, log_theta: float, log_p: float) -> PricePoint:
    """The answers to a pair of prices, in O(N)."""
    return evaluate_near(Columns.of(workload), log_theta, log_p, None, _EXACT ** (1 / 3))


def evaluate_near(
    columns: Columns, log_theta: float, log_p: float, tokens: FloatArray | None, tolerance: float = ANSWERED
) -> PricePoint:
    """The same from tokens near the answers, or from nothing; for the tolerance see `respond`."""
    theta, p = exp(log_theta), exp(log_p)
    l = np.empty(len(columns.prior))
    for types, part in columns.parts:
        l[types] = respond(part, theta, p, None if tokens is None else tokens[types], tolerance)
    return PricePoint(columns, log_theta, log_p, l)


@dataclass
class _Bracket:
    """Proven bounds of the optimal log prices."""

    theta_low: float
    theta_high: float
    p_low: float
    p_high: float

    @classmethod
    def of(cls, columns: Columns) -> _Bracket:
        return cls(*map(float, price_bounds(columns)))

    @property
    def middle(self) -> tuple[float, float]:
        return (self.theta_low + self.theta_high) / 2, (self.p_low + self.p_high) / 2

    def holds(self, log_theta: float, log_p: float) -> bool:
        return self.theta_low <= log_theta <= self.theta_high and self.p_low <= log_p <= self.p_high

    def cut(self, point: PricePoint) -> None:
        """Leave out what the signs of a point's residuals exclude; see the module's text."""
        match point.step.idle_residual < 0, point.step.price_residual < 0:
            case True, True:
                self.p_low = max(self.p_low, point.log_p - SLACK)
            case False, False:
                self.p_high = min(self.p_high, point.log_p + SLACK)
            case True, False:
                self.theta_low = max(self.theta_low, point.log_theta - SLACK)
            case False, True:
                self.theta_high = min(self.theta_high, point.log_theta + SLACK)


def price_path(workload: Workload, start: FloatArray | None = None) -> Iterator[PricePoint]:
    """Pairs of prices, each evaluated in O(N), that end at the optimum.

    Without a start the first prices of a workload of very many types are the optimal ones of a sample of
    them: every so-many-th type.

    Args:
        workload: with an exact idle share y0 > 0 (see `model.require_stable`).
        start: a stable allocation to take the first prices from; by default no thinking tokens.
    """
    columns = Columns.of(workload)
    if start is None:
        yield from optimal_path(columns)
        return
    law, Q = workload.law, float(model.spread(workload, start))
    log_theta = log(workload.rate / float(model.idle(workload, start)))
    log_p = float(columns.log_level(law.token_share * exp(2 * log_theta) * Q / 2))
    yield from _search(columns, _Bracket.of(columns), log_theta, log_p, start)


def optimal_path(columns: Columns) -> Iterator[PricePoint]:
    """The same without a start, for one instance with y0 > 0."""
    if len(columns.prior) < SAMPLED_FROM:
        bracket = _Bracket.of(columns)
        yield from _search(columns, bracket, bracket.theta_low, bracket.p_low, None)
        return
    few = columns.sample(_SAMPLE)
    bracket = _Bracket.of(few)
    for point in _search(few, bracket, bracket.theta_low, bracket.p_low, None):
        log_theta, log_p = point.target
        if point.error <= _SAMPLED:
            break
    near = _two_passes(columns, log_theta, log_p)
    if near is not None:
        yield near
        log_theta, log_p = near.log_theta, near.log_p
    yield from _search(columns, _Bracket.of(columns), log_theta, log_p, None if near is None else near.tokens)


def _two_passes(columns: Columns, log_theta: float, log_p: float) -> PricePoint | None:
    """From the prices of a sample to about the optimal ones: two Newton steps, the first in single precision.

    Logarithms are what very many types cost: here there are two of each type in double precision, and three
    in single. None where the steps end nowhere.
    """
    if columns.is_basic and worthwhile(len(columns.prior)):
        return _two_compiled_passes(columns, log_theta, log_p)
    tokens = np.empty(len(columns.prior))
    with np.errstate(all="ignore"):  # of single precision, which has a shorter range
        for rough in (True, False):
            prices = np.exp(np.array([log_theta, log_p])).astype(np.float32 if rough else np.float64)
            theta, p = prices[0], prices[1]
            found = NOTHING
            for types, exact in columns.parts:
                part = exact.single() if rough else exact
                start = guess(part, theta, p) if rough else tokens[types]
                tokens[types], more = advance(part, theta, p, start)
                found = Sums(*(x + np.float64(y) for x, y in zip(found, more, strict=True)))
            step = newton_step(columns, log_theta, log_p, found)
            move = np.array([step.log_theta, step.log_p])
            if not np.abs(move).max() <= REACH:  # or is no number
                return None
            log_theta, log_p = log_theta + float(move[0]), log_p + float(move[1])
        for types, part in columns.parts:
            tokens[types] = nearer(part, exp(log_theta), exp(log_p), tokens[types])[0]
    return PricePoint(columns, log_theta, log_p, tokens)


def _two_compiled_passes(columns: Columns, log_theta: float, log_p: float) -> PricePoint | None:
    """The same in compiled loops, all in double precision."""
    tokens = np.full(len(columns.prior), np.nan)
    with np.errstate(all="ignore"):
        for _ in range(2):
            found = step_to_answers(columns, exp(log_theta), exp(log_p), tokens)
            step = newton_step(columns, log_theta, log_p, found)
            if not max(abs(step.log_theta), abs(step.log_p)) <= REACH:  # or is no number
                return None
            log_theta, log_p = log_theta + float(step.log_theta), log_p + float(step.log_p)
        step_to_answers(columns, exp(log_theta), exp(log_p), tokens)
    return PricePoint(columns, log_theta, log_p, tokens)


def solve_prices(workload: Workload, start: FloatArray | None = None) -> FloatArray:
    """The optimal tokens to about float64 accuracy, shape (N,); arguments as in `price_path`."""
    *_, last = price_path(workload, start)
    return last.tokens


def reliable_prices(workload: Workload) -> FloatArray:
    """The same where nothing else judges it: of a relative float64 dual gap of at most 1e-12.

    Raises:
        SolverError: it is not reached, as for data near the ends of float64.
    """
    with np.errstate(all="ignore"):  # what overflows ends in a gap that is infinite, or no number
        tokens = solve_prices(workload)
        gap = float(appraised(Columns.of(workload), tokens).relative_gap)
    if not gap <= RELIABLE_GAP:
        raise SolverError(f"the optimum is reached to a relative gap of {gap:.2g} only, not {RELIABLE_GAP:g}")
    return tokens


def _search(
    columns: Columns, bracket: _Bracket, log_theta: float, log_p: float, tokens: FloatArray | None
) -> Iterator[PricePoint]:
    """The globally convergent search: Newton's steps while they halve in the bracket, else its middle."""
    largest = REACH
    for _ in range(_MOST):
        point = evaluate_near(columns, log_theta, log_p, tokens)
        yield point
        if point.error <= _EXACT:
            return
        bracket.cut(point)
        if point.error <= largest and bracket.holds(*point.target):
            largest = point.error / 2
            log_theta, log_p = point.target
        elif point.error <= _RELIABLE or (log_theta, log_p) == bracket.middle:
            return
        else:
            largest = REACH
            log_theta, log_p = bracket.middle
        tokens = point.tokens
