"""The hindsight reference: the best schedule found, and a proven bound on what any schedule can do.

    requests -> dispatches -> windows, local search, beams -> (searches, integer program) -> starts: upper
    requests -> volume, busy -> inequalities -> (searches) -> prices -> (courses) -> best proof: lower

A solver's word is used for starts and multipliers only. The bound is what `verifier.schedule` proves.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxtoken import verifier
from cvxtoken.arrays import IntArray
from cvxtoken.errors import ProblemError, SolverError
from cvxtoken.files import nearest
from cvxtoken.highs import OPTIMAL
from cvxtoken.scheduling import certificate as proofs
from cvxtoken.scheduling import program
from cvxtoken.scheduling.bounds import LARGEST_PRICED, coursed, designed, priced, quick_bound, triples
from cvxtoken.scheduling.certificate import ScheduleCertificate
from cvxtoken.scheduling.guided import beam_schedule, exact_schedule
from cvxtoken.scheduling.heuristics import LARGEST_TABLE, good_schedule, quick_schedule
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.schedule import check_schedule
from cvxtoken.scheduling.watch import Report, Watch

BOUNDS = ("fast", "prices", "lp", "courses", "milp")
LARGEST_WORK = {"lp": 2e9, "courses": 2e7, "milp": 2e7}  # that times the longest output; 2e7 of milp is 2 GB
SECONDS = 60.0  # of the integer program, at most
SEARCHED = 12  # requests, at most, whose schedules are all tried
GUIDED = 30  # likewise, guided by multipliers


@dataclass(frozen=True, eq=False)
class ScheduleReference:
    """The best schedule known in hindsight and what is proven about it.

    Attributes:
        certificate: with the requests, the starts, `lower` and its proof.
        bound: how the bound was sought: fast, prices, lp, courses or milp.
        solver_bound: what HiGHS states as a lower bound of the integer program, in rounds; nothing here
            proves it. None where that program was not run, or ended without one.
        method: what found the starts, in words.
        seconds: of the call.
        fallbacks: a sentence for each step that failed or ended at a limit, and what took its place.
    """

    certificate: ScheduleCertificate
    bound: str
    solver_bound: float | None
    method: str
    seconds: float
    fallbacks: tuple[str, ...] = ()

    @property
    def requests(self) -> Requests:
        """The data."""
        return self.certificate.requests

    @property
    def starts(self) -> IntArray:
        """k, shape (n,), of the best schedule known."""
        return self.certificate.starts

    @property
    def lower(self) -> int:
        """The proven lower bound, in rounds: no schedule has a lower TEL."""
        return self.certificate.lower

    @property
    def upper(self) -> int:
        """TEL of the starts, in rounds."""
        return self.certificate.upper

    @property
    def exact(self) -> bool:
        """Whether the best schedule known is proven to be the best."""
        return self.lower == self.upper

    def to_document(self) -> dict[str, Any]:
        """A mapping of plain values."""
        return {
            "lower": self.lower,
            "upper": self.upper,
            "exact": self.exact,
            "relative_gap": self.certificate.relative_gap,
            "proof": self.certificate.proof["kind"],
            "solver_bound": self.solver_bound,
            "method": self.method,
            "seconds": self.seconds,
            "fallbacks": list(self.fallbacks),
        }


def default_bound(requests: Requests, seconds: float | None = None) -> str:
    """'lp' where it can take the requests, else 'prices' where a time is given and it can, else 'fast'."""
    bounds = ("lp",) if seconds is None else ("lp", "prices")
    return next((bound for bound in bounds if not _too_large(requests, bound)), "fast")


def best_schedule(
    requests: Requests,
    bound: str = "lp",
    seconds: float | None = None,
    known: Iterable[IntArray] = (),
    report: Report | None = None,
) -> ScheduleReference:
    """The best schedule known in hindsight, with a certified lower bound.

    Args:
        requests: the data; predictions have no part in it.
        bound: 'fast': the bounds by volume and by mean busy times, and the best of some dispatches, for any
            number of requests. 'prices': also prices of the memory, and windows of dispatches, for up to
            200,000 requests. 'lp': also local search, the linear program of valid inequalities, and beams
            guided by its multipliers, for some hundreds of requests. 'courses': also weights along courses
            of the memory, some minutes for some tens of requests. 'milp': also the integer program, and
            all ways of up to 30 requests, as long as they are not too many.
        seconds: after which no further step is begun. Half of them are for the search for a schedule, which
            'fast' has only with them. So the result depends on the machine. By default each step runs to its
            end, the integer program 60 s at most.
        known: starts of schedules that fit, shape (n,) each; the best of these may be the result.
        report: called with the bounds and the name of each step that begins.

    In the main thread an interruption (Ctrl-C) ends the search, where a solver runs after its step; what is
    known then is the result, and `fallbacks` says so. A second one is a KeyboardInterrupt.

    Raises:
        ProblemError: the bound is unknown, the requests are too many for it, or the time is negative.
    """
    if seconds is not None and not seconds >= 0:
        raise ProblemError(f"seconds is {seconds:g}; it must not be negative")
    if bound not in BOUNDS:
        raise ProblemError(
            f"bound is {bound!r}; it must be one of {', '.join(BOUNDS)}{nearest(bound, BOUNDS)}"
        )
    if _too_large(requests, bound):
        lesser = next(name for name in BOUNDS[BOUNDS.index(bound) :: -1] if not _too_large(requests, name))
        raise ProblemError(
            f"bound is {bound!r}, for which {len(requests)} requests of up to "
            f"{requests.output_tokens.max()} tokens are too many; take {lesser!r}"
        )
    started = time.perf_counter()
    with Watch(seconds, report) as watch:
        found, method, solver_bound, fallbacks = _sought(requests, bound, list(known), watch)
    found.check()
    taken = time.perf_counter() - started
    return ScheduleReference(found, bound, solver_bound, method, taken, tuple(fallbacks))


def _sought(
    requests: Requests, bound: str, known: list[IntArray], watch: Watch
) -> tuple[ScheduleCertificate, str, float | None, list[str]]:
    """The steps in turn, each only while there is a gap and time."""
    lower, proof = quick_bound(requests)
    half = watch.half()
    schedule = quick_schedule(requests, half, known, lower)
    if bound != "fast" or half.end is not None:
        schedule = good_schedule(requests, schedule, half, lower)
    method, solver_bound = schedule.method, None
    found = ScheduleCertificate(requests, schedule.starts, lower, proof)
    fallbacks: list[str] = []
    guide = None  # multipliers

    def goes_on(step: str) -> bool:
        if found.lower == found.upper or watch.over:
            return False
        watch.say(found.lower, found.upper, step)
        return True

    def take(other: ScheduleCertificate, by: str) -> None:
        nonlocal found, method
        method = by if other.upper < found.upper else method
        found = other

    if bound in ("lp", "courses", "milp") and goes_on("inequalities and their linear program"):
        found, guide = designed(found, fallbacks)
        if guide and goes_on("beams"):
            take(beam_schedule(found, guide, half), "a beam")
    if bound == "milp" and guide and len(requests) <= GUIDED and goes_on("the guided search"):
        take(exact_schedule(found, guide, fallbacks, watch), "the guided search")
    if bound != "fast" and goes_on("prices of the memory"):
        found = priced(found, fallbacks)
    if bound == "milp" and len(requests) <= SEARCHED and goes_on("the search of all schedules"):
        take(_searched(found, fallbacks), "the search of all schedules")
    if bound == "milp" and goes_on("the integer program"):
        other, solver_bound = _integer(found, min(watch.left, SECONDS), fallbacks)
        take(other, "the integer program")
    if bound in ("courses", "milp") and guide and goes_on("courses of the memory"):
        found = coursed(found, guide, fallbacks, watch)
    if watch.interrupted:
        fallbacks.append("the search was interrupted; the best schedule and bound so far are the result")
    elif watch.over and found.lower < found.upper:
        fallbacks.append("the time ran out; the best schedule and bound so far are the result")
    return found, method, solver_bound, fallbacks


def _too_large(requests: Requests, bound: str) -> bool:
    n, longest = len(requests), int(requests.output_tokens.max())
    if bound == "fast":
        return False
    if bound == "prices":
        return n > LARGEST_PRICED
    rounds = int(requests.arrival.max() + requests.output_tokens.sum())
    return n * rounds > LARGEST_TABLE or n * rounds * longest > LARGEST_WORK[bound]


def _integer(
    found: ScheduleCertificate, seconds: float, fallbacks: list[str]
) -> tuple[ScheduleCertificate, float | None]:
    """The integer program's schedule, where it is better, and the bound that the solver states."""
    requests, o = found.requests, found.requests.output_tokens
    # in a schedule as good as the one known, what the others take at least leaves a request so long; and the
    # best one is never idle once all have arrived
    total = int(o.sum())
    latest = np.minimum(requests.arrival + found.upper - (total - o), requests.arrival.max() + total)
    memory = [(P - np.arange(length)) / requests.memory for P, length in zip(requests.peak, o, strict=True)]
    built = program.build(requests, latest, [memory], whole=True)
    try:
        solution = program.solve(built, seconds)
    except SolverError as error:
        fallbacks.append(
            f"the integer program gave no schedule; that of local search takes its place: {error}"
        )
        return found, None
    if solution.status != OPTIMAL:
        fallbacks.append(f"the integer program was not solved; its best schedule counts: {solution.status}")
    chosen = np.flatnonzero(solution.x > 0.5)
    if len(chosen) == len(o) and (built.request[chosen] == np.arange(len(o))).all():
        starts = built.span[chosen] + 1 - o
        other = ScheduleCertificate(requests, starts, found.lower, found.proof)
        if other.upper < found.upper and check_schedule(requests, starts) <= requests.memory:
            found = other
    return found, solution.bound if np.isfinite(solution.bound) else None


def _searched(found: ScheduleCertificate, fallbacks: list[str]) -> ScheduleCertificate:
    """The optimum, by trying all schedules; where that takes too long, what is known already."""
    requests = found.requests
    try:
        search = verifier.schedule.Search(triples(requests), requests.memory, found.upper)
    except verifier.schedule.Refused as error:
        fallbacks.append(f"not all schedules were tried; what is known takes its place: {error}")
        return found
    starts = found.starts if search.best is None else np.array(search.best)
    return ScheduleCertificate(requests, starts, search.limit, proofs.SEARCH)
