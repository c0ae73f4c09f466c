"""Pictures of the optimal budgets, of what they give and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from cvxtoken.allocation import model
from cvxtoken.allocation.many.solve import solve_many
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.reference import Reference, solve
from cvxtoken.allocation.simulation import simulate
from cvxtoken.allocation.targeted.frontier import Frontier
from cvxtoken.arrays import FloatArray
from cvxtoken.picture import BLUE, COLOURS, GREY, ORANGE, axes, colours, legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PLACES = 400  # of a curve
_RATES = 200  # by default
_UTILIZATIONS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)  # simulated by default


def budgets(workload: Workload, arrival_rates: Sequence[float] | None = None, ax: Axes | None = None) -> Axes:
    """Optimal tokens l*_k against the arrival rate lambda; a gap where `solve_many` finds none.

    Args:
        workload: the instance; its own rate is marked.
        arrival_rates: in 1/s, rising; by default over three decades up to 98 % of what is stable.
        ax: to draw in.

    Raises:
        MissingExtraError: Matplotlib is not installed.
        ProblemError: a rate is not positive.
    """
    _, drawn = axes("arrival rate (1/s)", "optimal budget (thinking tokens)", ax)
    rates = _rates(workload) if arrival_rates is None else arrival_rates
    tokens = _optima(workload, rates)
    for name, column, colour in zip(workload.names, tokens.T, colours(len(workload)), strict=True):
        drawn.plot(rates, column, color=colour, label=name)
    drawn.set_xscale("log")
    drawn.set_ylim(bottom=0)
    _mark_rate(drawn, workload)
    _legend(drawn, len(workload))
    return drawn


def utilization(
    workload: Workload, arrival_rates: Sequence[float] | None = None, ax: Axes | None = None
) -> Axes:
    """Utilisation lambda pi_k (sigma0 t0_k + sigma c_k l*_k) by type at the optimum, stacked; see `budgets`.

    It is that of one replica; sigma0 = sigma = 1 for one query at a time.
    """
    _, drawn = axes("arrival rate (1/s)", "utilisation at the optimum (share of time)", ax)
    rates = np.array(_rates(workload) if arrival_rates is None else arrival_rates, dtype=np.float64)
    tokens = _optima(workload, rates)
    law = workload.replace(arrival_rate=float(rates[0])).law  # both shares are the same at all rates
    load = law.overhead_share * workload.overhead + law.token_share * workload.time_per_token * tokens
    shares = rates[:, None] / workload.server.replicas * workload.prior * load
    drawn.stackplot(rates, shares.T, colors=colours(len(workload)), labels=workload.names, alpha=0.85)
    drawn.set_xscale("log")
    drawn.set_xlim(rates[0], rates[-1])
    drawn.set_ylim(0, 1)
    _mark_rate(drawn, workload)
    _legend(drawn, len(workload))
    return drawn


def frontier(found: Frontier, trade_off: Reference | None = None, ax: Axes | None = None) -> Axes:
    """The best mean accuracy against mean system time, with the workload's own trade-off marked.

    Args:
        found: a result of `cvxtoken.frontier`.
        trade_off: the optimum at an accuracy weight, to mark.
        ax: to draw in.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    _, drawn = axes("mean system time (s)", "mean accuracy (share of queries)", ax)
    times = [point.mean_system_time for point in found.points]
    drawn.plot(times, [point.mean_accuracy for point in found.points], color=BLUE, marker=".")
    if trade_off is not None:
        here = trade_off.mean_system_time, trade_off.mean_accuracy
        drawn.plot(*[[value] for value in here], "o", color=ORANGE, markersize=8)
        label = f"accuracy weight {trade_off.workload.accuracy_weight:g} s"
        drawn.annotate(label, here, (10, -14), textcoords="offset points")
    return drawn


