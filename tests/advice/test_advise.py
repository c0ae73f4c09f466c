from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import cvxtoken
from cvxtoken import (
    Advice,
    ProblemError,
    Sharing,
    TargetError,
    Targets,
    UnstableError,
    advise,
    picture,
    verifier,
)
from cvxtoken.allocation import model
from cvxtoken.fitting.curve import Curve
from cvxtoken.fitting.drawn import draw, optima
from tests.advice.data import CURVES, write_log, write_rows


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("advice")
    return write_rows(folder / "rows.csv"), write_log(folder / "log.csv")


@pytest.fixture(scope="module")
def advice(files: tuple[Path, Path]) -> Advice:
    return advise(*files, draws=150)


def test_the_budgets_are_whole_and_best_on_average_over_the_draws(advice: Advice) -> None:
    draws = draw(advice.fitted, 150, 0).workloads[:100]
    best = cvxtoken.solve_robust(cvxtoken.Ensemble(draws))
    assert list(advice.budgets.values()) == np.rint(best.tokens).tolist()
    assert advice.whole.averaged == 100
    mean = float(np.mean([float(model.objective(w, advice.tokens)) for w in draws]))
    assert best.objective - mean <= advice.whole.loss < 1e-4
    assert advice.proven.startswith("proven: the mean J over 100 draws")
    w = advice.fitted.workload
    assert w.is_random, "the scatter counts"
    assert advice.accuracy == pytest.approx(model.accuracy(w, advice.tokens))
    assert float(w.prior @ advice.delays) == pytest.approx(advice.mean_system_time)
    nothing = float(model.objective(w, np.zeros(2)))
    assert advice.gain == pytest.approx(float(model.objective(w, advice.tokens)) - nothing)


def test_the_best_budgets_of_the_point_estimates_stand_beside(advice: Advice) -> None:
    best = cvxtoken.solve_integer(advice.fitted.workload)
    assert list(advice.point_budgets.values()) == best.tokens.tolist()
    assert advice.point.loss < 1e-20
    assert advice.point_budgets != advice.budgets
    columns, rows = advice.rows()
    assert columns[-1] == "by estimates"
    assert [row[-1] for row in rows] == [f"{tokens}" for tokens in advice.point_budgets.values()]
    document = advice.to_document()
    assert document["point_budgets"] == advice.point_budgets
    assert document["mean_regret"] < document["point_mean_regret"]


