"""Problems of other kinds than plain allocations: proven, written rightly, and scored by their own rule."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import cvxtoken
from cvxtoken import LibraryError, ProblemError, verifier
from cvxtoken.allocation import model
from cvxtoken.allocation.model import upper_bounds
from cvxtoken.allocation.targets import Targets
from cvxtoken.clipping.reference import best_limit
from cvxtoken.conic import residuals
from cvxtoken.conic.cbf import read_cbf
from cvxtoken.conic.nl import write_nl
from cvxtoken.library.build import ground_truth, new_problem, statements
from cvxtoken.library.exported import export
from cvxtoken.library.generate import recipes
from cvxtoken.library.problems import KINDS, read_problem
from cvxtoken.library.problems.targeted import TargetedTokens
from cvxtoken.library.problems.whole import WholeTokens
from cvxtoken.library.problems.written import INTEGERS
from cvxtoken.library.varied import few_tokens
from cvxtoken.suite import Answer, check_solver
from cvxtoken.suite.marking import mark_folder
from cvxtoken.whole.reference import solve_integer
from tests.support.cones import solved
from tests.support.thorough import some
from validation import mixed_integer

FAMILIES = ["whole", "targets", "robust", "lagged", "schedules", "limits"]
OTHERS = cvxtoken.instances([f"{family}*" for family in FAMILIES])
NAMED = {instance.id: instance for instance in OTHERS}
BY_ID = [pytest.param(instance, id=instance.id) for instance in OTHERS]
SMALL = [
    *("whole/n1", "whole/n2", "whole/limits", "whole/sharing"),
    *("targets/system-time", "targets/wait", "targets/utilization", "targets/tokens", "targets/memory"),
    *("targets/some", "targets/accuracy-wait", "robust/n6", "robust/servers", "robust/deviations"),
    *("lagged/qwen3-8b", "lagged/n3", "lagged/sharing", "lagged/beyond", "schedules/n5", "schedules/long"),
    *("limits/n40", "limits/two-tokens", "limits/three", "limits/loaded"),
]


def optimum(instance: cvxtoken.Instance, form: str) -> tuple[np.ndarray, float]:
    """A point and the value of the instance's cone data, by solvers that know nothing of the proof."""
    written = instance.problem.cones(form)
    p = written.program
    if p.integers:
        found = mixed_integer.highs(p.A, p.b, p.q, p.cones, p.integers)
        return found["x"], found["objective"] + p.offset
    v, _, value = solved(p)
    return v, value


def test_every_kind_has_instances() -> None:
    assert {instance.kind for instance in cvxtoken.instances("*")} == set(KINDS)
    assert {instance.kind for instance in cvxtoken.instances()} == {"allocation"}
    assert all(len(instance.workload) for instance in cvxtoken.instances()), "as before there were others"
    assert all(len(recipes(family)) >= 6 for family in FAMILIES)


@pytest.mark.parametrize("instance", BY_ID)
def test_every_proof_is_accepted_and_narrow(instance: cvxtoken.Instance) -> None:
    document = instance.certificate_document()
    assert verifier.check(document).startswith("proven: ")
    assert instance.certificate.relative_gap <= 1e-15
    assert instance.since == "0.2.0"
    lower = document["lower"]
    false = document | {"lower": lower + 1 if type(lower) is int else str(Decimal(lower) + 1)}
    with pytest.raises(verifier.Refused):
        verifier.check(false)


@pytest.mark.parametrize("instance", BY_ID)
def test_recipes_give_what_is_shipped_to_the_last_bit(instance: cvxtoken.Instance) -> None:
    recipe = next(r for r in recipes(instance.family) if r.id == instance.id)
    problem = new_problem(recipe)
    assert problem.sha256 == instance.record["sha256"]
    assert problem.to_record() == instance.record["problem"]
    assert (recipe.knob, recipe.value, recipe.seed) == (instance.knob, instance.value, instance.seed)


@pytest.mark.parametrize(
    "name", ["whole/n3", "targets/memory", "robust/n6", "lagged/n3", "schedules/n5", "limits/two"]
)
def test_what_is_shipped_is_what_is_built(name: str) -> None:
    instance = NAMED[name]
    recipe = next(r for r in recipes(instance.family) if r.id == name)
    built = ground_truth(recipe, instance.problem)
    assert built.keys() == instance.record.keys()
    assert statements([built]) == statements([instance.record])
    assert statements([built])[name]["certificate"][:17] == str(instance.optimum)[:17]


