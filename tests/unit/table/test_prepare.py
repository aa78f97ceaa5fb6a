from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import rookery as rk
from rookery.errors import RookeryWarning, TableError
from rookery.table.prepare import Prepared, label_rows, observations, prepare
from rookery.table.split import split_rows
from tests.unit.jobs import MEASUREMENTS, line, two_classes

FRAME = pl.DataFrame(
    {
        "size": [1.0, 2.0, None, 4.0, 5.0, 6.0],
        "town": ["a", "b", "c", "d", "e", "f"],
        "rooms": [1, 2, 3, 4, 5, 6],
        "kind": ["flat", "house", "flat", "house", None, "flat"],
    }
)


def prepared(data: Any, y: Any = None, label: str | None = None, **arguments: Any) -> Prepared:
    defaults = {
        "task": None, "loss": None, "seed": 0, "standardize": True, "validation_fraction": 0.3, "validation_data": None,
        "sample_weight": None, "class_weight": None,
    }  # fmt: skip
    return prepare(data, y, label, **(defaults | arguments))


def test_a_table_becomes_features_and_labels() -> None:
    with pytest.warns(RookeryWarning) as caught:
        rows = observations(FRAME, label="kind")
    assert [str(w.message) for w in caught] == [
        "left out, for they hold no numbers: town",
        "dropped 2 of 6 rows, for values are missing in them",
    ]
    assert rows.names == ("size", "rooms")
    assert rows.x.tolist() == [[1, 1], [2, 2], [4, 4], [6, 6]]
    assert rows.y.tolist() == ["flat", "house", "house", "flat"]
    assert rows.rows.tolist() == [0, 1, 3, 5]


def test_warnings_point_at_the_users_line() -> None:
    with pytest.warns(RookeryWarning) as caught:
        prepared(FRAME, label="kind", validation_fraction=0)
    assert {w.filename for w in caught} == {__file__}


def test_the_label_is_needed() -> None:
    with pytest.raises(TableError, match="label: is missing; name the column to predict, or give arrays X and y"):
        observations(FRAME)
    with pytest.raises(TableError, match="label: the table has no column 'kin'; did you mean 'kind'"):
        observations(FRAME, label="kin")


def test_an_empty_table() -> None:
    with pytest.raises(TableError, match="the table: has no rows; there is nothing to learn from"):
        observations(FRAME.head(0), label="kind")


@pytest.mark.parametrize(
    ("y", "says"),
    [
        ([0, 1], "X has 3 rows and y has 2 labels; needs as many of one as of the other"),
        ([[0], [1], [1]], r"y: has shape \(3, 1\); needs one label per row, shape \(3,\)"),
        ([0.0, np.nan, 1.0], "y: row 1 is nan; needs finite numbers"),
        ([0.0, 1.0, -np.inf], "y: row 2 is -inf; needs finite numbers"),
        ([1j, 2j, 3j], "y: holds complex128; needs numbers or words"),
    ],
)
def test_labels_that_cannot_be(y: Any, says: str) -> None:
    with pytest.raises(TableError, match=says):
        observations(np.eye(3), y)


def test_the_split_is_that_of_the_seed_and_stratified() -> None:
    x, y = two_classes(50)
    out = prepared(x, y, seed=5)
    kept, held_out = split_rows(50, 0.3, 5, y.astype(np.int32))
    assert out.validation is not None
    assert out.train.rows.tolist() == kept.tolist()
    assert out.validation.rows.tolist() == held_out.tolist()
    np.testing.assert_array_equal(out.validation.x, x[held_out])


def test_encoders_see_the_training_rows_only() -> None:
    x, y = line(60)
    out = prepared(x, y)
    kept = out.train.rows
    np.testing.assert_array_equal(out.features.mean, x[kept].mean(axis=0))
    np.testing.assert_array_equal(out.features.scale, x[kept].std(axis=0))
    assert (out.labels.mean, out.labels.scale) == (y[kept].mean(), y[kept].std())
    rows, validation = out.rows(rk.SquaredError(), "float64")
    assert validation is not None
    assert out.validation is not None
    np.testing.assert_array_equal(validation.x, (out.validation.x - out.features.mean) / out.features.scale)
    np.testing.assert_array_equal(rows.targets, ((y[kept] - y[kept].mean()) / y[kept].std()).reshape(-1, 1))


