"""The text of an instance, its targets and its allocation: what an export is about."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import inf
from typing import Any

from cvxtoken.formal.literals import decimal, exact, harmless, listed
from cvxtoken.verifier.allocation import LIMITS, MEMORY

COLUMNS = (
    *("prior", "accuracy_gain", "saturation_rate", "base_accuracy", "overhead", "time_per_token"),
    *("deviation", "deviation_per_token", "prompt_tokens", "max_tokens"),
)
FEASIBLE = (
    "Lemma feasible_tokens : feasible W tokens.\n"
    "Proof. split; [|num]. cbv [W types tokens map]. each ltac:(split; num). Qed."
)


def workload(w: dict[str, Any], name: str = "W") -> str:
    """Definitions of the types, `name`1, `name`2 and so on, and of the workload of that name."""
    lines = []
    for k, called in enumerate(w["names"]):
        values = [w[field][k] for field in COLUMNS]
        shown = " ".join(f"{field} {value!r}" for field, value in zip(COLUMNS, values, strict=True))
        lines += [f"(* {harmless(called)}: {shown} *)"]
        lines += [f"Definition {name}{k + 1} := Type_ {' '.join(map(exact, values))}."]
    types = listed(f"{name}{k + 1}" for k in range(len(w["names"])))
    rate = w["arrival_rate"] / w["server"]["replicas"]  # at one replica, as the certificate has it
    lines += [f"(* arrival_rate at one replica {rate!r}, accuracy_weight {w['accuracy_weight']!r} *)"]
    lines += [f"Definition {name} := Workload {types} {exact(rate)} {exact(w['accuracy_weight'])} {law(w)}."]
    return "\n".join(lines)


def law(w: dict[str, Any]) -> str:
    """The server."""
    server = w["server"]
    if server["kind"] == "fifo":
        return "OneAtATime"
    return f"(Shares {exact(server['sigma'])} {exact(server['overhead'])})"


def form(w: dict[str, Any], name: str = "W") -> tuple[str, str]:
    """The law's form in Coq, and the proof that it is one; `num` is the tactic for numbers."""
    server = w["server"]
    if server["kind"] == "fifo":
        return "fifo", f"(obeys_fifo {name} eq_refl)"
    sigma, sigma0 = exact(server["sigma"]), exact(server["overhead"])
    if server["sigma"] == 0:
        return f"(flat {name} {sigma0})", f"(obeys_flat {name} {sigma0} eq_refl)"
    proof = f"(obeys_sharing {name} {sigma} {sigma0} eq_refl ltac:(num) ltac:(num) ltac:(num))"
    return f"(sharing {name} {sigma} {sigma0})", proof


def targets(document: dict[str, Any], names: Sequence[str]) -> str:
    """The definition of the targets `T`."""
    stated = document["targets"]
    goal = {"trade-off": "TradeOff", "accuracy": "AccuracyAlone"}[stated["objective"]]
    limits = [limit(stated.get(field, inf)) for field in (*LIMITS, MEMORY)]
    least = stated.get("min_accuracy", {})
    floors = listed(exact(least.get(name, 0.0)) for name in names)
    rows = listed(f"({listed(map(exact, row[:-1]))}, {exact(row[-1])})" for row in stated.get("linear", []))
    shown = "; ".join(
        f"{key} {value!r}" for key, value in stated.items() if key not in ("min_accuracy", "linear")
    )
    return f"(* {shown} *)\nDefinition T := Targets {goal} {' '.join(limits)} {floors} {rows}."


def limit(number: float) -> str:
    """A limit or none."""
    return "None" if number == inf else f"(Some {exact(number)})"


def tokens(numbers: Sequence[Decimal]) -> str:
    """The definition of the allocation `tokens`."""
    return f"Definition tokens := {listed(map(decimal, numbers))}."


def bounds(lower: Decimal, upper: Decimal) -> str:
    """The definitions of the certificate's two bounds."""
    return f"Definition lower_bound := {decimal(lower)}.\nDefinition upper_bound := {decimal(upper)}."


def proper(name: str = "W") -> str:
    """The lemma that a workload is held to the rules."""
    proof = f"split; [|split; num]. cbv [{name} types]. each ltac:(repeat split; num)"
    return f"Lemma proper_{name} : proper {name}.\nProof. {proof}. Qed."
