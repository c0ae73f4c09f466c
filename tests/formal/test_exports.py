"""Exports: their text is bound to the certificate, and Coq, where it is installed, accepts it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import cvxtoken
from cvxtoken import CertificateError, library
from cvxtoken.cli.application import app
from cvxtoken.formal import export, require_same
from cvxtoken.formal.literals import exact
from cvxtoken.scheduling.generate import uniform
from cvxtoken.scheduling.reference import best_schedule
from cvxtoken.verifier import schedule

FORMAL = Path(cvxtoken.__file__).parent.parent / "formal"
COQ = shutil.which("coqc") is not None and shutil.which("coqchk") is not None
ONE = cvxtoken.Workload(
    names=["chat *) Axiom a : False. (*"],
    prior=[1],
    accuracy_gain=[0.8],
    saturation_rate=[0.002],
    base_accuracy=[0.1],
    overhead=[0.1],
    time_per_token=[0.001],
    arrival_rate=0.5,
    accuracy_weight=10,
    max_tokens=4096,
)


def shipped(name: str) -> Any:
    (instance,) = library.instances([name])
    return instance.certificate.to_document()


@cache
def of_kind(kind: str) -> Any:
    """A small certificate of each kind."""
    made: dict[str, Callable[[], Any]] = {
        "plain": lambda: cvxtoken.solve(ONE).certificate.to_document(),
        "targets": lambda: cvxtoken.solve(ONE, max_mean_system_time=1.2).certificate.to_document(),
        "whole": lambda: cvxtoken.solve_integer(ONE).certificate.to_document(),
        "lagged": lambda: shipped("lagged/n3"),
        "robust": lambda: shipped("robust/one"),
        "schedule": lambda: best_schedule(uniform(8, 60, high=40, seed=2), "fast").certificate.to_document(),
    }
    return made[kind]()


KINDS = ("plain", "targets", "whole", "lagged", "robust", "schedule")


@pytest.mark.parametrize("kind", KINDS)
def test_an_export_is_the_certificates_own(kind: str) -> None:
    document = of_kind(kind)
    text = export(document)
    require_same(text, document)
    assert document["sha256"] in text
    for side in ("lower", "upper"):
        stated = re.search(rf"Definition {side}_bound := \(?(-?[\d.]+)\)?\.\n", text)
        assert stated is not None
        assert Decimal(stated[1]) == Decimal(document[side]), "the certificate's own bound, every digit"
    code = re.sub(r"\(\*.*?\*\)", "", text, flags=re.S)
    assert not re.search(r"\b(Axiom|Admitted|admit|Parameter|Hypothesis|Conjecture)\b", code)


@pytest.mark.parametrize("kind", KINDS)
def test_any_other_text_is_refused(kind: str) -> None:
    document = of_kind(kind)
    text = export(document)
    lines = text.splitlines()
    number = next(n for n, line in enumerate(lines) if line.startswith("Definition"))
    digit = next(m.start() for m in re.finditer(r"[0-9]", lines[number]) if m.start() > 12)
    moved = list(lines)
    moved[number] = (
        lines[number][:digit] + str((int(lines[number][digit]) + 1) % 10) + lines[number][digit + 1 :]
    )
    for other in (
        "\n".join(moved) + "\n",
        text + "Axiom more : False.\n",
        text[:-2],
        text.replace("\n", "\r\n"),
    ):
        with pytest.raises(CertificateError, match=r"line [0-9]+ is"):
            require_same(other, document)


def test_other_data_are_refused() -> None:
    text = export(of_kind("plain"))
    with pytest.raises(CertificateError, match="line 1 is"):
        require_same(
            text, cvxtoken.solve(ONE.replace(prior=[1], arrival_rate=0.25)).certificate.to_document()
        )


def test_what_is_no_proof_is_not_exported() -> None:
    document = of_kind("plain") | {"upper": of_kind("plain")["lower"]}
    with pytest.raises(CertificateError, match="refused: upper is below"):
        export(document)
    pooled = cvxtoken.solve_pooled(ONE, servers=2).certificate.to_document()
    with pytest.raises(CertificateError, match="exports are of"):
        export(pooled)
    with pytest.raises(CertificateError, match="radii are stated by"):
        export(of_kind("lagged"), radii=True)


def test_a_name_cannot_end_a_comment() -> None:
    assert "chat ?? Axiom a ? False. ??:" in export(of_kind("plain"))


def test_doubles_are_exact() -> None:
    for number in (0.0, 1.0, 0.1, 5e-324, 1e300, 32768.0, 1 / 3, 2.0**-40):
        text = exact(number).strip("()")
        above, _, power = text.partition(" / 2^")
        assert Fraction(int(above), 2 ** int(power or 0)) == Fraction(number)


def test_the_command(tmp_path: Path) -> None:
    proof, file = tmp_path / "proof.json", tmp_path / "proof.v"
    cvxtoken.solve(ONE).certificate.save(proof)
    run = CliRunner().invoke
    assert run(app, ["formal", str(proof), "--out", str(file)]).exit_code == 0
    assert file.read_text(encoding="utf-8") == export(of_kind("plain"))
    done = run(app, ["formal", "--check", str(file), str(proof)])
    assert (done.exit_code, done.stdout) == (0, f"the same: {file} is the export of {proof}\n")
    file.write_text(export(of_kind("plain")).replace("4096", "4097"), encoding="utf-8")
    done = run(app, ["formal", "--check", str(file), str(proof)])
    assert done.exit_code == 1
    assert "refused: line " in done.stderr


def volume_bound(requests: list[tuple[int, int, int]], memory: int) -> int:
    """The recursion of formal/Volume.v, line by line."""
    rounds = max(a for a, _, _ in requests) + sum(o for _, _, o in requests)

    def arrive(t: int, least: list[int]) -> list[int]:
        for a, s, o in requests:
            if a == t:
                joined = [before + 2 * s * o + o * (o + 1) for before in least]
                least = [least[0], *map(min, least[1:], joined), joined[-1]]
        return least

    total, least = 0, arrive(0, [0])
    for t in range(rounds):
        done = max(m for m, work in enumerate(least) if work <= 0)
        total += len(requests) - min(done, sum(a + o <= t for a, _, o in requests))
        least = arrive(t + 1, [max(0, work - 2 * memory) for work in least])
    return total - sum(a for a, _, _ in requests)


@pytest.mark.parametrize("seed", range(20))
def test_the_volume_bound_is_that_of_the_checker(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size, memory = int(rng.integers(1, 12)), int(rng.integers(10, 60))
    requests = []
    for _ in range(size):
        s, a = int(rng.integers(0, memory - 1)), int(rng.integers(0, 30))
        requests.append((a, s, int(rng.integers(1, memory - s + 1))))
    assert volume_bound(requests, memory) == schedule.volume_bound(requests, memory)


def test_the_definitions_are_short() -> None:
    assert len((FORMAL / "Model.v").read_text(encoding="utf-8").splitlines()) <= 80


def test_the_lemmas_that_the_checkers_name_are_there() -> None:
    known = "\n".join(file.read_text(encoding="utf-8") for file in FORMAL.glob("*.v"))
    named = {
        "allocation": "least_below ratio coupling charged load price_of_time overhead token delay_constant "
        "delay_below accuracy_parts charges kv_row delay_fixed delay_slope tilts rows_charged fixed slope "
        "floors_charged separated",
        "lagged": "least_off least_on covered",
        "robust": "wave_below",
        "schedule": "volume_below",
    }
    for checker, names in named.items():
        file = Path(cvxtoken.verifier.__file__).parent / f"{checker}.py"
        text = file.read_text(encoding="utf-8")
        for name in names.split():
            assert f"`{name}`" in text, f"{checker}.py does not name {name}"
            assert re.search(rf"(Lemma|Theorem|Definition|Fixpoint) {name}\b", known), name


@pytest.mark.skipif(not COQ, reason="Coq is not installed (Debian: apt-get install coq libcoq-interval)")
def test_coq_accepts_an_export_and_refuses_a_damaged_one(tmp_path: Path) -> None:
    """With the radii; what it needs is compiled in a folder of its own; .ci/formal compiles all kinds."""
    for name in ("Model", "Sums", "Delay", "Least", "Bound", "ExactTactic", "Instance", "Radii"):
        shutil.copy(FORMAL / f"{name}.v", tmp_path)
        assert coqc(tmp_path, name) == ""
    text = export(of_kind("plain"), radii=True)
    (tmp_path / "good.v").write_text(text, encoding="utf-8")
    assert coqc(tmp_path, "good") == ""
    lower, upper = of_kind("plain")["lower"], of_kind("plain")["upper"]
    moved = text.replace(f"upper_bound := {upper}", f"upper_bound := {lower}")
    assert moved != text
    (tmp_path / "bad.v").write_text(moved, encoding="utf-8")
    assert "Error" in coqc(tmp_path, "bad")


TRUE = ("1 / 3 * x <= 0.5", "exp (-1) < 1 / 2 ^ 1", "0 <= x <= 1", "-0.25 <= x * (y - 2) <= 1 / 2 + ln 2")
FALSE = ("x <= 0.49", "0.5 < x", "0.25 <= x <= 1", "exp 1 < 2.718281828", "2.718281829 <= exp 1")
UNREAD = ("z <= 3", "x <= y", "sqrt 2 < 2", "x <> 3")


@pytest.mark.skipif(not COQ, reason="Coq is not installed (Debian: apt-get install coq libcoq-interval)")
def test_the_tactic_for_numbers_proves_what_is_true_alone(tmp_path: Path) -> None:
    """It proves nothing that is false, even if nearly true, and nothing that it does not read."""
    shutil.copy(FORMAL / "ExactTactic.v", tmp_path)
    assert coqc(tmp_path, "ExactTactic") == ""
    lines = ["From formal Require Import ExactTactic.", "Require Import Reals.", "Open Scope R_scope."]
    proofs = [(goal, "numbers 60%positive. Qed.") for goal in TRUE]
    proofs += [(goal, "Fail numbers 60%positive. Abort.") for goal in FALSE + UNREAD]
    for goal, proof in proofs:
        lines += [f"Goal forall x y z, 0 <= x <= 1 / 2 -> 2 <= y <= 2.5 -> 0 <= z -> {goal}."]
        lines += [f"Proof. intros x y z X Y Z. {proof}"]
    (tmp_path / "goals.v").write_text("\n".join(lines), encoding="utf-8")
    assert coqc(tmp_path, "goals") == ""


def coqc(folder: Path, name: str) -> str:
    """What Coq says of a file; nothing where it accepts it."""
    command = ["coqc", "-q", "-R", str(folder), "formal", str(folder / f"{name}.v")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""
