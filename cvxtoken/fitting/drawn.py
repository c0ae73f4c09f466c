"""Workloads that might be the true one, given what was measured, and the best budgets of each.

Everything that was measured is drawn: accuracy curves from their posterior (`cvxtoken.fitting.posterior`);
t0 and c are normal with their covariance, and the mean square of the scatter is a gamma variable; so is the
rate, of its mean and standard error; the priors are Dirichlet with the counts plus 1/2 (Jeffreys). A task
whose accuracy does not rise beyond chance may rise a little in a draw, and its budgets are free in all draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.many.solve import solve_many
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.targeted.optimum import certify_targets
from cvxtoken.allocation.targets import Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError, TargetError, UnstableError
from cvxtoken.fitting.fitted import FittedWorkload
from cvxtoken.fitting.posterior import plausible_curves
from cvxtoken.fitting.task import FLAT_GAIN, TaskFit
from cvxtoken.lagged.problem import LaggedWorkload

MOST_DRAWS = 10_000  # more say nothing new: a curve's draws are of some thousand independent points
_MOST_SETTLED = 8192  # plain workloads that lagged draws are split into


@dataclass(frozen=True, eq=False)
class Drawn:
    """Workloads drawn, each with a stable allocation.

    Attributes:
        workloads: R of them.
        lag: l0 of every type in every draw, shape (R, N), in tokens; 0 where there is none.
        unstable: how many more were drawn in which no allocation is stable; they are left out.
    """

    workloads: tuple[Workload, ...]
    lag: FloatArray
    unstable: int

    def __len__(self) -> int:
        return len(self.workloads)

    @cached_property
    def lagged(self) -> bool:
        """Whether any draw has a lag."""
        return bool(self.lag.any())

    def objectives(self, tokens: FloatArray) -> FloatArray:
        """J of every draw, in s, shape (R,), at tokens of shape (N,); minus infinity where unstable."""
        pairs = zip(self.workloads, self.lag, strict=True)
        return np.array([float(LaggedWorkload(w, lag).objective(tokens)) for w, lag in pairs])

    def system_times(self, tokens: FloatArray) -> FloatArray:
        """E[T] of every draw, in s, shape (R,), at tokens of shape (N,); infinite where unstable."""
        return np.array([float(model.mean_system_time(w, tokens)) for w in self.workloads])


@dataclass(frozen=True, eq=False)
class Optima:
    """The best budgets of every draw.

    Attributes:
        tokens: shape (R, N); NaN where no budgets meet the targets.
        objective: what they reach, shape (R,): J in s, or the mean accuracy.
    """

    tokens: FloatArray
    objective: FloatArray


def draw(fitted: FittedWorkload, count: int, seed: int = 0, lagged: bool = False) -> Drawn:
    """Draw workloads; the same seed gives the same.

    Args:
        fitted: with an arrival rate.
        count: how many, at most 10,000.
        seed: of NumPy's generator.
        lagged: draw curves with a lag for the tasks whose verdict is lag.

    Raises:
        ProblemError: no arrival rate is known, or the count is out of range.
        UnstableError: half of the draws, or more, have no stable allocation.
    """
    if not 1 <= count <= MOST_DRAWS:
        raise ProblemError(f"count is {count}; it must be from 1 to {MOST_DRAWS}")
    rng = np.random.default_rng(seed)
    centre = fitted.workload
    curves = np.array([_curves(task, count, rng, lagged) for task in fitted.tasks])
    services = np.array([_services(task, count, rng) for task in fitted.tasks])
    rates, priors = _arrivals(fitted, count, rng)
    A, b, D, lag = curves.transpose(1, 2, 0)  # each of shape (count, N)
    t0, c, wider = services.transpose(1, 2, 0)
    drawn = [
        centre.replace(
            accuracy_gain=A[r],
            saturation_rate=b[r],
            base_accuracy=np.minimum(D[r], 1 - A[r]),
            overhead=t0[r],
            time_per_token=c[r],
            deviation=wider[r] * centre.deviation,
            deviation_per_token=wider[r] * centre.deviation_per_token,
            max_tokens=fitted.max_tokens,
            arrival_rate=float(rates[r]),
            prior=priors[r],
            source=f"draw {r} of seed {seed}; {centre.source}",
        )
        for r in range(count)
    ]
    stable = [r for r, workload in enumerate(drawn) if workload.idle_at_zero > 0]
    if 2 * len(stable) <= count:
        raise UnstableError(
            f"in {count - len(stable)} of {count} draws the utilisation is 1 or more even without thinking "
            "tokens; the server is too slow for its load"
        )
    return Drawn(tuple(drawn[r] for r in stable), lag[stable], count - len(stable))


def optima(drawn: Drawn, targets: Targets) -> Optima:
    """The best budgets of every draw: of all at once, or one by one under targets, where lags do not count.

    Raises:
        ProblemError: a draw is so extreme that its optimum is not reached to a relative gap of 1e-12, the
            targets do not fit, or there are too many types with a lag.
    """
    if not targets.is_trivial:
        return _targeted(drawn.workloads, targets)
    if drawn.lagged:
        return _settled(drawn)
    return Optima(*_solved(drawn.workloads))


def _solved(workloads: Sequence[Workload]) -> tuple[FloatArray, FloatArray]:
    """Tokens and J of plain workloads (ProblemError where one is not solved)."""
    found = solve_many(workloads)
    if not found.solved.all():
        first = int(np.argmin(found.solved))
        raise ProblemError(f"draw {first} of the workload has no optimum to rely on. {found.outcome(first)}")
    return found.tokens, found.objective


def _targeted(workloads: Sequence[Workload], targets: Targets) -> Optima:
    tokens = np.full((len(workloads), len(workloads[0])), np.nan)
    objective = np.full(len(workloads), np.nan)
    for r, workload in enumerate(workloads):
        try:
            proof = certify_targets(workload, targets)
        except TargetError:
            continue
        tokens[r], objective[r] = [float(l) for l in proof.tokens], float(proof.lower)
    return Optima(tokens, objective)


def _settled(drawn: Drawn) -> Optima:
    """With lags, the best over all choices of the types that think; see `lagged.search` for one choice.

    A lagged type that thinks is a type without a lag that takes t0 + c l0 (deviation s0 + s1 l0) from the
    start and has l_max - l0 left; one that does not has no tokens.
    """
    types = np.flatnonzero(drawn.lag.any(axis=0))
    if len(drawn) << len(types) > _MOST_SETTLED:
        raise ProblemError(f"{len(types)} tasks have a lag; with {len(drawn)} draws these are too many")
    tokens = np.zeros((len(drawn), len(drawn.workloads[0])))
    objective = np.full(len(drawn), -np.inf)
    for choice in product([False, True], repeat=len(types)):
        on = np.zeros(tokens.shape[1], dtype=bool)
        on[types[list(choice)]] = True
        off = np.isin(np.arange(len(on)), types) & ~on
        settled, rows, bases = [], [], []
        for r, workload in enumerate(drawn.workloads):
            base = np.where(on, drawn.lag[r], 0.0)
            plain = _one_settled(workload, base, off)
            if plain is not None:
                settled.append(plain)
                rows.append(r)
                bases.append(base)
        if not settled:
            continue
        found = np.array(bases) + _solved(settled)[0]
        reached = [
            float(LaggedWorkload(drawn.workloads[r], drawn.lag[r]).objective(l))
            for r, l in zip(rows, found, strict=True)
        ]
        better = np.array(reached) > objective[rows]
        chosen = np.array(rows)[better]
        tokens[chosen], objective[chosen] = found[better], np.array(reached)[better]
    return Optima(tokens, objective)


def _one_settled(workload: Workload, base: FloatArray, off: np.ndarray) -> Workload | None:
    """The plain workload of one choice; None where nothing is stable or a lag is beyond l_max."""
    if (base >= workload.max_tokens)[base > 0].any():
        return None
    overhead = model.service_time(workload, base)
    settled = workload.replace(
        overhead=overhead,
        server=workload.server.with_overhead(workload.rough_overhead, float(workload.prior @ overhead)),
        deviation=model.deviation(workload, base),
        max_tokens=np.where(off, 0.0, workload.max_tokens - base),
    )
    return settled if settled.idle_at_zero > 0 else None


def _curves(task: TaskFit, count: int, rng: np.random.Generator, lagged: bool) -> FloatArray:
    """A, b, D and the lag of each draw, shape (4, count); without counts the residuals are drawn."""
    fit = task.accuracy
    with_lag = lagged and fit.lagged is not None
    centre = fit.lagged if with_lag and fit.lagged is not None else fit.curve
    if fit.points.trials is None:
        drawn = fit.draws(count, int(rng.integers(2**31)), with_lag)
        A, b, D, lag = np.array([(curve.A, curve.b, curve.D, curve.lag) for curve in drawn]).T
    else:
        found = plausible_curves(
            fit.points, replace(centre, A=max(centre.A, FLAT_GAIN)), count, rng, with_lag
        )
        A, b, D, lag = found.A, found.b, found.D, found.lag
    return np.array([np.maximum(A, FLAT_GAIN), b, np.minimum(D, 1 - FLAT_GAIN), lag])


def _services(task: TaskFit, count: int, rng: np.random.Generator) -> FloatArray:
    """t0, c and the factor of the scatter, shape (3, count).

    t0 and c are normal, t0 at least 0, c at least a hundredth of its estimate.
    """
    service = task.service
    drawn = rng.multivariate_normal([service.overhead, service.time_per_token], service.covariance, count)
    t0, c = np.maximum(drawn, [0.0, service.time_per_token / 100]).T
    shape = 1 / service.spread_error**2 if service.spread_error > 0 else np.inf
    wider = np.sqrt(rng.gamma(shape, 1 / shape, count)) if np.isfinite(shape) else np.ones(count)
    return np.array([t0, c, wider])


def _arrivals(fitted: FittedWorkload, count: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Rates, shape (count,), and priors, shape (count, N); without a log, all as in the workload."""
    log, names = fitted.arrivals, [task.name for task in fitted.tasks]
    rates, priors = np.full(count, fitted.workload.arrival_rate), np.tile(fitted.workload.prior, (count, 1))
    if log is not None:
        found = dict(zip(log.names, log.counts, strict=True))
        priors = rng.dirichlet([found[name] + 0.5 for name in names], count)
        if fitted.arrival_rate == log.rate and log.rate_error > 0:
            shape = (log.rate / log.rate_error) ** 2
            rates = rng.gamma(shape, log.rate / shape, count)
    return rates, priors
