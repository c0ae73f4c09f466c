#!/usr/bin/env python3
"""Checks a proof about whole tokens: `python whole.py FILE`, with allocation.py beside it.

Standard library only; it shares no code with the search. What a proof states, for J of `allocation` over
stable whole tokens 0 <= l <= l_max: the given ones reach J >= lower, and none exceed upper. Why: the delay
law of `allocation` has y = y1 - lambda sigma sum pi t with y1 = 1 - lambda (sigma0 - sigma) sum pi t0. For
every z, v and z0, with Z = square sum pi (z^2 + v^2) + constant z0^2 and P = direct + sigma lambda^2 Z / 2,
this is an identity,

    -J(l) = base + sum pi [alpha A e^(-b l) + (P + lambda square z) t + lambda square v s]
            + lambda / (2 y) {square sum pi [(t - z y)^2 + (s - v y)^2] + constant (1 - z0 y)^2},
    base = offset + lambda constant z0 - y1 lambda Z / 2 - alpha sum pi (A + D).

Cells low <= y <= high cover all idle shares y from 0 to 1. In one of them 1 / y >= 1 / high, |t - z y| is
at least the distance of t from [z low, z high], |s - v y| and |1 - z0 y| likewise, and sum pi t =
(y1 - y) / (lambda sigma). So, for any nu (which is 0 where sigma is),

    -J(l) >= base + (lambda constant / (2 high)) distance^2 - max nu (y1 - y) / (lambda sigma) + sum h(l),
    h = pi [alpha A e^(-b l) + (P + lambda square z + nu) t + lambda square v s
            + (lambda square / (2 high)) (distances)^2],

each h convex in one type's tokens. Where the sum of their least values is not enough, for any nu, only
allocations whose h exceed these by little, for every nu, can be better: J is evaluated at each of them.
"""

import decimal
from collections.abc import Iterator
from decimal import Context, Decimal
from functools import reduce
from itertools import accumulate, pairwise
from typing import Any

if __package__:
    from cvxtoken.verifier import allocation
    from cvxtoken.verifier.allocation import Interval, Model, Refused, require
else:  # run as a script beside allocation.py, without the package
    import allocation  # type: ignore[import-not-found, no-redef]
    from allocation import Interval, Model, Refused, require  # type: ignore[no-redef]

SCHEMA = "cvxtoken-integer-certificate/1"
KEYS = (allocation.KEYS - {"radii"}) | {"z", "edges", "multipliers"}
MAX_WORK = 5e12  # elementary operations times digits squared: some 20 s
FLOOR, CEILING = decimal.ROUND_FLOOR, decimal.ROUND_CEILING
TRAPS = [decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow]


def check(document: Any) -> str:
    """The line that states what a parsed proof proves; raises Refused where it does not."""
    good = isinstance(document, dict) and set(document) - {"v", "z0"} == KEYS  # these may be missing: zeros
    require(good and document["schema"] == SCHEMA, f"the keys or the schema are not those of a {SCHEMA}")
    w, digest = allocation.read_instance(document["instance"])
    size, digits, tokens = len(w["names"]), document["digits"], document["tokens"]
    require(document["sha256"] == digest, f"the instance's SHA-256 is {digest}, not the one stated")
    require(type(digits) is int and 20 <= digits <= allocation.MAX_DIGITS, "digits is out of range")
    require(isinstance(tokens, list) and len(tokens) == size, "tokens has not one number a name")
    for l, l_max in zip(tokens, w["max_tokens"]):
        require(type(l) is int and 0 <= l <= l_max, "tokens are not whole numbers from 0 to max_tokens")
    edges, multipliers = document["edges"], document["multipliers"]
    require(isinstance(edges, list) and isinstance(multipliers, list), "edges or multipliers is not a list")
    require(all(isinstance(nus, list) and nus for nus in multipliers), "a cell has no list of multipliers")
    z, v = (allocation.read_decimals(document.get(name, ["0"] * size), size) for name in ("z", "v"))
    (z0,) = allocation.read_decimals([document.get("z0", "0")], 1)
    edges = allocation.read_decimals(edges, len(edges))
    multipliers = [allocation.read_decimals(nus, len(nus)) for nus in multipliers]
    require(min(*z, *v, z0) >= 0, "z, v or z0 is negative")
    require(len(edges) == len(multipliers) + 1 > 1, "there is not one list of multipliers a cell")
    require(edges[0] == 0 and edges[-1] == 1, "the cells do not cover 0 to 1")
    require(all(low < high for low, high in pairwise(edges)), "the edges do not rise")
    lower, upper, (low, high, gap) = allocation.read_bounds(document)
    try:
        cells = list(zip(pairwise(edges), multipliers))
        prove(w, tokens, lower, upper, (list(zip(z, v)), z0), cells, digits)
    except decimal.DecimalException as error:
        raise Refused(f"a number is out of range: {type(error).__name__}") from error
    return (
        f"proven: over whole tokens instance {digest} ({size} task types) has its optimum J from "
        f"{low}, which the tokens reach, to {high}, relative gap <= {gap}"
    )


