"""Iterative methods for the allocation problem: the paper's two and this project's, on one loop."""

from collections.abc import Callable

from cvxtoken.allocation.methods.contraction import (
    ContractionBound,
    contraction_at,
    contraction_bound,
    spectral_radius_at,
)
from cvxtoken.allocation.methods.fixed_point import fixed_point
from cvxtoken.allocation.methods.loop import Method, Result, Trace, run
from cvxtoken.allocation.methods.newton import newton
from cvxtoken.allocation.methods.price_newton import price_newton
from cvxtoken.allocation.methods.projected_gradient import projected_gradient, step_size_bound
from cvxtoken.allocation.problem import Workload

METHODS: dict[str, Callable[[Workload], Result]] = {
    "fixed_point": fixed_point,
    "fixed_point_damped": lambda workload: fixed_point(workload, damping=0.5),
    "projected_gradient": projected_gradient,
    "projected_gradient_accelerated": lambda workload: projected_gradient(workload, rule="accelerated"),
    "newton": newton,
    "price_newton": price_newton,
}

__all__ = [
    "METHODS",
    "ContractionBound",
    "Method",
    "Result",
    "Trace",
    "contraction_at",
    "contraction_bound",
    "fixed_point",
    "newton",
    "price_newton",
    "projected_gradient",
    "run",
    "spectral_radius_at",
    "step_size_bound",
]
