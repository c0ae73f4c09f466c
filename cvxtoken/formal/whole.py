"""Exports of proofs about whole tokens."""

from __future__ import annotations

from bisect import bisect_left
from decimal import ROUND_DOWN, Decimal
from itertools import pairwise, product
from math import prod
from typing import Any, NamedTuple

from cvxtoken.errors import CertificateError
from cvxtoken.formal import instance
from cvxtoken.formal.allocation import attains
from cvxtoken.formal.literals import decimal, listed
from cvxtoken.formal.numbers import EXACT, around, below, bits, places
from cvxtoken.formal.script import each_of, header, tactics, theorem
from cvxtoken.verifier import allocation
from cvxtoken.verifier.allocation import Interval, Model

MOST = 60  # allocations of a cell that are compared one by one
SURELY = Decimal("1.01")  # times what a bound falls short by, an excess rules a number out


def export(document: dict[str, Any]) -> str:
    """The file for a proof that has been checked (CertificateError: too many allocations are left)."""
    w, _ = allocation.read_instance(document["instance"])
    lower, upper = Decimal(document["lower"]), Decimal(document["upper"])
    tokens = [Decimal(l) for l in document["tokens"]]
    model = Model(w, allocation.untargeted(w), allocation.arithmetic(document["digits"] + 40))
    size = len(tokens)
    z, v = ([Decimal(x) for x in document.get(name, ["0"] * size)] for name in ("z", "v"))
    point = Point(model, z, v, Decimal(document.get("z0", "0")))
    edges = [Decimal(edge) for edge in document["edges"]]
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
    l = list(map(model.X.at, tokens))
    sizes = [model.best.high, abs(lower), (model.X.at(1) / model.idle(l)).high]
    own = " ".join([instance.type_names(w), *(f"p{k}" for k in range(1, size + 1)), "prices L z0"])
    parts = [
        header(document, "Whole"),
        instance.workload(w),
        f"Definition tokens := map IZR [{'; '.join(document_tokens(tokens))}]%Z.",
        instance.bounds(lower, upper),
        "\n".join(
            f"Definition p{k} := Price {decimal(z_k)} {decimal(v_k)}."
            for k, (z_k, v_k) in enumerate(pairs, 1)
        ),
        f"Definition prices := {prices}.\nDefinition L := {form}.\nDefinition z0 := {decimal(point.z0.low)}.",
        tactics(own, precision, "open_whole"),
        instance.proper(),
        f"Lemma obeys_L : obeys W L.\nProof. exact {obeys}. Qed.",
        f"Definition near Z := {decimal(low)} <= Z <= {decimal(high)}.",
        "Lemma Z_near : near (coupling L W z0 prices).\nProof. unfold near. num. Qed.",
        instance.FEASIBLE,
        "Lemma reached : lower_bound <= J W tokens.\n"
        f"Proof. num_in {attains((-model.cost(tokens)).low, lower, sizes)}%positive. Qed.",
        boxes(w),
        *(cell.text(i, to) for i, cell in enumerate(cells, 1)),
        covered(edges, size),
        STATEMENT,
    ]
    return "\n\n".join(parts) + "\n"


def document_tokens(tokens: list[Decimal]) -> list[str]:
    """Whole numbers as Coq reads them."""
    return [str(int(l)) for l in tokens]


class Point:
    """The prices that all cells have, and what follows from them."""

    def __init__(self, model: Model, z: list[Decimal], v: list[Decimal], z0: Decimal) -> None:
        at, law = model.X.at, model.law
        self.model, self.z, self.v, self.z0 = model, list(map(at, z)), list(map(at, v)), at(z0)
        self.Z = law.square * model.mean_square(self.z, self.v) + law.constant * self.z0 * self.z0
        half = model.lam * self.Z * model.half
        self.y1 = at(1) - model.lam * (law.overhead_share - law.token_share) * model.T0
        self.P = law.direct + law.token_share * model.lam * half
        self.base = law.offset + model.lam * law.constant * self.z0 - self.y1 * half


class Value(NamedTuple):
    """H at a whole number, its slope over pi, and the tangents' e and w, of t and of s."""

    l: int
    h: Interval
    slope: Interval
    e: Interval
    w: Interval
    e2: Interval
    w2: Interval

    def mark(self, x: str) -> str:
        """The record in `Whole.v` for a number x that h is not below."""
        ends = " ".join(decimal(end.low) for end in (self.e, self.w, self.e2, self.w2))
        return f"(Mark {ends} {self.l} {x})"


