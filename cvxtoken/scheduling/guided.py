"""Schedules round by round, guided by multipliers: the best of a beam, or the optimum where all are tried.

`cvxtoken.verifier.schedule.Guided` goes from round to round with all states from which the multipliers of
`snapshots` leave hope for less than a known total latency. Where these are too many, the few with the least
bound give a good schedule: a beam search, whose evaluation is the bound. It may let a request wait that could
start, which dispatches and orders never do. Derived here.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import nsmallest
from typing import Any, TypeVar

import numpy as np

from cvxtoken import verifier
from cvxtoken.scheduling.bounds import triples
from cvxtoken.scheduling.certificate import Kind, ScheduleCertificate, guided_proof
from cvxtoken.scheduling.watch import Watch
from cvxtoken.verifier.schedule import Way

Item = TypeVar("Item")
WIDTHS = (50, 250)  # states that a beam keeps, one beam after the other
LONGEST = 3e8  # steps of a beam, of some 0.06 microseconds


class Beam(verifier.schedule.Guided):
    """The search with so many states a round; it ends early when its watch is over."""

    def __init__(self, found: ScheduleCertificate, guide: Kind, width: int, watch: Watch) -> None:
        self.width, self.watch, self.complete = width, watch, True
        requests, memory = triples(found.requests), found.requests.memory
        relaxed = verifier.schedule.Multipliers(requests, memory, guide["scale"], guide["inequalities"])
        super().__init__(requests, memory, found.upper, relaxed, LONGEST + relaxed.work)

    def after(self, ways: list[Way]) -> dict[Any, Any]:
        """Those with the least bounds; and of the ways in which so many start, too."""
        if self.watch.over:
            return {}
        while ways:
            ways = self.fewest([after for way in ways for after in self.expanded(way)], lambda way: way[3])
        return dict(self.fewest(list(self.found.items()), lambda item: item[1][0]))

    def fewest(self, items: list[Item], bound: Callable[[Item], int]) -> list[Item]:
        """So many of the least bounds."""
        if len(items) <= self.width:
            return items
        self.complete = False
        return nsmallest(self.width, items, key=bound)


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


def exact_schedule(found: ScheduleCertificate, guide: Kind, fallbacks: list[str]) -> ScheduleCertificate:
    """The optimum with its proof; where there are too many states, what is known already."""
    requests, memory = triples(found.requests), found.requests.memory
    try:
        relaxed = verifier.schedule.Multipliers(requests, memory, guide["scale"], guide["inequalities"])
        search = verifier.schedule.Guided(requests, memory, found.upper, relaxed)
    except verifier.schedule.Refused as error:
        fallbacks.append(f"not all schedules were tried; what is known takes its place: {error}")
        return found
    starts = found.starts if search.best is None else np.array(search.best)
    return ScheduleCertificate(found.requests, starts, search.limit, guided_proof(guide))
