"""The docs' figures, drawn by the package itself, as SVG text by name."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import gallery
import matplotlib as mpl
import numpy as np
from animation import animated
from disciplines import disciplines
from drawing import STYLE, panels
from matplotlib.figure import Figure
from servers import measured_servers

import cvxtoken
from cvxtoken import plots
from cvxtoken.allocation import model
from cvxtoken.picture import BLUE, GREEN, GREY, INK, ORANGE, PAPER, PURPLE, svg

CHAT = cvxtoken.Workload(
    names=["chat"],
    prior=[1],
    accuracy_gain=[0.8],
    saturation_rate=[0.002],
    base_accuracy=[0.1],
    overhead=[0.1],
    time_per_token=[0.001],
    arrival_rate=0.5,
    accuracy_weight=10,
    max_tokens=4096,
)
FIVE = gallery.FIVE


def own_figures() -> dict[str, str]:
    """SVG text by name: what is drawn for the pages alone, and the pictures of neighbouring problems."""
    own = {draw.__name__.replace("_", "-"): draw for draw in FIGURES}
    made = _drawn(own | gallery.of_file())
    return made | {"cobweb": animated(animated(made["cobweb"], "inward"), "cycle")}


def of_workload() -> dict[str, str]:
    """SVG text by name: every picture that `cvxtoken plot` draws of a workload."""
    return _drawn(gallery.of_workload())


def _drawn(draws: dict[str, Callable[[], Figure]]) -> dict[str, str]:
    with mpl.rc_context(STYLE):
        return {name: svg(draw()) for name, draw in draws.items()}


def one_type() -> Figure:
    """What tokens bring and what they cost, for the worked example."""
    figure, (axes,) = panels()
    l = np.linspace(0, 1650, 400)[:, None]
    gain = CHAT.accuracy_weight * model.mean_accuracy(CHAT, l)
    axes.plot(l, gain, color=BLUE)
    axes.plot(l, model.mean_system_time(CHAT, l), color=ORANGE)
    axes.plot(l, model.objective(CHAT, l), color=INK)
    best = cvxtoken.solve(CHAT)
    axes.plot(best.tokens, [best.objective], "o", color=INK)
    axes.annotate(
        f"{best.tokens[0]:.0f} tokens",
        (best.tokens[0], best.objective),
        (-30, -18),
        textcoords="offset points",
    )
    axes.text(800, 8.75, r"accuracy, $\alpha\,p(l)$", color=BLUE)
    axes.text(900, 3.1, r"system time, $E[T]$", color=ORANGE)
    axes.text(330, 3.0, r"objective $J$, their difference", color=INK)
    axes.set(xlabel="budget $l$ (thinking tokens)", ylabel="worth or time (s)", xlim=(0, 1650), ylim=(0, 10))
    axes.set_title("The best budget is where the last token brings what it costs")
    return figure


def perspective() -> Figure:
    """t^2 / y: straight along rays through the origin, bowl-shaped across them."""
    figure, (plane, cut) = panels(2, 8.4, 3.6)
    t, y = np.meshgrid(np.linspace(-2, 2, 200), np.linspace(0.02, 1.5, 200))
    plane.contour(t, y, t**2 / y, levels=[0.1, 0.4, 1, 2, 4, 8], colors=[BLUE], linewidths=1)
    for slope in (-1.2, -0.5, 0.5, 1.2):
        plane.plot([0, 2 * slope], [0, 2], color=ORANGE, linewidth=1.2)
    plane.set(xlabel="$t$", ylabel="$y$", xlim=(-2, 2), ylim=(0, 1.5), title="Straight along every ray")
    s = np.linspace(-2, 2, 200)
    for level, color in ((0.4, INK), (0.8, GREEN), (1.4, PURPLE)):
        cut.plot(s, s**2 / level, color=color, label=f"$y={level}$")
    cut.set(xlabel="$t$", ylabel="$t^2/y$", ylim=(0, 6), title="A parabola in every cut")
    cut.legend(frameon=False)
    return figure


def objective_contours() -> Figure:
    """J for two types: every level set is convex; the edge is where the queue explodes."""
    figure, (axes,) = panels(1, 6, 4.4)
    two = cvxtoken.Workload(
        names=["a", "b"],
        prior=[0.5, 0.5],
        accuracy_gain=[0.8, 0.6],
        saturation_rate=[0.002, 0.001],
        base_accuracy=[0.1, 0.2],
        overhead=[0.1, 0.1],
        time_per_token=[0.001, 0.001],
        arrival_rate=0.5,
        accuracy_weight=10,
        max_tokens=4096,
    )
    plots.contours(two, {}, (3600, 3600), axes)
    axes.text(2150, 2850, "no steady state")
    return figure


def cobweb() -> Figure:
    """The one-type fixed point at two arrival rates."""
    figure, drawn = panels(2, 8.4, 4)
    for axes, rate in zip(drawn, (0.5, 0.6), strict=True):
        w = CHAT.replace(arrival_rate=rate)
        l = np.linspace(0, 1600, 500)[:, None]
        stable = model.idle(w, l) > 0
        axes.plot(l[stable], model.answer(w, l[stable]), color=BLUE, label="answer $T(l)$")
        axes.plot([0, 1600], [0, 1600], color=GREY, linewidth=1)
        path = [
            float(x[0])
            for x in cvxtoken.fixed_point(w, start=np.array([800.0]), max_iterations=40).trace.tokens
        ]
        corners = [(a, b) for x, after in pairwise(path) for a, b in ((x, after), (after, after))]
        (web,) = axes.plot(*zip((path[0], path[0]), *corners, strict=True), color=ORANGE, linewidth=0.9)
        web.set_gid("inward" if rate == 0.5 else "cycle")
        axes.set(
            xlabel="budget $l$ before a step (tokens)",
            ylabel="budget $T(l)$ after the step (tokens)",
            xlim=(0, 1600),
            ylim=(0, 1600),
            title=f"λ = {rate} /s: it " + ("winds inward" if rate == 0.5 else "ends in a two-cycle"),
        )
    return figure


def price_paths() -> Figure:
    """The two prices at the iterates of five tasks."""
    figure, drawn = panels(2, 8.4, 3.8)
    for axes, rate in zip(drawn, (0.05, 0.1), strict=True):
        w = FIVE.replace(arrival_rate=rate)
        runs = {
            "fixed point": (cvxtoken.fixed_point(w, max_iterations=60), ORANGE),
            "damped by 0.5": (cvxtoken.fixed_point(w, damping=0.5), BLUE),
            "two-price Newton": (cvxtoken.price_newton(w), INK),
        }
        for name, (result, color) in runs.items():
            l = np.array(result.trace.tokens)
            y = model.idle(w, l)
            p = 1 + rate**2 * model.moments(w, l)[1] / (2 * y**2)
            axes.plot(rate / y, p, ".-", color=color, linewidth=1, label=name)
        axes.set(
            xlabel=r"$\theta=\lambda/y$ (1/s)",
            title=f"λ = {rate} /s: " + ("all reach the point" if rate == 0.05 else "one alternates"),
        )
    drawn[0].set_ylabel("$\\varphi=1+\\lambda^2E[S^2]/(2y^2)$ (no unit)")
    drawn[0].legend(frameon=False)
    return figure


def lower_bound() -> Figure:
    """The dual bound of one type, from a bad guess and from the optimum, where it touches F = -J."""
    figure, drawn = panels(2, 8.4, 3.6)
    l = np.linspace(0, 1700, 400)
    F = -model.objective(CHAT, l[:, None])
    best = float(cvxtoken.solve(CHAT).tokens[0])
    for axes, guess in zip(drawn, (500.0, best), strict=True):
        w, lam = CHAT, CHAT.arrival_rate
        z = float((w.overhead + w.time_per_token * guess)[0] / model.idle(w, np.array([guess])))
        kappa = 1 + lam**2 * z**2 / 2 + lam * z
        decay = w.accuracy_weight * w.accuracy_gain[0] * np.exp(-w.saturation_rate[0] * l)
        line = kappa * (w.overhead[0] + w.time_per_token[0] * l)
        below = decay + line - lam * z**2 / 2 - w.accuracy_weight * (w.accuracy_gain + w.base_accuracy)[0]
        axes.plot(l, F, color=BLUE, label="$F=-J$")
        axes.plot(l, below, color=ORANGE, label="under-estimate")
        axes.axhline(below.min(), color=ORANGE, linestyle="--", linewidth=1)
        axes.plot(guess, -model.objective(w, np.array([guess])), "o", color=INK)
        gap = float(-model.objective(w, np.array([guess])) - below.min())
        verdict = f"a gap of {gap:.2g} s" if gap > 1e-4 else "no gap: it touches $F$"
        axes.set(
            xlabel="budget $l$ (tokens)",
            ylim=(-6.6, -3),
            xlim=(0, 1700),
            title=f"From {guess:.0f} tokens: {verdict}",
        )
    drawn[0].set_ylabel("$F$ and its bounds (s)")
    drawn[0].legend(frameon=False, loc="upper center")
    return figure


def what_is_trusted() -> Figure:
    """From an instance to a theorem: what a kernel checks, and what a reader must."""
    figure, (axes,) = panels(1, 8.4, 3.9)
    boxes = {
        "instance": (0.0, 2.2, "instance\n(doubles)", INK),
        "certificate": (2.6, 2.2, "certificate\n(tokens, bounds)", ORANGE),
        "file": (5.2, 2.2, "FILE.v: data,\nbounds, theorem", INK),
        "lemmas": (5.2, 0.2, "FILE.v: prices,\nproof", ORANGE),
        "model": (7.8, 3.2, "formal/Model.v\ndefinitions", INK),
        "theorems": (7.8, 0.2, "formal/*.v\ntheorems, proofs", ORANGE),
        "kernel": (7.8, 1.7, "Coq's kernel\nfour axioms", BLUE),
    }
    drawn = {}
    for name, (x, y, text, color) in boxes.items():
        box = {"boxstyle": "round,pad=0.5", "facecolor": PAPER, "edgecolor": color}
        drawn[name] = axes.text(x, y, text, color=color, ha="center", va="center", bbox=box)
    paths = [("instance", "certificate"), ("certificate", "file"), ("certificate", "lemmas")]
    paths += [(name, "kernel") for name in ("file", "lemmas", "model", "theorems")]
    for start, end in paths:
        ends = {"patchA": drawn[start].get_bbox_patch(), "patchB": drawn[end].get_bbox_patch()}
        style = {"arrowstyle": "->", "color": GREY, **ends}
        axes.annotate("", boxes[end][:2], boxes[start][:2], arrowprops=style)
    axes.text(0.0, 3.75, "to be read by people", color=INK)
    axes.text(2.6, 3.75, "need not be believed", color=ORANGE)
    axes.text(5.2, 3.75, "to be trusted", color=BLUE)
    axes.set(xlim=(-1.2, 9.0), ylim=(-0.6, 4.1))
    axes.axis("off")
    return figure


FIGURES = [
    one_type,
    perspective,
    objective_contours,
    cobweb,
    price_paths,
    lower_bound,
    measured_servers,
    disciplines,
    what_is_trusted,
]
