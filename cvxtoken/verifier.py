#!/usr/bin/env python3
"""Checks a cvxtoken certificate with the standard library alone: `python verifier.py FILE`.

Exit status 0 and one line that states what is proven, or 1 and the reason why nothing is. It shares no
code with what writes certificates. What a certificate states, for task types k of one server:

    maximise  J(l) = alpha sum pi (A (1 - e^(-b l)) + D) - E[T]    over 0 <= l <= l_max, y > 0,
    t = t0 + c l,   y = 1 - lambda sum pi t,   E[T] = sum pi t + lambda sum pi t^2 / (2 y);

the given tokens reach J >= lower, no allocation exceeds upper, and the optimum lies within the radii.

Why: for every z, t^2 / y >= 2 z t - z^2 y, which makes -J separable. With Z = sum pi z^2,
P = 1 + lambda^2 Z / 2 and s = (P + lambda z) c, every l has
    -J(l) >= -alpha sum pi (A + D) - lambda Z / 2 + sum pi ((P + lambda z) t0 + m),
    m = min of alpha A e^(-b l) + s l over 0 <= l <= l_max, in closed form. Here z = t / y is used.
Each term pi (alpha A e^(-b l) + s l - m) is convex, never negative, and at the optimum at most the gap:
where it is more, at tokens - radius or tokens + radius, the optimum does not lie beyond.
"""

import hashlib
import json
import struct
import sys
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, DecimalException
from math import inf
from re import fullmatch
from typing import Any

SCHEMA = "cvxtoken-certificate/1"
POSITIVE = ("prior", "accuracy_gain", "saturation_rate", "time_per_token", "max_tokens")
COLUMNS = (*POSITIVE[:3], "base_accuracy", "overhead", *POSITIVE[3:])  # in the order they are hashed
SCALARS = ("arrival_rate", "accuracy_weight")
FIELDS = {"names", *COLUMNS, *SCALARS}
KEYS = {"schema", "sha256", "instance", "digits", "lower", "upper", "relative_gap", "tokens", "radii"}
NUMBER = r"-?[0-9]{1,900}(\.[0-9]{1,900})?([eE][-+]?[0-9]{1,4})?"
MAX_BYTES, MAX_DIGITS, MAX_WORK = 50_000_000, 400, 1.5e9


