"""Grids of workloads: solved in chunks on any executor, written as they come, resumed after interruption."""

from cvxtoken.sweeps.grid import Grid
from cvxtoken.sweeps.run import SweepResult, sweep

__all__ = ["Grid", "SweepResult", "sweep"]