def accuracy(reference: Reference, ax: Axes | None = None) -> Axes:
    """The accuracy curves p_k(l) of all types, their optimal budgets marked (MissingExtraError)."""
    _, drawn = axes("budget (thinking tokens)", "accuracy (share of queries)", ax)
    w, best = reference.workload, reference.tokens
    right = min(2 * float(best.max()), float(w.max_tokens.max())) or float(w.max_tokens.max())
    l = np.linspace(0, right, _PLACES)
    curves = model.accuracy(w, np.repeat(l[:, None], len(w), axis=1))
    for k, colour in enumerate(colours(len(w))):
        inside = l <= w.max_tokens[k]
        drawn.plot(l[inside], curves[inside, k], color=colour, label=w.names[k])
        drawn.plot([best[k]], [reference.accuracy[k]], "o", color=colour, markersize=7, clip_on=False)
    drawn.set_xlim(0, right)
    drawn.set_ylim(0, 1)
    _legend(drawn, len(w))
    return drawn


def simulation(
    workload: Workload,
    tokens: ArrayLike | None = None,
    utilizations: Sequence[float] = _UTILIZATIONS,
    num_requests: int = 200_000,
    seed: int = 0,
    ax: Axes | None = None,
) -> Axes:
    """Mean system time against utilisation: Pollaczek-Khinchine's curve, and simulations with 95 % intervals.

    Args:
        workload: the instance; its arrival rate is set to what each utilisation needs.
        tokens: the same at every utilisation, shape (N,); by default the optimum of the workload as it is.
        utilizations: in (0, 1); at least one.
        num_requests: queries simulated at each utilisation.
        seed: of every simulation.
        ax: to draw in.

    Raises:
        MissingExtraError: Matplotlib is not installed.
        ProblemError: tokens break their rule, or the server takes more than one query at a time.
        UnstableError: no allocation is stable, or a utilisation is not below 1.
    """
    _, drawn = axes("utilisation (share of time)", "mean system time (s)", ax)
    l = solve(workload).tokens if tokens is None else model.checked_tokens(workload, tokens)
    mean = float(model.moments(workload, l)[0])

    def at(rho: float) -> Workload:
        return workload.replace(arrival_rate=rho * workload.server.replicas / mean)

    places = np.linspace(min(utilizations) / 2, max(utilizations), _PLACES)
    times = [float(model.mean_system_time(at(float(rho)), l)) for rho in places]
    drawn.plot(places, times, color=BLUE, label="predicted")
    seen = [
        simulate(at(rho), l, num_requests=num_requests, seed=seed).mean_system_time for rho in utilizations
    ]
    value, low, high = (np.array([getattr(e, end) for e in seen]) for end in ("value", "low", "high"))
    label = f"simulated, {num_requests:,} queries each, with 95 % intervals"
    errors = [value - low, high - value]
    drawn.errorbar(utilizations, value, errors, fmt="o", color=ORANGE, markersize=4, capsize=4, label=label)
    drawn.set_ylim(bottom=0)
    legend(drawn)
    return drawn


def _rates(workload: Workload) -> FloatArray:
    """Three decades of arrival rates, up to 98 % of the largest stable one where there is one."""
    server = workload.server
    least_load = server.overhead_share * float(workload.prior @ workload.overhead) / server.replicas
    top = 0.98 / least_load if least_load > 0 else 100 * workload.arrival_rate
    return np.geomspace(top / 1000, top, _RATES)


def _optima(workload: Workload, rates: Sequence[float] | FloatArray) -> FloatArray:
    """The optimal tokens at each arrival rate, shape (R, N); NaN where there are none."""
    found = solve_many([workload.replace(arrival_rate=float(rate)) for rate in rates])
    return np.where(found.solved[:, None], found.tokens, np.nan)


def _mark_rate(drawn: Axes, workload: Workload) -> None:
    """Draw a line at the workload's own arrival rate, if the axis holds it."""
    left, right = drawn.get_xlim()
    if left <= workload.arrival_rate <= right:
        drawn.axvline(workload.arrival_rate, color=GREY, linestyle=":", linewidth=1)


def _legend(drawn: Axes, count: int) -> None:
    """A legend of the names, if each has a colour of its own; else how many types there are."""
    if count <= len(COLOURS):
        legend(drawn)
    else:
        drawn.set_title(f"{count} types, from dark to light in their order", fontsize=10)
