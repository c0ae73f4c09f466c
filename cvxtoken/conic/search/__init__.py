"""The search for proofs of cone programs. It needs python-flint (the extra `conic`); none of it is trusted.

Clarabel gives a point (`start`), and a cold start another (`embedding`, `barrier`). Newton's method takes it
along the central path to its end (`smooth`, `equations`, `steps`, `elimination`, `follow`), and exact
arithmetic makes it feasible (`exact`, `repair`, `enclose`). Before it the program is equilibrated and
stripped of dependent rows and columns (`scaling`, `independent`). Where there is no interior, or no optimum,
directions say so (`rays`, `faces`). `prover` puts the parts together, and publishes what the checker has
taken.
"""
