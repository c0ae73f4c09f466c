"""Signals and control: filters, antennas, approximation, paths of least effort."""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from cvxtoken.library.cones.problem import Family

family = Family("signals")

COSINES = [1, 0.875, 0.75, 0.5, 0.25, 0]
"""Of the frequencies of the pass band."""
STOP = [-0.5, -0.75, -1]
GRID = [-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1]
PULSE = [1, 2, -1, 1, 0, 0, 0]
FACTOR = [[2, 0, 0], [1, 2, 0], [0, 1, 1]]


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, section 6.1.1: Chebyshev approximation")
def chebyshev_quartic() -> cp.Problem:
    """The quartic that departs least from 0 on a grid.

    min max |t^4 + c_2 t^2 + c_0| over nine points; a fraction.
    """
    c, t = cp.Variable(2), np.array(GRID)
    return cp.Problem(cp.Minimize(cp.norm_inf(t**4 + c[1] * t**2 + c[0])))


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, section 6.1.1; our data")
def absolute_value() -> cp.Problem:
    """|t| by a quartic on nine points: min max | |t| - c_0 - c_1 t^2 - c_2 t^4 |; a fraction."""
    c, t = cp.Variable(3), np.array(GRID)
    return cp.Problem(cp.Minimize(cp.norm_inf(c[0] + c[1] * t**2 + c[2] * t**4 - np.abs(t))))


@family.problem(
    source="Wu, Boyd and Vandenberghe 1996, filters by spectral factorisation; Parks and "
    "McClellan 1972; our data",
)
def low_pass() -> cp.Problem:
    """A filter in x = cos w.

    min d, |h_0 + h_1 x + h_2 x^2 + h_3 x^3 - 1| <= 2 d (x >= 0), |h(x)| <= d (x <= -1/2).
    """
    h, d = cp.Variable(4), cp.Variable()
    powers = {name: np.vander(x, 4, increasing=True) for name, x in (("pass", COSINES), ("stop", STOP))}
    rules = [cp.abs(powers["pass"] @ h - 1) <= 2 * d, cp.abs(powers["stop"] @ h) <= d]
    return cp.Problem(cp.Minimize(d), rules)


@family.problem(
    source="Lebret and Boyd 1997, antenna arrays; Capon 1969: the filter of least variance; our data"
)
def capon() -> cp.Problem:
    """The array of least noise towards (1, 2, 3): min |F w|, w_1 + 2 w_2 + 3 w_3 = 1."""
    w = cp.Variable(3)
    return cp.Problem(cp.Minimize(cp.norm(np.array(FACTOR) @ w)), [np.array([1, 2, 3]) @ w == 1])


@family.problem(source="Vorobyov, Gershman and Luo 2003, robust beamforming; our data")
def robust_beam() -> cp.Problem:
    """A beam for all directions near (1, 2, 3): min |F w|, w_1 + 2 w_2 + 3 w_3 >= 1 + |w|."""
    w = cp.Variable(3)
    return cp.Problem(cp.Minimize(cp.norm(np.array(FACTOR) @ w)), [np.array([1, 2, 3]) @ w >= 1 + cp.norm(w)])


@family.problem(source="Lobo, Vandenberghe, Boyd and Lebret 1998, section 3.1: antenna arrays; our data")
def sidelobes() -> cp.Problem:
    """Two antennas, complex weights.

    min t, u + v = 1, |u + i v| <= t, |u - i v| <= 2 t, |u - v| <= t; sqrt(2) / 3.
    """
    u, v, t = cp.Variable(2), cp.Variable(2), cp.Variable()
    turned = cp.hstack([-v[1], v[0]])  # i v
    rules = [u + v == np.array([1, 0]), cp.norm(u + turned) <= t, cp.norm(u - turned) <= 2 * t]
    return cp.Problem(cp.Minimize(t), [*rules, cp.norm(u - v) <= t])


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, section 6.3.3: smoothing; our data")
def smoothing() -> cp.Problem:
    """A signal smoothed (Sobolev's norm).

    min |x - t|^2 + 4 |second differences of x|^2, t = (1, 2, -1, 1, 0, 0, 0).
    """
    x = cp.Variable(7)
    value = cp.sum_squares(x - np.array(PULSE)) + 4 * cp.sum_squares(cp.diff(x, 2))
    return cp.Problem(cp.Minimize(value))


@family.problem(source="Bryson and Ho, Applied Optimal Control, chapter 2; our data")
def least_effort() -> cp.Problem:
    """A cart moved from rest to rest by 10 in six steps: min |u|, p' = p + v, v' = v + u."""
    p, v, u = cp.Variable(7), cp.Variable(7), cp.Variable(6)
    rules = [p[0] == 0, v[0] == 0, p[6] == 10, v[6] == 0]
    rules += [p[1:] == p[:-1] + v[:-1], v[1:] == v[:-1] + u]
    return cp.Problem(cp.Minimize(cp.norm(u)), rules)


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, exercise 4.16: least fuel; our data")
def least_fuel() -> cp.Problem:
    """The same cart with fuel |u| up to 1 and 2 |u| - 1 above it.

    min sum max(|u_k|, 2 |u_k| - 1): a linear program.
    """
    p, v, u = cp.Variable(7), cp.Variable(7), cp.Variable(6)
    rules = [p[0] == 0, v[0] == 0, p[6] == 10, v[6] == 0]
    rules += [p[1:] == p[:-1] + v[:-1], v[1:] == v[:-1] + u]
    return cp.Problem(cp.Minimize(cp.sum(cp.maximum(cp.abs(u), 2 * cp.abs(u) - 1))), rules)


@family.problem(source="Shepp and Vardi 1982, emission tomography; our data")
def tomography() -> cp.Problem:
    """Counts 4, 9, 3 behind two sources.

    min sum (A x)_i - y_i ln (A x)_i, A = [[1, 0], [1, 2], [0, 1]], x >= 0.
    """
    x = cp.Variable(2, nonneg=True)
    rate = np.array([[1, 0], [1, 2], [0, 1]]) @ x
    return cp.Problem(cp.Minimize(cp.sum(rate) - np.array([4, 9, 3]) @ cp.log(rate)))
