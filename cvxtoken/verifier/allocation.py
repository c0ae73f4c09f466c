#!/usr/bin/env python3
"""Checks a cvxtoken certificate with the standard library alone: `python allocation.py FILE`.

Exit status 0 and one line that states what is proven, or 1 and the reason why nothing is. It shares no
code with what writes certificates. What a certificate states, for task types k of one server:

    maximise  J(l) = alpha sum pi (A (1 - e^(-b l)) + D) - E[T]    over 0 <= l <= l_max, y > 0,
    t = t0 + c l,   y = 1 - lambda sum pi t,   E[T] = sum pi t + lambda sum pi (t^2 + s^2) / (2 y),
    s = s0 + s1 l, the deviation of service times, which is 0 where none is given;

the given tokens reach J >= lower, no allocation exceeds upper, and the optimum lies within the radii.

Why: for every z, t^2 / y >= 2 z t - z^2 y, for every v, s^2 / y >= 2 v s - v^2 y, which makes -J separable.
With Z = sum pi (z^2 + v^2), P = 1 + lambda^2 Z / 2 and r = (P + lambda z) c + lambda v s1, every l has
    -J(l) >= -alpha sum pi (A + D) - lambda Z / 2 + sum pi ((P + lambda z) t0 + lambda v s0 + m),
    m = min of alpha A e^(-b l) + r l over 0 <= l <= l_max, in closed form. Here z = t / y, v = s / y.
Each term pi (alpha A e^(-b l) + r l - m) is convex, never negative, and at the optimum at most the gap:
where it is more, at tokens - radius or tokens + radius, the optimum does not lie beyond.

With targets the tokens must meet them, and 'optimum', 'no allocation' mean: of those that meet them. They are
    E[T] <= tau,  E[W] = E[T] - sum pi t <= omega,  rho = lambda sum pi t <= r,  sum pi l <= M,
    A (1 - e^(-b l)) + D >= q for single types,  sum a l <= limit for any rows of numbers a,
each with a multiplier mu, nu, eta, xi, zeta, chi >= 0. Every allocation that meets a target loses nothing by
adding multiplier (value - limit) <= 0 to -J, zeta (q - p) <= 0 included. The sum is of the same form, so that
the same step makes it separable: with w = 1 the weight of E[T] in J and e = w + mu + nu that of E[W],
    P = w + mu + eta lambda + e lambda^2 Z / 2,  r = (P + e lambda z) c + e lambda v s1 + xi + sum chi a / pi,
    alpha A becomes G = alpha A + zeta A / pi, the other lambda become e lambda, and there is added
    -mu tau - nu omega - eta r - xi M - sum chi limit + sum zeta (q - A - D).
Where the objective is accuracy, J = sum pi p: w = 0 and 1 stands for alpha. All else is said above.

That there is an optimum: where E[T] counts, in J or in a target, it is beyond all limits as y falls to 0, and
a limit on rho, below 1, keeps y from it. Elsewhere the bound holds for y = 0 too, so that the largest J over
y >= 0, which there is, is reached within the radii. It is the optimum if all that lies there has y > 0.
"""

import hashlib
import json
import struct
import sys
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, DecimalException
from functools import reduce
from math import frexp, inf
from re import fullmatch
from typing import Any, NamedTuple

SCHEMA, TARGET_SCHEMA = "cvxtoken-certificate/1", "cvxtoken-target-certificate/1"
POSITIVE = ("prior", "accuracy_gain", "saturation_rate", "time_per_token")
COLUMNS = (*POSITIVE[:3], "base_accuracy", "overhead", "time_per_token", "max_tokens")
RANDOM = ("deviation", "deviation_per_token")  # where they are given; hashed in this order
SCALARS = ("arrival_rate", "accuracy_weight")
FIELDS = {"names", *COLUMNS, *SCALARS}
KEYS = {"schema", "sha256", "instance", "digits", "lower", "upper", "relative_gap", "tokens", "radii"}
LIMITS = ("max_mean_system_time", "max_mean_wait", "max_utilization", "max_mean_tokens")
TARGETS = (*LIMITS, "min_accuracy", "linear")
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
    words += [f"{name} {targets[name]!r}" for name in LIMITS if name in targets]
    words += [f"{name} of {len(targets[name])}" for name in ("min_accuracy", "linear") if name in targets]
    return "".join(f"; {word}" for word in words)


