"""`creche.inspect_columns` shows what would be read, guessed, left out and refused, without training."""

from __future__ import annotations

import datetime
import json
import shlex
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche._advice import use_words
from creche.cli.advice import write_as_option
from creche.table.column_inspection import ColumnInspection
from creche.table.column_summary import ColumnSummary

ROWS = 300
RANDOM = np.random.default_rng(3)
SICK = RANDOM.integers(0, 2, ROWS)


def untidy() -> pl.DataFrame:
    """A table with one of each thing that is worth checking."""
    return pl.DataFrame(
        {
            "Unnamed: 0": np.arange(ROWS),
            "PatientID": RANDOM.permutation(10**6)[:ROWS],
            "age": RANDOM.integers(20, 90, ROWS),
            "city": RANDOM.choice(["London", "london", "Paris"], ROWS, p=[0.6, 0.1, 0.3]),
            "diagnosis": np.where(SICK == 1, "ill", "well"),
            "salary": [f"${value:,}" for value in RANDOM.permutation(10**6)[:ROWS]],
            "dose": [*(f"{value:.3f}" for value in RANDOM.normal(size=ROWS - 30)), *["-"] * 30],
            "site": np.full(ROWS, 7),
            "day": [datetime.date(2021, 3, 1) + datetime.timedelta(days=i % 40) for i in range(ROWS)],
            "mass": np.where(np.arange(ROWS) % 10 == 3, np.nan, RANDOM.normal(70, 9, ROWS)),
            "sick": SICK,
        }
    )


def by_name(inspection: ColumnInspection) -> dict[str, ColumnSummary]:
    return {column.name: column for column in inspection.columns}


def options(inspection: ColumnInspection) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for finding in inspection.findings:
        with use_words(write_as_option):
            found.setdefault(finding.kind, set()).add(finding.change)
    return found


def test_facts_are_those_of_polars() -> None:
    frame = untidy()
    inspection = cr.inspect_columns(frame, "sick")
    assert [column.name for column in inspection.columns] == frame.columns
    for column in inspection.columns:
        series = frame[column.name].fill_nan(None) if column.kind == "number" else frame[column.name]
        assert (column.rows, column.missing) == (len(series), series.null_count())
        assert column.distinct == series.drop_nulls().n_unique()
        if column.name == "salary":
            series = series.str.strip_prefix("$").str.replace(",", "").cast(pl.Int64)
        if column.kind in ("number", "whole"):
            assert (column.low, column.high) == (series.min(), series.max())
        if column.role == "categorical":
            counts = series.value_counts(sort=True)
            assert [list(pair) for pair in column.frequent] == [list(row) for row in counts.rows()[:5]]
    day = by_name(inspection)["day"]
    assert (day.low, day.high) == ("2021-03-01", "2021-04-09")


def test_findings_name_the_option_that_would_change_them() -> None:
    inspection = cr.inspect_columns(untidy(), label="sick")
    assert options(inspection) == {
        "leak": {"--column diagnosis=ignore"},
        "dropped": {
            "--column 'Unnamed: 0=numeric'", "--column PatientID=numeric", "--column dose=numeric",
        },
        "reading": {""}, "words": {""}, "spellings": {""}, "constant": {"--column site=ignore"},
    }  # fmt: skip
    texts = {finding.column: str(finding) for finding in inspection.findings if finding.kind == "dropped"}
    assert texts["Unnamed: 0"] == (
        "dropped column 'Unnamed: 0': an identifier: a row number (0, 1, 2, …); schema={'Unnamed: 0': 'numeric'}"
    )
    roles = {column.name: column.role for column in inspection.columns}
    assert roles["Unnamed: 0"] == roles["PatientID"] == "identifier"
    assert roles["sick"] == "label"


def test_each_option_changes_what_it_says() -> None:
    frame = untidy().drop("salary", "dose")
    inspection = cr.inspect_columns(frame, "sick")
    for column in inspection.columns:
        if column.alternative is None:
            assert column.role == "label"
            continue
        changed = cr.inspect_columns(frame, "sick", schema={column.name: column.alternative})
        assert by_name(changed)[column.name].role == column.alternative != column.role
        assert not by_name(changed)[column.name].reason
    for finding in inspection.findings:
        if finding.role is not None:
            name, role = finding.column, finding.role
            assert finding.change == f"schema={{{name!r}: {role!r}}}"
            with use_words(write_as_option):
                assert shlex.split(finding.change) == ["--column", f"{name}={role}"]
            changed = cr.inspect_columns(frame, "sick", schema={name: role})  # type: ignore[dict-item]
            assert not [f for f in changed.findings if (f.kind, f.column) == (finding.kind, name)]


@pytest.mark.parametrize(
    ("label", "task", "classes", "alternative"),
    [
        (["a", "b", "a"] * 20, "classification", (("a", 40), ("b", 20)), None),
        ([3, 1, 2] * 20, "classification", None, "regression"),
        ([True, False] * 30, "classification", None, None),
        (np.arange(60) * 0.7, "regression", (), None),
        (np.arange(600) % 200, "regression", (), "classification"),
    ],
    ids=["words", "codes", "yes or no", "numbers", "counts"],
)
def test_the_task_is_the_one_that_training_takes(label: Any, task: str, classes: Any, alternative: str | None) -> None:
    frame = pl.DataFrame({"y": label})
    frame = frame.with_columns(x=pl.Series(RANDOM.normal(size=len(frame))))
    found = cr.inspect_columns(frame, label="y").label
    assert found is not None
    assert (found.names, found.task, found.alternative) == (("y",), task, alternative)
    if classes is not None:
        assert found.classes == classes
    assert cr.train(frame, label="y", hidden=[2], epochs=1, threads=1).prepared.task == task
    if alternative is not None:
        other = cr.inspect_columns(frame, "y", task=alternative).label  # type: ignore[arg-type]
        assert other is not None
        assert (other.task, other.alternative) == (alternative, task)