@pytest.mark.parametrize("instance", BY_ID)
def test_the_proven_answer_is_right_and_others_are_not(instance: cvxtoken.Instance) -> None:
    answer = instance.tokens
    assert instance.problem.broken(answer) is None
    assert abs(instance.error(answer)) <= 1e-12
    for other in (np.zeros_like(answer), 1.1 * answer + 1):
        assert instance.error(other) > 1e-6
    assert instance.error(-1 - answer) == np.inf


@pytest.mark.parametrize("form", ["raw", "presolved"])
@pytest.mark.parametrize("instance", BY_ID)
def test_the_cone_data_need_what_the_kind_says(instance: cvxtoken.Instance, form: str) -> None:
    program = instance.problem.cones(form).program
    needs = {kind for kind, rows in program.cones if rows} | ({INTEGERS} if program.integers else set())
    assert needs == instance.problem.needs
    kinds = [kind for kind, _ in program.cones]
    assert kinds == sorted(kinds, key=["nonnegative", "second-order", "exponential"].index)


@pytest.mark.parametrize("form", ["raw", "presolved"])
@pytest.mark.parametrize("name", some(SMALL, 5))
def test_the_cone_data_have_the_proven_optimum(name: str, form: str) -> None:
    instance = NAMED[name]
    v, value = optimum(instance, form)
    assert value == pytest.approx(instance.minimised, rel=1e-6, abs=1e-6)
    assert instance.error(instance.problem.cones(form).read(v)) <= 1e-6


def test_rounding_does_not_pass_for_the_best_whole_tokens() -> None:
    rounded = [
        instance
        for instance in cvxtoken.instances("whole*")
        if instance.error(np.rint(cvxtoken.solve(instance.problem.workload).tokens)) > 1e-6
    ]
    assert len(rounded) >= 8
    instance = NAMED["whole/n3"]
    answer = instance.tokens
    assert instance.error(answer + np.array([1e-6, 0, 0])) <= 1e-12
    assert "not a whole number" in (instance.problem.broken(answer + np.array([0.5, 0, 0])) or "")
    assert instance.error(answer + np.array([0.5, 0, 0])) == np.inf


def test_the_presolve_leaves_the_best_whole_tokens() -> None:
    """With hardly any load the best tokens are those beside the bound, above it for some."""
    above = 0
    for seed in range(12):
        w = few_tokens(seed, 1, arrival_rate=1e-6)
        bound = float(upper_bounds(w)[0])
        (tokens,) = solve_integer(w).tokens
        top = WholeTokens(w).cones("presolved").program.b[1]
        assert tokens <= top <= np.ceil(bound)
        above += tokens > bound
    assert above >= 2


def test_solvers_of_the_kinds_pass_and_their_claims_are_checked() -> None:
    names = ["whole/n1", "whole/n2"]
    report = check_solver(mixed_integer.highs, names)
    assert report.ok, str(report)
    passed = {outcome.check for outcome in report.passed}
    assert {"answers", "feasible", "accurate", "honest", "objective", "primal", "repeatable"} <= passed

    def rounds_down(A, b, q, cones, integers):  # type: ignore[no-untyped-def]
        found = mixed_integer.highs(A, b, q, cones, ())
        x = found["x"].copy()
        x[list(integers)] = np.floor(x[list(integers)])
        return found | {"x": x}

    failed = {o.check: o.reason for o in check_solver(rounds_down, "whole/n2").failed}
    assert "the objective is off by 0.0292 relative" in failed["accurate"]
    assert "claims 'optimal', but the objective is off" in failed["honest"]
    assert "the reported objective is" in failed["objective"]


def test_the_data_of_a_kind_reach_a_function_that_takes_them() -> None:
    def search(problem: WholeTokens) -> Answer:
        return Answer(solve_integer(problem.workload).tokens)

    report = check_solver(search, ["whole/n3", "size/1"])
    assert report.ok, str(report)
    (unsupported,) = [o for o in report.outcomes if o.instance == "size/1"]
    assert (unsupported.result, unsupported.check) == ("UNSUPPORTED", "answers")
    assert unsupported.reason == "it takes a WholeTokens, and this is a Workload"


def test_a_missed_target_is_named_and_makes_an_answer_wrong() -> None:
    for name, told in (
        ("system-time", "max_mean_system_time of 2 is missed by"),
        ("wait", "max_mean_wait of 1.5 is missed by"),
        ("utilization", "max_utilization of 0.6 is missed by"),
        ("tokens", "max_mean_tokens of 400 is missed by"),
        ("memory", "max_mean_kv_tokens of 16000 is missed by"),
    ):
        instance = NAMED[f"targets/{name}"]
        without = cvxtoken.solve(instance.problem.workload).tokens
        assert (instance.problem.broken(without) or "").startswith(told)
        assert instance.error(without) == np.inf
    instance = NAMED["targets/accuracies"]
    assert "the least accuracy of 'task 4' of 0.84 is missed by" in (
        instance.problem.broken(instance.tokens * 0.9) or ""
    )


