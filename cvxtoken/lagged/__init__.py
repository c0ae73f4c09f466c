"""Accuracy curves with a lag: the concave envelope's certified bound, and the best true budgets, exactly."""

from cvxtoken.lagged.certificate import LaggedCertificate
from cvxtoken.lagged.problem import LaggedWorkload
from cvxtoken.lagged.reference import LaggedReference, solve_lagged

__all__ = ["LaggedCertificate", "LaggedReference", "LaggedWorkload", "solve_lagged"]
