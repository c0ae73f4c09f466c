"""All disciplines on the same lengths and batch times: mean system time against the arrival rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cvxtoken.batching.continuous import CONTINUOUS, continuous, continuous_rate
from cvxtoken.batching.model import largest_rate
from cvxtoken.batching.problem import DISCIPLINES, BatchingProblem
from cvxtoken.batching.reference import best_batch
from cvxtoken.errors import ProblemError, UnstableError
from cvxtoken.estimates import Estimate
from cvxtoken.tables import table

LOADS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_SIZES = 12  # of batches that are tried for each discipline
_DECISIVE = 1e-9  # relative: a discipline that is ahead by less has not won


@dataclass(frozen=True)
class Entry:
    """One discipline at one rate.

    Attributes:
        mean_system_time: E[T] in s; infinite where no batch size keeps up.
        size: the best batch size, or the cap under continuous batching; 0 where none keeps up.
        simulated: the estimate that stands for it; None where it is exact, or by the law where that is
            claimed.
    """

    mean_system_time: float
    size: int
    simulated: Estimate | None = None

    def __str__(self) -> str:
        if not np.isfinite(self.mean_system_time):
            return "unstable"
        half = "" if self.simulated is None else f" +- {(self.simulated.high - self.simulated.low) / 2:.2g}"
        return f"{self.mean_system_time:.4g}{half} ({self.size})"


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    Attributes:
        problem: as given.
        rates: arrival rates in 1/s, shape (m,).
        entries: by discipline, m of them.
    """

    problem: BatchingProblem
    rates: tuple[float, ...]
    entries: dict[str, tuple[Entry, ...]]

    def winner(self, place: int) -> tuple[str, float]:
        """The discipline of least mean system time at one rate, and by what factor the next is slower.

        Where an interval of a simulated mean reaches the other's, the name is empty: noise decides. Where
        none keeps up it is empty too, and the factor not a number.
        """
        ranked = sorted(self.entries, key=lambda name: self.entries[name][place].mean_system_time)
        first, second = (self.entries[name][place] for name in ranked[:2])
        if not np.isfinite(first.mean_system_time):
            return "", float("nan")
        factor = second.mean_system_time / first.mean_system_time
        high = first.simulated.high if first.simulated else first.mean_system_time * (1 + _DECISIVE)
        low = second.simulated.low if second.simulated else second.mean_system_time
        return (ranked[0] if high < low else ""), factor

    def to_document(self) -> dict[str, Any]:
        """A mapping of plain values; null where nothing keeps up."""
        rows = []
        for place, rate in enumerate(self.rates):
            row: dict[str, Any] = {"arrival_rate": rate}
            for name, entries in self.entries.items():
                time, seen = entries[place].mean_system_time, entries[place].simulated
                row[name] = {
                    "mean_system_time": time if np.isfinite(time) else None,
                    "size": entries[place].size,
                }
                row[name] |= {} if seen is None else {"low": seen.low, "high": seen.high}
            rows.append(row)
        return {"rates": rows}

    def __str__(self) -> str:
        top = continuous_rate(self.problem, self.problem.largest)
        rows = []
        for place, rate in enumerate(self.rates):
            won, factor = self.winner(place)
            if not won:
                won = "none keeps up" if np.isnan(factor) else "noise decides"
            elif np.isfinite(factor):
                won = f"{won}, the next {factor:.2f} times as long"
            shown = [str(entries[place]) for entries in self.entries.values()]
            rows.append((f"{rate:.4g}", f"{rate / top:.2f}", *shown, won))
        columns = ["rate (1/s)", "load", *(f"{name} (s)" for name in self.entries), "fastest"]
        return table(columns, rows, left=("fastest",))


def compare(
    problem: BatchingProblem,
    rates: ArrayLike | None = None,
    sizes: Sequence[int] | None = None,
    num_requests: int = 100_000,
    seed: int = 0,
    on_progress: Callable[[], None] | None = None,
) -> Comparison:
    """Mean system times of dynamic, fixed, elastic and continuous batching.

    Dynamic, fixed and elastic batches have the best of some sizes at each rate, exactly. Continuous batching
    is by the law of sharing where that is claimed, elsewhere simulated under the problem's largest batch as a
    cap.

    Args:
        problem: the data; its batch time must be k1..k4, and its own arrival rate has no part in it.
        rates: arrival rates in 1/s; by default shares 0.05 to 0.9 of the largest of continuous batching.
        sizes: batch sizes to choose from; by default 12 from 1 to the problem's largest.
        num_requests: simulated at each rate where the law is not claimed.
        seed: not negative.
        on_progress: called after each rate.

    Raises:
        ProblemError: the batch time is a table or a function, or a rate or size breaks its rule.
    """
    top = continuous_rate(problem, problem.largest)
    chosen = top * np.array(LOADS) if rates is None else np.asarray(rates, dtype=np.float64)
    if chosen.ndim != 1 or not len(chosen) or not (np.isfinite(chosen) & (chosen > 0)).all():
        raise ProblemError(f"rates is {rates!r}; it must be a list of positive numbers")
    if sizes is None:
        sizes = np.unique(np.geomspace(1, problem.largest, _SIZES).round().astype(int)).tolist()
    found: dict[str, list[Entry]] = {name: [] for name in (*DISCIPLINES, CONTINUOUS)}
    for rate in chosen.tolist():
        at = problem.replace(arrival_rate=rate)
        for name in DISCIPLINES:
            stable = [b for b in sizes if rate < largest_rate(at, name, b)]
            if not stable:
                found[name].append(Entry(np.inf, 0))
                continue
            best = best_batch(at, name, stable)
            found[name].append(Entry(best.delays.mean_system_time, best.best_batch))
        found[CONTINUOUS].append(_continuous(at, num_requests, seed))
        if on_progress is not None:
            on_progress()
    return Comparison(problem, tuple(chosen.tolist()), {name: tuple(row) for name, row in found.items()})


def _continuous(problem: BatchingProblem, num_requests: int, seed: int) -> Entry:
    try:
        by_law = continuous(problem)
        if by_law.claimed:
            return Entry(by_law.law, by_law.cap)
        seen = continuous(problem, num_requests=num_requests, seed=seed).simulated
    except UnstableError:
        return Entry(np.inf, 0)
    assert seen is not None, "it was asked for"
    return Entry(seen.value, problem.largest, seen)