def test_a_constant_label_and_one_not_standardized_stay() -> None:
    x, y = line(30)
    for out in (prepared(x, np.full(30, 7.5)), prepared(x, y, standardize=False)):
        assert (out.labels.mean, out.labels.scale) == (0.0, 1.0)


def test_validation_rows_of_ones_own() -> None:
    x, y = two_classes(30)
    out = prepared(x, y, validation_data=(x[:7] + 1, y[:7]))
    assert out.validation is not None
    assert len(out.train.y) == 30
    np.testing.assert_array_equal(out.validation.x, x[:7] + 1)


def test_validation_rows_with_other_columns() -> None:
    x, y = two_classes(30)
    with pytest.raises(TableError, match="validation_data: has 2 features, the training rows have 3"):
        prepared(x, y, validation_data=(x[:7, :2], y[:7]))


def test_validation_tables_may_order_their_columns_otherwise() -> None:
    train = rk.datasets.penguins().drop_nulls().drop("island", "sex")
    other = train.select(reversed(train.columns)).with_columns(extra=pl.lit("x")).tail(40)
    out = prepared(train, label="species", validation_data=other)
    assert out.validation is not None
    assert out.validation.names == MEASUREMENTS
    np.testing.assert_array_equal(out.validation.x, train.tail(40).select(MEASUREMENTS).to_numpy())


def test_a_class_that_only_validation_has() -> None:
    x, y = two_classes(30)
    with pytest.raises(TableError, match="label 'y': row 1 is 2, none of the training rows' classes: 0, 1"):
        prepared(x, y, validation_data=(x[:2], [0, 2])).rows(rk.CrossEntropy(), "float32")


@pytest.mark.parametrize(
    ("loss", "y", "task"),
    [
        (None, np.array([0, 1] * 5), "classes"),
        (None, np.linspace(0, 1, 10), "numbers"),
        (rk.Huber(), np.array([0, 1] * 5), "numbers"),
        (rk.CrossEntropy(), np.array([0.0, 1.0] * 5), "classes"),
        (rk.SquaredError(), np.array([0, 1] * 5), "classes"),
        (rk.SquaredError(), np.linspace(0, 1, 10), "numbers"),
        (rk.Huber(), np.array(["a", "b"] * 5, dtype=object), "classes"),
    ],
)
def test_the_task_by_loss_and_label(loss: Any, y: Any, task: str) -> None:
    assert prepared(np.eye(10), y, loss=loss, standardize=False).task == task


def test_the_task_by_argument() -> None:
    x, y = two_classes()
    assert prepared(x, y, task="numbers").task == "numbers"
    assert prepared(x, y.astype(float), task="classes").task == "classes"
    with pytest.raises(TableError, match="task: got 'regression'; needs 'classes' or 'numbers'"):
        prepared(x, y, task="regression")
    with pytest.raises(TableError, match="label 'kind': holds words; a label of numbers is needed for task='numbers'"):
        prepared(FRAME.drop_nulls().drop("town"), label="kind", task="numbers")


@pytest.mark.parametrize("arguments", [{"task": "numbers"}, {"loss": rk.Huber()}], ids=repr)
def test_an_array_of_words_is_no_label_of_numbers(arguments: dict[str, Any]) -> None:
    y = np.array(["a", "b"] * 5)
    try:
        out = prepared(np.eye(10), y, standardize=False, **arguments)
    except TableError:
        return
    assert out.task == "classes"


@pytest.mark.parametrize("label", [[None, True, *[False, True] * 4], [None, *[0, 1] * 4, 0]], ids=["yes/no", "whole"])
def test_labels_in_a_table_are_classes_as_in_an_array(label: list[Any]) -> None:
    frame = pl.DataFrame({"x": np.arange(10.0), "y": label}).drop_nulls()
    assert prepared(frame, label="y").task == "classes"
    frame = pl.DataFrame({"x": np.arange(10.0), "y": label})
    with pytest.warns(RookeryWarning, match="dropped 1"):
        assert prepared(frame, label="y").task == "classes"


def test_an_array_label_that_is_missing_is_no_class() -> None:
    with pytest.raises(TableError, match="y: row 0"):
        prepared(np.eye(10), np.array([None, *["a", "b"] * 4, "a"], dtype=object))


