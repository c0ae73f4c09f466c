#!/usr/bin/env python3
"""Checks a proof about curves with a lag: `python lagged.py FILE`, with allocation.py beside it.

Standard library only; it shares no code with the search. What a proof states, for task types k of one server
whose accuracy gains nothing below a lag l0, with (x)_+ = max(x, 0) and all else as in `allocation`:

    maximise  J(l) = alpha sum pi (A (1 - e^(-b (l - l0)_+)) + D) - E[T]    over 0 <= l <= l_max, y > 0;

the given tokens reach J >= lower, and no allocation exceeds upper.

Why: with z, v, Z, P and r = (P + lambda z) c + lambda v s1 of `allocation`, all z and v >= 0, every l has
    -J(l) >= -alpha sum pi (A + D) - lambda Z / 2 + sum pi ((P + lambda z) t0 + lambda v s0 + m),
    m the least of alpha A e^(-b (l - l0)_+) + r l over what the type may do. As r >= 0, that is

    off, l <= l0:  alpha A, at l = 0;
    on, l >= l0:   r l0 + min of alpha A e^(-b d) + r d over 0 <= d <= l_max - l0, that of `allocation`;
    free:          the smaller of the two.

A type has a choice where 0 < l0 < l_max. Without a lag it is always on, with l0 >= l_max always off. Off and
on together are all of 0 <= l <= l_max: tokens up to the lag are off, and worse than none at all.

A leaf says of every type that it is free ('.'), off ('0') or on ('1'), and has a point, tokens with y > 0,
which gives its prices z = t / y, v = s / y: any point makes a valid bound. Or it has none, because it leaves
nothing stable: y <= 0 by the delay law of `allocation`, at l0 for what is on and at 0 for the rest. Every way
for all types to be off or on agrees with some leaf, so that the largest bound of a leaf is one for all
allocations.

The SHA-256 is of the text 'cvxtoken-lagged/1' and that of the instance, each followed by a line feed, and the
lags of all types as big-endian doubles.
"""

import hashlib
import struct
from decimal import Decimal, DecimalException
from fractions import Fraction
from math import inf
from typing import Any

if __package__:
    from cvxtoken.verifier import allocation
    from cvxtoken.verifier.allocation import Curve, Interval, Model, Refused, require
else:  # run as a script beside allocation.py, without the package
    import allocation  # type: ignore[import-not-found, no-redef]
    from allocation import Curve, Interval, Model, Refused, require  # type: ignore[no-redef]

SCHEMA = "cvxtoken-lagged-certificate/1"
KEYS = (allocation.KEYS - {"radii"}) | {"lag", "leaves"}
MAX_WORK, MAX_CHARACTERS = 1.5e9, 3e8  # some 15 s of bounds, some seconds of strings
Leaf = tuple[str, list[Decimal] | None]  # choices and point


def check(document: Any) -> str:
    """The line that states what a parsed proof proves; raises Refused where it does not."""
    good = isinstance(document, dict) and set(document) == KEYS and document["schema"] == SCHEMA
    require(good, f"the keys or the schema are not those of a {SCHEMA}")
    w, digest = read_instance(document["instance"], document["lag"])
    size, digits, leaves = len(w["names"]), document["digits"], document["leaves"]
    require(document["sha256"] == digest, f"the SHA-256 of instance and lags is {digest}, not the one stated")
    require(type(digits) is int and 20 <= digits <= allocation.MAX_DIGITS, "digits is out of range")
    require(isinstance(leaves, list) and leaves, "leaves is not a list of leaves")
    require(work(size, len(leaves), digits) <= MAX_WORK, "the check would take too long")
    tokens = allocation.read_decimals(document["tokens"], size)
    for l, l_max in zip(tokens, w["max_tokens"]):
        require(0 <= l <= Decimal(l_max), f"{l:.6g} tokens are out of range")
    places = choosing(w)
    read = [read_leaf(leaf, size, set(places)) for leaf in leaves]
    lower, upper, (low, high, gap) = allocation.read_bounds(document)
    try:
        prove(w, tokens, read, lower, upper, digits)
    except DecimalException as error:
        raise Refused(f"a number is out of range: {type(error).__name__}") from error
    return (
        f"proven: with its lags instance {digest} ({size} task types, {len(places)} with a choice) "
        f"has its optimum J from {low}, which the tokens reach, to {high}, "
        f"relative gap <= {gap}"
    )


def work(size: int, leaves: int, digits: int) -> float:
    """What a check takes, in units of MAX_WORK."""
    return float(size * leaves * max(digits, 100) ** 2)


