#!/usr/bin/env python3
"""Checks a cvxtoken certificate with the standard library alone: `python allocation.py FILE`.

Exit status 0 and one line that states what is proven, or 1 and the reason why nothing is. It shares no
code with what writes certificates. What a certificate states, for task types k of one server:

    maximise  J(l) = alpha sum pi (A (1 - e^(-b l)) + D) - E[T]    over 0 <= l <= l_max, y > 0,
    t = t0 + c l,  s = s0 + s1 l, the deviation of service times, which is 0 where none is given,
    E[S] = sum pi t,  E[S^2] = sum pi (t^2 + s^2),  T0 = sum pi t0,
    E[T] = offset + direct E[S] + lambda (square E[S^2] + constant) / (2 y),
    y = 1 - lambda (sigma0 T0 + sigma sum pi c l),

the kind of server giving the six numbers of this delay law (`LAWS`); one query at a time they are 0, 1, 1, 0
and 1, 1. lambda is the arrival rate at one of its replicas. The given tokens reach J >= lower, no allocation
exceeds upper, and the optimum lies within the radii.

Why: for every z, t^2 / y >= 2 z t - z^2 y, for every v, s^2 / y >= 2 v s - v^2 y, for every z0, 1 / y >= 2 z0
- z0^2 y, which makes -J separable. With Z = square sum pi (z^2 + v^2) + constant z0^2, every l has
    -J(l) >= offset + lambda constant z0 - lambda Z / 2 - alpha sum pi (A + D)
             + sum pi ((P(sigma0) + lambda square z) t0 + lambda square v s0 + m),
    P(share) = direct + share lambda^2 Z / 2,   r = (P(sigma) + lambda square z) c + lambda square v s1,
    m = min of alpha A e^(-b l) + r l over 0 <= l <= l_max, in closed form.
Here z = t / y, v = s / y and z0 = 1 / y.
Each term pi (alpha A e^(-b l) + r l - m) is convex, never negative, and at the optimum at most the gap:
where it is more, at tokens - radius or tokens + radius, the optimum does not lie beyond.

With targets the tokens must meet them, and 'optimum', 'no allocation' mean: of those that meet them. They are
    E[T] <= tau,  E[W] = E[T] - E[S] <= omega,  rho = 1 - y <= most,  sum pi l <= M,
    A (1 - e^(-b l)) + D >= q for single types,  sum a l <= limit for any rows of numbers a,
    E[KV] = lambda sum pi (m t0 + c (m l + l^2 / 2)) / y <= K, what prompts of m tokens and thinking hold,
    without the y where one query is served at a time; over y > 0 it is a row sum (a l + d l^2 / 2) <= limit,
    d = lambda pi c, a = d (m + sigma K), limit = K (1 - lambda sigma0 T0) - lambda sum pi m t0 (one at a
    time with 0 for these sigmas), where d l^2 / 2 >= d (u l - u^2 / 2) for any u, here the tokens,
with multipliers mu, nu, eta, xi, zeta, chi, phi >= 0. Every allocation that meets a target loses nothing by
adding multiplier (value - limit) <= 0 to -J, zeta (q - p) <= 0 included. The sum is of the same form, so that
the same step makes it separable: with w = 1 the weight of E[T] in J and e = w + mu + nu,
    P(share) = e direct - nu + share lambda (e lambda Z / 2 + eta), every lambda square becomes e lambda
    square, r has xi + (sum chi a + phi (a + d u)) / pi more, alpha A becomes alpha A + zeta A / pi,
    e (offset + lambda constant z0 - lambda Z / 2) is the delay's part of what is fixed, and there is added
    -mu tau - nu omega - eta most - xi M - sum chi limit - phi (limit + sum d u^2 / 2) + sum zeta (q - A - D).
Where the objective is accuracy, J = sum pi p: w = 0 and 1 stands for alpha. All else is said above.

That there is an optimum: where E[T] counts, in J or in a target, it is beyond all limits as y falls to 0, and
a limit on rho, below 1, keeps y from it. Elsewhere the bound holds for y = 0 too, so that the largest J over
y >= 0, which there is, is reached within the radii. It is the optimum if all that lies there has y > 0.
"""

import hashlib
import json
import struct
import sys
from collections.abc import Callable, Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, DecimalException
from functools import reduce
from math import frexp, inf
from re import fullmatch
from typing import Any, NamedTuple