def prove(w: Any, tokens: Any, lower: Decimal, upper: Decimal, z: Any, cells: Any, digits: int) -> None:
    """Evaluate J at the tokens and close every cell; raises Refused."""
    work = Work(MAX_WORK / max(digits, 100) ** 2)
    work.add(12_000 * len(tokens))  # what is kept of each type
    common = Common(Model(w, allocation.untargeted(w), allocation.arithmetic(digits)), *z)
    below, above = (Side(common, Context(digits, way, traps=TRAPS), work) for way in (FLOOR, CEILING))
    below.other, above.other = above, below
    sums = zip(*(above.terms(k, l) for k, l in enumerate(tokens)))
    cost = above.cost(tuple(reduce(above.add, column) for column in sums))
    require(cost.is_finite(), "the tokens are not stable: the utilisation is not below 1")
    require(lower <= cost.copy_negate(), "lower is above what the tokens attain")
    for (low, high), nus in cells:
        Cell(below, low, high).close(nus, tokens, upper.copy_negate())


class Common:
    """What the types have in common, as intervals; symbols of the module's text."""

    def __init__(self, model: Model, zv: list[tuple[Decimal, Decimal]], z0: Decimal) -> None:
        at, law, lam = model.X.at, model.law, model.lam
        self.model, self.z, self.z0 = model, zv, at(z0)
        columns = [list(map(at, column)) for column in zip(*zv)]
        Z = law.square * model.mean_square(*columns) + law.constant * self.z0 * self.z0
        half_Z = lam * Z * model.half
        self.y1 = at(1) - lam * (law.overhead_share - law.token_share) * model.T0
        self.load, self.square = lam * law.token_share, lam * law.square
        self.P = law.direct + self.load * half_Z
        self.base = law.offset + lam * law.constant * self.z0 - self.y1 * half_Z - model.best

    def apart(self, low: Decimal, high: Decimal) -> Interval:
        """(lambda constant / (2 high)) distance^2 in a cell."""
        at, one = self.model.X.at, self.model.X.at(1)
        below, above = (one - self.z0 * at(high)).positive(), (self.z0 * at(low) - one).positive()
        distance = at(max(below.low, above.low))
        return self.model.lam * self.model.law.constant * distance * distance / (at(high) + at(high))


class Side:
    """Bounds from one side: every result is rounded below the true value, or every one above it."""

    other: "Side"

    def __init__(self, common: Common, rounding: Context, work: "Work") -> None:
        self.add, self.sub = rounding.add, rounding.subtract
        self.mul, self.div = rounding.multiply, rounding.divide
        self.rounding, self.is_low, self.work = rounding, rounding.rounding == FLOOR, work
        model = common.model
        times = (model.s0, model.s1) if model.is_random else ([model.zero] * len(model.pi),) * 2
        columns = zip(model.pi, model.A, model.b, model.t0, model.c, model.l_max, *times)
        self.types = [tuple(x.low for x in row) for row in columns]  # exact, so that both ends are the same
        self.certain, self.common, self.z, self.alpha = not model.is_random, common, common.z, model.alpha.low
        self.y1, self.load, self.square = map(self.end, (common.y1, common.load, common.square))
        self.P, self.direct, self.offset = map(self.end, (common.P, model.law.direct, model.law.offset))
        self.constant, self.best = map(self.end, (model.lam * model.law.constant, model.best))
        alike: dict[str, int] = {}  # by text, because hashes of numbers can be made to collide
        self.twin = [alike.setdefault(str(key), k) for k, key in enumerate(zip(self.types, self.z))]
        self.known: dict[tuple[int, int], tuple[Decimal, ...]] = {}

    def end(self, x: Interval) -> Decimal:
        """That of an interval on this side."""
        return x.low if self.is_low else x.high

    def curves(self, k: int, l: int) -> tuple[Decimal, ...]:
        """Alpha A e^(-b l) and t of one type, and s where it is not 0 for all."""
        if (k, l) not in self.known:
            self.work.add(1000)  # it is kept
            _, A, b, t0, c, _, s0, s1 = self.types[k]
            near = self.rounding.exp(self.mul(b.copy_negate(), l))  # to nearest, so that one goes further
            exp = (
                max(self.rounding.next_minus(near), Decimal(0))
                if self.is_low
                else self.rounding.next_plus(near)
            )
            times = [self.add(t0, self.mul(c, l)), self.add(s0, self.mul(s1, l))]
            self.known[k, l] = self.mul(self.mul(self.alpha, A), exp), *times[: 1 if self.certain else 2]
        return self.known[k, l]

    def terms(self, k: int, l: int) -> tuple[Decimal, ...]:
        """What one type adds to sum pi alpha A e^(-b l), E[S] and E[S^2]."""
        lost, *times = self.curves(k, l)
        square = reduce(self.add, (self.mul(t, t) for t in times))
        return tuple(self.mul(self.types[k][0], value) for value in (lost, times[0], square))

    def cost(self, sums: tuple[Decimal, ...]) -> Decimal:
        """-J from the three sums, in each of which it rises; infinite where that side's y is not positive."""
        lost, ES, ES2 = sums
        y = self.other.sub(self.other.y1, self.mul(self.load, ES))
        if y <= 0:
            return Decimal("inf")
        spread = self.add(self.mul(self.square, ES2), self.constant)
        shared = self.add(self.offset, self.div(spread, self.other.mul(2, y)))
        delay = self.add(self.mul(self.direct, ES), shared)
        return self.sub(self.add(lost, delay), self.other.best)


