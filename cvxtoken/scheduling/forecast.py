"""The one feasibility check of all policies: does the memory suffice at every future completion time?

Between completions the memory only grows, so it suffices to look at the times when running requests are
predicted to complete. A request that starts at k with the estimate e has the end c = k + e. In the round that
ends at t' it holds s + t' - k tokens, so that the requests with an end of t' or later hold together

    V(t') = sum_(m: c_m >= t') (s_m - k_m + t').

A request that still runs at its end or later, because its estimate was too low, is *overdue*: it is counted
for the next round, and only there. Source: arXiv 2502.07115 for the check at predicted completion times
(MC-SF). The rule for overdue requests, and the time at which a request fits, are this project's.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import Self


class Forecast:
    """The predicted memory of what runs; a check costs one pass over it, and so does a change.

    The ends after now are kept in ascending order, each with its load V(c_j) + c_j: a candidate that starts
    at t holds s + c_j - t at c_j, so that max_j load_j + s - t is the most memory at any end.
    """

    def __init__(self, memory: int) -> None:
        self.memory = memory
        self.ends: list[int] = []
        self.loads: list[int] = []
        self.offset, self.running = 0, 0  # sum of s - k over all that runs, and how many

    def fits(self, now: int, prompt: int, estimate: int) -> bool:
        """Whether a request can start now so that the memory suffices at every future completion time."""
        self._forget(now)
        return self._next_round_fits(now, prompt) and self._obstacle(now, prompt, estimate) <= now

    def first_fit(self, now: int, prompt: int, estimate: int) -> int | None:
        """When to ask again for a request that does not fit now, if nothing starts or completes until then.

        Returns:
            The first time at which it fits, or the next end if that is sooner; None where it cannot fit by
            then.
        """
        self._forget(now)
        limit = self.ends[0] if self.ends else now
        time = now
        while time < limit:
            if not self._next_round_fits(time, prompt):
                return None
            later = self._obstacle(time, prompt, estimate)
            if later <= time:
                return time
            time = later
        return limit if limit > now and self._next_round_fits(limit, prompt) else None

    def tightest(self, now: int, candidates: Iterable[tuple[int, int]]) -> tuple[int | None, int | None]:
        """Which candidate, a prompt and an estimate, can start now and leaves the least memory at some end.

        Returns:
            Its place, the first of several alike; and the first time at which another is less in the way of
            the ends of what runs, if nothing starts or completes until then. None where there is none.
        """
        self._forget(now)
        ends, loads, memory = self.ends, self.loads, self.memory
        tops = list(accumulate(loads, max))
        left, free = len(ends), memory - self.offset - self.running * (now + 1) - 1
        chosen, least, again = None, memory, None
        for place, (prompt, estimate) in enumerate(candidates):
            if prompt > free:
                continue
            end = now + estimate
            k = bisect_left(ends, end)
            room = memory - prompt - estimate
            if k < left:  # less V at its own end
                room -= loads[k] - ends[k] - (left - k) * (ends[k] - end)
            if room >= 0 and k and (others := memory - tops[k - 1] - prompt + now) < room:
                room = others
                if room < 0 and (again is None or now - room < again):
                    again = now - room
            if 0 <= room < least:
                chosen, least = place, room
        return chosen, again

    def complete(self, now: int) -> None:
        """All that is predicted to end by now has done so."""
        self._forget(now)
        self.running = len(self.ends)
        self.offset = self._held(self.ends[0]) - self.running * self.ends[0] if self.ends else 0

    def volume(self, now: int) -> int:
        """The sum of what is held in all rounds to come, if nothing starts."""
        total, since = 0, now
        for place, (end, load) in enumerate(zip(self.ends, self.loads, strict=True)):
            length = end - since
            total += length * (load - end) - (len(self.ends) - place) * (length * (length - 1) // 2)
            since = end
        return total

    def copy(self) -> Self:
        """Another forecast of the same."""
        other = type(self)(self.memory)
        other.ends, other.loads = self.ends.copy(), self.loads.copy()
        other.offset, other.running = self.offset, self.running
        return other

    def add(self, now: int, prompt: int, estimate: int) -> None:
        """A request starts now."""
        self._forget(now)
        end, offset = now + estimate, prompt - now
        place = bisect_right(self.ends, end)
        load = self._held(end) + offset + 2 * end
        self._shift(place, offset, 1)
        self.ends.insert(place, end)
        self.loads.insert(place, load)
        self.offset += offset
        self.running += 1

    def remove(self, now: int, prompt: int, start: int, end: int) -> None:
        """A request that started with this predicted end leaves now."""
        self._forget(now)
        offset = prompt - start
        if end > now:
            place = bisect_right(self.ends, end) - 1
            del self.ends[place], self.loads[place]
            self._shift(place, -offset, -1)
        self.offset -= offset
        self.running -= 1

    def _forget(self, now: int) -> None:
        """Drop the ends that have come; what still runs then is overdue, and counts in offset and running."""
        if self.ends and self.ends[0] <= now:
            come = bisect_right(self.ends, now)
            del self.ends[:come], self.loads[:come]

    def _shift(self, place: int, offset: int, count: int) -> None:
        """Add count times (c_j - k + s) to V(c_j) for the ends before a place."""
        self.loads[:place] = [
            load + offset + count * end for load, end in zip(self.loads[:place], self.ends, strict=False)
        ]

    def _held(self, time: int) -> int:
        """V(t') at any time after now: V at the next end, less a token for each request and round between."""
        place = bisect_left(self.ends, time)
        if place == len(self.ends):
            return 0
        end = self.ends[place]
        return self.loads[place] - end - (len(self.ends) - place) * (end - time)

    def _next_round_fits(self, time: int, prompt: int) -> bool:
        """Whether sum (s_m + t + 1 - k_m) + s + 1 <= M, the sum over all running requests."""
        return self.offset + self.running * (time + 1) + prompt + 1 <= self.memory

    def _obstacle(self, time: int, prompt: int, estimate: int) -> int:
        """The least later time at which what prevents a start at `time` is gone; `time` where nothing does.

        At the ends c_j in (t, t + e] the memory V(c_j) + s + c_j - t falls by one a round that the start is
        put off; the memory V(t + e) + s + e at the candidate's own end falls when another end is passed.
        """
        ends, end = self.ends, time + estimate
        loads = self.loads[bisect_right(ends, time) : bisect_right(ends, end)]
        if loads and (needed := max(loads) + prompt - self.memory) > time:
            return needed
        if self._held(end) + prompt + estimate > self.memory:
            return ends[bisect_left(ends, end)] - estimate + 1
        return time
