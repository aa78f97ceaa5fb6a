"""Tables as the page shows them, and the files that it opens."""

from __future__ import annotations

import base64

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.studio.histograms import BARS, count_bars
from creche.studio.inspected_table import MOST_ROWS, inspect_table
from creche.studio.protocol import views
from creche.studio.protocol.requests import ConfigureTable, Connect, OpenTable, Step, UploadPart
from creche.studio.table_source import open_data
from creche.table.reading.read import read_table
from creche.table.table import Column
from tests.unit.studio.watching import Page, watched


def upload(page: Page, name: str, content: bytes, part: int = 20_000) -> OpenTable:
    """Upload a file in parts, and return the request that opens it."""
    for offset in range(0, max(1, len(content)), part):
        encoded = base64.b64encode(content[offset : offset + part]).decode()
        page.get(UploadPart(f"upload of {name}", name, offset, encoded))
    return OpenTable(upload=f"upload of {name}")


def test_columns_have_the_counts_of_polars() -> None:
    table = cr.datasets.penguins()
    with watched() as page:
        columns = {column.name: column for column in page.get(Connect(views.VERSION)).table.columns}
    assert list(columns) == table.columns
    for name, column in columns.items():
        assert column.missing == table[name].null_count()
        assert column.distinct == table[name].drop_nulls().n_unique()
        assert sum(column.bars) == len(table) - column.missing
        assert len(column.bars) == len(column.bar_labels)
    low, high = 32.1, 59.6
    in_first = table.filter(pl.col("bill_length_mm") < low + (high - low) / BARS)
    assert columns["bill_length_mm"].bars[0] == len(in_first)
    assert dict(zip(columns["island"].bar_labels, columns["island"].bars, strict=True)) == dict(
        table["island"].value_counts().iter_rows()
    )


@pytest.mark.parametrize(
    "column",
    [
        Column("number", np.array([np.nan, np.nan])), Column("number", np.array([-1e308, 1e308])),
        Column("number", np.array([3.0, 3.0])), Column("number", np.array([np.inf, 1.0, 2.0])),
        Column("whole", np.array([2**62, -(2**62)])), Column("boolean", np.array([0.0, 1.0, np.nan])),
        Column("datetime", np.array(["2020-01-01", "NaT", "2024-05-06"], dtype="datetime64[us]")),
        Column.from_words([str(i) for i in range(1000)]), Column.from_words([None, None]),
    ],
)  # fmt: skip
def test_any_column_has_bars_for_its_finite_values(column: Column) -> None:
    counts, labels = count_bars(column)
    values = column.values[~column.missing]
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    assert sum(counts) == len(finite)
    assert len(counts) == len(labels) <= BARS


def test_a_role_that_was_set_differs_from_the_one_inferred() -> None:
    with watched() as page:
        view = page.get(ConfigureTable(roles={"island": "ignore"}))
        columns = {column.name: column for column in view.columns}
        assert (columns["island"].role, columns["island"].inferred) == ("ignore", "categorical")
        assert (columns["species"].role, columns["species"].inferred) == ("categorical", "categorical")
        view = page.get(ConfigureTable(roles={"island": "categorical"}))
        assert {column.name: column.role for column in view.columns}["island"] == "categorical"


def test_a_column_that_gives_the_label_away_is_told() -> None:
    generator = np.random.default_rng(0)
    x = generator.standard_normal(2000)
    frame = pl.DataFrame({"x": generator.standard_normal(2000), "copy": x * 2, "y": x > 0})
    with watched(open_data(frame), ("y",)) as page:
        (column,) = (c for c in page.get(Connect(views.VERSION)).table.columns if c.name == "copy")
        (finding,) = column.findings
        assert finding.severity == "warning"
        assert finding.remedy == "If it is not known before the label is, leave it out."


def test_what_was_left_out_is_said_once_with_the_role_that_would_use_it() -> None:
    frame = pl.DataFrame(
        {"id": [f"r{i}" for i in range(100)], "x": np.arange(100) / 7, "y": [i % 2 for i in range(100)]}
    )
    with watched(open_data(frame), ("y",)) as page:
        table = page.get(Connect(views.VERSION)).table
        (column,) = (column for column in table.columns if column.name == "id")
        assert column.summary == "100 values"
        (finding,) = column.findings
        assert (finding.column, finding.role) == ("id", "categorical")
        assert finding.text.startswith("Dropped: an identifier: ")
        assert finding.text.endswith(".")
        assert not any("id" in finding.text.split() for finding in table.findings)
        table = page.get(ConfigureTable(roles={"id": finding.role}))
        assert [column.role for column in table.columns if column.name == "id"] == ["categorical"]


def test_what_was_left_out_of_a_large_table_is_said_once() -> None:
    rows = MOST_ROWS + 10
    frame = pl.DataFrame({"id": [f"r{i}" for i in range(rows)], "x": np.arange(rows) % 97, "y": np.arange(rows) % 2})
    with watched(open_data(frame), ("y",)) as page:
        table = page.get(Connect(views.VERSION)).table
        assert [len(column.findings) for column in table.columns] == [1, 0, 0]
        assert [finding.text for finding in table.findings if "'id'" in finding.text] == []


