"""The checker of cone programs: each damage is refused for its own reason, and each limit holds."""

from __future__ import annotations

import pytest

from cvxtoken.verifier import conic as checker
from tests.support.conic_damages import DAMAGES, LIMITS
from tests.support.conic_proofs import Document
from tests.verifier.test_conic_broken import limited


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damage_is_refused_for_its_reason(name: str) -> None:
    document, reason = DAMAGES[name]
    with pytest.raises(checker.Refused, match=reason):
        pytest.fail(checker.check(document))


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: f"{limit[0]} {limit[1]:g} {limit[3]}")
def test_a_limit_is_where_it_is_said_to_be(limit: tuple[str, float, Document, bool]) -> None:
    assert limited(checker, *limit)
