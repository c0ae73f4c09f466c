"""A simulation of the FIFO M/G/1 queue: an experiment with which the closed forms must agree.

Of several replicas one is simulated: each sees the same, for a query goes to any with the same probability.
Arrivals are Poisson, types are drawn by their priors, service takes t0 + c l seconds, and an answer is right
with probability p(l). Where service times vary, they have a gamma distribution with this mean and the
standard deviation s0 + s1 l; mean delays depend on nothing else of the distribution. Waits follow Lindley's
recursion, in blocks of fixed size, so that memory does not grow with the number of queries. Only the column
`predicted` of a result comes from the closed forms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.delay import Fifo
from cvxtoken.errors import ProblemError, UnstableError
from cvxtoken.estimates import BINS, RESOLUTION, Estimate, estimate, histogram, quantile
from cvxtoken.queueing import lindley_waits
from cvxtoken.tables import table

BLOCK = 1 << 15  # queries at a time; with another number a seed gives other numbers
MOST_REQUESTS, MOST_REPLICATIONS = 10**10, 10**4  # some hours on one core
QUANTILES = (0.5, 0.9, 0.99)


@dataclass(frozen=True)
class SimulationResult:
    """What was measured. Times in s.

    Attributes:
        mean_system_time, mean_wait, accuracy, utilization, objective: over all queries.
        wait_quantiles, system_time_quantiles: 'p50', 'p90', 'p99', to 1 % of the value.
        per_type: by name, `mean_system_time`, `mean_wait` and `accuracy`.
        num_requests: queries counted in all; warm_up: queries dropped at the start of each replication.
        replications, seed: as asked for.
        stable: False where utilisation is 1 or more; then no steady state exists, and the figures only
            describe this run.
    """

    mean_system_time: Estimate
    mean_wait: Estimate
    accuracy: Estimate
    utilization: Estimate
    objective: Estimate
    wait_quantiles: dict[str, Estimate]
    system_time_quantiles: dict[str, Estimate]
    per_type: dict[str, dict[str, Estimate]]
    num_requests: int
    warm_up: int
    replications: int
    seed: int
    stable: bool

    def to_document(self) -> dict[str, Any]:
        """The object that `cvxtoken simulate --json` prints; null stands for what was not observed."""
        return asdict(self, dict_factory=_without_nan)

    def __str__(self) -> str:
        figures = {
            "mean system time (s)": self.mean_system_time,
            "mean wait (s)": self.mean_wait,
            **{f"wait {name} (s)": value for name, value in self.wait_quantiles.items()},
            **{f"system time {name} (s)": value for name, value in self.system_time_quantiles.items()},
            "accuracy": self.accuracy,
            "utilization": self.utilization,
            "objective (s)": self.objective,
        }
        for name, values in self.per_type.items():
            figures[f"{name}: system time (s)"] = values["mean_system_time"]
            figures[f"{name}: accuracy"] = values["accuracy"]
        rows = [
            (
                name,
                f"{e.value:.6g}",
                f"{e.low:.6g} .. {e.high:.6g}",
                "" if e.predicted is None else f"{e.predicted:.6g}",
            )
            for name, e in figures.items()
        ]
        lines = [
            table(["", "simulated", "95 % interval", "predicted"], rows),
            f"{self.num_requests} queries in {self.replications} replications, after {self.warm_up} dropped "
            f"in each to warm up; seed {self.seed}; quantiles to {RESOLUTION:.0%}.",
        ]
        if not self.stable:
            lines.append("Utilisation is 1 or more: no steady state exists, and the queue grows for ever.")
        return "\n".join(lines)


def simulate(
    workload: Workload,
    tokens: ArrayLike,
    num_requests: int = 1_000_000,
    seed: int = 0,
    replications: int = 20,
    allow_unstable: bool = False,
    on_progress: Callable[[int], None] | None = None,
) -> SimulationResult:
    """Simulate the queue at an allocation.

    Each replication starts with an empty queue, drops a warm-up, and counts the same number of queries. The
    warm-up is a tenth of that number, and at least 20 relaxation times of the queue, of rho (1 + cv^2) / (1 -
    rho)^2 queries each; cv is the coefficient of variation of the service time. A replication has four random
    streams of its own, for arrivals, types, answers and service times. So a seed gives the same numbers on
    any machine with the same NumPy, and different tokens share their random numbers.

    Args:
        workload: the instance.
        tokens: shape (N,), in the box.
        num_requests: queries counted over all replications together; at least one for each, at most 10^10.
        seed: not negative.
        replications: from 2 to 10,000.
        allow_unstable: simulate although no steady state exists.
        on_progress: called with the number of queries of each block.

    Raises:
        ProblemError: an argument breaks its rule, a service time of mean 0 has a deviation, the utilisation
            is so near to 1 that warm-ups would take more than 10^10 queries, or the server takes more than
            one query at a time (`simulate_iterations` simulates one that batches).
        UnstableError: the utilisation is 1 or more, and that is not allowed.
    """
    if not isinstance(workload.server, Fifo):
        raise ProblemError(
            f"simulate: server is of kind {workload.server.kind!r}; it must take one query at a time "
            f"({Fifo.kind!r}); use simulate_iterations for one that batches"
        )
    l = model.checked_tokens(workload, tokens)
    check_counts(num_requests, seed, replications)
    stable = bool(model.idle(workload, l) > 0)
    rho = float(model.utilization(workload, l))
    if not stable and not allow_unstable:
        raise UnstableError(f"tokens give a utilisation of {rho:.6g}: no steady state exists to simulate")
    each = -(-num_requests // replications)
    warm_up = _warm_up(workload, l, rho, each) if stable else 0
    check_warm_up(warm_up, replications, rho)
    runs = [
        _replicate(workload, l, each, warm_up, sequence, on_progress)
        for sequence in np.random.SeedSequence(seed).spawn(replications)
    ]
    return _summary(workload, l, runs, each, warm_up, seed, stable)


def _without_nan(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: None if isinstance(value, float) and np.isnan(value) else value for key, value in pairs}


@dataclass
class _Run:
    """Sums over the counted queries of one replication: per type, and histograms over all."""

    count: FloatArray
    wait: FloatArray
    right: FloatArray
    busy: FloatArray
    elapsed: float
    wait_bins: FloatArray
    system_bins: FloatArray


def _replicate(
    workload: Workload,
    l: FloatArray,
    counted: int,
    warm_up: int,
    sequence: np.random.SeedSequence,
    on_progress: Callable[[int], None] | None,
) -> _Run:
    streams = (np.random.Generator(np.random.SFC64(s)) for s in sequence.spawn(4))
    arrivals, types, answers, times = streams
    size = len(workload)
    t = model.service_time(workload, l)
    gamma = gamma_times(workload, l) if workload.is_random else None
    p = model.accuracy(workload, l)
    edges = np.cumsum(workload.prior)[:-1]
    unit = float(t.mean()) or 1.0  # where queries take no time at all, there is no scale
    run = _Run(
        np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size), 0.0, np.zeros(BINS), np.zeros(BINS)
    )
    wait, left = 0.0, warm_up + counted
    while left:
        gaps = arrivals.standard_exponential(BLOCK) / workload.rate
        kind = np.searchsorted(edges, types.random(BLOCK), side="right")
        right = answers.random(BLOCK) < p[kind]
        now = min(BLOCK, left)
        service = t[kind]
        if gamma is not None:
            shape, scale = gamma
            service = np.where(shape[kind] > 0, times.standard_gamma(shape[kind]) * scale[kind], service)
        waits = lindley_waits(wait, service[:now] - gaps[:now])
        wait = float(waits[-1])
        skipped = min(now, max(0, left - counted))
        left -= now
        if on_progress is not None:
            on_progress(now)
        if skipped < now:
            part = slice(skipped, now)
            kinds, waited = kind[part], waits[skipped:now]
            run.count += np.bincount(kinds, minlength=size)
            run.wait += np.bincount(kinds, waited, minlength=size)
            run.busy += np.bincount(kinds, service[part], minlength=size)
            run.right += np.bincount(kinds[right[part]], minlength=size)
            run.elapsed += float(gaps[part].sum())
            run.wait_bins += histogram(waited, unit)
            run.system_bins += histogram(waited + service[part], unit)
    return run


def gamma_times(workload: Workload, l: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shape t^2 / s^2 and scale s^2 / t of the service times, each (N,); shape 0 where they are certain."""
    t, s = model.service_time(workload, l), model.deviation(workload, l)
    impossible = (t == 0) & (s > 0)
    if impossible.any():
        k = int(np.argmax(impossible))
        raise ProblemError(
            f"deviation of {workload.names[k]!r} gives {s[k]} s at a mean service time of 0; "
            "no such time exists to simulate"
        )
    shape = np.divide(t, s, out=np.zeros_like(t), where=s > 0) ** 2
    return shape, np.divide(s * s, t, out=np.zeros_like(t), where=t > 0)