SCHEMA, TARGET_SCHEMA = "cvxtoken-certificate/1", "cvxtoken-target-certificate/1"
POSITIVE = ("prior", "accuracy_gain", "saturation_rate", "time_per_token")
COLUMNS = (*POSITIVE[:3], "base_accuracy", "overhead", "time_per_token", "max_tokens")
RANDOM = ("deviation", "deviation_per_token")  # where they are given; hashed in this order
SERVED = ("prompt_tokens", "server")  # where the server is another than one that is first come, first served
SCALARS = ("arrival_rate", "accuracy_weight")
FIELDS = {"names", *COLUMNS, *SCALARS}
KEYS = {"schema", "sha256", "instance", "digits", "lower", "upper", "relative_gap", "tokens", "radii"}
LIMITS = ("max_mean_system_time", "max_mean_wait", "max_utilization", "max_mean_tokens")
MEMORY = "max_mean_kv_tokens"
TARGETS = (*LIMITS, MEMORY, "min_accuracy", "linear")
NUMBER = r"-?[0-9]{1,900}(\.[0-9]{1,900})?([eE][-+]?[0-9]{1,4})?"
MAX_BYTES, MAX_DIGITS, MAX_WORK = 50_000_000, 400, 1e9  # the last takes some 15 s
MAX_WIDE = 10_000_000  # bytes of a file with other characters than ASCII, which JSON can do without
MAX_VALUES = 3_000_000  # in a file: numbers, strings, lists and objects, of some 100 bytes each
MAX_PLACES = 150_000_000  # in the doubles of an instance, written out in binary: so many decimal digits


class Refused(Exception):  # noqa: N818 (it is the verdict)
    """The file does not prove what it states; the message says why."""


class Goal(NamedTuple):
    """The objective and the targets, exactly; a limit of infinity is none."""

    alpha: Decimal  # the weight of accuracy
    w: Decimal  # that of E[T]: 1, or 0 where the objective is accuracy
    limits: list[Decimal]  # tau, omega, r, M
    floors: list[Decimal]  # q of each type
    rows: list[tuple[list[Decimal], Decimal]]  # a and its limit
    upper: list[Decimal]  # mu, nu, eta, xi
    zeta: list[Decimal]
    chi: list[Decimal]
    memory: Decimal = Decimal("inf")  # limit of E[KV]
    phi: Decimal = Decimal(0)


def require(condition: object, reason: str) -> None:
    """Refuse unless the condition holds (never `assert`, which python -O removes)."""
    if not condition:
        raise Refused(reason)


