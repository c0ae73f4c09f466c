"""What a search may cost, counted and not timed, so that it ends the same everywhere."""

from __future__ import annotations

from cvxtoken.errors import SolverError

MOST = 2e7  # products of two balls, each of some microseconds with what goes with it


class Effort:
    """What is left of it, for all parts of one search."""

    def __init__(self) -> None:
        self.left = MOST

    def spend(self, products: float) -> None:
        """Count products before they are made (SolverError: there are too many)."""
        self.left -= products
        if self.left < 0:
            raise SolverError("the search would take too long")
