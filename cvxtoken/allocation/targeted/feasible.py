"""The least tokens that the targets on accuracy ask for, and whether they leave the upper ones room.

The least accuracy q of a type is reached where l >= ln(A / (A + D - q)) / b. Whatever the upper targets limit
rises with every type's tokens, so all targets can be met together exactly where the least tokens meet each
upper one. This is decided in rational numbers, before anything is solved (derived here).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from functools import cached_property

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.targets import UPPER, Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import TargetError, UnstableError
from cvxtoken.precision import IDLE, LEAST, LEAST_WORKING
from cvxtoken.rigorous import Rounding, double_above, double_below


@dataclass(frozen=True)
class Feasible:
    """A workload with targets that some stable allocation meets.

    Attributes:
        workload, targets: as given; the targets fit the workload.
        least: tokens of every type that surely reach its least accuracy; they meet the upper targets.
        room: by upper target, how far its limit is above its value at the least tokens, exactly; not
            negative.
    """

    workload: Workload
    targets: Targets
    least: list[Decimal]
    room: dict[str, Fraction]

    @cached_property
    def least_idle(self) -> Decimal:
        """y at the least tokens, to 60 digits: it turns room in E[KV] into that in its row (`memory`)."""
        if not self.workload.server.runs_together:
            return Decimal(1)
        load = upper_values(self.workload, self.least)["max_utilization"]
        return Context(IDLE).divide(Decimal((1 - load).numerator), Decimal((1 - load).denominator))

    @cached_property
    def floor(self) -> FloatArray:
        """The least tokens as doubles, shape (N,)."""
        return np.array([float(l) for l in self.least])

    @property
    def used_up(self) -> dict[str, Fraction]:
        """The rooms that tokens take from; where they have no share in the load, rho is the same for all."""
        shared = self.workload.exact_law.token_share > 0
        return {name: room for name, room in self.room.items() if shared or name != "max_utilization"}


def feasible(workload: Workload, targets: Targets) -> Feasible:
    """Decide, before anything is solved, whether any allocation is stable and meets the targets.

    Raises:
        ProblemError: the targets do not fit the workload.
        UnstableError: no allocation is stable.
        TargetError: no allocation meets the targets; every one missed is named.
    """
    targets.check(workload)
    model.require_stable(workload)
    least = least_tokens(workload, targets)
    return Feasible(workload, targets, least, rooms(workload, targets, least))


def least_tokens(workload: Workload, targets: Targets) -> list[Decimal]:
    """Tokens of every type that surely reach its least accuracy, to 70 digits, rounded up.

    Raises:
        TargetError: a least accuracy is beyond what max_tokens reaches; every such type is named.
    """
    w, rounding = workload, Rounding(LEAST_WORKING)
    if not targets.min_accuracy:
        return [Decimal(0)] * len(w)
    short, tokens, best = Context(LEAST, ROUND_CEILING), [], {}
    columns = (w.accuracy_gain, w.saturation_rate, w.base_accuracy, w.max_tokens, targets.floors(w))
    for name, *row in zip(w.names, *(column.tolist() for column in columns), strict=True):
        A, b, D, l_max, q = map(rounding.exact, row)
        need = Decimal(0)
        if q.low > D.low:
            rest = A + D - q  # A e^(-b l) at the least tokens
            if rest.low > 0:
                need = short.plus(((A / rest).ln() / b).high)
            if rest.low <= 0 or need > l_max.low:
                best[name] = double_below((A + D - A * (-(b * l_max)).exp()).low)
        tokens.append(need)
    if best:
        rows = [f"{n!r} is {targets.min_accuracy[n]}; the best reachable is {_short(best[n])}" for n in best]
        raise TargetError(f"min_accuracy of {', of '.join(rows)} (at max_tokens)", best)
    return tokens


def upper_values(workload: Workload, tokens: list[Decimal]) -> dict[str, Fraction]:
    """E[T], E[W], rho, sum pi l and E[KV] at these tokens, exactly, by the names of their targets.

    Raises:
        UnstableError: the utilisation is 1 or more.
    """
    w, law = workload, workload.exact_law
    fields = (w.prior, w.overhead, w.time_per_token, w.deviation, w.deviation_per_token)
    pi, t0, c, s0, s1 = ([Fraction(x) for x in field.tolist()] for field in fields)
    l, lam = [Fraction(x) for x in tokens], Fraction(w.rate)
    t = [t0_k + c_k * l_k for t0_k, c_k, l_k in zip(t0, c, l, strict=True)]
    s = [s0_k + s1_k * l_k for s0_k, s1_k, l_k in zip(s0, s1, l, strict=True)]
    mean = sum((p * x for p, x in zip(pi, t, strict=True)), Fraction(0))
    square = sum((p * (x * x + v * v) for p, x, v in zip(pi, t, s, strict=True)), Fraction(0))
    load = lam * (law.token_share * mean + (law.overhead_share - law.token_share) * w.mean_overhead)
    if load >= 1:
        raise UnstableError(f"tokens give a utilisation of {float(load)}; it must be below 1")
    shared = law.offset + lam * (law.square * square + law.constant) / (2 * (1 - load))
    system, wait = shared + law.direct * mean, shared + (law.direct - 1) * mean
    thinking = sum((p * x for p, x in zip(pi, l, strict=True)), Fraction(0))
    m = [Fraction(x) for x in w.prompt_tokens.tolist()]
    types = range(len(l))
    held = sum((pi[k] * (m[k] * t[k] + c[k] * l[k] * l[k] / 2) for k in types), Fraction(0))
    memory = lam * held / (1 - load if w.server.runs_together else 1)
    return dict(zip(UPPER, (system, wait, load, thinking, memory), strict=True))


def rooms(workload: Workload, targets: Targets, tokens: list[Decimal]) -> dict[str, Fraction]:
    """By upper target, how far its limit is above its value at the least tokens, exactly.

    A limit within about 1e-70 of the least possible value may count as missed; no double can tell the two
    apart.

    Raises:
        UnstableError: no allocation is stable.
        TargetError: no allocation meets the targets; every one missed is named, with the best possible value.
    """
    model.require_stable(workload)
    if not (targets.limits or targets.min_accuracy):
        return {}
    try:
        values = upper_values(workload, tokens)
    except UnstableError as error:
        raise TargetError(
            f"min_accuracy asks for more tokens than the server can take: {error}", {}
        ) from error
    left = {name: Fraction(limit) - values[name] for name, limit in targets.limits.items()}
    missed = {name: values[name] for name, room in left.items() if room < 0}
    if missed:
        least = {name: _above(value) for name, value in missed.items()}
        best = {name: double_above(value) for name, value in least.items()}
        parts = [f"{name} is {targets.limits[name]!r}; the least possible is {least[name]}" for name in best]
        why = " with the tokens that min_accuracy asks for" if any(tokens) else ""
        raise TargetError(f"{'; '.join(parts)}{why}", best)
    return left


def _above(value: Fraction) -> Decimal:
    """The number to 9 digits, rounded up."""
    up = Context(9, ROUND_CEILING)
    return up.divide(Decimal(value.numerator), Decimal(value.denominator))


def _short(value: float) -> Decimal:
    """The number to 9 digits, rounded down."""
    return Context(9, ROUND_FLOOR).create_decimal(Decimal(value))