def read(path: str) -> Any:
    """Parse a certificate file, no key of which may stand twice."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
        require(len(data) <= MAX_BYTES, f"the file is larger than {MAX_BYTES} bytes")
        require(data.isascii() or len(data) <= MAX_WIDE, f"text beyond ASCII in more than {MAX_WIDE} bytes")
        values = sum(map(data.count, (b",", b":", b"[", b"{", b"{")))  # an object takes the most
        require(values <= MAX_VALUES, f"the file holds more than {MAX_VALUES} values")
        return json.loads(data.decode("utf-8"), object_pairs_hook=unique, parse_constant=str)
    except OSError as error:
        raise Refused(f"the file cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise Refused(f"the file is damaged: {error}") from error


def check(document: Any) -> str:
    """The line that states what a parsed certificate proves; raises Refused where it does not."""
    with_targets = isinstance(document, dict) and "targets" in document
    keys, schema = (KEYS | {"targets", "multipliers"}, TARGET_SCHEMA) if with_targets else (KEYS, SCHEMA)
    require(isinstance(document, dict) and set(document) == keys, "the keys are not a certificate's")
    require(document["schema"] == schema, f"the schema is not {schema}")
    w, digest = read_instance(document["instance"])
    goal, said = untargeted(w), ""
    if with_targets:
        goal, digest = read_targets(document["targets"], document["multipliers"], w, digest)
        said = stated(document["targets"])
    size, digits = len(w["names"]), document["digits"]
    require(document["sha256"] == digest, f"the instance's SHA-256 is {digest}, not the one stated")
    require(type(digits) is int and 20 <= digits <= MAX_DIGITS, f"digits is not from 20 to {MAX_DIGITS}")
    require(size * (1 + len(goal.rows)) * max(digits, 100) ** 2 <= MAX_WORK, "the check would take too long")
    tokens, radii = read_decimals(document["tokens"], size), read_decimals(document["radii"], size)
    lower, upper, shown = read_bounds(document)
    for l, radius, l_max in zip(tokens, radii, w["max_tokens"]):
        require(0 <= l <= Decimal(l_max) and radius >= 0, f"{l:.6g} or radius {radius:.3g} out of range")
    try:
        prove(w, tokens, radii, lower, upper, goal, digits)
    except DecimalException as error:
        raise Refused(f"a number is out of range: {type(error).__name__}") from error
    low, high, gap = shown
    return (
        f"proven: instance {digest} ({size} task types{said}) has its optimum J from {low} to {high}, "
        f"relative gap <= {gap}; the tokens reach the lower value, "
        f"each within {Context(3, ROUND_CEILING).plus(max(radii))} of the optimal number"
    )


def read_bounds(document: Any) -> tuple[Decimal, Decimal, tuple[Decimal, Decimal, Decimal]]:
    """Lower and upper; and both with relative_gap, which must be enough, rounded outward to print."""
    lower, upper, gap = read_decimals([document[key] for key in ("lower", "upper", "relative_gap")], 3)
    require(lower <= upper, "lower exceeds upper")
    down, up, most = Context(20, ROUND_FLOOR), Context(20, ROUND_CEILING), Context(3, ROUND_CEILING)
    least = Decimal(0) if lower <= 0 <= upper else min(lower.copy_abs(), upper.copy_abs())
    require(up.subtract(upper, lower) <= down.multiply(gap, down.add(1, least)), "relative_gap is too small")
    return lower, upper, (down.plus(lower), up.plus(upper), most.plus(gap))


def stated(targets: Any) -> str:
    """Objective and targets in words, without any text from the file: a name could hold a sentence."""
    words = [f"objective {targets['objective']}"]
    words += [f"{name} {targets[name]!r}" for name in (*LIMITS, MEMORY) if name in targets]
    words += [f"{name} of {len(targets[name])}" for name in ("min_accuracy", "linear") if name in targets]
    return "".join(f"; {word}" for word in words)


def prove(w: Any, tokens: Any, radii: Any, lower: Any, upper: Any, goal: Goal, digits: int) -> None:
    """Test the targets, evaluate both bounds and test every radius; raises Refused."""
    model = Model(w, goal, arithmetic(digits))
    cost = model.cost(tokens)
    require(lower <= cost.high.copy_negate(), "lower is above what the tokens attain")
    bound, curves = model.separate(tokens)
    minima = [curve.least(top) for curve, top in zip(curves, model.l_max)]
    for curve, least in zip(curves, minima):
        bound += curve.pi * least
    require(upper >= bound.low.copy_negate(), "upper is below what the dual bound proves")

    down, up, at = model.X.down, model.X.up, model.X.at
    gap = up.subtract(cost.high, bound.low)
    for curve, least, l, radius, top in zip(curves, minima, tokens, radii, model.l_max):
        left, right = min(l, up.subtract(l, radius)), max(l, down.add(l, radius))  # inside, if rounded at all
        for x in [x for x, inside in ((left, left > 0), (right, right < top.low)) if inside]:
            excess = curve.pi * (curve.value(at(x)) - least)
            require(excess.low > gap, f"radius {radius:.3g} at {l:.6g} is not proven")
    if goal.w == 0 and min(goal.limits[:3]) == inf:
        farthest = [min(up.add(l, radius), top.low) for l, radius, top in zip(tokens, radii, model.l_max)]
        y = model.idle(list(map(at, farthest)))
        require(y.low > 0, "there may be no optimum: within the radii the utilisation may reach 1")


class Interval:
    """All real numbers from low to high; an operation returns an interval that holds every result."""

    __slots__ = ("high", "low")
    down: Context
    up: Context

    def __init__(self, low: Decimal, high: Decimal) -> None:
        self.low, self.high = low, high

    @classmethod
    def at(cls, number: Any) -> "Interval":
        """A number, exactly."""
        exact = Decimal(number)
        return cls(exact, exact)

    def __add__(self, other: "Interval") -> "Interval":
        return type(self)(self.down.add(self.low, other.low), self.up.add(self.high, other.high))

    def __sub__(self, other: "Interval") -> "Interval":
        return type(self)(self.down.subtract(self.low, other.high), self.up.subtract(self.high, other.low))

    def __neg__(self) -> "Interval":
        return type(self)(self.high.copy_negate(), self.low.copy_negate())

    def __mul__(self, other: "Interval") -> "Interval":
        down, up = self.down.multiply, self.up.multiply
        if self.low >= 0 <= other.low:
            return type(self)(down(self.low, other.low), up(self.high, other.high))
        ends = [(a, b) for a in (self.low, self.high) for b in (other.low, other.high)]
        return type(self)(min(down(a, b) for a, b in ends), max(up(a, b) for a, b in ends))

    def __truediv__(self, other: "Interval") -> "Interval":
        require(other.low > 0, "a number that is divided by may not be positive")
        low = self.down.divide(self.low, other.high if self.low >= 0 else other.low)
        return type(self)(low, self.up.divide(self.high, other.low if self.high >= 0 else other.high))

    def positive(self) -> "Interval":
        """(x)_+ = max(x, 0)."""
        return type(self)(max(self.low, Decimal(0)), max(self.high, Decimal(0)))

    def exp(self) -> "Interval":
        """The exponential; `decimal` rounds it to nearest, so that one goes a unit further.

        Its upper end is from e^w <= 1 + w + w^2, for a width w <= 1.
        """
        power, width = self.down.exp(self.low), self.up.subtract(self.high, self.low)
        low, high = max(self.down.next_minus(power), Decimal(0)), self.up.next_plus(power)
        if width > 1:
            high = self.up.next_plus(self.up.exp(self.high))
        elif width > 0:
            growth = self.up.add(1, self.up.add(width, self.up.multiply(width, width)))
            high = self.up.multiply(high, growth)
        return type(self)(low, high)

    def ln(self) -> "Interval":
        """The logarithm of positive numbers; its upper end is on the tangent at the lower one."""
        log, width = self.down.ln(self.low), self.up.subtract(self.high, self.low)
        high = self.up.add(self.up.next_plus(log), self.up.divide(width, self.low))
        return type(self)(self.down.next_minus(log), high)


def arithmetic(digits: int) -> type[Interval]:
    """Intervals that are rounded outward to so many digits."""
    contexts = {"down": Context(digits, ROUND_FLOOR), "up": Context(digits, ROUND_CEILING)}
    return type("Interval", (Interval,), {"__slots__": (), **contexts})


class Law(NamedTuple):
    """A delay law: a quadratic over the idle share y, which is affine in the tokens.

    E[T] = offset + direct E[S] + lambda (square E[S^2] + constant) / (2 y),
    y = 1 - lambda sum pi (overhead_share t0 + token_share c l).
    """

    offset: Interval
    direct: Interval
    square: Interval
    constant: Interval
    overhead_share: Interval
    token_share: Interval


def is_count(value: float) -> bool:
    """Whether a double is a whole number from 1 to 2^53."""
    return 1 <= value <= 2**53 and value == int(value)


def is_share(value: float) -> bool:
    """Whether a double is from 0 to 1."""
    return 0 <= value <= 1


def fifo(server: dict[str, Any], lam: Interval, T0: Interval) -> Law:
    """First come, first served: E[T] = E[S] + lambda E[S^2] / (2 y), of Pollaczek and Khinchine."""
    zero, one = lam.at(0), lam.at(1)
    return Law(zero, one, one, zero, one, one)


def sharing(server: dict[str, Any], lam: Interval, T0: Interval) -> Law:
    """Continuous batching: E[T] = E[S] / y, y = 1 - lambda (overhead T0 + sigma sum pi c l).

    As sum pi c l is affine in y, that is K / y - 1 / (lambda sigma), K = T0 + y0 / (lambda sigma), with the
    idle share without tokens y0 = 1 - lambda overhead T0. Where sigma is 0, y is y0 whatever the tokens.
    """
    zero, one, sigma, overhead = (lam.at(x) for x in (0, 1, server["sigma"], server["overhead"]))
    y0 = one - lam * overhead * T0
    require(y0.low > 0, "no tokens are stable: the utilisation without any is not below 1")
    if sigma.low == 0:
        return Law(zero, one / y0, zero, zero, overhead, zero)
    K = T0 + y0 / (lam * sigma)
    return Law(-(one / (lam * sigma)), zero, zero, (K + K) / lam, overhead, sigma)


TOGETHER = ("sharing",)  # kinds of servers where a query in service takes 1 / y times as long as alone
LAWS = {  # of each kind the law, and the rules of its parameters in the order in which they are hashed
    "fifo": (fifo, {"replicas": is_count}),
    "sharing": (sharing, {"sigma": is_share, "overhead": is_share, "replicas": is_count}),
}
DEFAULT = {"kind": "fifo", "replicas": 1.0}


class Curve(NamedTuple):
    """What the tokens of a type cost in the bound, pi (gain e^(-b l) + slope l), of exact numbers."""

    pi: Interval
    gain: Interval
    b: Interval
    slope: Interval

    def value(self, l: Interval) -> Interval:
        """That cost over pi."""
        return self.gain * (-(self.b * l)).exp() + self.slope * l

    def least(self, top: Interval) -> Interval:
        """The least value over 0 <= l <= top, or a number below it.

        It is at 0 where slope >= gain b, at top where slope <= 0 or ln(gain b / slope) / b is beyond, else
        at that root, the least of all real l. Its cases are those of `least_below` in formal/Least.v.
        """
        steepest = self.gain * self.b
        if self.slope.low >= steepest.high:
            return self.gain  # Zero: G b <= r
        if self.slope.low <= 0:
            return self.value(top)  # Cap: r <= 0 <= G b e^(-b top)
        log = (steepest / self.slope).ln()
        if (self.b * top).high <= log.low:
            return self.value(top)  # Cap: r <= G b e^(-b top)
        return self.slope / self.b * (self.slope.at(1) + log)  # Inside: 0 < r


class Model:
    """An instance and a goal in intervals, and the two things that every proof needs: cost and separate."""

    def __init__(self, w: Any, goal: Goal, X: type[Interval]) -> None:
        self.X, self.goal, self.zero, self.half = X, goal, X.at(0), X.at("0.5")
        self.pi, self.A, self.b, self.D, self.t0, self.c, self.l_max = (
            list(map(X.at, w[field])) for field in COLUMNS
        )
        self.is_random = any(any(w[field]) for field in RANDOM)
        self.s0, self.s1 = (list(map(X.at, w[field])) if self.is_random else [] for field in RANDOM)
        server = w["server"]
        lam = w["arrival_rate"] / server["replicas"]  # at one replica: the nearest double, by definition
        self.lam, self.alpha, self.w = X.at(lam), X.at(goal.alpha), X.at(goal.w)
        self.T0 = self.mean(self.t0)
        self.law = LAWS[server["kind"]][0](server, self.lam, self.T0)
        self.best = self.alpha * self.mean([A + D for A, D in zip(self.A, self.D)])
        self.row, self.room = self.memory(w) if goal.memory < inf else ([], self.zero)

    def memory(self, w: Any) -> tuple[list[tuple[Interval, Interval]], Interval]:
        """The row of the limit on E[KV]: a and q of every type, and the row's limit."""
        at, M = self.X.at, self.X.at(self.goal.memory)
        sigma, sigma0 = self.law[-2:][::-1] if w["server"]["kind"] in TOGETHER else (self.zero, self.zero)
        m = list(map(at, w["prompt_tokens"]))
        q = [self.lam * pi * c for pi, c in zip(self.pi, self.c)]
        held = self.mean([m_k * t0 for m_k, t0 in zip(m, self.t0)])
        limit = M * (at(1) - self.lam * sigma0 * self.T0) - self.lam * held
        return [(q_k * (m_k + sigma * M), q_k) for q_k, m_k in zip(q, m)], limit

    def mean(self, values: list[Interval]) -> Interval:
        """The sum of pi_k value_k."""
        total = self.zero
        for pi, value in zip(self.pi, values):
            total += pi * value
        return total

    def mean_square(self, *columns: list[Interval]) -> Interval:
        """The sum of pi_k value_k^2 over all columns of values."""
        total = self.zero
        for values in columns:
            total += self.mean([x * x for x in values])
        return total

    def times(self, l: list[Interval]) -> list[list[Interval]]:
        """t of all types and, where service times vary, s."""
        affine = [(self.t0, self.c), (self.s0, self.s1)][: 1 + self.is_random]
        return [[x + slope * l_k for x, slope, l_k in zip(*pair, l)] for pair in affine]

    def load(self, l: list[Interval]) -> Interval:
        """The utilisation, lambda sum pi (overhead_share t0 + token_share c l)."""
        thinking = self.mean([c * l_k for c, l_k in zip(self.c, l)])
        return self.lam * (self.law.overhead_share * self.T0 + self.law.token_share * thinking)

    def idle(self, l: list[Interval]) -> Interval:
        """The idle share y, not positive where the tokens are not stable."""
        return self.X.at(1) - self.load(l)

    def cost(self, tokens: list[Decimal], lag: list[Decimal] | None = None) -> Interval:
        """-J at tokens that surely meet the targets; with a lag, accuracy is gained by what is above it."""
        l = list(map(self.X.at, tokens))
        over = l if lag is None else [(l_k - self.X.at(l0)).positive() for l_k, l0 in zip(l, lag)]
        decay = [(-(b * x)).exp() for b, x in zip(self.b, over)]
        times, load = self.times(l), self.load(l)
        y = self.X.at(1) - load
        require(y.low > 0, "the tokens are not stable: the utilisation is not below 1")
        ES, law = self.mean(times[0]), self.law
        squares = law.square * self.mean_square(*times) + law.constant
        shared = law.offset + self.lam * squares * self.half / y
        ET, EW = shared + law.direct * ES, shared + (law.direct - self.X.at(1)) * ES
        self.require_targets(l, decay, (ET, EW, load, self.mean(l)))
        lost = self.alpha * self.mean([A * x for A, x in zip(self.A, decay)])
        return lost - self.best + self.w * ET

    def require_targets(self, l: list[Interval], decay: list[Interval], reached: Iterable[Interval]) -> None:
        """Refuse tokens that do not surely meet the targets."""
        for name, value, limit in zip(LIMITS, reached, self.goal.limits):
            require(limit >= value.high, f"the tokens miss {name}")
        for A, D, x, q in zip(self.A, self.D, decay, self.goal.floors):
            require(q <= D.low or q <= (A + D - A * x).low, "the tokens miss min_accuracy")
        for a, limit in self.goal.rows:
            total = reduce(Interval.__add__, (self.X.at(a_k) * l_k for a_k, l_k in zip(a, l)))
            require(limit >= total.high, "the tokens miss a linear target")
        if self.goal.memory < inf:
            total = reduce(
                Interval.__add__, (a * x + q * x * x * self.half for (a, q), x in zip(self.row, l))
            )
            require(total.high <= self.room.low, f"the tokens miss {MEMORY}")

    def separate(self, point: list[Decimal]) -> tuple[Interval, list[Curve]]:
        """A constant and a curve of each type: -J of no allocation that meets the targets is below their sum.

        The point is any whose y is positive. Gains and slopes are rounded down, which lowers the curves. The
        names in comments are those of formal/Bound.v and formal/Delay.v: the sum is that of `separated`.
        """
        X, law, lam, goal = self.X, self.law, self.lam, self.goal
        l = list(map(X.at, point))
        times, y = self.times(l), self.idle(l)
        require(y.low > 0, "a point is not stable: its utilisation is not below 1")
        prices = [[X.at((x / y).low) for x in column] for column in times]  # z and v: any numbers will do
        z0 = X.at((X.at(1) / y).low)  # `ratio`, with 1 for t
        Z = law.square * self.mean_square(*prices) + law.constant * z0 * z0  # `coupling`
        mu, nu, eta, xi = map(X.at, goal.upper)  # `charged`
        e = self.w + mu + nu  # the weight of E[T]; that of E[S] is nu less
        load = lam * (e * lam * Z * self.half + eta)  # `load`; next `price_of_time`, `overhead`, `token`
        time, overhead, token = e * lam * law.square, *(e * law.direct - nu + load * x for x in law[-2:])
        # `delay_constant`, proven by `delay_below`; `accuracy_parts`
        constant = e * (law.offset + lam * law.constant * z0 - lam * Z * self.half) - self.best
        for multiplier, limit in [
            *zip(goal.upper, goal.limits),
            *zip(goal.chi, (row[1] for row in goal.rows)),
        ]:
            constant -= X.at(multiplier) * X.at(limit) if multiplier else self.zero  # `charges`
        constant -= X.at(goal.phi) * self.room  # `kv_row`
        curves = []
        for k, (pi, A, z) in enumerate(zip(self.pi, self.A, prices[0])):
            # `delay_fixed`, `delay_slope`
            fixed, slope = (overhead + time * z) * self.t0[k], (token + time * z) * self.c[k] + xi
            for v in prices[1:]:
                fixed, slope = fixed + time * v[k] * self.s0[k], slope + time * v[k] * self.s1[k]
            for chi, (a, _) in zip(goal.chi, goal.rows):
                slope += X.at(chi) * X.at(a[k]) / pi  # `tilts`, `rows_charged`
            if goal.phi:  # `fixed` and `slope`, by l^2 / 2 >= u l - u^2 / 2
                rise, bend = self.row[k]
                slope += X.at(goal.phi) * (rise + bend * l[k]) / pi
                constant -= X.at(goal.phi) * bend * l[k] * l[k] * self.half
            gain, constant = self.alpha * A, constant + pi * fixed
            if zeta := goal.zeta[k]:
                gain += X.at(zeta) * A / pi
                constant -= X.at(zeta) * (A + self.D[k] - X.at(goal.floors[k]))  # `floors_charged`
            curves.append(Curve(pi, X.at(gain.low), self.b[k], X.at(slope.low)))
        return constant, curves


