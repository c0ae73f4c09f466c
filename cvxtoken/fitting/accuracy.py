"""Accuracy against budget: the saturation curve fitted to measurements, with error bars and a judgement."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest
from cvxtoken.fitting.curve import Curve
from cvxtoken.fitting.estimate import METHODS, Estimate, fit
from cvxtoken.fitting.inference import Inference
from cvxtoken.fitting.judgement import judge, rmse
from cvxtoken.fitting.points import (
    LEAST_BUDGETS,
    Points,
    points_of_accuracies,
    points_of_counts,
    points_of_rows,
)

NAMES = ("accuracy_gain", "saturation_rate", "base_accuracy")
INTERVALS = ("profile", "bootstrap")
_DRAWS = 400  # of a bootstrap interval


@dataclass(frozen=True, eq=False)
class AccuracyFit:
    """The curve p(l) = A (1 - exp(-b l)) + D fitted to measured accuracies.

    Attributes:
        points: the measurements, gathered by budget.
        method: likelihood or least_squares.
        curve: the estimates; where the verdict is flat, b is arbitrary and means nothing.
        standard_errors: by name; NaN for a parameter at its bound or not identified.
        intervals: by name, at the confidence given; an end that the data do not determine is the parameter's
            own bound (0, 1 or infinity).
        confidence: of the intervals.
        rmse: root mean squared residual over the budgets.
        verdict: flat, too few points, lag, misfit, at a bound, or fits (see `cvxtoken.fitting.judgement`).
        judgement: the verdict with its reason.
        goodness_of_fit: p-value of the residuals; None without counts, or with three budgets.
        lagged: the curve with a lag, where the verdict is lag.
        lagged_rmse: the RMSE of that curve.
        loss: twice what was minimised: the deviance, or the sum of squared residuals in percent.
    """

    points: Points
    method: str
    curve: Curve
    standard_errors: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    confidence: float
    rmse: float
    verdict: str
    judgement: str
    goodness_of_fit: float | None
    lagged: Curve | None
    lagged_rmse: float | None
    loss: float

    @property
    def accuracy_gain(self) -> float:
        """A."""
        return self.curve.A

    @property
    def saturation_rate(self) -> float:
        """b, in 1/token."""
        return self.curve.b

    @property
    def base_accuracy(self) -> float:
        """D."""
        return self.curve.D

    @property
    def residuals(self) -> FloatArray:
        """Measured minus fitted accuracy, shape (n,)."""
        return np.asarray(self.points.accuracy - self.curve(self.points.budgets))

    def band(self, tokens: ArrayLike) -> FloatArray:
        """Pointwise interval of p(l) at the fit's confidence, to first order, shape (2, ...)."""
        inference = Inference(self.points, self.method, Estimate(self.curve, self.loss))
        return inference.band(np.asarray(tokens, dtype=np.float64), self.confidence)

    def draws(self, count: int, seed: int = 0, lagged: bool = False) -> list[Curve]:
        """Curves refitted to data sets drawn anew: what the measurements might have said instead.

        Questions are drawn with replacement where they are known. Otherwise answers are drawn from the fitted
        curve, or, without counts, the residuals are drawn.

        Args:
            count: how many curves.
            seed: of NumPy's generator.
            lagged: draw curves with a lag where the verdict is lag.
        """
        centre = self.lagged if lagged and self.lagged is not None else self.curve
        return _draws(self.points, self.method, centre, count, seed)

    def to_document(self) -> dict[str, Any]:
        """A mapping of plain values; None for what is not finite."""
        lagged = None
        if self.lagged is not None:
            values = (self.lagged.A, self.lagged.b, self.lagged.D, self.lagged.lag, self.lagged_rmse)
            lagged = dict(zip((*NAMES, "lag", "rmse"), values, strict=True))
        return {
            **{name: getattr(self, name) for name in NAMES},
            "standard_errors": {name: _finite(value) for name, value in self.standard_errors.items()},
            "intervals": {name: [_finite(end) for end in ends] for name, ends in self.intervals.items()},
            "confidence": self.confidence,
            "method": self.method,
            "rmse": self.rmse,
            "goodness_of_fit": self.goodness_of_fit,
            "verdict": self.verdict,
            "judgement": self.judgement,
            "lagged": lagged,
        }


