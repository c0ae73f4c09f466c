"""Pictures of the iterative methods on their way to the optimum, or elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from cvxtoken.allocation import model
from cvxtoken.allocation.fields import OF_TYPES
from cvxtoken.allocation.methods import Result, spectral_radius_at
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.proof.certificate import certify
from cvxtoken.allocation.reference import solve
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.picture import BLUE, GREY, INK, NOWHERE, ORANGE, PAPER, axes, colours, legend, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GRID = 200  # places on each axis of the contours
_LOSSES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003)  # of J* - J(0): at these distances below J* contours are drawn
_LABELLED = 3  # of these contours; the others are too near the optimum for a number beside them
_CERTIFIED = 40  # so many iterates of a method are certified for its curve
_MARKERS = "os^Dvp*"


def pair(workload: Workload, first: str, second: str) -> Workload:
    """Two types of a workload as a workload of their own: priors scaled to sum to 1, all else unchanged.

    Raises:
        ProblemError: a name is not one of the workload's, or both are the same.
    """
    for name in (first, second):
        if name not in workload.names:
            raise ProblemError(
                f"{name!r} is not a type of the workload; they are {', '.join(workload.names)}"
            )
    chosen = [workload.names.index(name) for name in (first, second)]
    columns = {field: getattr(workload, field)[chosen] for field in OF_TYPES}
    columns["prior"] = columns["prior"] / columns["prior"].sum()
    return workload.replace(names=[first, second], **columns)


def contours(
    workload: Workload,
    results: Mapping[str, Result],
    reach: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Contours of J over the budgets of two types, and the iterates of methods on the way to the optimum.

    Contours are drawn where J is given seconds below J*; unstable allocations are grey. The two types are all
    the load there is, so that J* is that of these two alone.

    Args:
        workload: of two types; see `pair`.
        results: of any methods on it, by the names to show; iterates that are not stable are left out.
        reach: the largest budgets to show, shape (2,); by default beyond the optimum and all iterates.
        ax: to draw in.

    Raises:
        MissingExtraError: Matplotlib is not installed.
        ProblemError: the workload does not have two types, or a result is of another workload.
        UnstableError: no allocation is stable.
    """
    if len(workload) != 2:
        raise ProblemError(f"the workload has {len(workload)} types; contours need 2")
    if any(result.workload != workload for result in results.values()):
        raise ProblemError("a result is of another workload than the contours")
    labels = [f"budget l of {words(name)} (thinking tokens)" for name in workload.names]
    _, drawn = axes(labels[0], labels[1], ax)
    best = solve(workload)
    paths = {name: _stable_iterates(result) for name, result in results.items()}
    if reach is None:
        reach = 1.15 * np.max([best.tokens, *(path.max(axis=0) for path in paths.values())], axis=0)
    ends = np.clip(reach, 1e-3 * workload.max_tokens, workload.max_tokens)
    x, y = (np.linspace(0, end, _GRID) for end in ends)
    J = model.objective(workload, np.stack(np.meshgrid(x, y), axis=-1))
    scale = best.objective - float(model.objective(workload, np.zeros(2)))
    if scale <= 1e-9 * (1 + abs(best.objective)):  # the optimum is at 0, but for rounding
        scale = 1.0
    drawn.contourf(x, y, np.isfinite(J), levels=[-0.5, 0.5], colors=[NOWHERE])
    losses = {best.objective - share * scale: f"\N{MINUS SIGN}{share * scale:.2g} s" for share in _LOSSES}
    lines = drawn.contour(
        x,
        y,
        np.where(np.isfinite(J), J, np.nan),
        levels=list(losses),
        colors=GREY,
        linestyles="solid",
        linewidths=0.8,
    )
    for label in drawn.clabel(lines, list(losses)[:_LABELLED], fmt=losses, fontsize=8, zorder=4):
        label.set_bbox({"facecolor": PAPER, "edgecolor": "none", "pad": 0.5})  # above the paths
    for (name, path), colour, marker in zip(
        paths.items(), colours(len(paths)), _cycle(len(paths)), strict=True
    ):
        drawn.plot(*path.T, color=colour, marker=marker, markersize=4, linewidth=1, label=words(name))
    drawn.plot(*best.tokens[:, None], "*", color=INK, markersize=12, zorder=5, label="optimum")
    drawn.set_xlim(0, ends[0])
    drawn.set_ylim(0, ends[1])
    legend(drawn, f"How far J is below its best, {best.objective:.4g} s, for these two types alone")
    return drawn


