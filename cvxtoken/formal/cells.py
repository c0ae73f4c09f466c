"""What rules out whole allocations: the h of `formal/Whole.v`, their least values, what may be better."""

from __future__ import annotations

from bisect import bisect_left
from decimal import ROUND_DOWN, Decimal
from math import prod
from typing import NamedTuple

from cvxtoken.errors import CertificateError
from cvxtoken.formal.literals import exact
from cvxtoken.formal.numbers import EXACT
from cvxtoken.verifier.allocation import Interval, Model

MOST = 60  # allocations of a cell that are compared one by one
SURELY = Decimal("1.01")  # times what a bound falls short by, an excess rules a number out


class Point:
    """The prices that all cells have, and what follows from them."""

    def __init__(self, model: Model, z: list[Decimal], v: list[Decimal], z0: Decimal) -> None:
        at, law = model.X.at, model.law
        self.model, self.z, self.v, self.z0 = model, list(map(at, z)), list(map(at, v)), at(z0)
        self.Z = law.square * model.mean_square(self.z, self.v) + law.constant * self.z0 * self.z0
        half = model.lam * self.Z * model.half
        self.y1 = at(1) - model.lam * (law.overhead_share - law.token_share) * model.T0
        self.P = law.direct + law.token_share * model.lam * half
        self.base = law.offset + model.lam * law.constant * self.z0 - self.y1 * half


class Value(NamedTuple):
    """H at a whole number, its slope over pi, and the tangents' e and w, of t and of s."""

    l: int
    h: Interval
    slope: Interval
    e: Interval
    w: Interval
    e2: Interval
    w2: Interval

    def mark(self, x: str) -> str:
        """The record in `Whole.v` for a number x that h is not below."""
        ends = " ".join(exact(end.low) for end in (self.e, self.w, self.e2, self.w2))
        return f"(Mark {ends} {self.l} {x})"


class Function:
    """The h of one type in a cell, for one nu, from below by tangents of its squares."""

    def __init__(self, point: Point, k: int, low: Decimal, high: Decimal, nu: Decimal) -> None:
        model, at = point.model, point.model.X.at
        self.model, self.k, self.edges = model, k, (at(low), at(high))
        self.z, self.v = point.z[k], point.v[k]
        square = model.lam * model.law.square
        self.of_time, self.of_deviation = point.P + square * self.z + at(nu), square * self.v
        self.weight = square / self.edges[1]
        self.s0, self.s1 = (model.s0[k], model.s1[k]) if model.is_random else (model.zero, model.zero)

    def at(self, l: int) -> Value:
        """What is known of it there."""
        model, k, x = self.model, self.k, self.model.X.at(l)
        t, s = model.t0[k] + model.c[k] * x, self.s0 + self.s1 * x
        (e, w, square), (e2, w2, square2) = self.tangent(t, self.z), self.tangent(s, self.v)
        decay = model.alpha * model.A[k] * (-(model.b[k] * x)).exp()
        value = decay + self.of_time * t + self.of_deviation * s
        value += self.weight * model.half * (square + square2)
        slope = self.of_time * model.c[k] + self.of_deviation * self.s1 - model.b[k] * decay
        slope += self.weight * (e * model.c[k] + e2 * self.s1)
        return Value(l, model.pi[k] * value, slope, e, w, e2, w2)

    def tangent(self, t: Interval, z: Interval) -> tuple[Interval, Interval, Interval]:
        """Of (t - z y)^2: e, w and 2 e (t - z w) - e^2, e the distance of t from all z y, or nearly."""
        at, (low, high) = self.model.X.at, self.edges
        for edge, away in ((high, t - z * high), (low, z * low - t)):
            if away.low > 0:
                distance = t - z * edge
                e = at(distance.low.quantize(Decimal(1).scaleb(-20), ROUND_DOWN, EXACT))
                return e, edge, e * (distance + distance) - e * e
        return self.model.zero, high, self.model.zero

    def rises(self, top: int) -> int:
        """The least whole number from which on it does not fall; top + 1 where it falls to the end."""
        return bisect_left(range(top + 1), True, key=lambda l: self.at(l).slope.low >= 0)


