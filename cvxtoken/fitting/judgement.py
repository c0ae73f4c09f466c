"""Whether measured accuracies follow the saturation curve, in one word and one sentence.

The verdicts, in the order in which they are tried: `flat` (no rise beyond chance), `too few points` (three
budgets), `lag` (an S-shape: a lag improves the fit by more than chance would), `misfit`, `at a bound`,
`fits`. Tests of shape are at 1 %, that of a rise at 5 %: to miss a curve costs accuracy, to see one where
there is none costs time. Where no counts are known, F tests against the residuals replace the tests by
likelihood, and an RMSE above 0.04 is called a misfit (our choice).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, fdtrc

from cvxtoken.fitting.estimate import Estimate, fit, objective, rate_bounds
from cvxtoken.fitting.inference import AT_BOUND, Inference
from cvxtoken.fitting.points import LEAST_BUDGETS, Points

RISE_LEVEL = 0.05
SHAPE_LEVEL = 0.01
SATURATED = 5.0  # b l from which on less than 1 % is left to gain
LARGEST_RMSE = 0.04  # of a fit without counts


@dataclass(frozen=True)
class Judgement:
    """What the data say about the curve.

    Attributes:
        verdict: one of flat, too few points, lag, misfit, at a bound, fits.
        sentence: why.
        lagged: the curve with a lag, where the verdict is lag.
        goodness_of_fit: p-value of the curve without a lag; None where it cannot be tested.
    """

    verdict: str
    sentence: str
    lagged: Estimate | None
    goodness_of_fit: float | None


def judge(points: Points, method: str, estimate: Estimate) -> Judgement:
    """The verdict on a fit; with counts, tests are by likelihood, whatever method fitted the curve."""
    test = "least_squares" if points.trials is None else "likelihood"
    tested = Inference(points, test, estimate if test == method else fit(points, test))
    gof = Inference(points, method, estimate).goodness_of_fit()
    rise = _rise(tested)
    error = rmse(points, estimate)
    few = len(points) == LEAST_BUDGETS
    wrong = error > LARGEST_RMSE if gof is None and points.trials is None else _below(gof, SHAPE_LEVEL)
    if rise is not None and rise > RISE_LEVEL and not wrong:
        sentence = (
            f"accuracy does not rise with the budget beyond chance (p = {rise:.2g}); b is not identified"
        )
        return Judgement("flat", sentence, None, gof)
    if few:
        sentence = f"{LEAST_BUDGETS} budgets determine A, b and D and leave none to test the shape with"
        return Judgement("too few points", sentence, None, gof)
    lagged, better = _lag(tested)
    if better < SHAPE_LEVEL:
        own = lagged if test == method else fit(points, method, lagged=True)
        sentence = (
            f"an S-shape: nothing is gained below about {own.curve.lag:.0f} tokens; with this lag the RMSE "
            f"is {rmse(points, own):.4f} in place of {error:.4f} (p = {better:.2g})"
        )
        return Judgement("lag", sentence, own, gof)
    if gof is None:
        told = "no counts to test it with" if points.trials is None else "too few questions to test it with"
    else:
        told = f"goodness of fit p = {gof:.2g}"
    if wrong:
        return Judgement("misfit", f"the curve does not have this shape: RMSE {error:.4f}, {told}", None, gof)
    if bounds := at_bounds(points, estimate):
        return Judgement("at a bound", f"{' and '.join(bounds)}; RMSE {error:.4f}, {told}", None, gof)
    return Judgement("fits", f"RMSE {error:.4f} over {len(points)} budgets, {told}", None, gof)


def rmse(points: Points, estimate: Estimate) -> float:
    """Root mean squared residual over the budgets, each with the same weight."""
    return float(np.sqrt(np.mean((points.accuracy - estimate.curve(points.budgets)) ** 2)))


def at_bounds(points: Points, estimate: Estimate) -> list[str]:
    """In words, the bounds at which an estimate is."""
    curve, (low, _) = estimate.curve, rate_bounds(points)
    first = float(points.budgets[1] - points.budgets[0])
    bounds = {
        "D is at its bound 0": curve.D <= AT_BOUND,
        "A + D is at its bound 1": curve.A + curve.D >= 1 - AT_BOUND,
        "b is bounded from below only: saturated at the second budget": curve.b * first > SATURATED,
        "b is at its lower bound: a straight line": curve.b <= 1.001 * low,
    }
    return [words for words, there in bounds.items() if there]


def _below(p_value: float | None, level: float) -> bool:
    return p_value is not None and p_value < level


def _rise(tested: Inference) -> float | None:
    """The p-value of a constant against the curve, which has two parameters more; None if not testable."""
    points, estimate = tested.points, tested.estimate
    weights = np.ones(len(points)) if points.trials is None else points.trials
    constant = np.full(len(points), float(np.average(points.accuracy, weights=weights)))
    better = max(2 * float(objective(points, tested.method)(constant)[0]) - estimate.loss, 0.0)
    return _p_value(better, tested, estimate.loss, 2, len(points) - 3)


def _lag(tested: Inference) -> tuple[Estimate, float]:
    """The fit with a lag, and the p-value of the fit without (conservative: a lag is not negative)."""
    lagged = fit(tested.points, tested.method, lagged=True)
    better = max(tested.estimate.loss - lagged.loss, 0.0)
    found = _p_value(better, tested, lagged.loss, 1, len(tested.points) - 4)
    return lagged, 1.0 if found is None else found


def _p_value(better: float, tested: Inference, loss: float, more: int, left: int) -> float | None:
    """The p-value of a fall of the loss by more parameters: chi-square with counts, else F."""
    if tested.points.trials is not None:
        return float(chdtrc(more, better / max(tested.overdispersion, 1.0)))
    if left < 1:
        return None
    return float(fdtrc(more, left, better / more / (max(loss, 1e-12) / left)))
