from __future__ import annotations

from decimal import Decimal

import pytest

import cvxtoken
from tests.support import truth
from tests.support.instances import realistic, stress
from tests.support.prices import polish


@pytest.mark.parametrize("digits", [30, 40, 60])
def test_as_many_digits_as_wanted(digits: int) -> None:
    w = realistic(3, 4)
    found = polish(w, cvxtoken.solve(w).tokens, digits)
    for l, best in zip(found, truth.optimum(w)[0], strict=True):
        assert abs(truth.exact(l) - best) <= abs(best) * truth.mpf(10) ** (1 - digits)


def test_from_a_start_of_few_digits() -> None:
    w = realistic(3, 4)
    l = cvxtoken.solve(w).tokens
    assert polish(w, l * (1 + 1e-6)) == polish(w, l)


@pytest.mark.parametrize(("name", "w"), list(stress((1, 6))))
def test_certificates_close_below_1e_60(name: str, w: cvxtoken.Workload) -> None:
    proof = cvxtoken.certify(w, polish(w, cvxtoken.solve(w).tokens), digits=110)
    assert proof.relative_gap <= Decimal("1e-60"), name