def read_instance(instance: Any) -> tuple[dict[str, Any], str]:
    """The instance, every rule of a workload checked, and its SHA-256: header, names, big-endian doubles."""
    known = isinstance(instance, dict) and set(instance) - {*RANDOM, *SERVED} == FIELDS
    optional = [field for field in (*RANDOM, *SERVED) if known and field in instance]
    require(known and optional in ([], [*RANDOM], [*RANDOM, *SERVED]), "the instance's keys are off")
    columns = (*COLUMNS, *(field for field in optional if field != "server"))
    w: dict[str, Any] = {"names": instance["names"]}
    require(isinstance(w["names"], list) and w["names"], "names is not a list of names")
    require(all(isinstance(n, str) and n and n.isprintable() for n in w["names"]), "a name is not printable")
    require(len(set(w["names"])) == len(w["names"]), "a name stands twice")
    places = 0
    for field in (*columns, *SCALARS):
        values = instance[field] if field in columns else [instance[field]]
        require(isinstance(values, list) and all(type(v) is float for v in values), f"{field}: no doubles")
        least = 5e-324 if field in POSITIVE or field in SCALARS else 0.0
        require(all(least <= value < inf for value in values), f"{field} is out of its range")
        places += sum(max(53 - exponent, exponent) for _, exponent in map(frexp, values))
        require(field in SCALARS or len(values) == len(w["names"]), f"{field} has not one number a name")
        w[field] = [value + 0.0 for value in values] if field in columns else values[0]
    require(places <= MAX_PLACES, "the numbers are too long when written out")
    require(abs(sum(w["prior"]) - 1) <= 2e-9, "prior does not sum to 1")
    accuracy = (A + D for A, D in zip(w["accuracy_gain"], w["base_accuracy"]))
    require(max(accuracy) <= 1 + 2e-9, "an accuracy exceeds 1")
    server = read_server(instance.get("server", DEFAULT))
    require(w["arrival_rate"] / server["replicas"] > 0, "the rate at one replica is 0")
    version, kind, parameters = 1 if columns == COLUMNS else 2, [], []
    if "server" in instance:
        plain = server == DEFAULT and not any(w["prompt_tokens"])
        require(not plain, "an instance of one queue without prompts names no server")
        version, (kind, *parameters) = 3, server.values()
        kind = [kind]
    header = "\n".join([f"cvxtoken-workload/{version}", str(len(w["names"])), *w["names"], *kind, ""])
    doubles = [value for field in columns for value in w[field]] + [w[field] for field in SCALARS]
    doubles += parameters
    w = {field: [0.0] * len(w["names"]) for field in (*RANDOM, "prompt_tokens")} | w | {"server": server}
    return w, hashlib.sha256(header.encode() + struct.pack(f">{len(doubles)}d", *doubles)).hexdigest()