def prove(w: Any, tokens: Any, leaves: list[Leaf], lower: Decimal, upper: Decimal, digits: int) -> None:
    """Evaluate J at the tokens, cover all choices and bound every leaf; raises Refused."""
    model = Model(w, allocation.untargeted(w), allocation.arithmetic(digits))
    attained = model.cost(tokens, w["lag"]).high.copy_negate()
    require(lower <= attained, "lower is above what the tokens attain")
    lags, places = list(map(model.X.at, w["lag"])), choosing(w)
    cover(["".join(choices[k] for k in places) for choices, _ in leaves])
    for choices, point in leaves:
        if point is None:
            unstable = idle(model, w, choices) <= 0
            require(unstable, f"leaf {choices[:1000]} leaves something stable, and has no point")
        else:
            bound, curves = model.separate(point)
            for choice, curve, top, lag in zip(choices, curves, model.l_max, lags):
                bound += curve.pi * least(choice, curve, top, lag)
            proven = upper >= bound.low.copy_negate()
            require(proven, f"upper is below what leaf {choices[:1000]} proves")


def least(choice: str, curve: Curve, top: Interval, lag: Interval) -> Interval:
    """m, or a number below it, of a curve that does not fall in r: `least_off`, `least_on` of Lagged.v."""
    if choice == "0" or lag.low >= top.low:
        return curve.gain
    on = curve.slope * lag + curve.least(top - lag)
    return on if choice == "1" else type(on)(min(curve.gain.low, on.low), min(curve.gain.high, on.high))


def choosing(w: Any) -> list[int]:
    """The types that can be off or on."""
    return [k for k, (lag, l_max) in enumerate(zip(w["lag"], w["max_tokens"])) if 0 < lag < l_max]


def cover(leaves: list[str]) -> None:
    """Require that every string of 0 and 1 agrees with some leaf, '.' agreeing with both (`covered`)."""
    groups, left = [leaves], MAX_CHARACTERS
    while groups:
        group = groups.pop()  # these must cover the strings that begin as the splits so far say
        require(group, "the leaves leave some choices out")
        if not all(leaf.strip(".") for leaf in group):
            continue
        size, text = len(group[0]), "".join(group)
        k = min(range(size), key=lambda k: text[k::size].count("."))  # of a tree, its first split
        for choice in "01":
            left -= len(group) * (size + 50)
            require(left >= 0, "the check would take too long")
            groups.append([leaf[:k] + leaf[k + 1 :] for leaf in group if leaf[k] in ("." + choice)])


def idle(model: Model, w: Any, choices: str) -> Fraction:
    """The largest idle share that the choices allow, exactly."""
    busy = Fraction(0)
    overhead_share, token_share = (Fraction(x.low) for x in model.law[-2:])  # of exact numbers
    for pi, t0, c, lag, choice in zip(w["prior"], w["overhead"], w["time_per_token"], w["lag"], choices):
        thinking = token_share * Fraction(c) * Fraction(lag if choice == "1" else 0.0)
        busy += Fraction(pi) * (overhead_share * Fraction(t0) + thinking)
    return 1 - Fraction(model.lam.low) * busy


def read_instance(instance: Any, lag: Any) -> tuple[dict[str, Any], str]:
    """The instance with its lags, every rule checked, and the SHA-256 of both."""
    w, digest = allocation.read_instance(instance)
    good = isinstance(lag, list) and len(lag) == len(w["names"]) and all(type(l0) is float for l0 in lag)
    require(good, "lag has not one double a name")
    require(all(0 <= l0 < inf for l0 in lag), "a lag is out of its range")
    w["lag"] = [l0 + 0.0 for l0 in lag]
    data = f"cvxtoken-lagged/1\n{digest}\n".encode() + struct.pack(f">{len(lag)}d", *w["lag"])
    return w, hashlib.sha256(data).hexdigest()


def read_leaf(leaf: Any, size: int, places: set[int]) -> Leaf:
    """Choices and point of a leaf, every rule checked."""
    require(isinstance(leaf, dict) and set(leaf) == {"choices", "point"}, "a leaf's keys are off")
    choices = leaf["choices"]
    good = isinstance(choices, str) and len(choices) == size and set(choices) <= set(".01")
    require(good, "the choices of a leaf are not one of '.', '0' and '1' a name")
    require(all(c == "." or k in places for k, c in enumerate(choices)), "a type without a choice makes one")
    if leaf["point"] is None:
        return choices, None
    point = allocation.read_decimals(leaf["point"], size)
    require(min(point) >= 0, "a point has negative tokens")
    return choices, point


if __name__ == "__main__":
    allocation.script(check)
