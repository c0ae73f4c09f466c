"""Exports of certificates of plain budgets, with targets or without."""

from __future__ import annotations

from decimal import Decimal
from math import inf
from typing import Any

from cvxtoken.errors import CertificateError
from cvxtoken.formal import instance
from cvxtoken.formal.literals import decimal, exact, listed
from cvxtoken.formal.numbers import EXACT, Numbers, around, below, bits, places, with_room
from cvxtoken.formal.script import each_of, header, near, tactic, theorem
from cvxtoken.verifier import allocation
from cvxtoken.verifier.allocation import Goal, Interval, Model


def export(document: dict[str, Any], radii: bool = False) -> str:
    """The file for a certificate that has been checked; on demand with the radii of the optimum."""
    w, digest = allocation.read_instance(document["instance"])
    goal, with_targets = allocation.untargeted(w), "targets" in document
    if with_targets:
        goal, _ = allocation.read_targets(document["targets"], document["multipliers"], w, digest)
    tokens = [Decimal(l) for l in document["tokens"]]
    lower, upper = Decimal(document["lower"]), Decimal(document["upper"])

    def bounded(prices: int) -> tuple[Numbers, Decimal]:
        made = Numbers(w, goal, tokens, document["digits"], prices)
        return made, EXACT.subtract(upper, made.upper.high)

    numbers, room = with_room(bounded, document["digits"])
    if room <= 0:
        raise CertificateError("upper is below what the dual bound at the rounded prices proves")
    parts = [
        header(document, "Instance Radii" if radii else "Instance"),
        instance.workload(w),
        instance.targets(document, w["names"]) if with_targets else "Definition T := no_targets W.",
        instance.tokens(tokens),
        instance.bounds(lower, upper),
        bound(numbers, upper, room),
        reached(numbers.model, tokens, lower, with_targets),
        statement(with_targets),
    ]
    if radii:
        parts.append(enclosed(numbers, [Decimal(r) for r in document["radii"]], EXACT.subtract(upper, lower)))
    return "\n\n".join(parts) + "\n"


def bound(numbers: Numbers, upper: Decimal, room: Decimal) -> str:
    """The prices, the multipliers, and the lemmas that make the bound `upper`."""
    model, offers = numbers.model, numbers.offers
    to = places(room, len(offers) + 2)
    least = [below(offer.bracket, to) for offer in offers]
    near = to + 2 + max(0, numbers.moves.adjusted() + 1)
    low, high = around(numbers.Z, near)
    known = [model.best.high, numbers.Z.high, numbers.moves, abs(upper)]
    precision = bits(near, *known, *(max(abs(o.fixed.high), o.gain.high) for o in offers))
    form, obeys = instance.form(numbers.w)
    named = [f"o{k + 1}" for k in range(len(offers))]
    lines = [f"Definition {name} := {o.text()}." for name, o in zip(named, offers, strict=True)]
    lines += [
        f"Definition offers := {listed(named)}.",
        f"Definition M := {multipliers(numbers.goal)}.",
        f"Definition L := {form}.",
        f"Definition z0 := {exact(numbers.z0.low)}.",
        f"Definition least_parts := {listed(map(exact, least))}.",
        f"Definition Z_low := {exact(low)}.",
        f"Definition Z_high := {exact(high)}.",
        "",
        tactic(precision),
        instance.proper(),
        f"Lemma obeys_L : obeys W L.\nProof. exact {obeys}. Qed.",
        "Lemma Z_near : Z_low <= Z_of L W z0 offers <= Z_high.\nProof. num. Qed.",
    ]
    for k, x in enumerate(least, 1):
        lines += [
            f"Lemma part{k} : forall Z, Z_low <= Z <= Z_high -> part T W L M Z W{k} o{k} {exact(x)}.",
            "Proof. intros Z. open. intro H. split; [split|]; num. Qed.",
        ]
    lines += [
        "Lemma proven : proof_of T W L M z0 offers least_parts Z_low Z_high upper_bound.",
        "Proof.",
        "  apply Proof_of; [exact proper_W | exact obeys_L | | | reflexivity | exact Z_near | |].",
        "  - repeat split; try num. cbv [M of_rows]. each ltac:(num).",
        "  - open. repeat (apply (f_equal2 cons); [lra|]). reflexivity.",
        "  - intros Z H. cbv [W types offers least_parts combine].",
        each_of(f"part{k} Z H" for k in range(1, len(least) + 1)),
        "  - intros Z. open. intro H. num.",
        "Qed.",
    ]
    return "\n".join(lines)


def multipliers(goal: Goal) -> str:
    """The multipliers of the targets."""
    return f"Multipliers {' '.join(map(exact, [*goal.upper, goal.phi]))} {listed(map(exact, goal.chi))}"


def reached(model: Model, tokens: list[Decimal], lower: Decimal, with_targets: bool) -> str:
    """The lemmas that the tokens are feasible, meet the targets and reach `lower`."""
    l = list(map(model.X.at, tokens))
    attained = attains((-model.cost(tokens)).low, lower, sizes(model, tokens))
    meets, places_of = "exact (meets_none W tokens proper_W feasible_tokens).", attained
    if with_targets:
        left = min([x.low for x in spare(model, l) if x.low > 0], default=Decimal(1))
        met = bits(
            places(left, 1),
            *sizes(model, tokens),
            *(x for x in model.goal.limits if x < inf),
            model.room.high,
        )
        each = f"each ltac:(num_in {met}%positive)"
        opened = "cbv [T W types combine least_accuracies rows]"
        meets = f"near. repeat (split; [num_in {met}%positive|]). {opened}. split; {each}."
        places_of = max(attained, met)
    return "\n".join(
        [
            near(tokens, places_of),
            instance.FEASIBLE,
            f"Lemma meets_tokens : meets T W tokens.\nProof. {meets} Qed.",
            f"Lemma reached : lower_bound <= J_of T W tokens.\nProof. near. num_in {attained}%positive. Qed.",
        ]
    )


