#!/usr/bin/env python3
"""Checks a proof about the best average of several workloads: `python robust.py FILE`.

Standard library only, with allocation.py beside it; it shares no code with what writes proofs. What a proof
states of draws r = 1..R of an instance, J_r being the objective of `allocation` in draw r: the given tokens
are stable in all draws and reach a mean J_r of at least lower; no allocation has a mean above upper.

Why: in every draw, for any z and v, -J_r is at least a sum over the types (see `allocation`), and with
kappa = 1 + lambda^2 Z / 2 + lambda z the mean of these sums is, but for what no token changes, a sum of

    g(l) = (1 / R) sum_r pi [alpha A e^(-b l) + (kappa c + lambda v s1) l]   over 0 <= l <= l_max,

convex, and with a second derivative that falls. Let the given `end` be at least the type's tokens p, and
l_max or a point where g' >= 0, so that the least value is not beyond. Up to there g'' >= m = g''(end), and

    g >= g(p) - g'(p)^2 / (2 m),   or g >= g(p) where p = 0 and g' >= 0, or p = l_max and g' <= 0.
"""

import hashlib
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, DecimalException
from typing import Any

if __package__:
    from cvxtoken.verifier import allocation
else:  # run as a script beside allocation.py, without the package
    import allocation  # type: ignore[import-not-found, no-redef]

SCHEMA = "cvxtoken-robust-certificate/1"
KEYS = (allocation.KEYS - {"instance", "radii"}) | {"instances", "ends"}
MAX_WORK = 1e9  # some 20 s
Refused, require = allocation.Refused, allocation.require


def check(document: Any) -> str:
    """The line that states what a parsed proof proves; raises Refused where it does not."""
    good = isinstance(document, dict) and set(document) == KEYS and document["schema"] == SCHEMA
    require(good, f"the keys or the schema are not those of a {SCHEMA}")
    draws, digest = read_draws(document["instances"])
    size, digits = len(draws[0]["names"]), document["digits"]
    require(document["sha256"] == digest, f"the draws' SHA-256 is {digest}, not the one stated")
    good = type(digits) is int and 20 <= digits <= allocation.MAX_DIGITS
    require(good, f"digits is not from 20 to {allocation.MAX_DIGITS}")
    require(size * len(draws) * max(digits, 100) ** 2 <= MAX_WORK, "the check would take too long")
    tokens, ends = (allocation.read_decimals(document[field], size) for field in ("tokens", "ends"))
    for l, end, l_max in zip(tokens, ends, draws[0]["max_tokens"]):
        require(0 <= l <= end <= Decimal(l_max), f"{l:.6g} or its end {end:.6g} is out of range")
    lower, upper, (low, high, gap) = allocation.read_bounds(document)
    try:
        prove(draws, tokens, ends, lower, upper, digits)
    except DecimalException as error:
        raise Refused(f"a number is out of range: {type(error).__name__}") from error
    return (
        f"proven: the mean J over {len(draws)} draws {digest} ({size} task types) has its optimum from "
        f"{low}, which the tokens reach, to {high}, relative gap <= {gap}"
    )


def read_draws(instances: Any) -> tuple[list[dict[str, Any]], str]:
    """The draws, of the same types and largest budgets, and their SHA-256, of the lines of the draws' own."""
    require(isinstance(instances, list) and instances, "instances is not a list of draws")
    draws, digests = zip(*map(allocation.read_instance, instances))
    for field in ("names", "max_tokens"):
        require(all(w[field] == draws[0][field] for w in draws), f"the draws differ in {field}")
    text = "\n".join(["cvxtoken-robust/1", *digests, ""])
    return list(draws), hashlib.sha256(text.encode()).hexdigest()


def prove(draws: Any, tokens: Any, ends: Any, lower: Decimal, upper: Decimal, digits: int) -> None:
    """Evaluate both bounds; raises Refused."""
    down, up, count = Context(digits, ROUND_FLOOR), Context(digits, ROUND_CEILING), Decimal(len(draws))
    attained = bound = Decimal(0)
    curves: list[list[Curve]] = [[] for _ in tokens]  # of each type, one a draw
    for w in draws:
        J, constant, terms = draw(w, tokens, down, up)
        attained, bound = down.add(attained, J), down.add(bound, constant)
        for of_type, term in zip(curves, terms):
            of_type.append(term)
    require(lower <= down.divide(attained, count), "lower is above what the tokens attain")
    for of_type, l, end, l_max in zip(curves, tokens, ends, draws[0]["max_tokens"]):
        bound = down.add(bound, least(of_type, l, end, Decimal(l_max), down, up))
    bound = down.divide(bound, count)
    require(upper >= bound.copy_negate(), "upper is below what the dual bound proves")


