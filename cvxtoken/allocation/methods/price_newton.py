"""Newton's method on the two prices: O(N) a step, globally convergent (derived here, see `prices`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cvxtoken.allocation import model
from cvxtoken.allocation.methods.loop import Result, run
from cvxtoken.allocation.prices import PricePoint, price_path
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

    def start(self, tokens: FloatArray) -> _State:
        return _State(tokens, price_path(self.workload, tokens))

    def step(self, state: _State) -> _State:
        point = next(state.path, None)
        if point is None:
            return _State(state.tokens, state.path, ended=True)
        stable = model.idle(self.workload, point.tokens) > 0  # prices on trial may be too low
        return _State(point.tokens if stable else state.tokens, state.path)

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

    Converged is by the float64 dual gap alone, so that a million types take seconds; `confirmed()` on the
    result adds the rigorous certificate, at about 0.3 ms a type. Arguments and errors as in `methods.run`.
    """
    return run(workload, _PriceNewton(workload), start, max_iterations, tolerance)
