"""The class: solutions pass, blanks are refused with a word of help, the notebooks are the page's."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import cvxtoken

ROOT = Path(cvxtoken.__file__).parent.parent
CLASS = ROOT / "docs" / "class"
MISSING = [name for name in ("nbformat", "marimo") if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"the extra 'docs' is not installed: {MISSING}")


def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("classroom", ROOT / "docs" / "make" / "classroom.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_solutions_pass_and_blanks_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """In order and in one session, as in class: first the blank, then the solution."""
    _, setup, exercises = maker().exercises()
    names: dict[str, Any] = {}
    exec(setup, names)
    assert len(exercises) == 8
    for number, one in enumerate(exercises, 1):
        exec(one.yours, names)
        with pytest.raises(AssertionError) as refused:
            exec(one.check, names)
        assert len(str(refused.value)) > 20, "a blank is told what to do"
        exec(one.solution, names)
        exec(one.check, names)
        assert f"exercise {number} is right" in capsys.readouterr().out


SOLVED = "the solution, and then\n"
UNCLIPPED = """
def upper_bound(w, guess):
    b, c, lam, alpha = w.saturation_rate, w.time_per_token, w.arrival_rate, w.accuracy_weight
    t = w.overhead + c * guess
    z = t / (1 - lam * (w.prior @ t))
    kappa = 1 + lam**2 * (w.prior @ z**2) / 2 + lam * z
    decay = kappa * c / (alpha * w.accuracy_gain * b)
    least = alpha * w.accuracy_gain * decay - kappa * c * np.log(decay) / b
    most = alpha * w.prior @ (w.accuracy_gain + w.base_accuracy) + lam * (w.prior @ z**2) / 2
    return most - w.prior @ (kappa * w.overhead + least)
"""
WRONG = [  # exercise, what a student might write, and a word of the help
    (1, "accepted = cp.square(load)", "at load = -1.0 it must be"),
    (2, SOLVED + "waits = 0.4 * 1.2 / (2 * 0.52)", "the square of the time"),
    (2, SOLVED + "uneven = waits", "the mean of the squares"),
    (3, "p = cp.sum(x)", "one number a task"),
    (3, "p = A * (1 - cp.exp(-b * x)) + D", "their inner product"),
    (3, SOLVED + "y = 1 - lam * t", "y is one number"),
    (3, SOLVED + "wait = lam / 2 * cp.quad_over_lin(cp.multiply(pi, t), y)", "a square is squared"),
    (3, SOLVED + "problem = cp.Problem(cp.Maximize(J), [x >= 0])", "the limits are missing"),
    (3, SOLVED + "problem = cp.Problem(cp.Maximize(J - pi @ t), [x >= 0, x <= top])", "which part of J"),
    (4, "h = 1 + lam * seconds / idle + lam**2 * (pi @ seconds) ** 2 / (2 * idle**2)", "the second moment"),
    (4, "h = 1 + lam * t / y", "must be numbers"),
    (5, "two_seconds = cvxtoken.solve(w, max_mean_system_time=2.5)", "E[T] must be 2 s"),
    (6, UNCLIPPED, "may be at an end"),
    (7, "forged['upper'] = '1'", "must be more than"),
    (7, "forged['lower'] = 9.1", "as texts"),
    (7, SOLVED + "forged['upper'] = 9.1", "as texts"),
    (8, "instance, form, solver, options = 'spread/1-301', 'raw', 'CLARABEL', {}", "honest"),
]


def test_wrong_answers_are_told_what_is_wrong() -> None:
    _, setup, exercises = maker().exercises()
    names: dict[str, Any] = {}
    exec(setup, names)
    for number, one in enumerate(exercises, 1):
        exec(one.yours, names)
        for answer, word in ((answer, word) for which, answer, word in WRONG if which == number):
            exec(answer.replace(SOLVED, one.solution), names)
            with pytest.raises(AssertionError, match=word.replace("[", r"\[")):
                exec(one.check, names)
        exec(one.solution, names)


def test_the_notebooks_are_the_pages() -> None:
    """After a change of the page: python docs/make/classroom.py."""
    import nbformat

    made = maker().notebook()
    written = nbformat.read(CLASS / "class.ipynb", as_version=4)
    nbformat.validate(written)
    assert [(cell.cell_type, cell.source) for cell in written.cells] == [
        (cell.cell_type, cell.source) for cell in made.cells
    ]
    marimo = (CLASS / "class.py").read_text(encoding="utf-8")
    bodies = set()
    for node in ast.walk(ast.parse(marimo)):
        if isinstance(node, ast.FunctionDef):
            node.decorator_list = []  # marimo's own
        if isinstance(node, ast.stmt):
            bodies.add(ast.unparse(node))
    for cell in made.cells:
        if cell.cell_type == "code":
            for statement in ast.parse(cell.source).body:
                assert ast.unparse(statement) in bodies, statement
