"""Cone programs as plain data, those that CVXPY compiles problems to, and the files that hold them."""
