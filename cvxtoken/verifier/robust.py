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
from collections.abc import Sequence
from decimal import Decimal, DecimalException
from typing import Any

if __package__:
    from cvxtoken.verifier import allocation
    from cvxtoken.verifier.allocation import Curve, Interval, Model, Refused, require
else:  # run as a script beside allocation.py, without the package
    import allocation  # type: ignore[import-not-found, no-redef]
    from allocation import Curve, Interval, Model, Refused, require  # type: ignore[no-redef]

SCHEMA = "cvxtoken-robust-certificate/1"
KEYS = (allocation.KEYS - {"instance", "radii"}) | {"instances", "ends"}
MAX_WORK = 1e9  # some 20 s


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
    X = allocation.arithmetic(digits)
    cost = bound = X.at(0)
    of_draws = []
    for w in draws:
        model = Model(w, allocation.untargeted(w), X)
        constant, curves = model.separate(tokens)
        cost, bound = cost + model.cost(tokens), bound + constant
        of_draws.append(curves)
    count = X.at(len(draws))
    require(lower <= (cost / count).high.copy_negate(), "lower is above what the tokens attain")
    for of_type, l, end, top in zip(zip(*of_draws), tokens, ends, model.l_max):
        bound += least(of_type, X.at(l), X.at(end), top)
    require(upper >= (bound / count).low.copy_negate(), "upper is below what the dual bound proves")


def least(curves: Sequence[Curve], l: Interval, end: Interval, top: Interval) -> Interval:
    """R g or a number below it, at every number of tokens; raises Refused where `end` is none.

    It is that of `wave_below` in formal/Robust.v.
    """
    zero = top - top
    value = sum((curve.pi * curve.value(l) for curve in curves), zero)
    rising = slope(curves, l)
    if (l.low == 0 and rising.low >= 0) or (l.low == top.low and rising.high <= 0):
        return value
    proven = end.low == top.low or slope(curves, end).low >= 0
    require(proven, f"the least value may lie beyond the end {end.low:.6g}")
    bends = (curve.pi * curve.gain * curve.b * curve.b * (-(curve.b * end)).exp() for curve in curves)
    curvature = sum(bends, zero)
    size = top.at(max(rising.low.copy_abs(), rising.high.copy_abs()))
    return value - size * size / (curvature + curvature)


def slope(curves: Sequence[Curve], l: Interval) -> Interval:
    """R g' at l."""
    decays = (curve.gain * curve.b * (-(curve.b * l)).exp() for curve in curves)
    return sum((curve.pi * (curve.slope - decay) for curve, decay in zip(curves, decays)), l - l)


if __name__ == "__main__":
    allocation.script(check)
