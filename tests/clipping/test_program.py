from __future__ import annotations

import itertools
from dataclasses import replace

import highspy
import numpy as np
import pytest

from cvxtoken import ProblemError, SolverError, highs
from cvxtoken.clipping import model
from cvxtoken.clipping.problem import ClippingProblem, default_problem
from cvxtoken.clipping.program import least_wait, lower_bound, proves, randomisation_gap
from cvxtoken.clipping.reference import best_limit
from tests.clipping.test_model import small
from tests.support.thorough import some


def best_mixture(p: ClippingProblem, level: float) -> tuple[float, bool]:
    """By hand, over all pairs of limits, because a vertex mixes two; and whether one limit is as good."""
    found = model.moments(p)
    lam = p.arrival_rate
    best, single = np.inf, np.inf
    for i, j in itertools.combinations_with_replacement(range(len(found.u)), 2):
        u = found.u[[i, j]]
        if u.max() < level:
            continue
        weights = (
            {0.0, 1.0} if u[0] == u[1] else {0.0, 1.0, float(np.clip((level - u[1]) / (u[0] - u[1]), 0, 1))}
        )
        for w in weights:
            if w * u[0] + (1 - w) * u[1] < level - 1e-13:
                continue
            s1, s2 = (w * x[i] + (1 - w) * x[j] for x in (found.s1, found.s2))
            if lam * s1 < 1:
                wait = lam * s2 / (2 * (1 - lam * s1))
                best = min(best, wait)
                if w in (0.0, 1.0):
                    single = min(single, wait)
    return float(best), bool(single <= best * (1 + 1e-12))


@pytest.mark.parametrize("block", some(range(5), 2))
def test_program_is_the_best_mixture_of_two_limits(block: int) -> None:
    for seed in range(20 * block, 20 * block + 20):
        rng = np.random.default_rng(seed)
        p = small(seed, utility=str(rng.choice(["share_whole", "share_tokens"])))
        found = model.moments(p)
        stable = p.arrival_rate * found.s1 < 1
        level = float(rng.uniform(found.u[0], found.u[stable].max()))
        if rng.random() < 0.3:
            level = float(rng.choice(found.u[stable]))  # of a limit
        exact, single = best_mixture(p, level)
        mixture = least_wait(p, level)
        assert mixture.mean_wait == pytest.approx(exact, rel=1e-9), seed
        assert mixture.lower <= exact * (1 + 1e-12)
        assert mixture.lower == pytest.approx(exact, rel=1e-9), seed
        assert len(mixture.support()) <= 2
        if single and level in found.u:
            assert best_limit(p, [int(np.flatnonzero(found.u >= level)[0]) + 1]).mean_wait == pytest.approx(
                exact
            )


def test_a_bound_above_the_least_wait_is_not_proven() -> None:
    p = small(2)
    level = float(model.moments(p).u[3])
    mixture = least_wait(p, level)
    grid = mixture.limits
    for mu in (0.0, 0.1, 1.0, 10.0, 100.0):
        assert not proves(p, grid, level, mixture.mean_wait * (1 + 1e-9), mu)
        assert lower_bound(p, grid, level, mixture.mean_wait, mu) <= mixture.mean_wait
    assert proves(p, grid, level, 0.0, 0.0)


def test_a_limit_for_each_type_gains_on_one_for_all() -> None:
    p = small(11, 2)
    found = best_limit(p)
    assert found.common is not None
    level = float(model.total(p, np.array(found.limits)).u)
    mixture = least_wait(p, level)
    assert mixture.lower <= found.mean_wait * (1 + 1e-9)
    assert mixture.weights.shape == (2, len(mixture.limits))


def test_what_a_hard_limit_costs() -> None:
    found = best_limit(default_problem())
    mixture = randomisation_gap(found)
    assert mixture.lower <= mixture.mean_wait <= found.mean_wait * (1 + 1e-9)
    assert mixture.mean_wait == pytest.approx(found.mean_wait, rel=1e-9), "here a hard limit is the best rule"


def test_a_utility_out_of_reach() -> None:
    with pytest.raises(ProblemError, match=r"utility is 1\.5; no rule gives more than 1"):
        least_wait(small(1), 1.5)
    with pytest.raises(ProblemError, match="limits is"):
        least_wait(small(1), 0.5, [0, 2])
    with pytest.raises(ProblemError, match="utility is nan"):
        least_wait(small(1), float("nan"))


def test_a_failing_solver_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """And only a program that HiGHS calls infeasible is a matter of the utility."""
    p = small(2)
    level = float(model.moments(p).u[3])
    for said in ("kNotset", "kUnboundedOrInfeasible", "kUnknown", "kTimeLimit", "kIterationLimit"):
        state = highspy.HighsModelStatus.__members__[said]
        monkeypatch.setattr(highspy.Highs, "getModelStatus", lambda _, state=state: state)
        with pytest.raises(SolverError, match="HiGHS ended without"):
            least_wait(p, level)
    monkeypatch.undo()
    monkeypatch.setattr(highspy.Highs, "run", lambda _: highspy.HighsStatus.kError)
    with pytest.raises(SolverError, match="kError"):
        least_wait(p, level)
    monkeypatch.undo()
    slow = small(2).replace(arrival_rate=1e3 * small(2).arrival_rate)
    with pytest.raises(ProblemError, match="no stable rule over these limits gives as much"):
        least_wait(slow, float(model.moments(slow).u[-1]))


@pytest.mark.parametrize(
    ("x", "named"), [("zeros", "a type without any limit"), ("shortest", "misses the utility by")]
)
def test_a_point_that_is_no_rule_is_an_error(monkeypatch: pytest.MonkeyPatch, x: str, named: str) -> None:
    p = small(2)
    level = float(model.moments(p).u[3])
    solution = highs.solve
    point = np.zeros(len(model.moments(p).u) + 1)
    point[[0, -1]] = x == "shortest"
    monkeypatch.setattr(highs, "solve", lambda program: replace(solution(program), x=point))
    with pytest.raises(SolverError, match=named):
        least_wait(p, level)
