"""The best limit, by exhaustion; what float64 cannot tell apart is compared in rational numbers.

Where the server shares, the best rule that mixes limits is found too (`mixed.py`), and is a bound of all
vectors. Where no law holds, limits are simulated (`simulated.py`).

Patient requests: the objective is theta E[u] - (1 - theta) E[W]. Every limit is tried, or for two types every
pair of limits. For more types the vector is the best that coordinate ascent finds, with an upper bound over
all vectors. Impatient requests: the objective is theta E[u] - (1 - theta) loss, with one limit for all types.
It is exact for one type; for several, the upper bound over all vectors is a crude one. Between limits n1 < n2
the loss is at least 1 - 1 / (rho(n1) + 1 / H(n2)), because rho and H rise with the limit (derived here), so
most limits need not be evaluated.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from cvxtoken.clipping import model
from cvxtoken.clipping.bounds import upper_bound
from cvxtoken.clipping.exact import exact_objective
from cvxtoken.clipping.mixed import MixedLimits, best_mixture
from cvxtoken.clipping.problem import ClippingProblem
from cvxtoken.clipping.result import ClippingReference
from cvxtoken.clipping.simulated import best_simulated
from cvxtoken.errors import ProblemError, UnstableError

_ROUNDING = 1e-11  # relative, of an objective in float64 after sums of 1e5 terms
_LOSS_ERROR = 1e-5  # of the renewal equation, generously: down to about this, limits are told apart
_COMPARED = 60  # near ties that are compared exactly
_STEP = 100  # tokens between the frontier's points


def best_limit(problem: ClippingProblem, limits: Sequence[int] | None = None) -> ClippingReference:
    """The best limit on output tokens, one a type.

    Args:
        problem: the data.
        limits: those to consider for every type, and to show; by default all are considered and every
            hundredth is shown. Where limits must be simulated (`ClippingProblem.is_simulated`) they have to
            be given.

    Raises:
        ProblemError: a limit is not a whole number from 1 (one beyond the longest length stands for that), or
            none are given and they must be simulated.
        UnstableError: no limit is stable; the message names an arrival rate that would do.
    """
    started = time.perf_counter()
    longest = max(len(lengths) for lengths in problem.types)
    if problem.is_simulated:
        if limits is None:
            raise ProblemError(
                "limits is not given; where requests share a server and are impatient or held by a cap, no "
                "law holds, and only limits that are given are simulated"
            )
        return best_simulated(problem, checked_limits(limits, longest), started)
    considered = np.arange(1, longest + 1) if limits is None else checked_limits(limits, longest)
    require_stable(problem, int(considered[0]))
    mixed = best_mixture(problem, considered) if problem.server.runs_together else None
    if problem.patience is not None:
        best, value, upper = _impatient(problem, considered)
    elif len(problem.types) <= 2:
        best, value, upper = _exhausted(problem, considered)
    else:
        best, value = _ascended(problem, considered)
        upper = max(value, upper_bound(problem, considered) if mixed is None else mixed.upper)
    points = considered if limits is not None else considered[_STEP - 1 :: _STEP]
    if not len(points):
        points = considered[-1:]
    return _described(problem, best, value, upper, considered, points, mixed, started)


def require_stable(problem: ClippingProblem, limit: int) -> None:
    """Raise UnstableError where a limit for all types is not stable; impatient queues always are."""
    if problem.patience is not None:
        return
    load = float(model.load(problem, model.total(problem, _columns(problem, np.array(limit))).s1))
    if load >= 1:
        raise UnstableError(
            f"arrival_rate is {problem.arrival_rate} /s; even at a limit of {limit} tokens utilisation is "
            f"{load:.6g}, not below 1; an arrival rate below {problem.arrival_rate / load:.6g} /s would do"
        )


def checked_limits(limits: Sequence[int], longest: int) -> np.ndarray:
    """Limits in rising order, those beyond the longest length cut to it (ProblemError: not whole from 1)."""
    try:
        given = np.asarray(limits)
    except ValueError:
        given = np.zeros((0, 0))
    if given.ndim != 1 or not len(given) or given.dtype.kind not in "iu" or given.min() < 1:
        raise ProblemError(f"limits is {limits!r}; it must be a list of whole numbers from 1")
    return np.unique(np.minimum(given.astype(object), longest).astype(np.int64))


def _columns(problem: ClippingProblem, limits: np.ndarray) -> np.ndarray:
    """The same limits for all types, none beyond a type's longest answer, shape (..., number of types)."""
    return np.asarray(np.minimum(limits[..., None], [len(lengths) for lengths in problem.types]))