def test_budgets_that_are_unstable_by_the_point_estimates_are_not_advised(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the best average over very few draws may be."""
    module = import_module("cvxtoken.advice.advise")
    best = module.best_on_average
    monkeypatch.setattr(
        module,
        "best_on_average",
        lambda drawn, start: replace(best(drawn, start), tokens=np.array([4000.0, 4000.0])),
    )
    found = advise(*files, draws=1)
    assert found.whole is found.point
    assert found.utilization < 1
    json.dumps(found.to_document(), allow_nan=False)


def test_intervals_and_regret_are_those_of_the_draws(advice: Advice) -> None:
    drawn = draw(advice.fitted, 150, 0)
    best = optima(drawn, Targets())
    low, high = advice.interval("hard")
    inside = np.mean((best.tokens[:, 1] >= low) & (best.tokens[:, 1] <= high))
    assert inside == pytest.approx(0.9, abs=0.02)
    assert low < advice.budgets["hard"] < high
    solved = cvxtoken.solve(drawn.workloads[3])
    here = float(model.objective(drawn.workloads[3], advice.tokens))
    assert advice.worth.regret[3] == pytest.approx(solved.objective - here, abs=1e-9)
    assert (advice.worth.regret >= -1e-9).all()
    with pytest.raises(ProblemError, match=r"'hart' is not a task.*'hard'"):
        advice.interval("hart")


def test_files_hold_budgets_hashes_and_a_proof(
    advice: Advice, files: tuple[Path, Path], tmp_path: Path
) -> None:
    proof = advice.save(tmp_path / "budgets.json")
    found = json.loads((tmp_path / "budgets.json").read_text())
    assert found["budgets"] == advice.budgets
    hashes = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    assert [file["sha256"] for file in found["inputs"]] == hashes
    assert proof == tmp_path / "budgets.proof.json"
    assert found["proof"] == {"file": proof.name, "sha256": hashlib.sha256(proof.read_bytes()).hexdigest()}
    assert verifier.check(verifier.read(str(proof))) == found["proven"]
    with pytest.raises(ProblemError, match=r"the ending is '.toml'; it must be .json"):
        advice.save(tmp_path / "budgets.toml")


class Page(HTMLParser):
    """What a page asks for from elsewhere, and its pictures without a text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elsewhere: list[str] = []
        self.pictures: list[str | None] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag in ("script", "link", "img", "iframe"):
            self.elsewhere.append(tag)
        for name in ("src", "href", "xlink:href"):
            if found.get(name) and not str(found[name]).startswith("#"):
                self.elsewhere.append(str(found[name]))
        if tag == "svg":
            self.pictures.append(found.get("aria-label"))


def test_the_report_is_one_page_that_asks_for_nothing(advice: Advice, tmp_path: Path) -> None:
    cvxtoken.save_report(advice, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    page = Page(text)
    assert page.elsewhere == []
    assert "url(http" not in text
    assert "@import" not in text
    assert len(page.pictures) == 3
    assert f"hard: {advice.budgets['hard']} tokens" in str(page.pictures[0])
    assert f"advised budget of {advice.budgets['hard']} tokens" in str(page.pictures[2])
    assert "prefers-color-scheme: dark" in text
    assert picture.BLUE not in text.split("</style>")[1], "pictures take the page's colours"
    for sentence in advice.warnings:
        assert sentence.split("'")[0] in text.replace("&#x27;", "'")


def test_targets_are_met_by_whole_tokens_and_missed_in_draws(files: tuple[Path, Path]) -> None:
    free = cvxtoken.solve(advise(*files, draws=2).fitted.workload)
    targets = Targets(max_mean_system_time=0.8 * free.mean_system_time, min_accuracy={"hard": 0.3})
    found = advise(*files, targets=targets, draws=30)
    w = found.fitted.workload
    assert float(model.mean_system_time(w, found.tokens)) <= targets.limits["max_mean_system_time"]
    assert found.accuracy[1] >= 0.3
    real = cvxtoken.solve(w, max_mean_system_time=0.8 * free.mean_system_time, min_accuracy={"hard": 0.3})
    assert np.abs(found.tokens - real.tokens).max() <= 1
    assert 0 <= found.whole.loss < 0.01
    assert found.whole.averaged == 0
    assert found.whole is found.point
    missed, reached = found.worth.misses["max_mean_system_time"]
    times = found.worth.system_times
    assert missed == np.sum(times > 0.8 * free.mean_system_time * (1 + 1e-9)) > 5
    assert np.mean(times <= reached) >= 0.9
    assert any(
        "max_mean_system_time of" in text and f"missed in {missed} of" in text for text in found.warnings
    )
    assert np.isnan(found.worth.regret).sum() >= missed
    assert found.worth.mean_regret >= -1e-9
    with pytest.raises(TargetError):
        advise(*files, targets=Targets(max_mean_system_time=0.01))


def test_a_lag_is_kept_in_budgets_and_draws(tmp_path: Path) -> None:
    rows = write_rows(
        tmp_path / "rows.csv", 100, {"easy": CURVES["easy"], "hard": Curve(0.7, 2e-3, 0.1, 600)}
    )
    found = advise(rows, arrival_rate=0.1, draws=40)
    assert [task.accuracy.verdict for task in found.fitted.tasks] == ["fits", "lag"]
    best = cvxtoken.solve_lagged(found.fitted.lagged)
    assert np.abs(found.tokens - best.tokens).max() <= 0.5
    assert found.budgets["hard"] > found.whole.lag[1] > 300
    assert 0 <= found.whole.loss < 1e-3
    drawn = found.worth.drawn
    for r in (0, 1):
        one = cvxtoken.solve_lagged(cvxtoken.LaggedWorkload(drawn.workloads[r], drawn.lag[r]))
        assert found.worth.best.objective[r] == pytest.approx(one.objective, abs=1e-8)
    assert any(text.startswith("hard: lag: an S-shape") for text in found.warnings)
    assert found.whole.averaged == 0


def test_what_matters_is_warned_of(tmp_path: Path) -> None:
    few = write_rows(tmp_path / "few.csv", 20, {"easy": Curve(0.9, 0.1, 0.05), "hard": Curve(0.8, 2e-4, 0.1)})
    found = advise(few, arrival_rate=0.02, accuracy_weight=500, max_tokens=9000, draws=12)
    text = "\n".join(found.warnings)
    assert "only 20 answers at a budget of 0" in text
    assert "hard: the budget is beyond the largest measured, 4000 tokens" in text
    capped = advise(few, arrival_rate=0.02, accuracy_weight=500, draws=12)
    assert any("the budget is the largest allowed, 4000 tokens" in text for text in capped.warnings)
    busiest = Targets(objective="accuracy", max_utilization=0.99)
    busy = advise(few, arrival_rate=2.5, targets=busiest, draws=12)
    assert any("the utilization is 0.99" in text for text in busy.warnings)
    assert busy.worth.unstable > 0
    assert any(f"in {busy.worth.unstable} of" in text for text in busy.warnings)
    assert any("thinking is not worth its time" in text for text in busy.warnings) == (0 in busy.tokens)
    with pytest.raises(UnstableError):
        advise(few, arrival_rate=50, draws=10)


def test_a_flat_task_has_a_budget_for_the_rise_that_may_be(tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.csv", 40, {"easy": Curve(0.0, 4e-3, 0.9), "hard": CURVES["hard"]})
    found = advise(rows, arrival_rate=0.2, draws=100)
    assert found.fitted.tasks[0].accuracy.verdict == "flat"
    assert found.point_budgets["easy"] == 0
    assert found.worth.mean_regret < found.point_worth.mean_regret
    told = [text for text in found.warnings if text.startswith("easy: the budget allows for a small rise")]
    assert len(told) == (found.budgets["easy"] > 0) == 1


def test_a_server_that_batches_and_replicas(files: tuple[Path, Path]) -> None:
    alone = advise(*files, draws=20, server=Sharing(0.01, replicas=2))
    assert alone.fitted.workload.server == Sharing(0.01, replicas=2)
    assert alone.worth.drawn.workloads[0].server == Sharing(0.01, replicas=2)
    assert alone.tokens.min() > 0
    assert verifier.check(alone.whole.proof.to_document()) == alone.proven


def test_bad_arguments(files: tuple[Path, Path]) -> None:
    with pytest.raises(ProblemError, match="draws is 0"):
        advise(*files, draws=0)
    with pytest.raises(ProblemError, match="draws is 1000000; it must be from 1 to 10000"):
        advise(*files, draws=10**6)
    with pytest.raises(ProblemError, match="confidence is 1"):
        advise(*files, confidence=1)
    with pytest.raises(ProblemError, match="'esay' is not a type of the workload"):
        advise(*files, targets=Targets(min_accuracy={"esay": 0.5}))
