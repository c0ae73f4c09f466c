"""Proven bounds of very many optima at once, from any tokens."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cvxtoken.allocation.many.blocks import blocks, gather
from cvxtoken.allocation.many.stored import read, write
from cvxtoken.allocation.many.workloads import Workloads, obey
from cvxtoken.allocation.prices.columns import FAST_BLOCK, Columns
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.proof.bounds import Bounds
from cvxtoken.allocation.proof.certificate import Certificate, certify
from cvxtoken.allocation.proof.enclose import enclose
from cvxtoken.allocation.proof.goals import Goal
from cvxtoken.allocation.proof.separate import NO_MULTIPLIERS, NO_TARGETS
from cvxtoken.allocation.targets import Multipliers, Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import CvxtokenError, ProblemError
from cvxtoken.precision import SQUARED
from cvxtoken.proofs import CERTIFIED_GAP
from cvxtoken.rigorous import Rounding, double_above, double_below
from cvxtoken.rigorous.elementwise import worthwhile

_NUMBERS = 32_768  # of types in a block: here calls cost more than the second-level cache saves


@dataclass(frozen=True, eq=False)
class ProvenBounds:
    """What is proven of B optima J*; the interval is infinite where it is nothing.

    Attributes:
        workloads: the instances.
        tokens: shape (B, N), not read beyond an instance's types.
        lower: J at the tokens, rounded down, shape (B,): no optimum is below it. Minus infinity where the
            tokens are not proven to be stable and to meet the targets.
        upper: no allocation that meets the targets exceeds it, shape (B,).
        gap: J* is at most so much above J at the tokens, shape (B,). It is known to some digits of itself,
            and so can be far below what one last digit of J is.
        targets: what the allocations must meet, and the objective.
        multipliers: of the targets, one for each instance; none without targets.
    """

    workloads: Workloads
    tokens: FloatArray
    lower: FloatArray
    upper: FloatArray
    gap: FloatArray
    targets: Targets = NO_TARGETS
    multipliers: tuple[Multipliers, ...] = ()

    @property
    def relative_gap(self) -> FloatArray:
        """(upper - lower) / (1 + least |J| between them), shape (B,); infinite where nothing is proven."""
        straddles = (self.lower <= 0) & (self.upper >= 0)
        least = np.where(straddles, 0.0, np.minimum(np.abs(self.lower), np.abs(self.upper)))
        proven = np.isfinite(self.lower) & np.isfinite(self.upper)
        with np.errstate(invalid="ignore"):
            return np.where(proven, (self.upper - self.lower) / (1 + least), np.inf)

    @property
    def certified(self) -> NDArray[np.bool_]:
        """Where the relative gap is at most 1e-15, shape (B,)."""
        return np.asarray(self.relative_gap <= CERTIFIED_GAP)

    def certify(self, index: int) -> Certificate:
        """The proof in decimals for one of them, with a radius for every budget; as `certify`."""
        workload = self.workloads.workload(index)
        multipliers = self.multipliers[index] if self.multipliers else NO_MULTIPLIERS
        tokens = self.tokens[index, : len(workload)]
        return certify(workload, tokens, targets=self.targets, multipliers=multipliers)

    def save(self, path: str | Path) -> None:
        """Write a file of instances, tokens and bounds that `cvxtoken.verifier.many` proves anew.

        Raises:
            ProblemError: the path does not end in .npz, the file cannot be written, or there are targets,
                of which each proof has a file of its own (`certify(index).save`).
        """
        write(self.workloads, self.tokens, (self.lower, self.upper, self.gap), self.targets, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a file, and prove all of it anew (CertificateError: it does not prove what it states)."""
        workloads, tokens, bounds = read(path)
        return cls(workloads, tokens, *bounds)

    def __len__(self) -> int:
        return len(self.lower)


def certify_many(
    workloads: Workloads | Sequence[Workload],
    tokens: ArrayLike,
    targets: Targets = NO_TARGETS,
    multipliers: Sequence[Multipliers] = (),
) -> ProvenBounds:
    """Bound the optima of many workloads from any stable tokens, rigorously and in arrays.

    Nothing is trusted: not the tokens, nor who found them. All is computed by + - * / on doubles, with error
    bounds derived in docs/arrays.md, so that every bit is the same on every machine. An instance whose
    numbers are not all from 2^-64 to 2^64 (or 0 where they may be), or whose idle share pairs of doubles
    cannot tell from 0, is bounded in decimals.

    Args:
        workloads: arrays, or a list of workloads of any sizes.
        tokens: shape (B, N) or (N,) for all, in tokens.
        targets: what all of them must meet, and the objective; types are named 'type 0', 'type 1', ...
        multipliers: of the targets, one for each instance, rounded to doubles; without them the bounds are
            those without targets, valid and weak.

    Raises:
        ProblemError: the list is empty or holds something other than workloads, the tokens' shape or the
            number of multipliers does not fit, or targets or multipliers do not fit the types.

    Source: derived here.
    """
    data = workloads if isinstance(workloads, Workloads) else Workloads.of(workloads)
    found = unproven(data, tokens, targets, multipliers)
    return bound_rows(found, np.arange(len(data)))


