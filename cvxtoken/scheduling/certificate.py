"""The proof of a schedule's quality, and its file, which `cvxtoken.verifier.schedule` checks."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np

from cvxtoken import verifier
from cvxtoken.arrays import FloatArray, IntArray
from cvxtoken.proofs import Proof
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.relaxation import Inequality

SCALE = 2**24  # of the multipliers, which the file holds as whole numbers over it
COARSE = 2**18  # the same of weights of courses, which may be as large as the requests are many
Kind = dict[str, Any]
VOLUME: Kind = {"kind": "volume"}
BUSY: Kind = {"kind": "busy"}
SEARCH: Kind = {"kind": "search"}
BITS, FINEST = 20, 59  # of the largest price, which the file holds over 2^bits; the most such bits


def price_proof(span: int, prices: FloatArray) -> Kind:
    """Prices of a token for a round in spans of rounds, rounded down to whole numbers over a scale."""
    largest = float(prices.max(initial=0.0))
    scale = 2 ** int(np.clip(BITS - np.ceil(np.log2(largest)), 0, FINEST)) if largest > 0 else 1
    whole = np.minimum(np.floor(prices * scale), verifier.schedule.LARGEST)
    used = int(np.flatnonzero(whole).max(initial=-1)) + 1
    return {"kind": "prices", "scale": scale, "span": span, "prices": whole[:used].astype(int).tolist()}


def snapshot_proof(valid: list[Inequality], multipliers: FloatArray) -> Kind:
    """The multipliers of inequalities, shape (inequalities, T), rounded down to whole numbers over SCALE."""
    items = []
    for inequality, row in zip(valid, multipliers, strict=True):
        whole = np.minimum(np.floor(row * SCALE / inequality.most), verifier.schedule.LARGEST)
        used = int(np.flatnonzero(whole).max(initial=-1)) + 1
        if used:
            items.append({"weights": _rows(inequality), "multipliers": whole[:used].astype(int).tolist()})
    return {"kind": "snapshots", "scale": SCALE, "inequalities": items}


def course_proof(requests: Requests, span: int, weights: dict[tuple[int, int], FloatArray]) -> Kind:
    """Weights by request and rounds to go, a row over spans of times, rounded down to whole numbers."""
    rows = [
        [
            np.minimum(np.floor(weights[i, r] * COARSE), verifier.schedule.LARGEST).astype(int).tolist()
            for r in range(o)
        ]
        for i, o in enumerate(requests.output_tokens.tolist())
    ]
    return {"kind": "courses", "scale": COARSE, "span": span, "weights": rows}


def guided_proof(guide: Kind) -> Kind:
    """A search of all schedules, guided by the multipliers of a snapshot proof."""
    return {**guide, "kind": "guided"}


def _rows(inequality: Inequality) -> Any:
    if inequality.weights is None:
        return "memory"
    m, r = np.nonzero(inequality.weights)
    return np.stack([m, r, inequality.weights[m, r]], axis=1).tolist()


@dataclass(frozen=True, eq=False)
class ScheduleCertificate(Proof):
    """A proof that no schedule has a total latency below `lower`, and that the starts reach `upper`.

    `cvxtoken.verifier.schedule` says why it is a proof. Predictions have no part in it.

    Attributes:
        requests: the instance.
        starts: k, shape (n,), of a schedule that fits the memory.
        lower: proven, in rounds.
        proof: its kind and what it needs: `volume`, `busy` and `search` nothing, `prices` the rounds of a
            span and the prices, `snapshots` and `guided` inequalities and multipliers, `courses` the rounds
            of a span and weights.

    Source: derived here.
    """

    checker: ClassVar[ModuleType] = verifier.schedule

    requests: Requests
    starts: IntArray
    lower: int
    proof: Kind

    @property
    def upper(self) -> int:
        """TEL of the starts, in rounds."""
        ends = self.starts + self.requests.output_tokens
        return int((ends - self.requests.arrival).sum())

    @property
    def relative_gap(self) -> float:
        """The gap (upper - lower) / lower; the schedule is optimal where it is at most 0."""
        return (self.upper - self.lower) / self.lower

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """The proof that a parsed file holds; the file must have been checked."""
        starts = np.array(document["starts"], dtype=np.int64)
        return cls(Requests(**document["instance"]), starts, document["lower"], document["proof"])

    def to_document(self) -> dict[str, Any]:
        """The mapping that `save` writes."""
        columns = {field: getattr(self.requests, field).tolist() for field in verifier.schedule.COLUMNS}
        instance = {"memory": self.requests.memory, **columns}
        return {
            "schema": verifier.schedule.SCHEMA,
            "sha256": verifier.schedule.read_instance(instance)[2],
            "instance": instance,
            "starts": self.starts.tolist(),
            "lower": self.lower,
            "upper": self.upper,
            "proof": self.proof,
        }
