"""A correctness suite for solvers: scored by true error against certified optima, not by claimed status."""

from cvxtoken.suite.reading import Answer
from cvxtoken.suite.report import Outcome, Report
from cvxtoken.suite.run import check_solver, parametrize

__all__ = ["Answer", "Outcome", "Report", "check_solver", "parametrize"]
