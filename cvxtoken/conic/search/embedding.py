"""A cold start: the homogeneous self-dual embedding, followed in doubles from its centre.

    A x + s = b tau,  A'z + q tau = 0,  q'x + b'z + kappa = 0,  with s in K, z in K*, tau, kappa >= 0

has the optimum as (x, s, z) / tau where tau > 0. From s with z = -F'(s), tau = kappa = 1 the residuals and
mu = (s'z + tau kappa) / (nu + 1) go to 0 together. With the Hessian of the barrier at s alone, a step has
dz + mu F''(s) ds = -z - share mu F'(s). Predictors (share 0) stay where |z + mu F'(s)| <= 0.8 mu in the norm
of F''(s)^-1, and correctors (share 1) lead back. For any cone with a barrier that is logarithmically
homogeneous this takes of the order of sqrt(nu) ln(1 / mu) steps.

Source: A. Skajaa and Y. Ye, A homogeneous interior-point algorithm for nonsymmetric convex conic
optimization, 2015.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from cvxtoken.arrays import FloatArray
from cvxtoken.conic.program import ConeProgram
from cvxtoken.conic.search.barrier import degree, derivatives
from cvxtoken.conic.search.cones import cones_of
from cvxtoken.conic.search.smooth import Nonnegative

_NEAR, _CENTRED = 0.8, 0.25  # of mu: how far predictors go from the path, and correctors come back
_END = 1e-13  # of mu / tau^2, b and q having entries of 1 at most
_STEPS, _CORRECTORS = 150, 4
_LEAST_SHARE = 1e-4


@dataclass(frozen=True)
class State:
    """A point of the embedding."""

    x: FloatArray
    s: FloatArray
    z: FloatArray
    tau: float
    kappa: float

    def moved(self, step: State, share: float) -> State:
        """A share of a step onward."""
        x, s, z = (v + share * d for v, d in ((self.x, step.x), (self.s, step.s), (self.z, step.z)))
        return State(x, s, z, self.tau + share * step.tau, self.kappa + share * step.kappa)


class Embedding:
    """The embedding of a program without dependent rows and columns."""

    def __init__(self, program: ConeProgram) -> None:
        self.size_b, self.size_q = (max(1.0, float(np.abs(v).max(initial=0))) for v in (program.b, program.q))
        self.A, self.b, self.q = program.A, program.b / self.size_b, program.q / self.size_q
        cones = cones_of(program)
        self.linear = np.array([c.rows[0] for c in cones if isinstance(c, Nonnegative)], dtype=int)
        self.cones = [c for c in cones if not isinstance(c, Nonnegative)]
        self.inside = np.zeros(len(self.b), dtype=bool)
        for cone in cones:
            self.inside[cone.rows] = True
        self.nu = len(self.linear) + sum(map(degree, self.cones))
        self.start = np.zeros(len(self.b))
        for cone in cones:
            self.start[cone.rows] = cone.centre(dual=False)

    def end(self) -> tuple[FloatArray, FloatArray, FloatArray] | None:
        """x, s and z near the optimum, None where the embedding leads to none."""
        s = self.start
        state = State(np.zeros(len(self.q)), s, -self.barrier(s)[0], 1.0, 1.0)
        for _ in range(_STEPS):
            if self.mu(state) <= _END * state.tau**2:
                break
            ahead = self.onward(state)
            if ahead is None:
                break
            state = ahead
        if not state.tau > state.kappa:
            return None
        by_b, by_q = self.size_b / state.tau, self.size_q / state.tau
        return by_b * state.x, by_b * state.s, by_q * state.z

    def onward(self, state: State) -> State | None:
        """A predictor, and correctors after it; None where no step is to be had."""
        try:
            step, share = self.step(state, 0.0), 0.99
            while (ahead := self.near(state.moved(step, share), _NEAR)) is None:
                share *= 0.8
                if share < _LEAST_SHARE:
                    return None
            for _ in range(_CORRECTORS):
                if self.near(ahead, _CENTRED) is not None:
                    break
                step, share = self.step(ahead, 1.0), 1.0
                while (back := self.near(ahead.moved(step, share), _NEAR)) is None:
                    share *= 0.5
                    if share < _LEAST_SHARE:
                        return ahead
                ahead = back
        except (RuntimeError, np.linalg.LinAlgError):  # a singular system
            return None
        return ahead

    def mu(self, state: State) -> float:
        """(s'z + tau kappa) / (nu + 1)."""
        return float(state.s[self.inside] @ state.z[self.inside] + state.tau * state.kappa) / (self.nu + 1)

    def barrier(self, s: FloatArray) -> tuple[FloatArray, sparse.csc_array]:
        """F'(s), and the inverse of F''(s), which is 0 in zero rows."""
        gradient = np.zeros(len(s))
        gradient[self.linear] = -1 / s[self.linear]
        i, j, values = [self.linear], [self.linear], [s[self.linear] ** 2]
        for cone in self.cones:
            gradient[cone.rows], hessian = derivatives(cone, s[cone.rows])
            rows = np.array(cone.rows)
            i.append(np.repeat(rows, len(rows)))
            j.append(np.tile(rows, len(rows)))
            values.append(np.linalg.inv(hessian).ravel())
        places = np.concatenate(i), np.concatenate(j)
        return gradient, sparse.csc_array((np.concatenate(values), places), shape=(len(s), len(s)))

    def near(self, state: State, most: float) -> State | None:
        """The state, if it is in the cones and so near the path; else None."""
        s, z = state.s, state.z
        if min(state.tau, state.kappa, *s[self.linear], *z[self.linear]) <= 0:
            return None
        for cone in self.cones:
            if not (
                cone.inside(s[cone.rows].tolist(), dual=False)
                and cone.inside(z[cone.rows].tolist(), dual=True)
            ):
                return None
        gradient, inverse = self.barrier(s)
        mu = self.mu(state)
        off = np.where(self.inside, z + mu * gradient, 0.0)
        length = float(off @ (inverse @ off)) + (state.tau * state.kappa - mu) ** 2
        return state if length <= (most * mu) ** 2 else None

    def step(self, state: State, share: float) -> State:
        """The step that aims at share mu, with the residuals times share."""
        A, b, q = self.A, self.b, self.q
        n, mu, keep = len(q), self.mu(state), 1 - share
        gradient, inverse = self.barrier(state.s)
        aim = np.where(self.inside, state.z + share * mu * gradient, 0.0)
        inverse = inverse / mu
        primal = A @ state.x + state.s - b * state.tau
        dual = A.T @ state.z + q * state.tau
        gap = float(q @ state.x + b @ state.z) + state.kappa
        M = splu(sparse.csc_array(sparse.block_array([[None, A.T], [A, -inverse]], format="csc")))
        one = M.solve(np.concatenate([-keep * dual, -keep * primal + inverse @ aim]))
        other = M.solve(np.concatenate([-q, b]))
        cost = np.concatenate([q, b])
        towards = -state.kappa + share * mu / state.tau
        d_tau = float(-keep * gap - towards - cost @ one) / float(cost @ other - mu / state.tau**2)
        both = one + d_tau * other
        dx, dz = both[:n], both[n:]
        ds = np.where(self.inside, -(inverse @ (dz + aim)), 0.0)
        return State(dx, ds, dz, d_tau, towards - mu / state.tau**2 * d_tau)
