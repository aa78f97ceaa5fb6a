"""A document as plain text for a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from creche._phrases import shorten_text
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

    A table that is too wide continues below itself, under its first columns again.

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

    cells = [[shorten_text(c, WIDEST_CELL) for c in grid.head]]
    cells += [
        [shorten_text(c, WIDEST_CELL) if isinstance(c, str) else format_digits(c, grid.digits) for c in row]
        for row in grid.rows
    ]
    widths = [max(cell_len(row[i]) for row in cells) for i in range(len(grid.head))]

    def line(row: list[str], columns: list[int]) -> str:
        padded = []
        for i in columns:
            space = " " * (widths[i] - cell_len(row[i]))
            padded.append(row[i] + space if i < grid.left else space + row[i])
        return f"  {'  '.join(padded)}".rstrip()

    tables = []
    for columns in _columns_side_by_side(widths, max(1, grid.left)):
        lines = [line(row, columns) for row in cells]
        if grid.sums:
            lines.insert(len(lines) - grid.sums, "  " + "─" * _total_width(widths, columns))
        tables.append("\n".join(lines))
    return "\n\n".join(tables)


def _columns_side_by_side(widths: list[int], repeated: int) -> list[list[int]]:
    """Return which columns to print side by side, table by table; the first ones are repeated in each."""
    first = list(range(min(repeated, len(widths))))
    tables = [first]
    for i in range(len(first), len(widths)):
        if len(tables[-1]) > len(first) and _total_width(widths, [*tables[-1], i]) > WIDTH:
            tables.append(first)
        tables[-1] = [*tables[-1], i]
    return tables


def _total_width(widths: list[int], columns: list[int]) -> int:
    return sum(widths[i] for i in columns) + 2 * (len(columns) - 1)
