"""The allocation problem as raw cone data, its exact dual values, and nothing of a modelling language.

    minimise q'v + offset  subject to  A v + s = b,  s in K,      dual: A'z + q = 0, z in K*.

The variables are v = (x, e, w), with tokens l = scale x: raw tokens (scale 1) of all types, or the presolved
x = b l of the types that may think. With t = t0 + c l and y = y0 - lambda sum pi c l the rows of s are

    x >= 0,  x_max - x >= 0                                nonnegative
    (w + y, 2 sqrt(pi) t, [2 sqrt(pi) s], [2 sqrt(rest)], w - y)      second-order: E[S^2] <= w y
    (-b l, 1, e) of each type                              exponential: e^(-b l) <= e

with s = s0 + s1 l where service times vary, the rest being the second moment of the types fixed at 0; F = -J
is offset + alpha sum pi A e + sum pi c l + lambda w / 2. Exponential cones are in the order (r, s, t) with s
e^(r / s) <= t.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

import numpy as np
from scipy import sparse

from cvxtoken.allocation import model
from cvxtoken.allocation.fields import PER_TYPE
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.conic.program import EXPONENTIAL, NONNEGATIVE, SECOND_ORDER, ConeProgram
from cvxtoken.precision import DUALS


@dataclass(frozen=True, eq=False)
class AllocationCones:
    """A workload's cone program and how to read it.

    Attributes:
        workload: the instance.
        program: the cone data.
        types: those that have variables, shape (n,); the others stay at 0.
        scale: tokens per unit of x, shape (n,).
    """

    workload: Workload
    program: ConeProgram
    types: np.ndarray
    scale: FloatArray

    def tokens(self, v: FloatArray) -> FloatArray:
        """The tokens of a point v, shape (N,)."""
        l = np.zeros(len(self.workload))
        l[self.types] = self.scale * v[: len(self.types)]
        return l

    def duals(self, tokens: Sequence[Decimal]) -> FloatArray:
        """The dual values z of every row at the optimum, to 17 digits, shape (M,) (derived here).

        With g = alpha pi A, mu = lambda / (4 y), s and r as in the rows: the exponential cones have
        g (-e^(-b l), -(1 + b l) e^(-b l), 1), the second-order cone mu (s_0, -s_1, ..., -s_last), and the
        box the gradient of F in x, positive at 0, negative at the top, 0 between.

        Args:
            tokens: of the optimum, to 40 digits or so.
        """
        with localcontext(Context(DUALS)):
            return np.array([float(z) for z in self._exact_duals(list(tokens))])

    def _exact_duals(self, l: list[Decimal]) -> list[Decimal]:
        w = self.workload
        columns = ([Decimal(x) for x in getattr(w, field).tolist()] for field in PER_TYPE)
        pi, A, b, _, t0, c, s0, s1 = columns
        lam, alpha = Decimal(w.arrival_rate), Decimal(w.accuracy_weight)
        t = [t0[k] + c[k] * x for k, x in enumerate(l)]
        s = [s0[k] + s1[k] * x for k, x in enumerate(l)]
        y = 1 - lam * sum(p * x for p, x in zip(pi, t, strict=True))
        squares = [pi[k] * (t[k] * t[k] + s[k] * s[k]) for k in range(len(l))]
        s2 = sum(squares)
        lower, upper, exponential = [], [], []
        for k, scale in zip(self.types.tolist(), self.scale.tolist(), strict=True):
            decay = (-b[k] * l[k]).exp()
            delay = c[k] + lam * (c[k] * t[k] + s1[k] * s[k]) / y + c[k] * lam**2 * s2 / (2 * y**2)
            slope = Decimal(scale) * pi[k] * (delay - alpha * A[k] * b[k] * decay)
            lower.append(max(slope, Decimal(0)) if l[k] == 0 else Decimal(0))
            upper.append(max(-slope, Decimal(0)) if l[k] == Decimal(float(w.max_tokens[k])) else Decimal(0))
            g = alpha * pi[k] * A[k]
            exponential += [-g * decay, -g * (1 + b[k] * l[k]) * decay, g]
        types = self.types.tolist()
        second = [2 * pi[k].sqrt() * t[k] for k in types]
        if w.is_random:
            second += [2 * pi[k].sqrt() * s[k] for k in types]
        if len(types) < len(l):
            second.append(2 * sum((squares[k] for k in set(range(len(l))) - set(types)), Decimal(0)).sqrt())
        epigraph = s2 / y
        mu = lam / (4 * y)
        cone = [mu * (epigraph + y), *(-mu * x for x in second), -mu * (epigraph - y)]
        return [*lower, *upper, *cone, *exponential]


def cone_program(workload: Workload, form: str = "presolved") -> AllocationCones:
    """The cone data of a workload, `presolved` or `raw` (see the module's text).

    Raises:
        UnstableError: no allocation is stable.
    """
    model.require_stable(workload)
    w, lam, alpha = workload, workload.arrival_rate, workload.accuracy_weight
    top = w.max_tokens if form == "raw" else model.upper_bounds(w)
    types = np.arange(len(w)) if form == "raw" else np.flatnonzero(top > 0)
    types = types if len(types) else np.array([0])  # a program needs a variable
    scale = np.ones(len(types)) if form == "raw" else 1 / w.saturation_rate[types]
    pi, A, b = w.prior[types], w.accuracy_gain[types], w.saturation_rate[types]
    c, n = w.time_per_token[types], len(types)
    times = [(w.overhead[types], c)]  # of t and s, at no tokens and per token
    if w.is_random:
        times.append((w.deviation[types], w.deviation_per_token[types]))
    fixed = np.setdiff1d(np.arange(len(w)), types)
    squares = w.overhead[fixed] ** 2 + w.deviation[fixed] ** 2
    rest = np.full(min(1, len(fixed)), 2 * np.sqrt(float(w.prior[fixed] @ squares)))

    eye, none = sparse.eye_array(n), sparse.csc_array((n, n))
    column, empty = sparse.csc_array((n, 1)), np.zeros((len(rest), 2 * n + 1))
    y_slope = -(lam * pi * c * scale)[None, :]
    zero, one = np.zeros((1, n)), np.ones((1, 1))
    S = sparse.vstack(  # s = r + S v
        [
            sparse.hstack([eye, none, column]),
            sparse.hstack([-eye, none, column]),
            np.hstack([y_slope, zero, one]),
            *(
                sparse.hstack([sparse.diags_array(2 * np.sqrt(pi) * slope * scale), none, column])
                for _, slope in times
            ),
            empty,
            np.hstack([-y_slope, zero, one]),
            _exponential_rows(b * scale),
        ]
    )
    y0 = float(w.idle_at_zero)
    cone = [np.array([y0]), *(2 * np.sqrt(pi) * start for start, _ in times), rest, np.array([-y0])]
    r = [np.zeros(n), top[types] / scale, *cone, np.tile([0.0, 1, 0], n)]
    q = np.concatenate([pi * c * scale, alpha * pi * A, [lam / 2]])
    offset = float(w.prior @ w.overhead - alpha * (pi @ A + w.prior @ w.base_accuracy))
    cones = ((NONNEGATIVE, 2 * n), (SECOND_ORDER, len(times) * n + len(rest) + 2), *((EXPONENTIAL, 3),) * n)
    A_matrix = sparse.csc_array(-S)
    A_matrix.eliminate_zeros()
    A_matrix.sort_indices()
    return AllocationCones(w, ConeProgram(A_matrix, np.concatenate(r), q, offset, cones), types, scale)


def _exponential_rows(rate: FloatArray) -> sparse.csc_array:
    """(-rate x, 1, e) of each type as rows of S in (x, e, w)."""
    n = len(rate)
    rows = np.concatenate([3 * np.arange(n), 3 * np.arange(n) + 2])
    values = np.concatenate([-rate, np.ones(n)])
    return sparse.csc_array((values, (rows, np.arange(2 * n))), shape=(3 * n, 2 * n + 1))
