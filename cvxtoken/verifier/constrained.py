#!/usr/bin/env python3
"""Checks a proof about budgets under any further constraints: `python constrained.py FILE`.

Standard library only, with allocation.py and conic.py beside it; it shares no code with what writes proofs.
It writes the instance of the file, its targets and the further constraints as a cone program, all of whose
numbers are doubles of the file, and lets `conic` check the proof that the file holds of that program.

Its unknowns are the tokens l, then these and those of the constraints' own, in the order of the lines, with
one row a line and type k, where it has a k; all sums are over the types. Equations come first, then
inequalities, then cones, each in the order of the lines:

    (-b l, 1, e) in the exponential cone        e >= e^(-b l)
    d + e = 1,  g - A d = D                     g <= p, and any smaller number
    0 <= l <= l_max; l = 0 where l_max is 0
    a = sum pi g
    r = c l,  t - r = t0                        and s - s1 l = s0 where deviations are given
    S = sum pi t,  C = sum pi r,  T0 = S - C
    share = sigma0 T0 + sigma C,  rho = lambda share,  y + rho = 1

and, where E[T] counts, in J or in a target, T >= E[T]. First come, first served:

    w_k y >= t^2 / 2,  v_k y >= s^2 / 2,  M = sum pi (w + v),  T = S + lambda M

and shared, with y0 = y + lambda sigma C = 1 - lambda sigma0 T0 > 0, X >= C / y, T >= (T0 + C) / y:

    part_k = t0 T,  total = sum pi part,  from_T = lambda total       is lambda T0 T
    the same of X
    m y >= C^2 / 2 (m = 0 where sigma is 0),  n = lambda m
    X - sigma0 from_X - C - 2 sigma n = 0                             y0 X = C + lambda sigma C^2 / y
    T - sigma0 from_T - S - 2 sigma n - sigma from_X = 0              y0 T = T0 + lambda sigma T0 X + y0 X

Targets: T <= tau,  T - S <= omega,  rho <= most,  sum pi l <= M; for E[KV] <= K  L n >= l^2 / 2,
h = m t + c L n and H = sum pi h,  lambda H - K y <= 0 (lambda H <= K where one query is served at a time);
g >= q;  sums a l <= limit. Rotated cones w y >= t^2 / 2 are (2 w + y, 2 w - y, 2 t) in a second-order cone;
L is the least power of two above l_max, from 1 to 2^64, so that c L is exact.

Why that is the model: at stable tokens that meet targets and constraints, with equality in all lines, the
program's objective, alpha a - T (or a), is J. And where a point obeys the lines, y > 0 (required of x),
J at its tokens is the objective at least. So x proves a lower bound, z an upper one, and a z that proves the
program infeasible that no tokens meet targets and constraints. Where E[T] or rho counts, that keeps y off 0,
so that the optimum is reached. Where neither does, a row y >= 0 comes next, and J = a has its largest value
over y >= 0 at one l*, which is the optimum if y > 0 there. Halfway between the tokens and l*, where l*_k =
l_k + d, J is above the mean of both by pi A e^(-b l) (1 - e^(-b d / 2))^2 / 2 at least, and by half of upper
- lower at most; so that with q^2 = (upper - lower) / (pi A e^(-b l)) < 1, d <= -2 ln(1 - q) / b. At l + d,
y must be positive.
"""

import hashlib
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, DecimalException
from fractions import Fraction
from math import frexp, ldexp
from typing import Any

if __package__:
    from cvxtoken.verifier import allocation, conic
    from cvxtoken.verifier.allocation import MEMORY, require
else:  # run as a script beside allocation.py and conic.py, without the package
    import allocation  # type: ignore[import-not-found, no-redef]
    import conic  # type: ignore[import-not-found, no-redef]
    from allocation import MEMORY, require  # type: ignore[no-redef]

SCHEMA = "cvxtoken-constrained-certificate/1"
KEYS = {"schema", "sha256", "instance", "targets", "constraints", "claim", "lower", "upper", "x", "z"}
CONSTRAINTS = {"rows", "columns", "cones", "exponents", "b", "A"}
VECTORS = {"enclosed": {"x", "z"}, "infeasible": {"z"}}
MAX_TYPES, DIGITS = 20_000, 60
Terms = dict[int, float]


