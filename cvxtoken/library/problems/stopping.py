"""The randomised limits of least mean wait at a required utility: a linear program.

With x = w / (1 - lambda s1) (Charnes and Cooper, see `cvxtoken.clipping.program`) for the probability w_kn
that answers of type k are stopped at n tokens, it is, in the plain form without `inverse` = sum_n x_1n,

    minimise    (lambda / 2) sum s2 x
    subject to  x >= 0,   sum_n x_1n - lambda sum s1 x >= 1,   sum u x - required sum_n x_1n >= 0,
                sum_n x_kn - sum_n x_1n >= 0 and <= 0 for every other type.

A larger inverse only costs, so that the first row may be an inequality.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

import numpy as np
from scipy import sparse

from cvxtoken import verifier
from cvxtoken.arrays import FloatArray
from cvxtoken.clipping.stopping import Stopping, StoppingCertificate, exact_least_wait
from cvxtoken.conic.program import NONNEGATIVE, ConeProgram
from cvxtoken.errors import ProblemError
from cvxtoken.library.problems.problem import FEASIBILITY, Problem
from cvxtoken.library.problems.written import Written


@dataclass(frozen=True)
class RandomLimits(Problem):
    """Minimise E[W] at a required utility; an answer is the probabilities, limits of the first type first."""

    kind = "limits"
    symbol = "E[W]"
    sense = 1
    needs = frozenset({NONNEGATIVE})
    schema = verifier.stopping.SCHEMA
    proof = StoppingCertificate

    stopping: Stopping

    def __post_init__(self) -> None:
        if self.stopping.server is not None:
            raise ProblemError("server is given; problems of randomised limits are of one request at a time")

    @property
    def data(self) -> Stopping:
        """The lengths, the server, and the utility required."""
        return self.stopping

    @property
    def names(self) -> tuple[str, ...]:
        """Type (from 0) and limit."""
        rows = enumerate(self.stopping.counts)
        return tuple(f"limit {n} of type {k}" for k, row in rows for n in range(1, len(row) + 1))

    @property
    def sha256(self) -> str:
        """Of the exact data."""
        return self.stopping.sha256

    def to_record(self) -> dict[str, Any]:
        """The exact data."""
        return {"instance": self.stopping.to_document()}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        """What `to_record` wrote."""
        return cls(Stopping(**record["instance"]))

    @cached_property
    def _table(self) -> FloatArray:
        """s1, s2 and u times the share, shape (3, limits of all types)."""
        return np.array([[float(x) for x in limit] for row in self.stopping.limits() for limit in row]).T

    @cached_property
    def _types(self) -> list[slice]:
        ends = np.cumsum([0, *map(len, self.stopping.counts)]).tolist()
        return [slice(a, b) for a, b in pairwise(ends)]

    def optimum(self, proof: StoppingCertificate) -> Decimal:
        """The least mean wait, to 40 digits."""
        return proof.lower

    def best(self, proof: StoppingCertificate) -> FloatArray:
        """The rule's probabilities."""
        answer = np.zeros(len(self.names))
        for k, n, w in proof.rule:
            answer[self._types[k].start + n - 1] = float(w)
        return answer

    def value(self, answer: FloatArray) -> float:
        """E[W] of the rule made of probabilities that are not negative and sum to 1 of every type, in s."""
        weights = np.maximum(answer, 0.0)
        for own in self._types:
            weights[own] /= weights[own].sum() or 1.0
        s1, s2, _ = self._table @ weights
        lam = self.stopping.arrival_rate
        return float(lam * s2 / (2 * (1 - lam * s1))) if lam * s1 < 1 else np.inf

    def broken(self, answer: FloatArray) -> str | None:
        """Whether a probability is negative, they do not sum to 1, miss the utility or are not stable."""
        least = int(np.argmin(answer))
        if answer[least] < -FEASIBILITY:
            return (
                f"the probability of {self.names[least]} is {answer[least]:.3g} (tolerance {FEASIBILITY:g})"
            )
        for k, own in enumerate(self._types):
            total = float(answer[own].sum())
            if abs(total - 1) > FEASIBILITY:
                return f"the probabilities of type {k} sum to {total:.9g} (tolerance {FEASIBILITY:g})"
        load = self.stopping.arrival_rate * float(self._table[0] @ answer)
        if load >= 1:
            return f"the utilisation is {load:.6g}, not below 1"
        missing = self.stopping.required - float(self._table[2] @ answer)
        if missing > FEASIBILITY:
            told = f"the utility of {self.stopping.required:g} is missed by {missing:.3g}"
            return f"{told} (tolerance {FEASIBILITY:g})"
        return None

    def prove(self) -> StoppingCertificate:
        """In rational numbers, from what HiGHS mixes."""
        return exact_least_wait(self.stopping)

    def cones(self, form: str) -> Written:
        """The linear program; both forms are the same."""
        (s1, s2, u), lam, size = self._table, self.stopping.arrival_rate, len(self.names)
        sums = np.zeros((len(self._types), size))
        for k, own in enumerate(self._types):
            sums[k, own] = 1.0
        others = sums[1:] - sums[0]
        rows = np.vstack([sums[0] - lam * s1, u - self.stopping.required * sums[0], others, -others])
        A = sparse.csc_array(-sparse.vstack([sparse.eye_array(size), sparse.csr_array(rows)]))
        A.sort_indices()
        b = np.zeros(size + len(rows))
        b[size] = -1.0
        program = ConeProgram(A, b, lam / 2 * s2, 0.0, ((NONNEGATIVE, len(b)),))
        return Written(program, self._rule, {"names": list(self.names)})

    def _rule(self, v: FloatArray) -> FloatArray:
        """The probabilities in a point; not a number where a type has none."""
        answer = np.array(v, dtype=float)
        for own in self._types:
            total = answer[own].sum()
            answer[own] = answer[own] / total if total > 0 else np.nan
        return answer
