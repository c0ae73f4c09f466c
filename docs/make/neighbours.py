"""Figures of clipping, batching and scheduling."""

from __future__ import annotations

import numpy as np
from drawing import BLACK, BLUE, GREEN, ORANGE, panels
from matplotlib.figure import Figure

from cvxtoken import batching, clipping, scheduling
from cvxtoken.scheduling.schedule import memory_at


def clipping_frontier() -> Figure:
    """Share left whole against mean wait, by limit."""
    figure, (axes,) = panels()
    found = clipping.best_limit(clipping.default_problem(), list(range(400, 3001, 50)))
    rows = [row for row in found.frontier if row["stable"]]
    axes.plot(
        [row["mean_wait"] for row in rows], [100 * row["share_whole"] for row in rows], ".-", color=BLUE
    )
    for row in rows:
        if row["limit"] in (800, 1600, 2400, 3000):
            axes.annotate(
                f"{row['limit']} tokens",
                (row["mean_wait"], 100 * row["share_whole"]),
                (6, -12),
                textcoords="offset points",
            )
    axes.set(xlabel="mean wait in queue (s)", ylabel="requests left whole (%)")
    return figure


def batch_sizes() -> Figure:
    """Mean system time by batch size and discipline."""
    figure, (axes,) = panels()
    for name, color in (("dynamic", BLUE), ("fixed", ORANGE), ("elastic", GREEN)):
        found = batching.best_batch(batching.default_problem(), name, list(range(1, 33)))
        axes.plot(*zip(*found.curve, strict=True), ".-", color=color, label=name)
        axes.plot(found.best_batch, found.delays.mean_system_time, "o", color=color)
    axes.set(xlabel="batch size", ylabel="mean system time (s)", ylim=(0, 200))
    axes.legend(frameon=False)
    return figure


def memory_profile() -> Figure:
    """KV memory in use, round by round."""
    figure, (axes,) = panels()
    requests = scheduling.default_requests()
    found = scheduling.compare(requests, ["a_max", "a_min"])
    times = np.arange(1, int((found.reference.starts + requests.output_tokens).max()) + 1)
    held = memory_at(requests, found.reference.starts, times)
    axes.plot(times, held, ".-", color=BLACK, label="hindsight optimum")
    for name, color in (("a_max", ORANGE), ("a_min", BLUE)):
        axes.plot(*found.runs[name].profile.T, ".-", color=color, label=name)
    axes.axhline(requests.memory, color="#999999", linestyle="--")
    axes.set(xlabel="round", ylabel="KV memory in use (tokens)")
    axes.legend(frameon=False)
    return figure
