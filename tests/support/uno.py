"""Tests that need CVXPY's interface to Uno."""

from __future__ import annotations

import cvxpy as cp
import pytest

# the tests' extra installs unopy; that CVXPY knows it and does not find it is a failure, not a skip
needs_uno = pytest.mark.skipif(not hasattr(cp, "UNO"), reason="CVXPY before 1.9 has no interface to Uno")
