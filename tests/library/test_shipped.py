"""The shipped ground truth: every proof is checked anew by the lone verifiers, all else is recomputed."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import cvxtoken
from cvxtoken import LibraryError, ProblemError
from cvxtoken.allocation import model
from cvxtoken.allocation.program.cones import cone_program
from cvxtoken.conic.program import EXPONENTIAL, SECOND_ORDER
from cvxtoken.delay import Sharing
from cvxtoken.library import generate
from cvxtoken.library import shipped as module
from cvxtoken.library.build import differing, ground_truth, new_problem, shipped_problems
from cvxtoken.library.generate import FAMILIES, recipes
from cvxtoken.verifier import allocation as verifier
from cvxtoken.verifier import whole as integer_verifier
from tests.support.thorough import some

EVERY = cvxtoken.instances("*")
ALL = [i for i in EVERY if i.kind == module.PLAIN]  # the others are those of test_kinds.py
FEASIBLE = [i for i in ALL if i.feasible]
SMALL = [i for i in FEASIBLE if len(i.workload) <= 100]


def test_it_is_large_and_varied() -> None:
    assert len(ALL) >= 200
    assert len({i.id for i in EVERY}) == len(EVERY)
    assert {i.family for i in EVERY} == set(FAMILIES)
    assert sum(file.stat().st_size for file in module.FOLDER.iterdir()) < 3e6
    assert max(len(i.workload) for i in ALL) == 10_000


@pytest.mark.parametrize("instance", some(FEASIBLE, 11), ids=lambda i: i.id)
def test_proofs_are_accepted(instance: cvxtoken.Instance) -> None:
    assert verifier.check(instance.certificate_document()).startswith("proven: ")
    assert instance.certificate.relative_gap <= Decimal("1e-60")
    assert all(len(l.as_tuple().digits) <= 40 or l == Decimal(float(l)) for l in instance.certificate.tokens)
    if instance.integer is not None:
        assert integer_verifier.check(instance.integer_document()).startswith("proven: over whole tokens")
        assert instance.integer.relative_gap <= Decimal("1e-25")
        assert instance.integer.lower <= instance.certificate.upper
    else:
        assert len(instance.workload) > 100


@pytest.mark.parametrize("instance", some(SMALL, 3), ids=lambda i: i.id)
def test_dual_values_prove_the_optimum_to_rounding(instance: cvxtoken.Instance) -> None:
    """Stationary, in the dual cone, and of the same objective; all to float64's accuracy."""
    program = cone_program(instance.workload, "raw").program
    z = instance.duals
    size = abs(program.A.T) @ np.abs(z) + np.abs(program.q)
    assert (np.abs(program.A.T @ z + program.q) <= 1e-13 * size).all()
    row = 0
    for kind, rows in program.cones:
        part = z[row : row + rows]
        row += rows
        if kind == SECOND_ORDER:
            assert np.linalg.norm(part[1:]) <= part[0] * (1 + 1e-14)
        elif kind == EXPONENTIAL:  # -u e^(v / u) <= e w for u < 0
            u, v, w = part
            assert u < 0
            assert np.log(-u) + v / u <= np.log(w) + 1 + 1e-13
        else:
            assert (part >= 0).all()
    dual = program.offset - float(program.b @ z)
    scale = abs(program.offset) + np.abs(program.b) @ np.abs(z)
    assert abs(dual + instance.objective) <= 1e-14 * scale


def test_recipes_give_the_instances_to_rounding() -> None:
    """Powers and dot products differ in their last digits between processors: 1e-12 is far above that."""
    made = {recipe.id: recipe for family in FAMILIES for recipe in recipes(family)}
    assert list(made) == [i.id for i in EVERY]
    for instance in ALL:
        recipe = made[instance.id]
        stored, again = instance.record["instance"], recipe.problem.to_record()["instance"]
        assert stored.keys() == again.keys()
        assert (stored["names"], stored.get("server")) == (again["names"], again.get("server"))
        for field in stored.keys() - {"names", "server"}:
            np.testing.assert_allclose(again[field], stored[field], rtol=1e-12, atol=0)
        assert (recipe.knob, recipe.value, recipe.seed) == (instance.knob, instance.value, instance.seed)
        plain = not (instance.workload.is_served or instance.workload.is_random)
        assert (recipe.since, plain) == (instance.since, instance.since == "0.1.0")
        assert instance.since in ("0.1.0", "0.2.0")


