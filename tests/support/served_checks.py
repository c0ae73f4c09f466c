"""What the checker of allocations must hold under every delay law, at any precision: checks."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache
from types import ModuleType

import numpy as np

import cvxtoken
from cvxtoken.allocation.proof.certificate import Certificate
from cvxtoken.allocation.targeted.optimum import certify_targets
from cvxtoken.allocation.targets import LIMITS, Multipliers, Targets
from cvxtoken.delay import Fifo, Sharing
from tests.support import served, truth
from tests.support import targets as judge
from tests.support.bound_checks import accepts, just, one_type
from tests.support.instances import realistic, varying
from tests.support.target_checks import accepts as accepts_goal
from tests.support.target_checks import bound, goal_of
from tests.support.thorough import some
from tests.support.truth import exact, mpf

DIGITS = (2, 3, 4, 6, 30)
HUGE = Decimal("1e9")
INSTANCES = [served.served(seed, 1 + seed % 2) for seed in some(range(8), 2)]
INSTANCES += [served.on(realistic(seed, 2), server, 0.5) for seed, server in enumerate(served.EXTREMES)]
INSTANCES += [realistic(30, 2).replace(server=Fifo(3)), varying(realistic(31, 2)).replace(server=Fifo(2))]


@cache
def many() -> list[tuple[cvxtoken.Workload, Targets, Certificate, judge.Truth]]:
    """Optima under targets on every kind of server."""
    found = []
    for seed, w in enumerate(INSTANCES):
        rng = np.random.default_rng([seed, 12])
        goal = ("trade-off", "accuracy")[seed // 2 % 2]
        targets = judge.random_targets(w, rng, goal, judge.combination(rng, goal), seed % 3 == 0)
        found.append((w, targets, certify_targets(w, targets), judge.optimum(w, targets)))
    return found


def check_laws(module: ModuleType) -> None:
    """E[T] of the six numbers encloses the definition, and y the true idle share, at few digits."""
    for w in INSTANCES:
        data, _ = module.read_instance(json.loads(json.dumps(w.to_instance())))
        tokens = (0.5 * truth.solved(w).tokens).tolist()
        system, y = truth.law(w, [exact(x) for x in tokens])
        found = judge.values(w, [exact(x) for x in tokens])
        wait = found["max_mean_wait"]
        for digits in (6, 9, 30):
            model = module.Model(data, module.untargeted(data), module.arithmetic(digits))
            l = [model.X.at(x) for x in tokens]
            idle, (law, lam) = model.idle(l), (model.law, model.lam)
            times = model.times(l)
            squares = law.square * model.mean_square(*times) + law.constant
            found_system = law.offset + law.direct * model.mean(times[0]) + lam * squares * model.half / idle
            assert exact(idle.low) <= y <= exact(idle.high)
            assert exact(found_system.low) <= system <= exact(found_system.high)
            assert digits < 30 or exact(found_system.high - found_system.low) <= system / 10**15
        assert wait >= 0


def check_lower_bounds(module: ModuleType) -> None:
    """A lower bound a little above J at the tokens is false and must be refused at any precision."""
    for w in INSTANCES:
        for share in (Decimal(1), Decimal("0.5"), Decimal(0)):
            tokens = [Decimal(l) * share for l in truth.solved(w).tokens.tolist()]
            claim, top = just(truth.objective(w, tokens), +1), [Decimal(x) for x in w.max_tokens.tolist()]
            for d in DIGITS:
                assert not accepts(module, w, tokens, claim, HUGE, top, d)


def check_upper_bounds(module: ModuleType) -> None:
    """An upper bound a little below J* is false and must be refused at any precision and point."""
    for w in INSTANCES:
        J = truth.optimum(w)[1]
        top = [Decimal(x) for x in w.max_tokens.tolist()]
        for share in (Decimal(1), Decimal("0.7"), Decimal(0)):
            tokens = [Decimal(l) * share for l in truth.solved(w).tokens.tolist()]
            for d in DIGITS:
                assert not accepts(module, w, tokens, Decimal("-1e9"), just(J, -1), top, d)


def check_one_type(module: ModuleType) -> None:
    """Round numbers, of which two digits hold all but what is looked at: J at no tokens and its bound."""
    for k in range(1, 33):
        for server in (Sharing(0.5), Sharing(0.25, 0.5), Sharing(1.0, 0.0), Sharing(0.0, 1.0)):
            fields = {"saturation_rate": 2.0**-20, "accuracy_weight": 1.0, "overhead": k / 16}
            w = one_type(arrival_rate=0.25, **fields).replace(server=server)
            J = truth.objective(w, [0.0])  # the optimum is at 0
            for d in (2, 3, 4) if J else ():
                assert not accepts(module, w, [Decimal(0)], Decimal(-1000), just(J, -1), [Decimal(1)], d)
                assert not accepts(module, w, [Decimal(0)], just(J, +1), HUGE, [Decimal(1)], d)


def check_targets(module: ModuleType) -> None:
    """Limits a little below what the tokens give are missed, and no multipliers make a bound too low."""
    for w, targets, proof, best in many():
        tokens, plain = list(proof.tokens), module.untargeted(w.to_instance())
        found = judge.values(w, [exact(l) for l in tokens])
        for number, name in enumerate(LIMITS):
            limits = [Decimal("inf")] * 4
            limits[number] = just(found[name], -1)
            for d in DIGITS:
                goal = plain._replace(limits=limits)
                assert found[name] <= 0 or not accepts_goal(module, w, goal, tokens, -HUGE, HUGE, d)
        for factor in ("1", "0.5", "30"):
            scaled = {n: x * Decimal(factor) for n, x in proof.multipliers.limits.items()}
            goal = goal_of(module, w, targets, Multipliers(scaled, proof.multipliers.min_accuracy))
            for d in DIGITS:
                assert bound(module, w, goal, tokens, d) >= best.low


def check_truths_are_accepted(module: ModuleType) -> None:
    for w in INSTANCES:
        document = json.loads(json.dumps(truth.solved(w).certificate.to_document()))
        assert module.check(document).startswith("proven")
        assert document["sha256"] == w.sha256
    for w, targets, proof, best in many():
        assert module.check(json.loads(json.dumps(proof.to_document()))).startswith("proven")
        goal = goal_of(module, w, targets, proof.multipliers)
        sharp = best.low + (1 + abs(best.low)) * mpf(10) ** -20
        assert bound(module, w, goal, list(proof.tokens), 100) <= sharp
