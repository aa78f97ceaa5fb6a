from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

import creche as cr
from creche.errors import CrecheWarning, TableError
from creche.table.label_argument import array_of_labels, read_label_argument
from creche.table.observations import read_observations

WORDS = ["a", "b", "b", "a", "None", "NA"]
NUMBERS = [0, 1, 1, 0, 2, 1]
HALVES = [0.5, 1.5, 1.5, 0.5, 2.5, 1.5]
BOOLEANS = [True, False, False, True, True, False]

COLUMN_FORMS: dict[str, Callable[[list[Any]], Any]] = {
    "array (n, 1)": lambda values: np.array(values).reshape(-1, 1),
    "array of objects (n, 1)": lambda values: np.array(values, dtype=object).reshape(-1, 1),
    "list of lists": lambda values: [[value] for value in values],
    "list of tuples": lambda values: [(value,) for value in values],
    "list of arrays": lambda values: [np.array([value]) for value in values],
    "pandas": lambda values: pd.DataFrame({"bought": values}),
    "pandas of objects": lambda values: pd.DataFrame({"bought": pd.Series(values, dtype=object)}),
    "Polars": lambda values: pl.DataFrame({"bought": values}),
    "lazy Polars": lambda values: pl.LazyFrame({"bought": values}),
    "PyArrow": lambda values: pa.table({"bought": values}),
    "PyArrow batch": lambda values: pa.record_batch({"bought": pa.array(values)}),
}


@pytest.mark.parametrize("values", [WORDS, NUMBERS, HALVES, BOOLEANS], ids=["words", "whole", "decimals", "booleans"])
@pytest.mark.parametrize("form", COLUMN_FORMS)
def test_one_column_is_the_same_as_one_dimension(form: str, values: list[Any]) -> None:
    found = read_label_argument(COLUMN_FORMS[form](values), 6, (), None)
    expected = read_label_argument(np.array(values), 6, (), None)
    assert found.values.shape == (6,)
    assert found.values.tolist() == expected.values.tolist() == values
    assert (found.values.dtype.kind in "OU") == (expected.values.dtype.kind in "OU")
    is_named = any(library in form for library in ("pandas", "Polars", "PyArrow"))
    assert found.names == (("bought",) if is_named else ("y",))
    assert read_label_argument(COLUMN_FORMS[form](values), 6, ("given",), None).names == ("given",)


@pytest.mark.parametrize(
    "kind", [pd.Series, pl.Series, np.array, list, tuple, pa.array], ids=lambda made: made.__name__
)
def test_one_dimension_in_any_form(kind: Any) -> None:
    for values in (WORDS, NUMBERS, HALVES, BOOLEANS):
        assert read_label_argument(kind(values), 6, (), None).values.tolist() == values


def test_a_column_and_a_row_train_as_shape_n_does() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 2))
    y = (x[:, 0] > 0).astype(int)
    plain = cr.train(x, y, epochs=3, threads=1).model
    for form in ("array (n, 1)", "list of lists", "pandas", "Polars", "PyArrow"):
        model = cr.train(x, COLUMN_FORMS[form](y.tolist()), epochs=3, threads=1).model
        assert model.classes == (0, 1)
        np.testing.assert_array_equal(model.predict_proba(x), plain.predict_proba(x))
        assert model.evaluate(x, COLUMN_FORMS[form](y.tolist())).metrics() == plain.evaluate(x, y).metrics()


def test_a_named_column_of_labels_is_no_feature() -> None:
    frame = pd.DataFrame({"x": np.arange(6.0), "z": np.arange(6.0) ** 2, "bought": NUMBERS})
    rows = read_observations(frame, frame[["bought"]])
    assert rows.x.names == ["x", "z"]  # type: ignore[union-attr]
    rows = read_observations(frame, frame[["z", "bought"]])
    assert (rows.x.names, rows.labels) == (["x"], ("z", "bought"))  # type: ignore[union-attr]


ONE_HOT = np.eye(3)[NUMBERS]