def check(document: Any) -> str:
    """The line that states what a parsed proof proves; raises Refused where it does not."""
    good = isinstance(document, dict) and set(document) == KEYS and document["schema"] == SCHEMA
    require(good, f"the keys or the schema are not those of a {SCHEMA}")
    w, digest = allocation.read_instance(document["instance"])
    size, targets, work = len(w["names"]), document["targets"], conic.Work()
    require(size <= MAX_TYPES, "the check would take too long")
    digest = allocation.read_targets(targets, free(targets), w, digest)[1]
    further = document["constraints"]
    good = isinstance(further, dict) and set(further) == CONSTRAINTS
    require(good, "the constraints' keys are off")
    nothing = {"sense": "minimize", "offset": 0.0, "q": [0.0] * count(further["columns"])}
    cones = conic.Program({**further, **nothing}, work)
    require(cones.columns >= size, "the constraints have not a column for each type")
    text = f"cvxtoken-constrained/1\n{digest}\n{cones.digest}\n"
    digest = hashlib.sha256(text.encode()).hexdigest()
    require(document["sha256"] == digest, f"the SHA-256 of instance and constraints is {digest}")
    sheet = Sheet(w, targets, further)
    program = conic.Program(sheet.program(), work)
    claim = document["claim"]
    require(isinstance(claim, str) and claim in VECTORS, "the claim is of no known kind")
    given = {name for name in ("x", "z") if document[name] is not None}
    require(given == VECTORS[claim], f"the vectors are not those of a proof of '{claim}'")
    lengths = {"x": program.columns, "z": program.rows}
    vectors = {name: conic.Vector(document[name], lengths[name]) for name in given}
    said = f"{allocation.stated(targets)}; further constraints of {cones.rows} rows"
    who = f"proven: instance {digest} ({size} task types{said})"
    if claim == "infeasible":
        require(document["lower"] is None is document["upper"], "bounds in a proof of 'infeasible'")
        conic.infeasible(program, vectors["z"])
        return f"{who} has no tokens that meet all of this"
    bounds = (document["lower"], document["upper"])
    line = conic.enclosed(program, vectors, *bounds, exponential=False)
    require(vectors["x"].numerators[sheet.y] > 0, "the tokens are not stable")
    if sheet.idles:
        try:
            sheet.require_reached(vectors["x"], *map(Decimal, bounds))
        except DecimalException as error:
            raise allocation.Refused(f"a number is out of range: {type(error).__name__}") from error
    return f"{who}{line.replace('its optimum', 'its optimum J')}; the tokens reach the lower value"


def count(columns: Any) -> int:
    """A number of columns, before anything of its size is made."""
    require(type(columns) is int and 0 < columns <= conic.LARGEST, "columns is no count within limits")
    return int(columns)


def free(targets: Any) -> dict[str, Any]:
    """Multipliers of 0, for `read_targets`, which checks both."""
    require(isinstance(targets, dict), "targets' keys")
    zeros: dict[str, Any] = {name: "0" for name in targets if name != "objective"}
    for name, kind in (("min_accuracy", dict), ("linear", list)):
        if name in targets:
            require(isinstance(targets[name], kind), f"{name} of the targets is no {kind.__name__}")
            zeros[name] = dict.fromkeys(targets[name], "0") if kind is dict else ["0"] * len(targets[name])
    return zeros


