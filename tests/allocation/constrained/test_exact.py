"""The exact program against the model in rational numbers: at any tokens the two state the same."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import cvxtoken
from cvxtoken.allocation.constrained.exact import exact_program
from cvxtoken.allocation.targeted.feasible import upper_values
from cvxtoken.allocation.targets import UPPER, Targets
from cvxtoken.conic.program import EXPONENTIAL, NONNEGATIVE, SECOND_ORDER, ZERO, ConeProgram, blocks
from cvxtoken.delay import Fifo, Sharing
from tests.support.instances import realistic, varying
from tests.support.servers import SERVED
from tests.support.thorough import some

QWEN = cvxtoken.load("qwen3-8b")
INSTANCES = SERVED | {
    "fifo": realistic(1, 4),
    "deviations": varying(realistic(2, 3)),
    "replicas of 3": varying(realistic(3, 3)).replace(server=Fifo(3)),
    "all shared": realistic(4, 3).replace(server=Sharing(1.0, overhead=0.0), prompt_tokens=100.0),
    "hardly shared": realistic(5, 3).replace(server=Sharing(1e-9, replicas=3)),
    "one may not think": realistic(6, 3).replace(max_tokens=[0.0, 5e3, 7e3]),
}
Row = tuple[dict[int, Fraction], Fraction]


class Point:
    """The point of an exact program at given tokens and e, all other unknowns as the rows force them.

    Equations are solved by elimination, as far as they fix unknowns. A rotated cone (2 w + y, 2 w - y, 2 t)
    or (2 n + L, 2 n - L, 2 l) with y and t known gives the least w: it is held with equality.
    """

    def __init__(self, program: ConeProgram, tokens: list[Fraction], e: list[Fraction]) -> None:
        self.program = program
        A = program.A.tocsr()
        self.rows: list[Row] = [
            (
                {j: Fraction(a) for j, a in zip(A[[i]].indices.tolist(), A[[i]].data.tolist(), strict=True)},
                Fraction(b),
            )
            for i, b in enumerate(program.b.tolist())
        ]
        self.x = dict(enumerate(tokens))
        exponential = [rows for kind, rows in blocks(program.cones) if kind == EXPONENTIAL]
        for value, rows in zip(e, exponential, strict=True):
            self.x |= dict.fromkeys(self.rows[rows[2]][0], value)
        while len(self.x) < program.A.shape[1]:
            before = len(self.x)
            self.by_equations()
            for kind, rows in blocks(program.cones):
                if kind == SECOND_ORDER:
                    self.by_cone(rows)
            assert len(self.x) > before, "unknowns that nothing forces"

    def by_equations(self) -> None:
        reduced: dict[int, Row] = {}  # by the unknown that a row was solved for
        for row in (i for kind, rows in blocks(self.program.cones) if kind == ZERO for i in rows):
            left, right = {j: a for j, a in self.rows[row][0].items() if j not in self.x}, self.slack(row)
            for pivot, other in reduced.items():
                left, right = subtracted((left, right), other, pivot)
            if left:
                pivot, a = next(iter(left.items()))
                solved = {j: x / a for j, x in left.items()}, right / a
                reduced = {j: subtracted(other, solved, pivot) for j, other in reduced.items()}
                reduced[pivot] = solved
        self.x |= {j: right for j, (left, right) in reduced.items() if len(left) == 1}

    def by_cone(self, rows: range) -> None:
        (first, constant), (second, _), (third, _) = (self.rows[i] for i in rows)
        (w,) = [j for j in first if first[j] == second.get(j)]
        y = [j for j in first if j != w]
        if w not in self.x and all(j in self.x for j in (*y, *third)):
            double = 2 * (self.x[y[0]] if y else constant)  # 2 y or 2 L
            self.x[w] = sum(-a * self.x[j] for j, a in third.items()) ** 2 / double / 4

    def slack(self, i: int) -> Fraction:
        """b - A x of a row, as far as x is known."""
        terms, right = self.rows[i]
        return right - sum(a * self.x[j] for j, a in terms.items() if j in self.x)

    @property
    def value(self) -> Fraction:
        return -sum(Fraction(a) * self.x[j] for j, a in enumerate(self.program.q.tolist()) if a)

    @property
    def inequalities(self) -> list[Fraction]:
        (rows,) = [rows for kind, rows in blocks(self.program.cones) if kind == NONNEGATIVE]
        return [self.slack(i) for i in rows]


def subtracted(row: Row, solved: Row, pivot: int) -> Row:
    """The row without the unknown that another one is solved for."""
    (left, right), (others, value) = row, solved
    factor = left.get(pivot, Fraction(0))
    terms = {j: left.get(j, 0) - factor * others.get(j, 0) for j in {**left, **others}}
    return {j: a for j, a in terms.items() if a}, right - factor * value


def random_point(w: cvxtoken.Workload, seed: int) -> tuple[list[Fraction], list[Fraction]]:
    """Stable tokens inside the box, and any e."""
    rng = np.random.default_rng(seed)
    tokens = [Fraction(x) / 3 for x in (rng.uniform(0, 1, len(w)) * w.max_tokens).tolist()]
    while upper_load(w, tokens) >= 1:
        tokens = [x / 7 for x in tokens]
    return tokens, [Fraction(x) / 3 for x in rng.uniform(0, 1, len(w)).tolist()]


def upper_load(w: cvxtoken.Workload, tokens: list[Fraction]) -> Fraction:
    law, rate = w.exact_law, Fraction(w.rate)
    thinking = sum(
        Fraction(a) * Fraction(c) * l for a, c, l in zip(w.prior, w.time_per_token, tokens, strict=True)
    )
    return rate * (law.overhead_share * w.mean_overhead + law.token_share * thinking)


@pytest.mark.parametrize("name", some(INSTANCES, 2))
@pytest.mark.parametrize("objective", ["trade-off", "accuracy"])
def test_objective_and_constraints_are_those_of_the_model(name: str, objective: str) -> None:
    w = INSTANCES[name]
    limits = {
        "max_mean_system_time": 3.7,
        "max_mean_wait": 1.1,
        "max_utilization": 0.77,
        "max_mean_tokens": 1e3 / 3,
        "max_mean_kv_tokens": 12345.6,
    }
    floors = {w.names[0]: 0.1, w.names[2]: 0.3}
    linear = tuple(tuple(row) for row in np.random.default_rng(1).normal(size=(2, len(w) + 1)).tolist())
    targets = Targets(objective, *limits.values(), floors, linear)
    program = exact_program(w, targets).program
    for seed in range(2):
        l, e = random_point(w, seed)
        point = Point(program, l, e)
        pi, A, D = ([Fraction(x) for x in column] for column in (w.prior, w.accuracy_gain, w.base_accuracy))
        p = [A[k] * (1 - e[k]) + D[k] for k in range(len(w))]
        mean = sum(pi[k] * p[k] for k in range(len(w)))
        values = upper_values(w, l)  # type: ignore[arg-type]
        J = Fraction(w.accuracy_weight) * mean - values["max_mean_system_time"]
        assert point.value == (J if objective == "trade-off" else mean)
        slacks = {name: Fraction(limits[name]) - values[name] for name in UPPER}
        if w.server.runs_together:
            slacks["max_mean_kv_tokens"] *= 1 - values["max_utilization"]
        box = [x for k, top in enumerate(w.max_tokens.tolist()) if top for x in (l[k], Fraction(top) - l[k])]
        rows = [
            Fraction(limit) - sum(Fraction(a) * x for a, x in zip(row, l, strict=True))
            for *row, limit in linear
        ]
        reached = [p[k] - Fraction(q) for k, q in ((0, 0.1), (2, 0.3))]
        assert point.inequalities == [*box, *slacks.values(), *reached, *rows]
        for kind, places in blocks(program.cones):
            if kind == ZERO:
                assert not any(map(point.slack, places))
            if kind == EXPONENTIAL:
                (k,) = program.A[[places[0]]].tocoo().coords[1].tolist()
                b = Fraction(w.saturation_rate[k].item())
                assert [point.slack(i) for i in places] == [-b * l[k], 1, e[k]]
