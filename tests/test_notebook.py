"""The notebook computes what the package does, and its sliders work in a real browser."""

from __future__ import annotations

import importlib.util
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import cvxtoken
from tests.support import browser

ROOT = Path(cvxtoken.__file__).parent.parent
NOTEBOOK = ROOT / "docs" / "notebook.py"
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("marimo") is None, reason="the extra 'docs' is not installed (marimo missing)"
)
TEXT = """(() => {
    const read = node => [...node.childNodes].map(child => child.nodeType === 3 ? child.data
        : read(child) + (child.shadowRoot ? read(child.shadowRoot) : '')).join(' ');
    return read(document.body);
})()"""


def test_a_scene_is_the_certified_optimum() -> None:
    spec = importlib.util.spec_from_file_location("cvxtoken_notebook", NOTEBOOK)
    assert spec is not None
    assert spec.loader is not None
    notebook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(notebook)
    scene = notebook.scene(0.5, 100)
    known = cvxtoken.solve(cvxtoken.load("qwen3-8b").replace(arrival_rate=0.5, accuracy_weight=100))
    assert float(scene.certificate.relative_gap) <= 1e-15
    assert [float(l) for l in scene.certificate.tokens] == pytest.approx(known.tokens, rel=1e-9)
    changed = notebook.scene(0.5, 100, rate_factor=2, time_factor=0.5, task="HMMT 2025")
    k = changed.workload.names.index("HMMT 2025")
    assert changed.workload.saturation_rate[k] == 2 * known.workload.saturation_rate[k]
    assert changed.workload.time_per_token[k] == known.workload.time_per_token[k] / 2


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where the notebook is served."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "marimo", "--yes", "run", str(NOTEBOOK), "--headless", "--no-token"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": str(tmp_path)}
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [*command, "--port", str(port)], cwd=tmp_path, env=environment, stdout=log, stderr=log
        )
    try:
        browser.wait(lambda: listens(port), "marimo listens")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif(browser.executable() is None, reason="no Chromium is installed")
def test_the_sliders_move_the_optimum(address: str) -> None:
    def utilization() -> str:
        found = re.search(r"Utilisation\s+([\d.]+)", str(page.run(TEXT)))
        return found[1] if found else ""

    rates = (0.1, 0.12, 0.2)
    known = [cvxtoken.solve(cvxtoken.load("qwen3-8b").replace(arrival_rate=rate)) for rate in rates]
    with browser.Browser() as page:
        page.open(address)
        browser.wait(lambda: utilization() == f"{known[0].utilization:.4f}", "the first optimum is shown")
        page.run("document.querySelector('marimo-slider').shadowRoot.querySelector('[role=slider]').focus()")
        for reference in known[1:]:
            page.press("ArrowRight")
            shown = f"{reference.utilization:.4f}"
            browser.wait(lambda shown=shown: utilization() == shown, f"the utilisation becomes {shown}")
        outcome = cvxtoken.fixed_point(known[-1].workload, max_iterations=40).outcome
        assert "Converged" not in outcome
        browser.wait(lambda: outcome in " ".join(str(page.run(TEXT)).split()), f"the page says {outcome!r}")
        if os.environ.get("CVXTOKEN_PICTURES"):
            page.picture(Path(os.environ["CVXTOKEN_PICTURES"], "notebook.png"))
