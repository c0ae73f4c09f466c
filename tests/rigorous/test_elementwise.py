from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from cvxtoken.rigorous import elementary, elementwise, pairs


def test_select_bits_and_doubles() -> None:
    x = np.array([1.0, -2.0, 3.0])
    assert elementwise.select(x > 5, 0.0, x) is x
    assert elementwise.select(x > 0, 0.0, x).tolist() == [0.0, -2.0, 0.0]
    assert elementwise.bits(np.ones(1))[0] == 1023 << 52
    assert elementwise.double(elementwise.bits(x)).tolist() == x.tolist()


def test_few_numbers_are_not_worth_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elementwise, "_installed", lambda: True)
    assert elementwise.worthwhile(1_000_000)
    assert not elementwise.worthwhile(1000)
    monkeypatch.setattr(elementwise, "_installed", lambda: False)
    assert not elementwise.worthwhile(1_000_000)


def test_a_numba_that_cannot_be_imported_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one is that was made for another NumPy."""
    monkeypatch.setitem(sys.modules, "numba", None)
    assert not elementwise._installed.__wrapped__()


def test_machine_code_is_of_the_formulas_as_they_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What stands for the formulas' source changes with any file that holds one."""
    file = tmp_path / "formulas.py"
    version = elementwise._version()
    monkeypatch.setattr(elementwise, "_formulas", [*elementwise._formulas])
    found = []
    for body in ("x + 1", "x + 2"):
        file.write_text(f"def formula(x):\n    return {body}\n")
        spec = importlib.util.spec_from_file_location("formulas", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        elementwise.elementwise(module.formula)
        found.append(elementwise._version())
    assert len({version, *found}) == 3


def numbers(count: int) -> np.ndarray:
    """Positive ones of every size, no multiple of a vector's length, with numbers at the formulas' edges."""
    rng = np.random.default_rng(4)
    many = [10 ** rng.uniform(-290, 290, count), rng.uniform(0, 50, count), 2.0 ** np.arange(-80, 80)]
    return np.concatenate([*many, 1 + np.arange(-9, 9) * 2.0**-52])


def test_a_compiled_loop_has_numpys_bits() -> None:
    pytest.importorskip("numba")

    @elementwise.compiled("rrWW")
    def both(version):  # type: ignore[no-untyped-def]
        def loop(x, y, logs, others):  # type: ignore[no-untyped-def]
            for k in range(len(x)):
                logs[0, k], logs[1, k] = elementary.log(x[k]), elementary.exp(y[k])
                (others[0, k], others[1, k]), (others[2, k], others[3, k]) = elementary.decay(
                    np.minimum(abs(y[k]), elementary.FARTHEST), 0.0
                )
                others[4, k], others[5, k] = pairs.two_prod(x[k], y[k])
                others[6, k], others[7, k] = pairs.two_sum(x[k], y[k])
                others[8, k], others[9, k] = pairs.fast_two_sum(x[k], y[k])
            return version

        return loop

    x = numbers(5000)
    y = np.log(x) * np.where(np.arange(len(x)) % 2, 1, -1)
    logs, others = np.empty((2, len(x))), np.empty((10, len(x)))
    both(x, y, logs, others)
    left, gained = elementary.decay(np.minimum(np.abs(y), elementary.FARTHEST), np.zeros(len(x)))
    expected = [elementary.log(x), elementary.exp(y), *left, *gained, *pairs.two_prod(x, y)]
    expected += [*pairs.two_sum(x, y), *pairs.fast_two_sum(x, y)]
    for found, array in zip((*logs, *others), expected, strict=True):
        assert np.array_equal(found.view(np.int64), array.view(np.int64))
