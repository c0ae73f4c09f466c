"""Proofs that an instance is infeasible: rays of cone data, and multipliers of a CVXPY problem's constraints.

For cone data, A x + s = b with s in K, a ray is a z in K* with A'z = 0 and b'z < 0: with a point x there
would be 0 <= z's = b'z < 0. A solver's ray has errors r = A'z, and refutes x only if b'z < r'x. As x may be
taken with tokens in [0, max_tokens] and e <= 1, the errors are charged there, and must not outweigh what is
proven:

    charged = (sum |r_l| max_tokens + sum |r_e| + sum max(-z, 0) max_tokens of the box's rows) / -b'z < 1.

The last column, of w, which has no upper bound, and z in K* are asked for relative to z's own size. (Either
question alone lets wrong rays pass: google-deepmind/qtqp#80 and cvxgrp/scs#400 tell of solvers that asked
one of them.)

In a CVXPY problem only the box has constraints, with multipliers mu of x >= 0 and nu of x <= x_max; that
y = y0 - a'x is positive stands in the objective. They prove that it is not, if mu - nu = s a for some s > 0
and -s y0 - nu'x_max > 0: for then -mu'x + nu'(x - x_max), at most 0 in the box, would be above 0 where y > 0.
Errors of mu - nu are charged in the same way. In the parametric form s is the multiplier of the equation of
y, too. Derived here.
"""

from __future__ import annotations

import numpy as np

from cvxtoken.allocation.program.cones import AllocationCones
from cvxtoken.library import Instance
from cvxtoken.suite.answer import PARAMETRIC
from cvxtoken.suite.case import Case, NotApplicable
from cvxtoken.suite.status import INFEASIBLE, SAYS_INFEASIBLE
from cvxtoken.suite.vectors import DUAL_TOLERANCE, ROUGH, multipliers_of, outside_dual_cone, vector_of

_ABOVE = 1e-12  # utilisations nearer to 1 are lost in the rounding of z
_NOTHING = "the ray proves nothing"
_SAME = 0.2  # so far may the equation's multiplier be from the s of the others, relative to it


def certificate(case: Case) -> str | None:
    """Whether the ray or the multipliers that come with a claim of infeasibility prove it.

    Where the claim is inaccurate the errors may be up to 1e-2 of what they are made of.
    """
    answer = case.answer
    if case.instance.feasible:
        raise NotApplicable("the instance has an optimum")
    if answer.status not in SAYS_INFEASIBLE:
        raise NotApplicable(f"the solver says '{answer.status}'")
    given = answer.duals if answer.ray is None else answer.ray
    if case.subject.kind == "workload" or given is None:
        raise NotApplicable("no ray was returned")
    if reason := not_provable(case.instance):
        raise NotApplicable(reason)
    rough = answer.status != INFEASIBLE
    if case.subject.kind == "problem":
        return _multipliers(case, rough)
    return ray_fault(case.allocation, given, rough)


def not_provable(instance: Instance) -> str:
    """Why no ray in doubles proves that an infeasible instance is; empty where one does."""
    above = float(instance.witness - 1)
    return f"the utilisation is 1 + {above:.2g}: doubles hold no proof" if above <= _ABOVE else ""


def ray_fault(cones: AllocationCones, given: object, rough: bool = False) -> str | None:
    """Why a ray of raw cone data does not prove infeasibility; None where it does (see the module's text).

    Args:
        cones: of an infeasible instance, in the raw form.
        given: z, shape (rows,), or what was given for it.
        rough: whether an error of 1e-2 is enough.
    """
    p, w = cones.program, cones.workload
    z, reason = vector_of("the ray z", given, p.b.shape)
    if z is None:
        return reason
    largest = float(np.abs(z).max(initial=0))
    z = z / largest if largest else z
    value, size = -float(p.b @ z), float(np.abs(p.b) @ np.abs(z))
    if not value > 1e-12 * size:
        return f"{_NOTHING}: b'z = {-value * largest:.3g}; it must be below 0"
    tolerance = ROUGH if rough else DUAL_TOLERANCE
    r, made_of = p.A.T @ z, abs(p.A.T) @ np.abs(z)
    # w, the last variable, has no upper bound: its column is taken by itself
    errors = [np.abs(r).max() / (made_of.max() or 1.0), abs(r[-1]) / (made_of[-1] or 1.0)]
    if max(errors) > tolerance:
        return f"{_NOTHING}: A'z is {max(errors):.3g} relative, not 0 (tolerance {tolerance:g})"
    if (outside := outside_dual_cone(z, p.cones, tolerance)) is not None:
        return outside
    n, top = len(w), np.asarray(w.max_tokens)
    below = np.maximum(-z[: 2 * n], 0) @ np.tile(top, 2)
    charged = float((np.abs(r[:n]) @ top + np.abs(r[n : 2 * n]).sum() + below) / value)
    if rough or charged < 1:
        return None
    return f"{_NOTHING}: over the box its errors come to {charged:.3g} of -b'z (tolerance 1)"


def _multipliers(case: Case, rough: bool) -> str | None:
    """Why the multipliers of a problem's constraints do not prove infeasibility; None where they do."""
    w = case.workload
    n, top = len(w), np.asarray(w.max_tokens)
    given, reason = multipliers_of(case.answer.duals)
    if given is None:
        return reason
    equations = int(case.subject.form == PARAMETRIC)
    if given.size != 2 * n + equations:
        raise NotApplicable(f"{given.size} multipliers were given, and {2 * n + equations} are known")
    a = w.rate * w.law.token_share * w.prior * w.time_per_token
    if not (a * top).any():
        raise NotApplicable("the tokens do not matter to the utilisation")
    largest = float(np.abs(given).max())
    given = given / largest if largest else given  # a proof of any size proves the same
    scale = np.tile(w.saturation_rate, 2) if equations else 1.0  # from those of x = b l
    mu, nu = (given[: 2 * n] * scale).reshape(2, n)
    s = float(((mu - nu) * top) @ (a * top) / ((a * top) @ (a * top)))
    value = -s * float(w.idle_at_zero) - float(nu @ top)
    if not (value > 0 and s > 0):
        return f"{_NOTHING}: the multipliers add up to {value * largest:.3g}; it must be above 0"
    off = np.abs(mu - nu - s * a) + np.maximum(-np.minimum(mu, nu), 0)
    charged = float(off @ top) / value
    if charged >= 1 and not rough:
        told = f"over the box the multipliers' errors come to {charged:.3g} of what they add up to"
        return f"{_NOTHING}: {told} (tolerance 1)"
    if equations and abs(given[-1] - s) > _SAME * s:
        asked = f"{given[-1] * largest:.6g}, those of the bounds ask for {s * largest:.6g}"
        return f"{_NOTHING}: the multiplier of the equation is {asked} (tolerance {_SAME * s * largest:.2g})"
    return None
