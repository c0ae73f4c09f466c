"""The errors this package raises; every message says what is wrong and what the rule is."""

from typing import Any


class CvxtokenError(Exception):
    """Base class of every error raised on purpose by cvxtoken."""


class ProblemError(CvxtokenError):
    """Bad data; the message names the field, the value and the rule that the value breaks."""


class UnstableError(CvxtokenError):
    """The queue has no steady state: utilisation is 1 or more."""


class SolverError(CvxtokenError):
    """A solver is not installed, cannot take the program, or did not solve it."""


class PolicyError(CvxtokenError):
    """A scheduling policy exceeds the memory, or breaks another rule of the simulation."""


class CertificateError(CvxtokenError):
    """A certificate does not prove what it states, or is not a certificate at all."""


class LibraryError(CvxtokenError):
    """A file of the instance library is damaged or does not fit this version."""


class MissingExtraError(CvxtokenError):
    """An optional package is not installed; the message names the extra to install."""


class TargetError(ProblemError):
    """No allocation meets the targets; the message names each one missed, with the best possible value.

    Attributes:
        best: by target, the best possible value; for a least accuracy the key is the type's name. Empty where
            it is further constraints that cannot be met.
        proof: a `ConstrainedProof` that no allocation meets the further constraints; None where targets alone
            cannot be met, which is decided in exact fractions.
    """

    def __init__(self, message: str, best: dict[str, float], proof: Any = None) -> None:
        super().__init__(message)
        self.best = best
        self.proof = proof
