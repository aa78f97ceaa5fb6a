"""The page of a run: what it says of its example row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr

QUICK: dict[str, Any] = {"hidden": [4], "epochs": 2, "threads": 1}


def halves() -> tuple[pl.DataFrame, pl.DataFrame]:
    x = np.random.default_rng(0).normal(size=(60, 2))
    table = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": np.where(x[:, 0] > 0, "p", "q")})
    return table[:40], table[40:]


@pytest.mark.parametrize(
    ("argument", "purpose"), [("test_data", "a test row"), ("validation_data", "a validation row")]
)
def test_a_row_of_a_separate_file_is_named_by_that_file(argument: str, purpose: str, tmp_path: Path) -> None:
    first, second = halves()
    first.write_csv(tmp_path / "first.csv")
    second.write_csv(tmp_path / "second.csv")
    run = cr.train(tmp_path / "first.csv", label="y", **{argument: tmp_path / "second.csv"}, **QUICK)
    assert f"Row 1 of second.csv, {purpose}: a " in " ".join(str(run).split())


def test_a_row_of_a_separate_frame_or_array_is_named_by_its_part() -> None:
    first, second = halves()
    run = cr.train(first, label="y", test_data=second, **QUICK)
    assert "Row 1 of the test table: a " in " ".join(str(run).split())
    arrays = [(half.select("a", "b").to_numpy(), half["y"].to_numpy()) for half in halves()]
    run = cr.train(*arrays[0], validation_data=arrays[1], **QUICK)
    assert "Row 0 of the validation table: " in " ".join(str(run).split())


def test_a_row_of_the_one_table_is_named_by_its_part() -> None:
    run = cr.train(halves()[0], label="y", test_fraction=0.2, **QUICK)
    number = run.prepared.evaluation_part[1].observations.row_numbers[0]
    assert f"Row {number} of the table, a test row: a " in " ".join(str(run).split())


def test_an_evaluation_names_rows_as_the_run_does() -> None:
    run = cr.train("penguins", label="species", validation_fraction=0.5, **QUICK)
    rows = run.prepared.evaluation_part[1].observations
    number = rows.row_numbers[run.evaluation.largest_errors(1)[0].row]
    assert number != run.evaluation.largest_errors(1)[0].row + 1
    for page in (str(run), str(run.evaluation)):
        named = [line.split() for line in page.splitlines() if line.startswith("  row ")]
        assert named[0][1] == str(number)
