from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cvxtoken import ProblemError, UnstableError
from cvxtoken.batching import BatchingProblem, BatchTime, best_batch, default_problem, delays
from cvxtoken.batching.problem import DISCIPLINES
from cvxtoken.lengths import LengthDistribution
from tests.batching.test_model import small


@pytest.mark.parametrize("discipline", DISCIPLINES)
def test_best_of_the_curve(discipline: str) -> None:
    p = default_problem().replace(max_batch=12)
    found = best_batch(p, discipline)
    curve = dict(found.curve)
    assert list(curve) == list(range(1, 13))
    assert min(curve.values()) == pytest.approx(curve[found.best_batch], rel=1e-6)
    assert curve[found.best_batch] == pytest.approx(delays(p, discipline, found.best_batch).mean_system_time)
    assert curve[1] == np.inf, "single requests do not keep up"
    assert all(
        value > curve[found.best_batch] * (1 + 1e-7) for b, value in curve.items() if b < found.best_batch
    )
    document = found.to_document()
    assert document["curve"][0] == {"batch": 1, "mean_system_time": None}
    assert best_batch(p, discipline, [8, 12]).best_batch in (8, 12)


def test_fit_of_the_constants() -> None:
    rng = np.random.default_rng(1)
    true = BatchTime(0.01, 0.2, 0.003, 0.03)
    b, lengths = rng.integers(1, 33, 60), rng.integers(1, 900, 60)
    seconds = (true.k1 * b + true.k2) + (true.k3 * b + true.k4) * lengths
    found, residuals = BatchTime.fit(b, lengths, seconds)
    assert list(vars(found).values()) == pytest.approx(list(vars(true).values()), rel=1e-6)
    assert np.abs(residuals).max() < 1e-9
    noisy, residuals = BatchTime.fit(b, lengths, seconds + rng.normal(0, 0.1, 60))
    assert noisy.k4 == pytest.approx(0.03, rel=0.1)
    assert 0.05 < residuals.std() < 0.2
    for columns in (([1], [1], [1.0]), ([1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, -4]), ([1, 2, 3, 4], [1], [1])):
        with pytest.raises(ProblemError, match="b, lengths and seconds must be"):
            BatchTime.fit(*columns)


def test_memory_caps_the_batch() -> None:
    p = default_problem().replace(max_batch=None, memory_tokens=7500.0)
    assert p.largest == 7
    assert p.replace(max_batch=3).largest == 3
    assert p.replace(memory_tokens=None).largest == 64
    with pytest.raises(ProblemError, match="memory_tokens is 900; one request needs up to 1000 tokens"):
        p.replace(memory_tokens=900)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_batch": 0}, "max_batch is 0; it must be a whole number from 1"),
        ({"arrival_rate": -1.0}, "arrival_rate is -1.0; it must be finite and positive"),
        ({"lengths": [1, 2]}, "it must be a LengthDistribution"),
        (
            {"batch_time": lambda b, lengths: lengths * np.nan},
            "must be a finite positive number for every length",
        ),
        ({"batch_time": lambda b, lengths: lengths - 1}, "must be a finite positive number for every length"),
        ({"batch_time": [[1.0, 2.0]]}, "batch_time has shape (1, 2); it must have a row"),
    ],
)
def test_bad_data(change: dict[str, object], message: str) -> None:
    with pytest.raises(ProblemError) as caught:
        default_problem().replace(**change)
    assert message in str(caught.value)


def test_bad_requests() -> None:
    for arguments in ((-1.0, 0.0, 0.0, 1.0), (0.0, 0.0, 0.0, 0.0), (float("nan"), 1.0, 1.0, 1.0)):
        with pytest.raises(ProblemError, match="k1"):
            BatchTime(*arguments)
    with pytest.raises(
        UnstableError, match=r"dynamic batching keeps up with less than 1\.\d+ /s at any of these sizes"
    ):
        best_batch(small(5.0))
    with pytest.raises(UnstableError, match="keep up with less than"):
        delays(small(5.0))
    with pytest.raises(ProblemError, match=r"discipline is 'elastik'; .* \(did you mean 'elastic'\?\)"):
        delays(small(), "elastik")
    with pytest.raises(ProblemError, match="must be given by k1, k2, k3 and k4"):
        delays(small().replace(batch_time=lambda b, lengths: lengths), "elastic")
    for call in (lambda: delays(small(), "dynamic", 0), lambda: small().replace(max_bach=3)):
        with pytest.raises(ProblemError, match=r"largest is 0|did you mean 'max_batch'"):
            call()
    flat = default_problem().replace(arrival_rate=0.01, max_batch=20)
    assert best_batch(flat).best_batch < 12, "of sizes that are the same to rounding, the smallest"
    with pytest.raises(ProblemError, match="batch sizes are"):
        best_batch(small(), sizes=[0])


def test_files(tmp_path: Path) -> None:
    p = small()
    for name in ("p.toml", "p.json"):
        p.save(tmp_path / name)
        again = BatchingProblem.load(tmp_path / name)
        assert delays(again).mean_wait == delays(p).mean_wait
        assert again.linear == p.linear
    path = tmp_path / "q.toml"
    path.write_text(
        "arrival_rate = 0.1\n[lengths]\ndistribution = 'geometric'\nmean = 20\nn_max = 300\n"
        "[batch_time]\nk1 = 0.1\nk2 = 0\nk3 = 0.001\nk4 = 0.03\n"
    )
    assert isinstance(BatchingProblem.load(path).lengths, LengthDistribution)
    for old, new, message in (
        ("arrival_rate = 0.1\n", "", "'arrival_rate' is missing"),
        ("k1", "k9", "unexpected keyword"),
        ("lengths", "length", "did you mean 'lengths'"),
        ("'geometric'", "'geo'", "distribution is 'geo'"),
    ):
        bad = tmp_path / "bad.toml"
        bad.write_text(path.read_text().replace(old, new))
        with pytest.raises(ProblemError) as caught:
            BatchingProblem.load(bad)
        assert message in str(caught.value)
