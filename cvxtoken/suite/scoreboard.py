"""How good a solver is by its true errors, instance by instance and family by family."""

from __future__ import annotations

import json
import math
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cvxtoken.errors import LibraryError, ProblemError
from cvxtoken.library import Instance
from cvxtoken.suite.answer import Subject
from cvxtoken.suite.case import problem_with
from cvxtoken.suite.isolation import Lost, call
from cvxtoken.suite.reading import Answer
from cvxtoken.suite.status import (
    CLAIMS,
    FAILED,
    OPTIMAL,
    SAYS_INFEASIBLE,
    SAYS_OPTIMUM,
    SAYS_UNBOUNDED,
    UNKNOWN,
    UNSUPPORTED,
)
from cvxtoken.tables import table

CORRECT = 1e-6  # relative error of the objective that counts as solved
_WRONG = ("wrongly_optimal", "wrongly_infeasible", "wrongly_unbounded")
_SHIFT = 0.01  # s; of the shifted geometric mean, so that the fastest instances do not decide


@dataclass(frozen=True)
class Score:
    """One solver on one form of one instance.

    Attributes:
        form, instance: which.
        claim: the solver's: one of `cvxtoken.suite.status.CLAIMS`, or unknown where its status is.
        detail: the solver's own words.
        feasible: whether the instance is.
        relative_error: (J* - J) / (1 + |J*|) at its tokens, moved into the box, or the loss as the kind of
            problem counts it; infinite without tokens.
        token_error: the largest |l - l*|, in tokens; infinite without tokens.
        seconds: of the call.
    """

    form: str
    instance: str
    claim: str
    detail: str
    feasible: bool
    relative_error: float
    token_error: float
    seconds: float

    @property
    def family(self) -> str:
        """The part of the id before the slash."""
        return self.instance.partition("/")[0]

    @property
    def correct(self) -> bool:
        """Whether J is right to 1e-6 and the answer not disowned, or infeasibility rightly claimed."""
        if not self.feasible:
            return self.claim in SAYS_INFEASIBLE
        return self.claim in SAYS_OPTIMUM and self.relative_error <= CORRECT

    @property
    def wrongly_optimal(self) -> bool:
        """Whether the answer is claimed to be optimal and is not."""
        return self.claim == OPTIMAL and not (self.feasible and self.relative_error <= CORRECT)

    @property
    def wrongly_infeasible(self) -> bool:
        """Whether the instance is claimed to be infeasible and has an optimum."""
        return self.claim in SAYS_INFEASIBLE and self.feasible

    @property
    def wrongly_unbounded(self) -> bool:
        """Whether the instance is claimed to be unbounded: none is, and no infeasible one has a ray."""
        return self.claim in SAYS_UNBOUNDED


def score(tested: Subject, form: str, instance: Instance, time_limit: float) -> Score:
    """Ask once, in a process that can be killed, and compare the answer with the ground truth.

    Raises:
        LibraryError: the instance is damaged or cannot be written; no solver is scored for that.
    """
    _ = instance.problem  # our own errors must be raised here; later they would count as the solver's

    def ask() -> Score | LibraryError:
        try:
            answer = tested.of(instance)
        except NotImplementedError as why:
            answer = Answer(None, UNSUPPORTED, detail=f"not implemented: {why}")
        except LibraryError as fault:
            return LibraryError(f"{instance.id}: {fault}")
        error = token_error = math.inf
        if (
            instance.feasible
            and answer.tokens is not None
            and not problem_with(instance.problem, answer.tokens)
        ):
            tokens = np.asarray(answer.tokens, dtype=float)
            error = max(0.0, instance.error(tokens))
            token_error = float(np.abs(tokens - instance.tokens).max())
        claim = answer.status
        if claim == OPTIMAL and answer.tokens is None:
            claim = FAILED
        return Score(
            form, instance.id, claim, answer.detail, instance.feasible, error, token_error, answer.seconds
        )

    try:
        found: Score | LibraryError = call(ask, time_limit)
    except Lost as lost:
        return Score(form, instance.id, FAILED, str(lost), instance.feasible, math.inf, math.inf, time_limit)
    if isinstance(found, LibraryError):
        raise found
    return found


def run(
    subjects: dict[str, Subject],
    chosen: Iterable[Instance],
    time_limit: float,
    progress: Path | None = None,
    identity: str = "",
    on_score: Callable[[Score], None] | None = None,
) -> list[Score]:
    """Score every form on every instance; scores in the progress file are not made again.

    Args:
        subjects: by form.
        chosen: the instances.
        time_limit: of one call, in s.
        progress: each score is appended to this file as it is known.
        identity: of the solver; a progress file of another identity is refused.
        on_score: called with each score.

    Raises:
        ProblemError: the progress file holds something else, or cannot be written.
    """
    known = {} if progress is None else _read(progress, identity)
    scores = []
    for form, tested in subjects.items():
        for instance in chosen:
            if tested.asks(instance) or tested.unsupported(instance.problem):
                continue
            if (form, instance.id) not in known:
                known[form, instance.id] = score(tested, form, instance, time_limit)
                if progress is not None:
                    with progress.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(asdict(known[form, instance.id])) + "\n")
            scores.append(known[form, instance.id])
            if on_score is not None:
                on_score(scores[-1])
    return scores


