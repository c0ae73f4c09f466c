"""Branch and bound over the types with a lag; every bound it relies on is evaluated rigorously, and kept.

Where all have chosen, what is left is the paper's own problem with t0 + c l0 for t0, whose optimum the
two-price method finds. Where some are free, their concave envelopes give a convex program, an upper bound.
"""

from __future__ import annotations

import heapq
import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from cvxtoken import verifier
from cvxtoken.allocation import model
from cvxtoken.allocation.prices.search import solve_prices
from cvxtoken.allocation.program.solver import attempt
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import SolverError, UnstableError
from cvxtoken.lagged.bounds import LaggedBounds
from cvxtoken.lagged.certificate import Leaf
from cvxtoken.lagged.envelope import Choice, Choices, pieces, touching_points
from cvxtoken.lagged.problem import LaggedWorkload
from cvxtoken.precision import SQUARED

ON_CHORD = 1e-3  # of the chord, from either end: less is solver's noise
_NEVER = 1e-300  # the gain of a type that is off
_CLOSE = Decimal("1e-20")  # times 1 + |J|: a bound so near the best known is not split further


@dataclass(frozen=True)
class Found:
    """What the search found.

    Attributes:
        tokens: the best allocation, shape (N,).
        lower: its J in s, rigorously from below.
        upper: no allocation is better, in s.
        leaves: what proves that, with the tokens.
        root: the relaxation with all types free.
        nodes: relaxations looked at.
        unsolved: those for which the solver gave no usable point, so that a parent's or a rounding's serves.
        status: what the solver said of the root, or why it failed.
        exhausted: whether nothing worth splitting was left.
    """

    tokens: FloatArray
    lower: Decimal
    upper: Decimal
    leaves: tuple[Leaf, ...]
    root: Node
    nodes: int
    unsolved: int
    status: str
    exhausted: bool


@dataclass(frozen=True)
class Node:
    """Choices, a proven upper bound of J under them, the tokens it is taken at and the relaxation's."""

    choices: Choices
    upper: Decimal
    point: FloatArray
    relaxed: FloatArray


def search(problem: LaggedWorkload, deadline: float) -> Found:
    """The best budgets of a stable problem, until a time of `time.perf_counter`."""
    return _Search(problem, deadline).run()