@pytest.mark.parametrize("dtype", [float, int, bool, np.float32, np.uint8, object], ids=repr)
@pytest.mark.parametrize("task", [None, "classification"])
def test_one_hot_arrays_are_classes(dtype: Any, task: Any) -> None:
    y = ONE_HOT.astype(dtype)
    if task is None:
        message = r"y: is one-hot .*treated as the classes 0, 1, 2; task='classification' confirms .*task='multilabel'"
        with pytest.warns(CrecheWarning, match=message):
            found = read_label_argument(y, 6, (), task)
    else:
        found = read_label_argument(y, 6, (), task)
    assert (found.values.tolist(), found.names) == (NUMBERS, ("y",))


@pytest.mark.parametrize("form", [pd.DataFrame, pl.DataFrame, pa.table], ids=lambda made: made.__name__)
def test_one_hot_frames_are_the_names_of_their_columns(form: Any) -> None:
    frame = form({name: ONE_HOT[:, i] for i, name in enumerate(("cat", "dog", "bird"))})
    found = read_label_argument(frame, 6, (), "classification")
    assert found.values.tolist() == [["cat", "dog", "bird"][i] for i in NUMBERS]
    assert found.columns == ("cat", "dog", "bird")


def test_dummies_of_pandas_are_their_values() -> None:
    for values in (["u", "v", "v", "u", "w", "v"], [3, 5, 5, 3, 9, 5]):
        found = read_label_argument(pd.get_dummies(pd.Series(values)), 6, (), "classification")
        assert found.values.tolist() == values


def test_one_hot_labels_that_are_to_be_numbers() -> None:
    found = read_label_argument(ONE_HOT, 6, (), "regression")
    np.testing.assert_array_equal(found.values, ONE_HOT)
    assert found.names == ("y0", "y1", "y2")
    assert read_label_argument(ONE_HOT.astype(bool), 6, (), "regression").values.dtype == np.float64


def test_one_hot_labels_in_training_and_evaluation() -> None:
    x = np.random.default_rng(0).standard_normal((60, 2))
    y = (x[:, 0] > 0).astype(int)
    plain = cr.train(x, y, epochs=3, threads=1).model
    with pytest.warns(CrecheWarning, match="y: is one-hot"):
        model = cr.train(x, np.eye(2)[y], epochs=3, threads=1).model
    assert model.classes == (0, 1)
    np.testing.assert_array_equal(model.predict_proba(x), plain.predict_proba(x))
    for labels in (y, y.reshape(-1, 1), np.eye(2)[y]):
        assert model.evaluate(x, labels).metrics() == plain.evaluate(x, y).metrics()
    held_out = (x + 1, np.eye(2)[y])
    run = cr.train(x, y, validation_data=held_out, epochs=1, threads=1)
    assert run.prepared.validation is not None
    assert run.prepared.validation.observations.y.tolist() == y.tolist()
    with pytest.warns(CrecheWarning, match="y: is one-hot"):
        crossed = cr.cross_validate(x, np.eye(2)[y], folds=2, epochs=1, threads=1)
    assert isinstance(crossed.evaluation, cr.ClassificationEvaluation)
    assert crossed.evaluation.classes == (0, 1)
    with pytest.warns(CrecheWarning, match="y: is one-hot"):
        colony = cr.sweep(x, np.eye(2)[y], epochs=1, seeds=2, threads=1)
    assert colony.best().model.classes == (0, 1)
    numbers = cr.train(x, np.eye(2)[y], task="regression", epochs=1, threads=1).model
    assert numbers.predict(x).shape == (60, 2)
    assert isinstance(numbers.evaluate(x, np.eye(2)[y]), cr.RegressionEvaluation)


def test_one_hot_columns_of_a_table_are_labels_and_it_is_said() -> None:
    table = {"x": np.arange(6.0), "cat": [0, 1, 1, 0, 0, 1], "dog": [1, 0, 0, 1, 1, 0]}
    with pytest.warns(
        CrecheWarning, match=r"label cat, dog: .*one-hot.* a label of its own; task='multilabel' confirms"
    ):
        rows = read_observations(table, label=["cat", "dog"])
    assert rows.y.dtype == np.bool_
    assert read_observations(table, label=["cat", "dog"], task="multilabel").y.shape == (6, 2)
    numbers = read_observations(table, label=["cat", "dog"], task="regression").y
    assert numbers.dtype == np.float64


MULTILABEL = np.array([[1, 1], [0, 1], [1, 0], [0, 0], [1, 0], [0, 1]])


