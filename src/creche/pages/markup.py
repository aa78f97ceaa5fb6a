"""Pages as HTML for notebooks: the same tables and texts that a terminal shows, as elements of their own.

The HTML is complete in itself and runs nothing. Its style sheet applies to this page alone, follows the theme of
JupyterLab, VS Code and Colab, and elsewhere the system's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from creche.pages.charts import Drawing
from creche.pages.terms import terms_html
from creche.plots.inline_svg import theme_variables
from creche.render.document import Chart, Section
from creche.render.html import Html, join_html, sections_html, tag

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["page_html"]

BAR = re.compile(r"[█░▒│ ]*[█░▒│][█░▒│ ]*")
COLORS = frozenset({"bold", "dim", "red", "green", "yellow", "blue", "magenta", "cyan"})

# Where a notebook or a page says that it is dark; where it says that it is light, the system's theme does not count.
SAID_DARK = (
    '[data-jp-theme-light="false"]',
    ".vscode-dark",
    ".vscode-high-contrast",
    '[theme="dark"]',
    '[data-theme="dark"]',
    '[data-md-color-scheme="slate"]',
)
SAID_LIGHT = (
    '[data-jp-theme-light="true"]',
    ".vscode-light",
    '[theme="light"]',
    '[data-theme="light"]',
    '[data-md-color-scheme="default"]',
    ".notebook_app",
)


def page_html(page: RenderableType | Sequence[Section], figures: Sequence[Html] = ()) -> str:
    """Return a page as an HTML element.

    Parameters
    ----------
    page : renderable of rich, or sequence of Section
    figures : sequence of Html
        Plots; they take the place of the drawings that are made of characters.

    """
    elements: list[Any] = []
    shown = tag("div", *figures, class_="figures") if figures else None
    if isinstance(page, Sequence) and not isinstance(page, str):
        elements = [*_section_elements(page, shown)]
    else:
        for element in _elements(page):
            if not isinstance(element, Drawing):
                elements.append(element)
            elif shown is None:
                elements.append(_element_html(element) if element.plain else None)
            elif shown not in elements:
                elements.append(shown)
        if shown is not None and shown not in elements:
            elements.append(shown)
    return tag(
        "div", tag("style", Html(_style())), *elements, terms_html(join_html(elements)), class_="creche-page",
    )  # fmt: skip


def _section_elements(sections: Sequence[Section], figures: Html | None) -> Iterator[Html | None]:
    """Yield the sections; plots take the place of charts, below the first section that has one."""
    charted = [any(isinstance(block, Chart) for block in section.blocks) for section in sections]
    end = charted.index(True) + 1 if any(charted) else len(sections)
    if figures is not None:
        sections = [replace(s, blocks=[b for b in s.blocks if not isinstance(b, Chart)]) for s in sections]
    for part, below in ((sections[:end], figures), (sections[end:], None)):
        if part:
            yield from (tag("h4", part[0].title), sections_html(part, heading="h4"), below)


@cache
def _style() -> str:
    """Return the style sheet: its rules, and the colours for light and for dark backgrounds."""
    sheet = files("creche.pages").joinpath("notebook.css").read_text()
    _, light, dark, rules = re.split(r"(?m)^/\* .* \*/$", sheet)
    dark = f"{{{dark}{theme_variables(dark=True)} }}"
    return (
        f".creche-page {{{light}{theme_variables(dark=False)} }}\n"
        f"@media (prefers-color-scheme: dark) {{ .creche-page:not(:is({', '.join(SAID_LIGHT)}) *) {dark} }}\n"
        f":is({', '.join(SAID_DARK)}) .creche-page {dark}{rules}"
    )


def _elements(page: RenderableType) -> Iterator[Html | Drawing]:
    """Yield the parts of a page; an empty line is room above the next part."""
    has_gap = False
    for part in _parts(page):
        if isinstance(part, Drawing):
            yield part
        elif isinstance(part, Text) and not part.plain.strip():
            has_gap = True
            continue
        elif isinstance(part, Table):
            yield _table(part)
        elif isinstance(part, Padding):
            yield tag("div", *map(_element_html, _elements(part.renderable)), class_="indented")
        else:
            yield _paragraph(part if isinstance(part, Text) else Text(str(part)), has_gap)
        has_gap = False


def _element_html(element: Html | Drawing) -> Html:
    return tag("pre", _inline(element)) if isinstance(element, Drawing) else element


def _parts(page: RenderableType) -> Iterator[RenderableType]:
    if isinstance(page, Group):
        for part in page.renderables:
            yield from _parts(part)
    else:
        yield page


def _paragraph(text: Text, has_gap: bool) -> Html:
    lines = text.split("\n")
    parts: list[Any] = []
    for line in lines:
        parts += [Html("<br>") if parts else None, _inline(line)]
    classes = [*(["gap"] if has_gap else []), *_classes(str(text.style))]
    return tag("p", *parts, class_=" ".join(classes) or None)


def _inline(text: Text) -> Html:
    """Return a line of text, with its styles as classes."""
    plain = text.plain
    ends = sorted({0, len(plain), *(end for span in text.spans for end in (span.start, span.end) if end <= len(plain))})
    parts = []
    for begin, end in pairwise(ends):
        styles = [str(span.style) for span in text.spans if span.start <= begin and end <= span.end]
        classes = " ".join(_classes(" ".join(styles)))
        piece = plain[begin:end]
        parts.append(tag("span", piece, class_=classes) if classes else join_html([piece]))
    return join_html(parts)


def _classes(style: str) -> list[str]:
    return [f"c-{word}" for word in dict.fromkeys(style.split()) if word in COLORS]


def _table(table: Table) -> Html:
    """Return a table; one without a head is a list of facts."""
    columns = table.columns

    def cell(kind: str, content: Any, column: int, style: str) -> Html:
        text = content if isinstance(content, Text) else Text(str(content))
        is_bar = BAR.fullmatch(text.plain) is not None
        indent = len(text.plain) - len(text.plain.lstrip(" "))
        inner: Any = tag("span", _inline(text), class_="bar") if is_bar else _inline(Text(" ").join(text.split("\n")))
        classes = [*(["number"] if columns[column].justify == "right" else []), *_classes(f"{style} {text.style}")]
        padding = f"padding-left: {indent / 2}rem" if indent and not is_bar else None
        return tag(kind, inner, class_=" ".join(dict.fromkeys(classes)) or None, style=padding)

    head = None
    if table.show_header:
        cells = (cell("th", column.header, i, "") for i, column in enumerate(columns))
        head = tag("thead", tag("tr", *cells))
    rows = []
    for row, contents in zip(table.rows, zip(*(column.cells for column in columns), strict=True), strict=True):
        cells = (cell("td", content, i, f"{columns[i].style} {row.style or ''}") for i, content in enumerate(contents))
        rows.append(tag("tr", *cells))
    body = tag("table", head, tag("tbody", *rows), class_=None if table.show_header else "grid")
    return tag("div", body, class_="scrolling", tabindex=0)