class Sheet:
    """The lines above, written down: rows of A and b, by cone."""

    def __init__(self, w: dict[str, Any], targets: dict[str, Any], further: dict[str, Any]) -> None:
        self.w, self.targets, self.further = w, targets, further
        self.limits = {name: targets[name] for name in (*allocation.LIMITS, MEMORY) if name in targets}
        self.columns = 0
        self.equations: list[tuple[Terms, float]] = []
        self.inequalities: list[tuple[Terms, float]] = []
        self.cones: list[tuple[str, list[tuple[Terms, float]]]] = []
        self.pi, self.lam = w["prior"], w["arrival_rate"] / w["server"]["replicas"]
        server = w["server"]
        self.shared = server["kind"] in allocation.TOGETHER
        self.sigma0: float = server["overhead"] if self.shared else 1.0
        self.sigma: float = server["sigma"] if self.shared else 1.0
        T0 = sum(Fraction(p) * Fraction(x) for p, x in zip(self.pi, w["overhead"]))
        self.idle = 1 - Fraction(self.lam) * Fraction(self.sigma0) * T0
        require(self.idle > 0, "no tokens are stable: the utilisation without any is not below 1")
        self.l = self.new(len(self.pi))
        self.accuracies()
        self.loads()
        timed = targets["objective"] == "trade-off"
        if timed or set(allocation.LIMITS[:2]) & set(self.limits):
            self.T = self.new(1)[0]
            (self.sharing if self.shared else self.fifo)()
        self.idles = not timed and not set(allocation.LIMITS[:3]) & set(self.limits)
        if self.idles:
            self.most({self.y: -1.0})
        self.costs = {self.a: -w["accuracy_weight"], self.T: 1.0} if timed else {self.a: -1.0}
        self.bounds()
        self.constraints()

    def new(self, number: int) -> list[int]:
        """Further unknowns."""
        self.columns += number
        return list(range(self.columns - number, self.columns))

    def zero(self, terms: Terms, right: float = 0.0) -> None:
        """An equation."""
        self.equations.append((terms, right))

    def most(self, terms: Terms, right: float = 0.0) -> None:
        """An inequality."""
        self.inequalities.append((terms, right))

    def mean(self, unknowns: list[int], of: int) -> None:
        """of = sum pi of unknowns."""
        self.zero({of: -1.0, **dict(zip(unknowns, self.pi))})

    def rotated(self, w: int, t: int, y: int) -> None:
        """w y >= t^2 / 2."""
        self.cones.append(
            ("second-order", [({w: -2.0, y: -1.0}, 0.0), ({w: -2.0, y: 1.0}, 0.0), ({t: -2.0}, 0.0)])
        )

    def accuracies(self) -> None:
        """Down to a."""
        w, n = self.w, len(self.pi)
        e, d, self.g = self.new(n), self.new(n), self.new(n)
        for l, e_k, d_k, g_k, A, b, D in zip(
            self.l, e, d, self.g, w["accuracy_gain"], w["saturation_rate"], w["base_accuracy"]
        ):
            self.cones.append(("exponential", [({l: b}, 0.0), ({}, 1.0), ({e_k: -1.0}, 0.0)]))
            self.zero({d_k: 1.0, e_k: 1.0}, 1.0)
            self.zero({g_k: 1.0, d_k: -A}, D)
        for l, top in zip(self.l, w["max_tokens"]):
            if top == 0:
                self.zero({l: 1.0})
                continue
            self.most({l: -1.0})
            self.most({l: 1.0}, top)
        (self.a,) = self.new(1)
        self.mean(self.g, self.a)

    def loads(self) -> None:
        """Down to y."""
        w, n = self.w, len(self.pi)
        r, self.t = self.new(n), self.new(n)
        for l, r_k, t_k, c, t0 in zip(self.l, r, self.t, w["time_per_token"], w["overhead"]):
            self.zero({r_k: -1.0, l: c})
            self.zero({t_k: 1.0, r_k: -1.0}, t0)
        random = any(w["deviation"]) or any(w["deviation_per_token"])
        self.s = self.new(n) if random else []
        for l, s_k, s0, s1 in zip(self.l, self.s, w["deviation"], w["deviation_per_token"]):
            self.zero({s_k: 1.0, l: -s1}, s0)
        (self.S,) = self.new(1)
        self.mean(self.t, self.S)
        (self.C,) = self.new(1)
        self.mean(r, self.C)
        T0, share, self.rho, self.y = self.new(4)
        self.zero({T0: 1.0, self.C: 1.0, self.S: -1.0})
        self.zero({share: -1.0, T0: self.sigma0, self.C: self.sigma})
        self.zero({self.rho: -1.0, share: self.lam})
        self.zero({self.y: 1.0, self.rho: 1.0}, 1.0)

    def fifo(self) -> None:
        """T, first come, first served."""
        (M,) = self.new(1)
        roots = [*self.t, *self.s]
        squares = self.new(len(roots))
        for root, square in zip(roots, squares):
            self.rotated(square, root, self.y)
        self.zero({M: -1.0, **dict(zip(squares, [*self.pi, *self.pi]))})
        self.zero({self.T: -1.0, self.S: 1.0, M: self.lam})

    def sharing(self) -> None:
        """T, shared."""
        X, m, n = self.new(3)
        from_T, from_X = self.of_overhead(self.T), self.of_overhead(X)
        if self.sigma:
            self.rotated(m, self.C, self.y)
        else:
            self.zero({m: 1.0})
        sigma, sigma0 = self.sigma, self.sigma0
        self.zero({n: -1.0, m: self.lam})
        self.zero({X: 1.0, from_X: -sigma0, self.C: -1.0, n: -2 * sigma})
        self.zero({self.T: 1.0, from_T: -sigma0, self.S: -1.0, n: -2 * sigma, from_X: -sigma})

    def of_overhead(self, of: int) -> int:
        """lambda T0 of an unknown."""
        parts = self.new(len(self.pi))
        for part, t0 in zip(parts, self.w["overhead"]):
            self.zero({part: -1.0, of: t0})
        total, product = self.new(2)
        self.mean(parts, total)
        self.zero({product: -1.0, total: self.lam})
        return product

    def bounds(self) -> None:
        """The targets."""
        time, wait, load, tokens = allocation.LIMITS
        if time in self.limits:
            self.most({self.T: 1.0}, self.limits[time])
        if wait in self.limits:
            self.most({self.T: 1.0, self.S: -1.0}, self.limits[wait])
        if load in self.limits:
            self.most({self.rho: 1.0}, self.limits[load])
        if tokens in self.limits:
            self.most(dict(zip(self.l, self.pi)), self.limits[tokens])
        if MEMORY in self.limits:
            self.memory(self.limits[MEMORY])
        least = self.targets.get("min_accuracy", {})
        for name, g in zip(self.w["names"], self.g):
            if least.get(name, 0.0):
                self.most({g: -1.0}, -least[name])
        for *factors, limit in self.targets.get("linear", []):
            self.most(dict(zip(self.l, factors)), limit)

    def memory(self, K: float) -> None:
        """E[KV] <= K."""
        n, h = self.new(len(self.pi)), self.new(len(self.pi))
        fields = (self.w["prompt_tokens"], self.w["time_per_token"], self.w["max_tokens"])
        for l, n_k, h_k, t, m, c, top in zip(self.l, n, h, self.t, *fields):
            L = ldexp(1.0, min(max(0, frexp(top)[1]), 64))
            cone = [({n_k: -2.0}, L), ({n_k: -2.0}, -L), ({l: -2.0}, 0.0)]
            self.cones.append(("second-order", cone))
            self.zero({h_k: -1.0, t: m, n_k: c * L})
        (H,) = self.new(1)
        self.mean(h, H)
        if self.shared:
            self.most({H: self.lam, self.y: -K})
        else:
            self.most({H: self.lam}, K)

    def constraints(self) -> None:
        """The rows of the constraints, whose first columns are the tokens."""
        own = self.new(self.further["columns"] - len(self.l))
        columns = [*self.l, *own]
        rows: list[tuple[Terms, float]] = [({}, right) for right in self.further["b"]]
        for i, j, value in self.further["A"]:
            rows[i][0][columns[j]] = value
        start = 0
        for kind, size in self.further["cones"]:
            part = rows[start : start + size]
            start += size
            if kind == "zero":
                self.equations += part
            elif kind == "nonnegative":
                self.inequalities += part
            else:
                self.cones.append((kind, part))

    def require_reached(self, x: Any, lower: Decimal, upper: Decimal) -> None:
        """Require that y > 0 wherever the largest value over all y may be."""
        X, load = allocation.arithmetic(DIGITS), Fraction(0)
        gap, up, w = X.at(upper) - X.at(lower), X.up, self.w
        fields = (w["accuracy_gain"], w["saturation_rate"], w["time_per_token"], w["max_tokens"])
        for (n, d), pi, A, b, c, top in zip(x.numbers(), self.pi, *fields):
            ratio = (n, d << x.bits, DIGITS)
            l = X(conic.quotient(*ratio, ROUND_FLOOR), conic.quotient(*ratio, ROUND_CEILING))
            share = gap / (X.at(pi) * X.at(A) * (-(X.at(b) * l)).exp())
            q, far = up.next_plus(up.sqrt(share.high)), Decimal(top)
            if q < 1:
                log = (X.at(1) - X.at(q)).ln() / X.at(b)
                far = min(far, (l - log - log).high)
            load += Fraction(self.sigma) * Fraction(pi) * Fraction(c) * Fraction(far)
        require(Fraction(self.lam) * load < self.idle, "there may be no optimum: the utilisation may reach 1")

    def program(self) -> dict[str, Any]:
        """The cone program, as `conic` reads it."""
        linear = [("zero", self.equations), ("nonnegative", self.inequalities)]
        cones = [*((kind, rows) for kind, rows in linear if rows), *self.cones]
        rows = [row for _, part in cones for row in part]
        return {
            "sense": "maximize",
            "rows": len(rows),
            "columns": self.columns,
            "cones": [[kind, len(part)] for kind, part in cones],
            "exponents": self.further["exponents"],
            "offset": 0.0,
            "q": [self.costs.get(j, 0.0) for j in range(self.columns)],
            "b": [right for _, right in rows],
            "A": [[i, j, a] for i, (terms, _) in enumerate(rows) for j, a in terms.items()],
        }


if __name__ == "__main__":
    allocation.script(check)
