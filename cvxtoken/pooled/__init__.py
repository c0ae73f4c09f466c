"""One queue for several servers: the certified optimum under Lee and Longton's law, and a simulation."""

from cvxtoken.pooled.certificate import PooledCertificate
from cvxtoken.pooled.problem import PooledWorkload
from cvxtoken.pooled.reference import PooledReference, solve_pooled
from cvxtoken.pooled.simulation import PooledSimulation, simulate_pooled

__all__ = [
    "PooledCertificate",
    "PooledReference",
    "PooledSimulation",
    "PooledWorkload",
    "simulate_pooled",
    "solve_pooled",
]
