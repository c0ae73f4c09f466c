"""`certify_cone` and `certify_problem`: closed forms are enclosed; what is said where nothing is proven."""

from __future__ import annotations

import sys
from typing import Any

import cvxpy as cp
import numpy as np
import pytest

import cvxtoken
from cvxtoken.conic.certificate import ConicCertificate
from cvxtoken.conic.certify import certify_cone
from cvxtoken.conic.problems import certify_problem
from cvxtoken.errors import CertificateError, MissingExtraError, ProblemError
from tests.support import conic_proofs as small
from tests.support.truth import mp, mpf

x, y, t = (cp.Variable(name=name) for name in "xyt")
v = cp.Variable(3, name="v")
C, D, S = np.array([1.0, 2.0, 4.0]), np.array([0.5, 1.0, 0.25]), 3.0

CLOSED: dict[str, tuple[Any, list[Any], Any]] = {
    "least": (cp.Minimize(x), [x >= 1], mpf(1)),
    "largest": (cp.Maximize(2 - 3 * x), [x >= 1], mpf(-1)),
    "distance to a plane": (cp.Minimize(cp.norm(v)), [C @ v == 3], 3 / mp.sqrt(21)),
    "entropy": (cp.Maximize(cp.sum(cp.entr(v))), [cp.sum(v) == 1], mp.log(3)),
    "log-sum-exp on a simplex": (
        cp.Minimize(cp.log_sum_exp(v)),
        [cp.sum(v) == 0],
        mp.log(3),
    ),
    "softplus": (cp.Minimize(cp.logistic(x) - x / 4), [], mp.log(4) - mpf(3) / 4 * mp.log(3)),
    "exponential against a line": (cp.Minimize(cp.exp(x) - 2 * x), [], 2 - 2 * mp.log(2)),
    "relative entropy": (cp.Minimize(cp.sum(cp.rel_entr(v, C))), [cp.sum(v) == 1], -mp.log(7)),
    "square over linear": (cp.Minimize(cp.quad_over_lin(x - 3, y)), [y <= 2, x <= 1], mpf(2)),
    "no minimiser": (cp.Minimize(cp.exp(x)), [], mpf(0)),
    "no interior": (cp.Minimize(x + cp.exp(y)), [cp.norm(cp.hstack([x - 1, y])) <= 0], mpf(2)),
    "a constant": (cp.Minimize(0 * x + 7), [x <= 1], mpf(7)),
    "water": (  # log(1 + d p) for powers p that sum to 3: levels 1 / (mu) - 1 / d
        cp.Maximize(cp.sum(cp.log(D + v))),
        [cp.sum(v) == S, v >= 0],
        3 * mp.log((mpf("1.75") + 3) / 3),
    ),
}


@pytest.mark.parametrize("name", CLOSED)
def test_the_closed_form_is_enclosed(name: str) -> None:
    objective, constraints, truth = CLOSED[name]
    found = certify_problem(cp.Problem(objective, constraints))
    assert found.claim == "enclosed"
    assert mpf(str(found.lower)) <= truth <= mpf(str(found.upper))
    assert found.width <= 1e-30 * (1 + abs(float(found.lower)))
    assert cvxtoken.verifier.check(found.to_document()) == found.check()


@pytest.mark.parametrize("digits", [1, 10, 30, 100])
def test_the_gap_is_what_is_asked_for(digits: int) -> None:
    found = certify_cone(small.EULER, digits)
    with mp.workdps(150):
        assert mpf(str(found.lower)) <= mp.e <= mpf(str(found.upper))
        assert mpf(str(found.width)) <= 3 * mpf(10) ** -digits


def test_bounds_of_a_maximum_change_places() -> None:
    p = small.program([("exponential", 3)], [[0.0], [0.0], [1.0]], [1.0, 1.0, 0.0], [1.0], sense="maximize")
    least, most = certify_cone(small.EULER), certify_cone(p)
    assert (most.lower, most.upper) == (least.upper.copy_negate(), least.lower.copy_negate())


@pytest.mark.parametrize("name", ["APART", "OUTSIDE", "NOT_E", "NOT_FACE"])
def test_infeasible(name: str) -> None:
    assert certify_cone(getattr(small, name)).claim == "infeasible"


@pytest.mark.parametrize("name", ["FALLS", "NOWHERE", "ROWS", "ROOTS", "BALL", "LOGARITHM", "WIDE"])
def test_unbounded(name: str) -> None:
    assert certify_cone(getattr(small, name)).claim == "unbounded"


def test_geometric_programs_are_proven_by_their_logarithm() -> None:
    a, b = cp.Variable(pos=True), cp.Variable(pos=True)
    found = certify_problem(cp.Problem(cp.Minimize(a + b), [a * b >= 1]))
    assert found.exponential
    assert found.lower <= 2 <= found.upper
    assert found.width < 1e-28


def test_a_proof_is_saved_and_loaded(tmp_path: Any) -> None:
    found = certify_cone(small.NORM)
    found.save(tmp_path / "proof.json")
    again = ConicCertificate.load(tmp_path / "proof.json")
    assert again.to_document() == found.to_document()
    assert 0 < again.data_radius < 1e-14


def test_equations_that_are_redundant_but_for_rounding() -> None:
    """x = 1 / 3 and 3 x = 1, which no double solves: and only a bound is proven."""
    p = small.program([("zero", 2), ("nonnegative", 1)], [[1.0], [3.0], [1.0]], [-1 / 3, -1.0, 0.0], [1.0])
    found = certify_cone(p)
    assert (found.claim, found.upper) == ("enclosed", None)
    assert any("but for rounding, and exactly they may contradict" in note for note in found.notes)
    assert "if it has feasible points; nothing is proven of the other side" in found.check()


def test_weak_infeasibility_has_no_proof() -> None:
    """e^x <= 0 has no point, and no vector that separates."""
    with pytest.raises(
        CertificateError, match=r"nothing is proven: .*no vector is found that proves infeasib"
    ):
        certify_problem(cp.Problem(cp.Minimize(x), [cp.exp(x) <= 0]))


@pytest.mark.parametrize("digits", [0, -1, 201, 3.0, "30", None])
def test_digits_out_of_range(digits: Any) -> None:
    with pytest.raises(ProblemError, match=r"digits is .*; it must be a whole number from 1 to 200"):
        certify_cone(small.LEAST, digits)


def test_without_python_flint(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("cvxtoken.conic.search")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "flint", None)
    with pytest.raises(MissingExtraError, match=r"python-flint: pip install 'cvxtoken\[conic\]'"):
        certify_cone(small.LEAST)