def test_classes_of_as_many_numbers_as_rows_are_a_mistake() -> None:
    x, y = line(100)
    with pytest.raises(TableError):
        prepared(x, y, loss=rk.CrossEntropy())


@pytest.mark.parametrize("value", [None, np.nan, "pandas' NA"], ids=repr)
def test_whatever_stands_for_a_missing_word_is_named(value: Any) -> None:
    if value == "pandas' NA":
        value = pytest.importorskip("pandas").NA
    with pytest.raises(TableError, match=r"y: row 4 is .*; leave out rows without a label"):
        prepared(np.eye(10), np.array([*"abab", value, *"babab"], dtype=object))


@pytest.mark.parametrize("library", ["polars", "pandas"])
def test_labels_beside_a_table(library: str) -> None:
    frame, kind = FRAME.drop("kind"), FRAME["kind"].fill_null("house")
    data, y = (frame, kind) if library == "polars" else (frame.to_pandas(), kind.to_pandas())
    with pytest.warns(RookeryWarning) as caught:
        rows = observations(data, y)
    assert {str(w.message) for w in caught} == {
        "left out, for they hold no numbers: town", "dropped 1 of 6 rows, for values are missing in them",
    }  # fmt: skip
    assert (rows.names, rows.label, rows.first) == (("size", "rooms"), "kind", 1)
    assert rows.rows.tolist() == [0, 1, 3, 4, 5]
    assert rows.y.tolist() == [kind[row] for row in rows.rows.tolist()]


def test_labels_beside_a_table_that_has_them_too() -> None:
    frame = pl.DataFrame({"x": np.arange(10.0), "y": [0, 1] * 5})
    assert observations(frame, frame["y"]).names == ("x",)
    assert observations(frame, [0, 1] * 5, "y").names == ("x",)
    assert observations(frame, [0, 1] * 5).names == ("x", "y")


def test_labels_beside_a_table_of_another_length() -> None:
    with pytest.raises(TableError, match="X has 6 rows and y has 5 labels"):
        observations(FRAME, [0, 1, 0, 1, 0])
    with pytest.raises(TableError, match="the table: no column of numbers; there is nothing to learn from"):
        observations(FRAME.select("town"), [0, 1, 0, 1, 0, 1])


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_labels_as_each_loss_wants_them(precision: str) -> None:
    x, _ = two_classes(6)
    words = np.array(["a", "c", "b", "a", "c", "b"])
    three = prepared(x, words, validation_fraction=0)
    assert three.outputs(rk.CrossEntropy()) == three.outputs(rk.BinaryCrossEntropy()) == 3
    classes, targets = label_rows(words, three.labels, rk.CrossEntropy(), precision)
    assert targets is None
    assert classes is not None
    assert classes.tolist() == [0, 2, 1, 0, 2, 1]
    classes, targets = label_rows(words, three.labels, rk.BinaryCrossEntropy(), precision)
    assert classes is None
    assert targets is not None
    assert targets.dtype == precision
    np.testing.assert_array_equal(targets, np.eye(3)[[0, 2, 1, 0, 2, 1]])
    two = prepared(x, np.array([0, 1, 1, 0, 0, 1]), validation_fraction=0)
    assert two.outputs(rk.BinaryCrossEntropy()) == 1
    assert two.outputs(rk.CrossEntropy()) == 2
    _, targets = label_rows(np.array([0, 1, 1]), two.labels, rk.BinaryCrossEntropy(), precision)
    assert targets is not None
    assert targets.tolist() == [[0], [1], [1]]


def test_sample_weights_follow_their_rows() -> None:
    x, y = two_classes(40)
    weights = np.arange(1.0, 41.0)
    out = prepared(x, y, sample_weight=weights)
    assert out.train_weights is not None
    assert out.validation is not None
    assert out.validation_weights is not None
    assert out.train_weights.tolist() == (out.train.rows + 1).tolist()
    assert out.validation_weights.tolist() == (out.validation.rows + 1).tolist()


