"""The same rows, in any type and format, get the same probabilities, bit for bit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import creche as cr
from creche.table.reading import contents

ROWS = 60


def table() -> pl.DataFrame:
    random = np.random.default_rng(3)
    x = random.normal(size=ROWS).round(3)
    return pl.DataFrame(
        {
            "mass": x,
            "price": random.integers(100, 20_000, ROWS),
            "gap": [None if i % 9 == 4 else float(v) for i, v in enumerate(random.normal(size=ROWS).round(2))],
            "zip": random.choice([10115, 20095, 80331], ROWS),
            "member": random.random(ROWS) < 0.5,
            "town": random.choice(["Köln", "Rome", "Oslo; east"], ROWS),
            "day": [dt.datetime(2020, 1, 1) + dt.timedelta(days=3 * i) for i in range(ROWS)],
            "kind": np.where(x > 0, "up", "down"),
        }
    )


@pytest.fixture(scope="module", params=["frame", "csv", "german"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> cr.Model:
    """A model that learnt from a frame, from a CSV file, or from one with German numbers and dates."""
    path = tmp_path_factory.mktemp("training") / "table.tsv"
    data: Any = table()
    if request.param == "csv":
        data.write_csv(path)
    elif request.param == "german":
        german(data).write_csv(path, separator="\t")
    run = cr.train(
        data if request.param == "frame" else path, label="kind", hidden=[5], epochs=3, threads=1, seed=1,
        schema={"zip": "categorical"},
    )  # fmt: skip
    run.model.save(path.with_suffix(".creche"))
    loaded = cr.load(path.with_suffix(".creche"))
    assert isinstance(loaded, cr.Model)
    return loaded


def german(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame of words as a German spreadsheet exports them."""
    return frame.with_columns(
        pl.col("mass", "gap").cast(pl.String).str.replace(".", ",", literal=True),
        pl.Series("price", [f"{value:,}".replace(",", ".") for value in frame["price"]]),
        pl.col("day").dt.strftime("%d.%m.%Y"),
    )


def learnt_decimal(model: cr.Model) -> str | None:
    """The decimal mark of the file from which the model learnt; None for a frame."""
    format = model.features.formats.get("mass")
    return None if format is None else format.decimal


def as_csv(frame: pl.DataFrame, path: Path) -> Path:
    frame.write_csv(path)
    return path


def as_parquet(frame: pl.DataFrame, path: Path) -> Path:
    frame.write_parquet(path)
    return path


def as_json_lines(frame: pl.DataFrame, path: Path) -> Path:
    frame.with_columns(pl.col("day").dt.strftime("%Y-%m-%d")).write_ndjson(path)
    return path


def as_pandas(frame: pl.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(frame[name].to_list()) for name in frame.columns})


def as_shifted(frame: pl.DataFrame) -> pl.DataFrame:
    """The same values in other types: whole numbers as decimals, categories as numbers, booleans as numbers."""
    return frame.with_columns(
        pl.col("price", "zip").cast(pl.Float64), pl.col("member").cast(pl.Int8), pl.col("day").cast(pl.Date)
    )


FORMS: dict[str, Callable[[pl.DataFrame, Path], Any]] = {
    "Polars": lambda frame, path: frame,
    "Polars in other types": lambda frame, path: as_shifted(frame),
    "Polars words": lambda frame, path: frame.with_columns(pl.col("zip", "member").cast(pl.String)),
    "pandas": lambda frame, path: as_pandas(frame),
    "pandas objects": lambda frame, path: as_pandas(frame).astype(object),
    "pandas nullable": lambda frame, path: as_pandas(frame).convert_dtypes(),
    "pandas categories": lambda frame, path: as_pandas(frame).astype({"town": "category", "zip": "category"}),
    "PyArrow": lambda frame, path: pa.table({name: frame[name].to_list() for name in frame.columns}),
    "dict": lambda frame, path: frame.to_dict(as_series=False),
    "dicts": lambda frame, path: frame.to_dicts(),
    "CSV": lambda frame, path: as_csv(frame, path.with_suffix(".csv")),
    "CSV of words for booleans": lambda frame, path: as_csv(
        frame.with_columns(pl.when("member").then(pl.lit("TRUE")).otherwise(pl.lit("False")).alias("member")),
        path.with_suffix(".csv"),
    ),
    "Parquet": lambda frame, path: as_parquet(frame, path.with_suffix(".parquet")),
    "JSON lines": lambda frame, path: as_json_lines(frame, path.with_suffix(".jsonl")),
}


@pytest.mark.parametrize(
    ("form", "small"), [*((form, True) for form in FORMS), *((form, False) for form in FORMS if "CSV" in form)]
)
@pytest.mark.parametrize("rows", [ROWS, 1])
def test_the_same_rows(
    model: cr.Model, form: str, small: bool, rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    if not small:
        monkeypatch.setattr(contents.Contents, "small_table", lambda self, rules: None)
    frame = table()[:rows]
    expected = model.predict_proba(frame)
    if "CSV" in form and learnt_decimal(model) == ",":
        german(frame).write_csv(tmp_path / "table.csv", separator=";")
        actual = model.predict_proba(tmp_path / "table.csv")
    else:
        actual = model.predict_proba(FORMS[form](frame, tmp_path / "table"))
    np.testing.assert_array_equal(actual, expected)


def test_a_file_in_another_notation_is_refused(model: cr.Model, tmp_path: Path) -> None:
    """What was learnt is kept: 0.5 is not a number of a table with decimal commas, and 0,5 none of one with points."""
    learnt = learnt_decimal(model)
    if learnt is None:
        return  # a frame has no notation
    frame = table()[:3] if learnt == "," else german(table()[:3])
    frame.write_csv(tmp_path / "table.csv", separator=";")
    with pytest.raises(cr.TableError, match=r"table.csv: row 1, column '(mass|day|gap)' is '.*'; needs a number"):
        model.predict(tmp_path / "table.csv")
