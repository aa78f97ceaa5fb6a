"""Rows go in as frames, single rows or dicts; predictions come back as arrays, or as frames of the same library."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import creche as cr

PENGUINS = cr.datasets.penguins()
FRAME = pd.DataFrame(PENGUINS.to_dict(as_series=False))


@pytest.fixture(scope="module")
def model() -> cr.Model:
    return cr.train(PENGUINS, label="species", hidden=[4], epochs=8, learning_rate=0.02, threads=1).model


@pytest.fixture(scope="module")
def weigher() -> cr.FittedModel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cr.CrecheWarning)
        return cr.fit(PENGUINS, label="body_mass_g", missing_label="drop", effort="fast", threads=1)


def test_pandas_comes_back_with_its_index(model: cr.Model) -> None:
    rows = FRAME.sample(20, random_state=0)
    proba = model.predict_proba(rows, as_frame=True)
    assert type(proba) is pd.DataFrame
    assert list(proba.columns) == ["Adelie", "Chinstrap", "Gentoo"]
    assert proba.index.equals(rows.index)
    np.testing.assert_array_equal(proba.to_numpy(), model.predict_proba(rows))
    predicted = model.predict(rows, as_frame=True)
    assert list(predicted.columns) == ["species"]
    assert predicted["species"].tolist() == model.predict(rows).tolist()
    assert predicted.index.equals(rows.index)


@pytest.mark.parametrize("make", [lambda f: f, lambda f: f.lazy(), lambda f: "penguins", lambda f: f.to_dicts()])
def test_polars_and_all_else_come_back_as_polars(model: cr.Model, make: Any) -> None:
    proba = model.predict_proba(make(PENGUINS), as_frame=True)
    assert type(proba) is pl.DataFrame
    assert proba.columns == ["Adelie", "Chinstrap", "Gentoo"]
    np.testing.assert_array_equal(proba.to_numpy(), model.predict_proba(PENGUINS))


def test_arrow_comes_back_as_arrow(model: cr.Model) -> None:
    table = pa.Table.from_pandas(FRAME)
    predicted = model.predict(table, as_frame=True)
    assert type(predicted) is pa.Table
    assert predicted["species"].to_pylist() == model.predict(PENGUINS).tolist()


def test_arrays_stay_the_default(model: cr.Model) -> None:
    assert type(model.predict(FRAME)) is np.ndarray
    assert type(model.predict_proba(FRAME)) is np.ndarray


@pytest.mark.parametrize("row", [0, 3, 8, 339])
def test_one_row_is_predicted_as_among_the_others(model: cr.Model, row: int) -> None:
    expected = model.predict_proba(FRAME)[row : row + 1]
    one, cells = FRAME.iloc[row], {name: column[row] for name, column in PENGUINS.to_dict(as_series=False).items()}
    for data in (one, FRAME.iloc[[row]], cells, [cells], PENGUINS[row], FRAME.iloc[[row]].astype({"sex": "category"})):
        np.testing.assert_array_equal(model.predict_proba(data), expected)
    proba = model.predict_proba(one, as_frame=True)
    assert proba.index.tolist() == [row]
    del cells["bill_length_mm"]
    with pytest.raises(cr.TableError, match="bill_length_mm"):
        model.predict(cells)


def test_numbers_and_their_intervals(weigher: cr.FittedModel) -> None:
    rows = FRAME.head(7).set_axis(list("abcdefg"))
    numbers, limits = weigher.predict(rows, 0.8)
    frame = weigher.predict(rows, 0.8, as_frame=True)
    assert frame.columns.tolist() == ["body_mass_g", "low", "high"]
    assert frame.index.tolist() == list("abcdefg")
    np.testing.assert_array_equal(frame.to_numpy(), np.column_stack([numbers, limits]))
    assert weigher.predict(PENGUINS.head(2), as_frame=True).columns == ["body_mass_g"]
    with pytest.raises(cr.CrecheError, match="is a number, not a class"):
        weigher.predict_proba(rows, as_frame=True)


def test_a_misspelt_keyword(model: cr.Model) -> None:
    with pytest.raises(TypeError, match="as_dataframe: unknown argument of predict; did you mean 'as_frame'"):
        model.predict(FRAME, as_dataframe=True)  # type: ignore[call-overload]
