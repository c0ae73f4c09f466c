"""The checker of very many bounds: what it proves, and that nothing false passes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx

import cvxtoken
from cvxtoken import CertificateError, ProblemError, Sharing, Targets, Workloads, certify_many, solve_many
from cvxtoken.allocation.many.prove import ProvenBounds
from cvxtoken.verifier import many
from tests.allocation.many.test_prove import drawn, nasty
from tests.support.instances import realistic

Arrays = dict[str, Any]
FOLDER = Path(many.__file__).parent


@pytest.fixture(scope="module")
def proven() -> ProvenBounds:
    rng = np.random.default_rng(4)
    workloads = [*drawn(rng, 30), *drawn(rng, 10, random=True), *drawn(rng, 20, server=Sharing(0.02, 0.5, 2))]
    found = solve_many([*workloads, *nasty().values()], prove=True).proven
    assert found is not None
    return found


@pytest.fixture(scope="module")
def stored(proven: ProvenBounds, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bounds") / "bounds.npz"
    proven.save(path)
    return path


def changed(path: Path, place: Path, change: Callable[[Arrays], None]) -> Path:
    """A copy of a file with changed arrays."""
    with np.load(path) as found:
        arrays = {name: found[name].copy() for name in found.files}
    change(arrays)
    np.savez(place / "changed.npz", **arrays)
    return place / "changed.npz"


def test_what_is_saved_is_proven(proven: ProvenBounds, stored: Path) -> None:
    line = many.check(str(stored), samples=8)
    count = len(proven)
    assert line.startswith(f"proven: {count} of {count} instances ")
    assert "8 of them proven in decimals too" in line
    loaded = ProvenBounds.load(stored)
    for name in ("tokens", "lower", "upper", "gap"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(proven, name))
    assert loaded.certify(3).to_document() == proven.certify(3).to_document()


@pytest.mark.parametrize("share", [1 - 1e-5, 0.7, 0.1, 0.0])
def test_poor_tokens_are_proven_as_they_are(share: float, tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    workloads = [*drawn(rng, 40), *drawn(rng, 20, server=Sharing(0.3))]
    tokens = solve_many(workloads).tokens * share
    certify_many(workloads, tokens).save(tmp_path / "poor.npz")
    assert many.File(*many.read(str(tmp_path / "poor.npz"))).prove() == []


def test_shared_fields_are_stored_once(tmp_path: Path) -> None:
    w = realistic(2, 4)
    shared = {
        name: getattr(w, name) for name in ("prior", "accuracy_gain", "saturation_rate", "base_accuracy")
    }
    shared |= {"overhead": w.overhead, "time_per_token": w.time_per_token, "max_tokens": 2048.0}
    rates = np.linspace(0.1, 99, 500) * w.arrival_rate
    found = solve_many(Workloads(**shared, arrival_rate=rates, accuracy_weight=30.0), prove=True)
    found.save(tmp_path / "shared.npz")
    with np.load(tmp_path / "shared.npz") as file:
        assert file["prior"].shape == (1, 4)
    stable = np.isfinite(found.tokens).all(axis=1).sum()
    assert 0 < stable < 500
    assert many.check(str(tmp_path / "shared.npz")).startswith(f"proven: {stable} of 500 instances ")


FALSE = {  # between lower and upper there is J, and one is the next double to the other, or nearly so
    "lower": lambda a, k: a["lower"].__setitem__(k, a["upper"][k]),
    "upper": lambda a, k: a["upper"].__setitem__(k, a["lower"][k]),
    "gap": lambda a, k: a["gap"].__setitem__(k, 0.0),
}


@pytest.mark.parametrize("name", FALSE)
def test_a_last_digit_too_many_is_refused(name: str, stored: Path, tmp_path: Path) -> None:
    with np.load(stored) as found:
        count = len(found["lower"])
    for k in range(0, count, 9):
        damaged = changed(stored, tmp_path, lambda arrays, k=k: FALSE[name](arrays, k))  # type: ignore[misc]
        with pytest.raises(many.Refused, match=f"{name} of instance {k} is"):
            many.check(str(damaged))


def set_header(**changes: Any) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        header = json.loads(arrays["header"].tobytes()) | changes
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)

    return change


DAMAGED: dict[str, tuple[Callable[[Arrays], None], str]] = {
    "data": (lambda a: a["accuracy_gain"].__setitem__((0, 0), 0.3), "SHA-256"),
    "rate": (lambda a: a["arrival_rate"].__setitem__(0, 0.1), "SHA-256"),
    "server": (set_header(servers=[{"kind": "fifo", "replicas": 1.0}] * 2), "SHA-256"),
    "no server": (set_header(servers=[]), "servers is no list"),
    "schema": (set_header(schema="cvxtoken-bounds/2"), "no cvxtoken-bounds/1"),
    "key": (set_header(more=1), "no cvxtoken-bounds/1"),
    "tokens": (lambda a: a["tokens"].__setitem__((0, 0), -1.0), "tokens are out of their range"),
    "more tokens": (lambda a: a["tokens"].__setitem__((0, 0), 1e9), "tokens are out of their range"),
    "shape": (lambda a: a.__setitem__("upper", a["upper"][:-1]), "upper is not of its shape"),
    "kind": (lambda a: a.__setitem__("upper", a["upper"].astype(np.float32)), "upper is not of its kind"),
    "sizes": (lambda a: a["sizes"].__setitem__(0, 99), "sizes is out of its range"),
    "which": (lambda a: a["which"].__setitem__(0, 7), "which is out of its range"),
    "member": (lambda a: a.__setitem__("more", np.zeros(1)), "the members are not those"),
    "missing": (lambda a: a.pop("gap"), "the members are not those"),
    "object": (lambda a: a.__setitem__("gap", np.array([None])), "Object arrays"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_refused(name: str, stored: Path, tmp_path: Path) -> None:
    change, message = DAMAGED[name]
    with pytest.raises(many.Refused, match=message):
        many.check(str(changed(stored, tmp_path, lambda arrays: (change(arrays), None)[1])))


def test_rules_of_a_workload_are_checked(tmp_path: Path) -> None:
    """Also where the hash fits the broken data."""
    proven = certify_many([realistic(1, 3)] * 2, 0.0)
    for name, value, message in (
        ("prior", 0.9, "a prior does not sum to 1"),
        ("overhead", -1.0, "overhead is out of its range"),
        ("base_accuracy", 0.999, "an accuracy exceeds 1"),
    ):
        bad = proven.workloads
        column = getattr(bad, name).copy()
        column[1, 0] = value
        fields = {f: getattr(bad, f) for f in (*many.COLUMNS, *many.SCALARS)} | {name: column}
        broken = ProvenBounds(Workloads(**fields), proven.tokens, proven.lower, proven.upper, proven.gap)
        broken.save(tmp_path / "broken.npz")
        with pytest.raises(many.Refused, match=message):
            many.check(str(tmp_path / "broken.npz"))


def test_no_archive_and_no_file(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(many.Refused, match="damaged"):
        many.check(str(tmp_path / "text.npz"))
    with pytest.raises(many.Refused, match="cannot be read"):
        many.check(str(tmp_path / "none.npz"))
    with pytest.raises(CertificateError, match="cannot be read"):
        ProvenBounds.load(tmp_path / "none.npz")


def test_where_it_cannot_be_saved(proven: ProvenBounds, tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match=r"the ending is '.json'; it must be .npz"):
        proven.save(tmp_path / "bounds.json")
    with pytest.raises(ProblemError, match="cannot be written"):
        proven.save(tmp_path / "none" / "bounds.npz")
    limited = certify_many([realistic(1, 2)], 0.0, Targets(max_mean_tokens=5.0))
    with pytest.raises(ProblemError, match="under targets"):
        limited.save(tmp_path / "bounds.npz")


def test_it_runs_as_a_script_beside_allocation(stored: Path, tmp_path: Path) -> None:
    for name in ("many.py", "allocation.py"):
        shutil.copy(FOLDER / name, tmp_path)
    good = [sys.executable, str(tmp_path / "many.py"), str(stored), "2"]
    ran = subprocess.run(good, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == many.check(str(stored), 2) + "\n"
    bad = changed(stored, tmp_path, lambda arrays: FALSE["gap"](arrays, 0))
    ran = subprocess.run([*good[:2], str(bad)], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (ran.returncode, ran.stdout) == (1, "refused: gap of instance 0 is below what the bound proves\n")


def test_its_exponential_is_as_exact_as_it_says() -> None:
    rng = np.random.default_rng(8)
    high = np.concatenate([10 ** rng.uniform(-100, 2.77, 1500), rng.uniform(0, 1, 1500), [0.0, 600.0]])
    low = high * many.U * rng.uniform(-1, 1, len(high))
    pairs = many.decay((high, low))
    ctx.prec = 600
    try:
        for k, (x, x_low) in enumerate(zip(high.tolist(), low.tolist(), strict=True)):
            exact = arb(x) + arb(x_low)
            left, gain = (arb(float(pair[0][k])) + arb(float(pair[1][k])) for pair in pairs)
            assert abs(left - (-exact).exp()) < arb(2) ** -65 * (-exact).exp()
            assert abs(gain + (-exact).expm1()) <= arb(2) ** -62 * -(-exact).expm1()
    finally:
        ctx.prec = 53


def test_the_command_verifies_such_files(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from typer.testing import CliRunner

    from cvxtoken.cli.application import app

    assert "instances" in CliRunner().invoke(app, ["verify", str(stored)]).output
    assert cvxtoken.__version__
