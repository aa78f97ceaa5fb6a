"""The penguins with a number, a date and a boolean each, as a file and as tables of databases."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import polars as pl

import creche as cr
from creche.table.datasets import penguins

SQLITE_TABLE = """
CREATE TABLE penguins (id INTEGER PRIMARY KEY, species TEXT, island TEXT, bill_length_mm REAL, bill_depth_mm REAL,
flipper_length_mm INTEGER, body_mass_g INTEGER, sex TEXT, day DATE, is_ringed BOOLEAN)"""


def numbered_penguins() -> pl.DataFrame:
    number = pl.col("id").cast(pl.Int64)
    day = pl.date(2007, 11, 1) + pl.duration(days=number)
    return penguins().with_row_index("id").with_columns(number, day.alias("day"), (number % 3 == 0).alias("is_ringed"))


def write_sqlite(path: Path, frame: pl.DataFrame) -> None:
    rows = [[str(value) if hasattr(value, "isoformat") else value for value in row] for row in frame.rows()]
    connection = sqlite3.connect(path)
    connection.execute(SQLITE_TABLE)
    connection.executemany(f"INSERT INTO penguins VALUES ({', '.join('?' * frame.width)})", rows)
    connection.commit()
    connection.close()


def weights_from(source: Any, **arguments: Any) -> bytes:
    """The bytes of a network that learnt the species for two epochs."""
    run = cr.train(
        source, label="species", schema={"id": "ignore"}, hidden=[4], epochs=2, shuffle=cr.Windows(), threads=1,
        on_progress=False, **arguments,
    )  # fmt: skip
    return b"".join(weights.tobytes() + bias.tobytes() for weights, bias in run.model.weights)