def test_an_instance_is_what_is_stored_and_no_recipe_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "random_workload", lambda *_: pytest.fail("a recipe was run"))
    monkeypatch.setattr(generate, "load", lambda *_: pytest.fail("a recipe was run"))
    assert [i.problem.sha256 for i in cvxtoken.instances("*")] == [i.record["sha256"] for i in EVERY]
    assert len({i.workload.sha256 for i in ALL}) == len(ALL)


def test_a_new_recipe_is_made_of_short_decimals() -> None:
    recipe = next(r for r in recipes("realistic") if r.id == "realistic/n2-1")
    with pytest.raises(
        LibraryError, match=r"realistic/n2-1: prior holds 0\.\d{12,}; a new instance is made of"
    ):
        new_problem(recipe)
    data = recipe.made.to_instance()
    short = {field: [0.25, 0.25] for field, values in data.items() if isinstance(values, list)}
    short |= {"names": ["a", "b"], "prior": [0.333333, 0.666667]}
    workload = recipe.made.replace(**short, arrival_rate=0.1, accuracy_weight=12.3456)
    assert new_problem(replace(recipe, made=workload)).data == workload
    served = workload.replace(server=Sharing(0.333333))
    assert new_problem(replace(recipe, made=served)).data == served
    with pytest.raises(LibraryError, match=r"sigma of the server holds 0\.3333333333333333; a new instance"):
        new_problem(replace(recipe, made=workload.replace(server=Sharing(1 / 3))))


@pytest.mark.parametrize(
    "name",
    [
        *("realistic/n6-1", "degenerate/identical-8", "weight/1e8-200", "infeasible/n2-2"),
        *("servers/n20", "servers/sigma-0", "servers/fifo-replicas-8", "servers/unstable-exactly-1"),
    ],
)
def test_what_is_shipped_is_what_is_built(name: str) -> None:
    (instance,) = cvxtoken.instances(name)
    recipe = next(r for r in recipes(instance.family) if r.id == name)
    built = ground_truth(recipe, instance.problem)
    assert {k: v for k, v in built.items() if k != "integer"} == {
        k: v for k, v in instance.record.items() if k != "integer"
    }
    if "integer" in built:
        assert built["integer"]["tokens"] == instance.record["integer"]["tokens"]


def test_infeasible_instances_have_a_rational_witness() -> None:
    found = [i for i in ALL if not i.feasible]
    assert {i.family for i in found} == {"infeasible", "servers"}
    for instance in found:
        w = instance.workload
        used = Fraction(w.rate) * Fraction(getattr(w.server, "overhead", 1.0)) * overheads(w)
        assert instance.witness == used >= 1
        with pytest.raises(cvxtoken.UnstableError):
            cvxtoken.solve(w)
    assert min(i.witness for i in found) == 1


def overheads(w: cvxtoken.Workload) -> Fraction:
    pairs = zip(w.prior.tolist(), w.overhead.tolist(), strict=True)
    return sum((Fraction(pi) * Fraction(t0) for pi, t0 in pairs), Fraction(0))


def test_recipes_of_servers_are_the_same_on_every_machine() -> None:
    """All in them is a decimal of six digits, so that they are, to the last bit, what is shipped."""
    stored = {i.id: i.record["sha256"] for i in EVERY}
    for recipe in [*recipes("servers"), *recipes("deviations")]:
        assert new_problem(recipe).sha256 == stored[recipe.id]