def test_the_likeliest_label_comes_first() -> None:
    frame = pl.DataFrame(
        {"id": [f"r{i}" for i in range(100)], "target": [i % 3 for i in range(100)], "x": [i / 7 for i in range(100)],
         "same": [1] * 100}
    )  # fmt: skip
    with watched(open_data(frame)) as page:
        table = page.get(Connect(views.VERSION)).table
        assert table.label == ()
        assert table.label_candidates == ("target", "x")


def test_rows_of_a_large_table_are_sampled_with_their_own_words_only() -> None:
    rows = 3 * MOST_ROWS
    table = read_table({"word": [f"word {i}" for i in range(rows)], "y": [i % 2 for i in range(rows)]})
    inspected = inspect_table(table, ("y",), None, {})
    assert inspected.rows == MOST_ROWS
    assert {column.name: column.distinct for column in inspected.columns} == {"word": MOST_ROWS, "y": 2}


def test_an_uploaded_file_is_opened_by_its_format() -> None:
    with watched() as page:
        content = cr.datasets.penguins().write_csv().encode()
        view = page.get(upload(page, "my penguins.csv", content))
        assert (view.name, view.rows, view.label) == ("my penguins.csv", 344, ())
        assert page.get(Connect(views.VERSION)).network is None
        view = page.get(ConfigureTable(label=("species",)))
        assert view.task == "classification"
        assert dict(zip(view.classes, view.class_counts, strict=True)) == {
            "Adelie": 152,
            "Chinstrap": 68,
            "Gentoo": 124,
        }
        lines = b'{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n'
        assert [column.name for column in page.get(upload(page, "rows.jsonl", lines)).columns] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "picture.png"),
        ("empty.csv", b"", "empty.csv"),
        ("table.parquet", b"PAR1 but no more", "table.parquet"),
        ("page.html", b"<!doctype html><title>no table</title>", "page.html"),
    ],
)
def test_a_file_that_is_no_table_is_told_and_the_session_stays(name: str, content: bytes, told: str) -> None:
    with watched() as page:
        before = page.get(Connect(views.VERSION)).table
        failure = page.fail(upload(page, name, content))
        assert failure.code == "bad_table"
        assert told in failure.text
        assert "/tmp" not in failure.text
        assert page.get(Connect(views.VERSION)).table == before


def test_a_label_that_cannot_be_predicted_is_told_and_the_session_stays() -> None:
    frame = pl.DataFrame(
        {"same": ["a"] * 100, "id": [str(i) for i in range(100)], "x": list(range(100)), "y": [0, 1] * 50}
    )
    with watched(open_data(frame), ("y",)) as page:
        for label in ("same", "id"):
            failure = page.fail(ConfigureTable(label=(label,)))
            assert failure.code == "bad_table"
            assert label in failure.text
        assert "did you mean" in page.fail(ConfigureTable(label=("yy",))).text
        assert page.get(Connect(views.VERSION)).table.label == ("y",)


def test_rows_on_both_sides_of_the_split_are_told() -> None:
    half = pl.DataFrame({"x": [i / 7 for i in range(100)], "z": [i * 1.1 for i in range(100)], "y": ["a", "b"] * 50})
    with watched(open_data(pl.concat([half, half])), ("y",)) as page:
        findings = page.get(Connect(views.VERSION)).table.findings
        assert any("validation rows" in finding.text for finding in findings), findings


def test_an_upload_that_is_no_base64_or_unknown_is_told() -> None:
    with watched() as page:
        assert page.fail(UploadPart("u", "a.csv", 0, "%%%")).code == "bad_request"
        assert "upload the file again" in page.fail(OpenTable(upload="nothing")).text
        assert page.fail(OpenTable()).code == "bad_request"


def test_a_role_that_does_not_fit_is_refused_without_a_label_too() -> None:
    with watched("penguins-four") as page:
        page.get(ConfigureTable(label=()))
        refused = page.fail(ConfigureTable(roles={"wingspan": "numeric"}))
        assert "has no column 'wingspan'" in refused.text
        assert page.get(Connect(views.VERSION)).table.label == ()


def test_of_a_million_different_words_no_class_is_made_each() -> None:
    rows = np.arange(1_000_000)
    names = "person " + pl.Series(rows).cast(pl.String)
    with watched(open_data(pl.DataFrame({"name": names, "age": rows % 17, "buys": rows % 3 == 0}))) as page:
        failure = page.fail(ConfigureTable(label=("name",)))
        assert failure.code == "bad_table"
        assert "name" in failure.text
        assert page.get(ConfigureTable(label=("buys",))).rows == len(rows)
        page.get(Step("batch"))
        assert page.pushed(views.Tick).step == 1