@pytest.mark.parametrize("task", [None, "classification", "multilabel"])
@pytest.mark.parametrize(
    "y",
    [
        MULTILABEL, MULTILABEL.astype(float), MULTILABEL == 1, np.where(MULTILABEL, "yes", "no"),
        pd.DataFrame({"u": MULTILABEL[:, 0] == 1, "v": np.where(MULTILABEL[:, 1], "TRUE", "false")}),
    ],
    ids=["whole", "float", "boolean", "words", "frame"],
)  # fmt: skip
def test_several_labels_of_yes_and_no(y: Any, task: Any) -> None:
    found = read_label_argument(y, 6, (), task)
    assert found.values.dtype == np.bool_
    assert found.values.flags.c_contiguous
    np.testing.assert_array_equal(found.values, MULTILABEL == 1)
    table = {"x": np.arange(6.0), "u": MULTILABEL[:, 0] == 1, "v": np.where(MULTILABEL[:, 1], "yes", "no")}
    np.testing.assert_array_equal(read_observations(table, label=["u", "v"], task=task).y, MULTILABEL == 1)


def test_labels_of_yes_and_no_can_be_learnt_as_numbers() -> None:
    for y in (MULTILABEL, MULTILABEL == 1):
        found = read_label_argument(y, 6, (), "regression").values
        assert found.dtype == np.float64
        np.testing.assert_array_equal(found, MULTILABEL)


def test_labels_of_different_kinds_are_refused_by_name() -> None:
    table = {"x": np.arange(6.0), "u": MULTILABEL[:, 0] == 1, "n": np.arange(6.0), "w": list("abcabc")}
    for labels, message in (
        (
            ["u", "n"],
            r"label 'n': holds numbers \(row 3 is 2\), and label 'u' yes or no; several labels are either all",
        ),
        (["w", "u"], "label 'w': holds words, and label 'u' yes or no"),
        (["n", "w"], "label 'w': holds words; several labels are either all numbers or all yes or no"),
    ):
        with pytest.raises(TableError, match=message):
            read_observations(table, label=labels)