def _summary(
    w: Workload, l: FloatArray, runs: list[_Run], each: int, warm_up: int, seed: int, stable: bool
) -> SimulationResult:
    """Estimates over the replications, beside what the closed forms predict."""
    t = model.service_time(w, l)
    fields = ("count", "wait", "right", "busy")
    count, wait, right, busy = (np.array([getattr(run, f) for run in runs]) for f in fields)
    mean_wait = wait.sum(1) / each
    system_time = mean_wait + busy.sum(1) / each
    accuracy = right.sum(1) / each
    predicted_wait = float(model.mean_wait(w, l)) if stable else None
    unit = float(t.mean()) or 1.0

    def quantiles(name: str) -> dict[str, Estimate]:
        values = {q: np.array([quantile(getattr(run, name), q, unit) for run in runs]) for q in QUANTILES}
        return {f"p{100 * q:.0f}": estimate(value) for q, value in values.items()}

    per_type = {}
    with np.errstate(invalid="ignore"):
        for k, name in enumerate(w.names):
            waited, served = wait[:, k] / count[:, k], busy[:, k] / count[:, k]
            per_type[name] = {
                "mean_system_time": estimate(
                    waited + served, None if predicted_wait is None else predicted_wait + float(t[k])
                ),
                "mean_wait": estimate(waited, predicted_wait),
                "accuracy": estimate(right[:, k] / count[:, k], float(model.accuracy(w, l)[k])),
            }
    return SimulationResult(
        mean_system_time=estimate(system_time, float(model.mean_system_time(w, l)) if stable else None),
        mean_wait=estimate(mean_wait, predicted_wait),
        accuracy=estimate(accuracy, float(model.mean_accuracy(w, l))),
        utilization=estimate(
            busy.sum(1) / np.array([run.elapsed for run in runs]), float(model.utilization(w, l))
        ),
        objective=estimate(
            w.accuracy_weight * accuracy - system_time, float(model.objective(w, l)) if stable else None
        ),
        wait_quantiles=quantiles("wait_bins"),
        system_time_quantiles=quantiles("system_bins"),
        per_type=per_type,
        num_requests=each * len(runs),
        warm_up=warm_up,
        replications=len(runs),
        seed=seed,
        stable=stable,
    )