def prove(w: Any, tokens: Any, radii: Any, lower: Any, upper: Any, goal: Goal, digits: int) -> None:
    """Test the targets, evaluate both bounds and test every radius; raises Refused."""
    types = list(zip(*([Decimal(x) for x in w[field]] for field in (*COLUMNS, *RANDOM)), tokens, radii))
    lam, down, up = Decimal(w["arrival_rate"]), Context(digits, ROUND_FLOOR), Context(digits, ROUND_CEILING)
    best, BEST, COST, y = attained(types, lam, goal, down, up)
    require(lower <= down.subtract(best, COST), "lower is above what the tokens attain")
    bound, minima = dual(types, lam, goal, BEST, y, down, up)
    require(upper >= bound.copy_negate(), "upper is below what the dual bound proves")

    add, mul, GAP = down.add, down.multiply, up.subtract(up.subtract(COST, best), bound)
    for (pi, _, b, _, _, _, l_max, _, _, l, radius), (g, r, M) in zip(types, minima):
        left, right = min(l, up.subtract(l, radius)), max(l, add(l, radius))  # inside, if rounded at all
        for x in [x for x, inside in ((left, left > 0), (right, right < l_max)) if inside]:
            psi = add(mul(g, exp(down, mul(b.copy_negate(), x))), mul(r, x))
            require(mul(pi, down.subtract(psi, M)) > GAP, f"radius {radius:.3g} at {l:.6g} is not proven")
    if goal.w == 0 and min(goal.limits[:3]) == inf:
        farthest = [min(up.add(l, radius), l_max) for *_, l_max, _, _, l, radius in types]
        TIMES = [up.multiply(x[0], up.add(x[4], up.multiply(x[5], l))) for x, l in zip(types, farthest)]
        y = down.subtract(1, up.multiply(lam, reduce(up.add, TIMES)))
        require(y > 0, "there may be no optimum: within the radii the utilisation may reach 1")


def attained(types: Any, lam: Decimal, goal: Goal, down: Context, up: Context) -> Any:
    """Test the targets at the tokens, where J is at least best - COST, and the idle share y or more."""
    add, mul = down.add, down.multiply  # results never above the true value
    ADD, MUL = up.add, up.multiply  # never below it; so are names in capitals
    alpha, weight, limits, floors, rows = goal[:5]
    tokens = [l for *_, l, _ in types]
    best = BEST = ES = ES2 = LOSS = TOKENS = Decimal(0)
    for (pi, A, b, D, t0, c, _, s0, s1, l, _), q in zip(types, floors):
        T, S, DECAY = ADD(t0, MUL(c, l)), ADD(s0, MUL(s1, l)), up.next_plus(up.exp(MUL(b.copy_negate(), l)))
        best, BEST = add(best, mul(pi, mul(alpha, add(A, D)))), ADD(BEST, MUL(pi, MUL(alpha, ADD(A, D))))
        ES, ES2 = ADD(ES, MUL(pi, T)), ADD(ES2, MUL(pi, ADD(MUL(T, T), MUL(S, S))))
        LOSS, TOKENS = ADD(LOSS, MUL(pi, MUL(MUL(alpha, A), DECAY))), ADD(TOKENS, MUL(pi, l))
        require(q <= D or q <= down.subtract(add(A, D), MUL(A, DECAY)), "the tokens miss min_accuracy")
    y = down.subtract(1, MUL(lam, ES))
    require(y > 0, "the tokens are not stable: the utilisation is not below 1")
    EW = up.divide(MUL(lam, ES2), mul(2, y))
    for name, VALUE, limit in zip(LIMITS, (ADD(ES, EW), EW, MUL(lam, ES), TOKENS), limits):
        require(limit >= VALUE, f"the tokens miss {name}")
    for a, limit in rows:
        require(limit >= reduce(ADD, map(MUL, a, tokens)), "the tokens miss a linear target")
    return best, BEST, ADD(LOSS, MUL(weight, ADD(ES, EW))), y


def dual(types: Any, lam: Decimal, goal: Goal, BEST: Decimal, y: Decimal, down: Context, up: Context) -> Any:
    """A bound, separable - BEST - e lambda Z / 2 - LIMITED, of -J from below, and G, r, M of each type."""
    add, mul, div, ADD, MUL, DIV = down.add, down.multiply, down.divide, up.add, up.multiply, up.divide
    alpha, weight, limits, floors, rows, (mu, nu, eta, xi), zeta, chi = goal
    zs, vs = ([div(add(x[i], mul(x[i + 1], x[-2])), y) for x in types] for i in (4, 7))  # t / y and s / y
    z2 = Z2 = separable = Decimal(0)
    for (pi, *_), z, v in zip(types, zs, vs):
        z2 = add(z2, mul(pi, add(mul(z, z), mul(v, v))))
        Z2 = ADD(Z2, MUL(pi, ADD(MUL(z, z), MUL(v, v))))
    e, E = add(add(weight, mu), nu), ADD(ADD(weight, mu), nu)
    P = add(add(add(weight, mu), mul(eta, lam)), mul(e, div(mul(mul(lam, lam), z2), Decimal(2))))
    priced = [*zip((mu, nu, eta, xi), limits), *zip(chi, [limit for _, limit in rows])]
    LIMITED = reduce(ADD, (MUL(price, limit) for price, limit in priced if price), Decimal(0))
    minima = []
    for k, ((pi, A, b, D, t0, c, l_max, s0, s1, *_), z, v, q) in enumerate(zip(types, zs, vs, floors)):
        kappa, price = add(P, mul(e, mul(lam, z))), mul(e, mul(lam, v))  # of t and of s
        tilt = reduce(add, (mul(m, a[k]) for m, (a, _) in zip(chi, rows)), Decimal(0))
        r = add(add(mul(kappa, c), mul(price, s1)), add(xi, div(tilt, pi)))
        g = add(mul(alpha, A), div(mul(zeta[k], A), pi))
        G = ADD(MUL(alpha, A), DIV(MUL(zeta[k], A), pi))
        m, M = minimum(g, G, b, r, l_max, down, up)  # m never falls as r or G grow: rounding down is safe
        minima.append((g, r, M))
        separable = add(separable, mul(pi, add(add(mul(kappa, t0), mul(price, s0)), m)))
        LIMITED = ADD(LIMITED, MUL(zeta[k], up.subtract(ADD(A, D), q)))
    bound = down.subtract(down.subtract(separable, BEST), MUL(E, DIV(MUL(lam, Z2), Decimal(2))))
    return down.subtract(bound, LIMITED), minima


