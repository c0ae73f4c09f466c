"""The shipped proofs of the cone problems: exact data, and what is proven of them."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from cvxtoken import verifier
from cvxtoken.conic.certificate import ConicCertificate
from cvxtoken.errors import LibraryError

FILE = Path(__file__).parent / "proofs.json.gz"
SCHEMA = "cvxtoken-cone-problems/1"


@dataclass(frozen=True)
class ProvenProblem:
    """A problem of the library as exact data.

    Attributes:
        name: `cones/FAMILY/NAME`.
        statement: the problem in words, with its formula.
        source: where it is from.
        rounded: what was rounded when it was compiled; empty where nothing was.
        certificate: the cone program and what is proven of it.
    """

    name: str
    statement: str
    source: str
    rounded: str
    certificate: ConicCertificate


def proven_problems(pattern: str = "*") -> list[ProvenProblem]:
    """The shipped problems whose name fits a pattern, with or without the leading `cones/`; each is checked.

    Raises:
        LibraryError: the file is damaged, or the checker refuses a proof.
    """
    wanted = pattern.removeprefix("cones/")
    try:
        document = json.loads(gzip.decompress(FILE.read_bytes()))
    except (OSError, EOFError, ValueError) as error:
        raise LibraryError(f"{FILE}: cannot be read: {error}") from error
    if document.get("schema") != SCHEMA:
        raise LibraryError(f"{FILE}: the schema is not {SCHEMA}")
    chosen = [p for p in document["problems"] if fnmatchcase(p["name"].removeprefix("cones/"), wanted)]
    return [_problem(record) for record in chosen]


def _problem(record: dict[str, Any]) -> ProvenProblem:
    try:
        verifier.conic.check(record["certificate"])
    except verifier.Refused as refusal:
        raise LibraryError(f"{FILE}: the proof of {record['name']} was refused: {refusal}") from refusal
    certificate = ConicCertificate.from_document(record["certificate"])
    name, statement, source, rounded = (record[f] for f in ("name", "statement", "source", "rounded"))
    return ProvenProblem(name, statement, source, rounded, certificate)
