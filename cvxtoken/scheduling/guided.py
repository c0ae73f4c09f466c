"""Schedules round by round, guided by multipliers: the best of a beam, or the optimum where all are tried.

`cvxtoken.verifier.schedule.Guided` goes from round to round with all states from which the multipliers of
`snapshots` leave hope for less than a known total latency. Where these are too many, the few with the least
bound give a good schedule: a beam search, whose evaluation is the bound. It may let a request wait that could
start, which dispatches and orders never do. Derived here.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cvxtoken import verifier
from cvxtoken.scheduling.bounds import triples
from cvxtoken.scheduling.certificate import Kind, ScheduleCertificate, guided_proof
from cvxtoken.scheduling.watch import Watch
from cvxtoken.verifier.schedule import Layer, Request, Way

WIDTHS = (50, 250)  # states that a beam keeps, one beam after the other
LONGEST = 3e8  # steps of a beam, of some 0.06 microseconds


def searched(
    found: ScheduleCertificate, guide: Kind
) -> tuple[list[Request], int, int, verifier.schedule.Multipliers]:
    """What a guided search takes: the requests, their memory, the total latency to better, multipliers."""
    requests, memory = triples(found.requests), found.requests.memory
    relaxed = verifier.schedule.Multipliers(requests, memory, guide["scale"], guide["inequalities"])
    return requests, memory, found.upper, relaxed


class Beam(verifier.schedule.Guided):
    """The search with so many states a round; it ends early when its watch is over."""

    def __init__(self, found: ScheduleCertificate, guide: Kind, width: int, watch: Watch) -> None:
        self.width, self.watch, self.complete = width, watch, True
        requests, memory, limit, relaxed = searched(found, guide)
        super().__init__(requests, memory, limit, relaxed, LONGEST + relaxed.work)

    def after(self, ways: list[Way]) -> Layer:
        """Those with the least bounds; and of the ways in which so many start, too."""
        if self.watch.over:
            return {}
        while ways:
            ways = self.fewest([after for way in ways for after in self.expanded(way)], self.now_remaining)
        layer = [(0, running, self.bases[running], states) for running, states in self.undominated().items()]
        return {running: states for _, running, _, states in self.fewest(layer, self.remaining)}

    def fewest(self, ways: list[Way], remaining: Mapping[int, int]) -> list[Way]:
        """So many states of the least bounds."""
        bounds = [
            (self.relaxed.scale * total + remaining[left] + base, number, left)
            for number, (_, _, base, states) in enumerate(ways)
            for left, (total, *_) in states.items()
        ]
        if len(bounds) <= self.width:
            return ways
        self.complete = False
        kept: list[Way] = [(may, running, base, {}) for may, running, base, _ in ways]
        for _, number, left in sorted(bounds)[: self.width]:
            kept[number][3][left] = ways[number][3][left]
        return [way for way in kept if way[3]]


def beam_schedule(found: ScheduleCertificate, guide: Kind, watch: Watch) -> ScheduleCertificate:
    """With the starts of beams, where these are better."""
    for width in WIDTHS:
        if watch.over or found.upper == found.lower:
            break
        try:
            beam = Beam(found, guide, width, watch)
        except verifier.schedule.Refused:  # this one takes too long, and so do wider ones
            break
        if beam.best is not None:
            found = ScheduleCertificate(found.requests, np.array(beam.best), found.lower, found.proof)
        if beam.complete:  # a wider one would meet the same states
            break
    return found


class Watched(verifier.schedule.Guided):
    """The search of all schedules, which is given up when its watch is over."""

    def __init__(self, found: ScheduleCertificate, guide: Kind, watch: Watch) -> None:
        self.watch = watch
        super().__init__(*searched(found, guide))

    def expanded(self, way: Way) -> list[Way]:
        """The same, where there is time left."""
        verifier.schedule.require(not self.watch.over, "it was stopped")
        return super().expanded(way)


def exact_schedule(
    found: ScheduleCertificate, guide: Kind, fallbacks: list[str], watch: Watch
) -> ScheduleCertificate:
    """The optimum with its proof; where that takes more work or states, or time, what is known already."""
    try:
        search = Watched(found, guide, watch)
    except verifier.schedule.Refused as error:
        fallbacks.append(f"not all schedules were tried; what is known takes its place: {error}")
        return found
    starts = found.starts if search.best is None else np.array(search.best)
    return ScheduleCertificate(found.requests, starts, search.limit, guided_proof(guide))
