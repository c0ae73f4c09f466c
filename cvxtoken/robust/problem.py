"""Several workloads that might be the true one, and one allocation for all of them.

    J(l) = (1 / R) sum_r J_r(l),   stable in every draw r = 1..R.

Every J_r is concave (`cvxtoken.allocation`), so that their mean is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError, UnstableError


class _Columns(NamedTuple):
    """The symbols of `cvxtoken.allocation.model`: of types, shape (R, N), and of draws, shape (R,)."""

    pi: FloatArray
    A: FloatArray
    b: FloatArray
    D: FloatArray
    t0: FloatArray
    c: FloatArray
    s0: FloatArray
    s1: FloatArray
    lam: FloatArray
    alpha: FloatArray
    y0: FloatArray
    offset: FloatArray
    direct: FloatArray
    square: FloatArray
    constant: FloatArray
    sigma: FloatArray


@dataclass(frozen=True, eq=False, init=False)
class Ensemble:
    """Equally likely workloads of the same types and the same limits of tokens.

    Attributes:
        draws: at least one.
    """

    draws: tuple[Workload, ...]

    def __init__(self, draws: Sequence[Workload]) -> None:
        """Validate.

        Raises:
            ProblemError: none, something else than workloads, or not all of the same names and max_tokens.
        """
        if not isinstance(draws, Iterable) or isinstance(draws, str):
            raise ProblemError(f"draws is {draws!r}; it must be a list of workloads")
        found = tuple(draws)
        if not found:
            raise ProblemError("draws is empty; at least one workload is needed")
        for number, draw in enumerate(found):
            if not isinstance(draw, Workload):
                raise ProblemError(f"draw {number} is {draw!r}; it must be a Workload")
            if draw.names != found[0].names:
                raise ProblemError(f"draw {number} has the names {draw.names}; draw 0 has {found[0].names}")
            if not np.array_equal(draw.max_tokens, found[0].max_tokens):
                raise ProblemError(f"draw {number} has other max_tokens than draw 0; they must agree")
        object.__setattr__(self, "draws", found)

    def __len__(self) -> int:
        return len(self.draws)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the types."""
        return self.draws[0].names

    @cached_property
    def max_tokens(self) -> FloatArray:
        """l_max, shape (N,), in tokens."""
        return self.draws[0].max_tokens

    @cached_property
    def sha256(self) -> str:
        """Of the text 'cvxtoken-robust/1' and the draws' own hashes, each followed by a line feed."""
        text = "\n".join(["cvxtoken-robust/1", *(draw.sha256 for draw in self.draws), ""])
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def is_random(self) -> bool:
        """Whether a service time of any draw varies although its tokens are given."""
        return any(draw.is_random for draw in self.draws)

    def require_stable(self) -> None:
        """Decide exactly whether any allocation is stable in every draw (UnstableError where none is)."""
        wrong = [number for number, draw in enumerate(self.draws) if draw.idle_at_zero <= 0]
        if wrong:
            raise UnstableError(
                f"{len(wrong)} of {len(self)} draws (the first is draw {wrong[0]}) have a utilisation of 1 "
                "or more even without thinking tokens; no allocation is stable in all of them"
            )

    def idle(self, tokens: FloatArray) -> float:
        """The least idle share over the draws, at tokens of shape (N,)."""
        return float(self._idle(tokens).min())

    def objectives(self, tokens: FloatArray) -> FloatArray:
        """J_r of every draw, in s, shape (R,), at tokens of shape (N,); minus infinity where unstable."""
        w, y = self._columns, self._idle(tokens)
        p = w.D - w.A * np.expm1(-w.b * tokens)
        delay = w.offset + w.direct * (w.pi * (w.t0 + w.c * tokens)).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            delay += w.lam * self._spread(tokens) / (2 * y)
        return np.asarray(np.where(y > 0, w.alpha * (w.pi * p).sum(axis=1) - delay, -np.inf))

    def gradient(self, tokens: FloatArray) -> FloatArray:
        """Of the mean J, in s/token, shape (N,), where all are stable; see `model.gradient`."""
        w, y = self._columns, self._idle(tokens)
        benefit = w.alpha[:, None] * w.A * w.b * np.exp(-w.b * tokens)
        h = (w.lam * w.square / y)[:, None] * self._marginal_time(tokens)
        h += (w.direct + w.sigma * w.lam**2 * self._spread(tokens) / (2 * y**2))[:, None]
        return np.asarray((w.pi * (benefit - w.c * h)).mean(axis=0))

    def hessian(self, tokens: FloatArray) -> FloatArray:
        """Of the mean J, in s/token^2, shape (N, N), where all are stable; see `model.hessian`."""
        w, y = self._columns, self._idle(tokens)
        benefit = w.alpha[:, None] * w.pi * w.A * w.b**2 * np.exp(-w.b * tokens)
        curvature = (w.lam * w.square / y)[:, None] * w.pi * (w.c**2 + w.s1**2)
        a = w.pi * w.c
        g = w.square[:, None] * a * self._marginal_time(tokens)
        cross = (a * (w.sigma * w.lam**2 / y**2)[:, None]).T @ g
        own = (a * (w.sigma**2 * w.lam**3 * self._spread(tokens) / y**3)[:, None]).T @ a
        return np.asarray(-np.diag((benefit + curvature).sum(axis=0)) - cross - cross.T - own) / len(self)

    @cached_property
    def _columns(self) -> _Columns:
        """All numbers of all draws."""

        def each(name: str) -> FloatArray:
            return np.array([getattr(draw, name) for draw in self.draws])

        offset, direct, square, constant, _, sigma = np.array([draw.law for draw in self.draws]).T
        return _Columns(
            *(each("prior"), each("accuracy_gain"), each("saturation_rate"), each("base_accuracy")),
            *(each("overhead"), each("time_per_token"), each("deviation"), each("deviation_per_token")),
            *(each("rate"), each("accuracy_weight")),
            np.array([model.idle_at_zero(draw) for draw in self.draws]),
            *(offset, direct, square, constant, sigma),
        )

    def _idle(self, tokens: FloatArray) -> FloatArray:
        """y, shape (R,)."""
        w = self._columns
        return np.asarray(w.y0 - w.lam * w.sigma * (w.pi * w.c * tokens).sum(axis=1))

    def _spread(self, tokens: FloatArray) -> FloatArray:
        """Q of `model.spread`, in s^2, shape (R,)."""
        w = self._columns
        squares = (w.t0 + w.c * tokens) ** 2 + (w.s0 + w.s1 * tokens) ** 2
        return np.asarray(w.square * (w.pi * squares).sum(axis=1) + w.constant)

    def _marginal_time(self, tokens: FloatArray) -> FloatArray:
        """tau of `model.marginal_time`, in s, shape (R, N)."""
        w = self._columns
        return w.t0 + w.c * tokens + (w.s0 + w.s1 * tokens) * (w.s1 / w.c)
