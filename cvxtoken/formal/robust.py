"""Exports of proofs about the best average of several workloads."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cvxtoken.errors import CertificateError
from cvxtoken.formal import instance
from cvxtoken.formal.allocation import attains, sizes
from cvxtoken.formal.literals import exact, listed
from cvxtoken.formal.numbers import EXACT, Numbers, around, below, bits, places, with_room
from cvxtoken.formal.script import each_of, header, near, tactic, theorem
from cvxtoken.verifier import allocation, robust
from cvxtoken.verifier.allocation import Interval

WIDE = 6  # digits beyond those of the parts, to which slopes and what is fixed are enclosed


def export(document: dict[str, Any]) -> str:
    """The file for a proof that has been checked."""
    draws, _ = robust.read_draws(document["instances"])
    tokens = [Decimal(l) for l in document["tokens"]]
    lower, upper = Decimal(document["lower"]), Decimal(document["upper"])
    R, digits = len(draws), document["digits"]

    def bounded(prices: int) -> tuple[tuple[list[Numbers], list[Column]], Decimal]:
        made = [Numbers(w, allocation.untargeted(w), tokens, digits, prices) for w in draws]
        columns, zero = (
            [Column(made, k, Decimal(end)) for k, end in enumerate(document["ends"])],
            made[0].model.zero,
        )
        total = sum((n.constant() for n in made), zero) - sum((c.least for c in columns), zero)
        return (made, columns), EXACT.subtract(EXACT.multiply(upper, R), total.high)

    (found, columns), room = with_room(bounded, digits)
    if room <= 0:
        raise CertificateError("upper is below what the draws prove at the rounded prices")
    to = places(room, len(columns) + 2 * R + 2)
    near = (
        to + WIDE + max(0, *(n.moves.adjusted() + 1 for n in found)) + max(0, *(c.steepness for c in columns))
    )
    precision = bits(near, *(max(n.model.best.high, n.Z.high, n.moves) for n in found), abs(upper))
    names = [f"W{r}_" for r in range(1, R + 1)]
    parts = [header(document, "Robust")]
    parts += [instance.workload(w, name) for w, name in zip(draws, names, strict=True)]
    parts += [
        f"Definition Ws := {listed(names)}.",
        instance.tokens(tokens),
        instance.bounds(lower, upper),
        *(drawn(name, n, near) for name, n in zip(names, found, strict=True)),
        f"Definition draws := {listed(f'd{name}' for name in names)}.",
        "\n".join(f"Definition c{k} := {c.text(to)}." for k, c in enumerate(columns, 1)),
        f"Definition cols := {listed(f'c{k}' for k in range(1, len(columns) + 1))}.",
        tactic(precision),
        *(proven(name, n) for name, n in zip(names, found, strict=True)),
        *(waves(names, found, k, near, column.proof) for k, column in enumerate(columns)),
        above(names, len(columns)),
        reached(names, found, tokens, lower),
        STATEMENT,
    ]
    return "\n\n".join(parts) + "\n"


class Column:
    """The sum of the draws' curves of one type, and a number that it is nowhere below.

    Attributes:
        place: where it is least, as `Robust.v` has it.
        least: the number.
        proof: of the lemma about them.
        steepness: digits by which an error of slopes and what is fixed grows in it.
    """

    def __init__(self, found: list[Numbers], k: int, end: Decimal) -> None:
        at, self.l = found[0].model.X.at, found[0].point[k]
        self.top, self.end = found[0].model.l_max[k], at(end)
        zero = found[0].model.zero
        curves = [(n.model.pi[k], n.model.b[k], n.offers[k]) for n in found]

        def summed(term: Any) -> Interval:
            return sum((pi * term(b, o) for pi, b, o in curves), zero)

        def slope(x: Interval) -> Interval:
            return summed(lambda b, o: o.slope - o.gain * b * (-(b * x)).exp())

        l = at(self.l)
        value = summed(lambda b, o: o.gain * (-(b * l)).exp() + o.slope * l + o.fixed)
        rising, bend = slope(l), summed(lambda b, o: o.gain * b * b * (-(b * self.end)).exp())
        if self.l == 0 and rising.low >= 0:
            self.place, self.least, holds = "AtZero", value, "lra | num"
        elif self.l == self.top.low and rising.high <= 0:
            self.place, self.least, holds = "AtCap", value, "lra | num"
        else:
            self.place = f"(Between {exact(end)})"
            beyond = "left; lra" if end == self.top.low else "right; num"
            holds = f"lra | split; [num | {beyond}]"
            size = at(max(abs(rising.low), abs(rising.high)))
            self.least = value - size * size / (bend + bend)
        self.proof = f"split; [split; [{holds}] | num]."
        self.steepness = max(0, self.top.high.adjusted() + 2)

    def text(self, to: int) -> str:
        """The record in `Robust.v`, the number to so many decimal places."""
        x = exact(below(self.least, to))
        return f"Column {exact(self.l)} {exact(self.top.low)} {self.place} {x}"


def drawn(name: str, n: Numbers, near: int) -> str:
    """A draw with its prices."""
    prices = listed(f"Price {exact(o.z)} {exact(o.v)}" for o in n.offers)
    low, high = map(exact, around(n.Z, near))
    form, _ = instance.form(n.w, name)
    return (
        f"Definition ps{name} := {prices}.\n"
        f"Definition d{name} := Draw {name} {form} {exact(n.z0.low)} ps{name} {low} {high}."
    )


def proven(name: str, n: Numbers) -> str:
    """That a draw is held to the rules and has its law, and where its coupling lies."""
    _, obeys = instance.form(n.w, name)
    return (
        f"{instance.proper(name)}\n"
        f"Lemma good_{name} : good_draw d{name}.\n"
        f"Proof. apply Good_draw; [exact proper_{name} | exact {obeys} | reflexivity | num]. Qed."
    )


def waves(names: list[str], found: list[Numbers], k: int, near: int, proof: str) -> str:
    """The curves of one type in all draws, and the lemma about their sum."""
    lines, curves, held, given = [], [], [], []
    for r, (name, n) in enumerate(zip(names, found, strict=True), 1):
        o, pi = n.offers[k], n.model.pi[k]
        limits = [exact(x) for part in (o.slope, o.fixed) for x in around(pi * part, near)]
        price = f"(Price {exact(o.z)} {exact(o.v)})"
        lines += [
            f"Lemma wave{r}_{k + 1} : forall Z, d_low d{name} <= Z <= d_high d{name} -> "
            f"wave_in {' '.join(limits)} d{name} {name}{k + 1} {price} Z.",
            "Proof. intros Z. open. intro H. repeat split; num. Qed.",
        ]
        s_low, s_high, f_low, f_high = limits
        gain = f"(prior {name}{k + 1} * (alpha {name} * A {name}{k + 1}))"
        curves.append(f"Wave {gain} (b {name}{k + 1}) s{r} f{r}")
        held.append(f"{s_low} <= s{r} <= {s_high} /\\ {f_low} <= f{r} <= {f_high}")
        given.append(f"(wave{r}_{k + 1} Z{r} H{r})")
    variables = " ".join(f"s{r} f{r}" for r in range(1, len(names) + 1))
    pairs = " ".join(f"(S{r} & F{r})" for r in range(1, len(names) + 1))
    lines += [
        f"Lemma column{k + 1} : forall {variables},\n  {' -> '.join(held)} ->",
        f"  fits_column {listed(curves)} c{k + 1}.",
        "Proof.",
        f"  intros {variables}. open. intros {pairs}.",
        f"  {proof}",
        "Qed.",
    ]
    return "\n".join(lines)


def above(names: list[str], types: int) -> str:
    """The bound of the mean."""
    R = len(names)
    opened = " ".join(
        f"destruct (near_cons _ _ _ _ _ _ H) as (Z{r} & Zs{r} & -> & H{r} & H'); clear H; rename H' into H."
        for r in range(1, R + 1)
    )
    opened += " apply near_nil in H; subst."
    unknown = " ".join("_ _" for _ in names)
    columns = (
        f"column{k} {unknown} {' '.join(f'(wave{r}_{k} Z{r} H{r})' for r in range(1, R + 1))}"
        for k in range(1, types + 1)
    )
    good = "".join(f" apply Forall_cons; [exact good_{name}|]." for name in names)
    return "\n".join(
        [
            "Lemma above : forall ls, Forall (fun W => feasible W ls) Ws -> J_mean Ws ls <= upper_bound.",
            "Proof.",
            "  apply (certified_mean draws cols upper_bound); [discriminate | | | |].",
            f"  - cbv [draws].{good} apply Forall_nil.",
            "  - cbv [draws]. repeat (apply Forall_cons; [reflexivity|]). apply Forall_nil.",
            f"  - cbv [draws]. intros Zs H. {opened}",
            each_of(columns),
            f"  - cbv [draws]. intros Zs H. {opened}",
            f"    revert {' '.join(f'H{r}' for r in range(1, R + 1))}. open. intros. num.",
            "Qed.",
        ]
    )


def reached(names: list[str], found: list[Numbers], tokens: list[Decimal], lower: Decimal) -> str:
    """The lemmas that the tokens are feasible in all draws and reach `lower`."""
    model = found[0].model
    mean = sum((-n.model.cost(tokens) for n in found), model.zero) / model.X.at(len(found))
    known = [size for n in found for size in sizes(n.model, tokens)]
    attained = attains(mean.low, lower, known)
    lines = []
    for name in names:
        lines += [
            f"Lemma feasible_{name} : feasible {name} tokens.",
            f"Proof. split; [|num]. cbv [{name} types tokens]. each ltac:(split; num). Qed.",
        ]
    cases = "".join(f" apply Forall_cons; [exact feasible_{name}|]." for name in names)
    lines += [
        "Lemma feasible_tokens : Forall (fun W => feasible W tokens) Ws.",
        f"Proof. cbv [Ws].{cases} apply Forall_nil. Qed.",
        near(tokens, attained),
        "Lemma reached : lower_bound <= J_mean Ws tokens.",
        f"Proof. near. num_in {attained}%positive. Qed.",
    ]
    return "\n".join(lines)


STATEMENT = theorem(
    "(forall ls, Forall (fun W => feasible W ls) Ws -> J_mean Ws ls <= upper_bound)",
    "Forall (fun W => feasible W tokens) Ws /\\ lower_bound <= J_mean Ws tokens",
    "exact above.",
    "exact (conj feasible_tokens reached).",
)
