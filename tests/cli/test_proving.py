"""`cvxtoken certify-problem`: functions and CBF files, what is printed, and every error in a sentence."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from cvxtoken import ConicCertificate, verifier
from tests.support.cbf import GOOD

Command = Callable[..., tuple[int, str, str]]

MODULE = """
import cvxpy as cp

x = cp.Variable(2, name="x")
number = 3


def one():
    print("noise")
    return cp.Problem(cp.Maximize(5 - cp.norm(x - 1)), [x[0] <= 0, x[1] == 4])


def several():
    return {
        "good one/1": one(),
        "nothing": cp.Problem(cp.Minimize(x[0]), [x[0] >= 1, x[0] <= 0]),
        "endless": cp.Problem(cp.Minimize(x[0])),
    }


def rounded():
    return cp.Problem(cp.Minimize(cp.sum_squares(x)), [x[0] + x[1] == 0.3, 0.1 * (x[0] + x[1]) == 0.03])


def weak():
    return cp.Problem(cp.Minimize(x[0]), [cp.exp(x[0]) <= 0])


def whole():
    return cp.Problem(cp.Minimize(cp.Variable(integer=True, name="n")))


def unproven():
    return [one(), weak()]


def mixed():
    return [weak(), whole()]


def geometric():
    y = cp.Variable(2, pos=True)
    return cp.Problem(cp.Minimize(1e6 * (y[0] / y[1] + y[1])), [y[0] >= 2])


def none():
    return []


def a_number():
    return 3


def numbers():
    return {"a": one(), "b": 3}


def fails():
    raise ValueError("no data")
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_problems.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "my_problems", raising=False)


def lines(out: str) -> dict[str, str]:
    return {line[:13].strip(): line[13:] for line in out.splitlines()}


def test_a_function_by_the_path_of_its_file(command: Command) -> None:
    code, out, err = command("certify-problem", "my_problems.py:one", "--out", "proof.json")
    assert (code, err) == (0, "noise\n")
    found = lines(out)
    assert list(found) == ["claim", "lower", "upper", "width", "data radius", "seconds"]
    assert found["claim"] == "enclosed"
    # 5 - sqrt(1 + 9), to every digit that is printed but the last
    best = "1.83772233983162066800110645556"
    assert found["lower"].startswith(best)
    assert found["upper"].startswith(best)
    lower, upper = Decimal(found["lower"]), Decimal(found["upper"])
    assert 0 < upper - lower < 4 * Decimal(found["width"])
    proof = ConicCertificate.load("proof.json")
    assert lower <= proof.lower <= proof.upper <= upper, "rounded outward"
    assert re.fullmatch(
        r"\d\.\de-1\d: so far may rounding the data to doubles have moved it .*", found["data radius"]
    )
    alone = [sys.executable, str(Path(verifier.conic.__file__)), "proof.json"]
    said = subprocess.run(alone, capture_output=True, text=True, check=True).stdout
    assert said == command("verify", "proof.json")[1]
    assert "has its optimum from 1.837" in said


def test_fewer_digits_are_printed_where_fewer_are_asked_for(command: Command) -> None:
    found = lines(command("certify-problem", "my_problems:one", "--digits", "8")[1])
    assert 8 <= len(found["lower"]) <= 15
    assert Decimal("1e-13") < Decimal(found["width"]) < Decimal("1e-7")


def test_json(command: Command) -> None:
    _, out, _ = command("certify-problem", "my_problems:one", "--json", "--out", "proof.json")
    found = json.loads(out)
    certificate = ConicCertificate.load("proof.json")
    assert found["lower"] == str(certificate.lower)
    assert found["width"] == str(certificate.width)
    assert found["proven"] == certificate.check()
    assert found["data_radius"] == certificate.data_radius
    assert (found["claim"], found["notes"]) == ("enclosed", [])
    code, out, _ = command("certify-problem", "my_problems:mixed", "--json")
    records = json.loads(out)["problems"]
    assert code == 2
    assert records["problems[1]"]["error"] == "the variable n is integer; only continuous ones can be proven"
    assert records["problems[0]"]["claim"] is None


def test_several_in_a_table_and_their_proofs_in_a_folder(command: Command, tmp_path: Path) -> None:
    code, out, _ = command("certify-problem", "my_problems:several", "--out", "proofs/all")
    assert code == 0
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in out.splitlines()]
    assert rows[0][:4] == ["problem", "claim", "lower", "upper"]
    assert [row[:2] for row in rows[2:]] == [
        ["good one/1", "enclosed"],
        ["nothing", "infeasible"],
        ["endless", "unbounded"],
    ]
    assert rows[2][2:4] == ["1.8377223398316206680", "1.8377223398316206681"], "rounded outward"
    assert rows[3][2:6] == ["-"] * 4
    files = sorted((tmp_path / "proofs" / "all").iterdir())
    assert [file.name for file in files] == ["0-good_one_1.json", "1-nothing.json", "2-endless.json"]
    for file, word in zip(files, ("optimum", "infeasible", "unbounded"), strict=True):
        assert word in verifier.check(verifier.read(str(file)))