def read_server(server: Any) -> dict[str, Any]:
    """The kind of server and its parameters in the order in which they are hashed, every rule checked."""
    require(isinstance(server, dict) and "kind" in server, "server has no kind")
    kind = server["kind"]
    require(isinstance(kind, str) and kind in LAWS, "the kind of server is not one that is known")
    names = LAWS[kind][1]
    require(set(server) == {"kind", *names}, f"a server of kind {kind} has other keys")
    for name in names:
        value = server[name]
        require(type(value) is float, f"{name} of the server is no double")
        require(names[name](value), f"{name} of the server is out of its range")
    return {"kind": kind, **{name: server[name] + 0.0 for name in names}}


def untargeted(w: dict[str, Any]) -> Goal:
    """The goal without targets: accuracy against E[T]."""
    zeros = [Decimal(0)] * len(w["prior"])
    alpha, no_limits, none = Decimal(w["accuracy_weight"]), [Decimal(inf)] * 4, [Decimal(0)] * 4
    return Goal(alpha, Decimal(1), no_limits, zeros, [], none, zeros, [])


def read_targets(targets: Any, multipliers: Any, w: dict[str, Any], digest: str) -> tuple[Goal, str]:
    """The goal, every rule checked, and the SHA-256 of instance and targets: header, big-endian doubles."""
    names, keys = w["names"], {"objective", *TARGETS}
    require(isinstance(targets, dict) and "objective" in targets and set(targets) <= keys, "targets' keys")
    same = isinstance(multipliers, dict) and set(multipliers) == set(targets) - {"objective"}
    require(same, "the multipliers' keys are not the targets'")
    require(targets["objective"] in ("trade-off", "accuracy"), "objective is not one that is known")
    for name in set(targets) & {*LIMITS, MEMORY}:
        most = 1.0 if name == "max_utilization" else inf
        require(type(targets[name]) is float and 0 < targets[name] < most, f"{name} is out of its range")
    least, prices = targets.get("min_accuracy", {}), multipliers.get("min_accuracy", {})
    require(isinstance(least, dict) and isinstance(prices, dict), "min_accuracy is not by name")
    require(set(least) == set(prices) and set(least) <= set(names), "min_accuracy has not the types' names")
    require(all(type(q) is float and 0 <= q <= 1 for q in least.values()), "min_accuracy is out of its range")
    rows = targets.get("linear", [])
    require(isinstance(rows, list) and all(isinstance(row, list) for row in rows), "linear has no rows")
    require(all(len(row) == len(names) + 1 for row in rows), "a row has not one number a name and a limit")
    require(len(names) * (1 + len(rows)) <= MAX_WORK / 100**2, "the check would take too long")
    require(all(type(x) is float and -inf < x < inf for row in rows for x in row), "linear: no doubles")
    *upper, phi = read_decimals([multipliers.get(name, "0") for name in (*LIMITS, MEMORY)], 5)
    zeta = read_decimals([prices.get(name, "0") for name in names], len(names))
    chi = read_decimals(multipliers.get("linear", []), len(rows))
    require(min((*upper, phi, *zeta, *chi)) >= 0, "a multiplier is negative")
    limits, floors = [targets.get(f, inf) for f in LIMITS], [least.get(name, 0.0) + 0.0 for name in names]
    memory = [targets[MEMORY]] if MEMORY in targets else []
    version = f"cvxtoken-targets/{1 + len(memory)}"
    header = "\n".join([version, digest, targets["objective"], str(len(rows)), ""])
    doubles = [*limits, *memory, *floors, *(x + 0.0 for row in rows for x in row)]
    digest = hashlib.sha256(header.encode() + struct.pack(f">{len(doubles)}d", *doubles)).hexdigest()
    limits, floors, *rows = ([Decimal(x) for x in row] for row in (limits, floors, *rows))
    alpha, weight = untargeted(w)[:2] if targets["objective"] == "trade-off" else (Decimal(1), Decimal(0))
    goal = Goal(alpha, weight, limits, floors, [(row[:-1], row[-1]) for row in rows], upper, zeta, chi)
    return goal._replace(memory=Decimal(targets.get(MEMORY, inf)), phi=phi), digest


def read_decimals(values: Any, size: int) -> list[Decimal]:
    """A list of so many decimal strings, exactly."""
    require(isinstance(values, list) and len(values) == size, "a list has not one number a name")
    require(all(isinstance(v, str) and fullmatch(NUMBER, v) for v in values), "not a decimal number")
    return [Decimal(value) for value in values]


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys are all different."""
    require(len(dict(pairs)) == len(pairs), "a key stands twice")
    return dict(pairs)


def script(check: Callable[[Any], str]) -> None:
    """Check the one file named on the command line; exit status 1 where it is refused."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: python {sys.argv[0]} FILE")
    try:
        print(check(read(sys.argv[1])))
    except Refused as refusal:
        print(f"refused: {refusal}")
        sys.exit(1)


if __name__ == "__main__":
    script(check)
