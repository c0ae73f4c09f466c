"""A line of an SVG drawn before the reader's eyes: for five seconds, once, only where motion is welcome."""

from __future__ import annotations

import re

import numpy as np

SECONDS = 5.0  # what moves longer by itself needs a button to stop it (WCAG 2.2.2)
_NUMBER = r"-?\d+(?:\.\d+)?"


def animated(svg: str, name: str) -> str:
    """The same SVG; the path in the group of this id grows from corner to corner, the first steps slowly."""
    (d,) = re.findall(rf'<g id="{name}">\s*<path d="([^"]*)"', svg)
    points = np.array([[float(x), float(y)] for x, y in re.findall(rf"[ML] ({_NUMBER}) ({_NUMBER})", d)])
    reached = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(points, axis=0)).sum(axis=1))])  # up or across
    steps = np.concatenate([[0.0], np.cumsum(1 / (1 + np.arange(len(points) - 1) / 6))])
    length = reached[-1] + 1  # no corner of the dash shows
    frames = "".join(
        f"{100 * time:.2f}%{{stroke-dashoffset:{length - done:.1f}}}"
        for time, done in zip(steps / steps[-1], reached, strict=True)
    )
    rules = (
        f"@media (prefers-reduced-motion:no-preference){{@keyframes {name}{{{frames}}}"
        f"#{name} path{{stroke-dasharray:{length:.1f};animation:{name} {SECONDS:g}s linear both}}}}"
    )
    return svg.replace("<style>", f"<style>{rules}", 1)
