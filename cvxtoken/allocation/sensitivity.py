"""How the optimum moves with the data: derivatives in every parameter from the price system (derived here).

The optimum is given by the prices P = (theta, p, chi of the active rows) and by every type's answer l_k(P, a)
to them, where a are the parameters. `targeted.polish` has the equations R(P, a) = 0 of an active set. R
depends on the types through sum pi t0, E[S], E[S^2] and the rows' values alone. The answers' own partial
derivatives come from

    ln(alpha A b) - b l - ln slope = 0,   slope = c (p + theta square tau) + tilt   (free types)

and from the bound where a type is at one. With them, dP/da = -(dR/dP)^-1 dR/da is a small system of as many
equations as there are prices, for all parameters at once, and
dl_k/da_j = [own partial derivative, if k = j] + dl_k/dP dP/da_j: a diagonal plus few rows, at O(N) cost.

Where a type or a target is just about to become active, the optimum has a kink. The derivative given is that
of the present active set.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.fields import PER_TYPE
from cvxtoken.allocation.reference import Reference
from cvxtoken.allocation.targeted.feasible import least_tokens
from cvxtoken.allocation.targets import LIMITS, MEMORY
from cvxtoken.arrays import FloatArray
from cvxtoken.delay import Law
from cvxtoken.errors import ProblemError, SolverError
from cvxtoken.files import nearest

_TIME, _WAIT, _LOAD, _TOKENS = LIMITS
_VECTORS = (*PER_TYPE, "max_tokens", "min_accuracy")


@dataclass(frozen=True)
class Sensitivity:
    """Derivatives of the optimum in every parameter.

    The keys are 'arrival_rate', 'accuracy_weight' and the upper targets that are given (a number each), and
    'prior', 'accuracy_gain', 'saturation_rate', 'base_accuracy', 'overhead', 'time_per_token', 'deviation',
    'deviation_per_token', 'max_tokens' and 'min_accuracy' (one number a type, shape (N,)). Each has the unit
    of the quantity over that of the parameter. A derivative in a prior changes that prior alone; for changes
    that keep the sum of the priors, add up.

    Attributes:
        objective: of J*.
        mean_system_time: of E[T], in s.
        mean_accuracy: of sum pi p.
        own: of l_k in its own parameter at fixed prices, or of all l in a scalar, shape (N,).
        response: of l in the prices, shape (N, m).
        prices: of the prices in the parameter, shape (m,) or (m, N).
    """

    objective: dict[str, FloatArray]
    mean_system_time: dict[str, FloatArray]
    mean_accuracy: dict[str, FloatArray]
    own: dict[str, FloatArray]
    response: FloatArray
    prices: dict[str, FloatArray]

    def tokens(self, parameter: str) -> FloatArray:
        """Derivatives of l* in a parameter.

        Shape (N,) for a scalar parameter, else (N, N) with dl_k / d parameter_j in row k, column j.

        Raises:
            ProblemError: there is no such parameter.
        """
        if parameter not in self.own:
            raise ProblemError(f"{parameter!r} is not a parameter{nearest(parameter, self.own)}")
        moved = self.response @ self.prices[parameter]
        own = self.own[parameter]
        return moved + (np.diag(own) if parameter in _VECTORS else own)


def sensitivity(reference: Reference) -> Sensitivity:
    """Derivatives of l*, J*, E[T] and the mean accuracy in every parameter, at a certified optimum.

    Args:
        reference: certified; linear targets and that on the memory are not covered.

    Raises:
        ProblemError: the reference is not certified, or has linear targets or one on the memory.
        SolverError: how the prices move was not found, as for data near the ends of float64.
    """
    further = reference.constraints or reference.targets.linear
    if reference.status != "certified" or further or MEMORY in reference.targets.limits:
        raise ProblemError(
            "sensitivity needs a certified optimum without further constraints or max_mean_kv_tokens"
        )
    return _Derivatives(reference).result()


class _Derivatives:
    """Differentials of all quantities in the prices and in every parameter."""

    def __init__(self, reference: Reference) -> None:
        w, targets = reference.workload, reference.targets
        self.w, self.targets, self.l = w, targets, reference.tokens
        multipliers = reference.certificate.multipliers
        self.active = [name for name in targets.limits if multipliers.of(name) > 0]
        self.load = [name for name in self.active if name != _TOKENS]
        self.alpha, self.weight = targets.accuracy_weight(w), targets.delay_weight
        mu, nu, eta, xi = (float(multipliers.of(name)) for name in LIMITS)
        self.t, self.s = model.service_time(w, self.l), model.deviation(w, self.l)
        self.tau, self.y = model.marginal_time(w, self.l), float(model.idle(w, self.l))
        self.mean, self.second = (float(x) for x in model.moments(w, self.l))
        self.lam, self.law, lam = w.rate, w.law, w.rate
        self.share, self.square = self.law.token_share, self.law.square
        self.Q = float(model.spread(w, self.l))
        self.congestion = lam * self.Q / (2 * self.y)
        self.e = self.weight + mu + nu
        self.theta = self.e * lam / self.y
        direct = self.e * self.law.direct - nu + eta * lam * self.share
        self.p = direct + self.share * self.theta * self.congestion
        self.slope = w.time_per_token * (self.p + self.theta * self.square * self.tau) + xi
        self.names = ["theta", "p", *(["chi"] if _TOKENS in self.active else [])]
        self.count = len(self.names)
        self._place(reference)

    def _place(self, reference: Reference) -> None:
        """Which types are free, at their top, or held by a least accuracy."""
        exact, least = reference.certificate.tokens, least_tokens(self.w, self.targets)
        self.at_top = np.array(
            [l == Decimal(top) for l, top in zip(exact, self.w.max_tokens.tolist(), strict=True)]
        )
        self.held = np.array([l == low and low > 0 for l, low in zip(exact, least, strict=True)])
        self.free = (self.l > 0) & ~self.at_top & ~self.held

    def own(self) -> dict[str, FloatArray]:
        """Partial derivatives of the answers, in their own type's data and in the prices, shape (N,) each."""
        w, l, slope = self.w, self.l, self.slope
        A, b, c, D = w.accuracy_gain, w.saturation_rate, w.time_per_token, w.base_accuracy
        s, s1 = self.s, w.deviation_per_token
        q = self.targets.floors(w)
        rest = np.where(self.held, A + D - q, 1.0)  # A e^(-b l) where the least accuracy holds
        theta = self.theta * self.square
        stiff = b + model.curvature(w) * theta / slope if self.free.any() else np.ones(len(w))
        free, held, zero = self.free / stiff, self.held / b, np.zeros(len(w))
        return {
            "prior": zero,
            "accuracy_gain": free / A + held * (1 / A - 1 / rest),
            "saturation_rate": free * (1 / b - l) - held * l,
            "base_accuracy": -held / rest,
            "overhead": -free * c * theta / slope,
            "time_per_token": -free * (self.p + theta * (self.t + c * l)) / slope,
            "deviation": -free * s1 * theta / slope,
            "deviation_per_token": -free * theta * (s + s1 * l) / slope,
            "max_tokens": self.at_top * 1.0,
            "min_accuracy": held / rest,
            "theta": -free * c * self.square * self.tau / slope,
            "p": -free * c / slope,
            "chi": -free / slope,
            "accuracy_weight": free / w.accuracy_weight * self.weight,
            "arrival_rate": zero,
        }

    def result(self) -> Sensitivity:
        """Solve for the prices and put everything together."""
        w, own = self.w, self.own()
        scalars = ["arrival_rate", "accuracy_weight", *self.targets.limits]
        own |= {name: np.zeros(len(w)) for name in self.targets.limits}
        d = {name: self._differentials(name, own[name]) for name in (*self.names, *scalars, *_VECTORS)}
        R = {name: self._residuals(name, *d[name][:3]) for name in d}
        jacobian = np.column_stack([R[name][:, 0] for name in self.names])
        scale = np.abs(jacobian).max(axis=1, keepdims=True)
        scale[scale == 0] = 1.0
        prices, found = {}, {}
        try:
            inverse = np.linalg.pinv(jacobian / scale)
        except np.linalg.LinAlgError as error:  # as for data near the ends of float64
            raise SolverError(f"how the prices move was not found: {error}") from error
        for name in (*scalars, *_VECTORS):
            moved = -inverse @ (R[name] / scale)
            mean, second, _, accuracy = (
                x + sum(d[price][i] * moved[j] for j, price in enumerate(self.names))
                for i, x in enumerate(d[name])
            )
            system = self._delays(name, mean, second)[0]
            explicit = float(model.mean_accuracy(w, self.l)) * (name == "accuracy_weight") * self.weight
            J = self.alpha * accuracy - self.weight * system + explicit
            prices[name], found[name] = moved, (J, system, accuracy)
        tidy = {n: (lambda x, n=n: x if n in _VECTORS else x[0]) for n in found}
        objective, system_time, mean_accuracy = (
            {n: tidy[n](x[i]) for n, x in found.items()} for i in range(3)
        )
        return Sensitivity(
            objective,
            system_time,
            mean_accuracy,
            {name: own[name] for name in found},
            np.column_stack([own[price] for price in self.names]),
            {n: moved if n in _VECTORS else moved[:, 0] for n, moved in prices.items()},
        )

    def _differentials(self, name: str, own: FloatArray) -> tuple[FloatArray, ...]:
        """Change of E[S], E[S^2], mean tokens and mean accuracy in a price or parameter: one column or N."""
        w, l, t, s = self.w, self.l, self.t, self.s
        pi, c = w.prior, w.time_per_token
        decay = np.exp(-w.saturation_rate * l)
        rate = w.accuracy_gain * w.saturation_rate * decay
        changes = [pi * c * own, 2 * pi * c * self.tau * own, pi * own, pi * rate * own]
        if name not in _VECTORS:
            return tuple(np.array([x.sum()]) for x in changes)
        zero = np.zeros(len(w))
        explicit = {
            "prior": (t, t * t + s * s, l, model.accuracy(w, l)),
            "overhead": (pi, 2 * pi * t, zero, zero),
            "time_per_token": (pi * l, 2 * pi * t * l, zero, zero),
            "deviation": (zero, 2 * pi * s, zero, zero),
            "deviation_per_token": (zero, 2 * pi * s * l, zero, zero),
            "accuracy_gain": (zero, zero, zero, pi * (1 - decay)),
            "saturation_rate": (zero, zero, zero, pi * w.accuracy_gain * l * decay),
            "base_accuracy": (zero, zero, zero, pi),
        }.get(name, (zero,) * 4)
        return tuple(x + y for x, y in zip(changes, explicit, strict=True))

    def _law_change(self, name: str) -> tuple[FloatArray, Law, FloatArray]:
        """Changes of lambda, of the numbers of the delay law, and of T0, in a price or parameter.

        The law is evaluated at numbers with a tiny imaginary part, which becomes the derivative: nothing is
        subtracted, so that it is exact to rounding.
        """
        w, zero = self.w, np.zeros(1)
        lam = np.full(1, 1 / w.server.replicas) if name == "arrival_rate" else zero
        T0 = {"prior": w.overhead, "overhead": w.prior}.get(name, zero)
        T0_here, tiny = w.rough_overhead, 1e-30
        in_lam = w.server.law(complex(self.lam, tiny * self.lam), complex(T0_here), complex)
        in_T0 = w.server.law(complex(self.lam), complex(T0_here, tiny), complex)
        changes = [
            a.imag / (tiny * self.lam) * lam + b.imag / tiny * T0 for a, b in zip(in_lam, in_T0, strict=True)
        ]
        return lam, Law(*changes), T0

    def _delays(self, name: str, mean: FloatArray, second: FloatArray) -> tuple[FloatArray, ...]:
        """Changes of E[T], y and lambda Q / (2 y), with those of E[S] and E[S^2]."""
        lam, law, T0 = self._law_change(name)
        load = self.share * mean + (self.law.overhead_share - self.share) * T0
        dy = -self.lam * load - (1 - self.y) / self.lam * lam
        Q = self.square * second + law.constant
        own = self.Q / (2 * self.y) * lam + self.lam / (2 * self.y) * Q
        congestion = own - self.congestion / self.y * dy
        system = law.offset + law.direct * self.mean + self.law.direct * mean + congestion
        return system, dy, congestion

    def _residuals(self, name: str, mean: FloatArray, second: FloatArray, tokens: FloatArray) -> FloatArray:
        """Change of every equation, shape (m, columns)."""
        lam, law, _ = self._law_change(name)
        system, dy, congestion = self._delays(name, mean, second)
        theta, p, direct = float(name == "theta"), float(name == "p"), self.law.direct
        e = (self.y * theta + self.theta * dy - self.e * lam) / self.lam
        own = p - self.share * (self.congestion * theta + self.theta * congestion)
        values = {_TIME: system, _WAIT: system - mean, _LOAD: -dy, _TOKENS: tokens}
        rows = [values[target] - (name == target) for target in self.load]
        if self.load == [_TIME]:
            rows.append(e * direct + self.e * law.direct - own)
        if self.load in ([], [_LOAD]):
            rows.append(e)
        if self.load == []:
            rows.append(own - self.weight * law.direct)
        if self.load == [_WAIT]:
            rows.append(own - e * (direct - 1) - self.e * law.direct)
        if _TOKENS in self.active:
            rows.append(values[_TOKENS] - (name == _TOKENS))
        return np.array(np.broadcast_arrays(*rows))
