"""The pictures that the command line draws, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cvxtoken.allocation.methods import METHODS
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.reference import solve
from cvxtoken.allocation.targeted.frontier import frontier
from cvxtoken.batching.problem import DISCIPLINES, BatchingProblem
from cvxtoken.batching.problem import default_problem as default_batching
from cvxtoken.batching.reference import best_batch
from cvxtoken.clipping.problem import ClippingProblem
from cvxtoken.clipping.problem import default_problem as default_clipping
from cvxtoken.clipping.reference import best_limit
from cvxtoken.errors import ProblemError
from cvxtoken.plots import allocation, methods, service
from cvxtoken.scheduling.comparison import compare
from cvxtoken.scheduling.generate import default_requests
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.reference import default_bound

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_IN_THE_PLANE = ("fixed_point", "projected_gradient_accelerated", "newton")


def _contours(workload: Workload) -> Axes:
    """Contours for the first two types alone."""
    if len(workload) < 2:
        raise ProblemError("the workload has 1 type; contours need 2")
    two = methods.pair(workload, *workload.names[:2])
    return methods.contours(two, {name: METHODS[name](two) for name in _IN_THE_PLANE})


def _convergence(workload: Workload) -> Axes:
    return methods.convergence({name: method(workload) for name, method in METHODS.items()})


def _batching(path: str | None) -> Axes:
    problem = default_batching() if path is None else BatchingProblem.load(path)
    return service.batching(best_batch(problem, discipline) for discipline in DISCIPLINES)


def _clipping(path: str | None) -> Axes:
    return service.clipping(best_limit(default_clipping() if path is None else ClippingProblem.load(path)))


def _memory(path: str | None) -> Axes:
    requests = default_requests() if path is None else Requests.load(path)
    return service.memory(compare(requests, ["a_min"], bound=default_bound(requests)))


OF_WORKLOAD: dict[str, Callable[[Workload], Axes]] = {
    "budgets": allocation.budgets,
    "utilization": allocation.utilization,
    "frontier": lambda workload: allocation.frontier(frontier(workload), solve(workload)),
    "accuracy": lambda workload: allocation.accuracy(solve(workload)),
    "bound": allocation.bound,
    "simulation": allocation.simulation,
    "contours": _contours,
    "convergence": _convergence,
    "cobweb": lambda workload: methods.cobweb(METHODS["fixed_point"](workload)),
}
OF_FILE: dict[str, Callable[[str | None], Axes]] = {  # of another wing's problem; None for its example
    "clipping": _clipping,
    "batching": _batching,
    "memory": _memory,
}
