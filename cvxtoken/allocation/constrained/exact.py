"""The allocation problem as a cone program without rounding: its optimum is that of the model (derived here).

Every number in it is a double of the workload or the targets, or 1, or a power of two times one of these,
or one of these negated. Products of them, which are no doubles, are chains of unknowns. With one equation a
line, of each type k where it has a k:

    e^(-b l) <= e                            exponential cone (-b l, 1, e)
    d + e = 1,  g = A d + D                  g <= p(l), and g = p(l) at the least e
    a = sum pi g
    r = c l,  t = t0 + r,  s = s0 + s1 l
    S = sum pi t,  C = sum pi r,  T0 = S - C
    rho = lambda (sigma0 T0 + sigma C),  y + rho = 1
    T >= E[T]                                by the server: `Server.write`
    maximise alpha a - T, or a

A rotated cone a type, t^2 <= 2 w y, needs no root of pi, so that E[W] = lambda sum pi w is exact, where the
programs of `forms` and `cones` round sqrt(pi). Targets are

    T <= limit,  T - S <= limit,  rho <= limit,  sum pi l <= limit,  g >= least accuracy
    2 L n >= l^2,  h = m t + c L n,  lambda sum pi h <= M y     of E[KV] <= M; without y where queries wait

where L, the least power of two above l_max, makes n a number of the size of l. The tokens are the first
unknowns. Further constraints, if any, are the last rows of each kind.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.targets import MEMORY, Targets
from cvxtoken.conic.program import MAXIMIZE, ConeProgram
from cvxtoken.conic.writing import Writer
from cvxtoken.delay.law import Load

NO_TARGETS = Targets()
Key = tuple[str, str | int]  # ("limits", name), ("min_accuracy", type) or ("linear", number)
_MOST = 64  # binary places of L
_TIMES = ("max_mean_system_time", "max_mean_wait")


@dataclass(frozen=True)
class ExactProgram:
    """A cone program, and where the targets are.

    Attributes:
        program: the data.
        rows: of the upper targets by name, of the least accuracies by the type's name, and of the linear
            targets by number, the rows of the program.
    """

    program: ConeProgram
    rows: dict[Key, int]


def exact_program(
    workload: Workload, targets: Targets = NO_TARGETS, further: ConeProgram | None = None
) -> ExactProgram:
    """The exact program of a workload, its targets and further cones on its tokens.

    Where neither E[T] nor rho counts (`Targets.keeps_idle`), it asks for y >= 0, so that allocations at
    utilisation 1 obey it too.

    Args:
        workload: the instance; some allocation must be stable.
        targets: the objective and the targets, which fit the workload.
        further: constraints on the tokens, which are its first columns, taken as they are.
    """
    return _Exact(workload, targets).program(further)


class _Exact:
    """The unknowns and rows of one program."""

    def __init__(self, workload: Workload, targets: Targets) -> None:
        self.w, self.targets, self.write = workload, targets, Writer()
        self.types = range(len(workload))
        self.pi, self.c, self.t0 = (
            x.tolist() for x in (workload.prior, workload.time_per_token, workload.overhead)
        )
        self.l = self.write.unknowns(len(workload))
        self.rows: dict[Key, int] = {}

    def program(self, further: ConeProgram | None) -> ExactProgram:
        """All of it."""
        write, targets = self.write, self.targets
        g = self.accuracies()
        self.box()
        a = self.mean(g)
        load, rho = self.load()
        costs = {a: -targets.accuracy_weight(self.w)}
        if targets.delay_weight or any(name in targets.limits for name in _TIMES):
            T = self.w.server.write(write, load)
            costs |= {T: 1.0} if targets.delay_weight else {}
            self.times(T, load.S)
        if not targets.keeps_idle:
            write.at_most({load.y: -1.0})
        self.others(g, load, rho)
        if further is not None:
            write.join(further, self.l)
        rows = {key: write.equations + place for key, place in self.rows.items()}
        return ExactProgram(write.program(costs, MAXIMIZE), rows)

    def mean(self, unknowns: list[int]) -> int:
        """sum pi x."""
        total = self.write.unknown()
        self.write.equal({total: -1.0, **dict(zip(unknowns, self.pi, strict=True))})
        return total

    def accuracies(self) -> list[int]:
        """g of every type."""
        write, w = self.write, self.w
        e, d, g = (write.unknowns(len(w)) for _ in range(3))
        A, b, D = (x.tolist() for x in (w.accuracy_gain, w.saturation_rate, w.base_accuracy))
        for k in self.types:
            write.exponential(({self.l[k]: -b[k]}, 0.0), ({}, 1.0), ({e[k]: 1.0}, 0.0))
        for k in self.types:
            write.equal({d[k]: 1.0, e[k]: 1.0}, 1.0)
            write.equal({g[k]: 1.0, d[k]: -A[k]}, D[k])
        return g

    def box(self) -> None:
        """0 <= l <= l_max; an equation where the type may not think."""
        for l, top in zip(self.l, self.w.max_tokens.tolist(), strict=True):
            if top:
                self.write.at_most({l: -1.0})
                self.write.at_most({l: 1.0}, top)
            else:
                self.write.equal({l: 1.0})

    def load(self) -> tuple[Load, int]:
        """Times and load, and rho."""
        write, w = self.write, self.w
        r, t = write.unknowns(len(w)), write.unknowns(len(w))
        for k in self.types:
            write.equal({r[k]: -1.0, self.l[k]: self.c[k]})
            write.equal({t[k]: 1.0, r[k]: -1.0}, self.t0[k])
        s = write.unknowns(len(w)) if w.is_random else []
        spread = zip(s, self.l, w.deviation_per_token.tolist(), w.deviation.tolist(), strict=False)
        for s_k, l_k, s1, s0 in spread:
            write.equal({s_k: 1.0, l_k: -s1}, s0)
        S, C = self.mean(t), self.mean(r)
        T0, share, rho, y = write.unknowns(4)
        write.equal({T0: 1.0, C: 1.0, S: -1.0})
        write.equal({share: -1.0, T0: w.server.overhead_share, C: w.server.token_share})
        write.equal({rho: -1.0, share: w.rate})
        write.equal({y: 1.0, rho: 1.0}, 1.0)
        return Load(w.rate, self.pi, self.t0, t, s, S, C, y), rho

    def limit(self, name: str, terms: dict[int, float]) -> None:
        """terms <= limit, where there is one."""
        if name in self.targets.limits:
            self.rows["limits", name] = self.write.at_most(terms, self.targets.limits[name])

    def times(self, T: int, S: int) -> None:
        """T <= limit, T - S <= limit."""
        system, wait = _TIMES
        self.limit(system, {T: 1.0})
        self.limit(wait, {T: 1.0, S: -1.0})

    def others(self, g: list[int], load: Load, rho: int) -> None:
        """The targets on load, tokens, memory and accuracies, and the linear rows."""
        write, targets = self.write, self.targets
        self.limit("max_utilization", {rho: 1.0})
        self.limit("max_mean_tokens", dict(zip(self.l, self.pi, strict=True)))
        if MEMORY in targets.limits:
            self.memory(load, targets.limits[MEMORY])
        for k, q in enumerate(targets.floors(self.w).tolist()):
            if q:
                self.rows["min_accuracy", self.w.names[k]] = write.at_most({g[k]: -1.0}, -q)
        for number, (*a, limit) in enumerate(targets.linear):
            self.rows["linear", number] = write.at_most(dict(zip(self.l, a, strict=True)), limit)

    def memory(self, load: Load, M: float) -> None:
        """lambda sum pi (m t + c l^2 / 2) <= M y, without the y where one query is served at a time."""
        write, w = self.write, self.w
        n, h = write.unknowns(len(w)), write.unknowns(len(w))
        for k, (m, top) in enumerate(zip(w.prompt_tokens.tolist(), w.max_tokens.tolist(), strict=True)):
            L = power_of_two(top)
            write.square_over(self.l[k], n[k], L)
            write.equal({h[k]: -1.0, load.t[k]: m, n[k]: self.c[k] * L})
        H = self.mean(h)
        if w.server.runs_together:
            self.rows["limits", MEMORY] = write.at_most({H: w.rate, load.y: -M})
        else:
            self.rows["limits", MEMORY] = write.at_most({H: w.rate}, M)


def power_of_two(top: float) -> float:
    """The least power of two above a number, from 1 to 2^64: products with it are exact."""
    return math.ldexp(1.0, min(max(0, math.frexp(top)[1]), _MOST))
