"""Projected Newton on the diagonal-plus-rank-two Hessian, O(N) a step (this project's).

The active set is Bertsekas' (1982): a type at a bound that the gradient presses against it stays there; the
others take the Newton direction, whose system is solved by Woodbury's identity; Armijo's rule along the
projected arc makes J rise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.methods.loop import Result, run
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray

_ARMIJO = 1e-4
_HALVINGS = 60
_SHORT = 1e-2  # of the Newton step: where only shorter ones raise J, another direction is tried too
_ROUNDING = 1e-15  # relative to alpha + |J|: changes of J below this are noise


@dataclass(frozen=True)
class _State:
    tokens: FloatArray
    stalled: bool = False


@dataclass(frozen=True)
class _Newton:
    workload: Workload

    def start(self, tokens: FloatArray) -> _State:
        return _State(tokens)

    def done(self, state: _State) -> str | None:
        return "Stalled: neither the Newton direction nor the gradient raises J." if state.stalled else None

    def step(self, state: _State) -> _State:
        w, l = self.workload, state.tokens
        slope, hessian = model.gradient(w, l), model.hessian(w, l)
        held = ((l <= 0) & (slope <= 0)) | ((l >= w.max_tokens) & (slope >= 0))
        size, new = self.ascend(l, slope, newton_direction(hessian, slope, ~held))
        if size < _SHORT:
            # with y near 0 Woodbury's two terms nearly cancel. What is left of the direction is rounding, and
            # differs between processors; a step by the Hessian's diagonal alone leads away from there
            curvature = hessian.diagonal + np.einsum(
                "ki,ij,kj->k", hessian.factors, hessian.core, hessian.factors
            )
            _, other = self.ascend(l, slope, np.where(held, 0.0, -slope / curvature))
            new = max(new, other, key=lambda tokens: float(model.objective(w, tokens)))
        return _State(new, stalled=bool((new == l).all()))

    def ascend(self, l: FloatArray, slope: FloatArray, direction: FloatArray) -> tuple[float, FloatArray]:
        """Halve the step along the projected arc until J rises enough; step 0 if it never does."""
        w = self.workload
        J = float(model.objective(w, l))
        noise = _ROUNDING * (w.accuracy_weight + abs(J))
        size = 1.0
        for _ in range(_HALVINGS):
            new = np.clip(l + size * direction, 0.0, w.max_tokens)
            promised = J + _ARMIJO * float(slope @ (new - l))
            if float(model.objective(w, new)) >= promised - noise and (new != l).any():
                return size, new
            size /= 2
        return 0.0, l


def newton_direction(
    hessian: model.Hessian, slope: FloatArray, free: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
) -> FloatArray:
    """The direction -H^(-1) slope on the free types, where H = diag(d) + V C V' is negative definite; else 0.

    Woodbury: H^(-1) = 1/d - (V/d) (I + C V' (V/d))^(-1) C (V/d)', where the inverse is of a 2 x 2 matrix.
    """
    d = np.where(free, hessian.diagonal, -1.0)
    V = np.where(free[:, None], hessian.factors, 0.0)
    g = np.where(free, slope, 0.0)
    Vd = V / d[:, None]
    inner = np.eye(2) + hessian.core @ (V.T @ Vd)
    correction = Vd @ np.linalg.solve(inner, hessian.core @ (Vd.T @ g))
    return correction - g / d


def newton(
    workload: Workload,
    start: FloatArray | None = None,
    max_iterations: int = 500,
    tolerance: float = 1e-12,
) -> Result:
    """Projected Newton on J over the box; arguments and errors as in `methods.run`."""
    return run(workload, _Newton(workload), start, max_iterations, tolerance).confirmed()
