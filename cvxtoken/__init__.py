"""Certified optimal thinking-token budgets for LLM servers: a convex reference with a checkable proof."""

from cvxtoken.allocation.certificate import Certificate, certify
from cvxtoken.allocation.comparison import compare
from cvxtoken.allocation.integer import IntegerReference, solve_integer
from cvxtoken.allocation.integer_certificate import IntegerCertificate
from cvxtoken.allocation.many import Solutions, Status, solve_many
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
from cvxtoken.allocation.reference import Reference, SolverRun, solve
from cvxtoken.allocation.rounding import RoundedTokens, round_tokens
from cvxtoken.allocation.simulation import SimulationResult, simulate
from cvxtoken.allocation.tracker import Budgets, Tracker
from cvxtoken.allocation.workloads import Workloads
from cvxtoken.errors import (
    CertificateError,
    CvxtokenError,
    LibraryError,
    MissingExtraError,
    PolicyError,
    ProblemError,
    SolverError,
    UnstableError,
)
from cvxtoken.library import Instance, instances, load, workloads
from cvxtoken.sweeps import SweepResult, sweep

__version__ = "0.1.0"

__all__ = [
    "Budgets",
    "Certificate",
    "CertificateError",
    "CvxtokenError",
    "Instance",
    "IntegerCertificate",
    "IntegerReference",
    "LibraryError",
    "MissingExtraError",
    "PolicyError",
    "ProblemError",
    "Reference",
    "RoundedTokens",
    "SimulationResult",
    "Solutions",
    "SolverError",
    "SolverRun",
    "Status",
    "SweepResult",
    "Tracker",
    "UnstableError",
    "Workload",
    "Workloads",
    "certify",
    "compare",
    "contraction_at",
    "contraction_bound",
    "fixed_point",
    "instances",
    "load",
    "newton",
    "price_newton",
    "projected_gradient",
    "round_tokens",
    "simulate",
    "solve",
    "solve_integer",
    "solve_many",
    "spectral_radius_at",
    "step_size_bound",
    "sweep",
    "workloads",
]
