"""The proof and its file: what is saved is loaded, what is not proven is an error."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cvxtoken.errors import CertificateError, ProblemError
from cvxtoken.scheduling import Requests, hindsight_shortest_first
from cvxtoken.scheduling.certificate import SCALE, SEARCH, VOLUME, ScheduleCertificate, snapshot_proof
from cvxtoken.scheduling.relaxation import Inequality
from cvxtoken.verifier import schedule as schedule_verifier
from tests.scheduling.plain import tiny

REQUESTS = Requests(arrival=[1, 1, 0], prompt_tokens=[1, 2, 0], output_tokens=[2, 2, 1], memory=5)
VALID = [
    Inequality(None, 5),
    Inequality(np.array([[0, 0], [0, 0], [7, 3], [0, 5], [9, 0], [0, 0]]), 9),
]
MULTIPLIERS = np.array([[0, 0, 0.05, 0.3, 0, 0], [0, 0, 0, 0, 0.7, 0.0]])


def certificate(lower: int = 6) -> ScheduleCertificate:
    return ScheduleCertificate(REQUESTS, np.array([1, 3, 0]), lower, SEARCH)


def test_what_it_states() -> None:
    proof = certificate()
    assert proof.upper == 2 + 4 + 1
    assert proof.relative_gap == 1 / 6
    assert certificate(7).relative_gap == 0
    line = certificate(7).check()
    assert line.startswith("proven: no schedule of instance ")
    assert line.endswith("(3 requests) has a total latency below 7, and the starts reach 7, which is exact")


@pytest.mark.parametrize("proof", [VOLUME, SEARCH, snapshot_proof(VALID, MULTIPLIERS)])
def test_a_file_comes_back(tmp_path: Path, proof: dict[str, object]) -> None:
    path = tmp_path / "proof.json"
    given = ScheduleCertificate(REQUESTS, np.array([1, 3, 0]), 5, proof)
    given.save(path)
    read = ScheduleCertificate.load(path)
    assert read.to_document() == given.to_document() == json.loads(path.read_text())
    assert (read.lower, read.upper) == (5, 7)
    assert read.starts.tolist() == [1, 3, 0]
    assert read.requests.memory == 5
    assert read.check() == given.check()


def test_predictions_have_no_part() -> None:
    requests = tiny(10)
    starts = hindsight_shortest_first(requests).starts
    plain = requests.replace(predicted_low=requests.output_tokens, predicted_high=requests.output_tokens)
    one, other = (ScheduleCertificate(r, starts, 1, VOLUME).to_document() for r in (requests, plain))
    assert one == other


def test_what_is_not_proven_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="lower exceeds upper"):
        certificate(8).check()
    with pytest.raises(CertificateError, match="the proof gives 6"):
        ScheduleCertificate(REQUESTS, np.array([1, 3, 0]), 7, VOLUME).check()
    with pytest.raises(CertificateError, match="the memory is exceeded at time 3"):
        ScheduleCertificate(REQUESTS, np.array([1, 1, 0]), 1, VOLUME).check()
    path = tmp_path / "proof.json"
    with pytest.raises(CertificateError, match="the file cannot be read"):
        ScheduleCertificate.load(path)
    certificate(7).save(path)
    text = path.read_text()
    for damaged, reason in (
        (text[:-9], "damaged"),
        (text.replace('"lower": 7', '"lower": 8'), "lower exceeds upper"),
        (text.replace('"memory": 5', '"memory": 6'), "SHA-256"),
        (text.replace("search", "volume"), "the proof gives 6, less than the lower bound stated"),
    ):
        assert damaged != text
        path.write_text(damaged)
        with pytest.raises(CertificateError, match=f"proof.json: .*{reason}"):
            ScheduleCertificate.load(path)
    with pytest.raises(ProblemError):
        certificate().save(tmp_path / "no" / "such" / "folder.json")


def test_multipliers_are_rounded_down_over_the_scale() -> None:
    """lambda / B in whole numbers; zeros at the end, and inequalities without multipliers, are left out."""
    proof = snapshot_proof(VALID, MULTIPLIERS)
    assert proof["scale"] == SCALE == 2**24
    memory, designed = proof["inequalities"]
    assert memory == {"weights": "memory", "multipliers": [0, 0, int(0.01 * 2**24), int(0.06 * 2**24)]}
    assert designed["weights"] == [[2, 0, 7], [2, 1, 3], [3, 1, 5], [4, 0, 9]]
    assert designed["multipliers"] == [0, 0, 0, 0, int(0.7 / 9 * 2**24)]
    assert snapshot_proof(VALID, np.zeros((2, 4)))["inequalities"] == []
    huge = snapshot_proof(VALID[:1], np.array([[1e30]]))["inequalities"]
    assert huge[0]["multipliers"] == [schedule_verifier.LARGEST]
