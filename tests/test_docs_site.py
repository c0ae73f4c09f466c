"""The site builds without a warning, asks nobody else for anything, and its sliders move."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from inspect import ismodule
from pathlib import Path

import pytest

import cvxtoken
from cvxtoken import plots
from tests.support import browser
from tests.support.contrast import faint

ROOT = Path(cvxtoken.__file__).parent.parent
NEEDED = ("mkdocs", "material", "mkdocstrings", "latex2mathml", "marimo", "matplotlib")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"the extra 'docs' is not installed ({', '.join(MISSING)} missing)"
)
needs_browser = pytest.mark.skipif(browser.executable() is None, reason="no Chromium is installed")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built once, also where several processes share the tests."""
    import fcntl

    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with (shared / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "site").exists():
            build(shared / "building")
            (shared / "building").rename(shared / "site")
    return shared / "site"


def build(folder: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def pages(site: Path) -> list[Path]:
    return [page for page in sorted(site.rglob("*.html")) if page.name != "404.html"]


def test_every_page_is_built(site: Path) -> None:
    sources = {page.relative_to(ROOT / "docs").with_suffix(".html") for page in (ROOT / "docs").rglob("*.md")}
    assert {page.relative_to(site) for page in pages(site)} == sources | {
        Path("explorer-page.html"),
        Path("load-page.html"),
    }
    pictures = list(site.glob("images/*.svg"))
    assert len(pictures) >= 10
    for picture in pictures:
        assert picture.stat().st_size < 150_000, picture.name
        assert "prefers-color-scheme:dark" in picture.read_text(encoding="utf-8"), picture.name
    assert "prefers-reduced-motion:no-preference" in (site / "images" / "cobweb.svg").read_text("utf-8")
    assert f"cvxtoken {cvxtoken.__version__}" in (site / "index.html").read_text(encoding="utf-8")
    assert f'id="{cvxtoken.__version__.replace(".", "")}"' in (site / "versions.html").read_text("utf-8")


def test_formulas_became_mathml_and_all_of_them(site: Path) -> None:
    text = {page.name: page.read_text(encoding="utf-8") for page in pages(site)}
    assert text["model.html"].count("<math") > 20
    for name, html in text.items():
        assert 'class="arithmatex"' not in html, name
        for formula in re.findall(r"<math.*?</math>", html, re.S):
            assert "\\" not in formula, f"{name}: {formula}"


def test_the_references_documents_the_public_names(site: Path) -> None:
    reference = "".join(page.read_text(encoding="utf-8") for page in (site / "reference").glob("*.html"))
    for name in cvxtoken.__all__:
        own = getattr(cvxtoken, name)
        if ismodule(own):
            continue  # a room, whose names have their own entries
        ids = {f"cvxtoken.{name}", f"{own.__module__}.{name}"}
        assert any(f'id="{found}"' in reference for found in ids), name
    for name in plots.__all__:
        assert f'id="cvxtoken.plots.{name}"' in reference, name


@needs_browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_pages_fit_can_be_read_and_ask_for_nothing_elsewhere(site: Path, width: int, scheme: str) -> None:
    with browser.Browser(width) as page:
        page.prefer(scheme)
        for file in pages(site):
            page.open(file.as_uri())
            browser.wait(lambda: page.run("document.body.innerText.length > 100"), f"{file.name} shows text")
            assert page.run("document.documentElement.scrollWidth") <= width, f"{file.name} is too wide"
            assert page.run("[...document.images].every(i => i.complete && i.naturalWidth > 0)"), file.name
            assert page.run("[...document.images].every(i => i.alt.length > 15)"), file.name
            assert page.run("[...document.querySelectorAll('iframe')].every(i => i.title)"), file.name
            assert faint(page) == [], file.name
            assert page.failures() == [], file.name
            assert [url for url in page.requests() if not url.startswith(("file:", "data:"))] == [], file.name


def test_a_line_is_drawn_to_its_end_in_five_seconds_and_only_where_motion_is_welcome() -> None:
    spec = importlib.util.spec_from_file_location("animation", ROOT / "docs" / "make" / "animation.py")
    assert spec is not None
    assert spec.loader is not None
    animation = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(animation)
    path = '<g id="web">\n <path d="M 10 0 \nL 10 30 \nL 50 30 \nL 50 20 \n" style="fill: none"/></g>'
    drawn = animation.animated(f"<svg><style></style>{path}</svg>", "web")
    rules = drawn.partition("<style>")[2].partition("</style>")[0]
    assert rules.startswith("@media (prefers-reduced-motion:no-preference){@keyframes web{")
    assert path in drawn, "the still picture is as it was"
    assert re.findall(r"stroke-dashoffset:([\d.]+)", rules) == ["81.0", "51.0", "11.0", "1.0"], (
        "30, 40 and 10 long"
    )
    assert "stroke-dasharray:81.0;animation:web 5s linear both" in rules


@needs_browser
def test_the_search_finds_without_a_server(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a browser as people have it, which gives no worker to a page from the disk."""
    flags = [flag for flag in browser.FLAGS if flag != "--allow-file-access-from-files"]
    monkeypatch.setattr(browser, "FLAGS", flags)
    with browser.Browser() as page:
        page.open((site / "index.html").as_uri())
        page.run("document.querySelector('[data-md-component=search-query]').focus()")
        page.call("Input.insertText", text="Pollaczek")
        found = "document.querySelectorAll('.md-search-result__item a[href*=\"model.html\"]').length"
        browser.wait(lambda: page.run(found) > 0, "the search finds the page on the model")
        assert page.failures() == []


@needs_browser
def test_the_first_page_moves_the_optimum_with_the_load(site: Path) -> None:
    with browser.Browser() as page:
        page.open((site / "load-page.html").as_uri())
        workload = cvxtoken.load("qwen3-8b")
        for stop, rate in ((26, 0.1), (46, 1.0)):
            page.run(f"(i => {{ i.value = {stop}; i.oninput(); }})(document.querySelector('input'))")
            best = cvxtoken.solve(workload.replace(arrival_rate=rate))
            shown = page.run("document.getElementById('bars').innerText")
            assert [
                int(tokens) for tokens in re.findall(r"(\d+) tokens", shown)
            ] == best.tokens.round().tolist()
            worth = page.run("document.getElementById('worth').innerText")
            assert f"{best.mean_system_time:.3g} s in the mean" in worth
        assert page.failures() == []


@needs_browser
def test_the_exported_page_moves_with_its_sliders(site: Path) -> None:
    def shown(what: str) -> str:
        return str(page.run(f"document.getElementById('{what}').innerText"))

    def slide(number: int, stop: int) -> None:
        page.run(
            f"(i => {{ i.value = {stop}; i.dispatchEvent(new Event('input')); }})"
            f"(document.querySelectorAll('input')[{number}])"
        )

    with browser.Browser() as page:
        page.open((site / "explorer-page.html").as_uri())
        assert "4072.5" in shown("budgets"), "the optimum at 0.1 /s, 30 s"
        assert "Reached the limit" in shown("runs")
        before = {what: shown(what) for what in ("budgets", "rho", "proof", "runs")}
        slide(0, 0)
        after = {what: shown(what) for what in before}
        assert all(after[what] != before[what] for what in before)
        light = cvxtoken.solve(cvxtoken.load("qwen3-8b").replace(arrival_rate=0.01, accuracy_weight=30))
        assert all(f"{tokens:.1f}" in after["budgets"] for tokens in light.tokens)
        assert f"{light.utilization:.3f}" in after["rho"]
        slide(0, 5)
        assert "Left the stability region" in shown("runs")
        for number in (1, 2, 3):
            before_slide = shown("budgets")
            slide(number, 0)
            assert shown("budgets") != before_slide, f"slider {number}"
        assert page.failures() == []
