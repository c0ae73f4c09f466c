"""The convex program in CVXPY and in cones, and the solvers that take it."""
