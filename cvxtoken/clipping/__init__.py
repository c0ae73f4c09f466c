"""One limit on output tokens: it touches few requests and cuts the queueing delay of all."""

from cvxtoken.clipping.inputs import InputLengths
from cvxtoken.clipping.mixed import MixedLimits
from cvxtoken.clipping.problem import ClippingProblem, default_problem
from cvxtoken.clipping.reference import best_limit
from cvxtoken.clipping.result import ClippingReference
from cvxtoken.clipping.simulation import ClippingSimulation, simulate

__all__ = [
    "ClippingProblem",
    "ClippingReference",
    "ClippingSimulation",
    "InputLengths",
    "MixedLimits",
    "best_limit",
    "default_problem",
    "simulate",
]
