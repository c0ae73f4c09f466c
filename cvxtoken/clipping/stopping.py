"""The best randomised limits in rational numbers: the optimum of the linear program, exactly, and its proof.

Lengths are whole counts, so that all moments are fractions. HiGHS says which limits the best rule mixes
(`program.least_wait`). With x = w / (1 - lambda s1) on these limits, the equations of the linear program

    sum_n x_kn = inverse for every type,   inverse - lambda sum s1 x = 1,   sum u x = required inverse,

(the last only where the utility binds) and those of its dual,

    lambda s2_kn / 2 + v lambda s1_kn - mu u_kn = y_k on the limits used,   sum_k y_k + mu required = v,

have one solution each, which is found by elimination in fractions. The checker says whether it is optimal.
Where the server shares, s1 takes the place of lambda s2 / 2 and 0 that of lambda s1, and v bounds the service
time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np

from cvxtoken import verifier
from cvxtoken.clipping.problem import ClippingProblem
from cvxtoken.clipping.program import least_wait
from cvxtoken.delay import Fifo, Sharing, read_server
from cvxtoken.errors import ProblemError, SolverError
from cvxtoken.lengths import LengthDistribution
from cvxtoken.proofs import Proof

DIGITS = 40  # of the bounds that are stated
Limits = list[list[tuple[Fraction, Fraction, Fraction]]]


@dataclass(frozen=True)
class Stopping:
    """A required utility, and one server that stops answers at random limits; see `ClippingProblem`.

    Attributes:
        weights: of the types, whole numbers; their shares are these over their sum.
        counts: by type, how many answers have 1, 2, ... tokens; the last is positive.
        time_per_token, overhead: c in s/token and t0 in s.
        arrival_rate: lambda, in 1/s.
        utility: 'share_whole' or 'share_tokens'.
        required: the least mean utility.
        server: None for one request at a time, first come first served; or the law of shared service.

    Raises:
        ProblemError: a field breaks its rule, as the checker of proofs reads it.
    """

    weights: tuple[int, ...]
    counts: tuple[tuple[int, ...], ...]
    time_per_token: float
    arrival_rate: float
    required: float
    overhead: float = 0.0
    utility: str = "share_whole"
    server: Sharing | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", tuple(self.weights))
        object.__setattr__(self, "counts", tuple(map(tuple, self.counts)))
        try:
            self.limits()
        except verifier.Refused as refusal:
            raise ProblemError(f"the data of randomised limits: {refusal}") from refusal

    def to_document(self) -> dict[str, Any]:
        """The mapping that proofs hold."""
        scalars = ("time_per_token", "overhead", "arrival_rate", "utility", "required")
        lists = {"weights": list(self.weights), "counts": [list(row) for row in self.counts]}
        shared = (
            {} if self.server is None else {"server": {"kind": self.server.kind, **self.server.parameters}}
        )
        return lists | {name: getattr(self, name) for name in scalars} | shared

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """What `to_document` wrote (ProblemError)."""
        server = read_server(document["server"]) if "server" in document else None
        return cls(**document | {"server": server})

    def limits(self) -> Limits:
        """By type and limit s1 in s, s2 in s^2 and u, times the type's share."""
        found: Limits = verifier.stopping.read_instance(self.to_document())[0]
        return found

    @property
    def law(self) -> verifier.stopping.Law:
        """What the limits cost and how long a rule waits, in fractions."""
        found: verifier.stopping.Law = verifier.stopping.read_instance(self.to_document())[1]
        return found

    @property
    def sha256(self) -> str:
        """Of the exact data."""
        digest: str = verifier.stopping.read_instance(self.to_document())[3]
        return digest

    def problem(self) -> ClippingProblem:
        """The same in doubles, without the required utility."""
        return ClippingProblem(
            lengths=[LengthDistribution(np.array(row) / sum(row)) for row in self.counts],
            shares=[weight / sum(self.weights) for weight in self.weights],
            time_per_token=self.time_per_token,
            overhead=self.overhead,
            arrival_rate=self.arrival_rate,
            utility=self.utility,
            server=Fifo() if self.server is None else self.server,
        )


