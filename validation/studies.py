"""The list of studies, and the options that all of them take.

Every study is a module that runs by `python -m validation.NAME [DATA ...] [--quick] [--picture FILE]`, prints
tables and a last line 'verdict: ...', and exits non-zero where the verdict is bad.
"""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Study:
    """One study.

    Attributes:
        name: of its module in `validation`.
        question: that it answers.
        data: what it also looks at where it is there: files below a folder of data, each with ':COLUMN'
            where one column is meant, or folders.
    """

    name: str
    question: str
    data: tuple[str, ...] = ()


_LENGTHS = "traces/azure2023_conv.csv:GeneratedTokens"

STUDIES = (  # the longest first, so that the last to end is a short one
    Study("intervals", "Do the printed intervals of budgets hold the true best budgets as they say?"),
    Study(
        "advised",
        "What do advised budgets lose in truth, against the best uniform budget and against simple choices?",
    ),
    Study(
        "scheduling",
        "What do scheduling policies lose against the hindsight optimum, by certified intervals?",
        ("traces/azure2023_conv.csv",),
    ),
    Study(
        "batching",
        "Do the exact delays of batched service agree with simulation, and how do the disciplines compare?",
        (_LENGTHS,),
    ),
    Study(
        "savings",
        "What does a limit on 1 % of requests save, first come first served and under continuous batching?",
        (
            "traces/azure2023_conv.csv:GeneratedTokens:ContextTokens",
            "traces/azure2023_code.csv:GeneratedTokens:ContextTokens",
            "traces/mooncake_fast25_conversation.csv:output_length:input_length",
            "traces/servegen_deepseek_r1_output_tokens_pmf.csv:output_tokens",
        ),
    ),
    Study(
        "disciplines",
        "Which discipline answers soonest on the same lengths and the same measured batch times?",
    ),
    Study("methods", "Where does each method work, and does any claim what it did not reach?"),
    Study(
        "fits",
        "Do measured accuracies follow the curve, and do the intervals of A, b and D hold what they say?",
        ("curves",),
    ),
    Study("solvers", "How do the solvers that pip installs do on the certified instances, by true error?"),
    Study(
        "kinds",
        "How do solvers that pip installs do on whole tokens, targets, draws, lags, schedules and limits?",
    ),
    Study(
        "following",
        "What do budgets that follow the load gain over fixed ones, and where do they lose?",
        ("traces/azure2023_conv.csv", "traces/azure2023_code.csv"),
    ),
    Study(
        "arrivals", "Are the tests of Poisson arrivals right on any clock, and do they see cycles and bursts?"
    ),
    Study("rounding", "What does rounding to whole tokens lose against the best whole tokens?"),
    Study(
        "proofs",
        "Are the proofs in arrays right, tight and fast, to a million instances and a million types?",
    ),
    Study(
        "generated",
        "Are a million generated, proven instances the same bits on any processor, and made within a minute?",
    ),
    Study(
        "certified", "Is every random realistic workload certified by the verifier, and the stress matrix?"
    ),
    Study(
        "cones",
        "Is any CVXPY problem of linear, second-order and exponential cones proven, and CVXPY's own bank?",
    ),
    Study("limits", "What may a file of up to 50 MB, made for it, cost a checker in time and memory?"),
    Study(
        "queue",
        "Does the queue behave as the closed forms say, and do optimal budgets beat simple ones in it?",
    ),
    Study(
        "servers",
        "Does the delay law of shared service hold, in a simulated engine and against measured latencies?",
        ("servers",),
    ),
    Study(
        "clipping",
        "Do the paper's numbers on a max-token limit come out, and is a hard limit the best rule?",
        (_LENGTHS,),
    ),
    Study("changed", "Is the optimum of a changed model proven: another accuracy curve, another delay?"),
)


def options(text: str | None) -> ArgumentParser:
    """A parser of what all studies take; a study adds what it alone takes."""
    parser = ArgumentParser(description=(text or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="smaller samples, and the verdict on those")
    parser.add_argument("--picture", type=Path, help="draw the study's figure to this file")
    return parser