class Function:
    """The h of one type in a cell, for one nu, from below by tangents of its squares."""

    def __init__(self, point: Point, k: int, low: Decimal, high: Decimal, nu: Decimal) -> None:
        model, at = point.model, point.model.X.at
        self.model, self.k, self.edges = model, k, (at(low), at(high))
        self.z, self.v = point.z[k], point.v[k]
        square = model.lam * model.law.square
        self.of_time, self.of_deviation = point.P + square * self.z + at(nu), square * self.v
        self.weight = square / self.edges[1]
        self.s0, self.s1 = (model.s0[k], model.s1[k]) if model.is_random else (model.zero, model.zero)

    def at(self, l: int) -> Value:
        """What is known of it there."""
        model, k, x = self.model, self.k, self.model.X.at(l)
        t, s = model.t0[k] + model.c[k] * x, self.s0 + self.s1 * x
        (e, w, square), (e2, w2, square2) = self.tangent(t, self.z), self.tangent(s, self.v)
        decay = model.alpha * model.A[k] * (-(model.b[k] * x)).exp()
        value = decay + self.of_time * t + self.of_deviation * s
        value += self.weight * model.half * (square + square2)
        slope = self.of_time * model.c[k] + self.of_deviation * self.s1 - model.b[k] * decay
        slope += self.weight * (e * model.c[k] + e2 * self.s1)
        return Value(l, model.pi[k] * value, slope, e, w, e2, w2)

    def tangent(self, t: Interval, z: Interval) -> tuple[Interval, Interval, Interval]:
        """Of (t - z y)^2: e, w and 2 e (t - z w) - e^2, e the distance of t from all z y, or nearly."""
        at, (low, high) = self.model.X.at, self.edges
        for edge, away in ((high, t - z * high), (low, z * low - t)):
            if away.low > 0:
                distance = t - z * edge
                e = at(distance.low.quantize(Decimal(1).scaleb(-20), ROUND_DOWN, EXACT))
                return e, edge, e * (distance + distance) - e * e
        return self.model.zero, high, self.model.zero

    def rises(self, top: int) -> int:
        """The least whole number from which on it does not fall; top + 1 where it falls to the end."""
        return bisect_left(range(top + 1), True, key=lambda l: self.at(l).slope.low >= 0)


def side(e: Interval) -> str:
    """The proof that a tangent is at the right end of a cell for its sign."""
    return f"{'left' if e.low >= 0 else 'right'}; split; [lra | reflexivity]"


class Bound:
    """The bound of a cell by one nu.

    Attributes:
        sides: per type the two numbers between which h is least; one is missing at an end.
        floors: per type a number that h is not below.
        above: no J is above this less the sum of the h.
        spare: how far the bound is above the one to prove.
    """

    def __init__(self, cell: Cell, nu: Decimal) -> None:
        point, model = cell.point, cell.point.model
        at, rate = model.X.at, model.lam * model.law.token_share
        self.nu, self.w = nu, cell.low if nu >= 0 else cell.high
        self.h = [Function(point, k, cell.low, cell.high, nu) for k in range(len(model.pi))]
        self.sides: list[tuple[Value | None, Value | None]] = []
        for h, top in zip(self.h, cell.tops, strict=True):
            q = h.rises(top)
            self.sides.append((h.at(q - 1) if q > 0 else None, h.at(q) if q <= top else None))
        self.floors = [min(v.h.low for v in pair if v is not None) for pair in self.sides]
        adds = at(nu) * (point.y1 - at(self.w)) / rate if nu else model.zero
        self.above = model.best - point.base + adds
        self.spare = EXACT.subtract(self.above.high, cell.upper) - sum(self.floors, Decimal(0))

    def reach(self, k: int, top: int) -> tuple[int, int]:
        """The least and the largest number of a type that this bound does not surely rule out."""
        (left, right), enough, low, high = self.sides[k], self.spare * SURELY, 0, top
        if left is not None:
            low = bisect_left(range(left.l + 1), True, key=lambda l: self.excess(k, l) <= enough)
        if right is not None:
            beyond = range(right.l, top + 1)
            high = right.l - 1 + bisect_left(beyond, True, key=lambda l: self.excess(k, l) > enough)
        return low, high

    def excess(self, k: int, l: int) -> Decimal:
        """By how much h of a type is above its floor."""
        return EXACT.subtract(self.h[k].at(l).h.low, self.floors[k])