class Work:
    """Counts elementary operations, so that no file keeps a checker busy for ever."""

    def __init__(self, limit: float) -> None:
        self.left = limit

    def add(self, operations: int) -> None:
        """Count more (Refused where it is too much)."""
        self.left -= operations
        if self.left < 0:
            raise Refused("the check would take too long")


class Cell:
    """The whole allocations with low <= y <= high."""

    def __init__(self, below: Side, low: Decimal, high: Decimal) -> None:
        self.below, self.above, self.low, self.high, self.work = below, below.other, low, high, below.work
        self.work.add(10 * len(below.types))
        self.price, self.ends, self.weight = {}, {}, {}
        for side in (self.below, self.above):
            add, mul, square, P = side.add, side.mul, side.square, side.P
            self.price[side] = [(add(P, mul(square, z)), mul(square, v)) for z, v in side.z]  # of t and s
            self.ends[side] = [[(mul(x, low), mul(x, high)) for x in pair] for pair in side.z]
            self.weight[side] = side.div(square, side.other.mul(2, high))
        self.base = below.common.base + below.common.apart(low, high)
        self.known: dict[tuple[bool, int, int], tuple[Decimal, Decimal, Decimal]] = {}

    def h(self, side: Side, k: int, l: int, nu: Decimal) -> Decimal:
        """The h of type k at l tokens, from one side."""
        self.work.add(8)
        known = self.known.get((side.is_low, k, l))
        if known is None:
            known = self.known[side.is_low, k, l] = self.untilted(side, k, l)
        return side.add(known[0], side.mul(nu, known[1 if nu >= 0 else 2]))

    def untilted(self, side: Side, k: int, l: int) -> tuple[Decimal, Decimal, Decimal]:
        """That h without its nu, from one side, and pi t from that side and from the other."""
        self.work.add(200)  # it is kept
        (cost, *times), (_, *others) = side.curves(k, l), side.other.curves(k, l)
        ends = zip(self.ends[side][k], self.ends[side.other][k])
        for t, t_other, price, ((low, _), (_, high)) in zip(times, others, self.price[side][k], ends):
            distance = max(Decimal(0), side.sub(t, high), side.sub(low, t_other))
            square = side.mul(self.weight[side], side.mul(distance, distance))
            cost = side.add(cost, side.add(side.mul(price, t), square))
        pi = side.types[k][0]
        return side.mul(pi, cost), side.mul(pi, times[0]), side.other.mul(pi, others[0])

    def close(self, multipliers: list[Decimal], start: list[int], target: Decimal) -> None:
        """Prove -J >= target at every allocation of the cell; minima of the h are looked for from `start`."""
        bounds = []
        for nu in multipliers:
            bound = Bound(self, nu, start, target)
            if bound.spare <= 0:
                return
            bounds.append(bound)
        options = {}  # of a type, all that no bound rules out: (excesses, terms), by the first bound's excess
        for k in dict.fromkeys(self.below.twin):
            near = bounds[0].around(k, self.above.add(bounds[0].floor[k], bounds[0].spare))
            good = []
            for _, l in near:
                excesses = [bound.excess(k, l) for bound in bounds]
                if all(x <= bound.spare for x, bound in zip(excesses, bounds)):
                    self.work.add(400 + 250 * len(bounds))  # they are kept
                    good.append((excesses, l))
            if not good:
                return
            options[k] = [(excesses, self.below.terms(k, l)) for excesses, l in sorted(good)]
        order = sorted(self.below.twin, key=lambda k: (-self.below.types[k][0] * self.below.types[k][4], k))
        for sums in self.allocations([options[k] for k in order], order, [bound.spare for bound in bounds]):
            require(self.below.cost(sums) >= target, "a better allocation may exist than upper allows")

    def allocations(self, options: list[Any], order: list[int], spare: list[Decimal]) -> Iterator[Any]:
        """Sums from below of every combination of options whose excesses are not surely above `spare`.

        Types of large pi c come first: they move y most, so that wrong turns are seen early. Of twins, types
        with the same numbers, a later one takes no later option than an earlier one: exchanging their
        tokens changes nothing.
        """
        add, sub, none = self.below.add, self.below.sub, [Decimal(0)] * len(spare)
        kept = [none]  # excesses of the types before, if they take their first options
        for (excesses, _), *_ in options:
            kept.append(list(map(add, kept[-1], excesses)))
        second = [more[0][0][0] if more else Decimal("inf") for _, *more in options]
        least = list(accumulate(reversed(second), min))[::-1]  # excess of another option, from here on
        sums = tuple(reduce(add, column) for column in zip(*(first[1] for first, *_ in options)))
        stack = [(0, 0, none, sums)]  # next type, option of the one before, what changes add to `kept`, sums
        while stack:
            start, before, added, sums = stack.pop()
            yield sums
            for n in range(start, len(options)):
                if add(added[0], least[n]) > spare[0]:
                    break
                first, *more = options[n]
                if n > 0 and order[n] == order[n - 1]:
                    more = more[: before if n == start else 0]
                self.work.add(1)
                for option, (excesses, terms) in enumerate(more, 1):
                    self.work.add(3 * len(spare))
                    changed = [sub(add(a, e), f) for a, e, f in zip(added, excesses, first[0])]
                    if changed[0] > spare[0]:
                        break  # and the next ones cost more
                    if all(add(x, y) <= most for x, y, most in zip(changed, kept[n + 1], spare)):
                        self.work.add(500)  # it is kept
                        moved = tuple(map(add, map(sub, sums, first[1]), terms))
                        stack.append((n + 1, option, changed, moved))