Curve = tuple[Any, ...]  # pi alpha A from below and above, b, pi (kappa c + lambda v s1) from below and above


def draw(w: Any, tokens: Any, down: Context, up: Context) -> tuple[Decimal, Decimal, list[Curve]]:
    """J at the tokens, from below, and the bound of -J: a constant, from below, and a curve of each type."""
    add, mul, div, ADD, MUL, DIV = down.add, down.multiply, down.divide, up.add, up.multiply, up.divide
    fields = (*allocation.COLUMNS, *allocation.RANDOM)
    types = list(zip(*([Decimal(x) for x in w[field]] for field in fields), tokens, tokens))
    lam, alpha, two = Decimal(w["arrival_rate"]), Decimal(w["accuracy_weight"]), Decimal(2)
    best, BEST, COST, y = allocation.attained(types, lam, allocation.untargeted(w), down, up)
    z2 = Z2 = Decimal(0)
    zs, vs = ([div(add(x[i], mul(x[i + 1], x[-1])), y) for x in types] for i in (4, 7))  # t / y and s / y
    for (pi, *_), z, v in zip(types, zs, vs):
        z2 = add(z2, mul(pi, add(mul(z, z), mul(v, v))))
        Z2 = ADD(Z2, MUL(pi, ADD(MUL(z, z), MUL(v, v))))
    P, P_UP = add(1, div(mul(mul(lam, lam), z2), two)), ADD(1, DIV(MUL(MUL(lam, lam), Z2), two))
    constant, curves = down.subtract(BEST.copy_negate(), DIV(MUL(lam, Z2), two)), []
    for (pi, A, b, _, t0, c, _, s0, s1, *_), z, v in zip(types, zs, vs):
        kappa, price = add(P, mul(lam, z)), mul(lam, v)  # of t and of s
        KAPPA, PRICE = ADD(P_UP, MUL(lam, z)), MUL(lam, v)
        constant = add(constant, mul(pi, add(mul(kappa, t0), mul(price, s0))))
        slope, SLOPE = add(mul(kappa, c), mul(price, s1)), ADD(MUL(KAPPA, c), MUL(PRICE, s1))
        gain, GAIN = mul(pi, mul(alpha, A)), MUL(pi, MUL(alpha, A))
        curves.append((gain, GAIN, b, mul(pi, slope), MUL(pi, SLOPE)))
    return down.subtract(best, COST), constant, curves


def least(curves: Any, l: Decimal, end: Decimal, l_max: Decimal, down: Context, up: Context) -> Decimal:
    """A number below R g everywhere; raises Refused where `end` is none."""
    value, slope, SLOPE, _ = derivatives(curves, l, down, up)
    if (l == 0 and slope >= 0) or (l == l_max and SLOPE <= 0):
        return value
    _, rising, _, curvature = derivatives(curves, end, down, up)
    require(end == l_max or rising >= 0, f"the least value may lie beyond the end {end:.6g}")
    size = max(slope.copy_abs(), SLOPE.copy_abs())
    return down.subtract(value, up.divide(up.multiply(size, size), down.multiply(2, curvature)))


def derivatives(curves: Any, l: Decimal, down: Context, up: Context) -> tuple[Decimal, ...]:
    """R g, R g' and R g'' at l, from below; after R g' the same from above."""
    value = slope = SLOPE = curvature = Decimal(0)
    for gain, GAIN, b, rise, RISE in curves:
        decay = down.multiply(gain, allocation.exp(down, down.multiply(b.copy_negate(), l)))
        DECAY = up.multiply(GAIN, up.next_plus(up.exp(up.multiply(b.copy_negate(), l))))
        value = down.add(value, down.add(decay, down.multiply(rise, l)))
        slope = down.add(slope, down.subtract(rise, up.multiply(b, DECAY)))
        SLOPE = up.add(SLOPE, up.subtract(RISE, down.multiply(b, decay)))
        curvature = down.add(curvature, down.multiply(down.multiply(b, b), decay))
    return value, slope, SLOPE, curvature


if __name__ == "__main__":
    allocation.script(check)
