"""One allocation for several workloads that might be the true one: the best average, with a certificate."""

from cvxtoken.robust.certificate import RobustCertificate, certify_robust
from cvxtoken.robust.problem import Ensemble
from cvxtoken.robust.reference import RobustReference, solve_robust

__all__ = ["Ensemble", "RobustCertificate", "RobustReference", "certify_robust", "solve_robust"]