def test_rows_are_targets_of_the_cone_data_too() -> None:
    instance = NAMED["targets/tokens"]
    w = instance.problem.workload
    row = (1.0, 0.0, 1.0, 0.0, 0.0, -1.0)
    expected = cvxtoken.solve(w, constraints=lambda l: [np.array(row) @ l <= 500])
    for form in ("raw", "presolved"):
        problem = TargetedTokens(w, Targets(linear=((*row, 500.0),)))
        written = problem.cones(form)
        v, _, value = solved(written.program)
        assert value == pytest.approx(-expected.objective, rel=1e-7)
        assert problem.broken(written.read(v)) is None
    assert "a linear target of 500 is missed by" in (problem.broken(cvxtoken.solve(w).tokens) or "")


def test_rules_of_limits_and_schedules_are_kept() -> None:
    limits, answer = NAMED["limits/two"], NAMED["limits/two"].tokens
    for other, told in (
        (answer - 0.001 * (np.arange(60) == 2), "the probability of limit 3 of type 0 is -0.001"),
        (answer * 1.001, "the probabilities of type 0 sum to 1.001"),
        (np.repeat([1.0, 0.0, 1.0, 0.0], [1, 19, 1, 39]), "the utility of 0.8 is missed by"),
        (np.repeat([0.0, 1.0, 0.0, 1.0], [19, 1, 39, 1]), ""),  # all answers whole: right, but a longer wait
    ):
        assert (limits.problem.broken(other) or "").startswith(told)
        assert limits.error(other) == (np.inf if told else pytest.approx(limits.error(other)))
    assert 1e-3 < limits.error(np.repeat([0.0, 1.0, 0.0, 1.0], [19, 1, 39, 1])) < np.inf
    schedule, starts = NAMED["schedules/arrivals"], NAMED["schedules/arrivals"].tokens
    assert "before its arrival at" in (schedule.problem.broken(starts - 1) or "")
    assert "tokens of memory, of which there are 14" in (schedule.problem.broken(starts * 0 + 8) or "")
    assert "not a whole number" in (schedule.problem.broken(starts + 0.25) or "")
    assert schedule.error(starts + 1) > 0.01


def test_a_wait_is_what_the_clipping_model_says() -> None:
    stopping = NAMED["limits/three"].problem.stopping
    found = best_limit(stopping.problem())
    rule = np.zeros(70)
    rule[np.array(found.limits) - 1 + np.array([0, 10, 30])] = 1.0
    assert NAMED["limits/three"].problem.value(rule) == pytest.approx(found.mean_wait, rel=1e-12)


def test_a_local_optimum_of_lagged_curves_is_wrong() -> None:
    instance = NAMED["lagged/identical"]
    answer = np.sort(instance.tokens)
    assert answer[0] == 0 < answer[-1], "of identical types some think and others do not"
    assert instance.error(answer) <= 1e-12, "which ones does not matter"
    on = int((answer > 0).sum())
    for other in (on - 1, on + 1):
        tokens = np.zeros(4)
        tokens[:other] = answer[-1]
        assert instance.error(tokens) > 1e-4


def test_the_mean_of_draws_counts_and_every_draw_must_be_stable() -> None:
    instance = NAMED["robust/load-0.99"]
    first, second = instance.problem.ensemble.draws
    alone = cvxtoken.solve(first).tokens
    assert "in draw 1 the utilisation is 1 +" in (instance.problem.broken(alone) or "")
    tokens = instance.tokens
    mean = (float(model.objective(first, tokens)) + float(model.objective(second, tokens))) / 2
    assert instance.objective == pytest.approx(mean, rel=1e-12)


def test_what_cannot_be_asked_is_unsupported_by_name_and_never_passed() -> None:
    def continuous(A, b, q, cones):  # type: ignore[no-untyped-def]
        raise AssertionError("it must not be asked")

    report = check_solver(continuous, "whole*")
    assert not report.ok
    assert {o.result for o in report.outcomes} == {"UNSUPPORTED"}
    assert [o.instance for o in report.unsupported] == [i.id for i in cvxtoken.instances("whole*")]
    assert "nothing passed: it has no parameter 'integers'" in str(report)


