"""The best budgets for one queue of several servers, proven: search -> proof -> checker.

What is optimal is so under Lee and Longton's law, which approximates the mean wait; that law's optimum is
exact. What is stated is what the checker accepts.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.prices.search import solve_prices
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.proof.certificate import certify
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError, SolverError
from cvxtoken.pooled.bounds import Cell
from cvxtoken.pooled.certificate import PooledCertificate
from cvxtoken.pooled.line import Line
from cvxtoken.pooled.problem import PooledWorkload
from cvxtoken.pooled.search import search
from cvxtoken.precision import SQUARED
from cvxtoken.proofs import Proven
from cvxtoken.tables import table


@dataclass(frozen=True)
class PooledReference(Proven):
    """The best allocation for one queue of several servers, under Lee and Longton's law.

    Attributes:
        problem: the instance and its number of servers.
        tokens: the best budgets, shape (N,).
        exhausted: whether the search looked at everything within the time limit and what a checker takes.
        seconds: of the whole call.
        certificate: the proof; `certificate.save(path)` writes it for anyone to check.
    """

    problem: PooledWorkload
    tokens: FloatArray
    exhausted: bool
    seconds: float
    certificate: PooledCertificate

    @property
    def mean_wait(self) -> float:
        """E[W] at the tokens by the law, in s."""
        return float(self.problem.mean_wait(self.tokens))

    @property
    def utilization(self) -> float:
        """The share of time that a server is busy, a / R."""
        return float(self.problem.load(self.tokens)) / self.problem.servers

    @property
    def cells(self) -> int:
        """How many cells of the load the proof has."""
        return len(self.certificate.cells)

    def to_document(self) -> dict[str, Any]:
        """A mapping of plain values."""
        return {
            "servers": self.problem.servers,
            "tokens": dict(zip(self.problem.workload.names, self.tokens.tolist(), strict=True)),
            **self.proven_document(),
            "mean_wait": self.mean_wait,
            "utilization": self.utilization,
            "cells": self.cells,
            "exhausted": self.exhausted,
        }

    def __str__(self) -> str:
        w, R = self.problem.workload, self.problem.servers
        columns = zip(w.names, self.tokens, model.accuracy(w, self.tokens), strict=True)
        rows = [(name, f"{l:.1f}", f"{p:.4f}") for name, l, p in columns]
        law = "by an exact law" if R == 1 else "by Lee and Longton's law, an approximation"
        optimum = "the optimum" if R == 1 else "the exact optimum of an approximate law"
        return "\n".join(
            [
                table(["task", "tokens", "accuracy"], rows),
                f"objective         J = {self.objective:.6f} s, none is better than {self.upper:.6f} s: "
                f"{optimum}",
                f"mean wait         {self.mean_wait:.6f} s {law}",
                f"utilization       {self.utilization:.4f} of {R} server{'s' if R > 1 else ''} of one queue",
                f"{self.status:<17} relative gap <= {self.relative_gap:.3g}, {self.cells} "
                f"cell{'s' if self.cells > 1 else ''} of the load"
                f"{'' if self.exhausted else ' (stopped early)'}, {self.seconds:.2f} s",
            ]
        )


def solve_pooled(workload: Workload, servers: int, time_limit: float = 60.0) -> PooledReference:
    """The best budgets where several servers take queries from one queue, first come first served, proven.

    Maximises alpha sum pi p - E[T] with E[T] = E[S] + E[S^2] C(R, a) / (2 E[S] (R - a)), a = lambda E[S], C
    Erlang's formula: Lee and Longton's law, an approximation for R >= 2 servers.

    Args:
        workload: the instance, with `Fifo()` for its server.
        servers: R, from 1 to 1000.
        time_limit: of the search, in s, after which the best found is returned, with the bound proven so far.

    Raises:
        UnstableError: no allocation is stable.
        ProblemError: servers or the time limit break their rule, or the workload has another kind of server.
        SolverError: the data are beyond float64, or the working precision.
        CertificateError: the checker refuses the proof.

    Source: Lee and Longton (1959) for the law; the rest is derived here.

    >>> import cvxtoken
    >>> workload = cvxtoken.load("qwen3-8b")
    >>> found = solve_pooled(workload.replace(arrival_rate=4 * workload.arrival_rate), 4)
    >>> found.status, [round(l) for l in found.tokens]
    ('certified', [7386, 8092, 1107, 2261, 2417])
    """
    if not time_limit > 0:
        raise ProblemError(f"time_limit is {time_limit}; it must be positive")
    started = time.perf_counter()
    problem = PooledWorkload(workload, servers)
    problem.require_stable()
    try:
        with np.errstate(all="ignore"):  # what overflows is judged by the bounds
            tokens, certificate, exhausted = _proven(problem, started + time_limit)
    except (ArithmeticError, ValueError) as error:
        raise SolverError(f"the search fails on data beyond float64: {error}") from error
    certificate.check()
    return PooledReference(
        problem=problem,
        tokens=tokens,
        exhausted=exhausted,
        seconds=time.perf_counter() - started,
        certificate=certificate,
    )


def _proven(problem: PooledWorkload, deadline: float) -> tuple[FloatArray, PooledCertificate, bool]:
    """The best tokens, their proof, not yet checked, and whether the search came to its end."""
    if problem.servers == 1:
        return _of_one_server(problem)
    found = search(problem, deadline)
    certificate = PooledCertificate(
        problem=problem,
        tokens=tuple(map(Decimal, found.tokens.tolist())),
        lower=found.lower,
        upper=found.upper,
        start=found.start,
        cells=found.cells,
        digits=SQUARED,
    )
    return found.tokens, certificate, found.exhausted


def _of_one_server(problem: PooledWorkload) -> tuple[FloatArray, PooledCertificate, bool]:
    """The same for R = 1, the paper's model: g is a line, so that one cell proves what `certify` does."""
    tokens = solve_prices(problem.workload)
    proof = certify(problem.workload, tokens)
    line = Line(Decimal(1), Decimal(1))
    certificate = PooledCertificate(
        problem=problem,
        tokens=proof.tokens,
        lower=proof.lower,
        upper=proof.upper,
        start=Decimal(0),
        cells=(Cell(Decimal(1), line, proof.tokens),),
        digits=proof.digits,
    )
    return tokens, certificate, True
