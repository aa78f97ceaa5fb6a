"""The one builder of HTML: elements, tables, sections and whole pages; text can never become markup."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np

from creche.render.chart_text import chart_text
from creche.render.document import Block, Chart, Facts, Grid, Section, format_digits

__all__ = ["Html", "facts_table", "html_page", "join_html", "sections_html", "table", "tag"]

# The browser fetches nothing and runs nothing, no matter how a column or a class is named; a script of the page itself
# is allowed by its hash.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

SCRIPT_ENDS = ("</", "<!--", "<script")  # what ends a script, or makes it end elsewhere


CHART_WIDTH = 80  # characters


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, *children: Any, **attributes: Any) -> Html:
    """Return an element; children that are not `Html` are escaped, and those that are None are left out.

    ``class_`` is the attribute class, and other underscores become hyphens; attributes that are None are left out.

    Examples
    --------
    >>> tag("p", "a < b", tag("b", 7), class_="wide")
    '<p class="wide">a &lt; b<b>7</b></p>'

    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{written}>{join_html(children)}</{name}>")


def join_html(parts: Iterable[Any]) -> Html:
    """Return the parts one after another; those that are not `Html` are escaped, and those that are None left out."""
    return Html("".join(part if isinstance(part, Html) else _escape(part) for part in parts if part is not None))


def _escape(value: Any) -> str:
    """Return text that shows as itself: characters that control a terminal or reverse the reading direction become �.

    Examples
    --------
    >>> _escape("a < b"), _escape(7)
    ('a &lt; b', '7')

    """
    text = str(value)
    if not text.isprintable():
        text = "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)
    return escape(text)


def table(
    head: Sequence[Any],
    rows: Iterable[Sequence[Any]],
    *,
    left: Sequence[int] = (0,),
    sums: int = 0,
    caption: str | None = None,
) -> Html:
    """Return a table that scrolls sideways where it is too wide.

    Parameters
    ----------
    head : sequence
        The columns' headings.
    rows : iterable of sequences
        Cells; a cell that is `Html` and begins with ``<td`` is taken as it is.
    left : sequence of int, default (0,)
        The columns aligned to the left; all others are aligned to the right.
    sums : int, default 0
        How many rows at the end are sums, below a rule.
    caption : str, optional

    """
    body = [list(row) for row in rows]

    def cells(kind: str, values: Sequence[Any], class_: str | None = None) -> Html:
        made = (
            value
            if isinstance(value, Html) and value.startswith("<td")
            else tag(kind, value, class_=None if i in left else "number")
            for i, value in enumerate(values)
        )
        return tag("tr", *made, class_=class_)

    lines = [cells("td", row, "sum" if sums and i == len(body) - sums else None) for i, row in enumerate(body)]
    above = None if caption is None else tag("caption", caption)
    whole = tag("table", above, tag("thead", cells("th", head)), tag("tbody", *lines))
    return tag("div", whole, class_="scrolling", tabindex=0)


def facts_table(pairs: Iterable[tuple[str, Any]]) -> Html:
    """Return names and their values as a list of definitions."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs))


def sections_html(sections: Sequence[Section], heading: str = "h2") -> Html:
    """Return sections as HTML; the first comes without its title, because the page or chapter around it has one.

    Parameters
    ----------
    sections : sequence of Section
    heading : str, default "h2"
        The element of the titles.

    """
    made = []
    for i, section in enumerate(sections):
        title = None if i == 0 else tag(heading, section.title)
        made.append(tag("section", title, *(_block_html(block) for block in section.blocks)))
    return join_html(made)


def _block_html(block: Block) -> Html:
    if isinstance(block, Facts):
        return facts_table(block.pairs)
    if isinstance(block, Chart):
        return tag("pre", chart_text(block, CHART_WIDTH))
    return _grid_html(block) if isinstance(block, Grid) else tag("p", block)


def _grid_html(grid: Grid) -> Html:
    largest = _largest_size(grid) if grid.shaded else 0.0
    rows = [[_cell(grid, cell, largest) for cell in row] for row in grid.rows]
    whole = table(grid.head, rows, left=range(grid.left), sums=grid.sums)
    return tag("details", tag("summary", grid.caption), whole) if grid.folded else whole


def _cell(grid: Grid, cell: str | float, largest: float) -> Any:
    """Return a cell's text; with a background that shows sign and size, where the grid is shaded."""
    if isinstance(cell, str):
        return cell
    text = format_digits(cell, grid.digits)
    if not grid.shaded or not np.isfinite(cell) or not cell or not largest:
        return text
    colour = "up" if cell > 0 else "down"
    return tag("td", text, style=f"--share: {100 * abs(cell) / largest:.0f}%", class_=f"number {colour}")


def _largest_size(grid: Grid) -> float:
    sizes = [abs(cell) for row in grid.rows for cell in row if not isinstance(cell, str) and np.isfinite(cell)]
    return max(sizes, default=0.0)


def html_page(title: str, *body: Any, style: str = "", script: str | None = None) -> str:
    """Return a whole page: one file with its style sheet, for light and dark screens, small screens and paper.

    Parameters
    ----------
    title : str
    *body
        What is on the page; what is not `Html` is escaped.
    style : str, default ""
        Rules that follow those of the style sheet.
    script : str, optional
        A module of JavaScript at the end of the page, the only one that the browser runs.

    """
    policy, last = POLICY, None
    if script is not None:
        assert not any(end in script for end in SCRIPT_ENDS), "it would end within the page"
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        policy += f"; script-src 'sha256-{digest}'"
        last = Html(f'<script type="module">{script}</script>')
    head = tag(
        "head",
        Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        tag("title", title),
        tag("style", Html(files("creche.render").joinpath("page.css").read_text() + style)),
    )
    return "<!doctype html>\n" + tag("html", head, tag("body", *body, last), lang="en") + "\n"
