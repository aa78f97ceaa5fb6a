from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import creche as cr
from creche.errors import CrecheWarning, TableError
from creche.table.observations import read_observations

LARGE = [2**63 + 1, 2**63 + 3, 2**53 + 1] * 20
LONG: list[int | None] = [2**53 + 1, None, 2**53 + 3] * 20
X = np.random.default_rng(0).standard_normal(60)


def tables(values: list[Any], folder: Path) -> dict[str, Any]:
    """Return a table with this label in every form; Polars, PyArrow and pandas have a type for such integers."""
    dtype = pl.UInt64 if values is LARGE else pl.Int64
    frame = pl.DataFrame({"x": X, "y": pl.Series(values, dtype=dtype)})
    forms: dict[str, Any] = {
        "Polars": frame,
        "lazy": frame.lazy(),
        "pandas": pd.DataFrame({"x": X, "y": pd.array(values, dtype="UInt64" if values is LARGE else "Int64")}),
        "pandas of objects": pd.DataFrame({"x": X, "y": pd.Series(values, dtype=object)}),
        "PyArrow": frame.to_arrow(),
        "dict": {"x": X, "y": values},
        "list of dicts": [{"x": x, "y": y} for x, y in zip(X.tolist(), values, strict=True)],
    }
    for suffix in ("csv", "parquet"):
        forms[suffix] = folder / f"table.{suffix}"
        getattr(frame, f"write_{suffix}")(forms[suffix])
    return forms


FORMS = ["Polars", "lazy", "pandas", "pandas of objects", "PyArrow", "dict", "list of dicts", "csv", "parquet"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("values", [LARGE, LONG], ids=["beyond 2**63", "missing"])
def test_large_integers_in_a_table_keep_their_value(form: str, values: list[Any], tmp_path: Path) -> None:
    data = tables(values, tmp_path)[form]
    present = [value for value in values if value is not None]
    if values is LONG:
        with pytest.warns(CrecheWarning, match="dropped 20 of 60 rows without a label"):
            rows = read_observations(data, label="y", missing_label="drop")
    else:
        rows = read_observations(data, label="y")
    assert rows.y.tolist() == present
    assert rows.y.dtype.kind in "iu"


def test_large_classes_of_a_table_are_evaluated() -> None:
    table = pl.DataFrame({"x": X, "y": pl.Series(LARGE, dtype=pl.UInt64)})
    model = cr.train(table, label="y", task="classification", epochs=1, threads=1).model
    assert model.classes == tuple(sorted(set(LARGE)))
    assert isinstance(model.evaluate(table), cr.ClassificationEvaluation)


def test_large_integers_that_would_be_rounded_are_refused(tmp_path: Path) -> None:
    text = "x,y\n" + "".join(f"{x},{y}\n" for x, y in zip(X, LARGE, strict=True))
    with pytest.raises(
        TableError, match=r"label 'y': row 1 is 9223372036854775808 or near it, .* in a stream; save the"
    ):
        read_observations(io.BytesIO(text.encode()), label="y")
    long = tmp_path / "long.csv"
    long.write_text("x,y\n" + "".join(f"{i},{10**22 + i}\n" for i in range(60)))
    with pytest.raises(TableError, match=f"label 'y': row 1 is {10**22}, which does not fit into 64 bits"):
        read_observations(long, label="y")
    long.write_text("x,y\n" + "".join(f"{i / 7},{10**18 + i}\n" for i in range(60)))
    with pytest.raises(TableError, match=f"label 'y': row 2 is {10**18 + 1}, which float64 cannot hold exactly"):
        cr.train(long, label="y", epochs=1)


@pytest.mark.parametrize("form", ["csv", "frame"])
def test_large_floats_are_numbers(form: str, tmp_path: Path) -> None:
    values = np.linspace(1e20, 9e20, 60)
    table = pl.DataFrame({"x": X, "y": values})
    data: Any = table
    if form == "csv":
        data = tmp_path / "t.csv"
        data.write_text("x,y\n" + "".join(f"{x},{y:.17g}\n" for x, y in zip(X, values, strict=True)))
        if any("e" not in line for line in data.read_text().splitlines()[1:]):
            pytest.fail("the numbers should be written with exponents")
    rows = read_observations(data, label="y")
    np.testing.assert_array_equal(rows.y, values)
    assert cr.train(data, label="y", epochs=1, threads=1).model.classes is None


@pytest.mark.parametrize("form", ["pandas", "dict", "list of dicts"])
def test_mixed_kinds_in_a_label_column_are_refused(form: str) -> None:
    label = [1, "1", True, None] * 5
    x = list(range(20))
    data: Any = {
        "pandas": pd.DataFrame({"x": x, "y": pd.Series(label, dtype=object)}),
        "dict": {"x": x, "y": label},
        "list of dicts": [{"x": a, "y": b} for a, b in zip(x, label, strict=True)],
    }[form]
    with pytest.raises(
        TableError, match=r"label 'y': row 1 is 1, a whole number, but row 2 is '1', a word; needs labels"
    ):
        read_observations(data, label="y", missing_label="drop")
    assert len(read_observations({"x": x, "y": label}, np.arange(20))) == 20  # y is a feature there


def test_large_features_do_not_fail() -> None:
    y = ["a", "b"] * 30
    for values in (LARGE, [10**30 + i for i in range(60)], [10**40 + i for i in range(60)], [2**63, -1] * 30):
        assert len(read_observations({"x": values, "y": y}, label="y")) == 60
    assert read_observations(np.array(LARGE, dtype=np.uint64).reshape(-1, 1), y).x.shape == (60, 1)
    with pytest.raises(TableError, match="X: is not an array of numbers"):
        read_observations(np.array([[10**400]] * 60, dtype=object), y)
    table = pa.table({"x": pa.array(LARGE, type=pa.uint64()), "y": y})
    assert cr.train(table, label="y", validation_fraction=0, epochs=1, threads=1).model.classes == ("a", "b")
