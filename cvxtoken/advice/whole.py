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
from cvxtoken.fitting.drawn import Drawn
from cvxtoken.fitting.fitted import FittedWorkload
from cvxtoken.lagged.certificate import LaggedCertificate
from cvxtoken.lagged.problem import LaggedWorkload
from cvxtoken.lagged.reference import solve_lagged
from cvxtoken.robust.certificate import RobustCertificate, certify_robust
from cvxtoken.robust.problem import Ensemble
from cvxtoken.robust.reference import search_robust
from cvxtoken.whole.certificate import IntegerCertificate
from cvxtoken.whole.reference import solve_integer

_SECONDS = 10.0  # of a search; the result says how good it surely is, when that is not enough
_MOST_ROUNDED = 12  # types whose budgets are rounded in all ways

_AVERAGED = 100  # draws whose average is maximised; over more, budgets are hardly better (study `advised`)
_PROVEN = 5000  # types times draws that a proof of about a second has
_LEAST_AVERAGED = 10

AnyProof = IntegerCertificate | Certificate | LaggedCertificate | RobustCertificate


@dataclass(frozen=True)
class WholeBudgets:
    """Whole tokens and their proof.

    Attributes:
        tokens: shape (N,).
        proof: of the best whole tokens; under targets, that these tokens meet them, and of how far they are
            from the best real ones; with lags, of the best real tokens; of an average over draws, of how far
            these tokens are from the best real ones.
        lag: l0 of every type, shape (N,), 0 where there is none.
        loss: upper bound of what any budgets gain over these, in s or accuracy: proven, but with a lag only
            computed; on average over the draws where these are best on average.
        averaged: of how many draws the average is; 0 where budgets are those of the point estimates.
    """

    tokens: FloatArray
    proof: AnyProof
    lag: FloatArray
    loss: float
    averaged: int = 0


def best_whole(fitted: FittedWorkload, targets: Targets) -> WholeBudgets:
    """The best whole budgets for the point estimates.

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


def best_on_average(drawn: Drawn, start: FloatArray) -> WholeBudgets:
    """Whole budgets next to the real ones of the best average J over the first draws, none with a lag.

    Args:
        drawn: workloads without lags.
        start: tokens to search from, shape (N,).

    Raises:
        CertificateError: the checker refuses the proof.
    """
    ensemble = averaged(drawn)
    tokens = average_tokens(ensemble, start)
    proof = certify_robust(ensemble, tokens.tolist())
    return WholeBudgets(tokens, proof, np.zeros(len(tokens)), float(proof.upper - proof.lower), len(ensemble))


def average_tokens(ensemble: Ensemble, start: FloatArray) -> FloatArray:
    """The tokens of `best_on_average`, shape (N,), without their proof."""
    real = search_robust(ensemble, np.minimum(start, ensemble.max_tokens))
    tokens = np.minimum(np.rint(real), np.floor(ensemble.max_tokens))
    return tokens if ensemble.idle(tokens) > 0 else np.floor(real)


def averaged(drawn: Drawn) -> Ensemble:
    """The first draws, as many as are averaged."""
    types = len(drawn.workloads[0])
    return Ensemble(drawn.workloads[: min(_AVERAGED, max(_PROVEN // types, _LEAST_AVERAGED))])


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
