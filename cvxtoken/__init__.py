"""Certified optimal thinking-token budgets for LLM servers: a convex reference with a checkable proof."""

from cvxtoken.allocation.many.solve import Solutions, Status, solve_many
from cvxtoken.allocation.many.tracker import Budgets, Tracker
from cvxtoken.allocation.many.workloads import Workloads
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
from cvxtoken.allocation.methods.comparison import compare
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.program.solver import SolverRun
from cvxtoken.allocation.proof.certificate import Certificate, certify
from cvxtoken.allocation.reference import Reference, solve
from cvxtoken.allocation.sensitivity import Sensitivity, sensitivity
from cvxtoken.allocation.simulation import SimulationResult, simulate
from cvxtoken.allocation.targeted.frontier import Frontier, FrontierPoint, frontier
from cvxtoken.allocation.targeted.shadow_prices import ShadowPrice
from cvxtoken.allocation.targets import Multipliers, Targets
from cvxtoken.errors import (
    CertificateError,
    CvxtokenError,
    LibraryError,
    MissingExtraError,
    PolicyError,
    ProblemError,
    SolverError,
    TargetError,
    UnstableError,
)
from cvxtoken.fitting import (
    AccuracyFit,
    ArrivalFit,
    FittedWorkload,
    ServiceFit,
    fit_accuracy,
    fit_arrivals,
    fit_service,
    fit_workload,
    understated_delay,
)
from cvxtoken.fitting.uncertainty import BudgetUncertainty, budget_uncertainty, draw_workloads
from cvxtoken.lagged import LaggedCertificate, LaggedReference, LaggedWorkload, solve_lagged
from cvxtoken.library import Instance, instances, load, workloads
from cvxtoken.robust import Ensemble, RobustCertificate, RobustReference, solve_robust
from cvxtoken.sweeps import SweepResult, sweep
from cvxtoken.whole.certificate import IntegerCertificate
from cvxtoken.whole.reference import IntegerReference, solve_integer
from cvxtoken.whole.rounding import RoundedTokens, round_tokens

__version__ = "0.1.0"

__all__ = [
    "AccuracyFit",
    "ArrivalFit",
    "BudgetUncertainty",
    "Budgets",
    "Certificate",
    "CertificateError",
    "CvxtokenError",
    "Ensemble",
    "FittedWorkload",
    "Frontier",
    "FrontierPoint",
    "Instance",
    "IntegerCertificate",
    "IntegerReference",
    "LaggedCertificate",
    "LaggedReference",
    "LaggedWorkload",
    "LibraryError",
    "MissingExtraError",
    "Multipliers",
    "PolicyError",
    "ProblemError",
    "Reference",
    "RobustCertificate",
    "RobustReference",
    "RoundedTokens",
    "Sensitivity",
    "ServiceFit",
    "ShadowPrice",
    "SimulationResult",
    "Solutions",
    "SolverError",
    "SolverRun",
    "Status",
    "SweepResult",
    "TargetError",
    "Targets",
    "Tracker",
    "UnstableError",
    "Workload",
    "Workloads",
    "budget_uncertainty",
    "certify",
    "compare",
    "contraction_at",
    "contraction_bound",
    "draw_workloads",
    "fit_accuracy",
    "fit_arrivals",
    "fit_service",
    "fit_workload",
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
    "solve_lagged",
    "solve_many",
    "solve_robust",
    "spectral_radius_at",
    "step_size_bound",
    "sweep",
    "understated_delay",
    "workloads",
]
