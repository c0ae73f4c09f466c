#!/usr/bin/env python3
"""Checks a proof about randomised limits on output tokens: `python stopping.py FILE`, beside allocation.py.

Standard library only, exact fractions only, no solver. What a proof states: answers of type k, of which there
are `weights`[k] in the sum of the weights, have n tokens in `counts`[k][n - 1] of the sum of the counts. They
are stopped at n tokens with a probability w_k(n) of one's choice, take t0 + c min(N, n) seconds, arrive at
random (Poisson) at a rate lambda and are served first come first served. With the moments s1 and s2 of the
service time and the utility u of a rule w, all linear in w, the given rule has u >= required and
lambda s1 < 1, and its mean wait is at most upper; no rule with u >= required has a mean wait below lower.

Why: E[W] = lambda s2 / (2 (1 - lambda s1)) (Pollaczek and Khinchine). For any mu >= 0 and v let y_k be the
least over n of  share_k [lambda s2_k(n) / 2 + v lambda s1_k(n) - mu u_k(n)].  Where
sum_k y_k + mu required >= v, every rule with u >= required has
lambda s2 / 2 >= v (1 - lambda s1) + mu (u - required), so that E[W] >= v.
The utility is the share of answers left whole, or that of all tokens which are delivered.

Where the instance names a server, its answers share it: E[T] = s1 / (1 - rho), rho = lambda (overhead t0 +
sigma (s1 - t0)), lambda being the rate at one replica, and the wait is what is lost to others, E[T] - s1 = s1
rho / (1 - rho). It rises with s1 >= t0 alone. So v is then a bound of s1, with s1_k in place of lambda s2_k /
2 and 0 in place of lambda s1_k above; where t0 <= v, no rule waits less than v rho / (1 - rho) at s1 = v.
"""

import hashlib
import json
from fractions import Fraction
from re import fullmatch
from typing import Any

if __package__:
    from cvxtoken.verifier import allocation
else:  # run as a script beside allocation.py, without the package
    import allocation  # type: ignore[import-not-found, no-redef]

SCHEMA = "cvxtoken-stopping-certificate/1"
KEYS = {"schema", "sha256", "instance", "rule", "v", "mu", "lower", "upper", "relative_gap"}
FIELDS = {"weights", "counts", "time_per_token", "overhead", "arrival_rate", "utility", "required"}
UTILITIES = ("share_whole", "share_tokens")
LARGEST, MOST_LIMITS, MOST_DIGITS = 10**9, 20_000, 1_000  # of a count; over all types; of a fraction
Refused, require = allocation.Refused, allocation.require
Limit = tuple[Fraction, Fraction, Fraction]  # s1, s2, u of a type at a limit, times its share


class Law:
    """First come, first served: what a limit costs, and how long a rule waits."""

    def __init__(self, lam: Fraction) -> None:
        self.lam = lam

    def cost(self, s1: Fraction, s2: Fraction) -> Fraction:
        """lambda s2 / 2."""
        return self.lam * s2 / 2

    def load(self, s1: Fraction) -> Fraction:
        """lambda s1."""
        return self.lam * s1

    def wait(self, s1: Fraction, s2: Fraction) -> Fraction:
        """E[W] of a rule with these moments; raises Refused where it is not stable."""
        require(self.lam * s1 < 1, "the rule is not stable")
        return self.lam * s2 / (2 * (1 - self.lam * s1))

    def bound(self, v: Fraction) -> Fraction:
        """The bound of E[W] that v is."""
        return v


class SharedLaw(Law):
    """All answers share the server, so that the wait rises with s1 alone."""

    def __init__(self, lam: Fraction, t0: Fraction, sigma: Fraction, overhead: Fraction) -> None:
        super().__init__(lam)
        self.t0, self.sigma, self.overhead = t0, sigma, overhead

    def cost(self, s1: Fraction, s2: Fraction) -> Fraction:
        """s1."""
        return s1

    def load(self, s1: Fraction) -> Fraction:
        """0."""
        return Fraction(0)

    def wait(self, s1: Fraction, s2: Fraction) -> Fraction:
        """s1 rho / (1 - rho); raises Refused where rho is not below 1."""
        rho = self.lam * (self.overhead * self.t0 + self.sigma * (s1 - self.t0))
        require(rho < 1, "the rule is not stable")
        return s1 * rho / (1 - rho)

    def bound(self, v: Fraction) -> Fraction:
        """The wait at s1 = v; raises Refused where v is below t0, or no rule above it is stable."""
        require(v >= self.t0, "v is below the overhead")
        return self.wait(v, v)


