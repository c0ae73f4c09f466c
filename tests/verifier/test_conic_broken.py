"""Broken versions of the checker of cone programs: every rule and every rounding of it is needed."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from types import ModuleType

from flint import arb

from cvxtoken.verifier import conic as checker
from tests.support.conic_damages import DAMAGES, LIMITS
from tests.support.conic_proofs import PROOFS, Document
from tests.support.conic_truth import precise
from tests.support.damage import refused
from tests.support.thorough import some

SWAPPED: dict[type, type] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
OTHER = {
    "ROUND_FLOOR": "ROUND_CEILING",
    "ROUND_CEILING": "ROUND_FLOOR",
    "next_plus": "next_minus",
    "next_minus": "next_plus",
}


def changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """A word and what else could stand in the place of a node."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        if ast.unparse(node.value.func) == "require":
            yield "removed", ast.Pass()
    elif isinstance(node, ast.Compare):
        for k, op in enumerate(node.ops):
            ops = [*node.ops[:k], SWAPPED[type(op)](), *node.ops[k + 1 :]]
            yield f"comparison {k}", ast.Compare(node.left, ops, node.comparators)
    elif isinstance(node, ast.BoolOp):
        for k in range(len(node.values)):
            rest = node.values[:k] + node.values[k + 1 :]
            yield f"without part {k}", rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    elif isinstance(node, ast.Name) and node.id in OTHER:
        yield "to the other side", ast.Name(OTHER[node.id], node.ctx)
    elif isinstance(node, ast.Attribute) and node.attr in OTHER:
        yield "to the other side", ast.Attribute(node.value, OTHER[node.attr], node.ctx)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield "without its sign", node.operand
    elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("any", "all"):
        other = "all" if ast.unparse(node.func) == "any" else "any"
        yield other, ast.Call(ast.Name(other, ast.Load()), node.args, [])


def mutants() -> Iterator[tuple[str, ModuleType]]:
    """Broken versions, each by one change in one function or class, and what was changed."""
    source = Path(str(checker.__file__)).read_text(encoding="utf-8")
    tree, lines = ast.parse(source), source.splitlines()
    whole = compile(tree, "whole", "exec")
    for top in tree.body:
        if not isinstance(top, ast.FunctionDef | ast.ClassDef):
            continue
        for parent in list(ast.walk(top)):
            for field, old in list(ast.iter_fields(parent)):
                for k, node in enumerate(old if isinstance(old, list) else [old]):
                    for word, by in changes(node) if isinstance(node, ast.AST) else ():
                        new = [*old[:k], by, *old[k + 1 :]] if isinstance(old, list) else by
                        setattr(parent, field, new)
                        broken = ast.fix_missing_locations(ast.Module([top], []))
                        code = compile(broken, "broken", "exec")
                        setattr(parent, field, old)
                        where = node.lineno if isinstance(node, ast.Name | ast.Attribute) else 0
                        inside = f" in {lines[where - 1].strip()}" if where else ""
                        module = ModuleType(f"broken_{checker.__name__}")
                        module.__package__ = checker.__package__
                        exec(whole, module.__dict__)
                        exec(code, module.__dict__)
                        yield f"{top.name}: {ast.unparse(node).splitlines()[0]}{inside} | {word}", module


