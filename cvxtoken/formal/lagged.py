"""Exports of proofs about curves with a lag."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cvxtoken.errors import CertificateError
from cvxtoken.formal import instance
from cvxtoken.formal.allocation import attains, sizes
from cvxtoken.formal.literals import exact, listed
from cvxtoken.formal.numbers import EXACT, Numbers, Offer, around, below, bits, located, places, with_room
from cvxtoken.formal.script import each_of, header, tactic, theorem
from cvxtoken.verifier import allocation, lagged
from cvxtoken.verifier.allocation import Interval

SIGNS = 100  # of the precision in which signs are seen
CHOICES = {"0": "Off", "1": "On", ".": "Free"}


def export(document: dict[str, Any]) -> str:
    """The file for a proof that has been checked."""
    w, _ = lagged.read_instance(document["instance"], document["lag"])
    tokens = [Decimal(l) for l in document["tokens"]]
    lower, upper = Decimal(document["lower"]), Decimal(document["upper"])
    leaves = [(choices(w, leaf["choices"]), leaf["point"]) for leaf in document["leaves"]]
    form, obeys = instance.form(w)
    model = allocation.Model(w, allocation.untargeted(w), allocation.arithmetic(document["digits"] + 40))
    attained = attains((-model.cost(tokens, w["lag"])).low, lower, sizes(model, tokens))
    parts = [
        header(document, "Lagged"),
        instance.workload(w),
        instance.tokens(tokens),
        f"Definition lags := {listed(map(exact, w['lag']))}.",
        instance.bounds(lower, upper),
        f"Definition L := {form}.",
        tactic(SIGNS),
        instance.proper(),
        f"Lemma obeys_L : obeys W L.\nProof. exact {obeys}. Qed.",
        instance.FEASIBLE,
        "Lemma reached : lower_bound <= J_lagged lags W tokens.\n"
        f"Proof. open. larger. num_in {attained}%positive. Qed.",
    ]
    for i, (chosen, point) in enumerate(leaves, 1):
        if point is None:
            parts.append(nothing(i, chosen))
        else:
            parts.append(leaf(i, w, [Decimal(x) for x in point], document["digits"], chosen, upper))
    parts += [covered([chosen for chosen, _ in leaves]), STATEMENT]
    return "\n\n".join(parts) + "\n"


def choices(w: dict[str, Any], text: str) -> list[str]:
    """What a leaf says of each type, in Coq's words."""
    over = (lag >= top for lag, top in zip(w["lag"], w["max_tokens"], strict=True))
    return ["Never" if never else CHOICES[choice] for choice, never in zip(text, over, strict=True)]


def leaf(
    i: int, w: dict[str, Any], point: list[Decimal], digits: int, chosen: list[str], upper: Decimal
) -> str:
    """The bound of a leaf with a point."""

    def bounded(prices: int) -> tuple[tuple[Numbers, list[tuple[str, Interval]]], Decimal]:
        made = Numbers(w, allocation.untargeted(w), point, digits, prices)
        model = made.model
        lags = list(map(model.X.at, w["lag"]))
        curves = zip(made.offers, chosen, lags, model.pi, model.b, model.l_max, strict=True)
        found = [least(*row) for row in curves]
        total = made.constant() - sum((value for _, value in found), model.zero)
        return (made, found), EXACT.subtract(upper, total.high)

    (numbers, found), room = with_room(bounded, digits)
    if room <= 0:
        raise CertificateError("upper is below what a leaf proves at the rounded prices")
    model = numbers.model
    to = places(room, len(found) + 2)
    near = to + 2 + max(0, numbers.moves.adjusted() + 1)
    low, high = map(exact, around(numbers.Z, near))
    known = [model.best.high, numbers.Z.high, numbers.moves, abs(upper)]
    precision = bits(near, *known, *(max(abs(o.fixed.high), o.gain.high) for o in numbers.offers))
    num = f"num_in {precision}%positive"
    items = [f"i{i}_{k + 1}" for k in range(len(found))]
    lines = []
    for item, o, lag, choice, (corner, value) in zip(
        items, numbers.offers, numbers.w["lag"], chosen, found, strict=True
    ):
        price = f"(Price {exact(o.z)} {exact(o.v)})"
        lines.append(
            f"Definition {item} := Late {price} {exact(lag)} {choice} {corner} {exact(below(value, to))}."
        )
    lines.append(f"Definition leaf{i} := {listed(items)}.")
    for k, item in enumerate(items, 1):
        lines += [
            f"Lemma part_{item} : forall Z, {low} <= Z <= {high} -> part_late W L Z W{k} {item}.",
            f"Proof. intros Z. open. intro H. repeat split; {num}. Qed.",
        ]
    z0, allowed = exact(numbers.z0.low), f"allowed lags {listed(chosen)} ls"
    lines += [
        f"Lemma above{i} : forall ls, feasible W ls -> {allowed} -> J_lagged lags W ls <= upper_bound.",
        "Proof.",
        f"  intros ls Hf Ha. apply (certified_leaf W L {z0} leaf{i} {low} {high}); "
        "[exact proper_W | exact obeys_L | reflexivity | | | | exact Hf | exact Ha].",
        f"  - {num}.",
        f"  - intros Z H. cbv [W types leaf{i}].",
        each_of(f"part_{item} Z H" for item in items),
        f"  - intros Z. open. intro H. {num}.",
        "Qed.",
    ]
    return "\n".join(lines)


def least(
    o: Offer,
    choice: str,
    lag: Interval,
    pi: Interval,
    b: Interval,
    top: Interval,
) -> tuple[str, Interval]:
    """Where a curve is least above the lag; and what the type adds to the bound, by what it may do."""
    off = pi * (o.fixed + o.gain)
    if choice in ("Off", "Never"):
        return "Zero", off
    corner, value = located(o.gain, b, o.slope, top - lag)
    on = pi * (o.fixed + o.slope * lag + value)
    return corner, on if choice == "On" or on.low <= off.low else off


def nothing(i: int, chosen: list[str]) -> str:
    """That a leaf without a point leaves nothing stable."""
    return (
        f"Lemma above{i} : forall ls, feasible W ls -> allowed lags {listed(chosen)} ls -> "
        "J_lagged lags W ls <= upper_bound.\nProof.\n"
        f"  intros ls Hf Ha. exfalso. apply (unstable W L lags {listed(chosen)} ls); "
        "[exact proper_W | exact obeys_L | num | reflexivity | reflexivity | | exact Hf | exact Ha].\n"
        "  num.\nQed."
    )


def covered(leaves: list[list[str]]) -> str:
    """That the leaves cover all allocations."""
    cases = "".join(f"    apply Forall_cons; [exact above{i}|].\n" for i in range(1, len(leaves) + 1))
    return (
        f"Definition leaves := {listed(map(listed, leaves))}.\n"
        "Lemma above_all : forall ls, feasible W ls -> J_lagged lags W ls <= upper_bound.\n"
        "Proof.\n"
        "  apply (certified_late W lags leaves);\n"
        "    [reflexivity | vm_compute; reflexivity | repeat constructor |].\n"
        f"  cbv [leaves].\n{cases}    apply Forall_nil.\nQed."
    )


STATEMENT = theorem(
    "(forall ls, feasible W ls -> J_lagged lags W ls <= upper_bound)",
    "feasible W tokens /\\ lower_bound <= J_lagged lags W tokens",
    "exact above_all.",
    "exact (conj feasible_tokens reached).",
)
