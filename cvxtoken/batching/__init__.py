"""Batched inference: dynamic, fixed and elastic batches, exact and simulated, beside continuous batching."""

from cvxtoken.batching.comparison import Comparison, compare
from cvxtoken.batching.continuous import ContinuousReference, continuous, continuous_rate
from cvxtoken.batching.inoue import inoue_approximation, inoue_bound
from cvxtoken.batching.model import Delays, delays, delays_without_limit, largest_rate
from cvxtoken.batching.problem import BatchingProblem, BatchTime, default_problem
from cvxtoken.batching.reference import BatchingReference, best_batch
from cvxtoken.batching.simulation import BatchingSimulation, simulate

__all__ = [
    "BatchTime",
    "BatchingProblem",
    "BatchingReference",
    "BatchingSimulation",
    "Comparison",
    "ContinuousReference",
    "Delays",
    "best_batch",
    "compare",
    "continuous",
    "continuous_rate",
    "default_problem",
    "delays",
    "delays_without_limit",
    "inoue_approximation",
    "inoue_bound",
    "largest_rate",
    "simulate",
]
