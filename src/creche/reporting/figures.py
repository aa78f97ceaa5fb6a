"""Pictures in a page: SVG in it, once for a light and once for a dark background, of which the reader sees one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from creche.plots.saving import FONT, rendered
from creche.reporting.html import Html, tag

__all__ = ["Figures"]

REFERENCE = re.compile(r"url\(#([^)]+)\)")
OF_THAT_WIDTH = f"'{FONT}', Verdana, sans-serif"
UNNEEDED = {"metadata", "style"}


class Figures:
    """Makes the pictures of one page, in which no two elements have the same id."""

    def __init__(self) -> None:
        self._count = 0

    def figure(self, draw: Callable[[], Any], caption: str, said: str) -> Html:
        """A picture with its caption.

        Parameters
        ----------
        draw : callable
            Draws with `axes_for` and returns the Axes.
        caption : str
        said : str
            What it shows, for who cannot see it.

        """
        self._count += 1
        both = [
            tag("div", self._svg(rendered(draw, "svg", dark, as_text=True), name, said), class_=f"only-{name}")
            for name, dark in (("light", False), ("dark", True))
        ]
        return tag("figure", *both, tag("figcaption", caption))

    def _svg(self, content: bytes, name: str, said: str) -> Html:
        """A file of SVG as an element of a page."""
        root = ElementTree.fromstring(content)
        prefix = f"{name}{self._count}-"
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
                    value = value.replace(f"'{FONT}'", OF_THAT_WIDTH)
                element.attrib[plain] = REFERENCE.sub(lambda found: f"url(#{prefix}{found[1]})", value)
        width = float(root.attrib.pop("width").removesuffix("pt"))
        root.attrib.pop("height")
        root.attrib |= {"role": "img", "aria-label": said, "style": f"max-width: {width * 4 / 3:.0f}px"}
        return Html(ElementTree.tostring(root, encoding="unicode"))


def _without_namespace(name: Any) -> str:
    return str(name).rpartition("}")[2]
