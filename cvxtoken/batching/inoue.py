"""Closed bounds for dynamic batching with linear, certain batch times, and their error for random lengths.

For batches of b requests that take H = alpha b + tau0 seconds, without a limit on b and with
rho = lambda alpha < 1,

    phi0 = (alpha + tau0) / (2 (1 - rho)) [1 + 2 lambda tau0 + (1 - lambda tau0) / (1 + rho)],
    phi1 = 3/2 tau0 / (1 - rho) + alpha / 2 (rho + 2) / (1 - rho^2),

are both upper bounds of the mean system time, and so is phi = min(phi0, phi1). (alpha, tau0 and phi are the
symbols of that paper.)

Source: Inoue, "Queueing analysis of GPU-based inference servers with dynamic batching", arXiv 1912.06322.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxtoken.batching.model import delays
from cvxtoken.batching.problem import BatchingProblem
from cvxtoken.errors import UnstableError


def inoue_bound(alpha: float, tau0: float, arrival_rate: float) -> float:
    """Inoue's phi, an upper bound of the mean system time, in s.

    Args:
        alpha: seconds for each request of a batch.
        tau0: seconds for each batch.
        arrival_rate: lambda, in 1/s.

    Raises:
        UnstableError: lambda alpha >= 1.
    """
    lam, rho = arrival_rate, arrival_rate * alpha
    if rho >= 1:
        raise UnstableError(f"arrival_rate is {lam} /s; it must be below 1 / alpha = {1 / alpha:.6g} /s")
    phi0 = (alpha + tau0) / (2 * (1 - rho)) * (1 + 2 * lam * tau0 + (1 - lam * tau0) / (1 + rho))
    phi1 = 1.5 * tau0 / (1 - rho) + alpha / 2 * (rho + 2) / (1 - rho**2)
    return min(phi0, phi1)


@dataclass(frozen=True)
class Approximation:
    """Inoue's bound with the linear fit of E[H(b, L_b)], beside the exact delay.

    Attributes:
        alpha, tau0: of the fit over b = 1..b_max, in s.
        bound: phi of the fit, in s; None where the fit is unstable.
        exact: mean system time of dynamic batching, in s.
        worst_fit: the largest relative error of the fit.
    """

    alpha: float
    tau0: float
    bound: float | None
    exact: float
    worst_fit: float


def inoue_approximation(problem: BatchingProblem) -> Approximation:
    """How far off Inoue's bound is for random lengths: it ignores their spread and the limit on b."""
    sizes = np.arange(1, problem.largest + 1)
    F = np.minimum(np.cumsum(problem.lengths.probabilities), 1.0)
    means = np.array([np.diff(F**b, prepend=0.0) @ problem.times(int(b)) for b in sizes])
    alpha, tau0 = np.polyfit(sizes, means, 1) if len(sizes) > 1 else (0.0, means[0])
    fit = alpha * sizes + tau0
    stable = alpha > 0 and problem.arrival_rate * alpha < 1
    return Approximation(
        alpha=float(alpha),
        tau0=float(tau0),
        bound=inoue_bound(float(alpha), float(tau0), problem.arrival_rate) if stable else None,
        exact=delays(problem, "dynamic").mean_system_time,
        worst_fit=float(np.abs(fit / means - 1).max()),
    )