@pytest.mark.parametrize(("low", "task", "other"), [(3, "a number", "classification"), (1, "7 classes", "regression")])
def test_whole_numbers_that_could_be_either_are_worth_a_look(low: int, task: str, other: str) -> None:
    values = RANDOM.permutation(np.repeat(np.arange(low, low + 7), [2, 3, 9, 9, 9, 5, 3]))
    frame = {"quality": values, "x": RANDOM.normal(size=len(values))}
    (finding,) = cr.inspect_columns(frame, "quality").findings
    assert (finding.kind, finding.change, finding.value) == ("task", f"task={other!r}", other)
    assert finding.text.startswith(f"label 'quality' is treated as {task}, because its ")


def test_rows_without_a_label_and_copies() -> None:
    frame = pl.DataFrame({"x": [0.5, 1.5, 2.5, 0.5, 0.5] * 6, "y": ["a", "b", None, "a", "b"] * 6})
    inspection = cr.inspect_columns(frame, "y")
    assert inspection.rows == 30
    assert inspection.label is not None
    assert inspection.label.missing == 6
    assert inspection.duplicates == 24 - 3
    assert options(inspection) == {"label": {"--drop-unlabelled"}, "duplicates": {"--duplicates drop"}}
    assert cr.inspect_columns(frame).duplicates == 30 - 4


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        ({"x": [1.5, np.inf] * 15, "y": ["a", "b"] * 15}, "row 2, column 'x' is inf"),
        ({"x": [1.5, 2.5] * 15, "y": ["a"] * 30}, "label 'y': has only one class"),
        ({"x": [1.5, 2.5] * 15, "y": [0.5] * 30}, "label 'y': is 0.5 in each of the 30 rows"),
        ({"x": [1.5, 2.5] * 15, "y": [None] * 30}, "label 'y': is missing in each of the 30 rows"),
        ({"x": [1.5, 2.5] * 15, "y": [datetime.date(2020, 1, 1)] * 30}, "label 'y': holds dates"),
        ({"n": list(range(30)), "y": ["a", "b"] * 15}, "no column is left to learn from"),
        ({"x": ["a", "b" * 2000] * 15, "y": ["a", "b"] * 15}, "row 2, column 'x' holds 2,000 characters"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_what_training_would_refuse_is_shown_with_the_rest(frame: dict[str, Any], text: str) -> None:
    inspection = cr.inspect_columns(frame, label="y")
    errors = [finding.text for finding in inspection.findings if finding.kind == "error"]
    assert len(errors) >= 1
    assert any(text in error for error in errors)
    assert [column.name for column in inspection.columns] == list(frame)
    with pytest.raises(cr.TableError):
        cr.train(frame, label="y", hidden=[2], epochs=1, threads=1)


def test_advice_for_a_lone_count_is_numeric() -> None:
    with pytest.raises(cr.TableError, match=r"no column is left .*schema=\{'n': 'numeric'\}$"):
        cr.train({"n": list(range(30)), "y": ["a", "b"] * 15}, label="y", epochs=1)


def test_what_is_no_table_or_lacks_a_column_is_refused() -> None:
    with pytest.raises(cr.TableError, match="data: got ndarray, which has no named columns; give a table"):
        cr.inspect_columns(np.zeros((3, 2)))
    with pytest.raises(cr.TableError, match="has no column 'specie'; did you mean 'species'"):
        cr.inspect_columns("penguins", label="specie")
    with pytest.raises(cr.TableError, match="has no column 'islnd'; did you mean 'island'"):
        cr.inspect_columns("penguins", schema={"islnd": "ignore"})
    with pytest.raises(cr.FileError):
        cr.inspect_columns("nowhere.csv")
    with pytest.raises(cr.TableError, match="has no rows"):
        cr.inspect_columns({"x": []})


def test_several_labels_and_the_label_in_another_role() -> None:
    inspection = cr.inspect_columns("penguins", label=["bill_length_mm", "bill_depth_mm"])
    assert inspection.label is not None
    assert (inspection.label.task, inspection.label.missing) == ("regression", 2)
    assert [c.name for c in inspection.columns if c.role == "label"] == ["bill_length_mm", "bill_depth_mm"]


def test_results_are_plain_data_and_frames() -> None:
    inspection = cr.inspect_columns(untidy(), "sick")
    data = json.loads(json.dumps(inspection.to_dict(), allow_nan=False))
    assert data["rows"] == ROWS
    assert [column["name"] for column in data["columns"]] == [column.name for column in inspection.columns]
    assert data["label"]["task"] == "classification"
    frame = inspection.table()
    assert frame["column"].to_list() == [column.name for column in inspection.columns]
    assert frame.filter(column="age")["high"].item() == str(by_name(inspection)["age"].high)
    assert repr(inspection) == f"ColumnInspection(the table: 300 rows, 11 columns, {len(inspection.findings)} findings)"
    assert cr.inspect_columns({"x": [None, None]}).table()["low"].to_list() == [None]
