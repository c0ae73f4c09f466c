"""The best proof: candidates from a solver, the two prices, an interior point or the polish; none is trusted.

Like any allocation, what they find is bounded by `certify`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.prices.search import solve_prices
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.proof.certificate import LARGE, Certificate, certify
from cvxtoken.allocation.proof.separate import NO_MULTIPLIERS
from cvxtoken.allocation.targeted.fallback import no_room, pulled_inside
from cvxtoken.allocation.targeted.feasible import Feasible, feasible
from cvxtoken.allocation.targeted.interior import InteriorPoint, interior_point
from cvxtoken.allocation.targeted.polish import Key, Start, polish_targets
from cvxtoken.allocation.targeted.priced import is_priced, priced_candidates
from cvxtoken.allocation.targets import LIMITS, MEMORY, UPPER, Multipliers, Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import CvxtokenError, ProblemError, SolverError
from cvxtoken.proofs import CERTIFIED_GAP

Candidate = tuple[list[Decimal] | FloatArray, Multipliers]
_, _, _, TOKENS = LIMITS
NO_PRICES: Mapping[Key, float] = {}
_ACTIVE = 1e-6  # of a dual value times its limit, as a share of all there is to gain
_NEAR = (1e-7, 0.0)  # of a bound, as a share of the range: corners, and the point as it is
_CLOSED = Decimal("1e-20")  # a relative gap at which no further candidate is tried
_CLOSED_LARGE = Decimal(CERTIFIED_GAP)  # the same where arrays prove it
_HALVINGS = 60  # of an interval, to float64's accuracy
_NARROW = 1e-9  # of max_tokens, or of 1 / b where that is 0: the least width of a type's range


class UnprovenError(CvxtokenError):
    """No candidate proves anything of the problem; the message says why."""


def certify_targets(workload: Workload, targets: Targets) -> Certificate:
    """The optimum under targets, without a convex solver; the certificate says how near it is.

    Raises:
        UnstableError: no allocation is stable.
        TargetError: no allocation meets the targets; every one missed is named.
        ProblemError: the targets do not fit the workload, or there is no optimum (the accuracy alone,
            without a target that keeps the load below 1).
    """
    return best_proof(feasible(workload, targets))


def best_proof(
    problem: Feasible, tokens: FloatArray | None = None, prices: Mapping[Key, float] = NO_PRICES
) -> Certificate:
    """The certificate of the smallest gap among the candidates, which are tried until one closes.

    Args:
        problem: the instance and its targets.
        tokens: a solver's point, shape (N,), where there is one; under linear targets there must be.
        prices: its dual values, by upper target and by number of linear target.

    Raises:
        ProblemError: there is no optimum, as in `certify_targets`.
        UnprovenError: under linear targets, which may ask for anything, no candidate meets them.
    """
    if not (problem.targets.linear or {TOKENS, MEMORY} & set(problem.targets.limits)):
        require_optimum(problem, problem.workload.max_tokens.tolist())  # accuracy rises with all tokens
    found = []
    with np.errstate(all="ignore"):  # data beyond float64 end uncertified, not in warnings
        for candidate, multipliers in _candidates(problem, tokens, prices):
            try:
                found.append(certify(problem.workload, candidate, 0, problem.targets, multipliers))
            except CvxtokenError:  # with data beyond float64, rounding may make a point miss a target
                continue
            if found[-1].relative_gap <= (_CLOSED if len(problem.workload) < LARGE else _CLOSED_LARGE):
                break
    if not found and problem.targets.linear:
        raise UnprovenError("the polish under the further constraints did not end")
    found = found or [certify(problem.workload, problem.least, targets=problem.targets)]
    return min(found, key=lambda proof: proof.relative_gap)


def move_inside(problem: Feasible, tokens: FloatArray) -> Certificate:
    """A point of a solver, moved inside the targets, bounded by the multipliers of their optimum.

    Raises:
        ProblemError: the targets alone have no optimum, as in `certify_targets`, so nothing bounds the point.
    """
    workload, targets, least, floor = problem.workload, problem.targets, problem.least, problem.floor
    multipliers = best_proof(problem).multipliers
    for share in (0.0, *10.0 ** np.arange(-12, 1)):
        moved = np.maximum(floor + (1 - share) * (tokens - floor), floor)
        point = [max(l, Decimal(x)) for l, x in zip(least, moved.tolist(), strict=True)]
        try:
            return certify(workload, point, targets=targets, multipliers=multipliers)
        except CvxtokenError:
            continue
    return certify(workload, least, targets=targets, multipliers=multipliers)


def _size(problem: Feasible, key: str | int) -> float:
    """A target's limit times a multiplier of 1, as a share of all there is to gain."""
    workload, targets = problem.workload, problem.targets
    gain = targets.accuracy_weight(workload) * float(workload.prior @ workload.accuracy_gain)
    if isinstance(key, str):
        return targets.limits[key] / gain
    *a, limit = targets.linear[key]
    return (abs(limit) + float(np.abs(a).max() / workload.saturation_rate.max())) / gain


