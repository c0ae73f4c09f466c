"""The four disciplines on the same lengths and batch times, for the page on clipping and batching."""

from __future__ import annotations

from drawing import panels
from matplotlib.figure import Figure

from cvxtoken import batching, plots
from cvxtoken.lengths import LengthDistribution

RATES = (0.2, 0.5, 0.9, 1.3, 1.9, 2.6, 3.3)  # where the law of sharing is claimed


def disciplines() -> Figure:
    """Mean system time against the arrival rate."""
    figure, (axes,) = panels(1, 7.0, 4.0)
    problem = batching.default_problem().replace(
        lengths=LengthDistribution.lognormal(3.5, 0.8, 160), max_batch=49
    )
    plots.disciplines(batching.compare(problem, RATES, sizes=[1, 4, 16, 49]), axes)
    return figure