def test_cbf_files(command: Command, tmp_path: Path) -> None:
    (tmp_path / "a.cbf").write_text(GOOD)
    (tmp_path / "a.cbf.gz").write_bytes(gzip.compress(GOOD.encode()))
    plain, packed = (lines(command("certify-problem", name)[1]) for name in ("a.cbf", "a.cbf.gz"))
    assert plain["lower"].startswith("3.3284271247461900976033774484"), "2 sqrt 2 + 1 / 2"
    assert {k: v for k, v in plain.items() if k != "seconds"} == {
        k: v for k, v in packed.items() if k != "seconds"
    }
    (tmp_path / "a.cbf.gz").write_bytes(gzip.compress(GOOD.encode())[:40])
    (tmp_path / "b.cbf.gz").write_text(GOOD)
    (tmp_path / "c.cbf").write_text(GOOD.replace("MIN", "BEST"))
    (tmp_path / "d.cbf").write_bytes(b"VER\n\xff")
    (tmp_path / "whole.cbf").write_text(GOOD.replace("OBJACOORD", "INT\n1\n0\nOBJACOORD"))
    for name, message in (
        ("a.cbf.gz", "error: a.cbf.gz: cannot be read: Compressed file ended"),
        ("b.cbf.gz", "error: b.cbf.gz: cannot be read: Not a gzipped file"),
        ("c.cbf", "error: c.cbf: CBF, line 6: 'BEST' is found where the sense must be"),
        ("d.cbf", "error: d.cbf: not UTF-8 text: "),
        ("whole.cbf", "error: the program has 1 columns that must be whole; only continuous programs can be"),
        ("e.cbf", "error: e.cbf: cannot be read: No such file or directory"),
    ):
        code, out, err = command("certify-problem", name)
        assert (code, out) == (2, "")
        assert err.startswith(message)
        assert err.count("\n") == 1


def test_the_radius_of_a_geometric_program_is_of_itself(command: Command) -> None:
    found = lines(command("certify-problem", "my_problems:geometric")[1])
    exact, radius = Decimal(8).sqrt() * 10**6, Decimal(found["data radius"].partition(":")[0])
    assert abs(Decimal(found["lower"]) - exact) <= radius, "the logarithms of 1e6 and of 2 are rounded"
    assert Decimal("1e-10") < radius < Decimal("1e-7")


def test_what_is_not_proven_ends_with_3(command: Command) -> None:
    code, out, err = command("certify-problem", "my_problems:rounded")
    assert (code, err) == (3, "")
    found = lines(out)
    assert found["lower"].startswith("0.0449999999999999966")
    assert found["upper"] == "not proven"
    notes = [f"x is outside the zero cone of row {row}; some equations follow from others" for row in (0, 1)]
    assert found["note"].startswith(tuple(notes)), "each of the two equations contradicts the other"
    assert out.count("note") == 1
    code, out, err = command("certify-problem", "my_problems:weak")
    assert (code, out) == (3, "")
    assert err.startswith("error: nothing is proven: no feasible point is found;")
    code, out, err = command("certify-problem", "my_problems:unproven")
    assert code == 3
    assert "| problems[1] | not proven |" in out
    assert "error: problems[1]: nothing is proven: " in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["my_problems:whole"], "the variable n is integer; only continuous ones can be proven"),
        (["my_problems:nope"], "'my_problems:nope' is no function that can be imported: module 'my_pr"),
        (["nowhere:one"], "'nowhere:one' is no function that can be imported: No module named 'nowhere'"),
        (["nowhere.py:one"], "'nowhere.py:one' is no function that can be imported: there is no file now"),
        (["my_problems:number"], "'my_problems:number' is a int; it must be a function"),
        (
            ["my_problems:a_number"],
            "my_problems:a_number: the result is a int; it must be a list or a mapping of pro",
        ),
        (["my_problems:numbers"], "my_problems:numbers: b is a int; it must be a cvxpy.Problem"),
        (["my_problems:none"], "my_problems:none: the result is empty; it must hold one problem at least"),
        (["my_problems:fails"], "my_problems:fails raised ValueError: no data"),
        (["my_problems"], "'my_problems' is no problem; give module:function, path/to/file.py:function, or"),
        (["my_problems:one", "--digits", "0"], "digits is 0; it must be a whole number from 1 to 200"),
        (["my_problems:one", "--out", "no/where.json"], "no/where.json: cannot be written: No such file"),
        (["my_problems:several", "--out", "my_problems.py"], "my_problems.py: is no folder to write to"),
    ],
)
def test_bad_input_is_a_sentence(command: Command, arguments: list[str], message: str) -> None:
    code, out, err = command("certify-problem", *arguments)
    assert (code, out) == (2, "")
    last = err.splitlines()[-1]
    assert last.startswith("error: " + message)
    assert set(err.splitlines()[:-1]) <= {"noise"}