def _exhausted(problem: ClippingProblem, considered: np.ndarray) -> tuple[np.ndarray, float, float]:
    """The best of all limits, or pairs, for patient requests; its objective; a bound of all objectives.

    The bound equals the objective, unless more limits tie up to rounding than are compared exactly.
    """
    columns = _columns(problem, considered)
    tables = model.by_type(problem, considered)
    parts = list(zip(tables.s1, tables.s2, tables.u, strict=True))
    first = list(zip(*parts[0], strict=True)) if len(parts) == 2 else [(0.0, 0.0, 0.0)]
    near: list[tuple[float, float, tuple[int, ...]]] = []  # value, its rounding error, place
    many = 0
    for row, (s1, s2, u) in enumerate(first):
        total = model.Moments(s1 + parts[-1][0], s2 + parts[-1][1], u + parts[-1][2])
        values = model.objective(problem, total)
        stable = np.flatnonzero(np.isfinite(values))
        if not len(stable):
            continue
        values = values[stable]
        errors = _ROUNDING * (1 + np.abs(values)) / model.idle(problem, total.s1[stable])
        close = np.flatnonzero(values + errors >= (values - errors).max())
        many = max(many, len(close))
        near += [
            (float(values[i]), float(errors[i]), (row, int(stable[i]))[-len(parts) :])
            for i in close[np.argsort(-values[close])][:_COMPARED]
        ]
    top = max(value - error for value, error, _ in near)
    ties = sorted((item for item in near if item[0] + item[1] >= top), reverse=True)
    cut = len(ties) > _COMPARED or many > _COMPARED
    ties = ties[:_COMPARED]
    vectors = [columns[list(place), range(len(parts))] for _, _, place in ties]
    if len(vectors) == 1:
        return vectors[0], ties[0][0], ties[0][0]
    best = max(vectors, key=lambda limits: exact_objective(problem, limits))
    value = float(exact_objective(problem, best))
    return best, value, max(v + error for v, error, _ in ties) if cut else value


def _ascended(problem: ClippingProblem, considered: np.ndarray) -> tuple[np.ndarray, float]:
    """The vector that the best moves of one type at a time lead to from the best common limit."""
    columns = _columns(problem, considered)
    limits = columns[int(np.argmax(model.objective(problem, model.total(problem, columns))))]
    value = -np.inf
    while True:
        for k in range(len(limits)):
            trial = np.repeat(limits[None, :], len(considered), axis=0)
            trial[:, k] = columns[:, k]
            limits = trial[int(np.argmax(model.objective(problem, model.total(problem, trial))))]
        reached = float(model.objective(problem, model.total(problem, limits)))
        if not reached > value:
            return limits, reached
        value = reached