def limited(module: ModuleType, name: str, value: float, document: Document, accepted: bool) -> bool:
    """Whether a proof is accepted, or not, under another limit."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        return refused(module, document) != accepted
    finally:
        setattr(module, name, before)


def rounds_outward(module: ModuleType, most: int = checker.MOST_DIGITS) -> bool:
    """Whether logarithms and quotients are on the sides that are asked for, and near."""
    for bound in map(Decimal, ("3", "0.1", "1.0000001", "1e-900", "7e8", "2.5")):
        low, high = module.logarithm(bound, False), module.logarithm(bound, True)
        with precise():
            true = arb(str(bound)).log()
            if not (arb(str(low)) < true < arb(str(high)) and high - low < Decimal("1e-15") * abs(high)):
                return False
    random = Random(1)
    for case in range(600):
        n, d = (random.getrandbits(random.choice((3, 20, 90, 900))) + 1 for _ in range(2))
        if case % 3 == 0:  # nearly a quotient of one digit
            n = random.randint(1, 9) * d + random.randint(-1, 1)
        n, digits = n * random.choice((-1, 1)), random.choice((2, 3, 5, 9))
        low, high = (Fraction(module.quotient(n, d, digits, side)) for side in (ROUND_FLOOR, ROUND_CEILING))
        quotient = Fraction(n, d)
        if not low <= quotient <= high or high - low > 3 * abs(quotient) * Fraction(10) ** (1 - digits):
            return False
    module.MOST_DIGITS, points = 200, itertools.product((48, 49, 50, 51, 99, 100), range(20))
    good = all(
        decides(module, random, digits) and decides_power(module, random, digits) for digits, _ in points
    )
    module.MOST_DIGITS = most
    return good


def decides(module: ModuleType, random: Random, digits: int) -> bool:
    """Whether a point is said to be in the exponential cone that is, or is not, by one of so many digits."""
    y, z = random.randint(1, 10**6), random.randint(1, 10**6)
    z = random.choice((z, y + random.randint(1, 9)))
    with precise():
        log = (arb(z) / y).log()
        unit = 10**digits
        x = int((log * unit).floor().unique_fmpz()) + random.randint(-1, 2)
        said = module.in_exponential(x * y, y * unit, z * unit, module.Work())
        return bool(said == bool(arb(x) < log * unit))


def decides_power(module: ModuleType, random: Random, digits: int) -> bool:
    """The same of a power cone."""
    x, y, q = random.randint(1, 10**6), random.randint(1, 10**6), random.choice((3, 64, 2**40 + 1))
    y = random.choice((y, x + random.randint(1, 9)))
    p, unit = random.randint(1, q - 1), 10**digits
    with precise():
        edge = (arb(x) ** (arb(p) / q)) * (arb(y) ** (1 - arb(p) / q)) * unit
        z = int(edge.floor().unique_fmpz()) + random.randint(-1, 2)
        said = module.in_power(p, q, x * unit, y * unit, random.choice((z, -z)), 1, module.Work())
        return bool(said == bool(arb(z) < edge))


def said_of(module: ModuleType, document: Document) -> str:
    """The reason why a proof is refused, or nothing."""
    try:
        module.check(document)
    except module.Refused as refusal:
        return str(refusal)
    return ""


def is_noticed(module: ModuleType) -> bool:
    """Whether a broken version says anything else of the proofs and damages.

    Programs get the SHA-256 that the broken version asks for, so that it is not this that refuses them.
    """
    try:
        if any(module.check(document) != LINES[name] for name, document in PROOFS.items()):
            return True
        for name, (document, reason) in DAMAGES.items():
            said = said_of(module, document)
            if "SHA-256 is " in said and name != "another SHA-256":
                digest = said.removeprefix("the program's SHA-256 is ")
                said = said_of(module, document | {"sha256": digest})
            if not re.search(reason, said):
                return True
        return not (rounds_outward(module) and all(limited(module, *limit) for limit in LIMITS))
    except Exception:
        return True


LINES = {name: checker.check(document) for name, document in PROOFS.items()}
EQUAL = {  # broken versions that do the same, and why
    "Work: self.left >= 0 | comparison 0": "work of exactly what is left",
    "Program: n and over == 1 | without part 0": "0 over a denominator is 0",
    "relative_gap: lower <= 0 <= upper | comparison 0": "the least size at 0 is 0 both ways",
    "relative_gap: lower <= 0 <= upper | comparison 1": "the same",
    "common: d != over and d != 1 | without part 0": "the common multiple of a number and itself",
    "common: d != over and d != 1 | without part 1": "the common multiple of a number and 1",
    "in_exponential: z <= 0 or (x >= 0 and z < y) | without part 1": "the logarithms say so too",
    "in_exponential: z <= 0 | comparison 0": "the logarithm of 0 is -Infinity",
    "in_exponential: x >= 0 | comparison 0": "the logarithms say so too",
    "in_exponential: quotient(x, y, digits, ROUND_CEILING) <= near.next_minus(log) | comparison 0": (
        "of equal decimals more digits decide"
    ),
    "in_exponential: quotient(x, y, digits, ROUND_FLOOR) > near.next_plus(log) | comparison 0": "the same",
    "in_exponential: ROUND_CEILING in for rounding in (ROUND_FLOOR, ROUND_CEILING): | to the other side": (
        "more digits are asked for, and then it is refused"
    ),
    "in_exponential: ROUND_FLOOR in if up and quotient(x, y, digits, ROUND_FLOOR) > near.next_plus(log): "
    "| to the other side": "a decimal that is no less than x / y is no less than it rounded up",
    "inside: any(v) | all": "equations are asked one by one",
    "in_power: z == 0 or min(x, y) >= z | without part 0": "neither x nor y is negative there",
    "in_power: max(x, y) < z | comparison 0": "the logarithms say so too",
    "in_power: low >= 0 | comparison 0": "a sum of rounded logarithms is not 0, as their last digits differ",
    "in_power: sum_of_logarithms(p, q, x, y, z, digits, ROUND_CEILING, work) < 0 | comparison 0": "the same",
    "in_power: x and y | without part 0": "the logarithm of 0 is -Infinity",
    "is_semidefinite: j < i | comparison 0": "the diagonal is copied to itself",
    "quotient: n < 0 | comparison 0": "0 over any denominator is 0",
    "quotient: n >= 0 | comparison 0": "the same",
    "read_cones: isinstance(cones, list) and len(cones) <= LARGEST | without part 1": (
        "each cone has a row, and rows are limited"
    ),
    "read_cones: len(cones) <= LARGEST | comparison 0": "the same",
    "read_cones: isinstance(cone, list) and len(cone) == 2 and (cone[0] in KINDS) | without part 0": (
        "no text of two letters, and no mapping, has a kind at 0"
    ),
}


def test_the_checker_rounds_outward() -> None:
    assert rounds_outward(checker)
    assert not is_noticed(checker)


def test_every_rule_of_the_checker_is_needed() -> None:
    """One change to one comparison, requirement, sign or side of rounding is noticed, or changes nothing."""
    broken = list(mutants())
    assert len(broken) > 300
    chosen = some(broken, 4)
    equal = {name for name, module in chosen if not is_noticed(module)}
    assert sorted(equal) == sorted(EQUAL.keys() & {name for name, _ in chosen})
