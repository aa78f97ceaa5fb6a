"""Plots inside a page: one SVG whose colours follow the page, for light and dark backgrounds."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from creche.plots.save import FONT, render_picture
from creche.plots.style import LIGHTER, PAGE_GROUND, PAGE_INK

__all__ = ["inline_svg", "theme_variables"]

REFERENCE = re.compile(r"url\(#([^)]+)\)")
FONTS = f"'{FONT}', Verdana, sans-serif"  # Verdana has the same widths
UNNEEDED = {"metadata", "style"}
BLACK = "#000000"

# A black area stays black, for it may be the text on a light cell; a black line is one of the lines of a plot.
LINE_COLORS = {f"stroke: {BLACK}": "stroke: currentColor"}
COLORS = {
    PAGE_INK: "currentColor",
    PAGE_GROUND: "var(--plot-ground)",
    **{color.lower(): f"var(--plot-{color[1:].lower()})" for color in LIGHTER if color != BLACK},
}


def theme_variables(*, dark: bool) -> str:
    """Return the declarations of a plot's colours, for a style sheet.

    Examples
    --------
    >>> theme_variables(dark=True)[:23]
    '--plot-0072b2: #56B4E9;'

    """
    pairs = ((color, lighter if dark else color) for color, lighter in LIGHTER.items() if color != BLACK)
    return " ".join(f"--plot-{color[1:].lower()}: {value};" for color, value in pairs)


def inline_svg(draw: Callable[[], Any], prefix: str, description: str) -> str:
    """Return a plot as an SVG element, whose text and colours follow the page around it.

    Parameters
    ----------
    draw : callable
        Draws with `creche.plots.style.resolve_axes`, and returns the Axes.
    prefix : str
        What the ids in the element begin with: no two elements of a page may have the same.
    description : str
        What the plot shows, for readers who cannot see it.

    """
    root = ElementTree.fromstring(render_picture(draw, "svg", for_page=True))
    for element in list(root.iter()):
        element.tag = _without_namespace(element.tag)
        for child in [c for c in element if _without_namespace(c.tag) in UNNEEDED]:
            element.remove(child)
        for key, value in list(element.attrib.items()):
            del element.attrib[key]
            plain = _without_namespace(key)
            if plain == "id":
                value = prefix + value
            elif plain == "href":
                value = value.replace("#", f"#{prefix}", 1)
            elif plain == "style":
                value = _follow_page(value.replace(f"'{FONT}'", FONTS))
            element.attrib[plain] = REFERENCE.sub(lambda found: f"url(#{prefix}{found[1]})", value)
    width = float(root.attrib.pop("width").removesuffix("pt"))
    root.attrib.pop("height")
    root.attrib |= {"role": "img", "aria-label": description, "style": f"max-width: {width * 4 / 3:.0f}px"}
    return ElementTree.tostring(root, encoding="unicode")


def _follow_page(style: str) -> str:
    for color, replacement in (LINE_COLORS | COLORS).items():
        style = style.replace(color, replacement)
    return style


def _without_namespace(name: Any) -> str:
    return str(name).rpartition("}")[2]
