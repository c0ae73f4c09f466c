"""Pictures of clipping, batching and scheduling: frontier, delays, memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from cvxtoken.arrays import FloatArray, IntArray
from cvxtoken.batching.comparison import Comparison as RateComparison
from cvxtoken.batching.reference import BatchingReference
from cvxtoken.clipping.result import ClippingReference
from cvxtoken.errors import ProblemError
from cvxtoken.picture import BLUE, COLOURS, GREEN, GREY, ORANGE, axes, legend, panels, title, words
from cvxtoken.scheduling.comparison import Comparison
from cvxtoken.scheduling.schedule import memory_at

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_OTHERS = (ORANGE, *COLOURS[2:])
_EVENTS, _SPANS = 2000, 400  # so many events are drawn one by one at most, and else about so many spans
_POLICIES = {
    "a_min": "$A_{\\min}$",
    "a_max": "$A_{\\max}$",
    "mc_sf": "MC-SF",
    "fcfs": "first come first served",
}
_UTILITIES = {"share_whole": "requests left whole (share)", "share_tokens": "tokens delivered (share)"}


def clipping(reference: ClippingReference, ax: Axes | None = None) -> Axes:
    """Mean utility against mean wait over the limits on tokens, the best marked (MissingExtraError)."""
    whose = " of who is served" if reference.loss is not None else ""
    utility = reference.problem.utility
    named = _UTILITIES.get(utility) if isinstance(utility, str) else None
    _, drawn = axes(f"mean wait E[W] in queue{whose} (s)", named or "mean utility (no unit)", ax)
    rows = [row for row in reference.frontier if row["stable"]]
    drawn.plot([row["mean_wait"] for row in rows], [row["utility"] for row in rows], color=BLUE, marker=".")
    drawn.plot([reference.mean_wait], [reference.utility], "o", color=ORANGE, markersize=8)
    label = f"best: {', '.join(map(str, reference.limits))} tokens"
    drawn.annotate(label, (reference.mean_wait, reference.utility), (10, -14), textcoords="offset points")
    title(drawn, "What each limit on output tokens gives, and what it costs in waiting")
    return drawn


def batching(references: Iterable[BatchingReference], ax: Axes | None = None) -> Axes:
    """Mean system time against batch size by discipline, the best sizes marked (MissingExtraError)."""
    _, drawn = axes("batch size b (requests at most; fixed: exactly)", "mean system time E[T] (s)", ax)
    shown = list(references)
    for reference, colour, marker in zip(shown, (BLUE, ORANGE, GREEN), "os^", strict=False):
        stable = [(b, value) for b, value in reference.curve if np.isfinite(value)]
        drawn.plot(
            *zip(*stable, strict=True), color=colour, marker=marker, markersize=3, label=reference.discipline
        )
        best = [reference.best_batch], [reference.delays.mean_system_time]
        drawn.plot(*best, marker, color=colour, markersize=10)
    # the delays of sizes that barely keep up would hide all others
    drawn.set_ylim(0, 4 * max((reference.delays.mean_system_time for reference in shown), default=1.0))
    legend(drawn, "Mean time by batch size; the large marks: the best sizes")
    return drawn


def disciplines(comparison: RateComparison, ax: Axes | None = None) -> Axes:
    """Mean system time against the arrival rate by discipline, in logarithms (MissingExtraError).

    Intervals of 95 % stand on what is simulated; all else is exact, or by the law where that is claimed.

    Args:
        comparison: a result of `cvxtoken.batching.compare`.
        ax: to draw in.
    """
    _, drawn = axes("arrival rate λ (1/s)", "mean system time E[T] (s)", ax)
    for (name, entries), colour, marker in zip(comparison.entries.items(), COLOURS, "os^D", strict=False):
        points = [
            (rate, entry)
            for rate, entry in zip(comparison.rates, entries, strict=True)
            if np.isfinite(entry.mean_system_time)
        ]
        shown = [(rate, entry.mean_system_time) for rate, entry in points]
        drawn.plot(*np.array(shown).reshape(-1, 2).T, color=colour, marker=marker, markersize=4, label=name)
        for rate, entry in points:
            if entry.simulated is not None:
                half = (entry.simulated.high - entry.simulated.low) / 2
                drawn.errorbar(rate, entry.mean_system_time, half, color=colour, capsize=4)
    drawn.set_yscale("log", subs=(2, 5))  # labels of all nine would touch
    for axis in (drawn.yaxis.set_major_formatter, drawn.yaxis.set_minor_formatter):
        axis("{x:g}")
    legend(drawn, "Mean time by load, under each discipline")
    return drawn


def memory(comparison: Comparison, policies: Iterable[str] | None = None, ax: Axes | None = None) -> Axes:
    """Memory held over time under policies and in the best schedule known.

    Of more events than can be told apart, means over equal spans of rounds are drawn.

    Args:
        comparison: a result of `cvxtoken.scheduling.compare`.
        policies: names in it, up to six; by default its first.
        ax: to draw in.

    Raises:
        MissingExtraError: Matplotlib is not installed.
        ProblemError: a name is not in the comparison.
    """
    known = comparison.reference
    names = list(comparison.runs)[:1] if policies is None else list(policies)
    for name in names:
        if name not in comparison.runs:
            raise ProblemError(f"{name!r} is not compared; there are {', '.join(comparison.runs)}")
    profiles: dict[str, IntArray | FloatArray] = {name: comparison.runs[name].profile for name in names}
    ends = known.starts + known.requests.output_tokens
    # between two events the memory held is linear in time
    times = np.unique(np.concatenate([known.starts, known.starts + 1, ends, ends + 1]))
    times = times[times <= ends.max()]
    best = np.stack([times, memory_at(known.requests, known.starts, times)], axis=1)
    profiles["best schedule known"] = best
    label = "time (rounds)"
    if max(map(len, profiles.values())) > _EVENTS:
        last = max(profile[-1, 0] for profile in profiles.values())
        span = max(1, round((last - times[0]) / _SPANS))
        profiles = {name: _means(profile, span) for name, profile in profiles.items()}
        label = f"time (rounds, in means of {span})"
    _, drawn = axes(label, "memory held (tokens)", ax)
    for (name, profile), colour in zip(profiles.items(), (*_OTHERS[: len(names)], BLUE), strict=False):
        drawn.plot(*profile.T, color=colour, linewidth=1, label=_POLICIES.get(name, words(name)))
    drawn.axhline(known.requests.memory, color=GREY, linestyle="--", linewidth=1, label="limit")
    drawn.locator_params("x", integer=True)
    drawn.set_ylim(bottom=0)
    legend(drawn, "Memory held, round by round")
    return drawn


def _means(profile: IntArray | FloatArray, span: int) -> FloatArray:
    """The middles of spans of so many rounds, and the means in them of a line through points of a profile."""
    times, held = profile.T
    area = np.concatenate([[0.0], np.cumsum(np.diff(times) * (held[1:] + held[:-1]) / 2)])
    edges = np.arange(times[0], times[-1] + 1, span)
    means = np.diff(np.interp(edges, times, area)) / span
    return np.stack([edges[:-1] + span / 2, means], axis=1)


def memories(comparison: Comparison) -> Figure:
    """A panel for each policy of a comparison: its memory over time, and that of the best schedule known.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    figure, drawn = panels(len(comparison.runs))
    for name, ax in zip(comparison.runs, drawn, strict=True):
        memory(comparison, [name], ax)
    return figure