def convergence(results: Mapping[str, Result], ax: Axes | None = None) -> Axes:
    """The certified relative gap of methods' iterates, by number; a cross where a method ends in failure.

    Of every trace up to 40 iterates are certified, the first and the last among them. Iterates that are not
    stable have no gap.

    Args:
        results: of any methods, by the names to show.
        ax: to draw in.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    _, drawn = axes("iterates (the start is 1)", "certified relative gap (no unit)", ax)
    for (name, result), colour, marker in zip(
        results.items(), colours(len(results)), _cycle(len(results)), strict=True
    ):
        path = _stable_iterates(result)
        shown = np.unique(np.geomspace(1, len(path), _CERTIFIED).round().astype(int))
        gaps = [float(certify(result.workload, path[number - 1]).relative_gap) for number in shown]
        drawn.plot(shown, gaps, color=colour, marker=marker, markersize=3, linewidth=1, label=words(name))
        if not result.converged:
            drawn.plot(shown[-1:], gaps[-1:], "x", color=colour, markersize=10, markeredgewidth=2)
    drawn.set_xscale("log")
    drawn.set_yscale("log")
    legend(drawn, "How far the iterates are from the best, proven; a cross: it ends without the optimum")
    return drawn


def cobweb(result: Result, ax: Axes | None = None) -> Axes:
    """The cobweb of the fixed point in the two prices, each in units of its value at the optimum.

    At an iterate l the prices are theta = lambda / y, of occupying the server, and
    phi = 1 + lambda^2 E[S^2] / (2 y^2), of a second of mean service (derived here; see
    `cvxtoken.allocation.prices.search`). For any delay law phi = direct + sigma lambda^2 Q / (2 y^2) with
    Q = square E[S^2] + constant; where square is 0 it is the only price. From (before, before) the line goes
    up or down to (before, after), and across to (after, after) on the diagonal. It winds inwards to (1, 1)
    where the map contracts there, and to a square where the iteration ends in a two-cycle.

    Args:
        result: of `fixed_point`; iterates from the first unstable one on are left out.
        ax: to draw in.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    w = result.workload
    _, drawn = axes("price before a step (1: at the optimum)", "price after the step (1: at the optimum)", ax)
    best = solve(w).tokens
    prices = _prices(w, _stable_iterates(result)) / _prices(w, best)
    names = ["θ, of occupying the server", "φ, of a second of mean service"][-prices.shape[1] :]
    for column, name, colour in zip(prices.T, names, [BLUE, ORANGE][-len(names) :], strict=True):
        steps = np.repeat(column, 2)
        drawn.plot(steps[:-1], steps[1:], color=colour, linewidth=1, label=name)
        drawn.plot(column[:-1], column[1:], "o", color=colour, markersize=3)
    ends = min(prices.min(), 1.0), max(prices.max(), 1.0)
    drawn.plot(ends, ends, color=GREY, linestyle="--", linewidth=1)
    drawn.plot([1], [1], "*", color=INK, markersize=12, zorder=5)
    outcome, radius = result.outcome.split(":")[0], spectral_radius_at(w, best)
    legend(drawn, f"{outcome}: each step answers the prices of the last; spectral radius {radius:.3f}")
    return drawn


def _prices(workload: Workload, tokens: FloatArray) -> FloatArray:
    """The prices of `cobweb` at stable tokens (..., N), shape (..., 2); (..., 1) where phi is alone."""
    law = workload.law
    theta = workload.rate / model.idle(workload, tokens)
    phi = law.direct + law.token_share * theta**2 * model.spread(workload, tokens) / 2
    return np.stack([theta, phi] if law.square else [phi], axis=-1)


def _stable_iterates(result: Result) -> FloatArray:
    """The iterates of a trace before the first one that is not stable, shape (number, N)."""
    path = np.array(result.trace.tokens)
    unstable = np.flatnonzero(model.idle(result.workload, path) <= 0)
    return path[: unstable[0]] if len(unstable) else path


def _cycle(count: int) -> str:
    return (_MARKERS * (count // len(_MARKERS) + 1))[:count]
