"""Branch and bound over the load; every bound it relies on is evaluated rigorously, and kept.

A cell's relaxation is the paper's own problem under the law of a line, which the two-price method solves. Its
optimum is a start for `climb`, which ends where the true J is stationary. Cells narrow only near the load of
the best known tokens: elsewhere J falls faster than a chord's error grows.
"""

from __future__ import annotations

import heapq
import itertools
import math
import time
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from cvxtoken import verifier
from cvxtoken.allocation.prices.search import price_path
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import CvxtokenError
from cvxtoken.pooled.bounds import Cell, attained, line_above, under_line, without_waits
from cvxtoken.pooled.erlang import slope, spares
from cvxtoken.pooled.line import Line
from cvxtoken.pooled.problem import PooledWorkload
from cvxtoken.precision import SQUARED

_CLOSE = Decimal("2e-16")  # times 1 + |J|: a bound so near the best known is not split further
_STEEP = 1e6  # of g at both ends of a cell: between them, a line's idle share needs digits of its doubles
_BEYOND = 1e40  # of g: no query waits that could be told from one that does not
_SHARE = 16  # of a cell's width, in which the best known load is cut out
_TURNS = 60  # of a climb
_PRICES = 200  # pairs that are tried: where hardly any query waits, the search for them may go in circles
_HALVINGS = 200  # until doubles do not change
_FAILURES = (ArithmeticError, ValueError, CvxtokenError)


@dataclass(frozen=True)
class Found:
    """What the search found.

    Attributes:
        tokens: the best allocation, shape (N,).
        lower: its J in s, rigorously from below.
        upper: no allocation is better, in s.
        start: the lower end of the first cell, not above lambda T0.
        cells: what proves that, with the tokens.
        exhausted: whether nothing worth splitting was left.
    """

    tokens: FloatArray
    lower: Decimal
    upper: Decimal
    start: Decimal
    cells: tuple[Cell, ...]
    exhausted: bool


@dataclass(frozen=True)
class Node:
    """The cell from left to right, with a proven upper bound of J in it."""

    left: float
    right: float
    upper: Decimal
    cell: Cell


def search(problem: PooledWorkload, deadline: float) -> Found:
    """The best budgets of a stable problem of R >= 2, until a time of `time.perf_counter`."""
    return _Search(problem, deadline).run()


