from __future__ import annotations

import copy
import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal, localcontext
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import cvxtoken
from cvxtoken.allocation.fields import SCALARS
from cvxtoken.allocation.proof.certificate import certify
from cvxtoken.verifier import allocation as verifier
from tests.support import truth
from tests.support.instances import changed, realistic, stress, varying
from tests.support.thorough import part, some
from tests.support.truth import exact

Document = dict[str, Any]
INSTANCES = [
    cvxtoken.load("qwen3-8b"),
    realistic(21, 1),
    realistic(22, 3),
    changed(realistic(23, 3), 1 - 1e-6),
    changed(realistic(24, 2), 0.3, max_tokens=200.0),
    changed(realistic(25, 2), 0.5, accuracy_weight=1e-6),
    varying(cvxtoken.load("qwen3-8b")),
    varying(changed(realistic(26, 3), 1 - 1e-6), 1),
]


@cache
def certificates() -> list[Document]:
    """Certificates of optima and of what lies near and far from them, as parsed files."""
    points = [(w, factor * cvxtoken.solve(w).tokens) for w in INSTANCES for factor in (1.0, 0.999, 0.5)]
    return [json.loads(json.dumps(certify(w, tokens).to_document())) for w, tokens in points]


def is_true(document: Document) -> bool:
    """Whether what a certificate states holds, by the optimum in 90 digits."""
    w = cvxtoken.Workload(**document["instance"])
    l_best, J_best = truth.optimum(w)
    lower, upper, gap = (exact(Decimal(document[key])) for key in ("lower", "upper", "relative_gap"))
    tokens = [exact(Decimal(l)) for l in document["tokens"]]
    radii = [exact(Decimal(radius)) for radius in document["radii"]]
    least = 0 if lower <= 0 <= upper else min(abs(lower), abs(upper))
    return (
        document["sha256"] == w.sha256
        and lower <= truth.objective(w, tokens)
        and J_best <= upper
        and upper - lower <= gap * (1 + least)
        and all(abs(l - best) <= r for l, best, r in zip(tokens, l_best, radii, strict=True))
    )


@pytest.mark.parametrize("number", some(range(3 * len(INSTANCES)), 7))
def test_certificates_are_accepted(number: int) -> None:
    document = certificates()[number]
    assert is_true(document)
    assert verifier.check(document).startswith("proven: instance ")


# --- mutations ------------------------------------------------------------------------------------------


def nudge(text: str, rng: random.Random) -> str:
    """A decimal string changed a little or a lot."""
    kind = rng.randrange(4)
    if kind == 0:  # one digit
        place = rng.choice([m.start() for m in re.finditer("[0-9]", text)])
        return text[:place] + rng.choice("0123456789") + text[place + 1 :]
    with localcontext(prec=120):
        value, step = Decimal(text), Decimal(rng.choice((-1, 1))).scaleb(rng.randrange(-50, 3))
        return str(
            [value * (1 + step), value + step, rng.choice([-value, *map(Decimal, (0, -1, "1e-40", "1e9"))])][
                kind - 1
            ]
        )


def mutate(document: Document, rng: random.Random) -> Document:
    changed_document = copy.deepcopy(document)
    instance = changed_document["instance"]
    kind = rng.choice(
        ["lower", "upper", "relative_gap", "tokens", "radii", "instance", "rehashed", "swap", "digits", "end"]
    )
    if kind in ("lower", "upper", "relative_gap"):
        changed_document[kind] = nudge(changed_document[kind], rng)
    elif kind in ("tokens", "radii"):
        k = rng.randrange(len(changed_document[kind]))
        changed_document[kind][k] = nudge(changed_document[kind][k], rng)
    elif kind == "swap":
        for key in ("tokens", "radii"):
            rng.shuffle(changed_document[key])
    elif kind == "end":  # tokens at an end of the box, with radii that may be too small
        k = rng.randrange(len(changed_document["tokens"]))
        changed_document["tokens"][k] = rng.choice(["0", repr(instance["max_tokens"][k])])
        changed_document["radii"][k] = rng.choice(["0", "1e-60", "1e-3", "1e9", changed_document["radii"][k]])
        changed_document |= {"lower": "-1e12", "upper": "1e12", "relative_gap": "2e12"}
    elif kind == "digits":
        changed_document["digits"] = rng.randrange(20, 400)
    else:
        field = rng.choice([field for field in instance if field != "names"])
        factor = 1 + rng.choice((-1, 1)) * 10 ** rng.uniform(-16, -1)
        if field in SCALARS:
            instance[field] *= factor
        else:
            k = rng.randrange(len(instance[field]))
            instance[field][k] *= factor
        if kind == "rehashed":
            try:
                changed_document["sha256"] = cvxtoken.Workload(**instance).sha256
            except cvxtoken.ProblemError:
                changed_document["sha256"] = "0" * 64
    return changed_document


