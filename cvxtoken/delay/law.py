"""What a delay law is: a quadratic over the idle share, which is affine in the tokens (derived here).

Every law of this room has a mean system time of one form,

    E[T] = offset + direct E[S] + lambda (square E[S^2] + constant) / (2 y),
    y = 1 - lambda (overhead_share T0 + token_share C),   T0 = sum pi t0,   C = sum pi c l,

so that one convex program, one dual bound and one pair of prices serve them all. The waiting time is what a
query loses to others, E[W] = E[T] - E[S], and the utilisation is rho = 1 - y.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeAlias

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.files import Document

if TYPE_CHECKING:
    from cvxtoken.conic.writing import Writer  # with SciPy, which no workload needs

Number: TypeAlias = Any  # float, Fraction, Decimal, an interval, or an array of floats


class Law(NamedTuple):
    """The six numbers of a law; see the module's text."""

    offset: Number
    direct: Number
    square: Number
    constant: Number
    overhead_share: Number
    token_share: Number


class Load(NamedTuple):
    """What a law asks of the tokens, as unknowns of a cone program; see `Server.write`.

    Attributes:
        lam, pi, t0: the doubles lambda, pi and t0 of every type.
        t, s: the unknowns t and s of every type; no s where service times are certain.
        S, C, y: the unknowns E[S], C and y.
    """

    lam: float
    pi: list[float]
    t0: list[float]
    t: list[int]
    s: list[int]
    S: int
    C: int
    y: int


class Server(ABC):
    """A kind of server: a frozen dataclass whose fields are numbers, `replicas` among them.

    Attributes:
        kind: its name in files.
        formula: E[T], in symbols of the model.
        replicas: how many there are, a query going to each with the same probability: one of them sees the
            arrival rate lambda, the double nearest to arrival_rate / replicas.
    """

    kind: ClassVar[str]
    formula: ClassVar[str]
    replicas: int

    @abstractmethod
    def law(self, lam: Number, T0: Number, exact: Callable[[float], Number]) -> Law:
        """The law at one replica, in any numbers that add, subtract, multiply and divide.

        Args:
            lam: lambda.
            T0: sum pi t0.
            exact: makes such a number of a double.
        """

    def write(self, write: Writer, load: Load) -> int:
        """Write E[T] as cones, all of whose numbers are doubles of the workload, or 1 or 2 times such.

        Returns:
            The unknown T: the rows allow it what is E[T] at the tokens or more, and nothing else.

        Raises:
            ProblemError: the law's numbers are no doubles.
        """
        raise ProblemError(f"the law of {self.kind!r} cannot be written without rounding")

    @abstractmethod
    def mean_wait(self, lam: Number, service: Number, second_moment: Number, y: Number) -> FloatArray:
        """E[W] in s, where y > 0, without the cancellation that the form of all laws may have.

        Args:
            lam: lambda.
            service: E[S], in s.
            second_moment: E[S^2], in s^2.
            y: the idle share.
        """

    @abstractmethod
    def type_waits(self, t: FloatArray, mean_wait: FloatArray, y: FloatArray) -> FloatArray:
        """E[W_k] in s of every type, shape (..., N), from t of that shape, and E[W] and y of shape (...)."""

    @abstractmethod
    def least_idle(self, lam: Number, law: Law, most: Number, y0: Number) -> Number:
        """A number that y <= y0 is not below wherever E[T] <= most, in s; but for rounding."""

    def with_overhead(self, old: float, new: float) -> Server:
        """The server where tokens are counted with the overheads, whose mean so changes from old to new."""
        return self

    @property
    @abstractmethod
    def overhead_share(self) -> float:
        """That of `Law`."""

    @property
    @abstractmethod
    def token_share(self) -> float:
        """That of `Law`."""

    @property
    @abstractmethod
    def runs_together(self) -> bool:
        """Whether a query in service takes 1 / y times as long as alone."""

    @property
    def parameters(self) -> dict[str, float]:
        """All fields as doubles, in the order in which they are hashed."""
        return {field.name: float(getattr(self, field.name)) for field in fields(self)}  # type: ignore[arg-type]

    def to_document(self) -> Document:
        """The `[server]` table."""
        return {"kind": self.kind, **asdict(self)}  # type: ignore[call-overload]


def checked_replicas(value: Any) -> int:
    """A whole number of at least 1 (ProblemError)."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not 1 <= value <= 2**53 or value != int(value):
        raise ProblemError(f"replicas is {value!r}; it must be a whole number of at least 1")
    return int(value)


def checked_share(name: str, value: Any) -> float:
    """A number from 0 to 1 (ProblemError)."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not 0 <= value <= 1:  # also for NaN
        raise ProblemError(f"{name} is {value!r}; it must be a number from 0 to 1")
    return float(value) + 0.0
