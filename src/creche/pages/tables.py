"""Tables and formats that the pages share: no lines, two spaces between columns, so that most fit 80 characters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from creche._phrases import format_count, write_number
from creche.pages.charts import Drawing
from creche.pages.page_table import PageTable
from creche.render.words import name_purpose

if TYPE_CHECKING:
    import polars as pl

    from creche.table.prepare import Prepared

__all__ = [
    "BOOTSTRAP_INTERVAL",
    "INTERVAL",
    "as_sentence",
    "count_rows",
    "facts_table",
    "format_duration",
    "format_score",
    "format_value",
    "frame_page",
    "narrow_table",
    "note",
    "part_sizes",
    "plain_table",
]

INTERVAL = "95 % CI"
BOOTSTRAP_INTERVAL = "95 % CI (bootstrap)"
PADDING = (0, 0, 0, 2)  # above, right, below, left


def plain_table(*names: str, left: tuple[str, ...] = ()) -> PageTable:
    """Return an empty table with these columns, aligned to the right except for those in `left`."""
    table = PageTable(box=None, padding=PADDING, header_style="dim")
    for name in names:
        table.add_column(name, justify="left" if name in left else "right")
    return table


def narrow_table(names: Sequence[str]) -> PageTable:
    """Return an empty table of numbers, as narrow as possible: names break between words, cells do not break."""
    table = PageTable(box=None, padding=(0, 1), header_style="dim")
    for i, name in enumerate(names):
        lines = name if name == INTERVAL else name.replace("_", " ").replace(" ", "\n")
        table.add_column(lines, justify="right", no_wrap=True, style="dim" if i == 0 else "", vertical="bottom")
    return table


def facts_table() -> Table:
    """Return an empty table of facts: a name and a value in each row."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column()
    return table


def note(text: str, style: str = "dim", indent: int = 2) -> Padding:
    """Return a remark below a table; where it needs several lines, all are indented."""
    return Padding(Text(text, style=style), (0, 0, 0, indent))


def frame_page(title: str, frame: pl.DataFrame, limit: int = 10) -> RenderableType:
    """Render a title, room for plots, and the first rows of a DataFrame."""
    numbers = [name for name, kind in frame.schema.items() if kind.is_numeric()]
    table = plain_table(*frame.columns, left=tuple(name for name in frame.columns if name not in numbers))
    for row in frame.head(limit).iter_rows():
        table.add_row(*(Text(format_value(value, missing="")) for value in row))
    rest = frame.height - limit
    more = [note(f"and {format_count(rest, 'more row')}")] if rest > 0 else []
    return Group(Text(title), Drawing(), table, *more)


def as_sentence(note: str) -> str:
    """Write a note as a sentence.

    Examples
    --------
    >>> as_sentence("a row was left out")
    'A row was left out.'

    """
    return f"{note[:1].upper()}{note[1:]}."


def count_rows(rows: Mapping[str, int]) -> str:
    """Count the rows of each part of a split.

    Examples
    --------
    >>> count_rows({"train": 1241, "validation": 103})
    '1,241 for training, 103 for validation'

    """
    return ", ".join(f"{count:,} for {name_purpose(part)}" for part, count in rows.items())


def part_sizes(prepared: Prepared) -> dict[str, int]:
    """Return the number of rows of each part of a split."""
    parts = {"train": prepared.train, "validation": prepared.validation, "test": prepared.test}
    return {name: len(part) for name, part in parts.items() if part is not None}


def format_duration(seconds: float) -> str:
    """Write a short duration.

    Examples
    --------
    >>> format_duration(0.0000451), format_duration(0.00132), format_duration(75.04)
    ('45 µs', '1.32 ms', '75.0 s')

    """
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.1f} s"


def format_score(value: float | None) -> str:
    """Write a loss or metric with four decimals, a small or larger one with three digits; empty for None and NaN.

    What is nearer to 0 than 1e-12 is the rounding error of a sum that is 0.

    Examples
    --------
    >>> format_score(0.98765), format_score(0.0), format_score(0.00012345), format_score(31234.5), format_score(7e-5)
    ('0.9877', '0.0000', '0.000123', '31,234', '7.00e-05')
    >>> format_score(2.07e-17)
    '0.0000'

    """
    if value is None or math.isnan(value):
        return ""
    if abs(value) < 1e-12:
        return "0.0000"
    return f"{value:.4f}" if 0.001 <= abs(value) < 10 else write_number(value, 3, keep_zeros=True)


def format_value(value: Any, *, digits: int = 6, missing: str = "none") -> str:
    """Write the value of a cell, a label or an argument.

    Examples
    --------
    >>> format_value(0.0031622776, digits=4), format_value(True), format_value(None), format_value([3.5, 10.25])
    ('0.003162', 'yes', 'none', '3.5, 10.25')

    """
    if value is None:
        return missing
    if isinstance(value, list):
        return ", ".join(format_value(item, digits=digits, missing=missing) for item in value)
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return write_number(value, digits) if isinstance(value, float) else str(value)
