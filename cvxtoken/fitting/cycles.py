"""Rates by the hour: the busy hour of a log, and whether the rate follows the hour of the day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc

from cvxtoken.arrays import FloatArray, IntArray

HOUR, HOURS = 3600.0, 24
_LONGEST = 20 * 365 * HOURS * HOUR  # s; beyond, times are hardly in seconds


@dataclass(frozen=True)
class BusyHour:
    """The hour of the day with the highest mean rate over the days of a log.

    Hours that the log covers by less than half are left out.

    Attributes:
        rate: its arrivals over the seconds of it that the log covers, on all days, in 1/s.
        rate_error: standard error: by the spread of its days from the second on, else as of Poisson arrivals.
        start: 0 to 23: of the log's clock, or hours since the first arrival where it has none.
        counts: its arrivals of each type.
        quietest_rate, quietest: the lowest mean rate of an hour, and which.

    Source: the time consistent busy hour of ITU-T recommendation E.600, here of whole hours.
    """

    rate: float
    rate_error: float
    start: int
    counts: tuple[int, ...]
    quietest_rate: float
    quietest: int

    @property
    def text(self) -> str:
        """Such as 'hours 9 to 10'."""
        return f"hours {self.start} to {self.start + 1}"


@dataclass(frozen=True)
class Hours:
    """Arrivals by hours of the log, those left out that it covers by less than half.

    Attributes:
        hour: of the day, shape (H,).
        counts: arrivals of each type, shape (H, K).
        seconds: covered, shape (H,).
    """

    hour: IntArray
    counts: IntArray
    seconds: FloatArray

    @classmethod
    def of(cls, times: FloatArray, codes: NDArray[np.int64], types: int, clock: float) -> Hours:
        """Count. `clock` is the first arrival's time of day, in s. Of a log of decades nothing is counted."""
        if times[-1] - times[0] > _LONGEST:
            return cls(np.zeros(0, np.int64), np.zeros((0, types), np.int64), np.zeros(0))
        moments = times - times[0] + clock
        number = (moments // HOUR).astype(np.int64)
        number -= (first := int(number[0]))
        edges = HOUR * (first + np.arange(number[-1] + 2))
        covered = np.minimum(edges[1:], moments[-1]) - np.maximum(edges[:-1], moments[0])
        kept = covered >= HOUR / 2
        counts = np.bincount(number * types + codes, minlength=(number[-1] + 1) * types).reshape(-1, types)
        return cls((first + np.flatnonzero(kept)) % HOURS, counts[kept], covered[kept])

    @property
    def busy(self) -> BusyHour | None:
        """None where fewer than two hours of the day are covered."""
        hours, place = np.unique(self.hour, return_inverse=True)
        if len(hours) < 2:
            return None
        total, seconds = np.bincount(place, self.counts.sum(axis=1)), np.bincount(place, self.seconds)
        rates = total / seconds
        best, least = int(np.argmax(rates)), int(np.argmin(rates))
        mine = place == best
        daily = self.counts[mine].sum(axis=1) / self.seconds[mine]
        poisson = np.sqrt(total[best]) / seconds[best]
        spread = daily.std(ddof=1) / np.sqrt(len(daily)) if len(daily) > 1 else 0.0
        return BusyHour(
            rate=float(rates[best]),
            rate_error=float(max(poisson, spread)),
            start=int(hours[best]),
            counts=tuple(map(int, self.counts[mine].sum(axis=0))),
            quietest_rate=float(rates[least]),
            quietest=int(hours[least]),
        )

    @property
    def cycle_p(self) -> float | None:
        """The p-value of one rate for all hours of the day, by the F test against the days.

        Pearson's chi-square between the hours of the day, a degree of freedom, over that within them. Bursts
        and days that differ raise both. None below two whole days.
        """
        hours, place = np.unique(self.hour, return_inverse=True)
        counts = self.counts.sum(axis=1)
        hourly = np.bincount(place, counts) / np.bincount(place, self.seconds)
        busy = hourly[place] > 0  # of the others no spread is known
        between, inside = len(hours) - 1, int(busy.sum()) - np.count_nonzero(hourly)
        if len(hours) < HOURS or len(place) < 2 * HOURS - 1 or inside < 1:
            return None
        rates, rate = hourly[place], counts.sum() / self.seconds.sum()
        mean = (rates * self.seconds)[busy]
        own = ((counts[busy] - mean) ** 2 / mean).sum() / inside
        shared = ((rates - rate) ** 2 * self.seconds / rate).sum() / between
        return float(fdtrc(between, inside, shared / own)) if own > 0 else 0.0
