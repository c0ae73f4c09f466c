"""The optimum under targets: least tokens -> room -> interior point -> polish. None of these is trusted.

Like any allocation, what they find is bounded by `certify`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.proof.certificate import Certificate, certify
from cvxtoken.allocation.targeted.fallback import no_room, pulled_inside
from cvxtoken.allocation.targeted.feasible import Feasible, feasible
from cvxtoken.allocation.targeted.interior import InteriorPoint, interior_point
from cvxtoken.allocation.targeted.polish import Key, Start, polish_targets
from cvxtoken.allocation.targets import LIMITS, Multipliers, Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import CvxtokenError, ProblemError

Candidate = tuple[list[Decimal], Multipliers]
_ACTIVE = 1e-6  # of a dual value times its limit, as a share of all there is to gain
_NEAR = (1e-7, 0.0)  # of a bound, as a share of the range: corners, and the point as it is
_CLOSED = Decimal("1e-20")  # a relative gap at which no further candidate is tried
_HALVINGS = 60  # of an interval, to float64's accuracy
_NARROW = 1e-9  # of max_tokens, or of 1 / b where that is 0: the least width of a type's range


def certify_targets(workload: Workload, targets: Targets) -> Certificate:
    """The optimum under targets, without a convex solver; the certificate says how near it is.

    Raises:
        UnstableError: no allocation is stable.
        TargetError: no allocation meets the targets; every one missed is named.
        ProblemError: the targets do not fit the workload, or there is no optimum (the accuracy alone,
            without a target that keeps the load below 1).
    """
    problem = feasible(workload, targets)
    if targets.max_mean_tokens is None:  # the accuracy rises with every type's tokens
        _require_optimum(problem, workload.max_tokens.tolist())
    found = []
    with np.errstate(all="ignore"):  # data beyond float64 end uncertified, not in warnings
        for tokens, multipliers in _candidates(problem):
            try:
                found.append(certify(workload, tokens, targets=targets, multipliers=multipliers))
            except CvxtokenError:  # with data beyond float64, rounding may make a point miss a target
                continue
            if found[-1].relative_gap <= _CLOSED:
                break
    found = found or [certify(workload, problem.least, targets=targets)]
    return min(found, key=lambda proof: proof.relative_gap)


def certify_rows(problem: Feasible, raw: FloatArray, prices: dict[Key, float]) -> Certificate | None:
    """The optimum under linear targets too, from a solver's point and dual values; None where unproven.

    Linear targets may ask for anything, so that no point inside them is known to begin with. The polish
    begins with the targets that the solver's dual values show as active.

    Raises:
        ProblemError: there is no optimum, as in `certify_targets`.
    """
    active = tuple(key for key, price in prices.items() if price * _size(problem, key) > _ACTIVE)
    found = polish_targets(problem, Start(raw.tolist(), prices, active))
    if found is None:
        return None
    _require_optimum(problem, found[0])
    try:
        return certify(problem.workload, found[0], targets=problem.targets, multipliers=found[1])
    except CvxtokenError:
        return None


def move_inside(problem: Feasible, raw: FloatArray) -> Certificate:
    """A point of a solver, moved inside the targets, bounded by the multipliers of their optimum.

    Raises:
        ProblemError: the targets alone have no optimum, as in `certify_targets`, so nothing bounds the point.
    """
    workload, targets, least, floor = problem.workload, problem.targets, problem.least, problem.floor
    multipliers = certify_targets(workload, targets).multipliers
    for share in (0.0, *10.0 ** np.arange(-12, 1)):
        tokens = np.maximum(floor + (1 - share) * (raw - floor), floor)
        point = [max(l, Decimal(x)) for l, x in zip(least, tokens.tolist(), strict=True)]
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


def _candidates(problem: Feasible) -> Iterator[Candidate]:
    """The polished point, then the points that it came from."""
    room = {name: float(value) for name, value in problem.used_up.items()}
    if not all(problem.used_up.values()):
        yield problem.least, no_room(problem)
        return
    point = interior_point(problem.workload, problem.targets, problem.floor, _width(problem), room)
    active = _active(point, room)
    multipliers: dict[Key, float] = {name: point.multipliers[name] for name in room}
    start = Start(point.tokens.tolist(), multipliers, active)
    found = polish_targets(problem, start if problem.targets.keeps_idle else _filled(problem))
    if found is not None:
        _require_optimum(problem, found[0])
        yield found
    for near in _NEAR:
        yield pulled_inside(problem, point, active, near)


def _require_optimum(problem: Feasible, best: Sequence[float | Decimal]) -> None:
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
    return tuple(name for name in LIMITS if name in price and price[name] > point.slack[name])