def test_the_right_answers_of_exported_folders_are_right(tmp_path: Path) -> None:
    chosen = some(cvxtoken.instances(SMALL), 5)
    index = export(tmp_path, chosen)
    lines = []
    for instance, entry in zip(chosen, index["instances"], strict=True):
        assert (entry["kind"], entry["duals"]) == (instance.kind, None)
        assert float(entry["objective"]) == instance.minimised
        program = read_cbf((tmp_path / entry["file"]).read_text())
        assert list(program.integers) == entry["integers"]
        assert program.cones == instance.problem.cones("presolved").program.cones
        x, value = optimum(instance, "presolved")
        assert residuals.primal_residual(program, x) <= 1e-6
        lines.append({"id": instance.id, "status": "optimal", "objective": value, "x": x.tolist()})
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    marks, faults = mark_folder(tmp_path, tmp_path / "a.jsonl")
    assert not faults
    assert [(m.instance, m.reason) for m in marks if m.verdict != "right"] == []
    for line in lines:
        line["objective"] *= 1.001
        line["x"][0] += 0.4
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert {m.verdict for m in mark_folder(tmp_path, tmp_path / "a.jsonl")[0]} == {"wrong"}


def test_formats_without_whole_numbers_say_what_they_leave_out(tmp_path: Path) -> None:
    index = export(tmp_path, cvxtoken.instances(["whole/n1", "workloads/qwen3-8b-0.1-30"]), "clarabel-json")
    assert [entry["id"] for entry in index["instances"]] == ["workloads/qwen3-8b-0.1-30"]
    assert index["left_out"] == {"whole/n1": "the format has no place for whole numbers"}


def test_a_record_of_another_kind_is_read_as_such() -> None:
    instance = NAMED["whole/n2"]
    with pytest.raises(ProblemError, match="whole/n2 is of kind 'whole': take its `problem`"):
        _ = instance.workload
    changed = replace(instance, record=instance.record | {"sha256": "0" * 64})
    with pytest.raises(LibraryError, match="the instance's SHA-256 is not 0000"):
        _ = changed.problem
    with pytest.raises(LibraryError, match="'hole' is not a kind of problem"):
        read_problem("hole", {})


@pytest.mark.skipif(find_spec("pyomo") is None, reason="the extra 'minlp' is not installed (pyomo missing)")
@pytest.mark.skipif(find_spec("pyscipopt") is None, reason="pyscipopt is not installed; it reads .nl here")
def test_a_solver_of_nonlinear_programs_gets_the_nl_files_right(tmp_path: Path) -> None:
    import pyscipopt

    names = ["whole/n2", "targets/memory", "lagged/n3", "schedules/n5", "limits/two"]
    index, lines = export(tmp_path, [NAMED[name] for name in names], "nl"), []
    for entry in index["instances"]:
        model = pyscipopt.Model()
        model.hideOutput()
        model.setParam("numerics/feastol", 1e-9)
        model.readProblem(str(tmp_path / entry["file"]))
        # SCIP names the variables by their places in the file, x0, i1, b2, and orders them otherwise
        variables = {int(v.name[1:]): v for v in model.getVars() if v.name[1:].isdigit()}
        model.optimize()
        x = [model.getVal(variables[place]) for place in range(len(entry["columns"]))]
        lines.append({"id": entry["id"], "status": model.getStatus(), "objective": model.getObjVal(), "x": x})
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    marks, faults = mark_folder(tmp_path, tmp_path / "a.jsonl")
    assert not faults
    assert [(m.instance, m.reason) for m in marks if m.verdict != "right"] == []
    for line in lines:
        line["x"] = line["x"][::-1]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert {m.verdict for m in mark_folder(tmp_path, tmp_path / "a.jsonl")[0]} == {"wrong"}


@pytest.mark.skipif(find_spec("pyomo") is None, reason="the extra 'minlp' is not installed (pyomo missing)")
def test_files_in_nl_hold_every_column_once() -> None:
    for name in ("whole/n2", "targets/memory", "lagged/n3", "schedules/n3", "limits/two", "robust/n6"):
        program = NAMED[name].problem.cones("presolved").program
        text, columns = write_nl(program)
        assert sorted(columns) == list(range(len(program.q)))
        assert int(text.splitlines()[1].split()[0]) == len(program.q)
    program = NAMED["lagged/n3"].problem.cones("raw").program
    with pytest.raises(ProblemError, match=r"the exponential cone at row \d+ has no smooth form"):
        write_nl(replace(program, integers=()))
