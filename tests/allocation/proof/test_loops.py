from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cvxtoken import Workloads, certify_many, solve_many
from cvxtoken.allocation.proof import enclose
from cvxtoken.arrays import FloatArray
from cvxtoken.rigorous import elementwise
from tests.support.instances import realistic
from validation.proofs import drawn


def at(share: float, data: Workloads) -> tuple[Workloads, FloatArray]:
    """Instances, and a share of their optimal tokens."""
    return data, share * np.nan_to_num(solve_many(data).tokens)


def one(count: int) -> Workloads:
    return Workloads.of([realistic(4, count)])


def of_differing_sizes(count: int) -> Workloads:
    """From one type to five, and certain service times."""
    sizes = np.arange(count) % 5 + 1
    filled = np.arange(5) < sizes[:, None]
    prior = np.where(filled, np.random.default_rng(0).dirichlet(np.ones(5), count), 0.0)
    return drawn(count, 6, prior=prior / prior.sum(axis=1, keepdims=True), sizes=sizes)


MANY = drawn(3001, 1)
CASES = {
    "many": at(1, MANY),
    "far from the optimum": at(0.5, MANY),
    "nearly full": at(1, drawn(500, 2, load=1 - 1e-6, accuracy_weight=3e12)),
    "no tokens": at(0, MANY),
    "nothing of most is left": at(1, drawn(500, 3, accuracy_weight=1e12, max_tokens=1e6)),
    "all at the cap": at(1, drawn(500, 4, accuracy_weight=1e6, max_tokens=10.0)),
    "unstable ones": at(1, drawn(500, 5, load=np.linspace(0.5, 1.5, 500))),
    "of differing sizes": at(1, of_differing_sizes(500)),
    "more types than instances": at(1, Workloads.of([realistic(k, 300) for k in range(7)])),
    "one of many types": at(1, one(20_000)),
    "half of one of many types": at(0.5, one(20_000)),
}


@pytest.mark.parametrize("name", CASES)
def test_compiled_proofs_have_numpys_bits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    data, tokens = CASES[name]
    plain = certify_many(data, tokens)
    calls = []

    def add_types(*arguments: Any) -> Any:
        calls.append(arguments)
        return real(*arguments)

    real = enclose.add_types
    monkeypatch.setattr(enclose, "add_types", add_types)
    monkeypatch.setattr(elementwise, "_WORTHWHILE", 0)
    fast = certify_many(data, tokens)
    assert calls, "the loops are used"
    for field in ("lower", "upper", "gap"):
        a, b = getattr(plain, field), getattr(fast, field)
        assert np.array_equal(a.view(np.int64), b.view(np.int64)), field