class _Search:
    def __init__(self, problem: PooledWorkload, deadline: float) -> None:
        self.problem, self.deadline = problem, deadline
        self.tokens = np.zeros(len(problem))
        self.lower = attained(problem, self.tokens.tolist())
        self.start = math.nextafter(float(problem.least_load), 0)  # below it in any precision

    def run(self) -> Found:
        """Split the cell of the largest bound until none is above the best known."""
        order = itertools.count()
        heap: list[tuple[Decimal, int, Node]] = []

        def push(node: Node) -> None:
            heapq.heappush(heap, (node.upper.copy_negate(), next(order), node))

        done: list[Node] = []
        for node in self.first():
            push(node)
        while heap and time.perf_counter() < self.deadline and self.checkable(len(heap) + len(done) + 2):
            _, _, node = heapq.heappop(heap)
            edges = self.split(node) if node.upper > self.enough else []
            if not edges:
                done.append(node)
                continue
            for left, right in itertools.pairwise([node.left, *edges, node.right]):
                push(self.child(left, right, node))
        done += [node for _, _, node in heap]
        done.sort(key=lambda node: node.left)
        upper = max([self.lower, *(node.upper for node in done)])
        cells = tuple(node.cell for node in done)
        return Found(self.tokens, self.lower, upper, Decimal(self.start), cells, not heap)

    def checkable(self, cells: int) -> bool:
        """Whether a checker takes a proof with so many cells."""
        work = verifier.pooled.work(len(self.problem), self.problem.servers, cells, SQUARED)
        return work <= verifier.pooled.MAX_WORK

    @property
    def enough(self) -> Decimal:
        """A bound that is not worth splitting."""
        return self.lower + _CLOSE * (1 + self.lower.copy_abs())

    def first(self) -> list[Node]:
        """One cell, or two where g is too steep at the least load."""
        R = float(self.problem.servers)
        if not self.is_steep(self.start, R):
            return [self.lined(self.start, R)]
        edge = (self.start + R) / 2
        while self.is_steep(edge, R):
            edge = (edge + R) / 2
        return [self.free(self.start, edge), self.lined(edge, R)]

    def is_steep(self, left: float, right: float) -> bool:
        """Whether g falls too much in a cell for a line."""
        steepest, least = spares(self.problem.servers, np.array([left, right])).tolist()
        return not steepest <= _STEEP * max(least, 1.0)

    def split(self, node: Node) -> list[float]:
        """Where to split a cell: around the best known load, else in the middle; nowhere if too narrow.

        A cell without a line keeps none below the first of these.
        """
        left, right = node.left, node.right
        if node.cell.line is None:
            edge = max(left, right / 4)
            while edge <= left or self.is_steep(edge, right):
                edge, last = (edge + right) / 2, edge
                if edge == last:
                    return []
            return [edge] if edge < right else []
        best, reach = float(self.problem.load(self.tokens)), (right - left) / _SHARE
        around = [best - reach, best + reach]
        if left < best < right:
            edges = [edge for edge in around if left + reach < edge < right - reach]
        else:
            edges = [math.sqrt(left * right) if right > 4 * left else (left + right) / 2]
        return [edge for edge in edges if left < edge < right] if reach > 4 * math.ulp(right) else []

    def child(self, left: float, right: float, parent: Node) -> Node:
        """A part of a cell; where its own bound is not better, the parent's holds for it too."""
        if parent.cell.line is None and left == parent.left and self.is_steep(left, right):
            made = self.free(left, right)
        else:
            made = self.lined(left, right)
        if made.upper <= parent.upper:
            return made
        inherited = Cell(Decimal(right), parent.cell.line, parent.cell.point, parent.cell.price)
        return Node(left, right, parent.upper, inherited)

    def lined(self, left: float, right: float) -> Node:
        """A cell with the line above g; the bound is taken at its law's optimum."""
        line = line_above(self.problem, left, right)
        tokens = self.relaxed(line)
        if tokens is None:
            tokens = self.tokens
        else:
            self.improve(tokens)
        try:
            upper = under_line(self.problem, line, tokens.tolist())
        except _FAILURES:
            upper = Decimal("Infinity")
        point = tuple(map(Decimal, tokens.tolist()))
        return Node(left, right, upper, Cell(Decimal(right), line, point))

    def free(self, left: float, right: float) -> Node:
        """A cell without waits; its price is about the best."""
        price = self.load_price(right)
        bound = without_waits(self.problem, Decimal(right), Decimal(price))
        return Node(left, right, bound, Cell(Decimal(right), None, (), Decimal(price)))

    def relaxed(self, line: Line) -> FloatArray | None:
        """The optimum under a line's law, in float64; None where it is not found."""
        w = self.problem.workload.replace(server=line)
        if w.idle_at_zero <= 0:
            return None
        try:
            *_, last = itertools.islice(price_path(w), _PRICES)
        except _FAILURES:
            return None
        return last.tokens if np.isfinite(last.tokens).all() else None

    def improve(self, tokens: FloatArray) -> None:
        """Climb from tokens that may lead to better ones than the best known, and take those over."""
        known = float(self.problem.objective(self.tokens))
        for made in (tokens, self.climb(tokens)):
            if float(self.problem.objective(made)) > known - 1e-9 * (1 + abs(known)):
                try:
                    lower = attained(self.problem, made.tolist())
                except _FAILURES:
                    continue
                if lower > self.lower:
                    self.lower, self.tokens = lower, made

    def climb(self, tokens: FloatArray) -> FloatArray:
        """Tokens at which J is stationary, from some others.

        The tangent of g at the load is below g: the optimum under its law has a J that is not less, and the
        same load only where the true J is stationary. So the load is a root of what that optimum's load
        exceeds it by, which the secant method finds.
        """
        R = self.problem.servers
        a = float(self.problem.load(tokens))
        last = missed = math.nan  # the load before, and its excess
        for _ in range(_TURNS):
            g = float(spares(R, a))
            if not 0 < a < R or g > _BEYOND:
                break
            s = -slope(R, a)
            made = self.relaxed(Line(Decimal(g + s * a), Decimal(s)))
            if made is None:
                break
            tokens = made
            excess = float(self.problem.load(made)) - a
            if abs(excess) <= 4 * math.ulp(a):
                break
            step = excess * (a - last) / (missed - excess) if missed != excess else math.nan
            last, missed = a, excess
            a += step if self.start <= a + step < R else excess
        return tokens

    def load_price(self, right: float) -> float:
        """mu at which the best tokens without waits have a load of `right`; 0 where theirs is not more."""
        w = self.problem.workload
        steepest = w.accuracy_weight * w.accuracy_gain * w.saturation_rate / w.time_per_token

        def load(log_kappa: float) -> float:
            answers = (np.log(steepest) - log_kappa) / w.saturation_rate
            return float(self.problem.load(np.clip(answers, 0, w.max_tokens)))

        low, high = 0.0, max(0.0, float(np.log(steepest).max()))
        if load(low) <= right:
            return 0.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if load(middle) > right else (low, middle)
        return math.expm1(high) / w.rate
