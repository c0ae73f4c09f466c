from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from cvxtoken import ProblemError
from cvxtoken.lengths import LengthDistribution


def test_lognormal_is_the_distribution_function_at_whole_numbers() -> None:
    d = LengthDistribution.lognormal(7, 0.7, 5000)
    phi = lambda n: 0.5 * (1 + math.erf((math.log(n) - 7) / 0.7 / math.sqrt(2)))  # noqa: E731
    for n in (2, 500, 1600, 4999):
        assert d.probabilities[n - 1] == pytest.approx(phi(n) - phi(n - 1), rel=1e-9)
    assert d.survival[1600] == pytest.approx(1 - phi(1600), rel=1e-9)
    assert d.probabilities[-1] == pytest.approx(1 - phi(4999), rel=1e-9), "what is longer ends at n_max"
    assert math.fsum(d.probabilities) == pytest.approx(1, abs=1e-15)


def test_means() -> None:
    assert LengthDistribution.geometric(50.0).mean == pytest.approx(50)
    assert LengthDistribution.uniform(3, 9).mean == pytest.approx(6)
    d = LengthDistribution.empirical([1, 4, 4, 7])
    assert d.mean == 4
    assert d.probabilities.tolist() == [0.25, 0, 0, 0.5, 0, 0, 0.25]
    assert d.survival.tolist() == [1, 0.75, 0.75, 0.75, 0.25, 0.25, 0.25]
    assert len(LengthDistribution([0.5, 0.5, 0.0])) == 2, "lengths that never occur are left out at the end"


def test_from_files(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text("time,out tokens\n0.1,3\n0.2,5\n0.3,3\n")
    assert LengthDistribution.from_trace(trace, "out tokens").mean == pytest.approx(11 / 3)
    table = tmp_path / "pmf.csv"
    table.write_text("output_tokens,prob\n2,0.25\n4,0.75\n")
    assert LengthDistribution.from_table(table).probabilities.tolist() == [0, 0.25, 0, 0.75]
    for text, column, message in (
        ("", "n", "the file is empty"),
        ("a,b\n", "a", "there are no rows"),
        ("a,b\n1,2\n", "n", "there is no column 'n' for output_tokens; columns: a, b"),
        ("a,b\n1,2\nx,3\n", "a", "line 3: 'a' is 'x'; it must be a whole number of tokens from 1"),
        ("a,b\n1,2\n3\n", "b", "line 3: 1 field; the header has 2"),
        ("a\n1\n0\n", "a", "'0'; it must be a whole number of tokens from 1 to 1e9; --drop failed"),
        ("a\n1\n2.5\n", "a", "line 3: 'a' is '2.5'; it must be a whole number of tokens from 1"),
    ):
        trace.write_text(text)
        with pytest.raises(ProblemError, match=r"trace|length") as caught:
            LengthDistribution.from_trace(trace, column)
        assert message in str(caught.value)
    trace.write_bytes(b"a\n\xff\xfe\n")
    for path in (trace, tmp_path / "none.csv"):
        with pytest.raises(ProblemError, match=r"cannot be read|not UTF-8"):
            LengthDistribution.from_trace(path, "a")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: LengthDistribution([0.5, -0.1, 0.6]),
            "probability of length 2 is -0.1; it must be finite and not neg",
        ),
        (lambda: LengthDistribution([0.5, 0.4]), "probabilities sum to 0.9; they must sum to 1"),
        (lambda: LengthDistribution([]), "probabilities is empty"),
        (lambda: LengthDistribution("ab"), "probabilities is 'ab'; it must be a list of numbers"),
        (lambda: LengthDistribution([[1.0]]), "probabilities must be one list"),
        (lambda: LengthDistribution.lognormal(7, 0), "sigma is 0; it must be finite and positive"),
        (lambda: LengthDistribution.geometric(0.5), "mean is 0.5; it must be at least 1"),
        (lambda: LengthDistribution.uniform(5, 4), "low and high are 5 and 4"),
        (lambda: LengthDistribution.empirical([]), "lengths is empty"),
        (
            lambda: LengthDistribution.empirical([1, float("nan")]),
            "lengths must be one list of finite numbers",
        ),
    ],
)
def test_bad_data(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ProblemError) as caught:
        make()
    assert message in str(caught.value)


def test_quantiles_turn_uniform_numbers_into_lengths() -> None:
    d = LengthDistribution([0.25, 0.0, 0.5, 0.25])
    assert d.quantile(np.array([0.0, 0.2, 0.25, 0.7, 0.75, 0.999999])).tolist() == [1, 1, 3, 3, 4, 4]
    drawn = d.quantile(np.random.default_rng(1).random(100_000))
    assert np.bincount(drawn.astype(int), minlength=5)[1:] / 1e5 == pytest.approx(d.probabilities, abs=0.01)


def test_clipped_lengths_are_the_least_of_both() -> None:
    d = LengthDistribution([0.1, 0.2, 0.0, 0.4, 0.3])
    assert d.clipped(3).probabilities == pytest.approx([0.1, 0.2, 0.7])
    assert d.clipped(1).probabilities == pytest.approx([1.0])
    assert d.clipped(9).probabilities == pytest.approx(d.probabilities)
