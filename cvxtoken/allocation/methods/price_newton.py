"""Newton's method on the two prices: O(N) a step, globally convergent (derived here, see `prices.search`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cvxtoken.allocation.methods.loop import Result, run
from cvxtoken.allocation.prices.search import SAMPLED_FROM, PricePoint, price_path
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray


@dataclass(frozen=True)
class _State:
    tokens: FloatArray
    path: Iterator[PricePoint]
    ended: bool = False


@dataclass(frozen=True)
class _PriceNewton:
    workload: Workload
    from_sample: bool

    def start(self, tokens: FloatArray) -> _State:
        plain = _State(tokens, price_path(self.workload, tokens))
        if not self.from_sample:
            return plain
        path = price_path(self.workload)
        try:
            with np.errstate(all="ignore"):
                return self.step(_State(tokens, path))
        except (ArithmeticError, ValueError):  # which the loop tells of, from the plain start
            return plain

    def step(self, state: _State) -> _State:
        point = next(state.path, None)
        if point is None:
            return _State(state.tokens, state.path, ended=True)
        # prices that are tried may be too low
        return _State(point.tokens if point.idle > 0 else state.tokens, state.path)

    def done(self, state: _State) -> str | None:
        if state.ended:
            return "Stalled: no double between the bounds of the prices closes the gap."
        return None


def price_newton(
    workload: Workload,
    start: FloatArray | None = None,
    max_iterations: int = 1000,
    tolerance: float = 1e-14,
) -> Result:
    """The two-price search that also polishes the reference; a step is one evaluation of all types.

    `converged` rests on the float64 dual gap alone, so that a million types take seconds; `confirmed()` on
    the result adds the rigorous certificate, at about 0.3 ms a type. From 65,536 types on, and without a
    start, the first iterate is two Newton steps away from the prices of a sample of the types. Arguments and
    errors are those of `methods.run`.
    """
    from_sample = start is None and len(workload) >= SAMPLED_FROM
    return run(workload, _PriceNewton(workload, from_sample), start, max_iterations, tolerance)
