"""Capacities of channels. Nothing is rounded.

x ln p is written as -rel_entr(x, p x), which holds for all x >= 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cvxpy as cp
import numpy as np

from cvxtoken.library.cones.problem import Family

family = Family("channels")

COVER = "Cover and Thomas, Elements of Information Theory, "
SYMMETRIC = [[0.75, 0.25], [0.25, 0.75]]
ERASURE = [[0.75, 0], [0.25, 0.25], [0, 0.75]]
Z = [[1, 0.5], [0, 0.5]]
THREE = [[0.75, 0.125, 0.25], [0.125, 0.75, 0.25], [0.125, 0.125, 0.5]]
"""Entry (i, j): the chance that j is received as i."""
USELESS = [[0.75, 0.25, 0.5], [0.25, 0.75, 0.5]]
NOISE = [1, 2, 4, 8, 3]
GAINS = [4, 1, 0.5]


def capacity(P: Sequence[Sequence[Any]]) -> cp.Problem:
    """max H(P x) - sum_j x_j H(P_j) over the inputs' distributions x."""
    x = cp.Variable(len(P[0]))
    noise = [
        p * cp.rel_entr(x[j], p * x[j]) for row in P for j, p in enumerate(row) if 0 < p < 1
    ]  # p x ln(x / (p x)) = -x p ln p
    return cp.Problem(cp.Maximize(cp.sum(cp.entr(np.array(P) @ x)) - sum(noise)), [cp.sum(x) == 1])


def radius(P: Sequence[Sequence[Any]]) -> cp.Problem:
    """min over y of the largest divergence D(P_j || y)."""
    y, t = cp.Variable(len(P)), cp.Variable()
    rows = [sum(cp.rel_entr(P[i][j], y[i]) for i in range(len(P)) if P[i][j]) <= t for j in range(len(P[0]))]
    return cp.Problem(cp.Minimize(t), [*rows, cp.sum(y) == 1])


@family.problem(source=COVER + "section 7.1.4")
def binary_symmetric() -> cp.Problem:
    """The binary symmetric channel with errors 1/4: max H(P x) - sum x_j H(P_j) = ln 2 - H(1/4)."""
    return capacity(SYMMETRIC)


@family.problem(source=COVER + "section 7.1.5")
def erasure() -> cp.Problem:
    """The binary erasure channel with erasures 1/4: capacity 3/4 ln 2."""
    return capacity(ERASURE)


@family.problem(source=COVER + "exercise 7.8")
def z_channel() -> cp.Problem:
    """The Z-channel, a 1 is lost half the time: capacity ln(5/4)."""
    return capacity(Z)


@family.problem(source=COVER + "exercise 7.8; the radius of information, Csiszar 1972")
def z_channel_radius() -> cp.Problem:
    """The dual: the centre of information of the Z-channel: min_y max_j D(P_j || y) = ln(5/4)."""
    return radius(Z)


@family.problem(source="Muroga 1953: capacity by the inverse matrix; our data")
def three_letters() -> cp.Problem:
    """Three letters in, three out: max H(P x) - sum x_j H(P_j), all letters used."""
    return capacity(THREE)


@family.problem(source="Muroga 1953; Csiszar 1972; our data")
def three_letters_radius() -> cp.Problem:
    """The dual of `three_letters`: min_y max_j D(P_j || y)."""
    return radius(THREE)


@family.problem(source="Gallager, Information Theory and Reliable Communication, section 4.5; our data")
def useless_letter() -> cp.Problem:
    """A third letter that is pure noise: its x is 0, and the capacity that of `binary_symmetric`."""
    return capacity(USELESS)


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, section 5.5.3, example 5.2")
def water_filling() -> cp.Problem:
    """Power over five channels: max sum ln(a_i + x_i), sum x = 6, x >= 0: water over the noise a."""
    x = cp.Variable(5, nonneg=True)
    return cp.Problem(cp.Maximize(cp.sum(cp.log(np.array(NOISE) + x))), [cp.sum(x) == 6])


@family.problem(source=COVER + "section 9.4; our data")
def parallel_gaussian() -> cp.Problem:
    """Power over three gains: max sum ln(1 + g_i x_i), sum x = 1, x >= 0, g = (4, 1, 1/2): two are used."""
    x = cp.Variable(3, nonneg=True)
    return cp.Problem(cp.Maximize(cp.sum(cp.log(1 + cp.multiply(GAINS, x)))), [cp.sum(x) == 1])


@family.problem(source=COVER + "section 10.3.1")
def rate_distortion() -> cp.Problem:
    """A biased bit (1/4) at distortion 1/8: min sum w_ij ln(w_ij / (p_i y_j)) = H(1/4) - H(1/8)."""
    w = cp.Variable((2, 2))
    y, p = cp.sum(w, axis=0), [0.25, 0.75]
    rate = sum(cp.rel_entr(w[i, j], p[i] * y[j]) for i in range(2) for j in range(2))
    return cp.Problem(cp.Minimize(rate), [cp.sum(w, axis=1) == p, w[0, 1] + w[1, 0] <= 0.125])


@family.problem(source="Tse and Viswanath, Fundamentals of Wireless Communication, section 6.1; our data")
def multiple_access() -> cp.Problem:
    """Two users of one receiver, in logarithms.

    max 2 r1 + r2, e^r1 <= 4, e^r2 <= 3, e^(r1 + r2) <= 6: ln 24.
    """
    r = cp.Variable(2)
    rules = [cp.exp(r[0]) <= 4, cp.exp(r[1]) <= 3, cp.exp(r[0] + r[1]) <= 6]
    return cp.Problem(cp.Maximize(2 * r[0] + r[1]), rules)


@family.problem(source="Boyd and Vandenberghe, Convex Optimization, exercise 4.62; our data")
def bandwidth() -> cp.Problem:
    """Power and bandwidth of two users.

    max sum w_i ln(1 + s_i p_i / w_i), sum p = 3, sum w = 1, s = (4, 1).
    """
    p, w = cp.Variable(2, nonneg=True), cp.Variable(2)
    rate = -cp.rel_entr(w[0], w[0] + 4 * p[0]) - cp.rel_entr(w[1], w[1] + p[1])
    return cp.Problem(cp.Maximize(rate), [cp.sum(p) == 3, cp.sum(w) == 1])
