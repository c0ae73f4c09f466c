"""Several workloads that might be the true one, and one allocation for all of them.

    J(l) = (1 / R) sum_r J_r(l),   stable in every draw r = 1..R.

Every J_r is concave (`cvxtoken.allocation`), so that their mean is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError, UnstableError


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
        return min(float(model.idle(draw, tokens)) for draw in self.draws)

    def objectives(self, tokens: FloatArray) -> FloatArray:
        """J_r of every draw, in s, shape (R,), at tokens of shape (N,)."""
        return np.array([float(model.objective(draw, tokens)) for draw in self.draws])

    def gradient(self, tokens: FloatArray) -> FloatArray:
        """Of the mean J, in s/token, shape (N,), where all are stable."""
        return np.asarray(np.mean([model.gradient(draw, tokens) for draw in self.draws], axis=0))

    def hessian(self, tokens: FloatArray) -> FloatArray:
        """Of the mean J, in s/token^2, shape (N, N), where all are stable."""
        return np.asarray(np.mean([model.hessian(draw, tokens).dense() for draw in self.draws], axis=0))
