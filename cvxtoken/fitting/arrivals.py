"""An arrival log: rate, shares of the types, and whether arrivals are Poisson, as the queue assumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtr, chdtrc

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError

LEVEL = 0.01
_LEAST = 3
_PER_WINDOW = 20  # mean arrivals in a window of the dispersion test
_MOST_TESTED = 100_000  # intervals that Lewis's test takes; with so many it is sharp enough


@dataclass(frozen=True)
class ArrivalFit:
    """What a log of arrivals says.

    Attributes:
        rate: lambda, one less than the number of arrivals over the time from first to last, in 1/s.
        rate_error: its standard error, from the variance of the intervals.
        names: the types, in order of first arrival.
        counts: arrivals of each type.
        prior: pi, the share of each type in the arrivals.
        prior_errors: standard errors of the shares (multinomial).
        variation: coefficient of variation of the intervals; 1 for Poisson arrivals.
        dispersion: variance over mean of the counts in windows of about 20 arrivals; 1 for Poisson; None with
            fewer than 3 windows.
        window: the length of these windows, in s.
        interval_p: p-value of exponential intervals (Lewis's form of the test of Kolmogorov and Smirnov).
        dispersion_p: p-value of the dispersion (chi-square, two-sided); None where that is None.
        seconds: from the first to the last arrival.
    """

    rate: float
    rate_error: float
    names: tuple[str, ...]
    counts: tuple[int, ...]
    prior: tuple[float, ...]
    prior_errors: tuple[float, ...]
    variation: float
    dispersion: float | None
    window: float
    interval_p: float
    dispersion_p: float | None
    seconds: float

    @property
    def poisson(self) -> bool:
        """Whether neither test, each at the level of 0.5 %, rejects Poisson arrivals."""
        worst = min(self.interval_p, 1.0 if self.dispersion_p is None else self.dispersion_p)
        return worst >= LEVEL / 2

    @property
    def judgement(self) -> str:
        """Poisson or not, and how far from it, in a sentence."""
        found = f"coefficient of variation {self.variation:.3g} of the intervals (p = {self.interval_p:.2g})"
        if self.dispersion is not None:
            found += (
                f", dispersion {self.dispersion:.3g} of the counts in {self.window:.3g} s "
                f"(p = {self.dispersion_p:.2g})"
            )
        if self.poisson:
            return f"Poisson arrivals are not rejected: {found}"
        more = "longer" if max(self.variation**2, self.dispersion or 0.0) > 1 else "shorter"
        return f"not Poisson: {found}; waits are {more} than the formula says"

    def to_document(self) -> dict[str, Any]:
        """A mapping of plain values."""
        tasks = zip(self.names, self.counts, self.prior, self.prior_errors, strict=True)
        return {
            "rate": self.rate,
            "rate_error": self.rate_error,
            "tasks": {n: {"count": c, "prior": p, "standard_error": e} for n, c, p, e in tasks},
            "variation": self.variation,
            "dispersion": self.dispersion,
            "window": self.window,
            "interval_p": self.interval_p,
            "dispersion_p": self.dispersion_p,
            "poisson": self.poisson,
            "seconds": self.seconds,
            "judgement": self.judgement,
        }


def fit_arrivals(timestamps: Any, tasks: Sequence[Any] | NDArray[Any] | None = None) -> ArrivalFit:
    """Rate, priors and a test of the Poisson assumption.

    Args:
        timestamps: in order; numbers (seconds, or by their size ms, us or ns since 1970), or dates and times
            as text or datetime64.
        tasks: the type of each arrival; without it all are of one type.

    Raises:
        ProblemError: the timestamps are not numbers or times, out of order, fewer than three, or all the
            same.

    >>> fit_arrivals([0, 1, 4, 6, 10], ["a", "b", "a", "a", "b"]).prior
    (0.6, 0.4)
    """
    from cvxtoken.logs.times import seconds_of  # Polars, beneath it, is slow to import

    times = seconds_of(timestamps)
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
    names, counts = _counted(tasks, len(times))
    n, prior = len(gaps), counts / len(times)
    variation = float(gaps.std(ddof=1) / gaps.mean())
    window, dispersion, dispersion_p = _dispersion(times, seconds)
    return ArrivalFit(
        rate=n / seconds,
        rate_error=n / seconds * variation / np.sqrt(n),
        names=names,
        counts=tuple(map(int, counts)),
        prior=tuple(map(float, prior)),
        prior_errors=tuple(map(float, np.sqrt(prior * (1 - prior) / len(times)))),
        variation=variation,
        dispersion=dispersion,
        window=window,
        interval_p=_lewis(gaps),
        dispersion_p=dispersion_p,
        seconds=seconds,
    )


def _counted(tasks: Any, rows: int) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    if tasks is None:
        return ("all",), np.array([rows])
    if len(tasks) != rows:
        raise ProblemError(f"tasks has {len(tasks)} entries and timestamps {rows}; they must agree")
    found: dict[str, int] = {}
    for task in tasks:
        found[str(task)] = found.get(str(task), 0) + 1
    return tuple(found), np.array(list(found.values()))


def _dispersion(times: FloatArray, seconds: float) -> tuple[float, float | None, float | None]:
    """Window, dispersion over m windows, and the p-value of (m - 1) dispersion as chi-square."""
    windows = max(1, len(times) // _PER_WINDOW)
    counts, _ = np.histogram(times, bins=windows, range=(times[0], times[-1]))
    if windows < _LEAST:
        return seconds / windows, None, None
    index = float(counts.var(ddof=1) / counts.mean())
    free = windows - 1
    tails = chdtr(free, free * index), chdtrc(free, free * index)
    return seconds / windows, index, float(min(1.0, 2 * min(tails)))


def _lewis(gaps: FloatArray) -> float:
    """The p-value of exponential gaps by Lewis's test (Biometrika 1965).

    With x_(j) the ordered exponential gaps, (n + 1 - j) (x_(j) - x_(j-1)) are exponential too, so that their
    partial sums over the total are ordered uniform numbers.
    """
    from scipy.stats import kstest  # slow to import, and only fits need it

    step = -(-len(gaps) // _MOST_TESTED)
    x = np.sort(gaps[::step])
    spaced = np.arange(len(x), 0, -1) * np.diff(x, prepend=0.0)
    shares = np.cumsum(spaced)[:-1] / spaced.sum()
    return float(kstest(shares, "uniform").pvalue) if len(shares) else 1.0
