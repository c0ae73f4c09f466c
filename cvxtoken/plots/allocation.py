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
from cvxtoken.errors import ProblemError
from cvxtoken.picture import BLUE, COLOURS, GREY, INK, ORANGE, axes, colours, legend, title, words

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
    _, drawn = axes("arrival rate λ (1/s)", "optimal budget l* (thinking tokens)", ax)
    rates = _rates(workload) if arrival_rates is None else arrival_rates
    tokens = _optima(workload, rates)
    for name, column, colour in zip(workload.names, tokens.T, colours(len(workload)), strict=True):
        drawn.plot(rates, column, color=colour, label=words(name))
    drawn.set_xscale("log")
    drawn.set_ylim(bottom=0)
    marked = _mark_rate(drawn, workload)
    _legend(drawn, len(workload), f"The best budgets as the load grows{marked}")
    return drawn


def utilization(
    workload: Workload, arrival_rates: Sequence[float] | None = None, ax: Axes | None = None
) -> Axes:
    """Utilisation lambda pi_k (sigma0 t0_k + sigma c_k l*_k) by type at the optimum, stacked; see `budgets`.

    It is that of one replica; sigma0 = sigma = 1 for one query at a time.
    """
    _, drawn = axes("arrival rate λ (1/s)", "utilisation ρ at the optimum (share of time)", ax)
    rates = np.array(_rates(workload) if arrival_rates is None else arrival_rates, dtype=np.float64)
    tokens = _optima(workload, rates)
    law = workload.replace(arrival_rate=float(rates[0])).law  # both shares are the same at all rates
    load = law.overhead_share * workload.overhead + law.token_share * workload.time_per_token * tokens
    shares = rates[:, None] / workload.server.replicas * workload.prior * load
    drawn.stackplot(rates, shares.T, colors=colours(len(workload)), labels=map(words, workload.names))
    drawn.set_xscale("log")
    drawn.set_xlim(rates[0], rates[-1])
    drawn.set_ylim(0, 1)
    marked = _mark_rate(drawn, workload)
    _legend(drawn, len(workload), f"Who occupies the server as the load grows{marked}")
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
    _, drawn = axes("mean system time E[T] (s)", "mean accuracy E[p] (share of queries)", ax)
    times = [point.mean_system_time for point in found.points]
    drawn.plot(times, [point.mean_accuracy for point in found.points], color=BLUE, marker=".")
    if trade_off is not None:
        here = trade_off.mean_system_time, trade_off.mean_accuracy
        drawn.plot(*[[value] for value in here], "o", color=ORANGE, markersize=8)
        label = f"at accuracy weight α = {trade_off.workload.accuracy_weight:g} s"
        drawn.annotate(label, here, (10, -14), textcoords="offset points")
    title(drawn, "The best mean accuracy for every mean time")
    return drawn


def accuracy(reference: Reference, ax: Axes | None = None) -> Axes:
    """The accuracy curves p_k(l) up to their caps, the optimal budgets marked (MissingExtraError)."""
    _, drawn = axes("budget l (thinking tokens)", "accuracy p(l) (share of queries)", ax)
    w, best = reference.workload, reference.tokens
    l = np.linspace(0, w.max_tokens, _PLACES)
    curves = model.accuracy(w, l)
    for k, colour in enumerate(colours(len(w))):
        drawn.plot(l[:, k], curves[:, k], color=colour, label=words(w.names[k]))
        drawn.plot([best[k]], [reference.accuracy[k]], "o", color=colour, markersize=7, clip_on=False)
    drawn.set_xlim(0, 1.02 * float(w.max_tokens.max()))
    drawn.set_ylim(0, 1)
    _legend(drawn, len(w), "What tokens bring, up to the cap; dots: the best budgets")
    return drawn


def bound(workload: Workload, name: str | None = None, ax: Axes | None = None) -> Axes:
    """J and the bound that proves its optimum, over the budget of one type; the others are at their best.

    E[T] is convex, and so nowhere below its tangent at the optimum l*. For every stable l therefore

        J(l) <= U(l) = alpha sum_k pi_k p_k(l_k) - E[T](l*) - sum_k pi_k c_k h_k(l*) (l_k - l*_k),

    with equality at l* (derived here; h is `model.delay_price`). U is a sum of one curve a type, each of them
    largest at l*: no allocation is better. That U is the bound of certificates, here in floats.

    Args:
        workload: the instance.
        name: of the type; by default of the one that occupies the server most by its tokens.
        ax: to draw in.

    Raises:
        MissingExtraError: Matplotlib is not installed.
        ProblemError: the name is not one of the workload's.
        UnstableError: no allocation is stable.
    """
    w, best = workload, solve(workload)
    if name is not None and name not in w.names:
        raise ProblemError(f"{name!r} is not a type of the workload; they are {', '.join(w.names)}")
    k = int(np.argmax(w.prior * w.time_per_token * best.tokens)) if name is None else w.names.index(name)
    _, drawn = axes(f"budget l of {words(w.names[k])} (thinking tokens)", "J, and its bound (s)", ax)
    end = min(w.max_tokens[k], 2.5 * best.tokens[k] or w.max_tokens[k])
    places = np.union1d(np.linspace(0, end, _PLACES), best.tokens[k])
    l = np.repeat(best.tokens[None], len(places), axis=0)
    l[:, k] = places
    prices = w.prior * w.time_per_token * model.delay_price(w, best.tokens)
    tangent = model.mean_system_time(w, best.tokens) + (l - best.tokens) @ prices
    J, U = model.objective(w, l), w.accuracy_weight * model.mean_accuracy(w, l) - tangent
    drawn.plot(places, U, color=ORANGE, linestyle="--", label="the bound U(l)")
    drawn.plot(places[np.isfinite(J)], J[np.isfinite(J)], color=BLUE, label="the objective J(l)")
    drawn.axhline(best.objective, color=GREY, linestyle=":", linewidth=1)
    drawn.plot([best.tokens[k]], [best.objective], "*", color=INK, markersize=12, zorder=5, label="optimum")
    fall = best.objective - min(J[0], U[-1])  # J may fall without limit where the server is nearly full
    drawn.set_ylim(best.objective - 1.1 * fall, best.objective + 0.15 * fall)
    legend(drawn, f"The bound touches J at its best: nothing is above {best.objective:.5g} s")
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
    _, drawn = axes("utilisation ρ (share of time)", "mean system time E[T] (s)", ax)
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
    legend(drawn, "The formula, and the queue simulated: near full load the time explodes")
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


def _mark_rate(drawn: Axes, workload: Workload) -> str:
    """Draw a line at the workload's own arrival rate, if the axis holds it; what a title says of it."""
    left, right = drawn.get_xlim()
    if not left <= workload.arrival_rate <= right:
        return ""
    drawn.axvline(workload.arrival_rate, color=GREY, linestyle=":", linewidth=1)
    return f"; dotted: λ = {workload.arrival_rate:g} /s"


def _legend(drawn: Axes, count: int, text: str) -> None:
    """A title, and a legend of the names, if each has a colour of its own; else how many types there are."""
    if count <= len(COLOURS):
        legend(drawn, text)
    else:
        title(drawn, f"{text}. {count} types, from dark to light in their order")
