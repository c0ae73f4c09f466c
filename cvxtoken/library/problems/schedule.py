"""The best schedule in hindsight of requests that share a memory: an integer program of zeros and ones.

x_{i,C} is 1 where request i completes at C (`cvxtoken.scheduling.program`). With P_i = s_i + o_i, of which
it holds P_i - C + t tokens in the round that ends at t,

    minimise    sum_i sum_C (C - a_i) x_{i,C}
    subject to  sum_C x_{i,C} >= 1 for every request,   0 <= x <= 1,
                sum_i sum_{t <= C < t + o_i} (P_i - C + t) x_{i,C} <= M for every t;

a second completion of a request only costs, so that >= may stand for =. The raw form lets a request complete
until all could have run one by one after the last arrival: the best schedule is never idle from then on. The
presolved form ends earlier: where the total latency of a schedule at hand is U, request i of a better one has
at most U less what the others take at least, sum_{j != i} o_j.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

import numpy as np
from scipy import sparse

from cvxtoken import verifier
from cvxtoken.arrays import FloatArray, IntArray
from cvxtoken.conic.program import NONNEGATIVE, ConeProgram
from cvxtoken.errors import LibraryError
from cvxtoken.library.problems.problem import Problem, away_from_whole
from cvxtoken.library.problems.written import INTEGERS, Written
from cvxtoken.scheduling.certificate import ScheduleCertificate
from cvxtoken.scheduling.policies import hindsight_shortest_first
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.program import build
from cvxtoken.scheduling.reference import best_schedule
from cvxtoken.scheduling.schedule import check_schedule


@dataclass(frozen=True)
class Schedule(Problem):
    """Minimise the total latency of requests; an answer is their starts, whole, shape (n,)."""

    kind = "schedule"
    symbol = "total latency"
    sense = 1
    needs = frozenset({NONNEGATIVE, INTEGERS})
    schema = verifier.schedule.SCHEMA
    proof = ScheduleCertificate

    requests: Requests

    @property
    def unit(self) -> str:
        """Of the total latency."""
        return "rounds"

    @property
    def data(self) -> Requests:
        """The requests."""
        return self.requests

    @property
    def names(self) -> tuple[str, ...]:
        """The requests by number."""
        return tuple(f"request {i}" for i in range(len(self.requests)))

    @property
    def sha256(self) -> str:
        """Of what the schedule depends on."""
        digest: str = verifier.schedule.read_instance(self.to_record()["instance"])[2]
        return digest

    def to_record(self) -> dict[str, Any]:
        """The memory and the columns, without predictions."""
        columns = {field: getattr(self.requests, field).tolist() for field in verifier.schedule.COLUMNS}
        return {"instance": {"memory": self.requests.memory, **columns}}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        """What `to_record` wrote."""
        return cls(Requests(**record["instance"]))

    def optimum(self, proof: ScheduleCertificate) -> Decimal:
        """The least total latency, a whole number."""
        return Decimal(proof.upper)

    def best(self, proof: ScheduleCertificate) -> FloatArray:
        """The starts."""
        return proof.starts.astype(float)

    def value(self, answer: FloatArray) -> float:
        """The total latency of the nearest whole starts."""
        r = self.requests
        return float((np.rint(answer) + r.output_tokens - r.arrival).sum())

    def broken(self, answer: FloatArray) -> str | None:
        """Whether starts are not whole, lie before the arrival, or take more than the memory."""
        r, starts = self.requests, np.rint(answer)
        early = starts < r.arrival
        if early.any():
            i = int(np.argmax(early))
            return f"the start of request {i} is {answer[i]:g}, before its arrival at {r.arrival[i]}"
        most = check_schedule(r, starts.astype(np.int64)) if (starts < 2**40).all() else 0
        if most > r.memory:
            return f"the starts take {most} tokens of memory, of which there are {r.memory}"
        return away_from_whole(self.names, answer)

    def prove(self) -> ScheduleCertificate:
        """By a bound of multipliers, or by trying all schedules."""
        found = best_schedule(self.requests, "milp")
        if not found.exact:
            raise LibraryError(f"the least total latency is from {found.lower} to {found.upper} only")
        return found.certificate

    def cones(self, form: str) -> Written:
        """Raw, or with fewer columns."""
        r = self.requests
        o = r.output_tokens
        latest = np.full(len(r), r.arrival.max() + o.sum())
        if form != "raw":
            known = hindsight_shortest_first(r).starts
            total = int((known + o - r.arrival).sum())
            latest = np.minimum(latest, r.arrival + total - (o.sum() - o))
        held = [(P - np.arange(length)) / r.memory for P, length in zip(r.peak, o, strict=True)]
        built = build(r, latest, [held], whole=True)
        linear, columns = built.linear, len(built.span)
        memory = sparse.csr_array((linear.less * r.memory).rint())
        eye = sparse.eye_array(columns)
        A = sparse.csc_array(sparse.vstack([-eye, eye, -sparse.csr_array(linear.equal), memory]))
        A.sort_indices()
        right = [
            np.zeros(columns),
            np.ones(columns),
            -linear.right,
            np.full(memory.shape[0], float(r.memory)),
        ]
        b = np.concatenate(right)
        cones = ((NONNEGATIVE, len(b)),)
        program = ConeProgram(A, b, linear.cost, 0.0, cones, integers=tuple(range(columns)))
        ends = built.span + 1
        variables = {"request": built.request.tolist(), "completion": ends.tolist()}
        return Written(program, lambda v: self._starts(v, built.request, ends), variables)

    def _starts(self, v: FloatArray, request: IntArray, ends: IntArray) -> FloatArray:
        """The starts in a point; not a number where a request has no completion."""
        starts = np.full(len(self.requests), np.nan)
        for i in range(len(starts)):
            own = np.flatnonzero(request == i)
            most = own[int(np.argmax(v[own]))]
            if v[most] > 0.5:
                starts[i] = ends[most] - self.requests.output_tokens[i]
        return starts
