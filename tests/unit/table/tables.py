"""Tables for the tests of reading and writing, and functions that compare tables."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from creche.table.reading import contents
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import read_table
from creche.table.table import Table

NAMES = ["mass", "count", "ringed", "island", "day", "gap"]


def frame(rows: int = 7) -> pl.DataFrame:
    """Return a frame of numbers, whole numbers, booleans, words, dates and a column with gaps."""
    random = np.random.default_rng(rows)
    start = datetime.date(2021, 11, 3)
    return pl.DataFrame(
        {
            "mass": random.normal(size=rows),
            "count": random.integers(-5, 10**9, rows),
            "ringed": random.random(rows) < 0.5,
            "island": [("Biscoe", "Dream, east", 'the "Torgersen"', "Ørnøya")[i % 4] for i in range(rows)],
            "day": [start + datetime.timedelta(days=17 * i) for i in range(rows)],
            "gap": [None if i % 3 == 1 else i / 4 for i in range(rows)],
        }
    )


KINDS = {"mass": "number", "count": "whole", "ringed": "boolean", "island": "words", "day": "datetime", "gap": "number"}


def values(table: Table) -> dict[str, list[Any]]:
    """Return each column as Python values, None where missing."""
    return {name: column.to_objects().tolist() for name, column in table.columns.items()}


def kinds(table: Table) -> dict[str, str]:
    return {name: column.kind for name, column in table.columns.items()}


def expected(data: pl.DataFrame) -> dict[str, list[Any]]:
    """Return what `values` returns, by Polars alone."""
    return data.with_columns(pl.col(pl.Date).cast(pl.Datetime("us"))).to_dict(as_series=False)


def assert_same(one: Table, other: Table) -> None:
    """Compare names, kinds, values and missing values, however words are numbered."""
    assert one.names == other.names
    assert kinds(one) == kinds(other)
    assert values(one) == values(other)


def read(
    text: str | bytes, folder: Path, read_options: ReadOptions | None = None, small: bool = True, **options: Any
) -> Table:
    """Read a CSV text by the reader of small files, or that of large ones."""
    path = folder / "table.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.MonkeyPatch.context() as patch:
        if not small:
            patch.setattr(contents.Contents, "small_table", lambda self, rules: None)
        return read_table(path, read_options, **options)
