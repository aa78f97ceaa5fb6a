"""A document as plain text for a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from creche.render.document import Block, Facts, Grid, Section, format_digits

__all__ = ["grid_text", "sections_text"]

WIDTH = 78
WIDEST_CELL = 36


def sections_text(sections: Iterable[Section]) -> str:
    """Return sections as text, separated by empty lines."""
    parts = []
    for section in sections:
        blocks = "\n".join(_block_text(block) for block in section.blocks)
        parts.append(f"{section.title}\n{blocks}")
    return "\n\n".join(parts)


def _block_text(block: Block) -> str:
    if isinstance(block, Facts):
        width = max(len(name) for name, _ in block.pairs) + 2
        return "\n".join(
            textwrap.fill(value, WIDTH, initial_indent=f"  {name:<{width}}", subsequent_indent=" " * (width + 2))
            for name, value in block.pairs
        )
    if isinstance(block, Grid):
        return grid_text(block)
    return textwrap.fill(block, WIDTH, initial_indent="  ", subsequent_indent="  ")


def grid_text(grid: Grid) -> str:
    """Return a table as text: two spaces between columns, sums below a rule.

    Examples
    --------
    >>> print(grid_text(Grid(["from", "value"], [["a", 0.5], ["bias", 1.25], ["sum", 1.75]], sums=1)))
      from  value
      a       0.5
      bias   1.25
      ───────────
      sum    1.75

    """
    from rich.cells import cell_len

    cells = [[_shorten(c) for c in grid.head]]
    cells += [[_shorten(c) if isinstance(c, str) else format_digits(c, grid.digits) for c in row] for row in grid.rows]
    widths = [max(cell_len(row[i]) for row in cells) for i in range(len(grid.head))]

    def line(row: list[str]) -> str:
        padded = []
        for i, (cell, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - cell_len(cell))
            padded.append(cell + space if i < grid.left else space + cell)
        return f"  {'  '.join(padded)}".rstrip()

    lines = [line(row) for row in cells]
    if grid.sums:
        lines.insert(len(lines) - grid.sums, "  " + "─" * (sum(widths) + 2 * (len(widths) - 1)))
    return "\n".join(lines)


def _shorten(text: str) -> str:
    return text if len(text) <= WIDEST_CELL else f"{text[: WIDEST_CELL - 1]}…"
