"""Tests of cvxtoken.formal."""