def check(document: Any) -> str:
    """The line that states what a parsed proof proves; raises Refused where it does not."""
    good = isinstance(document, dict) and set(document) == KEYS and document["schema"] == SCHEMA
    require(good, f"the keys or the schema are not those of a {SCHEMA}")
    limits, law, required, digest = read_instance(document["instance"])
    require(document["sha256"] == digest, f"the instance's SHA-256 is {digest}, not the one stated")
    rule = read_rule(document["rule"], limits)
    v, mu = read_fraction(document["v"]), read_fraction(document["mu"])
    lower, upper, (low, high, gap) = allocation.read_bounds(document)
    sums = [Fraction(0)] * 3
    for k, n, w in rule:
        sums = [total + w * part for total, part in zip(sums, limits[k][n - 1])]
    s1, s2, u = sums
    require(u >= required, "the rule misses the utility")
    require(law.wait(s1, s2) <= Fraction(upper), "the rule's mean wait is above upper")
    least = [min(law.cost(s1, s2) + v * law.load(s1) - mu * u for s1, s2, u in of_type) for of_type in limits]
    require(mu >= 0 and sum(least) + mu * required >= v, "v is no bound at mu")
    require(Fraction(lower) <= law.bound(v), "lower is above v")
    types = f"{len(limits)} types" + (", which share a server" if isinstance(law, SharedLaw) else "")
    return (
        f"proven: the mean wait of the best randomised limits of {digest} ({types}) is from {low} to "
        f"{high} s, which the rule reaches, relative gap <= {gap}"
    )


def read_instance(instance: Any) -> tuple[list[list[Limit]], Law, Fraction, str]:
    """By type and limit s1, s2 and u times the share; the law, the utility required, and the SHA-256.

    That is of the instance as JSON with sorted keys and no spaces.
    """
    good = isinstance(instance, dict) and set(instance) - {"server"} == FIELDS
    require(good, f"the instance must have {', '.join(sorted(FIELDS))}")
    weights, counts = instance["weights"], instance["counts"]
    good = isinstance(counts, list) and isinstance(weights, list) and len(weights) == len(counts) > 0
    require(good and all(isinstance(row, list) and row for row in counts), "counts is not a list a weight")
    require(sum(map(len, counts)) <= MOST_LIMITS, f"there are more than {MOST_LIMITS} limits")
    whole = [x for row in (weights, *counts) for x in row]
    require(all(type(x) is int and 0 <= x <= LARGEST for x in whole), "a count is not a whole number to 1e9")
    require(all(weights) and all(row[-1] for row in counts), "a weight or a last count is 0")
    scalars = [instance[name] for name in ("time_per_token", "overhead", "arrival_rate", "required")]
    good = all(type(x) in (int, float) and 0 <= x <= LARGEST for x in scalars)
    require(
        good and scalars[0] and scalars[2], "a number is not finite, or negative, or 0 where it may not be"
    )
    require(instance["utility"] in UTILITIES, f"the utility is not one of {', '.join(UTILITIES)}")
    c, t0, lam, required = map(Fraction, scalars)
    law = Law(lam)
    if "server" in instance:
        server = allocation.read_server(instance["server"])
        require(server["kind"] in allocation.TOGETHER, "a server that takes one at a time is not named")
        rate = instance["arrival_rate"] / server["replicas"]  # at one replica: the nearest double
        require(rate > 0, "the rate at one replica is 0")
        law = SharedLaw(Fraction(rate), t0, Fraction(server["sigma"]), Fraction(server["overhead"]))
    shares = [Fraction(weight, sum(weights)) for weight in weights]
    moments = [clipped(row) for row in counts]
    mean = sum(share * rows[-1][0] for share, rows in zip(shares, moments))
    limits = []
    for share, rows in zip(shares, moments):
        limits.append(
            [
                (
                    share * (t0 + c * m1),
                    share * (t0 * t0 + 2 * t0 * c * m1 + c * c * m2),
                    share * (whole if instance["utility"] == "share_whole" else m1 / mean),
                )
                for m1, m2, whole in rows
            ]
        )
    text = json.dumps(instance, sort_keys=True, separators=(",", ":"))
    return limits, law, required, hashlib.sha256(text.encode()).hexdigest()


def clipped(counts: list[int]) -> list[Limit]:
    """By limit n, E[min(N, n)], E[min(N, n)^2] and P(N <= n)."""
    total, found = sum(counts), []
    first = second = 0  # of the answers of at most n tokens
    below = 0
    for n, count in enumerate(counts, 1):
        below, first, second = below + count, first + count * n, second + count * n * n
        longer = total - below
        parts = (first + longer * n, second + longer * n * n, below)
        found.append(tuple(Fraction(part, total) for part in parts))
    return found  # type: ignore[return-value]


def read_rule(rule: Any, limits: list[list[Limit]]) -> list[tuple[int, int, Fraction]]:
    """Triples (type, limit, probability), which are not negative and sum to 1 of every type."""
    require(isinstance(rule, list) and len(rule) <= MOST_LIMITS, "the rule is not a list")
    sums, found = [Fraction(0)] * len(limits), []
    for item in rule:
        good = isinstance(item, list) and len(item) == 3 and all(type(x) is int for x in item[:2])
        require(good, "an item of the rule is not a type, a limit and a probability")
        k, n, w = item[0], item[1], read_fraction(item[2])
        require(0 <= k < len(limits) and 1 <= n <= len(limits[k]), f"there is no limit {n} of type {k}")
        require(w >= 0, "a probability is negative")
        sums[k] += w
        found.append((k, n, w))
    require(all(total == 1 for total in sums), "the probabilities of a type do not sum to 1")
    return found


def read_fraction(text: Any) -> Fraction:
    """A fraction such as '3/7', exactly."""
    good = isinstance(text, str) and len(text) <= MOST_DIGITS and fullmatch(r"-?\d+(/[1-9]\d*)?", text)
    require(good, "not a fraction")
    return Fraction(text)


if __name__ == "__main__":
    allocation.script(check)