class Bound:
    """The bound of a cell by one nu.

    Attributes:
        sides: per type the two numbers between which h is least; one is missing at an end.
        floors: per type a number that h is not below.
        above: no J is above this less the sum of the h.
        spare: how far the bound is above the one to prove.
    """

    def __init__(self, cell: Cell, nu: Decimal) -> None:
        point, model = cell.point, cell.point.model
        at, rate = model.X.at, model.lam * model.law.token_share
        self.nu, self.w = nu, cell.low if nu >= 0 else cell.high
        self.h = [Function(point, k, cell.low, cell.high, nu) for k in range(len(model.pi))]
        self.sides: list[tuple[Value | None, Value | None]] = []
        for h, top in zip(self.h, cell.tops, strict=True):
            q = h.rises(top)
            self.sides.append((h.at(q - 1) if q > 0 else None, h.at(q) if q <= top else None))
        self.floors = [min(v.h.low for v in pair if v is not None) for pair in self.sides]
        adds = at(nu) * (point.y1 - at(self.w)) / rate if nu else model.zero
        self.above = model.best - point.base + adds
        self.spare = EXACT.subtract(self.above.high, cell.upper) - sum(self.floors, Decimal(0))

    def reach(self, k: int, top: int) -> tuple[int, int]:
        """The least and the largest number of a type that this bound does not surely rule out."""
        (left, right), enough, low, high = self.sides[k], self.spare * SURELY, 0, top
        if left is not None:
            low = bisect_left(range(left.l + 1), True, key=lambda l: self.excess(k, l) <= enough)
        if right is not None:
            beyond = range(right.l, top + 1)
            high = right.l - 1 + bisect_left(beyond, True, key=lambda l: self.excess(k, l) > enough)
        return low, high

    def excess(self, k: int, l: int) -> Decimal:
        """By how much h of a type is above its floor."""
        return EXACT.subtract(self.h[k].at(l).h.low, self.floors[k])


class Cell:
    """The whole allocations with low <= y <= high.

    Attributes:
        bounds: those that are used.
        kept: per type the least and the largest number that may be better, each with the bound that rules
            out what is beyond, by its place in `bounds`; empty where one bound closes the cell.
        margin: the least by which anything is ruled out.
    """

    def __init__(
        self,
        point: Point,
        edges: tuple[Decimal, Decimal],
        nus: list[Decimal],
        tokens: list[Decimal],
        upper: Decimal,
    ) -> None:
        self.point, (self.low, self.high), self.upper = point, edges, upper
        self.tops = [int(top.low) for top in point.model.l_max]
        found = [Bound(self, nu) for nu in nus]
        best = min(found, key=lambda bound: bound.spare)
        self.bounds, self.margin = [best], -best.spare
        self.kept: list[tuple[tuple[int, int | None], tuple[int, int | None]]] = []
        if best.spare < 0:
            return
        ranges = [self.range(found, k) for k in range(len(tokens))]
        used = sorted({j for row in ranges for _, j in row if j is not None})
        self.bounds = [found[j] for j in used]
        place = {j: i for i, j in enumerate(used)}
        for k, ((first, i), (last, j)) in enumerate(ranges):
            for l, by in ((first - 1, i), (last + 1, j)):
                if by is not None:
                    rules_out = found[by].excess(k, l) - found[by].spare
                    self.margin = rules_out if self.margin < 0 else min(self.margin, rules_out)
            known = [None if by is None else place[by] for by in (i, j)]
            self.kept.append(((first, known[0]), (last, known[1])))
        if prod(last - first + 1 for (first, _), (last, _) in self.kept) > MOST:
            raise CertificateError(f"more than {MOST} allocations of a cell would have to be compared")

    def range(self, found: list[Bound], k: int) -> tuple[tuple[int, int | None], tuple[int, int | None]]:
        """The least and the largest number of type k that no bound rules out, and the bounds that do."""
        first: tuple[int, int | None] = (0, None)
        last: tuple[int, int | None] = (self.tops[k], None)
        for j, bound in enumerate(found):
            low, high = bound.reach(k, self.tops[k])
            first = max(first, (low, j), key=lambda pair: pair[0])
            last = min(last, (high, j), key=lambda pair: pair[0])
        if first[0] == 0:
            first = (0, None)
        if last[0] == self.tops[k]:
            last = (self.tops[k], None)
        return first, last