def attains(value: Decimal, lower: Decimal, known: list[Decimal]) -> int:
    """The precision in which Coq sees that a value of J is at least `lower`."""
    room = EXACT.subtract(value, lower)
    if room <= 0:
        raise CertificateError("lower is above what the tokens attain")
    return bits(places(room, 1), abs(lower), *known)


def sizes(model: Model, tokens: list[Decimal]) -> list[Decimal]:
    """Numbers as large as those in J at the tokens."""
    return [model.best.high, (model.X.at(1) / model.idle(list(map(model.X.at, tokens)))).high]


def spare(model: Model, l: list[Interval]) -> list[Interval]:
    """By how much each target is met."""
    X, law, goal, at = model.X, model.law, model.goal, model.X.at
    times, y, load = model.times(l), model.idle(l), model.load(l)
    ES, squares = model.mean(times[0]), law.square * model.mean_square(*times) + law.constant
    shared = law.offset + model.lam * squares * model.half / y
    values = (shared + law.direct * ES, shared + (law.direct - X.at(1)) * ES, load, model.mean(l))
    left = [at(limit) - x for limit, x in zip(goal.limits, values, strict=True) if limit < inf]
    for A, D, b, x, q in zip(model.A, model.D, model.b, l, goal.floors, strict=True):
        left.append(A + D - A * (-(b * x)).exp() - at(q))
    for a, limit in goal.rows:
        left.append(at(limit) - sum((at(a_k) * x for a_k, x in zip(a, l, strict=True)), model.zero))
    if goal.memory < inf:
        held = [a * x + q * x * x * model.half for (a, q), x in zip(model.row, l, strict=True)]
        left.append(model.room - sum(held, model.zero))
    return left


def statement(with_targets: bool) -> str:
    """The theorem, with its proof from the lemmas."""
    proof = "certified T W L M z0 offers least_parts Z_low Z_high upper_bound proven ls H"
    if with_targets:
        return theorem(
            "(forall ls, feasible W ls -> meets T W ls -> J_of T W ls <= upper_bound)",
            "feasible W tokens /\\ meets T W tokens /\\ lower_bound <= J_of T W tokens",
            f"intros ls H HT. exact ({proof} HT).",
            "exact (conj feasible_tokens (conj meets_tokens reached)).",
        )
    return theorem(
        "(forall ls, feasible W ls -> J W ls <= upper_bound)",
        "feasible W tokens /\\ lower_bound <= J W tokens",
        f"intros ls H. exact ({proof} (meets_none W ls proper_W H)).",
        "exact (conj feasible_tokens reached).",
    )


def enclosed(numbers: Numbers, radii: list[Decimal], gap: Decimal) -> str:
    """The theorem that whoever reaches `lower` is within the radii of the tokens."""
    model, at = numbers.model, numbers.model.X.at
    lines = [f"Definition radii := {listed(map(decimal, radii))}."]
    for k, (o, l, radius) in enumerate(zip(numbers.offers, numbers.point, radii, strict=True), 1):
        top, ends, margin = model.l_max[k - 1].low, [], gap
        for x, inside in (
            (EXACT.subtract(l, radius), l > radius),
            (EXACT.add(l, radius), EXACT.add(l, radius) < top),
        ):
            if inside:
                value = o.gain * (-(model.b[k - 1] * at(x))).exp() + o.slope * at(x)
                excess = model.pi[k - 1] * (o.fixed + value) - o.bracket
                margin = min(margin, excess.low - gap)
            ends.append("right" if inside else "left")
        if margin <= 0:
            raise CertificateError(f"the radius of type {k} is not proven")
        precision = bits(places(margin, 1), o.gain.high, abs(o.fixed.high), abs(o.bracket.high))
        lines += [
            f"Lemma radius{k} : forall Z, Z_low <= Z <= Z_high ->",
            f"  outside T W L M Z (upper_bound - lower_bound) W{k} o{k} {decimal(l)} {decimal(radius)}.",
            "Proof.",
            "  intros Z. open. intro H.",
            f"  split; [{ends[0]} | {ends[1]}]; num_in {precision}%positive.",
            "Qed.",
        ]
    lines += [
        "Theorem within : forall ls, feasible W ls -> meets T W ls -> lower_bound <= J_of T W ls ->",
        "  Forall2 (fun l '(token, radius) => Rabs (l - token) <= radius) ls (combine tokens radii).",
        "Proof.",
        "  apply (certified_radii T W L M z0 offers least_parts Z_low Z_high lower_bound upper_bound tokens",
        "    radii proven feasible_tokens meets_tokens reached);",
        "    [cbv [radii]; each ltac:(num) | reflexivity |].",
        "  intros Z H. cbv [W types offers tokens radii combine].",
        each_of(f"radius{k} Z H" for k in range(1, len(radii) + 1)),
        "Qed.",
    ]
    return "\n".join(lines)
