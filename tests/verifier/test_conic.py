"""The checker of cone programs: what it accepts, from where it runs, and that nothing it accepts is false."""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from cvxtoken import verifier
from cvxtoken.conic.digest import digest
from cvxtoken.verifier import conic as checker
from tests.support.conic_damages import DAMAGES
from tests.support.conic_proofs import NORM, PROOFS, Document, E, N, S, Z, bound, changed, program, proof
from tests.support.conic_truth import is_true

FOLDER = Path(str(verifier.__file__)).parent
SAYS = {
    "least": "has its optimum from 1 to 1, relative gap <= 0",
    "least, apart": "has its optimum from 0.5 to 2, relative gap <= 1",
    "most": "has its optimum from 0.75 to 1.00, relative gap <= 0.143",
    "tight": "relative gap <= 0.00101",
    "below": "has its optimum at least 5, if it has feasible points; nothing is proven of the other side",
    "above": "has its optimum at most 5; nothing is proven of the other side",
    "below, of a maximum": "has its optimum at least 1; nothing is proven of the other side",
    "above, of a maximum": "has its optimum at most 1, if it has feasible points; nothing is proven of the",
    "exponential": "has the exponential of its optimum from 2.718281828459045235360287471352 to 2.718",
    "exponential of 0": "has the exponential of its optimum from 1 to 1, relative gap <= 0",
    "apart": "is infeasible",
    "roots": "is unbounded",
}


@pytest.mark.parametrize("name", PROOFS)
def test_a_proof_is_accepted_and_true(name: str) -> None:
    document = PROOFS[name]
    line = checker.check(document)
    p = document["program"]
    assert line.startswith(
        f"proven: cone program {document['sha256']} ({p['rows']} rows, {p['columns']} unknowns)"
    )
    assert SAYS.get(name, "") in line
    assert is_true(document)
    assert verifier.check(document) == line


def test_every_claim_and_every_case_of_recession_is_among_them() -> None:
    assert {document["claim"] for document in PROOFS.values()} == set(checker.VECTORS)
    assert {kind for d in PROOFS.values() for kind, _ in d["program"]["cones"]} == set(checker.KINDS)


