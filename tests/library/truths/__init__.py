"""Optimal values of the problems of `cvxtoken.library.cones`, each by another road than a solver's.

One module a family; the function of a problem has the name of its builder. The data are the builder's own
doubles, taken exactly. Every function is called with 60 digits and is right to 45 at least.
"""
