"""What is proven of the problems of `cvxtoken.library.cones` agrees with their independent truths."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from mpmath import isfinite, mp, mpf

import cvxtoken
from cvxtoken.errors import CertificateError, LibraryError
from cvxtoken.library.cones import ConeProblem, cone_problems, shipped
from tests.library.test_cones import short, truth
from tests.support.thorough import some

SAMPLE = [p for p in cone_problems() if p.family not in ("degenerate", "infeasible", "unbounded")][::12]
HARD = [
    *("degenerate/touching-discs", "degenerate/ray-of-the-cone", "degenerate/dice-that-shows-six"),
    *("degenerate/nothing-at-zero", "degenerate/neither-side", "infeasible/marriage", "infeasible/tower"),
    *("degenerate/asymptote", "degenerate/posynomial-at-infinity", "degenerate/klee-minty"),
    *("scaled/blending", "scaled/stake-in-cents", "scaled/trace-species", "scaled/cold-transport"),
    *("scaled/deeper-trace", "unbounded/logarithm", "unbounded/arbitrage", "unbounded/edge-of-the-cone"),
]
"""On which a solver's word or its point is of no use."""
UNSURE = [
    *("degenerate/two-faces", "degenerate/hyperbola", "degenerate/duality-gap", "degenerate/tangent-line"),
    *("infeasible/rounding", "infeasible/exponential-below-zero", "infeasible/hyperbola-and-its-asymptote"),
    *("infeasible/disc-and-line-close-by", "infeasible/logarithm-just-above", "scaled/large-exponent"),
    *("unbounded/parabola", "unbounded/logarithm-of-a-logarithm"),
]
"""On which a search may fail; what it says must still be true."""


@pytest.fixture(autouse=True)
def digits() -> Iterator[None]:
    with mp.workdps(60):
        yield


def number(bound: Decimal | None, otherwise: Any) -> Any:
    if bound is None:
        return otherwise
    value = Fraction(bound)
    return mpf(value.numerator) / value.denominator


def is_true(problem: ConeProblem, certificate: Any) -> bool:
    """Whether a certificate's claim and bounds are true; of rounded data, up to what rounding may do."""
    if certificate.claim != "enclosed":
        return bool(certificate.claim == problem.claim)
    value = truth(problem)
    slack = 1e-12 * abs(value) if problem.rounded else 0
    low, high = number(certificate.lower, -mp.inf), number(certificate.upper, mp.inf)
    return bool(low - slack <= value <= high + slack)


@pytest.mark.parametrize(
    "problem", some([*SAMPLE, *(p for name in HARD for p in cone_problems(name))], 2), ids=short
)
def test_the_truth_is_in_the_enclosure(problem: ConeProblem) -> None:
    certificate = cvxtoken.certify_problem(problem.build())
    assert certificate.claim == problem.claim
    assert is_true(problem, certificate)
    if certificate.claim == "enclosed":
        width = number(certificate.upper, mp.inf) - number(certificate.lower, -mp.inf)
        assert width <= mpf(10) ** -29 * max(1, abs(truth(problem)))


@pytest.mark.parametrize("name", some(UNSURE[::-1], 6))
def test_what_is_said_of_a_hard_problem_is_true(name: str) -> None:
    (problem,) = cone_problems(name)
    try:
        certificate = cvxtoken.certify_problem(problem.build())
    except CertificateError as error:
        assert str(error)  # noqa: PT017 - it says what is not known
        return
    assert is_true(problem, certificate)


SHIPPED = {problem.name: problem for problem in shipped.proven_problems()}


def test_most_problems_are_shipped_with_their_proofs() -> None:
    problems = {problem.name: problem for problem in cone_problems()}
    assert set(SHIPPED) <= set(problems)
    assert len(SHIPPED) >= 215
    for name, proven in SHIPPED.items():
        told = (proven.statement, proven.source, proven.rounded)
        assert told == (problems[name].statement, problems[name].source, problems[name].rounded)


@pytest.mark.parametrize("name", some(SHIPPED, 4))
def test_the_truth_is_in_the_shipped_enclosure(name: str) -> None:
    (problem,) = cone_problems(name)
    certificate = SHIPPED[name].certificate
    assert is_true(problem, certificate)
    if certificate.claim == "enclosed":
        assert number(certificate.width, mp.inf) <= mpf(10) ** -30 * (1 + abs(truth(problem)))


def test_a_damaged_file_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = json.loads(gzip.decompress(shipped.FILE.read_bytes()))
    document["problems"][0]["certificate"]["program"]["offset"] = 1.0
    for data in (b"nothing", gzip.compress(b"{}"), gzip.compress(json.dumps(document).encode())):
        (tmp_path / "file").write_bytes(data)
        monkeypatch.setattr(shipped, "FILE", tmp_path / "file")
        with pytest.raises(LibraryError):
            shipped.proven_problems()


def test_a_false_certificate_is_seen() -> None:
    """The comparison itself can fail: bounds beside the truth, and a wrong claim."""
    (problem,) = cone_problems("entropy/uniform")

    class Certificate:
        claim, lower, upper = "enclosed", Decimal("2.302585"), Decimal("2.302586")

    assert isfinite(truth(problem))
    assert is_true(problem, Certificate)
    Certificate.lower = Decimal("2.3025851")
    assert not is_true(problem, Certificate)
    Certificate.claim = "infeasible"
    assert not is_true(problem, Certificate)
