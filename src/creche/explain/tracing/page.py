"""A traced step as a page of HTML that needs nothing else: no network, no script."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from creche.explain.tracing.blocks import Block, Facts, Grid, Section, shown
from creche.explain.tracing.page_style import STYLE
from creche.explain.tracing.story import story

if TYPE_CHECKING:
    from creche.explain.tracing.result import Trace

__all__ = ["page"]

MOST_ROWS = 200


def page(trace: Trace) -> str:
    """See `Trace.html`."""
    sections = story(trace, MOST_ROWS, with_weights=True)
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
    return f"<{tag}{kind}{shade}>{shown(cell, grid.digits)}</{tag}>"


def _largest(grid: Grid) -> float:
    sizes = [abs(c) for row in grid.rows for c in row if not isinstance(c, str) and np.isfinite(c)]
    return max(sizes, default=0.0)
