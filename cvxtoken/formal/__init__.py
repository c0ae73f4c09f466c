"""Certificates as theorems: files for Coq, whose kernel checks them and knows nothing of Python.

The theorems are in the folder `formal/` of the repository, and `docs/formal.md` says what is proven by whom.
`numbers.py` evaluates the formulas of those theorems, a file a kind writes the text, `kinds.py` chooses.
Nothing here is trusted: what is written wrongly does not compile.
"""

from cvxtoken.formal.kinds import export, require_same

__all__ = ["export", "require_same"]