class _Search:
    def __init__(self, problem: LaggedWorkload, deadline: float) -> None:
        self.problem, self.deadline = problem, deadline
        self.touching = touching_points(problem)
        self.hopeless = problem.lag >= problem.workload.max_tokens  # no budget reaches beyond the lag
        self.tokens, self.lower = np.zeros(len(problem)), Decimal("-Infinity")
        self.nodes = self.unsolved = 0
        self.status = ""  # what the solver says of the first relaxation, the root

    def run(self) -> Found:
        """Split the node of the largest bound until none is above the best known."""
        free = np.where(self.hopeless, Choice.OFF, Choice.FREE)
        zeros = np.zeros(len(self.problem))
        start = self.bound(zeros, free)  # no tokens are an allocation
        if not start.is_finite():
            raise SolverError(f"the idle share is too small to be told from 0 with {SQUARED} digits")
        root = self.node(free, Node(free, start, zeros, zeros))
        order = itertools.count()
        heap = [(root.upper.copy_negate(), next(order), root)]
        done: list[Node] = []
        unstable: list[Choices] = []
        while heap and time.perf_counter() < self.deadline:
            if not self.checkable(len(heap) + len(done) + len(unstable) + 1):
                break
            _, _, node = heapq.heappop(heap)
            k = self.branching(node)
            if node.upper <= self.enough or k is None:
                done.append(node)
                continue
            for choices in self.split(node.choices, k):
                if self.idle(choices) <= 0:
                    unstable.append(choices)
                else:
                    child = self.node(choices, node)
                    heapq.heappush(heap, (child.upper.copy_negate(), next(order), child))
        closed = [*done, *(node for _, _, node in heap)]
        leaves = [self.leaf(node.choices, node.point) for node in closed]
        leaves += [self.leaf(choices, None) for choices in unstable]
        upper = max([self.lower, *(node.upper for node in closed)])
        said = (self.nodes, self.unsolved, self.status)
        return Found(self.tokens, self.lower, upper, tuple(leaves), root, *said, not heap)

    def checkable(self, leaves: int) -> bool:
        """Whether a checker takes a proof with so many leaves."""
        return verifier.lagged.work(len(self.problem), leaves, SQUARED) <= verifier.lagged.MAX_WORK

    def leaf(self, choices: Choices, point: FloatArray | None) -> Leaf:
        """Choices as a proof states them, which are none for types without one."""
        stated = np.where(self.hopeless, Choice.FREE, choices)
        tokens = None if point is None else tuple(map(Decimal, point.tolist()))
        return Leaf("".join(".01"[choice] for choice in stated), tokens)

    @property
    def enough(self) -> Decimal:
        """A bound that is not worth splitting."""
        return self.lower + _CLOSE * (1 + self.lower.copy_abs())

    def node(self, choices: Choices, parent: Node) -> Node:
        """The choices, which leave something stable, with their bound.

        The bound is taken at the envelope's optimum, and at the best allocation near it that obeys the
        choices: where the envelope is met by true curves, only the latter is sharp to all digits. Where the
        bound at the parent's point is less, which is no more than the parent's, it is that one.
        """
        self.nodes += 1
        relaxed = self.relaxed(choices)
        self.unsolved += relaxed is None
        centre = np.zeros(len(choices)) if relaxed is None else relaxed
        upper, point = Decimal("Infinity"), parent.point
        if relaxed is not None:
            upper, point = self.bound(relaxed, choices), relaxed
        for rounded in self.roundings(centre, choices):
            tokens = self.settled(rounded)
            if tokens is not None:
                bound = self.bound(tokens, choices)
                upper, point = (bound, tokens) if bound < upper else (upper, point)
                centre = tokens if relaxed is None else centre
        if upper > parent.upper:
            upper, point = self.bound(parent.point, choices), parent.point
        return Node(choices, upper, point, centre)

    def bound(self, tokens: FloatArray, choices: Choices) -> Decimal:
        """A proven upper bound of J under the choices; takes the tokens over where they are the best."""
        try:
            bounds = LaggedBounds(self.problem, tokens.tolist(), choices)
        except UnstableError:
            return Decimal("Infinity")
        if bounds.lower > self.lower:
            self.lower, self.tokens = bounds.lower, tokens
        return bounds.upper

    def idle(self, choices: Choices) -> Fraction:
        """The largest idle share that the choices allow, exactly."""
        w, on = self.problem.workload, np.flatnonzero(choices == Choice.ON)
        lag = sum(
            Fraction(float(w.prior[k]))
            * Fraction(float(w.time_per_token[k]))
            * Fraction(float(self.problem.lag[k]))
            for k in on
        )
        idle: Fraction = w.idle_at_zero - Fraction(w.rate) * w.exact_law.token_share * lag
        return idle

    def relaxed(self, choices: Choices) -> FloatArray | None:
        """The envelope's optimum by CVXPY, moved into its box; None where no usable point is found."""
        from cvxtoken.lagged.program import envelope_program

        built, status = attempt(lambda: envelope_program(self.problem, choices))
        self.status = self.status or status
        values = None if built is None else built.tokens.value
        if values is None or not np.isfinite(values).all():
            return None
        e = pieces(self.problem, choices)
        tokens = np.minimum(
            np.clip(values, e.base, e.base + e.chord + e.room), self.problem.workload.max_tokens
        )
        return tokens if float(model.idle(self.problem.workload, tokens)) > 0 else None

    def roundings(self, relaxed: FloatArray, choices: Choices) -> Iterator[Choices]:
        """Complete choices near a relaxation: by halves of the chord, and all of the chord's types off."""
        free = (choices == Choice.FREE) & (self.problem.lag > 0)
        for share in (0.5, 1 - ON_CHORD):
            rounded = choices.copy()
            rounded[free] = np.where(relaxed >= share * self.touching, Choice.ON, Choice.OFF)[free]
            yield rounded
            if (rounded == choices).all():
                return

    def settled(self, choices: Choices) -> FloatArray | None:
        """The optimum where every lagged type has chosen, to float64; None where nothing is stable.

        A type that is on has no lag, takes t0 + c l0 (deviation s0 + s1 l0) from the start and has
        l_max - l0 left.
        """
        if self.idle(choices) <= 0:
            return None
        w = self.problem.workload
        base = np.where(choices == Choice.ON, self.problem.lag, 0.0)
        off = (choices != Choice.ON) & (self.problem.lag > 0)
        if ((choices == Choice.ON) & (base >= w.max_tokens)).any():
            return None
        overhead = model.service_time(w, base)
        settled = w.replace(
            accuracy_gain=np.where(off, _NEVER, w.accuracy_gain),
            overhead=overhead,
            server=w.server.with_overhead(w.rough_overhead, float(w.prior @ overhead)),
            deviation=model.deviation(w, base),
            max_tokens=w.max_tokens - base,
        )
        if settled.idle_at_zero <= 0:
            return None
        tokens = np.where(off, 0.0, np.minimum(base + solve_prices(settled), w.max_tokens))
        return tokens if math.isfinite(float(self.problem.objective(tokens))) else None

    def branching(self, node: Node) -> int | None:
        """The free type deepest on its chord, or any free one; None where all have chosen."""
        free = np.flatnonzero((node.choices == Choice.FREE) & (self.problem.lag > 0))
        if not free.size:
            return None
        share = node.relaxed[free] / self.touching[free]
        return int(free[np.argmax(np.minimum(share, 1 - share))])

    def split(self, choices: Choices, k: int) -> Iterator[Choices]:
        """The choices with type k off, and with it on."""
        for choice in (Choice.OFF, Choice.ON):
            made = choices.copy()
            made[k] = choice
            yield made