def test_sample_weights_of_a_table_count_its_dropped_rows() -> None:
    with pytest.warns(RookeryWarning):
        out = prepared(FRAME, label="kind", sample_weight=[1, 2, 3, 4, 5, 6], validation_fraction=0)
    assert out.train_weights is not None
    assert out.train_weights.tolist() == [1, 2, 4, 6]


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        (np.ones(39), r"sample_weight: has shape \(39,\); needs one number per row"),
        (np.ones((40, 1)), r"sample_weight: has shape \(40, 1\)"),
        ([-1.0] + [1.0] * 39, r"sample_weight: row 0 is -1\.0; needs finite numbers of 0 or more"),
        ([1.0] * 39 + [np.nan], "sample_weight: row 39 is nan"),
        (np.zeros(40), "sample_weight: all are 0"),
        pytest.param(np.ones(41), r"sample_weight: has shape \(41,\)"),
        pytest.param(["heavy"] * 40, "sample_weight: "),
    ],
    ids=lambda value: str(value)[:15],
)
def test_sample_weights_that_cannot_be(weights: Any, says: str) -> None:
    x, y = two_classes(40)
    with pytest.raises(TableError, match=says):
        prepared(x, y, sample_weight=weights)


def test_balanced_classes_weigh_the_same_in_sum() -> None:
    x, _ = two_classes(60)
    y = np.repeat(["a", "b", "c"], [30, 20, 10])
    out = prepared(x, y, class_weight="balanced", validation_fraction=0)
    assert out.train_weights is not None
    sums = [out.train_weights[y == c].sum() for c in "abc"]
    np.testing.assert_allclose(sums, 20)
    explicit = prepared(x, y, class_weight={"a": 2 / 3, "b": 1.0, "c": 2.0}, validation_fraction=0)
    np.testing.assert_allclose(out.train_weights, explicit.train_weights)


def test_class_weights_times_sample_weights() -> None:
    x, y = two_classes(40)
    out = prepared(x, y, class_weight={1: 3}, sample_weight=np.arange(40.0), validation_fraction=0)
    np.testing.assert_array_equal(out.train_weights, np.arange(40.0) * np.where(y == 1, 3, 1))


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ({2: 1.0}, "class_weight: 2 is none of the classes 0, 1"),
        ({0: -1.0}, r"class_weight: got .*; needs numbers of 0 or more"),
        ({0: 0, 1: 0}, "not all 0"),
        ({0: float("inf")}, "class_weight: got "),
        ("equal", "class_weight: got 'equal'; needs 'balanced' or a dict from class to weight"),
        ([1, 2], r"class_weight: got \[1, 2\]; needs 'balanced' or a dict"),
        pytest.param({0: "heavy"}, "class_weight: "),
    ],
    ids=repr,
)
def test_class_weights_that_cannot_be(weights: Any, says: str) -> None:
    x, y = two_classes(40)
    with pytest.raises(TableError, match=says):
        prepared(x, y, class_weight=weights)


def test_numbers_have_no_class_weights() -> None:
    x, y = line(40)
    with pytest.raises(TableError, match="class_weight: the label holds numbers, not classes; use sample_weight"):
        prepared(x, y, class_weight="balanced")


def test_counts_are_not_negative() -> None:
    x, y = line(40)
    counts = np.abs(y)
    counts[5] = -2
    with pytest.raises(TableError, match=r"label 'y': row 5 is -2; the poisson loss needs counts of 0 or more"):
        prepared(x, counts, loss=rk.Poisson(), validation_fraction=0)


def test_the_first_negative_count_is_named_with_its_own_value() -> None:
    x, y = line(40)
    counts = np.abs(y)
    counts[5], counts[9] = -2, -7
    with pytest.raises(TableError, match=r"row 5 is -2;"):
        prepared(x, counts, loss=rk.Poisson(), validation_fraction=0)


def test_negative_counts_to_validate_with() -> None:
    x, y = line(40)
    counts = np.abs(y)
    with pytest.raises(TableError, match="counts of 0 or more"):
        prepared(x, counts, loss=rk.Poisson(), validation_data=(x[:2], [-1.0, 3.0])).rows(rk.Poisson(), "float32")


def test_a_validation_row_is_named_as_the_user_counts_it() -> None:
    train = pl.DataFrame({"x": np.arange(10.0), "y": ["a", "b"] * 5})
    other = pl.DataFrame({"x": [None, None, 3.0], "y": ["a", "b", "c"]})
    with pytest.warns(RookeryWarning, match="dropped 2"), pytest.raises(TableError, match="row 3 is 'c'"):
        prepared(train, label="y", validation_data=other).rows(rk.CrossEntropy(), "float32")
