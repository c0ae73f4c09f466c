"""The parts that the text of every export has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from cvxtoken.formal.literals import decimal, exact
from cvxtoken.formal.numbers import EXACT, dyadic


def header(document: dict[str, Any], modules: str) -> str:
    """What the file is about, and what it needs of `formal/`."""
    return (
        f"(* {document['schema']}, sha256 {document['sha256']}: written by `cvxtoken formal`.\n"
        "   To check it: `make -C formal`, then `coqc -R formal formal FILE.v`. *)\n"
        f"From formal Require Import {modules}."
    )


def tactic(precision: int) -> str:
    """The tactic `num` for inequalities between numbers, which works in so many bits."""
    return f"Ltac num := num_in {precision}%positive."


def near(tokens: Sequence[Decimal], places: int) -> str:
    """The tactic that lets the tokens be any numbers within 2^-places of them.

    Coq would divide a decimal out wherever it stands, for as long as all the rest takes.
    """
    text = "Ltac near := cbv [tokens]"
    for l in tokens:
        low = dyadic(l, places)
        if low != l:
            high = EXACT.add(low, EXACT.divide(1, 2**places))
            text += f"; between {decimal(l)} {exact(low)} {exact(high)}"
    return text + "."


def each_of(proofs: Iterable[str]) -> str:
    """The proof of a Forall2 from one proof an element."""
    return "\n".join(
        [*(f"    apply Forall2_cons; [exact ({proof})|]." for proof in proofs), "    apply Forall2_nil."]
    )


def theorem(above: str, reaches: str, upper: str, lower: str) -> str:
    """The theorem of every export: nothing is above the upper bound, and the tokens reach the lower one."""
    return (
        f"Theorem optimum :\n  {above} /\\\n  {reaches}.\n"
        f"Proof.\n  split; [|{lower.removesuffix('.')}].\n  {upper}\nQed."
    )
