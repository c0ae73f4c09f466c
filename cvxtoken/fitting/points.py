"""Measured accuracies by budget: checked, gathered from rows, with a covariance for repeated questions."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError

LEAST_BUDGETS = 3  # as many as the curve has parameters
_MOST_BUDGETS = 400  # budgets that are kept apart; where there are more, neighbours are gathered in groups


@dataclass(frozen=True, eq=False)
class Points:
    """Accuracies at n distinct budgets, in increasing order.

    Attributes:
        budgets: l, shape (n,), in tokens.
        accuracy: shares of correct answers, shape (n,).
        trials: number of answers at each budget, shape (n,); None where not known.
        by_question: correct answers and answers of each question at each budget, two sparse matrices of
            shape (questions, n); None where it is not known which answers are of the same question.
    """

    budgets: FloatArray
    accuracy: FloatArray
    trials: FloatArray | None
    by_question: tuple[sparse.csr_array, sparse.csr_array] | None = None

    def __len__(self) -> int:
        return len(self.budgets)

    @property
    def questions(self) -> int | None:
        """How many questions there are; None where not known."""
        return None if self.by_question is None else int(self.by_question[0].shape[0])

    def variances(self, p: FloatArray) -> FloatArray:
        """Binomial variances p (1 - p) / trials, shape (n,), with p kept half an answer away from 0 and 1."""
        assert self.trials is not None
        edge = np.minimum(0.5 / self.trials, 0.5)
        inside = np.clip(p, edge, 1 - edge)
        return np.asarray(inside * (1 - inside) / self.trials)

    def covariance(self, p: FloatArray) -> FloatArray:
        """Covariance of the accuracies, shape (n, n), where the true ones are p.

        It is binomial where it is not known which answers are of the same question. Otherwise it is that of
        ratios over Q questions drawn at random, V_ij = Q / (Q - 1) sum_q e_qi e_qj, where
        e_qi = (correct_qi - y_i answers_qi) / trials_i is taken about the observed accuracies y. No variance
        is taken to be smaller than the binomial one.
        """
        model = self.variances(p)
        if self.by_question is None:
            return np.diag(model)
        correct, answers = self.by_question
        e = (correct - answers.multiply(self.accuracy[None, :])).multiply(1 / self.trials[None, :])  # type: ignore[index]
        Q = correct.shape[0]
        V = np.asarray((e.T @ e).todense()) * (Q / max(Q - 1, 1))
        np.fill_diagonal(V, np.maximum(np.diag(V), model))
        return np.asarray(V)

    def resampled(self, p: FloatArray, rng: np.random.Generator) -> Points:
        """Another data set of the same size: by questions, by binomial answers around p, or by residuals.

        Budgets at which no drawn question was asked are left out. Residuals are drawn where no counts are
        known; they are widened to make up for the three parameters fitted to them.
        """
        if self.trials is None:
            noise = rng.choice(self.accuracy - p, len(p)) * np.sqrt(len(p) / max(len(p) - 3, 1))
            return Points(self.budgets, np.clip(p + noise, 0, 1), None)
        if self.by_question is None:
            whole = np.maximum(np.rint(self.trials), 1)
            return Points(self.budgets, rng.binomial(whole.astype(np.int64), p) / whole, whole)
        correct, answers = self.by_question
        Q = correct.shape[0]
        times = np.bincount(rng.integers(Q, size=Q), minlength=Q).astype(np.float64)
        trials = answers.T @ times
        asked = trials > 0
        share = (correct.T @ times)[asked] / trials[asked]
        return Points(self.budgets[asked], share, trials[asked])


def points_of_counts(budgets: ArrayLike, correct: ArrayLike, trials: ArrayLike) -> Points:
    """Points from numbers of correct answers; equal budgets are added up.

    Raises:
        ProblemError: a number is not finite or out of range, or there are fewer than three budgets.
    """
    l, k, n = columns(budgets=budgets, correct=correct, trials=trials)
    require(n > 0, "trials", n, "must be positive")
    require(k >= 0, "correct", k, "must not be negative")
    if (k > n).any():
        row = int(np.argmax(k > n))
        raise ProblemError(
            f"correct is {k[row]:g} of {n[row]:g} trials in row {row + 1}; it must be at most trials"
        )
    return _gathered(l, k, n, counted=True)


def points_of_accuracies(budgets: ArrayLike, accuracy: ArrayLike, trials: ArrayLike | None = None) -> Points:
    """Points from shares of correct answers, with the numbers of answers behind them or without.

    Raises:
        ProblemError: as for counts; or an accuracy is not from 0 to 1.
    """
    l, p = columns(budgets=budgets, accuracy=accuracy)
    require((p >= 0) & (p <= 1), "accuracy", p, "must be from 0 to 1")
    if trials is None:
        return _gathered(l, p, np.ones(len(l)), counted=False)
    n = np.broadcast_to(columns(trials=trials)[0], l.shape) if np.ndim(trials) == 0 else trials
    return points_of_counts(l, p * columns(budgets=l, trials=n)[1], n)


def points_of_rows(budgets: ArrayLike, correct: ArrayLike, questions: Any = None) -> Points:
    """Points from one row for each answer, right (1) or wrong (0), or graded between.

    A graded score counts as that share of a right answer. Its variance is at most p (1 - p), that of right
    and wrong answers with the same mean, so that error bars are rather too wide than too narrow.

    Args:
        budgets: l, shape (rows,), in tokens.
        correct: shape (rows,), from 0 to 1.
        questions: shape (rows,), any labels; answers to one question are not taken to be independent. With
            None all are.

    Raises:
        ProblemError: as for counts; or `correct` holds something that is not from 0 to 1.
    """
    l, k = columns(budgets=budgets, correct=correct)
    require((k >= 0) & (k <= 1), "correct", k, "must be from 0 to 1, or come with trials")
    if questions is None:
        return _gathered(l, k, np.ones(len(l)), counted=True)
    labels = np.asarray(questions)
    if labels.shape != l.shape:
        raise ProblemError(f"questions has shape {labels.shape}; it must have one label a row, {len(l)}")
    return _gathered(l, k, np.ones(len(l)), counted=True, questions=np.unique(labels, return_inverse=True)[1])


def columns(**values: Any) -> list[FloatArray]:
    """Columns of finite numbers, all of one length; budgets must not be negative (ProblemError)."""
    found: list[FloatArray] = []
    for field, value in values.items():
        try:
            array = np.atleast_1d(np.asarray(value, dtype=np.float64))
        except (TypeError, ValueError) as error:
            raise ProblemError(f"{field} is {reprlib.repr(value)}; it must be a list of numbers") from error
        if array.ndim != 1 or not array.size:
            raise ProblemError(f"{field} has shape {array.shape}; it must be one list of numbers, not empty")
        require(np.isfinite(array), field, array, "must be finite")
        if found and len(array) != len(found[0]):
            first = next(iter(values))
            raise ProblemError(
                f"{field} has {len(array)} numbers and {first} {len(found[0])}; they must agree"
            )
        if field == "budgets":
            require(array >= 0, field, array, "must not be negative")
        found.append(array)
    return found


def require(good: np.ndarray, field: str, values: FloatArray, rule: str) -> None:
    """Raise ProblemError that names the first row that breaks a rule."""
    if not good.all():
        row = int(np.argmin(good))
        raise ProblemError(f"{field} is {values[row]:g} in row {row + 1}; it {rule}")


def _gathered(
    l: FloatArray, k: FloatArray, n: FloatArray, counted: bool, questions: np.ndarray | None = None
) -> Points:
    """Rows added up by budget, or by groups of neighbouring budgets where there are too many."""
    distinct, place = np.unique(l, return_inverse=True)
    if len(distinct) < LEAST_BUDGETS:
        raise ProblemError(
            f"budgets has {len(distinct)} distinct values; at least {LEAST_BUDGETS} are needed, "
            "one for each of A, b and D, and one more to see whether the curve fits"
        )
    if len(distinct) > _MOST_BUDGETS:
        weights = np.cumsum(np.bincount(place, weights=n))
        group = np.minimum((weights / weights[-1] * _MOST_BUDGETS).astype(int), _MOST_BUDGETS - 1)
        place = np.unique(group, return_inverse=True)[1][place]
    trials: FloatArray = np.bincount(place, weights=n).astype(np.float64)
    budgets = np.bincount(place, weights=n * l) / trials if len(distinct) > _MOST_BUDGETS else distinct
    accuracy = np.bincount(place, weights=k) / trials
    if questions is None:
        return Points(budgets, np.clip(accuracy, 0, 1), trials if counted else None)
    shape = (int(questions.max()) + 1, len(budgets))
    matrices = tuple(sparse.csr_array((v, (questions, place)), shape=shape) for v in (k, n))
    return Points(budgets, accuracy, trials, (matrices[0], matrices[1]))
