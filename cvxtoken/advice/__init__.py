"""From measurements to budgets to deploy: fit, judge, solve, whole tokens, error bars and what they cost."""

from cvxtoken.advice.advise import advise
from cvxtoken.advice.result import Advice

__all__ = ["Advice", "advise"]
