"""What is read again equals what was written, and a file is written completely or left as it was."""

from __future__ import annotations

import datetime as dt
import gzip
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from creche.errors import FileError
from creche.table.reading.read import read_table
from creche.table.table import Column, Table
from creche.table.write import TableWriter, resolve_format
from tests.unit.table.tables import assert_same, frame, kinds, values

ENDINGS = [
    ".csv", ".tsv", ".csv.gz", ".csv.bz2", ".csv.xz", ".jsonl", ".jsonl.gz", ".parquet", ".arrow", ".feather",
]  # fmt: skip


@pytest.mark.parametrize("ending", ENDINGS)
def test_there_and_back(ending: str, tmp_path: Path) -> None:
    table = read_table(frame(20))
    path = tmp_path / f"table{ending}"
    with TableWriter(path) as writer:
        for start in range(0, 20, 6):
            writer.write(table.take(slice(start, start + 6)))
    assert_same(read_table(path, expected=kinds(table)), table)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_words_for_yes_and_no_and_numbers_without_zeros(tmp_path: Path) -> None:
    table = read_table({"bred": ["yes", "no", None], "mass": [3750.0, 0.5, None]})
    path = tmp_path / "t.csv"
    with TableWriter(path) as writer:
        writer.write(table)
    assert path.read_text() == "bred,mass\nyes,3750\nno,0.5\n,\n"


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".jsonl", ".parquet", ".arrow"])
def test_an_error_leaves_what_was_there(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"t{ending}"
    path.write_bytes(b"precious")

    def fails() -> None:
        with TableWriter(path) as writer:
            writer.write(read_table(frame(5)))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert path.read_bytes() == b"precious"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_names_that_tell_no_format(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"its name has no known suffix; needs one of \.csv"):
        TableWriter(tmp_path / "table")
    with pytest.raises(FileError, match="format: got 'cvs'; did you mean 'csv'"):
        TableWriter(tmp_path / "table", "cvs")
    with pytest.raises(FileError, match=r"parquet cannot be written as \.gz"):
        TableWriter(tmp_path / "table.parquet.gz")
    with pytest.raises(FileError, match=r"csv cannot be written as \.zst"):
        TableWriter(tmp_path / "table.csv.zst")
    assert resolve_format("-") == ("csv", "")
    assert resolve_format("x", "jsonl") == ("jsonl", "")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="nowhere"), TableWriter(tmp_path / "nowhere" / "t.csv"):
        pass


def test_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with TableWriter("-") as writer:
        writer.write(read_table({"a": [1, None], "b": ["x", "y"]}))
    sys.stdout.flush()
    assert capfdbinary.readouterr().out == b"a,b\n1,x\n,y\n"


def test_columns_without_values(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    table = Table({"w": Column("words", np.full(3, -1, np.int32)), "n": Column("number", np.full(3, np.nan))}, "t")
    with TableWriter(path) as writer:
        writer.write(table)
    assert values(read_table(path)) == {"w": [None] * 3, "n": [None] * 3}


def test_cells_are_separated_as_the_name_of_the_file_says(tmp_path: Path) -> None:
    for name, line in [("a.tsv", "x\ty"), ("a.TSV.gz", "x\ty"), ("a.tab", "x\ty"), ("a.csv", "x,y"), ("a.txt", "x,y")]:
        with TableWriter(tmp_path / name) as writer:
            writer.write(read_table({"x": ["a\tb", "c,d"], "y": [1, 2]}))
        text = gzip.decompress((tmp_path / name).read_bytes()) if "gz" in name else (tmp_path / name).read_bytes()
        assert text.decode().splitlines()[0] == line
        assert values(read_table(tmp_path / name))["x"] == ["a\tb", "c,d"]


def test_datetimes_in_csv_have_only_the_parts_that_they_need(tmp_path: Path) -> None:
    moment = dt.datetime(2024, 1, 5, 10, 30)
    table = pl.DataFrame(
        {
            "day": [dt.datetime(2024, 1, 5), None],
            "minute": [moment, dt.datetime(2024, 1, 5)],
            "fraction": [moment.replace(microsecond=250_000), moment],
            "zone": pl.Series([moment, moment]).dt.replace_time_zone("Europe/Berlin"),
        }
    )
    with TableWriter(tmp_path / "a.csv") as writer:
        writer.write_frame(table)
    assert (tmp_path / "a.csv").read_text().splitlines()[1:] == [
        "2024-01-05,2024-01-05T10:30:00,2024-01-05T10:30:00.250,2024-01-05T10:30:00+01:00",
        ",2024-01-05T00:00:00,2024-01-05T10:30:00,2024-01-05T10:30:00+01:00",
    ]
