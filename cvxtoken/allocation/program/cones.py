"""The allocation problem as raw cone data, its exact dual values, and nothing of a modelling language.

    minimise q'v + offset  subject to  A v + s = b,  s in K,      dual: A'z + q = 0, z in K*.

The variables are v = (x, e, w), with tokens l = scale x: raw tokens (scale 1) of all types, or the presolved
x = b l of the types that may think. With t = t0 + c l and y = y0 - lambda sum pi c l the rows of s are

    x >= 0,  x_max - x >= 0                                nonnegative
    (w + y, [2 sqrt(square pi) t], [2 sqrt(square pi) s], [2 sqrt(rest)], w - y)     second-order: Q <= w y
    (-b l, 1, e) of each type                              exponential: e^(-b l) <= e

with s = s0 + s1 l where service times vary. Q = square E[S^2] + constant is that of the delay law, the rest
what the types fixed at 0 and the constant add to it, y = y0 - lambda sigma sum pi c l, and F = -J is
offset + alpha sum pi A e + direct sum pi c l + lambda w / 2. Exponential cones are in the order (r, s, t)
with s e^(r / s) <= t.
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
        lam, alpha = Decimal(w.rate), Decimal(w.accuracy_weight)
        t = [t0[k] + c[k] * x for k, x in enumerate(l)]
        s = [s0[k] + s1[k] * x for k, x in enumerate(l)]
        T0 = sum((p * x for p, x in zip(pi, t0, strict=True)), Decimal(0))
        law = w.server.law(lam, T0, Decimal)
        thinking = sum(pi[k] * c[k] * x for k, x in enumerate(l))
        y = 1 - lam * (law.overhead_share * T0 + law.token_share * thinking)
        squares = [law.square * pi[k] * (t[k] * t[k] + s[k] * s[k]) for k in range(len(l))]
        Q = sum(squares) + law.constant
        lower, upper, exponential = [], [], []
        for k, scale in zip(self.types.tolist(), self.scale.tolist(), strict=True):
            decay = (-b[k] * l[k]).exp()
            own = law.direct * c[k] + lam * law.square * (c[k] * t[k] + s1[k] * s[k]) / y
            delay = own + law.token_share * c[k] * lam**2 * Q / (2 * y**2)
            slope = Decimal(scale) * pi[k] * (delay - alpha * A[k] * b[k] * decay)
            lower.append(max(slope, Decimal(0)) if l[k] == 0 else Decimal(0))
            upper.append(max(-slope, Decimal(0)) if l[k] == Decimal(float(w.max_tokens[k])) else Decimal(0))
            g = alpha * pi[k] * A[k]
            exponential += [-g * decay, -g * (1 + b[k] * l[k]) * decay, g]
        types = self.types.tolist()
        second: list[Decimal] = []
        for column in [t, s][: 1 + w.is_random] if law.square else []:
            second += [2 * (law.square * pi[k]).sqrt() * column[k] for k in types]
        rest = sum((squares[k] for k in sorted(set(range(len(l))) - set(types))), law.constant)
        if len(types) < len(l) or law.constant:
            second.append(2 * Decimal(rest).sqrt())
        epigraph = Q / y
        mu = lam / (4 * y)
        cone = [mu * (epigraph + y), *(-mu * x for x in second), -mu * (epigraph - y)]
        return [*lower, *upper, *cone, *exponential]


def cone_program(workload: Workload, form: str = "presolved", stable: bool = True) -> AllocationCones:
    """The cone data of a workload, `presolved` or `raw` (see the module's text).

    Args:
        workload: the instance.
        form: presolved or raw.
        stable: whether some allocation must be stable; if not, the raw form of others is an infeasible
            program, where the rows of the idle share sum to less than 0.

    Raises:
        UnstableError: no allocation is stable, but must be.
    """
    if stable or form != "raw":
        model.require_stable(workload)
    w, lam, alpha, law = workload, workload.rate, workload.accuracy_weight, workload.law
    top = w.max_tokens if form == "raw" else model.upper_bounds(w)
    types = np.arange(len(w)) if form == "raw" else np.flatnonzero(top > 0)
    types = types if len(types) else np.array([0])  # a program needs a variable
    scale = np.ones(len(types)) if form == "raw" else 1 / w.saturation_rate[types]
    pi, A, b = w.prior[types], w.accuracy_gain[types], w.saturation_rate[types]
    c, n = w.time_per_token[types], len(types)
    root = 2 * np.sqrt(law.square * pi)
    times = [(w.overhead[types], c)] if law.square else []  # of t and s, at no tokens and per token
    if law.square and w.is_random:
        times.append((w.deviation[types], w.deviation_per_token[types]))
    fixed = np.setdiff1d(np.arange(len(w)), types)
    squares = law.square * (w.overhead[fixed] ** 2 + w.deviation[fixed] ** 2)
    left = float(w.prior[fixed] @ squares) + law.constant
    rest = np.full(int(len(fixed) > 0 or law.constant > 0), 2 * np.sqrt(max(left, 0.0)))

    eye, none = sparse.eye_array(n), sparse.csc_array((n, n))
    column, empty = sparse.csc_array((n, 1)), np.zeros((len(rest), 2 * n + 1))
    y_slope = -(lam * law.token_share * pi * c * scale)[None, :]
    zero, one = np.zeros((1, n)), np.ones((1, 1))
    S = sparse.vstack(  # s = r + S v
        [
            sparse.hstack([eye, none, column]),
            sparse.hstack([-eye, none, column]),
            np.hstack([y_slope, zero, one]),
            *(sparse.hstack([sparse.diags_array(root * slope * scale), none, column]) for _, slope in times),
            empty,
            np.hstack([-y_slope, zero, one]),
            _exponential_rows(b * scale),
        ]
    )
    y0 = float(w.idle_at_zero)
    cone = [np.array([y0]), *(root * start for start, _ in times), rest, np.array([-y0])]
    r = [np.zeros(n), top[types] / scale, *cone, np.tile([0.0, 1, 0], n)]
    q = np.concatenate([law.direct * pi * c * scale, alpha * pi * A, [lam / 2]])
    own = law.offset + law.direct * (w.prior @ w.overhead)
    offset = float(own - alpha * (pi @ A + w.prior @ w.base_accuracy))
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
