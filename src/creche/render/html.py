"""HTML out of Python: whatever is not HTML already becomes text, so that a column's name can be nothing but a name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

from creche.explain.trace.narrative import describe_trace
from creche.explain.trace.result import Trace
from creche.render.document import Block, Facts, Grid, Section, format_digits

__all__ = ["STYLE", "Html", "facts_table", "join_html", "step_html", "table", "tag", "trace_page"]


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, *children: Any, **attributes: Any) -> Html:
    """An element: children that are no `Html` are escaped, those that are None left out.

    ``class_`` is the attribute class, and other underscores become hyphens; attributes that are None are left out.

    Examples
    --------
    >>> tag("p", "a < b", tag("b", 7), class_="wide")
    '<p class="wide">a &lt; b<b>7</b></p>'

    """
    inside = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_visible(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{inside}>{join_html(children)}</{name}>")


def join_html(parts: Iterable[Any]) -> Html:
    """Parts behind each other, escaped where they are no `Html`."""
    return Html("".join(p if isinstance(p, Html) else escape(_visible(str(p))) for p in parts if p is not None))


def _visible(text: str) -> str:
    """Without what commands terminals, or turns the direction of letters around."""
    return text if text.isprintable() else "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)


def table(
    head: Sequence[Any], rows: Iterable[Sequence[Any]], *, left: Sequence[int] = (0,), caption: str | None = None
) -> Html:
    """A table that scrolls where it is too wide; cells stand to the right, those of columns `left` to the left."""

    def cells(kind: str, values: Sequence[Any]) -> Html:
        return tag("tr", *(tag(kind, v, class_=None if i in left else "number") for i, v in enumerate(values)))

    body = tag("tbody", *(cells("td", row) for row in rows))
    above = None if caption is None else tag("caption", caption)
    return tag("div", tag("table", above, tag("thead", cells("th", head)), body), class_="scrolling", tabindex=0)


def facts_table(pairs: Iterable[tuple[str, Any]]) -> Html:
    """Names and what is said of them."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs))


# Blue and orange of Okabe & Ito, which those who cannot tell red from green can tell.
STYLE = """
:root { color-scheme: light dark; --ground: #fff; --ink: #1b1f24; --quiet: #57606a; --line: #d0d7de; --up: #56b4e9;
  --down: #e69f00; --strength: 0.6; }
@media (prefers-color-scheme: dark) { :root { --ground: #16181d; --ink: #e6e6e6; --quiet: #9aa4af; --line: #363b44;
  --up: #0072b2; --down: #b35c00; --strength: 0.75; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 0 1.25rem 4rem; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 2rem 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 0.75rem; padding-top: 0.75rem; border-top: 1px solid var(--line);
  overflow-wrap: anywhere; }
p { max-width: 46rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1.5rem; margin: 1rem 0; }
dt { color: var(--quiet); }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.scrolling { overflow-x: auto; margin: 0.75rem 0; }
table { border-collapse: collapse; font-size: 0.92rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.75rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th { color: var(--quiet); font-weight: 600; }
.left { text-align: left; }
th:first-child, td:first-child { padding-left: 0; }
.sum > td { border-top: 2px solid var(--ink); }
.up { background: color-mix(in srgb, var(--up) calc(var(--share) * var(--strength)), transparent); }
.down { background: color-mix(in srgb, var(--down) calc(var(--share) * var(--strength)), transparent); }
summary { cursor: pointer; padding: 0.25rem 0; }
@media (max-width: 36rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { padding-bottom: 0.5rem; } }
@media print { details { break-inside: avoid; } }
"""


MOST_ROWS = 200


def trace_page(trace: Trace) -> str:
    """See `Trace.html`."""
    sections = describe_trace(trace, MOST_ROWS, with_weights=True)
    title = f"One training step on {_text(trace.source)}"
    body = "\n".join(_section(section, is_first=i == 0) for i, section in enumerate(sections))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


def _text(text: str) -> str:
    """Text as text, whatever a column or class is called; what turns the direction of letters around is replaced."""
    return escape("".join(c if c.isprintable() else "�" for c in text))


def _section(section: Section, *, is_first: bool) -> str:
    title = "" if is_first else f"<h2>{_text(section.title)}</h2>\n"
    return f"<section>\n{title}" + "\n".join(_block(block) for block in section.blocks) + "\n</section>"


def _block(block: Block) -> str:
    if isinstance(block, Facts):
        pairs = "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in block.pairs)
        return f"<dl>{pairs}</dl>"
    return _grid(block) if isinstance(block, Grid) else f"<p>{_text(block)}</p>"


def _grid(grid: Grid) -> str:
    largest = _largest(grid) if grid.shaded else 0.0
    head = "".join(_cell(grid, "th", name, i, largest) for i, name in enumerate(grid.head))
    sums = len(grid.rows) - grid.last
    rows = []
    for i, row in enumerate(grid.rows):
        cells = "".join(_cell(grid, "td", cell, column, largest) for column, cell in enumerate(row))
        rows.append(f"<tr{' class=sum' if i == sums else ''}>{cells}</tr>")
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    table = f'<div class="scrolling" tabindex="0">{table}</div>'
    if not grid.folded:
        return table
    return f"<details><summary>{_text(grid.caption)}</summary>{table}</details>"


def _cell(grid: Grid, tag: str, cell: str | float, column: int, largest: float) -> str:
    kind = " class=left" if column < grid.left else ""
    if isinstance(cell, str):
        return f"<{tag}{kind}>{_text(cell)}</{tag}>"
    shade = ""
    if grid.shaded and np.isfinite(cell) and cell and largest:
        colour = "up" if cell > 0 else "down"
        shade = f' style="--share: {100 * abs(cell) / largest:.0f}%" class={colour}'
    return f"<{tag}{kind}{shade}>{format_digits(cell, grid.digits)}</{tag}>"


def _largest(grid: Grid) -> float:
    sizes = [abs(c) for row in grid.rows for c in row if not isinstance(c, str) and np.isfinite(c)]
    return max(sizes, default=0.0)


STEP_ROWS = 20


def step_html(trace: Trace) -> Html:
    """The sections of a trace, without the lists of all weights."""
    first, *others = describe_trace(trace, STEP_ROWS, with_weights=False)
    parts = [_step_block(block) for block in first.blocks]
    for section in others:
        parts += [tag("h3", section.title), *(_step_block(block) for block in section.blocks)]
    return join_html(parts)


def _step_block(block: Block) -> Html:
    if isinstance(block, Facts):
        return facts_table(block.pairs)
    return _step_grid(block) if isinstance(block, Grid) else tag("p", block)


def _step_grid(grid: Grid) -> Html:
    rows = [[cell if isinstance(cell, str) else format_digits(cell, grid.digits) for cell in row] for row in grid.rows]
    shows = table(grid.head, rows, left=range(grid.left))
    return tag("details", tag("summary", grid.caption), shows) if grid.folded else shows
