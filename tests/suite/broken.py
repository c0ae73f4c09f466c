"""Solvers that are broken on purpose, and the check that names the fault of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import cvxtoken
from cvxtoken import UnstableError, Workload
from cvxtoken.allocation import model
from cvxtoken.delay import Fifo
from cvxtoken.suite import Answer
from tests.support.prices import best_response


def gradient_steps(workload: Workload, sign: float, steps: int) -> np.ndarray:
    model.require_stable(workload)
    l = np.zeros(len(workload))
    for _ in range(steps):
        g = model.gradient(workload, l) / workload.prior / workload.time_per_token
        step = np.clip(l + sign * 10 * g, 0, workload.max_tokens)
        l = step if model.idle(workload, step) > 0 else l
    return l


def wrong_sign(workload: Workload) -> np.ndarray:
    return gradient_steps(workload, -1.0, 50)


def stops_early(workload: Workload) -> np.ndarray:
    return gradient_steps(workload, 1.0, 3)


def without_lambda_squared(workload: Workload) -> np.ndarray:
    """The price of a second without its lambda^2 term: p = 1."""
    model.require_stable(workload)
    l = np.zeros(len(workload))
    for _ in range(200):
        theta = workload.arrival_rate / float(model.idle(workload, l))
        answer = best_response(workload, theta, 1.0)[0]
        l = 0.9 * l + 0.1 * answer
        while model.idle(workload, l) <= 0:
            l /= 2
    return l


def no_projection(workload: Workload) -> np.ndarray:
    l = cvxtoken.price_newton(workload).tokens
    return np.where(l == 0, -5.0, l)


def lies(workload: Workload) -> Answer:
    return Answer(0.5 * cvxtoken.price_newton(workload).tokens, "optimal")


def says_infeasible(workload: Workload) -> Answer:
    return Answer(None, "infeasible")


def never_says_infeasible(workload: Workload) -> np.ndarray:
    try:
        return cvxtoken.price_newton(workload).tokens
    except UnstableError:
        return np.zeros(len(workload))


def swaps_two_types(workload: Workload) -> np.ndarray:
    l = cvxtoken.price_newton(workload).tokens.copy()
    l[:2] = l[:2][::-1]
    return np.minimum(l, workload.max_tokens)


def weighs_types_alike(workload: Workload) -> np.ndarray:
    """Right for equal priors only."""
    equal = workload.replace(prior=np.full(len(workload), 1 / len(workload)))
    l = cvxtoken.price_newton(equal).tokens
    while model.idle(workload, l) <= 0:
        l = l / 2
    return l


def knows_one_queue(workload: Workload) -> np.ndarray:
    """Right for the paper's server only."""
    return cvxtoken.price_newton(workload.replace(server=Fifo())).tokens


def depends_on_the_start(workload: Workload, start: Any = None) -> np.ndarray:
    l = cvxtoken.price_newton(workload).tokens
    return l if start is None else np.where(l > 0, start, l)


def changes_its_input(workload: Workload) -> np.ndarray:
    l = cvxtoken.price_newton(workload).tokens
    workload.prior.flags.writeable = True
    workload.prior[:] = workload.prior[::-1] * 1.0 + 1e-6
    return l


_calls = [0]


def answers_differently(workload: Workload) -> np.ndarray:
    _calls[0] += 1
    return cvxtoken.price_newton(workload).tokens * (1 - 0.05 * _calls[0])


BROKEN: dict[Callable[..., Any], str] = {
    wrong_sign: "accurate",
    without_lambda_squared: "accurate",
    stops_early: "accurate",
    no_projection: "feasible",
    lies: "honest",
    says_infeasible: "honest",
    never_says_infeasible: "honest",
    swaps_two_types: "permutation",
    weighs_types_alike: "split types",
    depends_on_the_start: "start",
    changes_its_input: "untouched",
    answers_differently: "repeatable",
}