@pytest.mark.parametrize(
    ("y", "task", "message"),
    [
        (np.array([["a", "b"]] * 6), None, "y, column 0: holds words; several labels are either all"),
        (pd.DataFrame({"u": NUMBERS, "v": WORDS}), None, "y, column 'v': holds words"),
        ([[0.5, "a"]] * 6, None, "y, column 1: holds words"),
        (np.arange(12).reshape(6, 2), "classification", r"y, column 0: holds numbers \(row 1 is 2\), and classes"),
        (np.array([NUMBERS]), None, r"y: has shape \(1, 6\); needs one label per row, shape \(6,\), as y.ravel\(\)"),
        (np.zeros((6, 0)), None, r"y: has shape \(6, 0\); needs one label per row, shape \(6,\)"),
        (np.array(3), None, r"y: has shape \(\); needs one label per row"),
        (pd.DataFrame(index=range(6)), None, "y: has no columns"),
        ([[1], [1, 2], [1], [1], [1], [1]], None, r"y: row 0 is \[1\], a list"),
        (sparse.csr_array(ONE_HOT), None, r"y: is a sparse matrix; needs an array, as y\.toarray\(\) gives"),
        ([1, "1", True, None, 2, 3], None, "y: row 3 is None; leave out"),
        ([1, "1", True, 1, 2, 3], None, "y: row 0 is 1, a whole number, but row 1 is '1', a word"),
        ([1, 0, True, 1, 0, 1], None, "y: row 0 is 1, a whole number, but row 2 is True, a boolean"),
        (pd.Series([1, "1", 2, 3, 4, 5], dtype=object), None, "y: row 0 is 1, a whole number, but row 1 is '1'"),
        (np.array([[0.0, np.nan]] * 6), None, "y, column 1: row 0 is nan; needs finite numbers"),
        (np.array([[0, 2**53 + 1]] * 6), None, "y, column 1: row 0 is 9007199254740993, which float64 cannot hold"),
        (pd.Series(NUMBERS[:5]), None, "y: has 5 labels, but X has 6 rows"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)  # fmt: skip
def test_other_labels_are_refused(y: Any, task: Any, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read_label_argument(y, 6, (), task)


def test_names_must_fit_the_columns() -> None:
    with pytest.raises(TableError, match="label: got 1 names for 2 columns of y"):
        read_label_argument(np.arange(12).reshape(6, 2), 6, ("a",), None)
    assert read_label_argument(ONE_HOT, 6, ("species",), "classification").names == ("species",)


LARGE = [2**63 + 1, 2**63 + 3, 2**53 + 1]
LONG = [2**53 + 1, 2**53 + 2, -(2**62) - 1]


@pytest.mark.parametrize(
    "form",
    [list, lambda v: [[one] for one in v], lambda v: np.array(v, dtype=object), pl.Series, pd.Series,
     lambda v: pd.Series(v, dtype=object), lambda v: pl.DataFrame({"y": v}), lambda v: pa.table({"y": pa.array(v)})],
)  # fmt: skip
@pytest.mark.parametrize("values", [LARGE, LONG], ids=["beyond 2**63", "beyond 2**53"])
def test_large_integers_keep_their_value(form: Any, values: list[int], tmp_path: Any) -> None:
    labels = values * 20
    if form is pl.Series and values is LARGE:
        y = pl.Series(labels, dtype=pl.UInt64)
    elif form in (pl.Series, pd.Series):
        y = form(labels)
    else:
        y = form(labels) if values is LONG else _unsigned(form, labels)
    x = np.random.default_rng(0).standard_normal((60, 2))
    model = cr.train(x, y, task="classification", epochs=1, threads=1).model
    assert model.classes == tuple(sorted(values))
    assert set(model.predict(x).tolist()) <= set(values)
    model.save(tmp_path / "m.creche")
    assert cr.load(tmp_path / "m.creche").classes == tuple(sorted(values))
    assert isinstance(model.evaluate(x, y), cr.ClassificationEvaluation)


def _unsigned(form: Any, labels: list[int]) -> Any:
    """Return the labels in a form that holds them; Polars and PyArrow do not choose unsigned integers by themselves."""
    try:
        made = form(labels)
    except (OverflowError, pa.ArrowInvalid):
        made = None
    if isinstance(made, pl.DataFrame) or made is None:
        frame = pl.DataFrame({"y": pl.Series(labels, dtype=pl.UInt64)})
        return frame if made is not None else frame.to_arrow()
    return made


def test_large_integers_are_not_rounded_to_be_numbers() -> None:
    x = np.random.default_rng(0).standard_normal((60, 2))
    y = 2**60 + np.arange(60)
    with pytest.raises(TableError, match=f"label 'y': row 1 is {2**60 + 1}, which float64 cannot hold exactly"):
        cr.train(x, y, epochs=1, threads=1)
    exact = 2**60 + 2**10 * np.arange(60)
    assert cr.train(x, exact, epochs=1, threads=1).model.classes is None
    model = cr.train(x, exact / 2**60, epochs=1, threads=1).model
    with pytest.raises(TableError, match=f"label 'y': row 1 is {2**60 + 1}, which float64 cannot hold exactly"):
        model.evaluate(x, y)


def test_copies_that_differ_in_a_large_label_are_no_copies() -> None:
    x = np.zeros((4, 1))
    x[2:] = 1
    y = np.array([2**60, 2**60 + 1, 2**60, 2**60])
    with pytest.warns(CrecheWarning, match="dropped 1 of 4 rows"):
        run = cr.train(x, y, duplicates="drop", validation_fraction=0, epochs=1, threads=1)
    assert run.prepared.train.observations.y.tolist() == [2**60, 2**60 + 1, 2**60]


def test_lists_for_scikit_learn() -> None:
    assert array_of_labels([1, 2]).tolist() == [1, 2]
    assert array_of_labels(["a", "b"]).dtype.kind == "U"
    assert array_of_labels([[1], [2]]).shape == (2, 1)
    assert array_of_labels([2**63, 1]).dtype == np.uint64
    assert array_of_labels(NUMBERS_2D := [[1, 2], [3, 4]]) is NUMBERS_2D
    with pytest.raises(TableError, match="row 0 is 1, a whole number, but row 1 is 'a', a word"):
        array_of_labels([1, "a"])
