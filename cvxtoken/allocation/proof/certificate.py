"""Certificates: a proof of optimality that anyone can check, for any feasible allocation (derived here).

What is proven, and why, stands in `bounds`; `cvxtoken.verifier.allocation` checks it with code of its own.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np

from cvxtoken import verifier
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.proof.bounds import Bounds
from cvxtoken.allocation.proof.large import as_doubles, prove_large
from cvxtoken.allocation.proof.separate import NO_MULTIPLIERS, NO_TARGETS
from cvxtoken.allocation.targets import Multipliers, Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError, UnstableError
from cvxtoken.precision import DOUBLE
from cvxtoken.proofs import BoundsProof
from cvxtoken.rigorous import Rounding
from cvxtoken.verifier.allocation import MAX_DIGITS

LARGE = 4096  # types; from here on doubles are proven in arrays
_LEAST_EXPONENT = 9000  # of ten, of tokens: a checker reads exponents of four digits


@dataclass(frozen=True)
class Certificate(BoundsProof):
    """A proof that lower <= J(tokens) <= J* <= upper, and that |l*_k - tokens_k| <= radii_k.

    J* is the optimal objective and l* the optimal allocation of the exact instance, of all allocations that
    meet the targets; the tokens meet them.

    Attributes:
        workload: the instance.
        tokens: the allocation, in tokens, exact.
        lower, upper: bounds of J*, in s (or accuracy, where that is the objective).
        radii: per type, in tokens.
        digits: the working precision that is enough to check the bounds.
        targets: what the allocations must meet, and the objective.
        multipliers: one for each target; any that are not negative make a valid bound.

    A checker takes files of up to about 100,000 types and 400 digits.

    In the file (JSON) the instance holds doubles in shortest form, all other numbers are decimal strings.
    `sha256` is taken of these bytes: the UTF-8 text 'cvxtoken-workload/1', the number of types N and the N
    names, each followed by a line feed; then as big-endian IEEE doubles all N values of prior, accuracy_gain,
    saturation_rate, base_accuracy, overhead, time_per_token and max_tokens, in this order, then arrival_rate
    and accuracy_weight. Where a deviation is not 0, the text is 'cvxtoken-workload/2', and all values of
    deviation and deviation_per_token follow those of max_tokens. With targets, of these instead: the text
    'cvxtoken-targets/1', that hash, the objective and the number of rows, each followed by a line feed; then
    as doubles max_mean_system_time, max_mean_wait, max_utilization and max_mean_tokens (infinity where there
    is none), the N least accuracies (0 where there is none), and of every row N numbers and the limit.

    Source: derived here.
    """

    checker: ClassVar[ModuleType] = verifier.allocation

    workload: Workload
    tokens: tuple[Decimal, ...]
    lower: Decimal
    upper: Decimal
    radii: tuple[Decimal, ...]
    digits: int
    targets: Targets = NO_TARGETS
    multipliers: Multipliers = NO_MULTIPLIERS

    @property
    def also_proven(self) -> str:
        """What is proven beside the bounds."""
        return f"each budget proven to within {float(max(self.radii)):.2g} tokens"

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """The certificate in a parsed file that has been checked."""
        return cls(
            workload=Workload(**document["instance"]),
            tokens=tuple(map(Decimal, document["tokens"])),
            lower=Decimal(document["lower"]),
            upper=Decimal(document["upper"]),
            radii=tuple(map(Decimal, document["radii"])),
            digits=document["digits"],
            targets=Targets(**document.get("targets", {})),
            multipliers=Multipliers.from_document(document.get("multipliers", {})),
        )

    def to_document(self) -> dict[str, Any]:
        """The mapping that `save` writes."""
        plain, targets, multipliers = self.targets.is_trivial, self.targets, self.multipliers
        added = {"targets": targets.to_document(), "multipliers": multipliers.to_document(targets)}
        return {
            "schema": verifier.allocation.SCHEMA if plain else verifier.allocation.TARGET_SCHEMA,
            "sha256": self.workload.sha256 if plain else targets.sha256(self.workload),
            "instance": self.workload.to_instance(),
            **self.stated_bounds(),
            "tokens": [str(l) for l in self.tokens],
            "radii": [str(radius) for radius in self.radii],
        } | ({} if plain else added)


def certify(
    workload: Workload,
    tokens: Sequence[float | Decimal] | FloatArray,
    digits: int = 0,
    targets: Targets = NO_TARGETS,
    multipliers: Multipliers = NO_MULTIPLIERS,
) -> Certificate:
    """Bound the optimum from a feasible allocation, rigorously; whoever proposed it is not asked.

    The number of digits is chosen so that rounding is at most 1 % of the gap, or the gap is beyond what
    the allocation's own digits can give (its error enters squared). From 4096 types on, doubles are proven in
    arrays, about a thousand times as fast, and to a relative gap of about 3e-17 at best; with `digits`, J is
    then a sum of whole numbers, some thirty times as fast as decimals, and a gap of 1e-29 is told from 0
    (docs/arrays.md).

    Args:
        workload: the instance.
        tokens: shape (N,), in tokens; doubles or decimals, taken exactly.
        digits: know J to at least so many, up to 400; 0 leaves it to the size.
        targets: what the allocations compared must meet, and the objective.
        multipliers: of the targets; without them the bound is that without targets, valid and weak.

    Raises:
        ProblemError: not N finite numbers with 0 <= l <= l_max, or they do not surely meet the targets, or
            that there is an optimum is not proven (accuracy alone, with nothing that keeps the load below 1).
        UnstableError: the utilisation at these tokens is 1 or more.
    """
    targets.check(workload)
    multipliers.check(targets)
    if len(workload) >= LARGE and digits <= MAX_DIGITS:
        in_arrays = _large(workload, tokens, targets, multipliers.rounded(), digits)
        if in_arrays is not None:
            return in_arrays
    allocation = _exact_tokens(workload, tokens)
    own_digits = max([DOUBLE, *(len(l.as_tuple().digits) for l in allocation if Decimal(float(l)) != l)])
    # the gap is of second order in the tokens' error, but with targets of first order in the targets' slack
    digits = max(digits, 2 * own_digits + 20 if targets.is_trivial else own_digits + 40)
    if digits > MAX_DIGITS:
        raise ProblemError(f"tokens need {digits} working digits; more than {MAX_DIGITS} cannot be checked")
    for turn in range(3):
        try:
            bounds = Bounds(workload, allocation, Rounding(digits), targets, multipliers)
            certificate = _publish(bounds, targets, multipliers)
        except (UnstableError, ProblemError):
            if turn == 2 or digits == MAX_DIGITS:
                raise
        else:
            far_below = certificate.relative_gap < Decimal(10) ** (-2 * own_digits)
            if bounds.rounding_share <= 0.01 or far_below:
                break
        digits = min(2 * digits, MAX_DIGITS)
    return certificate


def _large(
    workload: Workload,
    tokens: Sequence[float | Decimal] | FloatArray,
    targets: Targets,
    multipliers: Multipliers,
    digits: int,
) -> Certificate | None:
    """The proof in arrays; None where there is none."""
    doubles = as_doubles(tokens, len(workload))
    found = None if doubles is None else prove_large(workload, doubles, targets, multipliers, digits)
    if doubles is None or found is None:
        return None
    exact, radii = (tuple(map(Decimal, values.tolist())) for values in (doubles, found.radii))
    return Certificate(workload, exact, found.lower, found.upper, radii, found.digits, targets, multipliers)


def _publish(bounds: Bounds, targets: Targets, multipliers: Multipliers) -> Certificate:
    """The bounds with the radius of every type (ProblemError where there may be no optimum)."""
    radii = tuple(bounds.radius(k) for k in bounds.types)
    bounds.require_optimum(radii)
    return Certificate(
        workload=bounds.workload,
        tokens=tuple(bounds.allocation),
        lower=bounds.lower,
        upper=bounds.upper,
        radii=radii,
        digits=bounds.rounding.digits,
        targets=targets,
        multipliers=multipliers,
    )


def _exact_tokens(workload: Workload, tokens: Sequence[float | Decimal] | FloatArray) -> list[Decimal]:
    """Tokens as exact decimals inside their box (ProblemError)."""
    given = tokens.tolist() if isinstance(tokens, np.ndarray) else tokens
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ProblemError(f"tokens is {tokens!r}; it must be a list of numbers")
    allocation = list(given)
    if len(allocation) != len(workload):
        raise ProblemError(f"tokens has {len(allocation)} numbers; it must have one a type ({len(workload)})")
    exact = []
    for name, l, l_max in zip(workload.names, allocation, workload.max_tokens.tolist(), strict=True):
        if isinstance(l, bool) or not isinstance(l, int | float | Decimal | np.number):
            raise ProblemError(f"tokens of {name!r} is {reprlib.repr(l)}; it must be a number")
        number = l if isinstance(l, Decimal) else Decimal(l if isinstance(l, int) else float(l))
        if not number.is_finite() or not 0 <= number <= Decimal(l_max):
            raise ProblemError(f"tokens of {name!r} is {reprlib.repr(l)}; it must be from 0 to {l_max}")
        if number and number.adjusted() < -_LEAST_EXPONENT:
            raise ProblemError(f"tokens of {name!r} is {l}; it must be 0 or at least 1e-{_LEAST_EXPONENT}")
        exact.append(number)
    return exact