def _warm_up(workload: Workload, l: FloatArray, rho: float, counted: int) -> int:
    """Queries to drop in a replication; see `simulate` (the rule is this project's)."""
    mean, square = model.moments(workload, l)
    spread = float(square / mean**2) if mean > 0 else 0.0  # 1 + cv^2
    relaxation = rho * spread / float(model.idle(workload, l)) ** 2
    return int(np.ceil(max(counted / 10, 20 * relaxation)))


def check_counts(num_requests: int, seed: int, replications: int) -> None:
    """Refuse what is no whole number, too few, or more than a machine does in a day (ProblemError)."""
    for name, value, least, most in (
        ("replications", replications, 2, MOST_REPLICATIONS),
        ("num_requests", num_requests, max(1, min(replications, MOST_REPLICATIONS)), MOST_REQUESTS),
        ("seed", seed, 0, None),
    ):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ProblemError(f"{name} is {value!r}; it must be a whole number of at least {least}")
        if most is not None and value > most:
            raise ProblemError(f"{name} is {value}; it must be at most {most}")


def check_warm_up(warm_up: int, replications: int, rho: float) -> None:
    """Refuse a warm-up that would take too long (ProblemError)."""
    if warm_up * replications > MOST_REQUESTS:
        raise ProblemError(
            f"tokens give a utilisation of {rho:.10g}, so near to 1 that each of {replications} replications "
            f"needs {warm_up} queries to warm up; at most {MOST_REQUESTS} are simulated in all"
        )
