"""DataFrames, and the names of their columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from creche.estimators import DNNClassifier, DNNRegressor
from tests.unit.estimators.small_tables import QUICK, a_number, same_weights, three_classes

NAMES = ["length", "depth", "flipper", "mass"]


def as_pandas(x: Any) -> Any:
    return pd.DataFrame(x, columns=NAMES)


def as_polars(x: Any) -> Any:
    return pl.DataFrame(x, schema=NAMES)


def as_arrow(x: Any) -> Any:
    return pa.table(dict(zip(NAMES, x.T, strict=True)))


LIBRARIES = pytest.mark.parametrize("frame", [as_pandas, as_polars, as_arrow])


@LIBRARIES
@pytest.mark.parametrize("kind", [DNNClassifier, DNNRegressor])
def test_a_numeric_table_gives_the_same_as_an_array(frame: Any, kind: Any) -> None:
    x, y = three_classes() if kind is DNNClassifier else a_number()
    fitted = kind(**QUICK).fit(frame(x), y)
    assert fitted.feature_names_in_.tolist() == NAMES
    assert fitted.n_features_in_ == 4
    plain = kind(**QUICK).fit(x, y)
    assert not hasattr(plain, "feature_names_in_")
    assert same_weights(fitted, plain)
    np.testing.assert_array_equal(fitted.predict(frame(x)), plain.predict(x))


@pytest.mark.parametrize(
    "series",
    [
        lambda y: pd.Series(y, name="species"),
        lambda y: pd.Series(y, dtype="category"),
        lambda y: pl.Series("species", y),
        lambda y: y.tolist(),
    ],
    ids=["pandas", "pandas category", "polars", "list"],
)
def test_labels_of_any_library(series: Any) -> None:
    x, numbers = three_classes()
    words = np.array(["adelie", "chinstrap", "gentoo"])[numbers]
    fitted = DNNClassifier(**QUICK).fit(as_pandas(x), series(words))
    assert fitted.classes_.tolist() == ["adelie", "chinstrap", "gentoo"]
    assert same_weights(fitted, DNNClassifier(**QUICK).fit(x, words))


def test_weights_of_any_library() -> None:
    x, y = three_classes()
    weights = np.random.default_rng(0).random(120)
    plain = DNNClassifier(**QUICK).fit(x, y, sample_weight=weights)
    for series in (pd.Series(weights), pl.Series(weights), weights.tolist()):
        assert same_weights(plain, DNNClassifier(**QUICK).fit(as_polars(x), y, sample_weight=series))


@LIBRARIES
def test_columns_must_be_those_of_the_fit_in_their_order(frame: Any) -> None:
    x, y = three_classes()
    table = frame(x)
    fitted = DNNClassifier(**QUICK).fit(table, y)
    mixed = table[["depth", "length", "flipper", "mass"]] if frame is not as_arrow else table.select(NAMES[::-1])
    with pytest.raises(ValueError, match="must be in the same order"):
        fitted.predict(mixed)
    other = pd.DataFrame(x, columns=["length", "depth", "flipper", "weight"])
    with pytest.raises(ValueError, match=r"(?s)unseen at fit time.*weight.*yet now missing.*mass"):
        fitted.predict_proba(other)
    with pytest.raises(ValueError, match=r"yet now missing|features"):
        fitted.predict(other[["length", "depth"]])


@LIBRARIES
def test_an_array_after_a_table_is_accepted_with_a_warning(frame: Any) -> None:
    x, y = three_classes()
    fitted = DNNClassifier(**QUICK).fit(frame(x), y)
    with pytest.warns(UserWarning, match="X does not have valid feature names, but DNNClassifier was fitted with"):
        from_array = fitted.predict_proba(x)
    np.testing.assert_array_equal(from_array, fitted.predict_proba(frame(x)))
    with pytest.warns(UserWarning, match="valid feature names"):
        np.testing.assert_array_equal(fitted.predict_proba(x.astype(object)), from_array)
    gaps = np.full((1, 4), np.nan)
    with pytest.warns(UserWarning, match="valid feature names"):
        np.testing.assert_array_equal(fitted.predict_proba(gaps), fitted.predict_proba(frame(gaps)))
    with pytest.warns(UserWarning, match="valid feature names"), pytest.raises(ValueError, match="infinity"):
        fitted.predict(np.full((1, 4), np.inf))


@LIBRARIES
def test_a_table_after_an_array_is_accepted_with_a_warning(frame: Any) -> None:
    x, y = three_classes()
    fitted = DNNClassifier(**QUICK).fit(x, y)
    with pytest.warns(UserWarning, match="X has feature names, but DNNClassifier was fitted without"):
        np.testing.assert_array_equal(fitted.predict(frame(x)), fitted.predict(x))


def test_a_lazy_frame_is_collected() -> None:
    x, y = three_classes()
    fitted = DNNClassifier(**QUICK).fit(as_polars(x).lazy(), y)
    assert fitted.feature_names_in_.tolist() == NAMES
    assert same_weights(fitted, DNNClassifier(**QUICK).fit(as_polars(x), y))
    np.testing.assert_array_equal(fitted.predict(as_polars(x).lazy()), fitted.predict(as_polars(x)))


@pytest.mark.parametrize("kind", ["pandas", "arrow"])
def test_repeated_column_names_are_refused(kind: str) -> None:
    x, y = three_classes()
    names = ["length", "depth", "length", "mass"]
    columns = [pa.array(column) for column in x.T]
    table = pd.DataFrame(x, columns=names) if kind == "pandas" else pa.Table.from_arrays(columns, names)
    with pytest.raises(ValueError, match="X: column 'length' occurs twice, as columns 1 and 3"):
        DNNClassifier(**QUICK).fit(table, y)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_several_labels_in_a_table(precision: str) -> None:
    """A DataFrame of numbers lies in memory column by column."""
    x, y = a_number()
    both = np.column_stack([y, 3 - y])
    fitted = DNNRegressor(**QUICK, precision=precision).fit(x, pd.DataFrame(both, columns=["sum", "rest"]))
    assert same_weights(fitted, DNNRegressor(**QUICK, precision=precision).fit(x, both))
    assert fitted.predict(x).shape == both.shape


def test_columns_named_by_numbers_have_no_names() -> None:
    x, y = three_classes()
    fitted = DNNClassifier(**QUICK).fit(pd.DataFrame(x), y)
    assert not hasattr(fitted, "feature_names_in_")
    assert same_weights(fitted, DNNClassifier(**QUICK).fit(x, y))


def test_partial_fit_and_validation_rows_as_tables() -> None:
    x, y = three_classes()
    whole = DNNClassifier(**QUICK).fit(as_pandas(x[:80]), y[:80], validation_data=(as_polars(x[80:]), y[80:]))
    assert np.isfinite(whole.validation_loss_curve_).all()
    parts = DNNClassifier(**QUICK)
    for _ in range(QUICK["epochs"]):
        parts.partial_fit(as_pandas(x[:80]), y[:80], classes=[0, 1, 2])
    assert same_weights(whole, parts)


def test_a_column_of_the_labels_name_is_a_feature() -> None:
    x, y = three_classes()
    labels = pd.Series(y, name="mass")
    assert same_weights(DNNClassifier(**QUICK).fit(as_pandas(x), labels), DNNClassifier(**QUICK).fit(x, y))


def test_labels_in_a_table_of_one_column_are_accepted_with_a_warning() -> None:
    from sklearn.exceptions import DataConversionWarning

    x, y = three_classes()
    with pytest.warns(DataConversionWarning, match="column-vector y") as record:
        fitted = DNNClassifier(**QUICK).fit(x, pd.DataFrame({"species": y}))
    assert len(record) == 1
    assert fitted.predict(x).shape == (120,)


@pytest.mark.parametrize("library", [pd, pl])
def test_words_and_missing_values_are_encoded(library: Any) -> None:
    rng = np.random.default_rng(0)
    islands = rng.choice(["Biscoe", "Dream", "Torgersen"], 200)
    mass = rng.standard_normal(200)
    y = (islands == "Dream") ^ (mass > 0.5)
    known = np.where(rng.random(200) < 0.05, np.nan, mass)
    table = library.DataFrame({"island": islands.tolist(), "mass": known})
    fitted = DNNClassifier(**QUICK | {"epochs": 60}).fit(table, y)
    assert fitted.score(table, y) > 0.9
    assert fitted.predict(library.DataFrame({"island": ["Atlantis"], "mass": [0.1]})).shape == (1,)
    with pytest.warns(UserWarning, match="valid feature names"):
        from_objects = fitted.predict_proba(np.array([["Dream", 1.0], ["Biscoe", -1.0]], dtype=object))
    rows = library.DataFrame({"island": ["Dream", "Biscoe"], "mass": [1.0, -1.0]})
    np.testing.assert_array_equal(from_objects, fitted.predict_proba(rows))


def test_a_column_with_the_default_name_of_labels_is_a_feature() -> None:
    x, y = three_classes()
    table = pd.DataFrame(x, columns=["x", "y", "y0", "z"])
    assert same_weights(DNNClassifier(**QUICK).fit(table, y), DNNClassifier(**QUICK).fit(x, y))


def mixed_rows() -> tuple[pd.DataFrame, Any]:
    """Numbers, whole numbers, words, yes or no and dates, each with missing cells, and labels that depend on them."""
    random = np.random.default_rng(0)
    n = 60
    frame = pd.DataFrame(
        {
            "length": random.normal(40, 5, n),
            "count": random.integers(0, 9, n).astype(object),
            "island": random.choice(["Biscoe", "Dream"], n).astype(object),
            "tagged": random.choice([True, False], n).astype(object),
            "seen": pd.date_range("2020-01-01", periods=n),
        }
    )
    y = (frame["length"] > 40) ^ (frame["island"] == "Dream")
    for i, name in enumerate(frame.columns):
        frame.loc[i * 3, name] = None
    return frame, y


CELLS = {
    "objects": lambda frame: frame.astype(object).to_numpy(),
    "objects with None": lambda frame: frame.astype(object).where(frame.notna(), None).to_numpy(),
    "a frame without names": lambda frame: pd.DataFrame(frame.astype(object).to_numpy()),
    "lists": lambda frame: frame.astype(object).to_numpy().tolist(),
    "tuples": lambda frame: list(frame.astype(object).itertuples(index=False, name=None)),
}


@pytest.mark.parametrize("cells", CELLS.values(), ids=CELLS)
@pytest.mark.parametrize("library", [lambda frame: frame, pl.from_pandas], ids=["pandas", "polars"])
def test_cells_in_order_are_predicted_after_a_table(library: Any, cells: Any) -> None:
    frame, y = mixed_rows()
    fitted = DNNClassifier(**QUICK).fit(library(frame.infer_objects()), y)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        found = fitted.predict_proba(cells(frame))
    np.testing.assert_array_equal(found, fitted.predict_proba(library(frame.infer_objects())))


def test_numbers_with_missing_cells_are_predicted_after_a_table() -> None:
    x, y = three_classes()
    x[::7, 1] = np.nan
    fitted = DNNClassifier(**QUICK).fit(as_pandas(x), y)
    expected = fitted.predict_proba(as_pandas(x))
    for rows in (x, x.tolist(), x.astype(object)):
        with pytest.warns(UserWarning, match="X does not have valid feature names"):
            np.testing.assert_array_equal(fitted.predict_proba(rows), expected)
    with pytest.raises(ValueError, match="contains NaN"):
        DNNClassifier(**QUICK).fit(x, y)  # an array has no names to tell which column has gaps


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: [row[:3] for row in rows], "X has 3 features, but DNNClassifier is expecting 5"),
        (lambda rows: [[np.inf, *row[1:]] for row in rows], "column 'length' is inf; needs a finite number"),
        (lambda rows: [[{}, *row[1:]] for row in rows], "column 'length' holds"),
        (lambda rows: [["much", *row[1:]] for row in rows], "'length'.*'much'"),
        (lambda rows: [[*row[:4], "never" if i else row[4]] for i, row in enumerate(rows)], "column 'seen' holds"),
        (lambda rows: [*rows[:-1], rows[-1][:2]], "inhomogeneous|sequence"),
    ],
)
def test_cells_that_cannot_be_predicted_are_named(change: Any, message: str) -> None:
    frame, y = mixed_rows()
    fitted = DNNClassifier(**QUICK).fit(frame.infer_objects(), y)
    with pytest.raises(ValueError, match=message):
        fitted.predict(change(frame.astype(object).to_numpy().tolist()[1:9]))


def test_an_array_with_words_is_learnt_as_a_table_with_numbered_columns() -> None:
    frame, y = mixed_rows()
    cells = frame.astype(object).to_numpy()
    fitted = DNNClassifier(**QUICK).fit(cells, y)
    assert not hasattr(fitted, "feature_names_in_")
    assert fitted.model_.features.names == ("x0", "x1", "x2", "x3", "x4")
    named = DNNClassifier(**QUICK).fit(frame.infer_objects(), y)
    assert same_weights(fitted, named)
    np.testing.assert_array_equal(fitted.predict_proba(cells), named.predict_proba(frame.infer_objects()))
    fitted.fit(np.random.default_rng(0).standard_normal((len(y), 2)), y)  # and then an array without words again
    with pytest.raises(ValueError, match="could not convert string to float"):
        fitted.predict([["a", 1.0]])


def test_bagging_of_a_table_with_words() -> None:
    from sklearn.ensemble import BaggingClassifier

    frame, y = mixed_rows()
    bags = BaggingClassifier(DNNClassifier(**QUICK), n_estimators=2, random_state=0).fit(frame, y)
    assert bags.score(frame, y) > 0.5