def test_no_mutated_certificate_proves_a_falsehood() -> None:
    """1000 mutations: each is refused, or what it then states is still true."""
    rng = random.Random(20260110)
    originals = certificates()
    refused, true = 0, 0
    count = part(1000, 8)
    while refused + true < count:
        document = mutate(rng.choice(originals), rng)
        if document in originals:
            continue
        try:
            verifier.check(document)
        except verifier.Refused:
            refused += 1
        else:
            assert is_true(document), document
            true += 1
    assert refused > count / 2, "most mutations make a false statement"
    assert true > count / 20, "some only weaken it; a verifier that refuses everything proves nothing"


def test_mutated_text_is_refused_or_still_true(tmp_path: Path) -> None:
    """Bytes flipped, cut and doubled: never an error of another kind."""
    rng = random.Random(7)
    texts = [json.dumps(document).encode() for document in certificates()]
    path = tmp_path / "mutated.json"
    for _ in range(1000):
        data = bytearray(rng.choice(texts))
        place = rng.randrange(len(data))
        kind = rng.randrange(3)
        if kind == 0:
            data[place] = rng.randrange(256)
        elif kind == 1:
            del data[place : place + rng.randrange(1, 50)]
        else:
            data[place:place] = data[place : place + rng.randrange(1, 50)]
        path.write_bytes(data)
        try:
            document = verifier.read(str(path))
            verifier.check(document)
        except verifier.Refused:
            continue
        assert is_true(document)


# --- malformed files ------------------------------------------------------------------------------------


def base() -> Document:
    return certificates()[0]


MALFORMED: list[tuple[Callable[[Document], Any], str]] = [
    (lambda d: [d], "keys"),
    (lambda d: {**d, "note": "trust me"}, "keys"),
    (lambda d: {k: v for k, v in d.items() if k != "radii"}, "keys"),
    (lambda d: {**d, "schema": "cvxtoken-certificate/2"}, "schema"),
    (lambda d: {**d, "sha256": "0"}, "SHA-256"),
    (lambda d: {**d, "digits": 19}, "digits"),
    (lambda d: {**d, "digits": 100_000}, "digits"),
    (lambda d: {**d, "digits": True}, "digits"),
    (lambda d: {**d, "digits": 54.0}, "digits"),
    (lambda d: {**d, "lower": 9.0}, "not a decimal number"),
    (lambda d: {**d, "lower": "NaN"}, "not a decimal number"),
    (lambda d: {**d, "upper": "Infinity"}, "not a decimal number"),
    (lambda d: {**d, "upper": "1e99999"}, "not a decimal number"),
    (lambda d: {**d, "upper": "9" * 2000}, "not a decimal number"),
    (lambda d: {**d, "upper": "\u0669"}, "not a decimal number"),
    (lambda d: {**d, "tokens": d["tokens"][1:]}, "one number a name"),
    (lambda d: {**d, "tokens": "1"}, "one number a name"),
    (lambda d: {**d, "tokens": ["-1", *d["tokens"][1:]]}, "out of range"),
    (lambda d: {**d, "tokens": ["32769", *d["tokens"][1:]]}, "out of range"),
    (lambda d: {**d, "tokens": ["32768"] * 5}, "not stable"),
    (lambda d: {**d, "radii": ["-1", *d["radii"][1:]]}, "out of range"),
    (lambda d: {**d, "radii": ["0", *d["radii"][1:]]}, "radius 0 at"),
    (lambda d: {**d, "relative_gap": "0"}, "relative_gap"),
    (lambda d: {**d, "relative_gap": "-1"}, "relative_gap"),
    (lambda d: {**d, "instance": None}, "instance's keys"),
    (lambda d: {**d, "instance": {**d["instance"], "names": []}}, "names"),
    (lambda d: {**d, "instance": {**d["instance"], "names": ["a"] * 5}}, "twice"),
    (lambda d: {**d, "instance": {**d["instance"], "names": ["a\n", *"bcde"]}}, "printable"),
    (lambda d: {**d, "instance": {**d["instance"], "prior": [0.5] * 5}}, "sum to 1"),
    (lambda d: {**d, "instance": {**d["instance"], "prior": [1.0]}}, "one number a name"),
    (lambda d: {**d, "instance": {**d["instance"], "overhead": [-1.0] * 5}}, "overhead is out of its range"),
    (lambda d: {**d, "instance": {**d["instance"], "accuracy_gain": [0.9] * 5}}, "exceeds 1"),
    (lambda d: {**d, "instance": {**d["instance"], "arrival_rate": "0.1"}}, "arrival_rate: no doubles"),
    (lambda d: {**d, "instance": {**d["instance"], "arrival_rate": 0.0}}, "arrival_rate is out of its range"),
    (lambda d: {**d, "instance": {**d["instance"], "arrival_rate": 1e308}}, "SHA-256"),
]


