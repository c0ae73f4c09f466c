"""Small convex problems of textbooks and applications whose answers are known by hand.

Each is a function that builds a `cvxpy.Problem` of zero, nonnegative, second-order and exponential cones. The
data are integers and short decimals, and nearly everywhere nothing is rounded on the way to the solver: a
proof about the compiled program is one about the problem as stated. A file is a family; `catalog.py` lists
all, `shipped.py` has their proofs.
"""

from cvxtoken.library.cones.catalog import cone_problems
from cvxtoken.library.cones.problem import ConeProblem
from cvxtoken.library.cones.shipped import ProvenProblem, proven_problems

__all__ = ["ConeProblem", "ProvenProblem", "cone_problems", "proven_problems"]
