"""Which column is which: our names, those of tools, those that are told; and the table in the docs."""

from __future__ import annotations

from pathlib import Path

import pytest

from cvxtoken import ProblemError
from cvxtoken.fitting.measured import WANTED
from cvxtoken.fitting.rows import LOG, ROWS
from cvxtoken.logs.aliases import ALIASES, SOURCES, SUMMARIES, USUAL
from cvxtoken.logs.columns import Column
from cvxtoken.logs.names import find, plain, split_unit
from cvxtoken.scheduling.trace import WANTED as TRACE

OURS = ROWS | LOG | WANTED | TRACE
DOCS = Path(__file__).parents[2] / "docs" / "measurements.md"


def found(header: list[str], ours: str, kind: str = "tokens", **told: str) -> str:
    places = find(header, {ours: Column(kind, required=False)}, told, {}, "table", "--column")
    return places[ours].theirs if ours in places else ""


@pytest.mark.parametrize(
    ("name", "stem", "unit"),
    [
        ("ttft_ms", "ttft", "ms"),
        ("TTFT (ms)", "ttft", "ms"),
        ("latencyNs", "latency", "ns"),
        ("elapsed-s", "elapsed", "s"),
        ("duration [µs]", "duration", "us"),
        ("seconds", "seconds", ""),
        ("time", "time", ""),
        ("items", "items", ""),
        ("ms", "ms", ""),
    ],
)
def test_a_unit_is_a_word_of_its_own_at_the_end(name: str, stem: str, unit: str) -> None:
    assert split_unit(name) == (stem, unit)


def test_our_own_name_comes_first() -> None:
    assert found(["completion_tokens", "Output Tokens"], "output_tokens") == "Output Tokens"
    assert found(["latency_s", "seconds"], "seconds", "seconds") == "seconds"
    assert found(
        ["completion_tokens", "output_tokens"], "output_tokens", output_tokens="Completion-Tokens"
    ) == ("completion_tokens")


def test_of_one_tool_the_first_name_is_taken() -> None:
    assert found(["mean_itl_ms", "median_tpot_ms", "tpot_ms"], "seconds_per_token", "seconds") == "tpot_ms"
    assert found(["total_time", "working_time"], "seconds", "seconds") == "working_time"


@pytest.mark.parametrize(
    ("header", "ours", "both"),
    [
        (
            ["completion_tokens", "generated_tokens"],
            "output_tokens",
            "'completion_tokens' and 'generated_tokens'",
        ),
        (["score", "passed"], "correct", "'score' and 'passed'"),
        (
            ["usage.completion_tokens", "output_lens"],
            "output_tokens",
            "'usage.completion_tokens' and 'output_lens'",
        ),
    ],
)
def test_two_names_of_one_column_are_a_question(header: list[str], ours: str, both: str) -> None:
    with pytest.raises(ProblemError) as caught:
        found(header, ours)
    first = header[0]
    assert str(caught.value) == (
        f"table: {both} might both be {ours}; say which by --column {ours}={first} or another name"
    )
    assert found(header, ours, **{ours: header[1]}) == header[1]


def test_a_name_that_says_too_little_needs_others_beside() -> None:
    assert found(["id", "x"], "question", "label") == ""
    assert found(["id", "epoch"], "question", "label") == "id"
    assert found(["n", "correct"], "answers") == ""
    assert found(["n", "accuracy"], "answers") == "n"


def test_a_budget_is_never_guessed_from_the_limit_of_the_answer() -> None:
    """max_tokens limits thinking and answer together."""
    for name in ("max_tokens", "max_completion_tokens", "max_output_tokens", "completion_tokens"):
        assert found([name], "budget_tokens") == ""
        assert found([name], "thinking_tokens") == ""


def test_names_that_are_told_must_be_there() -> None:
    with pytest.raises(
        ProblemError, match=r"no column 'latncy' for seconds \(did you mean 'latency'\?\); columns"
    ):
        found(["latency", "x"], "seconds", "seconds", seconds="latncy")


def test_every_alias_is_of_a_column_that_is_read_and_of_a_tool_with_a_source() -> None:
    assert set(ALIASES) == set(SOURCES)
    for aliases in ALIASES.values():
        assert {alias.ours for alias in aliases} <= set(OURS)
        assert all(alias.unit in ("", "s", "ms", "us", "ns") for alias in aliases)


def test_no_name_of_one_tool_means_two_things() -> None:
    for tool, aliases in ALIASES.items():
        if tool in (USUAL, SUMMARIES):
            names = [(alias.ours, plain(alias.theirs)) for alias in aliases]
        else:
            names = [plain(alias.theirs) for alias in aliases]  # type: ignore[misc]
        assert len(names) == len(set(names)), tool


def table() -> str:
    """The names by tool, as the docs have them."""
    lines = ["| tool | names, by our column |", "|---|---|"]
    for tool, aliases in ALIASES.items():
        parts = []
        for ours in dict.fromkeys(alias.ours for alias in aliases):
            names = [f"`{a.theirs}`" + f" ({a.unit})" * bool(a.unit) for a in aliases if a.ours == ours]
            parts.append(f"{ours}: {', '.join(names)}")
        lines.append(f"| {tool}: {SOURCES[tool]} | {'; '.join(parts)} |")
    return "\n".join(lines)


def test_the_docs_have_the_table() -> None:
    assert table() in DOCS.read_text(encoding="utf-8"), table()
