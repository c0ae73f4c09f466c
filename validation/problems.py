"""Random convex problems of equations, inequalities, second-order and exponential cones, for the cone study.

Data are integers and multiples of 1/4 and 1/10, from a seed and Python's own generator, so that a problem is
the same on every machine. What a family is meant to be is no claim about a problem of it: the proof is.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import cvxpy as cp
import numpy as np

FAMILIES = ("free", "feasible", "infeasible", "unbounded", "no interior")
_WEIGHTS = (8, 6, 2, 2, 2)
Affine = Any  # a CVXPY expression


def problem(seed: int) -> tuple[str, cp.Problem]:
    """The family and the problem of a seed."""
    random = Random(f"cone study 1, {seed}")
    family = FAMILIES[_weighted(random)]
    make = _Maker(random)
    sense = cp.Minimize if random.random() < 0.7 else lambda f: cp.Maximize(-f)
    return family, cp.Problem(sense(make.objective(family)), make.constraints(family))


def _weighted(random: Random) -> int:
    """A place, with the weights."""
    left = random.random() * sum(_WEIGHTS)
    for place, weight in enumerate(_WEIGHTS):
        left -= weight
        if left < 0:
            return place
    return 0


class _Maker:
    """The parts of one problem, in the order in which they are drawn."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.size = 1 + self.below(9)
        self.x = cp.Variable(self.size, name="x")
        self.inner = np.array([self.whole(-2, 2) / 2 for _ in range(self.size)])  # feasible, where one is

    def below(self, n: int) -> int:
        """A whole number from 0 to n - 1."""
        return int(self.random.random() * n)

    def whole(self, least: int, most: int) -> int:
        """A whole number from least to most."""
        return least + self.below(most - least + 1)

    def matrix(self, rows: int) -> np.ndarray:
        """Quarters or tenths, some of them zeros."""
        density, over = 0.3 + 0.7 * self.random.random(), 4 if self.random.random() < 0.7 else 10
        values = [
            self.whole(-5, 5) / over if self.random.random() < density else 0.0
            for _ in range(rows * self.size)
        ]
        return np.array(values).reshape(rows, self.size)

    def affine(self, rows: int = 1) -> Affine:
        """M x + c."""
        return self.matrix(rows) @ self.x + np.array([self.whole(-8, 8) / 4 for _ in range(rows)])

    def convex(self) -> Affine:
        """A convex function of x, any of the atoms of these cones."""
        k = 1 + self.below(5)
        a, c = self.affine(k), self.affine()[0]
        atoms: list[Callable[[], Any]] = [
            lambda: cp.sum_squares(a),
            lambda: cp.norm(a),
            lambda: cp.norm1(a),
            lambda: cp.norm_inf(a),
            lambda: cp.max(a),
            lambda: cp.sum(cp.pos(a)),
            lambda: cp.sum_largest(cp.hstack([a, c, -c]), 2),
            lambda: cp.sum(cp.huber(a, 1)),
            lambda: cp.quad_over_lin(a, c + 7),
            lambda: cp.sum(cp.inv_pos(a + 6)),
            lambda: -cp.sum(cp.sqrt(a + 6)),
            lambda: -cp.geo_mean(cp.hstack([a, c]) + 6),
            lambda: cp.log_sum_exp(a),
            lambda: cp.sum(cp.logistic(a)),
            lambda: cp.sum(cp.exp(a / 4)),
            lambda: -cp.sum(cp.log(a + 9)),
            lambda: -cp.sum(cp.log1p(a + 4)),
            lambda: -cp.sum(cp.entr(a + 3)),
            lambda: cp.sum(cp.xexp(cp.pos(a / 4))),
            lambda: cp.sum(cp.kl_div(a + 5, self.affine(k) + 6)),
            lambda: cp.sum(cp.rel_entr(a + 5, self.affine(k) + 6)),
        ]
        return atoms[self.below(len(atoms))]() * (self.whole(1, 8) / 4)

    def objective(self, family: str) -> Affine:
        """One or two convex functions, and at times an affine one."""
        f = sum(self.convex() for _ in range(1 + self.below(2)))
        f = f + self.affine()[0] * self.below(2)
        if family == "unbounded":
            y, kind = cp.Variable(name="y"), self.below(5)
            falls = [y, -cp.log(y), cp.exp(y) - self.whole(1, 3) * y + 2 * self.fallen(), -cp.sqrt(y), y]
            f = f + falls[kind] if kind < 4 else self.affine()[0] + cp.norm(self.affine(2)) + y
        elif family == "no interior" and self.random.random() < 0.3:
            f = [0 * self.x[0], f - cp.sum(cp.entr(self.x)), cp.exp(self.x[0]) + cp.pos(f)][self.below(3)]
        return f

    def fallen(self) -> Affine:
        """An unknown of its own."""
        return cp.Variable(name="w")

    def constraints(self, family: str) -> list[Any]:
        """A box or a part of one, convex constraints, equations, and what makes the family."""
        random, found = self.random, []
        box = random.random()
        if box < 0.6:
            found += [self.x <= self.whole(1, 8), self.x >= -self.whole(1, 8)]
        elif box < 0.8:
            found += [self.x >= -self.whole(1, 4)]
        for _ in range(self.below(4)):
            f = self.convex()
            room = self.whole(-4, 30) / 2
            if family != "free":
                self.x.value = self.inner
                at = f.value
                known = at is not None and np.isfinite(at)
                room = float(np.ceil(at)) + self.whole(1, 10) / 2 if known else 40.0
            found.append(f <= room)
        if random.random() < 0.3:
            M = self.matrix(1)
            found.append(M @ self.x == (M @ self.inner if family != "free" else self.whole(-4, 4) / 4))
        if family == "infeasible":
            found += self.contradiction()
        elif family == "no interior":
            found += self.flat()
        return found

    def contradiction(self) -> list[Any]:
        """Constraints that no point meets, by a margin."""
        x, k = self.x, self.below(self.size)
        choices: list[Callable[[], list[Any]]] = [
            lambda: [x[k] >= 2, x[k] <= 1],
            lambda: [cp.norm(x) <= 1, cp.sum(x) >= self.size + 1],
            lambda: [cp.exp(x[k]) <= 1, x[k] >= 0.5],
            lambda: [cp.log(x[k] + 2) >= 1, x[k] <= 0.5],
            lambda: [cp.sum_squares(x) <= -0.25],
            lambda: [cp.log_sum_exp(x) <= -1, x[k] >= -0.5],
            lambda: [2 * x[k] + 1 == 0, 4 * x[k] + 3 == 0],
            lambda: [cp.sum(cp.entr(x + 3)) >= self.size],
        ]
        return choices[self.below(len(choices))]()

    def flat(self) -> list[Any]:
        """Constraints whose feasible points have no interior."""
        x, k = self.x, self.below(self.size)
        choices: list[Callable[[], list[Any]]] = [
            lambda: [cp.norm(x - self.inner) <= 0],
            lambda: [cp.sum(x) <= cp.sum(self.inner), cp.sum(x) >= np.sum(self.inner)],
            lambda: [cp.sum_squares(self.matrix(2) @ (x - self.inner)) <= 0],
            lambda: [2 * x[k] + 1 == 0, 4 * x[k] + 2 == 0],
            lambda: [cp.exp(x[k]) <= cp.log(x[k] + 1)],
            lambda: [cp.abs(x[k] - self.inner[k]) <= 0],
            lambda: [cp.exp(x[k] - self.inner[k]) <= 1, x[k] >= self.inner[k]],
            lambda: [cp.entr(x[k]) >= 0, x[k] <= 0],
            lambda: [cp.max(x) <= cp.min(x)],
        ]
        return choices[self.below(len(choices))]()
