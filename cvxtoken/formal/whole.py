"""Exports of proofs about whole tokens."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise, product
from typing import Any

from cvxtoken.errors import CertificateError
from cvxtoken.formal import instance
from cvxtoken.formal.allocation import attains, sizes
from cvxtoken.formal.cells import Bound, Cell, Point, Value
from cvxtoken.formal.literals import exact, listed
from cvxtoken.formal.numbers import EXACT, around, below, bits, dyadic, places
from cvxtoken.formal.script import each_of, header, tactic, theorem
from cvxtoken.verifier import allocation
from cvxtoken.verifier.allocation import Interval, Model

EDGES = 64  # binary places of the edges of cells


def export(document: dict[str, Any]) -> str:
    """The file for a proof that has been checked (CertificateError: too many allocations are left)."""
    w, _ = allocation.read_instance(document["instance"])
    lower, upper = Decimal(document["lower"]), Decimal(document["upper"])
    tokens = [Decimal(l) for l in document["tokens"]]
    model = Model(w, allocation.untargeted(w), allocation.arithmetic(document["digits"] + 40))
    size = len(tokens)
    z, v = ([Decimal(x) for x in document.get(name, ["0"] * size)] for name in ("z", "v"))
    point = Point(model, z, v, Decimal(document.get("z0", "0")))
    edges = [dyadic(Decimal(edge), EDGES) for edge in document["edges"]]
    cells = [
        Cell(point, edges_of, [Decimal(nu) for nu in nus], tokens, upper)
        for edges_of, nus in zip(pairwise(edges), document["multipliers"], strict=True)
    ]
    form, obeys = instance.form(w)
    least = min(cell.margin for cell in cells)
    to = places(least, size + 4)
    near = to + 2 + max(0, point.Z.high.adjusted() + 1)
    low, high = around(point.Z, near)
    precision = bits(
        near, model.best.high, point.Z.high, abs(upper), *(model.alpha.high * A.high for A in model.A)
    )
    prices = listed(f"p{k}" for k in range(1, size + 1))
    pairs = zip(z, v, strict=True)
    attained = attains((-model.cost(tokens)).low, lower, sizes(model, tokens))
    parts = [
        header(document, "Whole"),
        instance.workload(w),
        f"Definition tokens := map IZR [{'; '.join(document_tokens(tokens))}]%Z.",
        instance.bounds(lower, upper),
        "\n".join(
            f"Definition p{k} := Price {exact(z_k)} {exact(v_k)}." for k, (z_k, v_k) in enumerate(pairs, 1)
        ),
        f"Definition prices := {prices}.\nDefinition L := {form}.\nDefinition z0 := {exact(point.z0.low)}.",
        tactic(precision),
        instance.proper(),
        f"Lemma obeys_L : obeys W L.\nProof. exact {obeys}. Qed.",
        f"Definition near Z := {exact(low)} <= Z <= {exact(high)}.",
        "Lemma Z_near : near (coupling L W z0 prices).\nProof. num. Qed.",
        instance.FEASIBLE,
        f"Lemma reached : lower_bound <= J W tokens.\nProof. num_in {attained}%positive. Qed.",
        boxes(w),
        *(CellText(cell, i, to).text() for i, cell in enumerate(cells, 1)),
        covered(edges, size),
        STATEMENT,
    ]
    return "\n\n".join(parts) + "\n"


def document_tokens(tokens: list[Decimal]) -> list[str]:
    """Whole numbers as Coq reads them."""
    return [str(int(l)) for l in tokens]


def side(e: Interval) -> str:
    """The proof that a tangent is at the right end of a cell for its sign."""
    return f"{'left' if e.low >= 0 else 'right'}; split; [lra | reflexivity]"


class CellText:
    """The lemmas of the i-th cell, all numbers in them to so many decimal places."""

    def __init__(self, cell: Cell, i: int, to: int) -> None:
        self.cell, self.i, self.to = cell, i, to

    def text(self) -> str:
        """The lemmas of the cell, the last of which is about all its allocations."""
        i, size = self.i, len(self.cell.tops)
        lemmas = [line for j, bound in enumerate(self.cell.bounds) for line in self.floors(f"{i}_{j}", bound)]
        ns = [f"n{k}" for k in range(1, size + 1)]
        given = f"(map IZR {listed(ns)})"
        proof = [
            f"Lemma cell{i} : forall {' '.join(ns)}, feasible W {given} ->",
            f"  {self.holds(f'idle W {given}')} -> J W {given} <= upper_bound.",
            "Proof.",
            f"  intros {' '.join(ns)} Hf Hy. pose proof (proj1 Hf) as Hl. cbv [W types map] in Hl.",
        ]
        for k in range(1, size + 1):
            proof.append(f"  destruct (head_of _ _ _ _ _ _ _ Hl) as (B & Hm); apply box{k} in B.")
            proof.append(f"  rename B into B{k}; clear Hl; rename Hm into Hl.")
        if not self.cell.kept:
            return "\n".join([*lemmas, *proof, *self.ruled_out(f"{i}_0", self.cell.bounds[0], {}), "Qed."])
        for k, ((first, left), (last, right)) in enumerate(self.cell.kept):
            for j, l, cut in ((left, first - 1, f"n{k + 1} {first}"), (right, last + 1, f"{last} n{k + 1}")):
                if j is None:
                    continue
                name, value = f"{'left' if l < first else 'right'}{i}_{k + 1}", self.cell.bounds[j].h[k].at(l)
                x = self.rounded(value.h)
                lemmas += self.marked(name, self.cell.bounds[j], k, value, x, l > last)
                proof.append(f"  destruct (Z_lt_le_dec {cut}) as [C|C]; [|rename C into C{l > last:d}{k}].")
                other = {k: (x, f"{name} _ _ n{k + 1} Z_near Hy ltac:(lia)")}
                proof += ["  {", *self.ruled_out(f"{i}_{j}", self.cell.bounds[j], other), "  }"]
        parted = ""
        for k, ((first, _), (last, _)) in enumerate(self.cell.kept, 1):
            cases = " \\/ ".join(f"n{k} = {l}%Z" for l in range(first, last + 1))
            proof.append(f"  assert (E{k} : {cases}) by lia.")
            if last > first:
                parted += f"destruct E{k} as [{'|'.join([f'E{k}'] * (last - first + 1))}]; "
        numbers = [range(first, last + 1) for (first, _), (last, _) in self.cell.kept]
        names = []
        for n, chosen in enumerate(product(*numbers)):
            names.append(f"kept{i}_{n}")
            lemmas += self.compared(names[-1], list(map(Decimal, chosen)))
        tried = " | ".join(f"exact {name} | exact (False_ind _ ({name} Hy))" for name in names)
        goals = f"  {parted}subst; first [{tried}]."
        return "\n".join([*lemmas, *proof, goals, "Qed."])

    def rounded(self, value: Interval) -> str:
        """A number that is surely below."""
        return exact(below(value, self.to))

    def holds(self, y: str) -> str:
        """That a term lies in the cell."""
        return f"{exact(self.cell.low)} <= {y} <= {exact(self.cell.high)}"

    def floors(self, name: str, bound: Bound) -> list[str]:
        """That no h is below its floor, and what is fixed in the bound."""
        lines = []
        for k, ((left, right), floor) in enumerate(zip(bound.sides, bound.floors, strict=True)):
            x, own, cases = self.rounded(self.cell.point.model.X.at(floor)), f"{name}_{k + 1}", []
            for side, value in (("l", left), ("r", right)):
                if value is not None:
                    lines += self.marked(f"{side}{own}", bound, k, value, x, side == "r")
                    cases.append(f"exact ({side}{own} Z y n HZ Hy ltac:(lia))")
            split = (
                f"destruct (Z_lt_le_dec n {right.l}) as [C|C]; [{' | '.join(cases)}]"
                if left and right
                else cases[0]
            )
            lines += [
                f"Lemma floor{own} : forall Z y n, near Z -> {self.holds('y')} ->",
                f"  (0 <= n <= {self.cell.tops[k]})%Z -> {x} <= {self.term(bound, k)}.",
                f"Proof. intros Z y n HZ Hy Hn. {split}. Qed.",
            ]
        return [
            *lines,
            f"Lemma const{name} : forall Z, near Z ->",
            "  alpha W * mean (fun k _ => A k + D k) W prices - base W L z0 Z"
            f" + {self.adds(bound)} <= {exact(below(-bound.above, self.to).copy_negate())}.",
            "Proof. intros Z. open. intro H. num. Qed.",
        ]

    def adds(self, bound: Bound) -> str:
        """What nu adds to the bound."""
        if not bound.nu:
            return "0"
        return f"{exact(bound.nu)} * (y1 W L - {exact(bound.w)}) / (lambda W * share L)"

    def term(self, bound: Bound, k: int) -> str:
        """H of a type, of Z, y and n."""
        return f"h W L Z {exact(self.cell.high)} {exact(bound.nu)} y W{k + 1} p{k + 1} (IZR n)"

    def marked(self, name: str, bound: Bound, k: int, value: Value, x: str, right: bool) -> list[str]:
        """The lemma that from a number on, to the right or to the left, h is not below x."""
        numbers = " ".join(map(exact, (self.cell.low, self.cell.high, bound.nu)))
        where = f"{numbers} W{k + 1} p{k + 1} {value.mark(x)}"
        return [
            f"Lemma {name} : forall Z y n, near Z -> {self.holds('y')} -> "
            f"({f'{value.l} <= n' if right else f'n <= {value.l}'})%Z -> {x} <= {self.term(bound, k)}.",
            "Proof.",
            f"  intros Z y n HZ Hy Hn. destruct signs{k + 1} as (S1 & S2 & S3 & S4 & S5).",
            f"  refine (mark_below {str(right).lower()} W L Z {where} y n _",
            "    S1 S2 S3 ltac:(num) S4 S5 Hy Hn).",
            "  revert HZ. clear. open. intro HZ.",
            f"  split; [{side(value.e)}|]. split; [{side(value.e2)}|]. split; num.",
            "Qed.",
        ]

    def ruled_out(self, name: str, bound: Bound, other: dict[int, tuple[str, str]]) -> list[str]:
        """The proof by one bound, with other numbers than the floors where they are given."""
        xs, proofs = [], []
        for k, floor in enumerate(bound.floors):
            own = self.rounded(self.cell.point.model.X.at(floor))
            x, proof = other.get(k, (own, f"floor{name}_{k + 1} _ _ n{k + 1} Z_near Hy B{k + 1}"))
            xs.append(x)
            proofs.append(proof)
        numbers = " ".join(map(exact, (self.cell.low, self.cell.high, bound.nu, bound.w)))
        adds = "left; split; reflexivity" if not bound.nu else "right; split; [num | reflexivity]"
        return [
            f"  apply (ruled_out W L z0 {numbers} ({self.adds(bound)}) prices _ {listed(xs)} upper_bound",
            "    proper_W obeys_L Hf eq_refl Hy);",
            f"    [{adds} | lra | lra | |].",
            "  - cbv [combine types W prices map].",
            each_of(proofs),
            f"  - pose proof (const{name} _ Z_near) as K. cbv [fold_right upper_bound]. lra.",
        ]

    def compared(self, name: str, tokens: list[Decimal]) -> list[str]:
        """That an allocation is not better, or not of this cell."""
        model, given = self.cell.point.model, f"(map IZR [{'; '.join(str(int(l)) for l in tokens)}]%Z)"
        y = model.idle(list(map(model.X.at, tokens)))
        if y.high < self.cell.low or y.low > self.cell.high:
            precision = bits(places(max(self.cell.low - y.high, y.low - self.cell.high), 1), model.best.high)
            term, below_it = f"idle W {given}", y.high < self.cell.low
            sure = f"{term} < {exact(self.cell.low)}" if below_it else f"{exact(self.cell.high)} < {term}"
            return [
                f"Lemma {name} : {self.holds(term)} -> False.",
                f"Proof. assert ({sure}) by num_in {precision}%positive. lra. Qed.",
            ]
        J = -model.cost(tokens)
        room = EXACT.subtract(self.cell.upper, J.high)
        if room <= 0:
            raise CertificateError("an allocation is better than upper allows")
        precision = bits(places(room, 1), model.best.high, abs(self.cell.upper), (model.X.at(1) / y).high)
        return [f"Lemma {name} : J W {given} <= upper_bound.", f"Proof. num_in {precision}%positive. Qed."]


def boxes(w: dict[str, Any]) -> str:
    """What is used of every type: signs, and its range of whole numbers."""
    lines = []
    for k, top in enumerate(w["max_tokens"], 1):
        lines += [
            f"Lemma signs{k} : 0 < prior W{k} /\\ 0 < alpha W * A W{k} /\\ 0 <= lambda W * weight L "
            f"/\\ 0 <= z p{k} /\\ 0 <= v p{k}.",
            "Proof. repeat split; num. Qed.",
            f"Lemma box{k} : forall n, 0 <= IZR n <= cap W{k} -> (0 <= n <= {int(top)})%Z.",
            "Proof.",
            f"  intros n (H0 & H1). assert (H2 : cap W{k} < {int(top) + 1}) by num.",
            f"  pose proof (le_IZR 0 n H0). pose proof (lt_IZR n {int(top) + 1} (Rle_lt_trans _ _ _ H1 H2)).",
            "  lia.",
            "Qed.",
        ]
    return "\n".join(lines)


def covered(edges: list[Decimal], size: int) -> str:
    """That the cells cover all whole allocations."""
    ns = [f"n{k}" for k in range(1, size + 1)]
    given = f"(idle W (map IZR {listed(ns)}))"
    pattern = "[|more ns]"
    for n in reversed(ns):
        pattern = f"[|{n} {pattern}]"
    lines = [
        "Lemma above : forall ls, whole ls -> feasible W ls -> J W ls <= upper_bound.",
        "Proof.",
        "  intros ls (ns & ->) Hf. pose proof (same_length _ _ _ _ _ (proj1 Hf)) as E.",
        f"  rewrite map_length in E. cbv [W types] in E. destruct ns as {pattern}; try discriminate E.",
        "  pose proof (idle_below_1 W L _ proper_W obeys_L ltac:(num) ltac:(num) Hf) as Hy.",
    ]
    for i, edge in enumerate(edges[1:-1], 1):
        lines.append(f"  destruct (Rle_or_lt {given} {exact(edge)}) as [C{i}|C{i}];")
        lines.append(f"    [apply cell{i}; [exact Hf | split; lra]|].")
    return "\n".join([*lines, f"  apply cell{len(edges) - 1}; [exact Hf | split; lra].", "Qed."])


STATEMENT = theorem(
    "(forall ls, whole ls -> feasible W ls -> J W ls <= upper_bound)",
    "whole tokens /\\ feasible W tokens /\\ lower_bound <= J W tokens",
    "exact above.",
    "exact (conj (ex_intro _ _ eq_refl) (conj feasible_tokens reached)).",
)
