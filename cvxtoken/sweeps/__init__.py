"""Grids of workloads: solved in chunks on any executor, each written when done, resumed if interrupted."""

from cvxtoken.sweeps.grid import Grid
from cvxtoken.sweeps.run import SweepResult, sweep

__all__ = ["Grid", "SweepResult", "sweep"]
