"""The contrast of a page's letters to what they stand on, as a browser draws them."""

from __future__ import annotations

import json
from typing import Any

from tests.support.browser import Browser

# (L1 + 0.05) / (L2 + 0.05), L the relative luminance: 4.5 for AA, 3 for large letters (WCAG 2.2, 1.4.3)
_FAINT = """(() => {
  const context = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const known = new Map();
  const rgba = colour => [...known.get(colour) ?? known.set(colour, read(colour)).get(colour)];
  const read = colour => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const linear = c => c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4;
  const luminance = c => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
  const over = (top, ground) => [0, 1, 2].map(i => top[i] * top[3] + ground[i] * (1 - top[3]));
  const ground = element => {
    if (!element) return [255, 255, 255];
    const own = rgba(getComputedStyle(element).backgroundColor);
    return own[3] >= 1 ? own : over(own, ground(element.parentElement));
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim(), element = walker.currentNode.parentElement;
    if (!text || element.closest("script, style, noscript, svg") || !element.checkVisibility()) continue;
    const style = getComputedStyle(element), below = ground(element), size = parseFloat(style.fontSize);
    let shown = 1;
    for (let e = element; e; e = e.parentElement) shown *= getComputedStyle(e).opacity;
    if (shown < 0.05) continue;  // not there, such as what appears when the mouse is over it
    const colour = rgba(style.color);
    colour[3] *= shown;
    const [low, high] = [luminance(over(colour, below)), luminance(below)].sort((a, b) => a - b);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < (large ? 3 : 4.5)) faint.push([text.slice(0, 40), Math.round(ratio * 100) / 100]);
  }
  return JSON.stringify(faint);
})()"""


def faint(page: Browser) -> list[Any]:
    """Texts of the open page whose contrast is below AA, each with its ratio."""
    return list(json.loads(page.run(_FAINT)))