def _impatient(problem: ClippingProblem, considered: np.ndarray) -> tuple[np.ndarray, float, float]:
    """One limit for all types: the interval of greatest bound is halved until none can hold a better limit.

    For several types the last number bounds all vectors: the greatest utility beside the least loss.
    """
    theta, columns = problem.theta, _columns(problem, considered)
    found = model.total(problem, columns)
    known: dict[int, tuple[float, float]] = {}  # value, 1 / H

    def look(i: int) -> None:
        loss = model.impatience(problem, columns[i]).loss
        known[i] = (
            float(theta * found.u[i] - (1 - theta) * loss),
            1 / (1 - loss) - problem.rate * found.s1[i],
        )

    def bound(low: int, high: int) -> float:
        """An upper bound of the objective at the limits strictly between two."""
        utility = found.u[low + 1 : high].max(initial=-np.inf)
        least_loss = 1 - 1 / max(problem.rate * found.s1[low] + known[high][1], 1.0)
        return float(theta * utility - (1 - theta) * least_loss) + _LOSS_ERROR

    look(0)
    look(len(considered) - 1)
    todo = [(-bound(0, len(considered) - 1), 0, len(considered) - 1)]
    while todo:
        negative, low, high = heapq.heappop(todo)
        if -negative <= max(value for value, _ in known.values()):
            break
        middle = (low + high) // 2
        if low < middle < high:
            look(middle)
            for pair in ((low, middle), (middle, high)):
                heapq.heappush(todo, (-bound(*pair), *pair))
    best = max(known, key=lambda i: known[i][0])
    if len(problem.types) == 1:
        return columns[best], known[best][0], known[best][0]
    greatest = sum(share * model.utility(problem, k).max() for k, share in enumerate(problem.shares))
    least_loss = 1 - 1 / max(problem.rate * found.s1[0] + known[len(considered) - 1][1], 1.0)
    return columns[best], known[best][0], float(theta * greatest - (1 - theta) * least_loss)


def _described(
    problem: ClippingProblem,
    best: np.ndarray,
    value: float,
    upper: float,
    considered: np.ndarray,
    points: np.ndarray,
    mixed: MixedLimits | None,
    started: float,
) -> ClippingReference:
    at_best = _rows(problem, best[None, :])[0]
    wait_against = _rows(problem, _columns(problem, considered[-1:]))[0]["mean_wait"]
    rows = _rows(problem, _columns(problem, points))
    return ClippingReference(
        problem=problem,
        limits=tuple(best.tolist()),
        common=_common(problem, considered),
        objective=value,
        upper=upper,
        exact=upper == value,
        utility=at_best["utility"],
        share_whole=at_best["share_whole"],
        mean_wait=at_best["mean_wait"],
        mean_wait_of_all=at_best.get("mean_wait_of_all"),
        loss=at_best.get("loss"),
        utilization=float(model.load(problem, model.total(problem, best).s1)),
        against=int(considered[-1]),
        mean_wait_against=np.inf if wait_against is None else wait_against,
        frontier=[{"limit": limit} | row for limit, row in zip(points.tolist(), rows, strict=True)],
        mixed=mixed,
        seconds=time.perf_counter() - started,
    )


def _common(problem: ClippingProblem, considered: np.ndarray) -> tuple[int, float] | None:
    """The best single limit for several types of patient requests, and its objective."""
    if len(problem.types) == 1 or problem.patience is not None:
        return None
    values = model.objective(problem, model.total(problem, _columns(problem, considered)))
    return int(considered[np.argmax(values)]), float(values.max())


def _rows(problem: ClippingProblem, vectors: np.ndarray) -> list[dict[str, Any]]:
    """One row for each vector of limits: what it does."""
    found = model.total(problem, vectors)
    whole = sum(
        share * np.cumsum(lengths.probabilities)[vectors[:, k] - 1]
        for k, (share, lengths) in enumerate(zip(problem.shares, problem.types, strict=True))
    )
    rows = [{"share_whole": float(a), "utility": float(b)} for a, b in zip(whole, found.u, strict=True)]
    if problem.patience is None:
        waits = model.mean_wait(problem, found)
        return [
            {"mean_wait": float(w) if np.isfinite(w) else None} | row | {"stable": bool(np.isfinite(w))}
            for w, row in zip(waits, rows, strict=True)
        ]
    impatience = [model.impatience(problem, limits) for limits in vectors]
    return [
        {"mean_wait": i.wait_of_served, "mean_wait_of_all": i.mean_wait}
        | row
        | {"stable": True, "loss": i.loss}
        for i, row in zip(impatience, rows, strict=True)
    ]
