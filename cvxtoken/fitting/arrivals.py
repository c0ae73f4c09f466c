"""An arrival log: rate, shares of the types, and whether arrivals are Poisson, as the queue assumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxtoken.errors import ProblemError
from cvxtoken.fitting.cycles import HOUR, HOURS, BusyHour, Hours
from cvxtoken.fitting.poisson import (
    Dispersion,
    cells_of,
    dispersions,
    interval_p,
    smallest,
    variation_of,
    within,
)
from cvxtoken.logs.columns import Times

LEVEL = 0.01
_LEAST = 3
_FOLLOWED = 50  # arrivals that a change of the rate must last for, so that it can be followed
_GROWN = 2  # times the dispersion of shorter windows, which stays the same where arrivals come in groups
_MARKED = 1.3  # times the mean rate, from which the busy hour is worth a word
_VARIES = 0.15  # coefficient of variation of the rate within the hour that is worth a word


@dataclass(frozen=True)
class ArrivalFit:
    """What a log of arrivals says.

    Attributes:
        rate: lambda, one less than the number of arrivals over the time from first to last, in 1/s.
        rate_error: its standard error, from the variance of the intervals; where arrivals are not Poisson,
            from the largest dispersion if that is larger.
        names: the types, in order of first arrival.
        counts: arrivals of each type.
        prior: pi, the share of each type in the arrivals.
        prior_errors: standard errors of the shares (multinomial).
        resolution: of the log's clock, in s; times are told to it, and the tests know that.
        variation: coefficient of variation of the intervals, over that of Poisson arrivals on such a clock.
        interval_p: p-value of exponential intervals (Lewis's test, for this clock).
        dispersions: of the counts, at several lengths of windows.
        bursts: the same about the rate of each hour, in which slow changes do not count.
        busy: the busy hour; None where the log covers only one hour of the day.
        cycle_p: p-value of a rate that does not follow the hour of the day; None below two days.
        seconds: from the first to the last arrival.
    """

    rate: float
    rate_error: float
    names: tuple[str, ...]
    counts: tuple[int, ...]
    prior: tuple[float, ...]
    prior_errors: tuple[float, ...]
    resolution: float
    variation: float
    interval_p: float
    dispersions: tuple[Dispersion, ...]
    bursts: tuple[Dispersion, ...]
    busy: BusyHour | None
    cycle_p: float | None
    seconds: float

    @property
    def dispersion_p(self) -> float | None:
        """The least p-value of the dispersions, times their number; None where there is none."""
        return smallest(self.dispersions) if self.dispersions else None

    @property
    def cycles(self) -> bool:
        """Whether the rate follows the hour of the day, at a level of a third of 1 %."""
        return self.cycle_p is not None and self.cycle_p < LEVEL / 3

    @property
    def poisson(self) -> bool:
        """Whether none of the three tests, each at a level of a third of 1 %, rejects Poisson arrivals."""
        worst = min(self.interval_p, 1.0 if self.dispersion_p is None else self.dispersion_p)
        return worst >= LEVEL / 3 and not self.cycles

    @property
    def judgement(self) -> str:
        """Poisson or not, and how far from it, in a sentence."""
        found = f"coefficient of variation {self.variation:.3g} of the intervals (p = {self.interval_p:.2g})"
        told = _telling(self.dispersions)
        if told is not None:
            found += (
                f", dispersion {told.index:.3g} of the counts in {told.window:.3g} s "
                f"(p = {self.dispersion_p:.2g})"
            )
        if self.cycles:
            found += f", a rate that follows the hour of the day (p = {self.cycle_p:.2g})"
        if self.poisson:
            return f"Poisson arrivals are not rejected: {found}"
        longer = self.cycles or max(self.variation**2, told.index if told else 0.0) > 1
        return f"not Poisson: {found}; waits are {'longer' if longer else 'shorter'} than the formula says"

    @property
    def advice(self) -> str:
        """What to do about arrivals that are not Poisson, in a sentence; empty where they may be."""
        if self.poisson:
            return ""
        told, burst = _telling(self.dispersions), _telling(self.bursts)
        short = max([1.0, *(one.index for one in self.dispersions if one.mean < _FOLLOWED)])
        slow = [o for o in _varied(self.dispersions) if o.mean >= _FOLLOWED and o.index >= _GROWN * short]
        hourly = any(one.window > HOUR / 4 for one in slow)
        if self.busy and (self.cycles or (hourly and self.busy.rate >= _MARKED * self.rate)):
            busy, low = self.busy, self.busy.quietest
            advice = (
                f"solve for the busy hour (--busy-hour: {busy.rate:.4g} /s, {busy.text}; the quietest, {low} "
                f"to {low + 1}, has {busy.quietest_rate:.4g} /s), or follow the load (cvxtoken watch)"
            )
            if burst in _varied(self.bursts) and burst.index - 1 >= _VARIES**2 * burst.mean:
                advice += (
                    f"; within the hour there are bursts, too: counts in {burst.window:.3g} s vary "
                    f"{burst.index:.3g} times as much as those of Poisson arrivals"
                )
            return advice
        if slow:
            return (
                f"the rate changes over {slow[0].window:.3g} s and more (counts vary {slow[0].index:.3g} "
                "times as much as those of Poisson arrivals): follow the load (cvxtoken watch)"
            )
        if self.variation**2 > 1 or (told is not None and told.index > 1):
            return "bursts are too short to follow: leave headroom (--max-utilization), and watch the waits"
        return "arrivals are more regular than the model's: its waits are on the safe side"

    def at_busy_hour(self) -> ArrivalFit:
        """The same log, with the rate, the counts and the shares of its busy hour.

        Raises:
            ProblemError: the log covers only one hour of the day, or a type has no arrivals in the busy hour.
        """
        if self.busy is None:
            raise ProblemError(
                f"busy_hour: the log covers {self.seconds:.4g} s, less than half of a second hour of the day"
            )
        for name, count in zip(self.names, self.busy.counts, strict=True):
            if not count:
                raise ProblemError(
                    f"busy_hour: task {name!r} has no arrivals in the busy hour ({self.busy.text})"
                )
        prior, errors = _shares(np.array(self.busy.counts))
        return replace(
            self,
            rate=self.busy.rate,
            rate_error=self.busy.rate_error,
            counts=self.busy.counts,
            prior=prior,
            prior_errors=errors,
        )

    def to_document(self) -> dict[str, Any]:
        """A mapping of plain values."""
        tasks = zip(self.names, self.counts, self.prior, self.prior_errors, strict=True)
        return {
            "rate": self.rate,
            "rate_error": self.rate_error,
            "tasks": {n: {"count": c, "prior": p, "standard_error": e} for n, c, p, e in tasks},
            "resolution": self.resolution,
            "variation": self.variation,
            "interval_p": self.interval_p,
            "dispersions": [asdict(one) for one in self.dispersions],
            "dispersion_p": self.dispersion_p,
            "bursts": [asdict(one) for one in self.bursts],
            "busy_hour": None if self.busy is None else asdict(self.busy),
            "cycle_p": self.cycle_p,
            "poisson": self.poisson,
            "seconds": self.seconds,
            "judgement": self.judgement,
            "advice": self.advice,
        }


def fit_arrivals(timestamps: Any, tasks: Sequence[Any] | NDArray[Any] | None = None) -> ArrivalFit:
    """Rate, priors, the busy hour, and tests of the Poisson assumption.

    Args:
        timestamps: in order; numbers (seconds, or by their size ms, us or ns since 1970), or dates and times
            as text or datetime64; or `Times`, which are read already.
        tasks: the type of each arrival; without it all are of one type.

    Raises:
        ProblemError: the timestamps are not numbers or times, out of order, fewer than three, or all the
            same.

    >>> fit_arrivals([0, 1, 4, 6, 10], ["a", "b", "a", "a", "b"]).prior
    (0.6, 0.4)
    """
    from cvxtoken.logs.times import times_of  # Polars, beneath it, is slow to import

    told = timestamps if isinstance(timestamps, Times) else times_of(timestamps)
    times = told.seconds
    if len(times) < _LEAST:
        raise ProblemError(f"timestamps has {len(times)} arrivals; at least {_LEAST} are needed")
    gaps = np.diff(times)
    if (gaps < 0).any():
        row = int(np.argmax(gaps < 0)) + 1
        raise ProblemError(
            f"timestamps are out of order: row {row + 1} is {-gaps[row - 1]:g} s before row {row}"
        )
    seconds = float(times[-1] - times[0])
    if seconds <= 0:
        raise ProblemError("timestamps are all the same; the rate cannot be told")
    names, codes = _coded(tasks, len(times))
    counts = np.bincount(codes)
    prior, errors = _shares(counts)
    clock = 0.0 if told.start is None else told.start / 1e9 % (HOURS * HOUR) + times[0]
    resolution, cells = cells_of(times)
    hours = Hours.of(times, codes, len(names), clock)
    found = ArrivalFit(
        rate=len(gaps) / seconds,
        rate_error=0.0,
        names=names,
        counts=tuple(map(int, counts)),
        prior=prior,
        prior_errors=errors,
        resolution=resolution,
        variation=variation_of(cells),
        interval_p=interval_p(cells),
        dispersions=tuple(dispersions(cells, resolution)),
        bursts=tuple(within(cells, resolution, HOUR, clock)),
        busy=hours.busy,
        cycle_p=hours.cycle_p,
        seconds=seconds,
    )
    spread = found.variation**2
    if not found.poisson:
        spread = max([spread, *(one.index for one in found.dispersions)])
    return replace(found, rate_error=found.rate * float(np.sqrt(spread / len(gaps))))


def _coded(tasks: Any, rows: int) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Names in order of first arrival, and the place of each arrival's among them."""
    if tasks is None:
        return ("all",), np.zeros(rows, np.int64)
    if len(tasks) != rows:
        raise ProblemError(f"tasks has {len(tasks)} entries and timestamps {rows}; they must agree")
    found: dict[str, int] = {}
    codes = np.array([found.setdefault(str(task), len(found)) for task in tasks], np.int64)
    return tuple(found), codes


def _shares(counts: NDArray[np.int64]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Shares of the types with their standard errors."""
    shares = counts / counts.sum()
    errors = np.sqrt(shares * (1 - shares) / counts.sum())
    return tuple(map(float, shares)), tuple(map(float, errors))


def _varied(found: Sequence[Dispersion]) -> list[Dispersion]:
    """Those that are too large for Poisson arrivals."""
    return [one for one in found if one.index > 1 and len(found) * one.p < LEVEL]


def _telling(found: Sequence[Dispersion]) -> Dispersion | None:
    """The dispersion of the least p-value, and of several that are 0 the largest."""
    return min(found, key=lambda one: (one.p, -one.index), default=None)