class Bound:
    """The bound of a cell by one multiplier, type by type.

    Attributes:
        floor: per first of twins, a number that no h of whole tokens is below.
        spare: by how much the bound falls short of the target.
    """

    def __init__(self, cell: Cell, nu: Decimal, start: list[int], target: Decimal) -> None:
        self.cell, self.nu, self.below, above = cell, nu, cell.below, cell.above
        cell.work.add(len(start))
        self.lowest = {k: self.descend(k, start[k]) for k in dict.fromkeys(self.below.twin)}
        self.floor = {k: min(h for h, _ in self.around(k, Decimal("-inf"))) for k in self.lowest}
        common, at = self.below.common, self.below.common.model.X.at
        constant = cell.base
        if nu:  # a multiplier of sum pi t, which is known in the cell as far as y is
            constant -= at(nu) * (common.y1 - at(cell.low if nu > 0 else cell.high)) / common.load
        total = reduce(self.below.add, (self.floor[k] for k in self.below.twin), constant.low)
        self.spare = above.sub(target, total)

    def h(self, k: int, l: int) -> Decimal:
        """H from below."""
        return self.cell.h(self.below, k, l, self.nu)

    def excess(self, k: int, l: int) -> Decimal:
        """By how much h is above its floor, from below: never negative, though rounding may show it so."""
        return max(Decimal(0), self.below.sub(self.h(k, l), self.floor[k]))

    def descend(self, k: int, l: int) -> int:
        """Whole tokens where h, evaluated from below, is not above its values beside them."""
        top, step, here = int(self.below.types[k][5]), 1, self.h(k, l)
        while step:
            for there in (l - step, l + step):
                if 0 <= there <= top and (value := self.h(k, there)) < here:
                    l, here, step = there, value, 2 * step
                    break
            else:
                step //= 2
        return l

    def around(self, k: int, limit: Decimal) -> Iterator[tuple[Decimal, int]]:
        """(h from below, l), outward from the lowest until h is surely above its value there and `limit`.

        H is convex: once above its value in the middle it only rises, so that no l left out is lower.
        """
        top, middle = int(self.below.types[k][5]), self.lowest[k]
        enough = max(limit, self.cell.h(self.cell.above, k, middle, self.nu))
        yield self.h(k, middle), middle
        for outward in (range(middle - 1, -1, -1), range(middle + 1, top + 1)):
            for l in outward:
                value = self.h(k, l)
                yield value, l
                if value > enough:
                    break


if __name__ == "__main__":
    allocation.script(check)