def bound_rows(found: ProvenBounds, rows: NDArray[np.intp], in_decimals: bool = True) -> ProvenBounds:
    """Bound some of the instances, in place; in decimals too, if asked for, what pairs of doubles cannot."""
    data = found.workloads
    fast = worthwhile(int(data.sizes.sum()))
    for block in blocks(data, rows, FAST_BLOCK if fast else _NUMBERS):
        width = int(data.sizes[block[0]])
        arrays, scalars, filled = gather(data, block, width)
        server = data.servers[data.which[block[0]]]
        tokens = np.where(filled, found.tokens[block, :width].T, 0.0)
        w = Columns(
            **arrays,
            arrival_rate=scalars["arrival_rate"] / server.replicas,
            accuracy_weight=scalars["accuracy_weight"],
            idle_at_zero=np.nan,
            server=server,
            law=server.law(1.0, 0.0, float),
        )
        with np.errstate(all="ignore"):  # of data that break a rule
            valid = obey(arrays, scalars, filled)
        proven = enclose(w, tokens, _goal(found, block, filled, scalars["accuracy_weight"]), fast)
        known = proven.known & valid
        found.lower[block] = np.where(known, proven.lower, -np.inf)
        found.upper[block] = np.where(known, proven.upper, np.inf)
        found.gap[block] = np.where(known, proven.gap, np.inf)
        for row in block[~known & valid] if in_decimals else ():
            _in_decimals(found, int(row))
    return found


def _in_decimals(found: ProvenBounds, row: int) -> None:
    """Bound one instance in decimals; where that fails nothing is proven of it."""
    workload = found.workloads.workload(row)
    tokens = list(map(Decimal, found.tokens[row, : len(workload)].tolist()))
    if not all(
        l.is_finite() and 0 <= l <= Decimal(top)
        for l, top in zip(tokens, workload.max_tokens.tolist(), strict=True)
    ):
        return
    multipliers = found.multipliers[row] if found.multipliers else NO_MULTIPLIERS
    try:
        bounds = Bounds(workload, tokens, Rounding(SQUARED), found.targets, multipliers)
    except CvxtokenError:
        return
    found.lower[row], found.upper[row] = double_below(bounds.lower), double_above(bounds.upper)
    found.gap[row] = double_above(bounds.gap)


def unproven(
    data: Workloads, tokens: ArrayLike, targets: Targets = NO_TARGETS, multipliers: Sequence[Multipliers] = ()
) -> ProvenBounds:
    """The checked arguments, with infinite bounds."""
    count, width = data.prior.shape
    try:
        l = np.broadcast_to(np.asarray(tokens, dtype=np.float64), (count, width))
    except (TypeError, ValueError) as error:
        told = getattr(tokens, "shape", reprlib.repr(tokens))
        raise ProblemError(f"tokens is {told}; it must be numbers of shape ({count}, {width})") from error
    names = {f"type {k}" for k in range(width)} if targets.min_accuracy else ()
    for name in targets.min_accuracy:
        if name not in names:
            raise ProblemError(
                f"min_accuracy: {name!r} is not a type; types are named 'type 0', 'type 1', ..."
            )
    for row in targets.linear:
        if len(row) != width + 1:
            raise ProblemError(
                f"linear: a row has {len(row)} numbers; it must have one a type and a limit ({width + 1})"
            )
    if len(multipliers) not in (0, count):
        raise ProblemError(
            f"multipliers holds {len(multipliers)}; it must hold one for each instance ({count})"
        )
    for one in multipliers:
        one.check(targets)
    lower, upper, gap = (np.full(count, value) for value in (-np.inf, np.inf, np.inf))
    return ProvenBounds(data, l, lower, upper, gap, targets, tuple(multipliers))


def _goal(
    found: ProvenBounds, block: NDArray[np.intp], filled: NDArray[np.bool_], weight: FloatArray
) -> Goal:
    if found.targets.is_trivial:
        return Goal(weight)
    multipliers = [found.multipliers[row] if found.multipliers else NO_MULTIPLIERS for row in block]
    names = [f"type {k}" for k in range(len(filled))]
    prompts = np.where(filled, found.workloads.prompt_tokens[block, : len(filled)].T, 0.0)
    return Goal.of(found.targets, multipliers, names, weight, prompts)
