"""The forty exact schedules: as their recipes say, proven, and optimal by a solver that knows no proof."""

from __future__ import annotations

import pytest

import cvxtoken
from cvxtoken import verifier
from cvxtoken.library.build import ground_truth, new_problem, statements
from cvxtoken.library.generate import recipes
from tests.support.thorough import some
from validation import mixed_integer

ALL = cvxtoken.instances("hindsight*")
NAMED = {instance.id: instance for instance in ALL}
QUICK = [instance for instance in ALL if instance.id != "hindsight/arriving-n25"]  # which takes seconds


def test_recipes_give_what_is_shipped_to_the_last_bit() -> None:
    assert len(ALL) == 40
    assert max(len(instance.problem.data) for instance in ALL) == 25
    for recipe, instance in zip(recipes("hindsight"), ALL, strict=True):
        problem = new_problem(recipe)
        assert (recipe.id, problem.sha256) == (instance.id, instance.record["sha256"])
        assert problem.to_record() == instance.record["problem"]
        assert (recipe.knob, recipe.value, recipe.seed) == (instance.knob, instance.value, instance.seed)


@pytest.mark.parametrize("instance", some(QUICK, 4), ids=lambda instance: instance.id)
def test_proofs_are_accepted_and_one_less_is_not(instance: cvxtoken.Instance) -> None:
    document = instance.certificate_document()
    assert verifier.check(document).endswith("which is exact")
    assert abs(instance.error(instance.tokens)) <= 1e-12
    starts = [start + 1 for start in document["starts"]]
    above = {"lower": document["lower"] + 1, "upper": document["upper"] + len(starts), "starts": starts}
    with pytest.raises(verifier.Refused):
        verifier.check(document | above)


def test_what_is_shipped_is_what_is_built() -> None:
    name = "hindsight/narrow-n14"
    recipe = next(recipe for recipe in recipes("hindsight") if recipe.id == name)
    built = ground_truth(recipe, NAMED[name].problem)
    assert statements([built]) == statements([NAMED[name].record])


@pytest.mark.parametrize("form", ["raw", "presolved"])
def test_the_cone_data_have_the_proven_optimum(form: str) -> None:
    instance = NAMED["hindsight/spread-n10"]
    p = instance.problem.cones(form).program
    found = mixed_integer.highs(p.A, p.b, p.q, p.cones, p.integers)
    assert round(found["objective"] + p.offset) == instance.optimum
