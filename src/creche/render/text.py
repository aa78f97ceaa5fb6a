"""A document as plain text, no wider than the terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable

from creche._phrases import shorten_text
from creche.render.chart_text import chart_text
from creche.render.document import Block, Chart, Facts, Grid, Section, format_digits

__all__ = ["WIDTH", "grid_text", "sections_text", "terminal_width"]

WIDTH = 80  # characters, where there is no terminal to ask; wider lines are hard to read
WIDEST_CELL = 36
NARROWEST = 20


def terminal_width() -> int:
    """Return the number of characters in a line of the terminal; 80 without a terminal."""
    return shutil.get_terminal_size((WIDTH, 24)).columns


def sections_text(sections: Iterable[Section], width: int | None = None) -> str:
    """Return sections as text, separated by empty lines.

    Parameters
    ----------
    sections : iterable of Section
    width : int, optional
        The characters of a line: at most 80, and as many as the terminal has, by default.

    """
    width = max(min(terminal_width(), WIDTH) if width is None else width, NARROWEST)
    parts = []
    for section in sections:
        blocks = "\n".join(_block_text(block, width) for block in section.blocks)
        parts.append(f"{textwrap.fill(section.title, width)}\n{blocks}")
    return "\n\n".join(parts)


def _block_text(block: Block, width: int) -> str:
    if isinstance(block, Facts):
        return _facts_text(block, width)
    if isinstance(block, Grid):
        return grid_text(block, width)
    if isinstance(block, Chart):
        return chart_text(block, width)
    return textwrap.fill(block, width - 2, initial_indent="  ", subsequent_indent="  ")


def _facts_text(facts: Facts, width: int) -> str:
    longest = max(len(name) for name, _ in facts.pairs) + 2
    if longest > width // 2:  # no room for values beside the names
        return "\n".join(
            textwrap.fill(f"{name}: {value}", width - 2, initial_indent="  ", subsequent_indent="    ")
            for name, value in facts.pairs
        )
    return "\n".join(
        textwrap.fill(value, width - 2, initial_indent=f"  {name:<{longest}}", subsequent_indent=" " * (longest + 2))
        for name, value in facts.pairs
    )


def grid_text(grid: Grid, width: int = WIDTH) -> str:
    """Return a table as text: two spaces between columns, sums below a rule.

    A table that is wider than `width` characters continues below itself, under its first columns again. Rows that hold
    nothing in such a part are left out of it. In a narrow table, long texts take several lines.

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

    widest = min(WIDEST_CELL, width // 2 - 2)
    cells = [[_cell_lines(c, widest) for c in grid.head]]
    cells += [
        [_cell_lines(c, widest) if isinstance(c, str) else [format_digits(c, grid.digits)] for c in row]
        for row in grid.rows
    ]
    widths = [max(cell_len(line) for row in cells for line in row[i]) for i in range(len(grid.head))]

    def row_lines(row: list[list[str]], columns: list[int]) -> list[str]:
        lines = []
        for place in range(max(len(row[i]) for i in columns)):
            padded = []
            for i in columns:
                text = row[i][place] if place < len(row[i]) else ""
                space = " " * (widths[i] - cell_len(text))
                padded.append(text + space if i < grid.left else space + text)
            lines.append(f"  {'  '.join(padded)}".rstrip())
        return lines

    tables = []
    parts = _columns_side_by_side(widths, max(1, grid.left), width - 2)
    repeated = set(parts[0]).intersection(*parts[1:]) if len(parts) > 1 else set()
    for columns in parts:
        own = [i for i in columns if i not in repeated]
        lines = []
        for number, row in enumerate(cells):
            if grid.sums and number == len(cells) - grid.sums:
                lines.append("  " + "─" * _total_width(widths, columns))
            if len(parts) == 1 or any(line for i in own for line in row[i]):
                lines += row_lines(row, columns)
        tables.append("\n".join(line for place, line in enumerate(lines) if place + 1 < len(lines) or "─" not in line))
    return "\n\n".join(tables)


def _cell_lines(text: str, width: int) -> list[str]:
    """Return the lines of a cell; the second and later ones are indented."""
    return textwrap.wrap(shorten_text(text, WIDEST_CELL), width, subsequent_indent=" ") or [""]


def _columns_side_by_side(widths: list[int], repeated: int, width: int) -> list[list[int]]:
    """Return which columns to print side by side, table by table; the first ones are repeated in each."""
    first = list(range(min(repeated, len(widths))))
    if len(first) < len(widths) and _total_width(widths, first) + 2 + max(widths[len(first) :]) > width:
        first = first[:1]
    tables = [first]
    for i in range(len(first), len(widths)):
        if len(tables[-1]) > len(first) and _total_width(widths, [*tables[-1], i]) > width:
            tables.append(first)
        tables[-1] = [*tables[-1], i]
    return tables


def _total_width(widths: list[int], columns: list[int]) -> int:
    return sum(widths[i] for i in columns) + 2 * (len(columns) - 1)
