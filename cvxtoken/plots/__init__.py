"""Pictures (extra `plot`): each function draws in the axes it is given, or new ones, and returns them.

None shows anything. To a file they go by `axes.figure.savefig(path)`, or by `cvxtoken plot`.
"""

from cvxtoken.plots.allocation import accuracy, budgets, frontier, simulation, utilization
from cvxtoken.plots.fitting import fit
from cvxtoken.plots.methods import cobweb, contours, convergence, pair
from cvxtoken.plots.service import batching, clipping, memory

__all__ = [
    "accuracy",
    "batching",
    "budgets",
    "clipping",
    "cobweb",
    "contours",
    "convergence",
    "fit",
    "frontier",
    "memory",
    "pair",
    "simulation",
    "utilization",
]