@dataclass(frozen=True)
class StoppingCertificate(Proof):
    """A proof that lower <= least mean wait <= upper, which the rule reaches.

    `cvxtoken.verifier.stopping` says why it is one.

    Attributes:
        stopping: the instance.
        rule: (type from 0, limit, probability), exact.
        v, mu: the bound of the wait in s, or of the service time in s where the server shares, exact; and the
            price of the utility that proves it.

    Source: derived here.
    """

    checker: ClassVar[ModuleType] = verifier.stopping

    stopping: Stopping
    rule: tuple[tuple[int, int, Fraction], ...]
    v: Fraction
    mu: Fraction

    @property
    def lower(self) -> Decimal:
        """The proven bound, rounded down, in s."""
        return _decimal(self.stopping.law.bound(self.v), ROUND_FLOOR)

    @property
    def upper(self) -> Decimal:
        """The mean wait of the rule, rounded up, in s."""
        limits = self.stopping.limits()
        s1, s2 = (sum(w * limits[k][n - 1][place] for k, n, w in self.rule) for place in (0, 1))
        return _decimal(self.stopping.law.wait(Fraction(s1), Fraction(s2)), ROUND_CEILING)

    @property
    def relative_gap(self) -> Decimal:
        """(upper - lower) / (1 + lower), rounded up to 3 digits."""
        up = Context(3, ROUND_CEILING)
        return up.divide(up.subtract(self.upper, self.lower), Context(3, ROUND_FLOOR).add(1, self.lower))

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """The proof in a parsed file that has been checked."""
        rule = tuple((k, n, Fraction(w)) for k, n, w in document["rule"])
        return cls(
            Stopping.from_document(document["instance"]),
            rule,
            Fraction(document["v"]),
            Fraction(document["mu"]),
        )

    def to_document(self) -> dict[str, Any]:
        """The mapping that `save` writes."""
        return {
            "schema": verifier.stopping.SCHEMA,
            "sha256": self.stopping.sha256,
            "instance": self.stopping.to_document(),
            "rule": [[k, n, str(w)] for k, n, w in self.rule],
            "v": str(self.v),
            "mu": str(self.mu),
            "lower": str(self.lower),
            "upper": str(self.upper),
            "relative_gap": str(self.relative_gap),
        }


def exact_least_wait(stopping: Stopping) -> StoppingCertificate:
    """The randomised limits of least mean wait, exactly, with the proof.

    Raises:
        ProblemError: no rule reaches the utility.
        SolverError: HiGHS fails, or what it mixes is no vertex of the linear program.
        CertificateError: it is not optimal.
    """
    mixture = least_wait(stopping.problem(), stopping.required)
    used = [(k, int(mixture.limits[i])) for k, i in np.argwhere(mixture.weights > 1e-9).tolist()]
    binds = len(used) > len(stopping.counts)
    limits, law = stopping.limits(), stopping.law
    required, types = Fraction(stopping.required), range(len(limits))
    rows = [limits[k][n - 1] for k, n in used]
    owner = [[Fraction(k == own) for k in types] for own, _ in used]

    # primal unknowns: x on the limits used, and the inverse; dual ones: y, v, and mu where the utility binds
    primal = [[own[k] for own in owner] + [Fraction(-1)] for k in types]
    primal.append([-law.load(s1) for s1, _, _ in rows] + [Fraction(1)])
    right = [Fraction(0) for _ in types] + [Fraction(1)]
    dual = [
        [*own, -law.load(s1), u][: len(own) + 1 + binds] for own, (s1, _, u) in zip(owner, rows, strict=True)
    ]
    dual.append([*(Fraction(1) for _ in types), Fraction(-1), required][: len(types) + 1 + binds])
    if binds:
        primal.append([u for _, _, u in rows] + [-required])
        right.append(Fraction(0))
    x = _solve(primal, right)
    y = _solve(dual, [law.cost(s1, s2) for s1, s2, _ in rows] + [Fraction(0)])
    rule = tuple((k, n, value / x[-1]) for (k, n), value in zip(used, x[:-1], strict=True))
    v, mu = y[len(types)], y[len(types) + 1] if binds else Fraction(0)
    found = StoppingCertificate(stopping, rule, v, mu)
    found.check()
    return found


def _solve(matrix: Sequence[Sequence[Fraction]], right: Sequence[Fraction]) -> list[Fraction]:
    """The one solution of a square system (SolverError: there is none, or more)."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    if any(len(row) != size + 1 for row in rows):
        raise SolverError(f"the limits mixed are no vertex: {size} equations for {len(rows[0]) - 1} unknowns")
    for place in range(size):
        pivot = next((i for i in range(place, size) if rows[i][place]), None)
        if pivot is None:
            raise SolverError("the limits mixed are no vertex: their equations depend on each other")
        rows[place], rows[pivot] = rows[pivot], rows[place]
        head = [value / rows[place][place] for value in rows[place]]
        rows = [
            head if i == place else [a - row[place] * b for a, b in zip(row, head, strict=True)]
            for i, row in enumerate(rows)
        ]
    return [row[-1] for row in rows]


def _decimal(value: Fraction, rounding: str) -> Decimal:
    return Context(DIGITS, rounding).divide(Decimal(value.numerator), Decimal(value.denominator))
