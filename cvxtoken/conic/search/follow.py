"""Along the central path to its end (derived here).

Points between may leave the cones; only the last must be inside. Where the optimum is unique and strictly
complementary, steps in doubles go straight to the end from a solver's point. Elsewhere the equations of the
end are singular. There damped steps in balls lead to a central point, and full steps from it to the end, at
once or in parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from flint import arb

from cvxtoken.conic.program import ConeProgram
from cvxtoken.conic.search.effort import Effort
from cvxtoken.conic.search.embedding import Embedding
from cvxtoken.conic.search.equations import Equations, Point, magnitude, moved
from cvxtoken.conic.search.exact import precision
from cvxtoken.conic.search.start import run
from cvxtoken.conic.search.steps import ball_step, double_step
from cvxtoken.errors import SolverError

_TOLERANCES = (1e-8, 1e-5, 1e-3)  # of the solver: the less it is asked for, the more central its point
_BEGIN = 400  # bits before the end
_CLOSE = 1e-3  # of mu: the error of a point that counts as central
_LINEAR = 1e-40  # of mu: the error of the linear equations at the end, which rounding must not leave
_LEAST_SHARE = 1e-4  # of a step


class Search:
    """For a central point where s'z is about 10^-(digits + 2) of the value."""

    def __init__(self, program: ConeProgram, digits: int, effort: Effort) -> None:
        self.path, self.digits, self.bits = Equations(program, effort), digits, int(3.33 * (4 * digits + 60))
        self.program = program
        self.known: list[Point] = []
        solved = [partial(self.solved, tolerance) for tolerance in _TOLERANCES]
        self.others: Iterator[Callable[[], Point | None]] = iter([*solved, self.cold])

    def starts(self) -> Iterator[Point]:
        """Points of a solver, and at last that of a cold start; each is made once, when it is asked for."""
        yield from tuple(self.known)
        for make in self.others:
            point = make()
            if point is not None:
                self.known.append(point)
                yield point

    def solved(self, tolerance: float) -> Point | None:
        """The solver's point, None where its numbers are none."""
        found = run(self.program, tolerance)
        return self.path.start(found.x, found.s, found.z) if found.is_finite else None

    def cold(self) -> Point | None:
        """The end of the embedding, None where it leads to no optimum."""
        with np.errstate(all="ignore"):
            found = Embedding(self.program).end()
        return None if found is None else self.path.start(*found)

    def quick(self) -> tuple[Point, arb]:
        """The point and its mu, by steps in doubles alone (SolverError: they do not get there)."""
        for point in self.starts():
            goal = _goal(self.path, point, self.digits)
            with precision(self.bits):
                end = polished(self.path, point, goal)
            if end is not None:
                return end, goal
        raise SolverError("the optimum is not unique, or the problem has no interior")

    def patient(self) -> tuple[Point, arb]:
        """The point and its mu, in balls (SolverError: no interior point is found, or the path stops)."""
        with precision(_BEGIN):
            near = (_centred_near(self.path, point) for point in self.starts())
            begun = next((found for found in near if found is not None), None)
        if begun is None:
            raise SolverError("no centred interior point is found (there may be none)")
        with precision(self.bits):
            return _followed(self.path, *begun, _goal(self.path, begun[0], self.digits))


def _goal(path: Equations, point: Point, digits: int) -> arb:
    """The mu of the end."""
    value = sum((q * x for q, x in zip(path.q, point.x, strict=True)), arb(path.program.offset))
    return (arb(10) ** -(digits + 2) * max(1.0, magnitude(value)) / max(path.degree, 1)).mid()


def polished(path: Equations, point: Point, mu: arb) -> Point | None:
    """Steps in doubles to a central point for mu; None where they do not get there."""
    before, slow, enough = math.inf, 0, float(mu) * _LINEAR
    while slow <= 5:
        try:
            point = moved(point, double_step(path, point, mu))
        except ZeroDivisionError:
            return None
        error, linear = path.error(point, mu)
        if error < _CLOSE and linear < enough:
            return path.with_auxiliary(point) if path.inside(point) else None
        now = math.log10(max(error, _CLOSE)) + math.log10(max(linear / enough, 1.0))
        slow = slow + 1 if not now < before - 0.3 else 0
        before = min(now, before)
    return None


def jumped(path: Equations, point: Point, mu: arb, most: int = 9) -> Point | None:
    """Full steps in balls to a central point for mu; None where they do not get there."""
    before = math.inf
    for k in range(most):
        try:
            point = moved(point, ball_step(path, point, mu))
        except ZeroDivisionError:
            return None
        error, _ = path.error(point, mu)
        if error < _CLOSE:
            return path.with_auxiliary(point) if path.inside(point) else None
        if not math.isfinite(error) or (k >= 2 and error > max(0.3 * before, 1e3)):
            return None
        before = error
    return None


def centred(path: Equations, point: Point, mu: arb, most: int = 40) -> Point | None:
    """Damped steps in balls to a central point for mu; None where they do not get there."""
    short, best, since = 0, math.inf, 0
    for _ in range(most):
        try:
            step = ball_step(path, point, mu)
        except ZeroDivisionError:
            return None
        share = 1.0
        while not path.inside(moved(point, step, share)):
            share *= 0.7
            if share < _LEAST_SHARE:
                return None
        point = path.with_auxiliary(moved(point, step, share if share == 1 else 0.8 * share))
        error, linear = path.error(point, mu)
        if share == 1 and error < 0.1:
            return point
        short = short + 1 if share < 0.05 else 0
        best, since = (error, 0) if error < 0.9 * best else (best, since + 1)
        if short > 4 or since > 10 or not math.isfinite(linear):
            return None
    return None


def _centred_near(path: Equations, point: Point) -> tuple[Point, arb] | None:
    """A central point near a solver's, for its mu or a larger one, and that mu."""
    mu = path.mu(point)
    mu = mu if mu > arb("1e-10") else arb("1e-10")
    for larger in (mu, mu * 1000):
        found = centred(path, point, larger)
        if found is not None:
            return found, larger
    return None


def _followed(path: Equations, point: Point, mu: arb, goal: arb) -> tuple[Point, arb]:
    """The path to its end: at once, or in steps that shorten where one fails."""
    factor, failures, aim = arb("1e-8"), 0, goal
    while mu > goal * 1.0001:
        found = jumped(path, point, aim)
        if found is not None:
            point, mu = found, aim
            factor = factor * factor if factor > arb("1e-12") else factor
        else:
            failures += 1
            factor = factor.sqrt()
            if factor > 0.9 or failures > 60:
                raise SolverError(f"the central path stops at mu = {float(mu):.1e}")
        aim = mu * factor if mu * factor > goal else goal
    return jumped(path, point, mu, 2) or point, mu