class Cell:
    """The whole allocations with low <= y <= high.

    Attributes:
        bounds: those that are used.
        kept: per type the least and the largest number that may be better, each with the bound that rules
            out what is beyond, by its place in `bounds`; empty where one bound closes the cell.
        margin: the least by which anything is ruled out.
    """

    def __init__(
        self,
        point: Point,
        edges: tuple[Decimal, Decimal],
        nus: list[Decimal],
        tokens: list[Decimal],
        upper: Decimal,
    ) -> None:
        self.point, (self.low, self.high), self.upper = point, edges, upper
        self.tops = [int(top.low) for top in point.model.l_max]
        found = [Bound(self, nu) for nu in nus]
        best = min(found, key=lambda bound: bound.spare)
        self.bounds, self.margin = [best], -best.spare
        self.kept: list[tuple[tuple[int, int | None], tuple[int, int | None]]] = []
        if best.spare < 0:
            return
        ranges = [self.range(found, k) for k in range(len(tokens))]
        used = sorted({j for row in ranges for _, j in row if j is not None})
        self.bounds = [found[j] for j in used]
        place = {j: i for i, j in enumerate(used)}
        for k, ((first, i), (last, j)) in enumerate(ranges):
            for l, by in ((first - 1, i), (last + 1, j)):
                if by is not None:
                    rules_out = found[by].excess(k, l) - found[by].spare
                    self.margin = rules_out if self.margin < 0 else min(self.margin, rules_out)
            known = [None if by is None else place[by] for by in (i, j)]
            self.kept.append(((first, known[0]), (last, known[1])))
        if prod(last - first + 1 for (first, _), (last, _) in self.kept) > MOST:
            raise CertificateError(f"more than {MOST} allocations of a cell would have to be compared")

    def range(self, found: list[Bound], k: int) -> tuple[tuple[int, int | None], tuple[int, int | None]]:
        """The least and the largest number of type k that no bound rules out, and the bounds that do."""
        first: tuple[int, int | None] = (0, None)
        last: tuple[int, int | None] = (self.tops[k], None)
        for j, bound in enumerate(found):
            low, high = bound.reach(k, self.tops[k])
            first = max(first, (low, j), key=lambda pair: pair[0])
            last = min(last, (high, j), key=lambda pair: pair[0])
        if first[0] == 0:
            first = (0, None)
        if last[0] == self.tops[k]:
            last = (self.tops[k], None)
        return first, last

    def text(self, i: int, to: int) -> str:
        """The lemmas of the cell, the last of which is about all its allocations."""
        lemmas = [line for j, bound in enumerate(self.bounds) for line in self.floors(f"{i}_{j}", bound, to)]
        size = len(self.tops)
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
        if not self.kept:
            return "\n".join([*lemmas, *proof, *self.ruled_out(f"{i}_0", self.bounds[0], to, {}), "Qed."])
        for k, ((first, left), (last, right)) in enumerate(self.kept):
            for j, l, cut in ((left, first - 1, f"n{k + 1} {first}"), (right, last + 1, f"{last} n{k + 1}")):
                if j is None:
                    continue
                name, value = f"{'left' if l < first else 'right'}{i}_{k + 1}", self.bounds[j].h[k].at(l)
                x = decimal(below(value.h, to))
                lemmas += self.marked(name, self.bounds[j], k, value, x, l > last)
                proof.append(f"  destruct (Z_lt_le_dec {cut}) as [C|C]; [|rename C into C{l > last:d}{k}].")
                other = {k: (x, f"{name} _ _ n{k + 1} Z_near Hy ltac:(lia)")}
                proof += ["  {", *self.ruled_out(f"{i}_{j}", self.bounds[j], to, other), "  }"]
        parted = ""
        for k, ((first, _), (last, _)) in enumerate(self.kept, 1):
            cases = " \\/ ".join(f"n{k} = {l}%Z" for l in range(first, last + 1))
            proof.append(f"  assert (E{k} : {cases}) by lia.")
            if last > first:
                parted += f"destruct E{k} as [{'|'.join([f'E{k}'] * (last - first + 1))}]; "
        numbers = [range(first, last + 1) for (first, _), (last, _) in self.kept]
        names = []
        for n, chosen in enumerate(product(*numbers)):
            names.append(f"kept{i}_{n}")
            lemmas += self.compared(names[-1], list(map(Decimal, chosen)))
        tried = " | ".join(f"exact {name} | exact (False_ind _ ({name} Hy))" for name in names)
        goals = f"  {parted}subst; first [{tried}]."
        return "\n".join([*lemmas, *proof, goals, "Qed."])

    def holds(self, y: str) -> str:
        """That a term lies in the cell."""
        return f"{decimal(self.low)} <= {y} <= {decimal(self.high)}"

    def floors(self, name: str, bound: Bound, to: int) -> list[str]:
        """That no h is below its floor, and what is fixed in the bound."""
        lines = []
        for k, ((left, right), floor) in enumerate(zip(bound.sides, bound.floors, strict=True)):
            x, own, cases = decimal(below(self.point.model.X.at(floor), to)), f"{name}_{k + 1}", []
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
                f"  (0 <= n <= {self.tops[k]})%Z -> {x} <= {self.term(bound, k)}.",
                f"Proof. intros Z y n HZ Hy Hn. {split}. Qed.",
            ]
        return [
            *lines,
            f"Lemma const{name} : forall Z, near Z ->",
            "  alpha W * mean (fun k _ => A k + D k) W prices - base W L z0 Z"
            f" + {self.adds(bound)} <= {decimal(below(-bound.above, to).copy_negate())}.",
            "Proof. unfold near. intros Z H. revert H. data. open_whole. intro H. num. Qed.",
        ]

    def adds(self, bound: Bound) -> str:
        """What nu adds to the bound."""
        if not bound.nu:
            return "0"
        return f"{decimal(bound.nu)} * (y1 W L - {decimal(bound.w)}) / (lambda W * share L)"

    def term(self, bound: Bound, k: int) -> str:
        """H of a type, of Z, y and n."""
        return f"h W L Z {decimal(self.high)} {decimal(bound.nu)} y W{k + 1} p{k + 1} (IZR n)"

    def marked(self, name: str, bound: Bound, k: int, value: Value, x: str, right: bool) -> list[str]:
        """The lemma that from a number on, to the right or to the left, h is not below x."""
        where = (
            f"{decimal(self.low)} {decimal(self.high)} {decimal(bound.nu)} W{k + 1} p{k + 1} {value.mark(x)}"
        )
        return [
            f"Lemma {name} : forall Z y n, near Z -> {self.holds('y')} -> "
            f"({f'{value.l} <= n' if right else f'n <= {value.l}'})%Z -> {x} <= {self.term(bound, k)}.",
            "Proof.",
            f"  intros Z y n HZ Hy Hn. destruct signs{k + 1} as (S1 & S2 & S3 & S4 & S5).",
            f"  refine (mark_below {str(right).lower()} W L Z {where} y n _",
            "    S1 S2 S3 ltac:(num) S4 S5 Hy Hn).",
            "  revert HZ. clear. unfold near. data. open_whole. intro HZ.",
            f"  split; [{side(value.e)}|]. split; [{side(value.e2)}|]. split; num.",
            "Qed.",
        ]

    def ruled_out(self, name: str, bound: Bound, to: int, other: dict[int, tuple[str, str]]) -> list[str]:
        """The proof by one bound, with other numbers than the floors where they are given."""
        xs, proofs = [], []
        for k, floor in enumerate(bound.floors):
            own = decimal(below(self.point.model.X.at(floor), to))
            x, proof = other.get(k, (own, f"floor{name}_{k + 1} _ _ n{k + 1} Z_near Hy B{k + 1}"))
            xs.append(x)
            proofs.append(proof)
        numbers = " ".join(map(decimal, (self.low, self.high, bound.nu, bound.w)))
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
        model, given = self.point.model, f"(map IZR [{'; '.join(str(int(l)) for l in tokens)}]%Z)"
        y = model.idle(list(map(model.X.at, tokens)))
        if y.high < self.low or y.low > self.high:
            precision = bits(places(max(self.low - y.high, y.low - self.high), 1), model.best.high)
            term, below_it = f"idle W {given}", y.high < self.low
            sure = f"{term} < {decimal(self.low)}" if below_it else f"{decimal(self.high)} < {term}"
            return [
                f"Lemma {name} : {self.holds(term)} -> False.",
                f"Proof. assert ({sure}) by num_in {precision}%positive. lra. Qed.",
            ]
        J = -model.cost(tokens)
        room = EXACT.subtract(self.upper, J.high)
        if room <= 0:
            raise CertificateError("an allocation is better than upper allows")
        precision = bits(places(room, 1), model.best.high, abs(self.upper), (model.X.at(1) / y).high)
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
        lines.append(f"  destruct (Rle_or_lt {given} {decimal(edge)}) as [C{i}|C{i}];")
        lines.append(f"    [apply cell{i}; [exact Hf | split; lra]|].")
    return "\n".join([*lines, f"  apply cell{len(edges) - 1}; [exact Hf | split; lra].", "Qed."])


STATEMENT = theorem(
    "(forall ls, whole ls -> feasible W ls -> J W ls <= upper_bound)",
    "whole tokens /\\ feasible W tokens /\\ lower_bound <= J W tokens",
    "exact above.",
    "exact (conj (ex_intro _ _ eq_refl) (conj feasible_tokens reached)).",
)
