"""The lower bounds with their proofs: each betters what is known, or leaves it.

volume      the k-th completion, by the volumes of memory that k requests take
busy        mean busy times: how late a request's memory is used on average
prices      prices of the memory over time (`prices`), for any M and up to LARGEST_PRICED requests
snapshots   multipliers of designed inequalities (`snapshots`, `relaxation`), for some hundreds of requests
courses     weights by request and time (`courses`), for some tens of requests

The numbers are those of `cvxtoken.verifier.schedule`, which says why they are bounds.
"""

from __future__ import annotations

from dataclasses import replace

from cvxtoken import verifier
from cvxtoken.errors import SolverError
from cvxtoken.scheduling import certificate as proofs
from cvxtoken.scheduling.certificate import ScheduleCertificate
from cvxtoken.scheduling.courses import Courses, climbed, first_weights, slots_of
from cvxtoken.scheduling.prices import memory_prices
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.relaxation import Inequality, Relaxation, inequalities, multipliers_of
from cvxtoken.scheduling.watch import Watch

COLUMNS = 8000  # of the linear program, about
LARGEST_MEMORY = 64  # for which inequalities are designed; above, the memory's own is used alone
LARGEST_COURSE = 25_000_000  # states by cell and span that courses look at in each step, about
LARGEST_PRICED = 200_000  # requests for which prices are sought, at most


def quick_bound(requests: Requests) -> tuple[int, proofs.Kind]:
    """The better of the bounds by volume and by mean busy times, and its proof."""
    of = triples(requests), requests.memory
    bounds = [
        (verifier.schedule.volume_bound(*of), proofs.VOLUME),
        (verifier.schedule.busy_bound(*of), proofs.BUSY),
    ]
    return max(bounds, key=lambda pair: pair[0])


def priced(found: ScheduleCertificate, fallbacks: list[str]) -> ScheduleCertificate:
    """With the bound of prices of the memory, where that is better."""
    requests = found.requests
    proof = proofs.price_proof(*memory_prices(requests, found.starts, found.lower))
    try:
        lower = verifier.schedule.price_bound(
            triples(requests), requests.memory, proof["scale"], proof["span"], proof["prices"]
        )
    except verifier.schedule.Refused as error:
        fallbacks.append(f"the prices of the memory gave no bound; the one before takes its place: {error}")
        return found
    return replace(found, lower=lower, proof=proof) if lower > found.lower else found


def designed(
    found: ScheduleCertificate, fallbacks: list[str]
) -> tuple[ScheduleCertificate, proofs.Kind | None]:
    """With the bound of the linear program's multipliers, where that is better; and these, if any."""
    requests = found.requests
    valid = [Inequality(None, requests.memory)]
    if requests.memory <= LARGEST_MEMORY:
        try:
            valid = inequalities(requests)
        except SolverError as error:
            fallbacks.append(f"no inequalities were designed; the memory's own takes their place: {error}")
    last = int((found.starts + requests.output_tokens).max() * 1.1) + 1
    width = -(-len(requests) * last // COLUMNS)
    try:
        multipliers = multipliers_of(Relaxation(requests, valid), last, width)
        proof = proofs.snapshot_proof(valid, multipliers)
        lower = verifier.schedule.snapshot_bound(
            triples(requests), requests.memory, proof["scale"], proof["inequalities"]
        )
    except (SolverError, verifier.schedule.Refused) as error:
        fallbacks.append(f"the linear program gave no bound; the one before takes its place: {error}")
        return found, None
    return replace(found, lower=lower, proof=proof) if lower > found.lower else found, proof


def coursed(
    found: ScheduleCertificate, guide: proofs.Kind, fallbacks: list[str], watch: Watch
) -> ScheduleCertificate:
    """With the bound of weights along courses of the memory, where that is better; none for a large one."""
    requests = found.requests
    if requests.memory > verifier.schedule.MAX_COURSE:
        return found
    last = int((found.starts + requests.output_tokens).max() * 1.1) + 1
    span = -(-slots_of(requests) * last // LARGEST_COURSE)
    courses = Courses(requests, -(-last // span), span)
    weights = climbed(courses, first_weights(courses, guide), watch)
    proof = proofs.course_proof(requests, span, courses.by_cell(weights))
    try:
        lower = verifier.schedule.course_bound(
            triples(requests), requests.memory, proof["scale"], proof["span"], proof["weights"]
        )
    except verifier.schedule.Refused as error:
        fallbacks.append(f"courses of the memory gave no bound; the one before takes its place: {error}")
        return found
    return replace(found, lower=lower, proof=proof) if lower > found.lower else found


def triples(requests: Requests) -> list[tuple[int, int, int]]:
    """(a, s, o) of each request, as the checker takes them."""
    columns = (getattr(requests, field).tolist() for field in verifier.schedule.COLUMNS)
    return list(zip(*columns, strict=True))