def fit_accuracy(
    budgets: ArrayLike,
    correct: ArrayLike | None = None,
    trials: ArrayLike | None = None,
    *,
    accuracy: ArrayLike | None = None,
    questions: Any = None,
    method: str | None = None,
    intervals: str = "profile",
    confidence: float = 0.9,
) -> AccuracyFit:
    """Fit p(l) = A (1 - exp(-b l)) + D with 0 <= D, 0 <= A, A + D <= 1, b > 0.

    The measurements come in one of three forms: `correct` of `trials` answers at each budget; one row for
    each answer, right or wrong (`correct` alone, and optionally the `questions` answered); or `accuracy`,
    with `trials` or without.

    Args:
        budgets: l, shape (rows,), in tokens.
        correct: numbers of right answers, or 0 and 1.
        trials: numbers of answers.
        accuracy: shares of right answers.
        questions: a label for each row; answers to the same question are not taken to be independent.
        method: likelihood (binomial) or least_squares (all budgets alike); by default likelihood where
            counts are known.
        intervals: profile, or bootstrap (percentiles of 400 refits; see `AccuracyFit.draws`).
        confidence: of the intervals.

    Raises:
        ProblemError: the data are out of range, of unequal lengths or at fewer than three budgets; or a
            method, kind of interval or confidence is not allowed.
        SolverError: the optimiser ends short of a minimum.

    >>> found = fit_accuracy([0, 500, 1000, 2000, 8000], [200, 520, 665, 770, 802], [1000] * 5)
    >>> found.verdict, round(found.accuracy_gain, 2), round(found.saturation_rate, 4)
    ('fits', 0.6, 0.0015)
    """
    points = _points(budgets, correct, trials, accuracy, questions)
    method = method or ("least_squares" if points.trials is None else "likelihood")
    return fit_points(points, method, intervals, confidence)


def fit_points(points: Points, method: str, intervals: str, confidence: float) -> AccuracyFit:
    """The fit to checked measurements (ProblemError: a bad method, kind of interval or confidence)."""
    if method not in METHODS:
        raise ProblemError(
            f"method is {method!r}; it must be {' or '.join(METHODS)}{nearest(method, METHODS)}"
        )
    if method == "likelihood" and points.trials is None:
        raise ProblemError("method is 'likelihood'; it needs correct and trials, or accuracy with trials")
    if intervals not in INTERVALS:
        raise ProblemError(f"intervals is {intervals!r}; it must be {' or '.join(INTERVALS)}")
    if not 0 < confidence < 1:
        raise ProblemError(f"confidence is {confidence}; it must be between 0 and 1")
    estimate = fit(points, method)
    inference = Inference(points, method, estimate)
    judgement = judge(points, method, estimate)
    errors, ends = inference.standard_errors(), inference.intervals(confidence)
    if judgement.verdict == "flat":  # whatever b is
        errors, ends = (errors[0], math.nan, errors[2]), (ends[0], (0.0, math.inf), ends[2])
    elif intervals == "bootstrap":
        curves = _draws(points, method, estimate.curve, _DRAWS, seed=0)
        shares = [(1 - confidence) / 2, (1 + confidence) / 2]
        drawn = np.quantile([(curve.A, curve.b, curve.D) for curve in curves], shares, axis=0)
        ends = tuple((float(low), float(high)) for low, high in drawn.T)
    lagged = judgement.lagged
    return AccuracyFit(
        points=points,
        method=method,
        curve=estimate.curve,
        standard_errors=dict(zip(NAMES, errors, strict=True)),
        intervals=dict(zip(NAMES, ends, strict=True)),
        confidence=confidence,
        rmse=rmse(points, estimate),
        verdict=judgement.verdict,
        judgement=f"{judgement.verdict}: {judgement.sentence}",
        goodness_of_fit=judgement.goodness_of_fit,
        lagged=None if lagged is None else lagged.curve,
        lagged_rmse=None if lagged is None else rmse(points, lagged),
        loss=estimate.loss,
    )


def _draws(points: Points, method: str, centre: Curve, count: int, seed: int) -> list[Curve]:
    """Refits, with a lag where the centre has one."""
    rng = np.random.default_rng(seed)
    p = centre(points.budgets)
    curves = []
    for _ in range(count):
        data = points.resampled(p, rng)
        while len(data) < LEAST_BUDGETS:  # few questions, none of them drawn at some budget
            data = points.resampled(p, rng)
        curves.append(fit(data, method, start=centre, lagged=centre.lag > 0).curve)
    return curves


def _points(
    budgets: ArrayLike,
    correct: ArrayLike | None,
    trials: ArrayLike | None,
    accuracy: ArrayLike | None,
    questions: Any,
) -> Points:
    if (correct is None) == (accuracy is None):
        raise ProblemError("one of correct and accuracy must be given, and not both")
    if accuracy is not None:
        return points_of_accuracies(budgets, accuracy, trials)
    if trials is not None:
        return points_of_counts(budgets, correct, trials)  # type: ignore[arg-type]
    return points_of_rows(budgets, correct, questions)  # type: ignore[arg-type]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