def test_the_servers_are_varied() -> None:
    found = cvxtoken.instances("servers*")
    feasible = [i for i in found if i.feasible]
    assert len(feasible) >= 40
    servers = [i.workload.server for i in feasible]
    assert {s.sigma for s in servers if isinstance(s, Sharing)} >= {0, 0.005, 0.02, 0.1, 0.3, 0.6, 1}
    assert {s.overhead for s in servers if isinstance(s, Sharing)} >= {0, 0.1, 0.5, 1}
    assert {(s.kind, s.replicas) for s in servers} == {
        *(("sharing", 1), ("sharing", 2), ("sharing", 8), ("fifo", 2), ("fifo", 8))
    }
    assert {len(i.workload) for i in feasible} >= {1, 2, 5, 6, 20, 50, 100, 200}
    assert min(i.workload.idle_at_zero for i in feasible) == pytest.approx(1e-6)
    tops = [i.tokens == i.workload.max_tokens for i in feasible]
    assert any(top.all() for top in tops)
    assert any(0 < top.sum() < len(top) for top in tops)
    assert any(not i.tokens.any() for i in feasible)
    assert any(i.workload.arrival_rate * overheads(i.workload) > 1 for i in feasible), (
        "FIFO would not be stable"
    )
    engines = cvxtoken.instances(["servers/*14b*", "servers/llama*"])
    assert len(engines) == 8
    assert all(engine.workload.prompt_tokens.any() for engine in engines if "3.1-8b" not in engine.id)


def test_the_degenerate_ones_are() -> None:
    for instance in cvxtoken.instances("degenerate/at-*"):
        w, l = instance.workload, instance.tokens
        price = model.delay_price(w, l)
        slope = model.gradient(w, l) / (w.prior * w.time_per_token * price)
        at_bound = (l <= 1e-3) | (l >= w.max_tokens * (1 - 1e-12))
        assert (np.abs(slope[at_bound]) < 1e-8).any(), instance.id


def test_a_corrupted_byte_anywhere_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(3)
    files = sorted(module.FOLDER.iterdir())
    for file in files:
        for _ in some(range(5), 5):
            folder = tmp_path / "truth"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(module.FOLDER, folder)
            data = bytearray(file.read_bytes())
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            (folder / file.name).write_bytes(data)
            monkeypatch.setattr(module, "FOLDER", folder)
            with pytest.raises(LibraryError):
                cvxtoken.instances()
            monkeypatch.undo()


def test_an_instance_is_compared_with_its_hash() -> None:
    (large,) = cvxtoken.instances("size/200")
    record = large.record | {"sha256": "0" * 64}
    changed = module.Instance(large.id, large.knob, large.value, large.since, large.seed, record)
    with pytest.raises(LibraryError, match="size/200: the instance's SHA-256 is not 0000"):
        _ = changed.workload


def test_patterns() -> None:
    assert len(cvxtoken.instances("realistic*")) == 32
    assert [i.id for i in cvxtoken.instances(["size/1", "size/2"])] == ["size/1", "size/2"]
    assert {i.family for i in cvxtoken.instances("*", exclude=["infeasible*", "all*"])} == set(FAMILIES) - {
        *("infeasible", "all-zero", "all-max")
    }
    with pytest.raises(
        ProblemError, match=r"'realsitic\*' matches no instance \(did you mean 'realistic'\?\)"
    ):
        cvxtoken.instances("realsitic*")
    with pytest.raises(ProblemError, match="5 is not a pattern"):
        cvxtoken.instances([5])  # type: ignore[list-item]


def test_a_record_that_states_something_else_is_named() -> None:
    shipped = shipped_problems("infeasible")
    made = [ground_truth(recipe, shipped[recipe.id]) for recipe in recipes("infeasible")]
    assert differing("infeasible", made) == []
    made[0]["witness"] = "3/2"
    assert differing("infeasible", made[:-1]) == sorted([made[0]["id"], made[-1]["id"]])
