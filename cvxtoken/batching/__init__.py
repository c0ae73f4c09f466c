"""Batched inference: dynamic, fixed and elastic batches, analysed exactly and simulated."""

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
    "Delays",
    "best_batch",
    "default_problem",
    "delays",
    "delays_without_limit",
    "inoue_approximation",
    "inoue_bound",
    "largest_rate",
    "simulate",
]