@pytest.mark.parametrize("name", ["e", "not e", "logarithm", "exponential of 0"])
def test_it_runs_alone_and_in_a_copy_of_its_folder(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    for script in ("conic.py", "allocation.py"):
        shutil.copy(FOLDER / script, folder)
    file = tmp_path / "proof.json"
    file.write_text(json.dumps(PROOFS[name]))
    for script in (FOLDER / "conic.py", folder / "conic.py"):
        command = [sys.executable, "-S", str(script), str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert (done.stdout, done.stderr) == (checker.check(PROOFS[name]) + "\n", "")


def test_the_sha_256_does_not_hang_on_zeros_or_on_the_order_of_entries() -> None:
    p = program([(S, 2)], [[1.0, 2.0], [3.0, 4.0]], [0.0, 1.0], [0.0, 5.0])
    document = proof(p, x=[2, 0], upper="0")
    A = document["program"]["A"]
    for same in (A[::-1], A[2:] + A[:2]):
        assert changed(document, program_A=same)["sha256"] == digest(p)
    minus = changed(document, program_b=[-0.0, 1.0], program_q=[-0.0, 5.0], program_offset=-0.0)
    assert minus["sha256"] == digest(p)
    zero = changed(PROOFS["norm"], program_A=[[0, 0, -1.0], [2, 0, -0.0]])
    assert zero["sha256"] == digest(NORM)
    assert checker.check(zero) == checker.check(PROOFS["norm"])


def test_the_sha_256_is_another_for_all_other_programs() -> None:
    base = proof(program([(N, 2), (S, 2)], [[1, 2], [3, 4], [5, 0], [0, 6]], [1, 2, 3, 4], [5, 6]))
    A = base["program"]["A"]
    others: list[Document] = [
        {"sense": "maximize"},
        {"offset": 5e-324},
        {"q": [6.0, 5.0]},
        {"b": [1.0, 2.0, 4.0, 3.0]},
        {"A": A[1:]},
        {"A": [[*A[0][:2], A[0][2] * (1 + 2.0**-52)], *A[1:]]},
        {"A": [[3, 0, A[0][2]], *A[1:]]},
        {"cones": [[N, 1], [N, 1], [S, 2]]},
        {"cones": [[S, 2], [N, 2]]},
        {"cones": [[N, 1], [E, 3]]},
        {"cones": [[N, 3], [Z, 1]]},
        {"rows": 5, "b": [1.0, 2.0, 3.0, 4.0, 0.0], "cones": [[N, 2], [S, 3]]},
        {"columns": 3, "q": [5.0, 6.0, 0.0]},
    ]
    programs = [base["program"] | other for other in [{}, *others]]
    assert len({checker.Program(p, checker.Work()).digest for p in programs}) == len(programs)
    assert checker.Program(base["program"], checker.Work()).digest == base["sha256"]


# --- random changes ---------------------------------------------------------------------------------------


def mutated(random: Random, document: Document) -> Document:
    """A copy with one or two changes, bound to its program anew."""
    made = copy.deepcopy(document)
    for _ in range(random.choice((1, 1, 2))):
        random.choice((_number, _bound, _data, _data, _part))(random, made)
    return bound(made) if random.random() < 0.95 else made


def _number(random: Random, made: Document) -> None:
    """A number of a vector, its denominator, or the bits."""
    vectors = [made[name] for name in ("x", "z", "ray", "far") if made[name] is not None]
    if not vectors:
        return
    v = random.choice(vectors)
    if random.random() < 0.2 or not v["values"]:
        v["bits"] = max(0, v["bits"] + random.choice((-1, 1, 3)))
        return
    k = random.randrange(len(v["values"]))
    number, slash, place = v["values"][k].partition("/")
    n = int(number, 16)
    n = random.choice((n + 1, n - 1, -n, 2 * n, n // 2, 0, n + (n >> 8), n + (n >> 40)))
    v["values"][k] = format(n, "x") + slash + place


def _bound(random: Random, made: Document) -> None:
    """One of the bounds, by little or by much."""
    name = random.choice(("lower", "upper"))
    if made[name] is not None:
        value = Decimal(made[name])
        step = Decimal(random.choice((1, -1))).scaleb(random.choice((0, -3, -20, -26, -31)))
        made[name] = str(random.choice((value + step, value * 2, -value, value / 2)))


def _data(random: Random, made: Document) -> None:
    """A number of the program, its sense or a cone."""
    p = made["program"]
    kind = random.randrange(6)
    if kind == 0:
        p["sense"] = random.choice(("minimize", "maximize"))
    elif kind == 1 and p["cones"]:
        random.choice(p["cones"])[0] = random.choice(checker.KINDS)
    elif kind == 2 and p["A"]:
        random.choice(p["A"])[2] *= random.choice((-1.0, 2.0, 0.5, 1 + 2.0**-52, 0.0))
    elif kind == 3 and p["A"]:
        random.choice(p["A"])[0] = random.randrange(p["rows"])
    else:
        values = random.choice((p["q"], p["b"]))
        if values:
            k = random.randrange(len(values))
            values[k] = values[k] * random.choice((-1.0, 2.0, 1 + 2.0**-52)) + random.choice((0.0, 1.0, -1.0))
            values[k] *= abs(values[k]) > 1e-9  # or the judge would go far beyond all numbers


def _part(random: Random, made: Document) -> None:
    """A claim, a flag or a vector left out or taken for another."""
    kind = random.randrange(4)
    if kind == 0:
        made["exponential"] = not made["exponential"]
    elif kind == 1:
        made["claim"] = random.choice(list(checker.VECTORS))
    elif kind == 2:
        name = random.choice(("x", "z"))
        made[name] = made["lower" if name == "z" else "upper"] = None
    else:
        made["ray"], made["far"] = made["far"], made["ray"]


def judged(seeds: range) -> tuple[int, list[Document]]:
    """How many changed proofs are accepted, and those of them that are false."""
    accepted, false = 0, []
    for seed in seeds:
        random = Random(seed)
        document = mutated(random, PROOFS[random.choice(list(PROOFS))])
        try:
            checker.check(document)
        except checker.Refused:
            continue
        accepted += 1
        if not is_true(document):
            false.append(document)
    return accepted, false


def test_no_changed_proof_that_is_accepted_is_false() -> None:
    accepted, false = judged(range(600))
    assert not false
    assert accepted > 60


WRONG = "outside|does not reach|does not prove|is not 0|is not negative|fall along|grows along|recession"


def test_the_judge_knows_falsehoods() -> None:
    """What is refused for what it says, and not for its form, is false by the judge's own arithmetic."""
    names = [name for name, (_, reason) in DAMAGES.items() if re.search(WRONG, reason)]
    names = [name for name in names if name not in TRUE and not name.startswith("an entry")]
    assert len(names) > 50
    assert [name for name in names if is_true(DAMAGES[name][0])] == []
    assert all(is_true(DAMAGES[name][0]) for name in TRUE)


TRUE = ("a logarithm of a quotient beyond limits", "exponential, z is 0, y is 0")  # but not looked at
