"""Exports of proofs about schedules, by the volume bound."""

from __future__ import annotations

from typing import Any

from cvxtoken.errors import CertificateError
from cvxtoken.formal.literals import listed
from cvxtoken.formal.script import header, theorem
from cvxtoken.verifier import schedule


def export(document: dict[str, Any]) -> str:
    """The file for a proof that has been checked (CertificateError: it is not by the volume bound)."""
    kind = document["proof"]["kind"]
    if kind != "volume":
        raise CertificateError(f"the proof is by {kind}; exports of schedules are of proofs by volume")
    requests, memory, _ = schedule.read_instance(document["instance"])
    starts = document["starts"]
    rounds = max(start + o for (_, _, o), start in zip(requests, starts, strict=True))
    given = listed(f"Request {a} {s} {o}" for a, s, o in requests)
    parts = [
        f"{header(document, 'Volume')}\nFrom Coq Require Import List ZArith.\nImport ListNotations.\n"
        "Open Scope Z_scope.",
        f"Definition memory := {memory}.\nDefinition requests := {given}.",
        f"Definition starts := {listed(map(str, starts))}.",
        f"Definition lower_bound := {document['lower']}.\nDefinition upper_bound := {document['upper']}.",
        "Lemma within : fits memory (combine requests starts).\n"
        f"Proof. apply (fits_by_rounds {rounds}%nat). vm_compute. reflexivity. Qed.",
        f"Lemma enough : lower_bound <= volume_bound memory requests {rounds}%nat.\n"
        "Proof. vm_compute. discriminate. Qed.",
        PROOF.replace("ROUNDS", f"{rounds}%nat"),
        theorem(
            ABOVE,
            "fits memory (combine requests starts) /\\ latency (combine requests starts) = upper_bound",
            "exact above.",
            "split; [exact within | vm_compute; reflexivity].",
        ),
    ]
    return "\n\n".join(parts) + "\n"


ABOVE = (
    "(forall others, length others = length requests ->\n"
    "    fits memory (combine requests others) -> lower_bound <= latency (combine requests others))"
)
PROOF = f"""Lemma above : {ABOVE[1:-1]}.
Proof.
  intros others E H. apply Z.le_trans with (1 := enough). pose proof (volume_below memory _ H ROUNDS) as B.
  rewrite (firsts _ _ E) in B. exact B.
Qed."""
