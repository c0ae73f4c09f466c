"""Certified optimal thinking-token budgets for LLM servers: a convex reference with a checkable proof."""

from cvxtoken.allocation.certificate import Certificate, certify
from cvxtoken.allocation.comparison import compare
from cvxtoken.allocation.frontier import Frontier, FrontierPoint, frontier
from cvxtoken.allocation.integer import IntegerReference, solve_integer
from cvxtoken.allocation.integer_certificate import IntegerCertificate
from cvxtoken.allocation.methods import (
    contraction_at,
    contraction_bound,
    fixed_point,
    newton,
    price_newton,
    projected_gradient,
    spectral_radius_at,
    step_size_bound,
)
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.reference import Reference, solve
from cvxtoken.allocation.rounding import RoundedTokens, round_tokens
from cvxtoken.allocation.sensitivity import Sensitivity, sensitivity
from cvxtoken.allocation.shadow import ShadowPrice
from cvxtoken.allocation.simulation import SimulationResult, simulate
from cvxtoken.allocation.solver import SolverRun
from cvxtoken.allocation.targets import Multipliers, Targets
from cvxtoken.errors import (
    CertificateError,
    CvxtokenError,
    LibraryError,
    ProblemError,
    SolverError,
    TargetError,
    UnstableError,
)
from cvxtoken.library import Instance, instances, load, workloads

__version__ = "0.1.0"

__all__ = [
    "Certificate",
    "CertificateError",
    "CvxtokenError",
    "Frontier",
    "FrontierPoint",
    "Instance",
    "IntegerCertificate",
    "IntegerReference",
    "LibraryError",
    "Multipliers",
    "ProblemError",
    "Reference",
    "RoundedTokens",
    "Sensitivity",
    "ShadowPrice",
    "SimulationResult",
    "SolverError",
    "SolverRun",
    "TargetError",
    "Targets",
    "UnstableError",
    "Workload",
    "certify",
    "compare",
    "contraction_at",
    "contraction_bound",
    "fixed_point",
    "frontier",
    "instances",
    "load",
    "newton",
    "price_newton",
    "projected_gradient",
    "round_tokens",
    "sensitivity",
    "simulate",
    "solve",
    "solve_integer",
    "spectral_radius_at",
    "step_size_bound",
    "workloads",
]
