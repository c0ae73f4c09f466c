"""J at tokens from below, and the best J of a cell of the load from above, rigorously (derived here).

On a cell a1 <= a <= a2 of the load, g is convex: a line u - s a that is not below g at both ends is nowhere
below it between. Under the line's law (`pooled.line`) waits are shorter in the cell, so that its dual bound,
that of `cvxtoken.allocation.proof.separate`, holds there. It bounds that law's J for all loads; but beyond
the cell, where the chord is below g, this J is below the true one: cells close without bounds on the load.

Near a = 0 g grows without limit. There a cell has no line, and E[W] >= 0: with any price mu >= 0 of the load,

    -J >= E[S] - alpha sum pi p + mu (lambda E[S] - a2)   for all a <= a2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal

from cvxtoken.allocation.proof.separate import Curve, Enclosure, magnitude
from cvxtoken.errors import UnstableError
from cvxtoken.pooled.erlang import spare
from cvxtoken.pooled.line import Line
from cvxtoken.pooled.problem import PooledWorkload
from cvxtoken.precision import GUARD, SQUARED
from cvxtoken.rigorous import Interval, Rounding

_ROUNDING = Rounding(SQUARED)
_SHORT = Context(30, ROUND_CEILING)  # of a line, so that its products with a load are nearly exact
_ABOVE = 1 + Decimal("1e-38")  # how far a line stays above g, for a checker to round


@dataclass(frozen=True)
class Cell:
    """A cell of the load and what bounds J there.

    Attributes:
        right: its upper end a2; it begins where the last one ends.
        line: of its law; None where E[W] >= 0 is all that is used.
        point: the tokens at whose prices the line's bound is taken; none without a line.
        price: mu; 0 with a line.
    """

    right: Decimal
    line: Line | None
    point: tuple[Decimal, ...]
    price: Decimal = Decimal(0)


def enclosed(problem: PooledWorkload, load: Interval) -> Interval:
    """g(a), which decreases, where the load is surely below R and not 0."""
    low, high = (spare(problem.servers, _ROUNDING.exact(a), _ROUNDING.exact) for a in (load.low, load.high))
    return Interval(high.low, low.high, _ROUNDING)


def line_above(problem: PooledWorkload, left: float, right: float) -> Line:
    """About the chord of g over a cell, surely not below g in it."""
    R, exact = problem.servers, _ROUNDING.exact
    if R == 1:
        return Line(Decimal(1), Decimal(1))
    a, b = exact(left), exact(right)
    g_a, g_b = (exact(spare(R, x, exact).high) for x in (a, b))
    s = exact(_SHORT.plus(((g_a - g_b) / (b - a)).high))
    u = max((g_a + s * a).high, (g_b + s * b).high)
    return Line(_SHORT.plus(_SHORT.multiply(u, _ABOVE)), s.low)


def attained(problem: PooledWorkload, tokens: Sequence[float]) -> Decimal:
    """J at tokens, rounded down, with room for a checker to round; for R >= 2.

    E[W] is that of the line which is g at these tokens throughout.

    Raises:
        UnstableError: the load is not surely below R.
    """
    exact, R = _ROUNDING.exact, problem.servers
    plain = Enclosure(problem.workload, _ROUNDING)
    load = plain.load([exact(l) for l in tokens])
    left = exact(R) - load
    if left.low <= 0:
        raise UnstableError(f"tokens give a load of {float(load.high)}; it must be below {R}")
    if load.high == 0:  # where none waits
        F = plain.alpha * plain.mean(plain.A) - plain.best
    else:
        flat = Line(enclosed(problem, load).low, Decimal(0))
        F = Enclosure(problem.workload.replace(server=flat), _ROUNDING).attained(tokens).F
    size = (magnitude(plain.best) + magnitude(F)) * exact(R) / left
    room = size.high.scaleb(GUARD - SQUARED)
    return _ROUNDING.down.minus(_ROUNDING.up.add(F.high, room))


def under_line(problem: PooledWorkload, line: Line, point: Sequence[float]) -> Decimal:
    """The best J under the line's law from above (UnstableError: the point is not stable under it)."""
    model = Enclosure(problem.workload.replace(server=line), _ROUNDING)
    at = model.attained(point)
    bound = model.separate(at)
    m = model.mean(curve.least(top) for curve, top in zip(bound.curves, model.l_max, strict=True))
    size = (bound.size + bound.coupling + magnitude(m)) / at.y
    return _published(bound.constant + m, size)


def without_waits(problem: PooledWorkload, right: Decimal, price: Decimal) -> Decimal:
    """The best J without waits, where the load is at most `right`, from above."""
    exact = _ROUNDING.exact
    model = Enclosure(problem.workload, _ROUNDING)
    mu = exact(price)
    kappa = exact(1) + mu * model.lam
    curves = [
        Curve(pi, exact((model.alpha * A).low), b, exact((kappa * c).low))
        for pi, A, b, c in zip(model.pi, model.A, model.b, model.c, strict=True)
    ]
    m = model.mean(curve.least(top) for curve, top in zip(curves, model.l_max, strict=True))
    terms = [kappa * model.T0, -(mu * exact(right)), -model.best, m]
    total = size = exact(0)
    for term in terms:
        total, size = total + term, size + magnitude(term)
    return _published(total, size)


def _published(F_bound: Interval, size: Interval) -> Decimal:
    room = size.high.scaleb(GUARD - SQUARED)
    return _ROUNDING.up.minus(_ROUNDING.down.subtract(F_bound.low, room))
