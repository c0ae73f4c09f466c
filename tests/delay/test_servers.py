"""Servers as they are given, in Python and in files: every bad one is refused by a sentence that says why."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken import ProblemError, UnstableError, Workload
from cvxtoken.allocation.fields import REQUIRED
from cvxtoken.delay import Fifo, Sharing
from tests.support import served
from tests.support.instances import realistic

NAN, INFINITY = float("nan"), float("inf")
SHARE = "it must be a number from 0 to 1"
WHOLE = "it must be a whole number of at least 1"
BAD: list[tuple[dict[str, Any], str]] = [
    ({"sigma": -1e-9}, f"sigma is -1e-09; {SHARE}"),
    ({"sigma": 1.0000001}, f"sigma is 1.0000001; {SHARE}"),
    ({"sigma": NAN}, f"sigma is nan; {SHARE}"),
    ({"sigma": True}, f"sigma is True; {SHARE}"),
    ({"sigma": "0.1"}, f"sigma is '0.1'; {SHARE}"),
    ({"sigma": None}, f"sigma is None; {SHARE}"),
    ({"sigma": [0.1]}, f"sigma is [0.1]; {SHARE}"),
    ({"sigma": 0.5, "overhead": 2}, f"overhead is 2; {SHARE}"),
    ({"sigma": 0.5, "overhead": -0.5}, f"overhead is -0.5; {SHARE}"),
    ({"sigma": 0.5, "replicas": 0}, f"replicas is 0; {WHOLE}"),
    ({"sigma": 0.5, "replicas": -3}, f"replicas is -3; {WHOLE}"),
    ({"sigma": 0.5, "replicas": 1.5}, f"replicas is 1.5; {WHOLE}"),
    ({"sigma": 0.5, "replicas": NAN}, f"replicas is nan; {WHOLE}"),
    ({"sigma": 0.5, "replicas": INFINITY}, f"replicas is inf; {WHOLE}"),
    ({"sigma": 0.5, "replicas": 2**53 + 1}, f"replicas is {2**53 + 1}; {WHOLE}"),
    ({"sigma": 0.5, "replicas": True}, f"replicas is True; {WHOLE}"),
    ({"sigma": 0.5, "replicas": "2"}, f"replicas is '2'; {WHOLE}"),
]
BAD_TABLES: list[tuple[Any, str]] = [
    ("sharing", "server is 'sharing'; it must be a table with a kind"),
    ([1], "server is [1]; it must be a table with a kind"),
    ({}, "kind of server is None; it must be one of fifo, "),
    ({"kind": "sharring", "sigma": 0.1}, "kind of server is 'sharring'; it must be one of fifo, "),
    ({"kind": 3}, "kind of server is 3; it must be one of fifo, "),
    ({"kind": ["fifo"]}, "kind of server is ['fifo']; it must be one of fifo, "),
    ({"kind": "sharing"}, "server of kind 'sharing': sigma is missing"),
    ({"kind": "sharing", "sigm": 0.1}, "server: 'sigm' is not a known key of 'sharing'"),
    ({"kind": "fifo", "sigma": 0.1}, "server: 'sigma' is not a known key of 'fifo'"),
    ({"kind": "fifo", "replicas": 0.5}, f"replicas is 0.5; {WHOLE}"),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_bad_parameters(number: int) -> None:
    values, sentence = BAD[number]
    with pytest.raises(ProblemError, match=re.escape(sentence)):
        Sharing(**values)
    with pytest.raises(ProblemError, match=re.escape(sentence)):
        realistic(1, 2).replace(server={"kind": "sharing", **values})


@pytest.mark.parametrize("number", range(len(BAD_TABLES)))
def test_bad_tables(number: int, tmp_path: Path) -> None:
    table, sentence = BAD_TABLES[number]
    with pytest.raises(ProblemError, match=re.escape(sentence)):
        realistic(1, 2).replace(server=table)
    path = tmp_path / "workload.json"
    path.write_text(json.dumps({**realistic(1, 2).to_document(), "server": table}, default=list))
    with pytest.raises(ProblemError, match=re.escape(f"{path}: ") + ".*" + re.escape(sentence)):
        Workload.load(path)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ('kind = "sharing"\nsigma = 1.5', f"sigma is 1.5; {SHARE}"),
        ('kind = "sharing"\nsigma = nan', f"sigma is nan; {SHARE}"),
        ('kind = "sharing"', "sigma is missing"),
        ('kind = "shared"\nreplicas = 2', "kind of server is 'shared'"),
        ('kind = "fifo"\nreplicas = 2.5', f"replicas is 2.5; {WHOLE}"),
        ('kind = "fifo"\nreplica = 2', "did you mean 'replicas'"),
        ("sigma = 0.5", "kind of server is None"),
    ],
)
def test_bad_toml(table: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "workload.toml"
    realistic(1, 2).save(path)
    path.write_text(f"{path.read_text()}\n[server]\n{table}\n")
    with pytest.raises(ProblemError, match=re.escape(sentence)):
        Workload.load(path)


@pytest.mark.parametrize(("alpha", "beta"), [(-1.0, 0.1), (0.1, INFINITY), (NAN, 0.1), ("1", 0.1)])
def test_bad_iterations(alpha: Any, beta: Any) -> None:
    with pytest.raises(ProblemError, match="must be finite and not negative"):
        Sharing.from_iterations(alpha, beta)
    with pytest.raises(ProblemError, match="an iteration must take time"):
        Sharing.from_iterations(0.0, 0.0)


@pytest.mark.parametrize("ending", ["toml", "json"])
def test_files_bring_back_every_server(ending: str, tmp_path: Path) -> None:
    for number, w in enumerate(served.some()):
        w.save(tmp_path / f"{number}.{ending}")
        again = Workload.load(tmp_path / f"{number}.{ending}")
        assert (again, again.server) == (w, w.server)
        assert again.sha256 == w.sha256
    w = realistic(1, 2).replace(server=Fifo(3), prompt_tokens=[5.0, 0.0])
    w.save(tmp_path / f"other.{ending}")
    assert Workload.load(tmp_path / f"other.{ending}") == w
    assert Workload.load(tmp_path / f"other.{ending}").server == Fifo(3)


@pytest.mark.parametrize("server", [Fifo(3), Sharing(0.1), Sharing(0.2, 0.4, 2), Sharing(0.0, 1.0, 5)])
def test_what_would_be_stable_is_said(server: Any) -> None:
    """The rate that the message names is stable, the next double is not, nor are fewer replicas enough."""
    w = realistic(5, 3)
    w = w.replace(server=server, arrival_rate=1e3)
    with pytest.raises(UnstableError) as caught:
        cvxtoken.solve(w)
    text = str(caught.value)
    found = re.search(r"arrival rate is (\S+) /s, and (\d+) replicas would do", text)
    assert found is not None
    limit, replicas = float(found.group(1)), int(found.group(2))
    assert w.replace(arrival_rate=limit).idle_at_zero > 0
    assert w.replace(arrival_rate=float(np.nextafter(limit, np.inf))).idle_at_zero <= 0
    for count, stable in ((replicas, True), (replicas - 1, False)):
        document = w.server.to_document() | {"replicas": count}
        assert (w.replace(server=document).idle_at_zero > 0) == stable


def test_a_rate_that_vanishes_at_one_replica_is_refused() -> None:
    with pytest.raises(ProblemError, match="at one of 4 replicas it is too small for a double"):
        realistic(1, 2).replace(arrival_rate=5e-324, server=Fifo(4))


def test_one_at_a_time_is_what_is_simulated() -> None:
    """Replicas split the arrivals; a batch is not simulated as a line of queries."""
    w = realistic(3, 2)
    twice = w.replace(arrival_rate=2 * w.arrival_rate, server=Fifo(2))
    l = cvxtoken.solve(w).tokens
    one, other = (cvxtoken.simulate(x, l, num_requests=20_000) for x in (w, twice))
    assert one.mean_system_time == other.mean_system_time
    with pytest.raises(ProblemError, match="must take one query at a time"):
        cvxtoken.simulate(w.replace(server=Sharing(0.1)), l)


def test_many_workloads_may_have_different_servers() -> None:
    w = realistic(3, 2).replace(prompt_tokens=[3.0, 4.0])
    given = [w, w.replace(server=Sharing(0.1)), w.replace(server=Fifo(2)), w]
    found = cvxtoken.solve_many(given)
    assert found.solved.all()
    for index, one in enumerate(given):
        assert found.certify(index).workload == one.replace(names=found.workloads.workload(index).names)
        # both gaps are below 1e-12 relative
        assert found.objective[index] == pytest.approx(cvxtoken.solve(one).objective, rel=1e-11)
    with pytest.raises(ProblemError, match="it must be a server for all, or one for each of 3"):
        cvxtoken.Workloads(
            **{field: np.ones((3, 1)) for field in (*REQUIRED, "max_tokens")},
            arrival_rate=1.0,
            accuracy_weight=1.0,
            server=[Fifo(), Fifo()],
        )
