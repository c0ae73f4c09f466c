"""Two stored scoreboards of two releases of Clarabel, compared by the code of `cvxtoken check --compare`."""

from __future__ import annotations

import json
from typing import Any

import cvxtoken
from cvxtoken.suite.compare import LOST, NOW_WRONG, read_verdicts, worse
from tests.suite.releases import FAMILIES, RELEASES, path_of, shortened

OLD, NEW = (read_verdicts(path_of(version)) for version in RELEASES)


def test_each_holds_its_release_on_every_instance() -> None:
    ids = {i.id for i in cvxtoken.instances([f"{family}*" for family in FAMILIES])}
    for version in RELEASES:
        text = path_of(version).read_text(encoding="utf-8")
        document: dict[str, Any] = json.loads(text)
        assert (document["solver"], document["version"]) == ("CLARABEL", version)
        assert document["made"].startswith(f"python -m tests.suite.releases {version};")
        raw = [o["instance"] for o in document["outcomes"] if o["form"] == "raw"]
        assert (set(raw), len(raw)) == (ids, len(ids))
        assert shortened(document, document["made"]) == text, "stored as the module stores it"


def test_what_became_worse_from_one_release_to_the_next_is_found() -> None:
    before, now = ({v.key: v.verdict for v in verdicts} for verdicts in (OLD, NEW))
    for old, new, was, found in ((OLD, NEW, before, now), (NEW, OLD, now, before)):
        changes = {(c.kind, c.form, c.instance) for c in worse(old, new) if c.kind in (NOW_WRONG, LOST)}
        lost = {(LOST, *key) for key in was if (was[key], found[key]) == ("passed", "failed")}
        wrong = {(NOW_WRONG, *key) for key in was if was[key] != "wrong" and found[key] == "wrong"}
        assert changes == lost | wrong
        assert lost
        assert wrong
    told = {(c.form, c.instance): str(c) for c in worse(OLD, NEW)}
    assert told["presolved", "utilization/1-1e-04-100"] == (
        "wrong: presolved utilization/1-1e-04-100: claims 'optimal'; the objective is off by 2.45e-06 "
        "relative, over 1e-06; passed before"
    )
    assert told["raw", "realistic/n6-3"].startswith("lost: raw realistic/n6-3: claims 'failed' (raised")
    assert told["raw", "infeasible/n2-2"].endswith("expected 'infeasible'; passed before")
    told = {(c.form, c.instance): str(c) for c in worse(NEW, OLD)}
    assert told["presolved", "utilization/1-1e-09-101"] == (
        "wrong: presolved utilization/1-1e-09-101: claims 'unbounded_inaccurate'; the instance has an "
        "optimum; failed before"
    )


def test_a_run_of_today_is_compared_with_a_stored_one(command) -> None:  # type: ignore[no-untyped-def]
    arguments = ["CLARABEL", "--family", "realistic/n3-", "--form", "presolved", "--json"]
    code, out, _ = command("check", *arguments, "--compare", str(path_of("0.9.0")))
    document = json.loads(out)
    assert len(document["outcomes"]) == len(cvxtoken.instances("realistic/n3-*"))
    assert {change["kind"] for change in document["worse"]} <= {"slower"}, "what was not asked is not lost"
    assert code == 0