def minimum(gain: Any, GAIN: Any, b: Any, r: Any, l_max: Any, down: Context, up: Context) -> Any:
    """Bounds, from below and above, of m: of G e^(-b l) + r l the least value, or one below it.

    It is at 0 where r >= G b, at l_max where r <= 0 or ln(G b / r) / b is beyond, else at that root.
    """
    if r >= up.multiply(GAIN, b):
        return gain, GAIN
    if r > 0:
        ratio, RATIO = down.divide(down.multiply(gain, b), r), up.divide(up.multiply(GAIN, b), r)
        log = down.next_minus(down.ln(ratio))
        LOG = up.add(up.next_plus(up.ln(ratio)), up.divide(up.subtract(RATIO, ratio), ratio))
    if r <= 0 or up.multiply(b, l_max) <= log:
        rest = down.multiply(gain, exp(down, down.multiply(b.copy_negate(), l_max)))
        REST = up.multiply(GAIN, up.next_plus(up.exp(up.multiply(b.copy_negate(), l_max))))
        return down.add(rest, down.multiply(r, l_max)), up.add(REST, up.multiply(r, l_max))
    return down.multiply(down.divide(r, b), down.add(1, log)), up.multiply(up.divide(r, b), up.add(1, LOG))


def exp(down: Context, x: Decimal) -> Decimal:
    """A number below e^x: decimal rounds exp and ln to nearest, so that one goes a unit further."""
    return max(down.next_minus(down.exp(x)), Decimal(0))


def read_instance(instance: Any) -> tuple[dict[str, Any], str]:
    """The instance, every rule of a workload checked, and its SHA-256: header, names, big-endian doubles."""
    known = isinstance(instance, dict) and set(instance) in (FIELDS, FIELDS | set(RANDOM))
    require(known, "the instance's keys are off")
    columns = (*COLUMNS, *(RANDOM if len(instance) > len(FIELDS) else ()))
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
    version = f"cvxtoken-workload/{1 if columns == COLUMNS else 2}"
    header = "\n".join([version, str(len(w["names"])), *w["names"], ""])
    doubles = [value for field in columns for value in w[field]] + [w[field] for field in SCALARS]
    w = {field: [0.0] * len(w["names"]) for field in RANDOM} | w
    return w, hashlib.sha256(header.encode() + struct.pack(f">{len(doubles)}d", *doubles)).hexdigest()


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
    for name in set(targets) & set(LIMITS):
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
    upper = read_decimals([multipliers.get(name, "0") for name in LIMITS], 4)
    zeta = read_decimals([prices.get(name, "0") for name in names], len(names))
    chi = read_decimals(multipliers.get("linear", []), len(rows))
    require(min((*upper, *zeta, *chi)) >= 0, "a multiplier is negative")
    limits, floors = [targets.get(f, inf) for f in LIMITS], [least.get(name, 0.0) + 0.0 for name in names]
    header = "\n".join(["cvxtoken-targets/1", digest, targets["objective"], str(len(rows)), ""])
    doubles = [*limits, *floors, *(x + 0.0 for row in rows for x in row)]
    digest = hashlib.sha256(header.encode() + struct.pack(f">{len(doubles)}d", *doubles)).hexdigest()
    limits, floors, *rows = ([Decimal(x) for x in row] for row in (limits, floors, *rows))
    alpha, weight = untargeted(w)[:2] if targets["objective"] == "trade-off" else (Decimal(1), Decimal(0))
    return Goal(
        alpha, weight, limits, floors, [(row[:-1], row[-1]) for row in rows], upper, zeta, chi
    ), digest


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
