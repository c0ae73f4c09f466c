"""Built-in workloads, and instances with their certified optima."""

from cvxtoken.library.builtin import load, workloads
from cvxtoken.library.shipped import Instance, instances

__all__ = ["Instance", "instances", "load", "workloads"]
