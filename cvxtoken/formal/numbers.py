"""The numbers of an export: the formulas of `formal/Bound.v`, evaluated in many digits.

Nothing here is trusted. They say which numbers a file states of each type, and how many digits Coq must work
with to see that they hold; where one is wrong, the file does not compile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_FLOOR, Context, Decimal
from typing import Any, NamedTuple, TypeVar

from cvxtoken.formal.literals import exact
from cvxtoken.verifier.allocation import Goal, Interval, Model, arithmetic

T = TypeVar("T")

GUARD = 40  # digits beyond those of the certificate, in which all is evaluated here
SPARE = 4  # digits that Coq works with beyond those that the numbers have
BITS = 3.33  # of a decimal digit
EXACT = Context(20_000)  # enough for sums and products of the decimals here


class Offer(NamedTuple):
    """What the bound is made of for one type: the record of that name in `Bound.v`, and what follows from it.

    Its curve is gain e^(-b l) + slope l, beside which it adds `fixed`; `bracket` is pi times the least sum.
    """

    z: Decimal
    v: Decimal
    corner: str  # where the least value is: 'Zero', 'Inside' or 'Cap'
    zeta: Decimal
    tilt: Decimal
    u: Decimal
    gain: Interval
    slope: Interval
    fixed: Interval
    bracket: Interval

    def text(self) -> str:
        """The record."""
        price = f"(Price {exact(self.z)} {exact(self.v)})"
        return f"Offer {price} {self.corner} {exact(self.zeta)} {exact(self.tilt)} {exact(self.u)}"


class Numbers:
    """The bound of an instance and a goal at a point with y > 0, in so many digits.

    Its prices are rounded to `prices` digits.

    Attributes:
        model: the instance in intervals.
        z0, Z: the price of the constant over y, and the coupling.
        offers: one a type.
        upper: the bound.
        moves: a number that no change of the bound with Z exceeds, per unit.
    """

    def __init__(
        self, w: dict[str, Any], goal: Goal, point: Sequence[Decimal], digits: int, prices: int
    ) -> None:
        self.w, self.goal, self.point = w, goal, point
        self.model = model = Model(w, goal, arithmetic(digits + GUARD))
        at, zero = model.X.at, model.zero
        l = list(map(at, point))
        y = model.idle(l)
        self.columns = [[at(rounded((x / y).low, prices)) for x in column] for column in model.times(l)]
        self.z0 = at(rounded((at(1) / y).low, prices)) if model.law.constant.high else zero
        self.Z = model.law.square * model.mean_square(*self.columns) + model.law.constant * self.z0 * self.z0
        mu, nu, eta, self.xi = map(at, goal.upper)
        self.e = model.w + mu + nu
        load = model.lam * (self.e * model.lam * self.Z * model.half + eta)
        law, time = model.law, self.e * model.lam * model.law.square
        self.time, self.overhead, self.token = time, *(self.e * law.direct - nu + load * x for x in law[-2:])
        self.kv_limit = at(goal.phi) * at(goal.memory) if goal.phi else zero
        self.sigma = at(w["server"].get("sigma", 0.0))
        self.offers = [self.offer(k) for k in range(len(point))]
        spent = sum((c * top for c, top in zip(model.c, model.l_max, strict=True)), model.T0)
        self.moves = (self.e * model.lam * (at(1) + model.lam * spent)).high
        self.upper = self.constant() - sum((offer.bracket for offer in self.offers), zero)

    def offer(self, k: int) -> Offer:
        """That of type k."""
        model, at, goal = self.model, self.model.X.at, self.goal
        pi, A, b, c, t0 = (x[k] for x in (model.pi, model.A, model.b, model.c, model.t0))
        z, v = (*(column[k] for column in self.columns), model.zero)[:2]
        s0, s1 = (model.s0[k], model.s1[k]) if model.is_random else (model.zero, model.zero)
        prompt, phi = at(self.w["prompt_tokens"][k]), at(goal.phi)
        u = at(self.point[k]) if goal.phi else model.zero
        tilt = Decimal(0)
        for chi, (a, _) in zip(goal.chi, goal.rows, strict=True):
            tilt = EXACT.add(tilt, EXACT.multiply(chi, a[k]))
        zeta = goal.zeta[k]
        gain = model.alpha * A + at(zeta) * A / pi
        slope = (self.token + self.time * z) * c + self.time * v * s1 + self.xi + at(tilt) / pi
        slope += model.lam * c * (phi * (prompt + u) + self.kv_limit * self.sigma)
        fixed = (self.overhead + self.time * z) * t0 + self.time * v * s0
        fixed += model.lam * phi * (prompt * t0 - c * u * u * model.half)
        corner, least = located(gain, b, slope, model.l_max[k])
        return Offer(z.low, v.low, corner, zeta, tilt, u.low, gain, slope, fixed, pi * (fixed + least))

    def constant(self) -> Interval:
        """The bound without its brackets."""
        model, goal, at, law = self.model, self.goal, self.model.X.at, self.model.law
        delay = self.e * (law.offset + model.lam * (law.constant * self.z0 - self.Z * model.half))
        total = model.best - delay
        limits = [*goal.limits, *(limit for _, limit in goal.rows)]
        for multiplier, limit in zip([*goal.upper, *goal.chi], limits, strict=True):
            total += at(multiplier) * at(limit) if multiplier else model.zero
        sigma0 = at(self.w["server"].get("overhead", 0.0))
        total += self.kv_limit * (at(1) - model.lam * sigma0 * model.T0)
        for zeta, A, D, q in zip(goal.zeta, model.A, model.D, goal.floors, strict=True):
            total += at(zeta) * (A + D - at(q))
        return total


def located(gain: Interval, b: Interval, slope: Interval, top: Interval) -> tuple[str, Interval]:
    """Where gain e^(-b l) + slope l is least over 0 <= l <= top, surely, and its least value.

    Where it is not sure, 'Inside', the least value over all real l: it is near enough there.
    """
    steepest = gain * b
    if slope.low >= steepest.high:
        return "Zero", gain
    decay = (-(b * top)).exp()
    if slope.high <= (steepest * decay).low:
        return "Cap", gain * decay + slope * top
    return "Inside", slope / b * (slope.at(1) + (steepest / slope).ln())


def places(room: Decimal, parts: int) -> int:
    """Decimal places in which so many numbers, each rounded down, take a tenth of this room or less."""
    return 1 - (room / parts).adjusted() + 1


def dyadic(number: Decimal, places: int) -> Decimal:
    """The largest multiple of 2^-places that is no larger, exactly."""
    scale = Decimal(2**places)
    whole = EXACT.multiply(number, scale).to_integral_value(ROUND_FLOOR)
    return EXACT.divide(whole, scale)


def rounded(number: Decimal, digits: int) -> Decimal:
    """A dyadic number of as many significant digits, no larger."""
    return dyadic(number, max(0, int(BITS * (digits - number.adjusted())))) if number else number


def with_room(tried: Callable[[int], tuple[T, Decimal]], digits: int) -> tuple[T, Decimal]:
    """What `tried` makes with prices of so many digits, and the room that it leaves below `upper`.

    The bound moves with the square of what a price is off: half of the digits are enough, nearly always.
    """
    made, room = tried(digits // 2 + 5)
    return (made, room) if room > 0 else tried(digits)


def below(value: Interval, to: int) -> Decimal:
    """A number of binary places, as fine as so many decimal ones, that is surely below, by a unit or two."""
    places = int(BITS * to)
    return EXACT.subtract(dyadic(value.low, places), EXACT.divide(1, 2**places))


def around(value: Interval, to: int) -> tuple[Decimal, Decimal]:
    """Two numbers of as many binary places that enclose it, four units apart."""
    low = below(value, to)
    return low, EXACT.add(low, EXACT.divide(4, 2 ** int(BITS * to)))


def bits(to: int, *sizes: Decimal) -> int:
    """The precision in which Coq sees numbers up to these sizes to so many decimal places."""
    before = max(0, *(size.adjusted() + 1 for size in sizes))
    return int(BITS * (to + before + SPARE)) + 16
