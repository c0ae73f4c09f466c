from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cvxtoken import ProblemError
from cvxtoken.scheduling import PREDICTIONS, Requests

GOOD: dict[str, Any] = {
    "arrival": [0, 4, 2],
    "prompt_tokens": [5, 0, 3],
    "output_tokens": [5, 2, 7],
    "predicted_low": [2, 2, 1],
    "predicted_high": [6, 9, 7],
    "memory": 10,
}


def test_peak_and_volume() -> None:
    requests = Requests(**GOOD)
    assert len(requests) == 3
    assert requests.peak.tolist() == [10, 2, 10]
    by_token = [sum(s + j for j in range(1, o + 1)) for s, o in ((5, 5), (0, 2), (3, 7))]
    assert requests.volume.tolist() == by_token
    largest = Requests(arrival=[0], prompt_tokens=[0], output_tokens=[10**9], memory=10**9)
    assert largest.volume.tolist() == [10**9 * (10**9 + 1) // 2], "the largest does not overflow"


def test_predictions_are_exact_unless_given() -> None:
    exact = Requests(**{key: GOOD[key] for key in ("arrival", "prompt_tokens", "output_tokens", "memory")})
    for prediction in PREDICTIONS:
        assert exact.estimates(prediction).tolist() == [5, 2, 7]


def test_the_upper_end_is_clipped_to_what_fits() -> None:
    requests = Requests(**GOOD)
    assert requests.predicted_high.tolist() == [6, 9, 7]
    assert requests.estimates("low").tolist() == [2, 2, 1]
    assert requests.estimates("high").tolist() == [5, 9, 7], "5 prompt tokens leave room for 5"
    assert requests.estimates("middle").tolist() == [3, 5, 4]
    assert requests.estimates("true").tolist() == [5, 2, 7]
    with pytest.raises(
        ProblemError, match=r"prediction is 'hihg'; it must be one of .* \(did you mean 'high'"
    ):
        requests.estimates("hihg")


def test_the_data_is_copied_and_frozen() -> None:
    arrival = np.array([0, 4, 2])
    requests = Requests(**{**GOOD, "arrival": arrival})
    arrival[0] = 9
    assert requests.arrival.tolist() == [0, 4, 2]
    for field in GOOD:
        if field != "memory":
            with pytest.raises(ValueError, match="read-only"):
                getattr(requests, field)[0] = 1


@pytest.mark.parametrize("ending", [".toml", ".json"])
def test_files(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"requests{ending}"
    Requests(**GOOD).save(path)
    assert Requests.load(path).to_document() == GOOD | {"memory": 10}
    with pytest.raises(ProblemError, match=r"ending is '.csv'"):
        Requests(**GOOD).save(tmp_path / "requests.csv")


def test_bad_files(tmp_path: Path) -> None:
    path = tmp_path / "requests.toml"
    start = "arrival = [0]\nprompt_tokens = [1]\noutput_tokens = [2]\n"
    for text, message in (
        (start, "'memory' is missing"),
        (start + "memory = 9\nspeed = 1", "'speed' is not a known key"),
        (start + "memory = 9\npredicted_lo = [1]", "'predicted_lo' is not a known key (did you mean 'pre"),
        (start + "memory = 2", "requests.toml: prompt_tokens + output_tokens of request 0 is 3"),
    ):  # fmt: skip
        path.write_text(text)
        with pytest.raises(ProblemError) as caught:
            Requests.load(path)
        assert message in str(caught.value)


def test_replace() -> None:
    assert Requests(**GOOD).replace(memory=11).memory == 11
    with pytest.raises(ProblemError, match=r"memry is not a field of requests \(did you mean 'memory'\?\)"):
        Requests(**GOOD).replace(memry=11)
    with pytest.raises(
        ProblemError, match="of request 0 is 10; it must be at most the memory of 9, which no"
    ):
        Requests(**GOOD).replace(memory=9)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("memory", 0, "memory is 0; it must be a whole number of tokens from 1 to 1e9"),
        ("memory", -4, "memory is -4; it must be a whole number of tokens from 1"),
        ("memory", 9.5, "memory is 9.5; it must be a whole number of tokens from 1"),
        ("memory", True, "memory is True; it must be a whole number of tokens from 1"),
        ("memory", 10**9 + 1, "memory is 1000000001; it must be a whole number of tokens from 1 to 1e9"),
        ("arrival", [0, -1, 2], "arrival of request 1 is -1; it must be a whole number from 0 to 1e9"),
        ("arrival", [0, 1.5, 2], "arrival of request 1 is 1.5; it must be a whole number from 0"),
        ("arrival", [0, float("nan"), 2], "arrival of request 1 is nan; it must be a whole number"),
        ("arrival", [0, 1e10, 2], "arrival of request 1 is 10000000000.0; it must be a whole number"),
        ("arrival", [], "arrival is empty; at least one request is needed"),
        ("arrival", 3, "arrival is 3; it must be a list of whole numbers"),
        ("arrival", "012", "arrival is '012'; it must be a list of whole numbers"),
        ("arrival", ["0", "1", "2"], "arrival is ['0', '1', '2']; it must be a list of whole numbers"),
        ("arrival", [0, True, 2], "arrival is [0, True, 2]; it must be a list of whole numbers"),
        ("arrival", [0, None, 2], "arrival is [0, None, 2]; it must be a list of whole numbers"),
        ("arrival", [[0], [1], [2]], "arrival is [[0], [1], [2]]; it must be a list of whole numbers"),
        ("arrival", [[0], [1, 2]], "arrival must be one list of whole numbers"),
        ("prompt_tokens", [5, 0], "prompt_tokens has 2 numbers; it must have one a request, as arr"),
        ("prompt_tokens", [5, -1, 3], "prompt_tokens of request 1 is -1; it must be a whole number from 0"),
        ("output_tokens", [5, 0, 7], "output_tokens of request 1 is 0; it must be a whole number from 1"),
        ("output_tokens", [5, 2, 8], "prompt_tokens + output_tokens of request 2 is 11; it must be at most"),
        ("output_tokens", [1, 2, 7], "output_tokens of request 0 is 1; it must be at least predicted_l"),
        ("output_tokens", [5, 10, 7], "output_tokens of request 1 is 10; it must be at least predicted_l"),
        ("predicted_low", [2, 0, 1], "predicted_low of request 1 is 0; it must be a whole number from 1"),
        ("predicted_low", [7, 2, 1], "predicted_low of request 0 is 7; it must be at most predicted_high, 6"),
        ("predicted_high", [6, 9], "predicted_high has 2 numbers; it must have one a request, as arr"),
    ],
)  # fmt: skip
def test_bad_data(field: str, value: Any, message: str) -> None:
    changed = GOOD | {field: value}
    if message.startswith("prompt_tokens + output_tokens"):
        changed |= {"predicted_high": [9, 9, 9]}  # wide enough for the output to be the only fault
    with pytest.raises(ProblemError) as caught:
        Requests(**changed)
    assert message in str(caught.value)