class Refused(Exception):  # noqa: N818 (it is the verdict)
    """The file does not prove what it states; the message says why."""


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
        return json.loads(data.decode("utf-8"), object_pairs_hook=unique, parse_constant=str)
    except OSError as error:
        raise Refused(f"the file cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise Refused(f"the file is damaged: {error}") from error


def check(document: Any) -> str:
    """The line that states what a parsed certificate proves; raises Refused where it does not."""
    require(isinstance(document, dict) and set(document) == KEYS, "the keys are not a certificate's")
    require(document["schema"] == SCHEMA, f"the schema is not {SCHEMA}")
    w, digest = read_instance(document["instance"])
    size, digits = len(w["names"]), document["digits"]
    require(document["sha256"] == digest, f"the instance's SHA-256 is {digest}, not the one stated")
    require(type(digits) is int and 20 <= digits <= MAX_DIGITS, f"digits is not from 20 to {MAX_DIGITS}")
    require(size * max(digits, 100) ** 2 <= MAX_WORK, "the check would take too long")
    tokens, radii = read_decimals(document["tokens"], size), read_decimals(document["radii"], size)
    lower, upper, gap = read_decimals([document[key] for key in ("lower", "upper", "relative_gap")], 3)
    for l, radius, l_max in zip(tokens, radii, w["max_tokens"]):
        require(
            0 <= l <= Decimal(l_max) and radius >= 0, f"tokens {l:.6g} or radius {radius:.3g} out of range"
        )
    try:
        prove(w, tokens, radii, lower, upper, Context(digits, ROUND_FLOOR), Context(digits, ROUND_CEILING))
    except DecimalException as error:
        raise Refused(f"a number is out of range: {type(error).__name__}") from error
    down, up, most = Context(20, ROUND_FLOOR), Context(20, ROUND_CEILING), Context(3, ROUND_CEILING)
    least = Decimal(0) if lower <= 0 <= upper else min(lower.copy_abs(), upper.copy_abs())
    require(up.subtract(upper, lower) <= down.multiply(gap, down.add(1, least)), "relative_gap is too small")
    return (
        f"proven: instance {digest[:12]} ({size} task types) has its optimum J from {down.plus(lower)} to "
        f"{up.plus(upper)}, relative gap <= {most.plus(gap)}; the tokens reach the lower value, each within "
        f"{most.plus(max(radii))} of the optimal number"
    )


def prove(w: Any, tokens: Any, radii: Any, lower: Any, upper: Any, down: Context, up: Context) -> None:
    """Evaluate both bounds and test every radius; raises Refused."""
    add, mul, div = down.add, down.multiply, down.divide  # results never above the true value
    ADD, MUL, DIV = up.add, up.multiply, up.divide  # never below it; so are names in capitals
    types = list(zip(*([Decimal(v) for v in w[field]] for field in COLUMNS), tokens, radii))
    lam, alpha = Decimal(w["arrival_rate"]), Decimal(w["accuracy_weight"])

    # J at the tokens is at least best - COST
    best = BEST = ES = ES2 = LOSS = Decimal(0)
    for pi, A, b, D, t0, c, _, l, _ in types:
        T = ADD(t0, MUL(c, l))
        best, BEST = add(best, mul(pi, mul(alpha, add(A, D)))), ADD(BEST, MUL(pi, MUL(alpha, ADD(A, D))))
        ES, ES2 = ADD(ES, MUL(pi, T)), ADD(ES2, MUL(pi, MUL(T, T)))
        LOSS = ADD(LOSS, MUL(pi, MUL(MUL(alpha, A), up.next_plus(up.exp(MUL(b.copy_negate(), l))))))
    y = down.subtract(1, MUL(lam, ES))
    require(y > 0, "the tokens are not stable: the utilisation is not below 1")
    COST = ADD(ADD(LOSS, ES), DIV(MUL(lam, ES2), mul(2, y)))
    require(lower <= down.subtract(best, COST), "lower is above what the tokens attain")

    # -J of any allocation is at least separable - BEST - lambda Z / 2
    zs = [div(add(t0, mul(c, l)), y) for _, _, _, _, t0, c, _, l, _ in types]
    z2 = Z2 = separable = Decimal(0)
    for (pi, *_), z in zip(types, zs):
        z2, Z2 = add(z2, mul(pi, mul(z, z))), ADD(Z2, MUL(pi, MUL(z, z)))
    P = add(1, div(mul(mul(lam, lam), z2), Decimal(2)))
    minima = []
    for (pi, A, b, _, t0, c, l_max, _, _), z in zip(types, zs):
        kappa = add(P, mul(lam, z))
        s = mul(kappa, c)  # m never falls as s grows, so that rounding s down is safe
        m, M = minimum(alpha, A, b, s, l_max, down, up)
        minima.append((s, M))
        separable = add(separable, mul(pi, add(mul(kappa, t0), m)))
    bound = down.subtract(down.subtract(separable, BEST), DIV(MUL(lam, Z2), Decimal(2)))
    require(upper >= bound.copy_negate(), "upper is below what the dual bound proves")

    GAP = up.subtract(up.subtract(COST, best), bound)
    for (pi, A, b, _, _, _, l_max, l, radius), (s, M) in zip(types, minima):
        left, right = min(l, up.subtract(l, radius)), max(l, add(l, radius))  # inside, if rounded at all
        for x in [x for x, inside in ((left, left > 0), (right, right < l_max)) if inside]:
            psi = add(mul(mul(alpha, A), exp(down, mul(b.copy_negate(), x))), mul(s, x))
            require(mul(pi, down.subtract(psi, M)) > GAP, f"radius {radius:.3g} at {l:.6g} is not proven")


def minimum(alpha: Any, A: Any, b: Any, s: Any, l_max: Any, down: Context, up: Context) -> Any:
    """Bounds, from below and above, of m: of alpha A e^(-b l) + s l the least value, or one below it.

    It is at 0 where s >= alpha A b, at l_max where ln(alpha A b / s) / b is beyond, else at that root.
    """
    gain, GAIN = down.multiply(alpha, A), up.multiply(alpha, A)
    ratio, RATIO = down.divide(down.multiply(gain, b), s), up.divide(up.multiply(GAIN, b), s)
    if s >= up.multiply(GAIN, b):
        return gain, GAIN
    log = down.next_minus(down.ln(ratio))
    LOG = up.add(up.next_plus(up.ln(ratio)), up.divide(up.subtract(RATIO, ratio), ratio))
    if up.multiply(b, l_max) <= log:
        rest = down.multiply(gain, exp(down, down.multiply(b.copy_negate(), l_max)))
        REST = up.multiply(GAIN, up.next_plus(up.exp(up.multiply(b.copy_negate(), l_max))))
        return down.add(rest, down.multiply(s, l_max)), up.add(REST, up.multiply(s, l_max))
    return down.multiply(down.divide(s, b), down.add(1, log)), up.multiply(up.divide(s, b), up.add(1, LOG))


def exp(down: Context, x: Decimal) -> Decimal:
    """A number below e^x: decimal rounds exp and ln to nearest, so that one goes a unit further."""
    return max(down.next_minus(down.exp(x)), Decimal(0))


def read_instance(instance: Any) -> tuple[dict[str, Any], str]:
    """The instance, every rule of a workload checked, and its SHA-256: header, names, big-endian doubles."""
    require(isinstance(instance, dict) and set(instance) == FIELDS, "the instance's keys are off")
    w: dict[str, Any] = {"names": instance["names"]}
    require(isinstance(w["names"], list) and w["names"], "names is not a list of names")
    require(all(isinstance(n, str) and n and n.isprintable() for n in w["names"]), "a name is not printable")
    require(len(set(w["names"])) == len(w["names"]), "a name stands twice")
    for field in (*COLUMNS, *SCALARS):
        values = instance[field] if field in COLUMNS else [instance[field]]
        require(isinstance(values, list) and all(type(v) is float for v in values), f"{field}: no doubles")
        least = 5e-324 if field in POSITIVE or field in SCALARS else 0.0
        require(all(least <= value < inf for value in values), f"{field} is out of its range")
        require(field in SCALARS or len(values) == len(w["names"]), f"{field} has not one number a name")
        w[field] = [value + 0.0 for value in values] if field in COLUMNS else values[0]
    require(abs(sum(w["prior"]) - 1) <= 2e-9, "prior does not sum to 1")
    accuracy = (A + D for A, D in zip(w["accuracy_gain"], w["base_accuracy"]))
    require(max(accuracy) <= 1 + 2e-9, "an accuracy exceeds 1")
    header = "\n".join(["cvxtoken-workload/1", str(len(w["names"])), *w["names"], ""])
    doubles = [value for field in COLUMNS for value in w[field]] + [w[field] for field in SCALARS]
    return w, hashlib.sha256(header.encode() + struct.pack(f">{len(doubles)}d", *doubles)).hexdigest()


def read_decimals(values: Any, size: int) -> list[Decimal]:
    """A list of so many decimal strings, exactly."""
    require(isinstance(values, list) and len(values) == size, "a list has not one number a name")
    require(all(isinstance(v, str) and fullmatch(NUMBER, v) for v in values), "not a decimal number")
    return [Decimal(value) for value in values]


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys are all different."""
    require(len(dict(pairs)) == len(pairs), "a key stands twice")
    return dict(pairs)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python verifier.py FILE")
    try:
        print(check(read(sys.argv[1])))
    except Refused as refusal:
        print(f"refused: {refusal}")
        sys.exit(1)
