"""The optimum under targets to 60 digits: Newton's method on the prices in decimals (derived here).

The targets change the two-price form of `prices.search` only in what the prices are. Let mu, nu and eta be
the multipliers of the targets on E[T], E[W] and rho, chi_j those of the rows a_j, and w the weight of E[T] in
J. The rows are those of the linear targets and, with a = pi, that of the mean tokens. In F and the terms of
its multipliers, E[T] has the weight e = w + mu + nu. Beside what it adds to the congestion, a second of mean
service costs d = e direct - nu + eta lambda sigma. With the numbers of the delay law, Q = square E[S^2] +
constant and tau the marginal time of `model`,

    theta = e lambda / y,   p = d + sigma e lambda^2 Q / (2 y^2),   tilt_k = (sum chi_j a_jk) / pi_k,
    slope_k = c_k (p + theta square tau_k) + tilt_k,

every type answers with the root, clipped to [least, l_max], of alpha A b e^(-b l) = slope. Given which
targets are active, theta, p and the chi of the active rows solve as many equations. The active targets hold
with equality. And e = theta y / lambda and d = p - sigma theta lambda Q / (2 y), known from y and Q, obey

    active of (E[T], E[W], rho)     none                   E[T]            E[W]                   rho
    the equations                   e = w, d = w direct    d = e direct    d = e direct - e + w   e = w

and nothing where two of the three are active; all three never need be, because E[S] and E[W] give E[T]. Where
square is 0 all three depend on y alone, and one of them, whose limit is the tightest, is enough. A least
accuracy is a bound of l. Its multiplier zeta is read off: (alpha + zeta / pi) A b e^(-b l) = slope. The
answer is accepted where no multiplier is negative and no other target is missed; otherwise other sets are
tried. Nothing is proven here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, DecimalException, localcontext
from itertools import combinations, product
from operator import mul

from cvxtoken.allocation.fields import PER_TYPE
from cvxtoken.allocation.memory import memory_row
from cvxtoken.allocation.targeted.feasible import Feasible
from cvxtoken.allocation.targets import LIMITS, MEMORY, UPPER, Multipliers
from cvxtoken.precision import POLISHED, POLISHING

_INWARD = Decimal("1e-36")  # of its room: so far inside its limit is an active target met, to be met surely
_INWARD_AT_EDGE = Decimal("1e-52")  # the same where y may be near 0: radii must tell y from 0
_ACCURATE = Decimal("1e-75")  # relative, of what the prices are multiplied with and summed to
_STEPS = 25
_EXPONENTS = 999_999
_TIME, _WAIT, _LOAD, _TOKENS = LIMITS

Key = str | int  # the name of an upper target, the number of a linear row
Active = tuple[Key, ...]


@dataclass(frozen=True)
class Start:
    """Where Newton's method begins, to about float64 accuracy.

    Attributes:
        tokens: near the optimum, shape (N,).
        multipliers: by upper target, and by number of linear row.
        active: the targets that seem to hold with equality.
    """

    tokens: Sequence[float]
    multipliers: Mapping[Key, float]
    active: Active


def polish_targets(problem: Feasible, start: Start) -> tuple[list[Decimal], Multipliers] | None:
    """Tokens inside the targets by 1e-36 of their room, and multipliers; None where none are found.

    Where no target keeps the server idle (`Targets.keeps_idle`), the tokens may be more than it can take.

    Args:
        problem: the instance and its targets.
        start: where to begin; its active set is tried first, then those that differ from it least.
    """
    with localcontext(Context(POLISHING, ROUND_HALF_EVEN, Emin=-_EXPONENTS, Emax=_EXPONENTS)):
        system = _System(problem)
        for active in _sets_near(start.active, list(system.limits), 2 if system.square else 1):
            try:
                found = system.solve(start, active)
            except (DecimalException, ZeroDivisionError):
                continue
            if found is not None:
                return found
    return None


def _sets_near(guess: Active, known: Sequence[Key], most: int) -> Iterator[Active]:
    """Sets of targets, the guess first: up to two changes of it, with at most so many of E[T], E[W] and rho.

    A guess with more of these stands for all its sets with just so many.
    """
    of_load = {_TIME, _WAIT, _LOAD}
    shared = [name for name in guess if name in of_load]
    guesses = [set(guess) - of_load | set(few) for few in combinations(shared, min(len(shared), most))]
    seen = set()
    for size in range(3):
        for near, changed in product(guesses, combinations(known, size)):
            chosen = frozenset(near ^ set(changed))
            if len(chosen & of_load) <= most and chosen not in seen:
                seen.add(chosen)
                yield tuple(name for name in known if name in chosen)


class _System:
    """The equations of the prices, in the current decimal context."""

    def __init__(self, problem: Feasible) -> None:
        workload, targets, room = problem.workload, problem.targets, problem.room
        self.workload, self.targets, self.least = workload, targets, problem.least
        columns = ([Decimal(x) for x in getattr(workload, field).tolist()] for field in PER_TYPE)
        self.pi, self.A, self.b, _, self.t0, self.c, self.s0, self.s1 = columns
        self.top = [Decimal(x) for x in workload.max_tokens.tolist()]
        self.lam, self.w = Decimal(workload.rate), Decimal(targets.delay_weight)
        T0 = sum((pi * t0 for pi, t0 in zip(self.pi, self.t0, strict=True)), Decimal(0))
        self.law, self.T0 = workload.server.law(self.lam, T0, Decimal), T0
        self.sigma: Decimal = self.law.token_share
        self.square: Decimal = self.law.square
        self.curvature = [self.square * (c * c + s1 * s1) for c, s1 in zip(self.c, self.s1, strict=True)]
        self.alpha = Decimal(targets.accuracy_weight(workload))
        self.log = [(self.alpha * A * b).ln() for A, b in zip(self.A, self.b, strict=True)]
        self.rows: dict[Key, list[Decimal]] = {_TOKENS: self.pi}
        self.bends: dict[Key, list[Decimal]] = {}  # of rows with a quadratic part, q in a l + q l^2 / 2
        self.stated: dict[Key, Decimal] = {}
        self.limits: dict[Key, Decimal] = {}  # where they are active, a little inside
        inward = _INWARD if targets.keeps_idle else _INWARD_AT_EDGE
        for name, upper in targets.limits.items():
            gap = Decimal(room[name].numerator) / Decimal(room[name].denominator)
            self.stated[name], self.limits[name] = Decimal(upper), Decimal(upper) - inward * gap
            if name == MEMORY:
                self.rows[name], self.bends[name], limit = memory_row(workload, upper, Decimal)
                self.stated[name], self.limits[name] = limit, limit - inward * gap * problem.least_idle
        for number, row in enumerate(targets.linear):
            *a, limit = map(Decimal, row)
            size = sum((abs(x) * top for x, top in zip(a, self.top, strict=True)), abs(limit))
            self.rows[number], self.stated[number] = a, limit
            self.limits[number] = limit - inward * size

    def solve(self, start: Start, active: Active) -> tuple[list[Decimal], Multipliers] | None:
        """The optimum if just these targets are active; None where they are not."""
        load: list[Key] = [name for name in active if name in (_TIME, _WAIT, _LOAD)]
        rows = [name for name in active if name in self.rows]
        l = [Decimal(x) for x in start.tokens]
        prices = self.first_prices(l, start, load, rows)
        for _ in range(_STEPS):
            l = [self.answer(k, l[k], prices, rows) for k in range(len(l))]
            residuals, jacobian = self.equations(l, prices, load, rows)
            step = _solve_linear(jacobian, [residual.copy_negate() for residual in residuals])
            prices = [x + dx for x, dx in zip(prices, step, strict=True)]
            if self.is_small(step, prices, l, rows):
                break
        else:
            return None
        return self.accepted([self.answer(k, l[k], prices, rows) for k in range(len(l))], prices, load, rows)

    def is_small(self, step: list[Decimal], prices: list[Decimal], l: list[Decimal], rows: list[Key]) -> bool:
        """Whether a step changes no type's slope. It is not held against a price, which may be just 0."""
        for k, x in enumerate(l):
            parts = [abs(part) for part in self.parts(k, x, rows)]
            change, size = (sum(map(mul, parts, map(abs, of)), Decimal(0)) for of in (step, prices))
            if change > _ACCURATE * size:
                return False
        return True

    def first_prices(self, l: list[Decimal], start: Start, load: list[Key], rows: list[Key]) -> list[Decimal]:
        """theta, p and the chi of the active rows, from the start's multipliers.

        Where E[T], E[W] and rho depend on y alone, one of them may stand for others that the start has.
        """
        mu, nu, eta = (
            Decimal(start.multipliers.get(name, 0.0)) if name in load or not self.square else Decimal(0)
            for name in (_TIME, _WAIT, _LOAD)
        )
        Q, y = self.moments(l)
        e = self.w + mu + nu
        d = e * self.law.direct - nu + eta * self.lam * self.sigma
        p = d + self.sigma * e * self.lam**2 * Q / (2 * y**2)
        return [e * self.lam / y, p, *(Decimal(start.multipliers.get(row, 0.0)) for row in rows)]

    def moments(self, l: list[Decimal]) -> tuple[Decimal, Decimal]:
        """Q and y. Where nothing depends on y it may be 0, and 1 stands for it."""
        thinking = square = Decimal(0)
        for k, x in enumerate(l):
            t, s = self.t0[k] + self.c[k] * x, self.s0[k] + self.s1[k] * x
            thinking, square = thinking + self.pi[k] * self.c[k] * x, square + self.pi[k] * (t * t + s * s)
        load = self.lam * (self.law.overhead_share * self.T0 + self.sigma * thinking)
        Q: Decimal = self.square * square + self.law.constant
        return Q, 1 - load if self.targets.keeps_idle else Decimal(1)

    def marginal(self, k: int, l: Decimal) -> Decimal:
        """square c tau: square times half of dE[S_k^2]/dl."""
        own = self.c[k] * (self.t0[k] + self.c[k] * l) + self.s1[k] * (self.s0[k] + self.s1[k] * l)
        return own * self.square

    def slope(self, k: int, l: Decimal, prices: list[Decimal], rows: list[Key]) -> Decimal:
        """What one more token of type k costs, over pi: c (p + theta square tau) + tilt."""
        return sum(map(mul, prices, self.parts(k, l, rows)), Decimal(0))

    def parts(self, k: int, l: Decimal, rows: list[Key]) -> list[Decimal]:
        """The derivatives of a type's slope in the prices: square c tau, c and, of each row, a_j / pi."""
        tilts = (self.gradient(row, k, l) / self.pi[k] for row in rows)
        return [self.marginal(k, l), self.c[k], *tilts]

    def gradient(self, row: Key, k: int, l: Decimal) -> Decimal:
        """The derivative of a row in the tokens of type k."""
        a = self.rows[row][k]
        return a + self.bends[row][k] * l if row in self.bends else a

    def value(self, row: Key, l: list[Decimal]) -> Decimal:
        """What a row limits."""
        total: Decimal = sum((a * x for a, x in zip(self.rows[row], l, strict=True)), Decimal(0))
        bends = zip(self.bends.get(row, ()), l, strict=False)
        bent: Decimal = sum((q * x * x / 2 for q, x in bends), Decimal(0))
        return total + bent

    def stiffness(self, k: int, prices: list[Decimal], rows: list[Key]) -> Decimal:
        """The derivative of a type's slope in its tokens."""
        theta, _, *chi = prices
        bends = [x * self.bends[row][k] for x, row in zip(chi, rows, strict=True) if row in self.bends]
        total: Decimal = self.curvature[k] * theta + sum(bends, Decimal(0)) / self.pi[k]
        return total

    def answer(self, k: int, l: Decimal, prices: list[Decimal], rows: list[Key]) -> Decimal:
        """The root of b l + ln(slope) = ln(alpha A b), clipped to its box."""
        low, top, b = self.least[k], self.top[k], self.b[k]
        l = min(max(l, low), top)
        for _ in range(200):
            slope = self.slope(k, l, prices, rows)
            if slope <= 0:  # more tokens are free: the root is beyond
                if self.slope(k, top, prices, rows) <= 0:
                    return top
                l = (l + top) / 2
                continue
            step: Decimal = (self.log[k] - b * l - slope.ln()) / (b + self.stiffness(k, prices, rows) / slope)
            if (l <= low and step <= 0) or (l >= top and step >= 0):
                return l
            new = min(max(l + step, low), top)
            if abs(new - l) <= Decimal("1e-52") * abs(l):  # the next step is of the order of its square
                return new
            l = new
        return l

    def equations(
        self, l: list[Decimal], prices: list[Decimal], load: list[Key], rows: list[Key]
    ) -> tuple[list[Decimal], list[list[Decimal]]]:
        """Residuals and their Jacobian in theta, p and the chi.

        The tokens of a free type change by dl = -parts / stiff, where stiff = b slope + square (c^2 + s1^2)
        theta, and the matrix M = sum pi parts parts' / stiff has all sums that are needed.
        """
        theta, p, *_ = prices
        lam, size, types = self.lam, len(prices), range(len(l))
        M = [[Decimal(0)] * size for _ in range(size)]
        for k in types:
            if self.least[k] < l[k] < self.top[k]:
                parts = self.parts(k, l[k], rows)
                weight = self.pi[k] / (
                    self.b[k] * self.slope(k, l[k], prices, rows) + self.stiffness(k, prices, rows)
                )
                for i in range(size):
                    for j in range(size):
                        M[i][j] += weight * parts[i] * parts[j]
        Q, y = self.moments(l)
        direct, share = self.law.direct, self.sigma
        d_service = [-M[1][j] for j in range(size)]
        dy = [-lam * share * x for x in d_service]
        dQ = [-2 * M[0][j] for j in range(size)]
        dtheta, dp = ([Decimal(int(j == i)) for j in range(size)] for i in (0, 1))
        d_shared = [lam / 2 * (q / y - Q * z / y**2) for z, q in zip(dy, dQ, strict=True)]
        d_system = [a + direct * b for a, b in zip(d_shared, d_service, strict=True)]
        d_wait = [a - b for a, b in zip(d_system, d_service, strict=True)]
        values = self.values(l, Q, y)
        gradients = {_TIME: d_system, _WAIT: d_wait, _LOAD: [-z for z in dy]}
        pairs = [(values[name] - self.limits[name], gradients[str(name)]) for name in load]
        shared = lam * Q / (2 * y)
        e, d = theta * y / lam, p - share * theta * shared
        d_e = [(y * th + theta * z) / lam for z, th in zip(dy, dtheta, strict=True)]
        d_d = [
            one - share * (th * shared + theta * x) for one, th, x in zip(dp, dtheta, d_shared, strict=True)
        ]
        if load == [_TIME]:
            pairs.append((e * direct - d, [a * direct - b for a, b in zip(d_e, d_d, strict=True)]))
        if load in ([], [_LOAD]):
            pairs.append((e - self.w, d_e))
        if load == []:
            pairs.append((d - self.w * direct, d_d))
        if load == [_WAIT]:
            rest = direct - 1
            pairs.append((d - e * rest - self.w, [b - a * rest for a, b in zip(d_e, d_d, strict=True)]))
        for j, row in enumerate(rows, 2):
            pairs.append((self.value(row, l) - self.limits[row], [-m for m in M[j]]))
        return [residual for residual, _ in pairs], [gradient for _, gradient in pairs]

    def accepted(
        self, l: list[Decimal], prices: list[Decimal], load: list[Key], rows: list[Key]
    ) -> tuple[list[Decimal], Multipliers] | None:
        """Tokens and multipliers, if no multiplier is negative and all targets are met; else None."""
        short = Context(POLISHED, ROUND_HALF_EVEN)
        l = [
            x if x in (low, top) else min(max(short.plus(x), low), top)
            for x, low, top in zip(l, self.least, self.top, strict=True)
        ]
        theta, p, *chi = prices
        Q, y = self.moments(l)
        if y <= 0:
            return None
        e, d = theta * y / self.lam, p - self.sigma * theta * self.lam * Q / (2 * y)
        nu = (e * self.law.direct - d if _TIME in load else e - self.w) if _WAIT in load else Decimal(0)
        upper = {_TIME: e - self.w - nu, _WAIT: nu}
        if _LOAD in load:
            upper[_LOAD] = (d - e * self.law.direct + nu) / (self.lam * self.sigma)
        found: dict[Key, Decimal] = {name: upper[str(name)] for name in load}
        found |= dict(zip(rows, chi, strict=True))
        if min(found.values(), default=Decimal(0)) < 0 or not self.meets(l, Q, y, [*load, *rows]):
            return None
        zeta = {}
        for k, name in enumerate(self.workload.names):
            if name in self.targets.min_accuracy:
                gain = self.slope(k, l[k], prices, rows) * (self.b[k] * l[k]).exp() / self.b[k]
                extra = self.pi[k] * (gain / self.A[k] - self.alpha)
                zeta[name] = short.plus(extra) if l[k] == self.least[k] and extra > 0 else Decimal(0)
        return l, Multipliers(
            {str(name): short.plus(x) for name, x in found.items() if name in UPPER},
            zeta,
            tuple(short.plus(found.get(number, Decimal(0))) for number in range(len(self.targets.linear))),
        )

    def values(self, l: list[Decimal], Q: Decimal, y: Decimal) -> dict[Key, Decimal]:
        """What all targets limit."""
        shared = self.law.offset + self.lam * Q / (2 * y)
        service = sum((pi * c * x for pi, c, x in zip(self.pi, self.c, l, strict=True)), self.T0)
        system = shared + self.law.direct * service
        values: dict[Key, Decimal] = {_TIME: system, _WAIT: system - service, _LOAD: 1 - y}
        return values | {row: self.value(row, l) for row in self.rows}

    def meets(self, l: list[Decimal], Q: Decimal, y: Decimal, active: list[Key]) -> bool:
        """Whether the other targets are met; the active ones are, to rounding."""
        values = self.values(l, Q, y)
        return all(values[name] <= limit for name, limit in self.stated.items() if name not in active)


def _solve_linear(matrix: list[list[Decimal]], right: list[Decimal]) -> list[Decimal]:
    """Gaussian elimination with scaled pivots (ZeroDivisionError where there is none)."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for i in range(size):
        scale = [max(map(abs, row[:size])) or Decimal(1) for row in rows]
        best = max(range(i, size), key=lambda j: abs(rows[j][i]) / scale[j])
        rows[i], rows[best] = rows[best], rows[i]
        if rows[i][i] == 0:
            raise ZeroDivisionError("the equations are not independent")
        for j in range(i + 1, size):
            factor = rows[j][i] / rows[i][i]
            rows[j] = [a - factor * b for a, b in zip(rows[j], rows[i], strict=True)]
    x = [Decimal(0)] * size
    for i in reversed(range(size)):
        x[i] = (rows[i][size] - sum((rows[i][j] * x[j] for j in range(i + 1, size)), Decimal(0))) / rows[i][i]
    return x
