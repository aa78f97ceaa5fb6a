"""A traced step as plain text, as a terminal shows it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from creche.explain.trace.narrative import describe_trace
from creche.render.document import Block, Facts, Grid, format_digits

if TYPE_CHECKING:
    from creche.explain.trace.result import Trace

__all__ = ["grid_text", "trace_text"]

MOST_ROWS = 20


WIDTH = 78  # a terminal has 80 columns


WIDEST_NAME = 36


def trace_text(trace: Trace, most_rows: int = MOST_ROWS) -> str:
    """See `Trace`."""
    parts = []
    for section in describe_trace(trace, most_rows, with_weights=False):
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
    """A table without lines, two spaces between columns; sums stand below a rule.

    Examples
    --------
    >>> print(grid_text(Grid(["from", "value"], [["a", 0.5], ["bias", 1.25], ["sum", 1.75]], last=1)))
      from  value
      a       0.5
      bias   1.25
      ───────────
      sum    1.75

    """
    from rich.cells import cell_len

    cells = [[_brief(c) for c in grid.head]]
    cells += [[_brief(c) if isinstance(c, str) else format_digits(c, grid.digits) for c in row] for row in grid.rows]
    widths = [max(cell_len(row[i]) for row in cells) for i in range(len(grid.head))]

    def line(row: list[str]) -> str:
        padded = []
        for i, (cell, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - cell_len(cell))
            padded.append(cell + space if i < grid.left else space + cell)
        return f"  {'  '.join(padded)}".rstrip()

    lines = [line(row) for row in cells]
    if grid.last:
        lines.insert(len(lines) - grid.last, "  " + "─" * (sum(widths) + 2 * (len(widths) - 1)))
    return "\n".join(lines)


def _brief(text: str) -> str:
    return text if len(text) <= WIDEST_NAME else f"{text[: WIDEST_NAME - 1]}…"
