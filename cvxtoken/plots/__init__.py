"""Pictures (extra `plot`): each function draws in the axes it is given, or new ones, and returns them.

None of them shows the picture. `axes.figure.savefig(path)` or `cvxtoken plot` writes it to a file.
"""

from cvxtoken.plots.allocation import accuracy, bound, budgets, frontier, simulation, utilization
from cvxtoken.plots.fitting import advised, fit
from cvxtoken.plots.methods import cobweb, contours, convergence, pair
from cvxtoken.plots.service import batching, clipping, disciplines, memories, memory

__all__ = [
    "accuracy",
    "advised",
    "batching",
    "bound",
    "budgets",
    "clipping",
    "cobweb",
    "contours",
    "convergence",
    "disciplines",
    "fit",
    "frontier",
    "memories",
    "memory",
    "pair",
    "simulation",
    "utilization",
]
