"""The whole tokens that are advised, with the proof of how good they are."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.proof.certificate import Certificate, certify
from cvxtoken.allocation.targeted.optimum import certify_targets
from cvxtoken.allocation.targets import Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import CvxtokenError, TargetError
from cvxtoken.fitting.fitted import FittedWorkload
from cvxtoken.lagged.certificate import LaggedCertificate
from cvxtoken.lagged.problem import LaggedWorkload
from cvxtoken.lagged.reference import solve_lagged
from cvxtoken.whole.certificate import IntegerCertificate
from cvxtoken.whole.reference import solve_integer

_SECONDS = 10.0  # of a search; the result says how good it surely is, when that is not enough
_MOST_ROUNDED = 12  # types whose budgets are rounded in all ways

AnyProof = IntegerCertificate | Certificate | LaggedCertificate


@dataclass(frozen=True)
class WholeBudgets:
    """Whole tokens and their proof.

    Attributes:
        tokens: shape (N,).
        proof: of the best whole tokens; under targets, that these tokens meet them, and of how far they are
            from the best real ones; with lags, of the best real tokens.
        lag: l0 of every type, shape (N,), 0 where there is none.
        loss: upper bound of what any budgets gain over these, in s or accuracy: proven, but with a lag only
            computed.
    """

    tokens: FloatArray
    proof: AnyProof
    lag: FloatArray
    loss: float


def best_whole(fitted: FittedWorkload, targets: Targets) -> WholeBudgets:
    """The whole budgets to deploy at the point estimates.

    Without targets they are the best whole ones (near the best real ones, where curves have a lag). Under
    targets they are the best of those next to the best real ones that meet them.

    Raises:
        UnstableError: no allocation is stable.
        TargetError: no allocation meets the targets, or no whole one next to the best.
    """
    none = np.zeros(len(fitted.tasks))
    if not targets.is_trivial:
        proof = _rounded_inside(fitted.workload, targets)
        tokens = np.array([float(l) for l in proof.tokens])
        return WholeBudgets(tokens, proof, none, float(proof.upper - proof.lower))
    if fitted.lagged.lag.any():
        return _with_lags(fitted.lagged)
    found = solve_integer(fitted.workload, _SECONDS)
    gap = float(found.certificate.upper - found.certificate.lower)
    return WholeBudgets(found.tokens.astype(float), found.certificate, none, gap)


def _rounded_inside(workload: Workload, targets: Targets) -> Certificate:
    """The best rounding of the best real tokens that surely meets the targets (TargetError: none does)."""
    best = certify_targets(workload, targets)
    real = np.array([float(l) for l in best.tokens])
    floors, ceilings = np.floor(real), np.minimum(np.ceil(real), np.floor(workload.max_tokens))
    if len(workload) <= _MOST_ROUNDED:
        ways = [np.array(way) for way in product(*zip(floors.tolist(), ceilings.tolist(), strict=True))]
    else:
        asked = np.array([name in targets.min_accuracy for name in workload.names])
        ways = [floors, np.where(asked, ceilings, floors)]
    weight = targets.accuracy_weight(workload)
    delay = [targets.delay_weight and float(model.mean_system_time(workload, way)) for way in ways]
    gains = [weight * float(model.mean_accuracy(workload, way)) for way in ways]
    for place in np.argsort(np.array(delay) - np.array(gains), kind="stable"):
        try:
            return certify(workload, ways[place].tolist(), targets=targets, multipliers=best.multipliers)
        except CvxtokenError:  # a target is missed
            continue
    raise TargetError(
        "no whole budgets next to the best ones meet the targets, which leave less room than one token; "
        "ease one of them a little",
        {},
    )


def _with_lags(problem: LaggedWorkload) -> WholeBudgets:
    found = solve_lagged(problem, _SECONDS)
    near = np.minimum(np.rint(found.tokens), np.floor(problem.workload.max_tokens))
    tokens = near if model.idle(problem.workload, near) > 0 else np.floor(found.tokens)
    loss = found.upper - float(problem.objective(tokens))
    return WholeBudgets(tokens, found.certificate, problem.lag, loss)
