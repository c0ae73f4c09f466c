"""The objective, the targets and their multipliers in arrays, for `enclose`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from cvxtoken.allocation.targets import MEMORY, Multipliers, Targets
from cvxtoken.arrays import FloatArray


@dataclass(frozen=True)
class Goal:
    """The objective, the targets and their multipliers, of B instances.

    Attributes:
        accuracy_weight: alpha, or 1 where the objective is accuracy, shape (B,).
        delay_weight: w, 1 or 0.
        limits, prices: by upper target, the limit, and mu, nu, eta, xi or phi of shape (B,).
        floors, zeta: least accuracies and their multipliers, shape (N, B); None where there are none.
        rows: of linear targets a, shape (N, 1), the limit, and chi of shape (B,).
        prompt_tokens: m, shape (N, B), where memory is limited.
    """

    accuracy_weight: FloatArray
    delay_weight: float = 1.0
    limits: dict[str, float] = field(default_factory=dict)
    prices: dict[str, FloatArray] = field(default_factory=dict)
    floors: FloatArray | None = None
    zeta: FloatArray | None = None
    rows: tuple[tuple[FloatArray, float, FloatArray], ...] = ()
    prompt_tokens: FloatArray | None = None

    @property
    def is_plain(self) -> bool:
        """Whether there are no targets."""
        targets = self.limits or self.prices or self.rows
        return not targets and self.floors is None and self.prompt_tokens is None

    def part(self, types: slice) -> Goal:
        """That of some of the types."""
        if self.floors is None and self.prompt_tokens is None and not self.rows:
            return self
        floors, zeta, prompts = (
            column if column is None else column[types]
            for column in (self.floors, self.zeta, self.prompt_tokens)
        )
        rows = tuple((a[types], limit, chi) for a, limit, chi in self.rows)
        return replace(self, floors=floors, zeta=zeta, prompt_tokens=prompts, rows=rows)

    @classmethod
    def of(
        cls,
        targets: Targets,
        multipliers: Sequence[Multipliers],
        names: Sequence[str],
        weight: FloatArray,
        prompts: FloatArray,
    ) -> Self:
        """The goal of B instances.

        Args:
            targets: of all instances.
            multipliers: of each, rounded to doubles.
            names: of the types.
            weight: alpha, shape (B,).
            prompts: m, shape (N, B).
        """
        floors = zeta = None
        if targets.min_accuracy:
            floors = np.array([[targets.min_accuracy.get(name, 0.0)] for name in names])
            prices = [{name: float(x) for name, x in one.min_accuracy.items()} for one in multipliers]
            zeta = np.array([[one.get(name, 0.0) for one in prices] for name in names])
        rows = []
        for number, (*a, limit) in enumerate(targets.linear):
            chi = np.array([float(one.linear[number]) if one.linear else 0.0 for one in multipliers])
            rows.append((np.array(a[: len(names)])[:, None], limit, chi))
        return cls(
            weight if targets.delay_weight else np.ones(len(multipliers)),
            float(targets.delay_weight),
            targets.limits,
            {name: np.array([float(one.of(name)) for one in multipliers]) for name in targets.limits},
            floors,
            zeta,
            tuple(rows),
            prompts if MEMORY in targets.limits else None,
        )
