"""What all tables on the pages look like: no lines, two spaces between columns, so that most fit 80 characters."""

from __future__ import annotations

from rich.table import Table

__all__ = ["facts_table", "plain_table"]

PADDING = (0, 0, 0, 2)  # above, right, below, left


def plain_table(*names: str, left: tuple[str, ...] = ()) -> Table:
    """A table with these columns, whose cells stand to the right; those of `left` to the left."""
    table = Table(box=None, padding=PADDING, header_style="dim")
    for name in names:
        table.add_column(name, justify="left" if name in left else "right")
    return table


def facts_table(*, dim_names: bool = False) -> Table:
    """Names and what is said of them."""
    table = Table.grid(padding=(0, 2, 0, 0))
    if dim_names:
        table.add_column(style="dim")
        table.add_column()
    return table
