"""The best whole tokens, proven: search -> proof -> checker. Only what the checker accepts is stated."""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cvxtoken.allocation import model
from cvxtoken.allocation.prices.search import solve_prices
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.proof.bounds import Bounds
from cvxtoken.allocation.proof.certificate import certify
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import CertificateError, ProblemError, SolverError, UnstableError
from cvxtoken.precision import WHOLE
from cvxtoken.proofs import Proven
from cvxtoken.rigorous import Rounding, double_above
from cvxtoken.tables import table
from cvxtoken.whole.certificate import IntegerCertificate
from cvxtoken.whole.rounding import MODES, RoundedTokens, round_tokens
from cvxtoken.whole.search import Found, search, twins

EXACT_GAP = Decimal("1e-25")  # relative; not 0, as allocations of identical types tie, up to rounding
_SLACK = Decimal("1e-27")  # relative; what is stated above the best value, so that the checker can round


@dataclass(frozen=True)
class IntegerReference(Proven):
    """The best whole allocation of a workload, or the best found, with the proof of how good it is.

    Attributes:
        workload: the instance.
        certificate: the proof; `certificate.save(path)` writes it for anyone to check.
        seconds: of the whole call that made this.
    """

    workload: Workload
    certificate: IntegerCertificate
    seconds: float

    @cached_property
    def tokens(self) -> NDArray[np.int64]:
        """Whole tokens, shape (N,)."""
        return np.array(self.certificate.tokens, dtype=np.int64)

    @property
    def exact(self) -> bool:
        """Whether the proven relative gap is at most 1e-25: nothing is better by more."""
        return self.certificate.relative_gap <= EXACT_GAP

    def loss(self, tokens: ArrayLike) -> float:
        """Proven upper bound of J of the best whole allocation - J(tokens), in s.

        Args:
            tokens: whole, stable, shape (N,).

        Raises:
            ProblemError: the tokens are not N whole numbers in the box.
            UnstableError: the tokens are unstable.
        """
        reached = certify(self.workload, checked_whole(self.workload, tokens)).lower
        return double_above(Context(WHOLE, ROUND_CEILING).subtract(self.certificate.upper, reached))

    def roundings(self) -> dict[str, tuple[RoundedTokens, float]]:
        """By mode, the continuous optimum rounded, and its loss against the best whole allocation, in s."""
        best = solve_prices(self.workload)
        found = {mode: round_tokens(self.workload, best, mode) for mode in MODES}
        return {mode: (rounding, self.loss(rounding.tokens)) for mode, rounding in found.items()}

    def to_document(self) -> dict[str, Any]:
        """A mapping of plain values."""
        return {
            "tokens": dict(zip(self.workload.names, self.tokens.tolist(), strict=True)),
            **self.proven_document(),
            "exact": self.exact,
            "rounding": {
                mode: {"objective": rounding.objective, "loss": loss, "loss_to_continuous": rounding.loss}
                for mode, (rounding, loss) in self.roundings().items()
            },
        }

    def __str__(self) -> str:
        w = self.workload
        l = self.tokens.astype(float)
        rows = zip(
            w.names,
            (f"{tokens}" for tokens in self.tokens),
            (f"{p:.4f}" for p in model.accuracy(w, l)),
            (f"{t:.3f}" for t in model.service_time(w, l)),
            strict=True,
        )
        verdict = "exact" if self.exact else "not exact"
        return "\n".join(
            [
                table(["task", "tokens", "accuracy", "service (s)"], rows),
                f"objective         J = {self.objective:.9f} s, at arrival rate {w.arrival_rate:g} /s "
                f"and accuracy weight {w.accuracy_weight:g} s",
                f"{verdict:<17} no whole allocation is better by more than {self.relative_gap:.3g} relative; "
                f"{self.seconds:.2f} s in all",
                *(
                    f"{'rounded: ' + mode:<17} loses {loss:.3g} s against this, "
                    f"{rounding.loss:.3g} s against the continuous optimum"
                    for mode, (rounding, loss) in self.roundings().items()
                ),
            ]
        )


def solve_integer(workload: Workload, time_limit: float = 60.0) -> IntegerReference:
    """The best budgets in whole tokens from 0 to floor(l_max), proven.

    A search in float64 (`whole.search`) proposes tokens and a proof. `cvxtoken.verifier.whole` redoes the
    proof rigorously, and what it does not accept is not stated. Where the search reaches its time limit
    before the result is exact, the result says how much better another allocation might be.

    Args:
        workload: the instance.
        time_limit: of the search, in s; positive.

    Raises:
        ProblemError: the time limit is not positive.
        UnstableError: no allocation is stable.
        SolverError: the data are beyond float64, such as a weight of 1e300.
    """
    if not time_limit > 0:
        raise ProblemError(f"time_limit is {time_limit}; it must be positive, in s")
    started = time.perf_counter()
    model.require_stable(workload)
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            centre = solve_prices(workload)[twins(workload)]
            found = search(workload, centre, time_limit)
    except (ArithmeticError, ValueError, UnstableError) as error:  # some are stable, as decided above
        raise SolverError(f"the search fails on data beyond float64: {error}") from error
    certificate = _prove(workload, found)
    return IntegerReference(workload, certificate, time.perf_counter() - started)


def _prove(workload: Workload, found: Found) -> IntegerCertificate:
    """The proof of what was found, with the least of three upper bounds that the checker accepts."""
    lower, tokens = max((_attained(workload, tie), tie) for tie in (tuple(map(int, t)) for t in found.ties))
    work = Context(WHOLE, ROUND_CEILING)
    slack = work.multiply(_SLACK, work.add(1, lower.copy_abs()))
    # a search in float64 may err by rounding; the last of the three is the bound of the continuous problem
    for missing in (found.missing, found.missing + 1e-6 * found.loss, found.loss * (1 + 1e-6)):
        certificate = IntegerCertificate(
            workload=workload,
            tokens=tokens,
            lower=lower,
            upper=work.add(lower, work.add(slack, Decimal(missing))),
            z=tuple(map(Decimal, found.z.tolist())),
            edges=found.edges,
            multipliers=tuple(tuple(map(Decimal, nus)) for nus in found.multipliers),
            digits=WHOLE,
            v=tuple(map(Decimal, found.v.tolist())) if workload.is_random else (),
            z0=Decimal(found.z0) if workload.law.constant else Decimal(0),
        )
        try:
            certificate.check()
        except CertificateError as error:
            refused = error
        else:
            return certificate
    raise refused


def _attained(workload: Workload, tokens: tuple[int, ...]) -> Decimal:
    """A lower bound of J at whole tokens."""
    return Bounds(workload, [Decimal(l) for l in tokens], Rounding(WHOLE)).lower


def checked_whole(workload: Workload, tokens: ArrayLike) -> FloatArray:
    """Tokens of shape (N,) that are whole and in the box (ProblemError)."""
    l = model.checked_tokens(workload, tokens)
    whole = l == np.floor(l)
    if not whole.all():
        k = int(np.argmin(whole))
        raise ProblemError(f"tokens of {workload.names[k]!r} is {l[k]}; it must be a whole number")
    return l
