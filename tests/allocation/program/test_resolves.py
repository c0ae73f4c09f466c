"""The program whose every number is a parameter is the instance's: no solver is asked."""

from __future__ import annotations

import numpy as np
import pytest

import cvxtoken
from cvxtoken import ProblemError
from cvxtoken.allocation import model
from cvxtoken.allocation.program.resolves import resolvable_program

CHOSEN = [
    *("workloads/qwen3-8b-0.1-30", "realistic/n6-0", "degenerate/identical-2", "infeasible/n2-2"),
    *(
        "servers/sigma-0.1",
        "servers/mixed",
        "servers/replicas-8",
        "servers/overhead-0",
        "servers/unstable-above",
    ),
]


@pytest.mark.parametrize("name", CHOSEN)
def test_the_objective_at_any_tokens_is_the_models(name: str) -> None:
    (instance,) = cvxtoken.instances(name)
    w = instance.workload
    program = resolvable_program(len(w))
    program.update(w)
    assert program.problem.is_dcp(dpp=True)
    tokens = instance.tokens if instance.feasible else np.full(len(w), 10.0)
    y = float(model.idle(w, tokens))
    (given,) = (v for v in program.problem.variables() if v.name() == "y")
    program.x.value, given.value = w.saturation_rate * tokens, np.array(y)
    low, high, equation = program.problem.constraints
    assert max(float(np.max(c.violation())) for c in (low, high)) <= 1e-12 * (1 + program.x.value.max())
    assert float(equation.violation()) <= 1e-12
    assert program.tokens(w) == pytest.approx(tokens, rel=1e-12)
    if instance.feasible:
        assert program.problem.objective.value == pytest.approx(instance.objective, rel=1e-9)


def test_a_workload_of_another_size_is_refused() -> None:
    (instance,) = cvxtoken.instances("size/5")
    with pytest.raises(ProblemError, match="the workload has 5 types; it must have 2"):
        resolvable_program(2).update(instance.workload)
