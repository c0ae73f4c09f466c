"""Data sets of proven optima by the million: drawn, solved, bounded and written alike on every machine."""

from cvxtoken.datasets.families import FAMILIES
from cvxtoken.datasets.generate import Dataset, generate

__all__ = ["FAMILIES", "Dataset", "generate"]