def _read(progress: Path, identity: str) -> dict[tuple[str, str], Score]:
    """Scores of an earlier run of the same solver; a last line that was cut off is left out."""
    head = json.dumps({"scores of": identity}) + "\n"
    try:
        if not progress.exists():
            progress.write_text(head, encoding="utf-8")
            return {}
        text = progress.read_text(encoding="utf-8")
        lines = text[: text.rfind("\n") + 1].splitlines(keepends=True)
        if not lines or lines[0] != head:
            raise ProblemError(f"{progress} does not hold scores of {identity}; remove it or name another")
        scores = [Score(**json.loads(line)) for line in lines[1:]]
        progress.write_text("".join(lines), encoding="utf-8")
    except (OSError, ValueError, TypeError) as error:
        raise ProblemError(f"{progress} cannot hold the scores of a run: {error}") from error
    return {(found.form, found.instance): found for found in scores}


def summary(scores: list[Score]) -> dict[str, dict[str, Any]]:
    """Figures by family; errors are taken over the answers that claim to be optimal or inaccurate."""
    return {
        family: _figures([s for s in scores if s.family == family])
        for family in dict.fromkeys(s.family for s in scores)
    }


def _figures(scores: list[Score]) -> dict[str, Any]:
    claimed = [s for s in scores if s.feasible and s.claim in SAYS_OPTIMUM]
    errors = np.array([s.relative_error for s in claimed])
    seconds = np.array([s.seconds for s in scores])
    return {
        "instances": len(scores),
        "claimed_optimal": sum(s.claim == OPTIMAL for s in scores),
        "correct": sum(s.correct for s in scores),
        "wrongly_optimal": sum(s.wrongly_optimal for s in scores),
        "wrongly_infeasible": sum(s.wrongly_infeasible for s in scores),
        "wrongly_unbounded": sum(s.wrongly_unbounded for s in scores),
        "claims": {claim: sum(s.claim == claim for s in scores) for claim in (*CLAIMS, UNKNOWN)},
        "median_relative_error": _finite(np.median(errors)) if len(errors) else None,
        "max_relative_error": _finite(errors.max()) if len(errors) else None,
        "max_token_error": _finite(max(s.token_error for s in claimed)) if claimed else None,
        "mean_seconds": float(np.exp(np.log(seconds + _SHIFT).mean()) - _SHIFT),
    }


def to_document(
    solver: str, version: str, scores: list[Score], left_out: Iterable[Instance] = ()
) -> dict[str, Any]:
    """A mapping of plain values: figures by family, of the first form, and of every form.

    Args:
        solver: what was scored.
        version: of it.
        scores: of all forms.
        left_out: instances that it was not asked, at the wish of whoever runs it; counted by family.
    """
    forms = {
        form: summary([s for s in scores if s.form == form]) for form in dict.fromkeys(s.form for s in scores)
    }
    first = next(iter(forms.values()), {})
    return {
        "solver": solver,
        "version": version,
        "families": first,
        "forms": forms,
        "left_out": dict(Counter(instance.family for instance in left_out)),
    }


def default_progress(identity: str) -> Path:
    """Where an interrupted run of this solver is kept."""
    name = "".join(c if c.isalnum() else "-" for c in identity)
    return Path(tempfile.gettempdir()) / f"cvxtoken-check-{name}.jsonl"


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def told(left_out: Iterable[Instance]) -> str:
    """The sentence of a scoreboard about the instances that were left out; empty where there are none."""
    counts = Counter(instance.family for instance in left_out)
    return "left out: " + ", ".join(f"{family} ({n})" for family, n in counts.items()) if counts else ""


def not_understood(scores: list[Score]) -> str:
    """The sentence about statuses that are not known, each named once; empty where all are."""
    first: dict[str, str] = {}
    for found in scores:
        if found.claim == UNKNOWN:
            first.setdefault(found.detail, found.instance)
    words = ", ".join(f"{word!r} (first at {where})" for word, where in first.items())
    return f"statuses that are not known, to be mended in the adapter: {words}" if words else ""


def scoreboard(scores: list[Score], left_out: Iterable[Instance] = ()) -> str:
    """Tables by form and family, with a column for each kind of claim that occurs; and what was left out."""
    parts = []
    others = [claim for claim in (*CLAIMS, UNKNOWN) if any(s.claim == claim != OPTIMAL for s in scores)]
    columns = ["instances", "solved", "correct", *(name.replace("_", " ") for name in _WRONG)]
    columns += [*(f"says {claim}" for claim in others), "median error", "worst error", "mean s"]
    for form in dict.fromkeys(s.form for s in scores):
        of_form = [s for s in scores if s.form == form]
        rows = [(family, *_row(figures, others)) for family, figures in summary(of_form).items()]
        rows.append(("all", *_row(_figures(of_form), others)))
        parts.append(f"{form}\n{table(['family', *columns], rows)}")
    return "\n\n".join([*parts, *filter(None, [told(left_out), not_understood(scores)])])


def _row(figures: dict[str, Any], others: list[str]) -> list[str]:
    def shown(value: float | None) -> str:
        return "-" if value is None else f"{value:.1e}"

    counts = [figures[name] for name in ("instances", "claimed_optimal", "correct", *_WRONG)]
    counts += [figures["claims"][claim] for claim in others]
    errors = (shown(figures["median_relative_error"]), shown(figures["max_relative_error"]))
    return [*(str(count) for count in counts), *errors, f"{figures['mean_seconds']:.3f}"]
