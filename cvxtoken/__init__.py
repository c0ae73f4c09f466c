"""Certified optimal thinking-token budgets for LLM servers: a convex reference with a checkable proof."""

from cvxtoken.allocation.certificate import Certificate, certify
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.reference import Reference, SolverRun, solve
from cvxtoken.errors import CertificateError, CvxtokenError, ProblemError, SolverError, UnstableError
from cvxtoken.library import load, workloads

__all__ = [
    "Certificate",
    "CertificateError",
    "CvxtokenError",
    "ProblemError",
    "Reference",
    "SolverError",
    "SolverRun",
    "UnstableError",
    "Workload",
    "certify",
    "load",
    "solve",
    "workloads",
]