@pytest.mark.parametrize("number", range(len(MALFORMED)))
def test_malformed_certificates_are_refused(number: int) -> None:
    damage, reason = MALFORMED[number]
    with pytest.raises(verifier.Refused, match=re.escape(reason)):
        verifier.check(damage(base()))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "damaged"),
        (b"{", "damaged"),
        (b"\xff\xfe", "damaged"),
        (b"[" * 200_000, "damaged"),
        (b'{"digits": ' + b"9" * 5000 + b"}", "damaged"),
        (b'{"lower": "1", "lower": "2"}', "a key stands twice"),
    ],
)
def test_files_that_are_not_json_are_refused(tmp_path: Path, text: bytes, reason: str) -> None:
    path = tmp_path / "proof.json"
    path.write_bytes(text)
    with pytest.raises(verifier.Refused, match=reason):
        verifier.read(str(path))


def test_size_is_capped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "proof.json"
    path.write_text(json.dumps(base()))
    monkeypatch.setattr(verifier, "MAX_BYTES", 100)
    with pytest.raises(verifier.Refused, match="larger than 100 bytes"):
        verifier.read(str(path))
    document = base()
    monkeypatch.setattr(verifier, "MAX_WORK", 1e4)
    with pytest.raises(verifier.Refused, match="too long"):
        verifier.check(document)


def test_every_number_of_the_verdict_is_rounded_outward() -> None:
    document = base()
    line = verifier.check(document)
    low, high = re.search(r"J from (\S+) to (\S+),", line).groups()  # type: ignore[union-attr]
    assert Decimal(low) <= Decimal(document["lower"])
    assert Decimal(high) >= Decimal(document["upper"])
    gap = re.search(r"gap <= (\S+);", line).group(1)  # type: ignore[union-attr]
    assert Decimal(gap) >= Decimal(document["relative_gap"])


# --- as a lone file -------------------------------------------------------------------------------------


def run(file: Path, *arguments: str, flags: tuple[str, ...] = ("-I",)) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *flags, str(file), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=file.parent, check=False)


def test_it_runs_as_a_lone_file(tmp_path: Path) -> None:
    lone = tmp_path / "verifier.py"
    shutil.copy(verifier.__file__, lone)
    document = base()
    (tmp_path / "good.json").write_text(json.dumps(document))
    (tmp_path / "bad.json").write_text(json.dumps({**document, "upper": document["lower"]}))
    for flags in (("-I",), ("-I", "-O")):
        good = run(lone, "good.json", flags=flags)
        assert (good.returncode, good.stderr) == (0, "")
        assert len(good.stdout.splitlines()) == 1
        assert good.stdout.startswith("proven: ")
        bad = run(lone, "bad.json", flags=flags)
        assert (bad.returncode, bad.stdout) == (1, "refused: upper is below what the dual bound proves\n")
    assert run(lone).returncode == 1
    assert run(lone, "none.json").stdout.startswith("refused: the file cannot be read")


def test_it_needs_the_standard_library_alone() -> None:
    text = Path(verifier.__file__).read_text()
    imported = set(re.findall(r"^(?:from|import) (\w+)", text, re.M))
    assert imported <= set(sys.stdlib_module_names)
    assert not re.search(r"^\s*assert\b", text, re.M)


@pytest.mark.parametrize(("name", "w"), some(stress((1, 6, 50)), 3))
def test_stress_matrix_is_certified(name: str, w: cvxtoken.Workload) -> None:
    reference = cvxtoken.solve(w)
    document = reference.certificate.to_document()
    verifier.check(document)
    assert Decimal(document["relative_gap"]) <= Decimal("1e-15")
    assert reference.status == "certified"