def _candidates(
    problem: Feasible, tokens: FloatArray | None, prices: Mapping[Key, float]
) -> Iterator[Candidate]:
    """Proposals of tokens and multipliers, the best first."""
    if problem.targets.is_trivial:
        return _unlimited(problem.workload, tokens)
    if problem.targets.linear:
        if tokens is None:
            raise UnprovenError("no point is known that meets the linear targets")
        return _polished(problem, Start(tokens.tolist(), prices, _priced(problem, prices)))
    return _limited(problem)


def _unlimited(workload: Workload, tokens: FloatArray | None) -> Iterator[Candidate]:
    """The two-price optimum, else the solver's point, else no thinking tokens."""
    proposals: list[Callable[[], FloatArray | None]] = [
        lambda: solve_prices(workload, tokens),
        lambda: tokens,
        lambda: np.zeros(len(workload)),
    ]
    for propose in proposals:
        try:
            point = propose()
        except (ArithmeticError, ValueError):  # float64 overflows
            continue
        if point is not None:
            yield point, NO_MULTIPLIERS


def _priced(problem: Feasible, prices: Mapping[Key, float]) -> tuple[Key, ...]:
    """The targets that a solver's dual values show as active."""
    return tuple(key for key, price in prices.items() if price * _size(problem, key) > _ACTIVE)


def _polished(problem: Feasible, start: Start) -> Iterator[Candidate]:
    """The polished point, where there is one (ProblemError: it leaves no idle share, see below)."""
    found = polish_targets(problem, start)
    if found is not None:
        require_optimum(problem, found[0])
        yield found


def _limited(problem: Feasible) -> Iterator[Candidate]:
    """The polished point, then the points that it came from."""
    room = {name: float(value) for name, value in problem.used_up.items()}
    if MEMORY in room:
        room[MEMORY] *= float(problem.least_idle)
    if not all(problem.used_up.values()):
        yield problem.least, no_room(problem)
        return
    targets = problem.targets
    if len(problem.workload) >= LARGE and is_priced(targets):
        yield from priced_candidates(problem)
    try:
        point = interior_point(problem.workload, problem.targets, problem.floor, _width(problem), room)
    except ArithmeticError as error:
        raise SolverError(f"the search fails on data beyond float64: {error}") from error
    active = _active(point, room)
    multipliers: dict[Key, float] = {name: point.multipliers[name] for name in room}
    start = Start(point.tokens.tolist(), multipliers, active)
    yield from _polished(problem, start if problem.targets.keeps_idle or MEMORY in room else _filled(problem))
    for near in _NEAR:
        yield pulled_inside(problem, point, active, near)


def require_optimum(problem: Feasible, best: Sequence[float | Decimal]) -> None:
    """Raise ProblemError where the best tokens leave no idle share, and nothing else asks for one.

    Args:
        problem: the instance and its targets.
        best: of all tokens that meet the targets, stable or not.
    """
    if not problem.targets.keeps_idle and not model.is_stable(problem.workload, best):
        raise ProblemError(
            "objective 'accuracy' has no optimum here: more tokens are better until the server has no idle "
            "share left; add max_mean_system_time, max_mean_wait or max_utilization"
        )


def _width(problem: Feasible) -> FloatArray:
    """How far above the least tokens the optimum may lie: not beyond T(0) where E[T] has a weight in J."""
    workload, targets, floor = problem.workload, problem.targets, problem.floor
    top = workload.max_tokens
    if targets.delay_weight:
        top = np.minimum(top, np.maximum(floor, model.upper_bounds(workload)))
    scale = np.where(workload.max_tokens > 0, workload.max_tokens, 1 / workload.saturation_rate)
    return np.maximum(top - floor, _NARROW * scale)


def _filled(problem: Feasible) -> Start:
    """Where accuracy alone is wanted: l = ln(A b / xi) / b, clipped, with sum pi l at its limit.

    On curves that are almost flat, xi is far below what an interior point resolves; its logarithm is not.
    """
    w, limit = problem.workload, problem.targets.max_mean_tokens
    if limit is None or float(w.prior @ w.max_tokens) <= limit:
        return Start(w.max_tokens.tolist(), {}, ())
    log, b = np.log(w.accuracy_gain * w.saturation_rate), w.saturation_rate
    low, high = float((log - b * w.max_tokens).min()), float(log.max())
    for _ in range(_HALVINGS):
        log_xi = (low + high) / 2
        tokens = np.clip((log - log_xi) / b, problem.floor, w.max_tokens)
        low, high = (log_xi, high) if float(w.prior @ tokens) > limit else (low, log_xi)
    return Start(tokens.tolist(), {"max_mean_tokens": float(np.exp(log_xi))}, ("max_mean_tokens",))


def _active(point: InteriorPoint, room: dict[str, float]) -> tuple[str, ...]:
    """The targets taken to be active: where multiplier times room, over the gain, exceeds slack over room.

    Multiplier times room is at most the gain over the least tokens, because J* is concave in a limit.
    """
    price = {name: x * room[name] / point.gain for name, x in point.multipliers.items()}
    return tuple(name for name in UPPER if name in price and price[name] > point.slack[name])
