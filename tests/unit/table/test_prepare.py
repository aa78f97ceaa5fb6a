from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.errors import CrecheWarning, TableError
from creche.table.encoders.features import Preprocessing
from creche.table.observations import read_observations
from creche.table.preparation import Preparation
from creche.table.prepare import Prepared, encode_labels, prepare
from creche.table.split import Split, split_indices
from creche.table.table import Table
from tests.unit.small_runs import line, two_classes
from tests.unit.work import lines_run

FRAME = pl.DataFrame(
    {
        "size": [1.0, 2.0, None, 4.0, 5.0, 6.0],
        "town": ["a", "b", "c", "d", "e", "f"],
        "rooms": [1, 2, 3, 4, 5, 6],
        "kind": ["flat", "house", "flat", "house", None, "flat"],
    }
)


def prepare_table(data: Any, y: Any = None, label: Any = None, **arguments: Any) -> Prepared:
    keywords = {"task": None, "loss": None, "seed": 0, "validation_data": None, "test_data": None, "weights": None}
    keywords |= {name: arguments.pop(name) for name in list(arguments) if name in keywords}
    of_the_split = ("validation_fraction", "test_fraction", "stratify", "group", "time")
    split = {name: arguments.pop(name) for name in list(arguments) if name in of_the_split}
    if not arguments.pop("standardize", True):
        arguments["preprocessing"] = Preprocessing.of("none")
    return prepare(data, y, Preparation(label or (), split=Split(**split), **arguments), **keywords)


def test_a_table_becomes_features_and_labels() -> None:
    with pytest.raises(TableError, match=r"label 'kind': row 5 is empty \(1 of 6 rows are\); fill it in, or drop such"):
        read_observations(FRAME, label="kind")
    with pytest.warns(CrecheWarning, match="dropped 1 of 6 rows without a label"):
        rows = read_observations(FRAME, label="kind", missing_label="drop")
    assert isinstance(rows.x, Table)
    assert rows.x.names == ["size", "town", "rooms"]
    assert rows.y.tolist() == ["flat", "house", "flat", "house", "flat"]
    assert rows.row_indices.tolist() == [0, 1, 2, 3, 5]
    assert rows.row_numbers.tolist() == [1, 2, 3, 4, 6]
    assert rows.kinds == ("words",)


def test_warnings_point_at_the_users_line() -> None:
    with pytest.warns(CrecheWarning) as caught:
        prepare_table(FRAME, label="kind", validation_fraction=0, missing_label="drop")
    assert {w.filename for w in caught} == {__file__}


def test_the_label_is_needed() -> None:
    with pytest.raises(TableError, match=r"label: is missing; name the column to predict, one of .*; or pass arrays X"):
        read_observations(FRAME)
    with pytest.raises(TableError, match="label: the table has no column 'kin'; did you mean 'kind'"):
        read_observations(FRAME, label="kin")


def test_what_is_masked_is_missing() -> None:
    x, y = two_classes(10)
    hidden = np.arange(x.size).reshape(x.shape) == 3 * x.shape[1] + 1
    with pytest.raises(TableError, match="X: row 3, column 1 is nan"):
        prepare_table(np.ma.masked_array(x, hidden), y)
    for labels in (y.astype(int), y.astype(str), y.astype(float)):
        with pytest.raises(TableError, match=r"y: row 3 is (nan|None)"):
            prepare_table(x, np.ma.masked_array(labels, np.arange(10) == 3))


def test_rows_are_named_as_the_user_counts_them_though_some_are_left_out() -> None:
    x = [float(i) for i in range(20)]
    y: list[str | None] = [None if i in (2, 3) else "ab"[i % 2] for i in range(20)]
    arguments: dict[str, Any] = {"label": "y", "missing_label": "drop"}
    for i, value, role, message in [
        (9, float("inf"), None, r"row 10, column 'x' is inf"),
        (17, 1e300, None, r"row 18, column 'x' is 1e\+300, which is too large for float32"),  # beyond float32
        (11, "word", "numeric", r"row 12, column 'x' is 'word'; needs a number"),
        (13, "w" * 1001, "categorical", r"row 14, column 'x' holds 1,001 characters"),
    ]:
        column: list[Any] = [*x[:i], value, *x[i + 1 :]]
        if role:
            arguments["schema"] = {"x": role}
            column = [str(value) for value in column]
        with pytest.warns(CrecheWarning, match="dropped 2 of 20 rows"), pytest.raises(TableError, match=message):
            prepare_table({"x": column, "y": y}, standardize=False, **arguments).encode(cr.CrossEntropy(), "float32")


def test_an_empty_table() -> None:
    with pytest.raises(TableError, match="the table: has no rows; needs at least one"):
        read_observations(FRAME.head(0), label="kind")


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1], "y: has 2 labels, but X has 3 rows; needs one label per row"),
        ([[["a"]], [["b"]], [["b"]]], r"y: has shape \(3, 1, 1\); needs one label per row, shape \(3,\)"),
        ([0.0, np.nan, 1.0], "y: row 1 is nan; needs finite numbers"),
        ([0.0, 1.0, -np.inf], "y: row 2 is -inf; needs finite numbers"),
        (np.array([1j, 2j, 3j]), "y: holds complex128; needs numbers or words"),
    ],
)
def test_invalid_labels(y: Any, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read_observations(np.eye(3), y)


def test_the_split_is_that_of_the_seed_and_stratified() -> None:
    x, y = two_classes(50)
    out = prepare_table(x, y, seed=5)
    parts = split_indices(Split(0.3), 50, 5, y.astype(np.int32))
    assert out.validation is not None
    assert out.train.observations.row_indices.tolist() == parts.train.tolist()
    assert out.validation.observations.row_indices.tolist() == parts.validation.tolist()
    np.testing.assert_array_equal(out.validation.observations.x, x[parts.validation])


def test_encoders_see_the_training_rows_only() -> None:
    x, y = line(60)
    out = prepare_table(x, y)
    kept = out.train.observations.row_indices
    mean, scale = x[kept].mean(axis=0), x[kept].std(axis=0)
    np.testing.assert_allclose([out.labels.mean[0], out.labels.scale[0]], [y[kept].mean(), y[kept].std()])
    rows, validation = out.encode(cr.SquaredError(), "float64")
    assert validation is not None
    assert out.validation is not None
    np.testing.assert_allclose(rows.x, (x[kept] - mean) / scale, atol=1e-12)
    np.testing.assert_allclose(validation.x, (out.validation.observations.x - mean) / scale, atol=1e-12)
    np.testing.assert_allclose(rows.targets, ((y[kept] - y[kept].mean()) / y[kept].std()).reshape(-1, 1), atol=1e-12)


def test_labels_not_standardized_or_constant_in_the_training_rows_stay() -> None:
    x, y = line(30)
    later = np.where(np.arange(30) < 20, 7.5, y)
    parts = ["train"] * 20 + ["validation"] * 10
    table = {"a": x[:, 0], "b": x[:, 1], "part": parts, "y": later}
    by_part = prepare(table, None, Preparation("y", split=Split(column="part")), task=None, loss=None, seed=0)
    for out in (by_part, prepare_table(x, y, standardize=False)):
        assert (out.labels.mean, out.labels.scale) == ((0.0,), (1.0,))


def test_labels_that_teach_nothing() -> None:
    x, y = line(30)
    with pytest.raises(TableError, match=r"label 'y': is 7\.5 in each of the 30 rows; needs a label that varies"):
        prepare_table(x, np.full(30, 7.5))
    with pytest.raises(TableError, match=r"label 'v': is 0 in each of the 30 rows"):
        prepare_table({"x": y, "u": y, "v": np.zeros(30)}, label=["u", "v"])
    words = ["short"] * 15 + ["words" * 1000] + ["short"] * 13 + ["long"]
    with pytest.raises(TableError, match=r"label 'y': row 16 holds 5,000 characters; a class has at most 1,000"):
        prepare_table({"x": y, "y": words}, label="y")


def test_very_many_columns() -> None:
    """They take seconds, not minutes: no step visits all columns for each column."""

    def work(columns: int) -> None:
        x = np.random.default_rng(0).standard_normal((4, columns))
        table = {f"c{i}": values for i, values in enumerate(x.T)} | {"y": ["a", "b", "a", "b"]}
        out = prepare_table(table, label="y", validation_fraction=0.5)
        rows, _ = out.encode(cr.CrossEntropy(), "float32")
        assert rows.x.shape == (2, columns)

    work(20_000)
    few, many = lines_run(lambda: work(100)), lines_run(lambda: work(400))
    assert many < 5 * few


def test_leakage_into_tables_of_their_own_is_reported(tmp_path: Path) -> None:
    birds = cr.datasets.penguins().drop_nulls()
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    birds.head(300).write_csv(train)
    pl.concat([birds.tail(33), birds[[7, 12]]]).write_csv(test)
    message = (
        f"leakage: 2 of 35 test rows are also among the training rows, with the same label (for example, row 34 of "
        f"{test} equals row 8 of {train}), so test metrics are too optimistic; remove them from one"
    )
    with pytest.warns(CrecheWarning, match=re.escape(message)):
        prepare_table(train, label="species", test_data=test, validation_fraction=0)
    x, y = two_classes(30)
    with pytest.warns(
        CrecheWarning, match=r"leakage: 1 of 1 validation rows .*row 0 of validation_data equals row 4 of"
    ):
        prepare_table(x, y, validation_data=(x[4:5], y[4:5]))
    prepare_table(x, y, validation_data=(x[4:5], 1 - y[4:5].astype(int)))  # another label: no copy


def test_validation_rows_in_arrays_of_their_own() -> None:
    x, y = two_classes(30)
    out = prepare_table(x, y, validation_data=(x[:7] + 1, y[:7]))
    assert out.validation is not None
    assert len(out.train) == 30
    np.testing.assert_array_equal(out.validation.observations.x, x[:7] + 1)


def test_validation_rows_with_other_columns() -> None:
    x, y = two_classes(30)
    with pytest.raises(TableError, match="validation_data: has 2 features, but the training rows have 3"):
        prepare_table(x, y, validation_data=(x[:7, :2], y[:7]))


def test_validation_tables_may_order_their_columns_otherwise() -> None:
    birds = cr.datasets.penguins().drop_nulls().drop("island", "sex")
    train, validation = birds.head(293), birds.tail(40)
    other = validation.select(reversed(birds.columns)).with_columns(extra=pl.lit("x"))
    out = prepare_table(train, label="species", validation_data=other)
    assert out.validation is not None
    same = prepare_table(train, label="species", validation_data=validation)
    _, expected = same.encode(cr.CrossEntropy(), "float32")
    _, found = out.encode(cr.CrossEntropy(), "float32")
    assert found is not None
    assert expected is not None
    np.testing.assert_array_equal(found.x, expected.x)


def test_a_class_that_only_validation_has() -> None:
    x, y = two_classes(30)
    with pytest.raises(TableError, match=r"label 'y': row 1 is 2, which is not a class .*; needs one of 0, 1"):
        prepare_table(x, y, validation_data=(x[:2], [0, 2])).encode(cr.CrossEntropy(), "float32")


@pytest.mark.parametrize(
    ("loss", "y", "task"),
    [
        (None, np.array([0, 1] * 5), "classification"),
        (None, np.linspace(0, 1, 10), "regression"),
        (cr.Huber(), np.array([0, 1] * 5), "regression"),
        (cr.CrossEntropy(), np.array([0.0, 1.0] * 5), "classification"),
        (cr.SquaredError(), np.array([0, 1] * 5), "classification"),
        (cr.SquaredError(), np.linspace(0, 1, 10), "regression"),
        (cr.Huber(), np.array(["a", "b"] * 5, dtype=object), "classification"),
    ],
)
def test_the_task_by_loss_and_label(loss: Any, y: Any, task: str) -> None:
    assert prepare_table(np.eye(10), y, loss=loss, standardize=False).task == task


def test_the_task_by_argument() -> None:
    x, y = two_classes()
    assert prepare_table(x, y, task="regression").task == "regression"
    assert prepare_table(x, y.astype(float), task="classification").task == "classification"
    with pytest.raises(TableError, match="task: got 'regresion'; did you mean 'regression'"):
        prepare_table(x, y, task="regresion")
    with pytest.raises(TableError, match="label 'kind': holds words; task='regression' needs a label of numbers"):
        prepare_table(FRAME.drop_nulls().drop("town"), label="kind", task="regression")


@pytest.mark.parametrize("arguments", [{"task": "regression"}, {"loss": cr.Huber()}], ids=repr)
def test_an_array_of_words_is_no_label_of_numbers(arguments: dict[str, Any]) -> None:
    y = np.array(["a", "b"] * 5)
    try:
        out = prepare_table(np.eye(10), y, standardize=False, **arguments)
    except TableError:
        return
    assert out.task == "classification"


@pytest.mark.parametrize("label", [[None, True, *[False, True] * 4], [None, *[0, 1] * 4, 0]], ids=["yes/no", "whole"])
def test_labels_in_a_table_are_classes_as_in_an_array(label: list[Any]) -> None:
    frame = pl.DataFrame({"x": np.arange(10.0), "y": label}).drop_nulls()
    assert prepare_table(frame, label="y").task == "classification"
    frame = pl.DataFrame({"x": np.arange(10.0), "y": label})
    with pytest.warns(CrecheWarning, match="dropped 1 of 10"):
        out = prepare_table(frame, label="y", missing_label="drop")
    assert out.labels.classes == ((False, True) if label[1] is True else (0, 1))


def test_an_array_label_that_is_missing_is_no_class() -> None:
    with pytest.raises(TableError, match="y: row 0"):
        prepare_table(np.eye(10), np.array([None, *["a", "b"] * 4, "a"], dtype=object))


def test_classes_of_as_many_numbers_as_rows_are_a_mistake() -> None:
    x, y = line(100)
    with pytest.raises(TableError):
        prepare_table(x, y, loss=cr.CrossEntropy())


@pytest.mark.parametrize("value", [None, np.nan, "pandas' NA"], ids=repr)
def test_a_missing_label_is_named(value: Any) -> None:
    if value == "pandas' NA":
        value = pytest.importorskip("pandas").NA
    with pytest.raises(TableError, match=r"y: row 4 is .*; leave out rows without a label"):
        prepare_table(np.eye(10), np.array([*"abab", value, *"babab"], dtype=object))


@pytest.mark.parametrize("library", ["polars", "pandas"])
def test_labels_beside_a_table(library: str) -> None:
    frame, kind = FRAME.drop("kind"), FRAME["kind"].fill_null("house")
    data, y = (frame, kind) if library == "polars" else (frame.to_pandas(), kind.to_pandas())
    rows = read_observations(data, y)
    assert isinstance(rows.x, Table)
    assert (rows.x.names, rows.label, rows.first_row) == (["size", "town", "rooms"], "kind", 1)
    assert rows.y.tolist() == kind.to_list()


def test_labels_beside_a_table_of_another_length() -> None:
    with pytest.raises(TableError, match="y: has 5 labels, but X has 6 rows"):
        read_observations(FRAME, [0, 1, 0, 1, 0])


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_labels_as_each_loss_wants_them(precision: str) -> None:
    x, _ = two_classes(6)
    words = np.array(["a", "c", "b", "a", "c", "b"])
    three = prepare_table(x, words, validation_fraction=0)
    assert three.labels.outputs(cr.CrossEntropy()) == three.labels.outputs(cr.BinaryCrossEntropy()) == 3
    classes, targets = encode_labels(words, three.labels, cr.CrossEntropy(), precision)
    assert targets is None
    assert classes is not None
    assert classes.tolist() == [0, 2, 1, 0, 2, 1]
    classes, targets = encode_labels(words, three.labels, cr.BinaryCrossEntropy(), precision)
    assert classes is None
    assert targets is not None
    assert targets.dtype == precision
    np.testing.assert_array_equal(targets, np.eye(3)[[0, 2, 1, 0, 2, 1]])
    two = prepare_table(x, np.array([0, 1, 1, 0, 0, 1]), validation_fraction=0)
    assert two.labels.outputs(cr.BinaryCrossEntropy()) == 1
    assert two.labels.outputs(cr.CrossEntropy()) == 2
    _, targets = encode_labels(np.array([0, 1, 1]), two.labels, cr.BinaryCrossEntropy(), precision)
    assert targets is not None
    assert targets.tolist() == [[0], [1], [1]]


def test_sample_weights_follow_their_rows() -> None:
    x, y = two_classes(40)
    weights = np.arange(1.0, 41.0)
    out = prepare_table(x, y, weights=weights)
    assert out.validation is not None
    for part in (out.train, out.validation):
        assert part.weights is not None
        assert part.weights.tolist() == (part.observations.row_indices + 1).tolist()


def test_sample_weights_of_a_table_count_its_dropped_rows() -> None:
    with pytest.warns(CrecheWarning):
        out = prepare_table(
            FRAME, label="kind", weights=[1, 2, 3, 4, 5, 6], validation_fraction=0, missing_label="drop"
        )
    assert out.train.weights is not None
    assert out.train.weights.tolist() == [1, 2, 3, 4, 6]


def test_rows_of_weight_0_are_left_out() -> None:
    x, y = two_classes(40)
    out = prepare_table(x, y, weights=[0.0] * 10 + [2.0] * 30)
    assert out.validation is not None
    assert len(out.train) + len(out.validation) == 30
    assert min(out.train.observations.row_indices.min(), out.validation.observations.row_indices.min()) >= 10


def test_a_column_of_weights_is_no_feature() -> None:
    frame = pl.DataFrame({"x": np.arange(8.0), "w": [1.0, 2.0] * 4, "y": ["a", "b"] * 4})
    out = prepare_table(frame, label="y", sample_weight="w", validation_fraction=0)
    assert out.features.names == ("x",)
    assert out.train.weights is not None
    assert out.train.weights.tolist() == [1.0, 2.0] * 4
    with pytest.raises(TableError, match="sample_weight: the table has no column 'v'; "):
        prepare_table(frame, label="y", sample_weight="v")
    with pytest.raises(TableError, match="an array, which has no named columns"):
        prepare_table(np.eye(8), [0, 1] * 4, sample_weight="w")


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(39), r"sample_weight: has shape \(39,\); needs one number per row"),
        (np.ones((40, 1)), r"sample_weight: has shape \(40, 1\)"),
        ([-1.0] + [1.0] * 39, r"sample_weight: row 0 is -1\.0; needs finite numbers of 0 or more"),
        ([1.0] * 39 + [np.nan], "sample_weight: row 39 is nan"),
        (np.zeros(40), "sample_weight: all are zero"),
        pytest.param(np.ones(41), r"sample_weight: has shape \(41,\)"),
        pytest.param(["heavy"] * 40, "sample_weight: "),
    ],
    ids=lambda value: str(value)[:15],
)
def test_invalid_sample_weights(weights: Any, message: str) -> None:
    x, y = two_classes(40)
    with pytest.raises(TableError, match=message):
        prepare_table(x, y, weights=weights)


def test_balanced_classes_weigh_the_same_in_sum() -> None:
    x, _ = two_classes(60)
    y = np.repeat(["a", "b", "c"], [30, 20, 10])
    out = prepare_table(x, y, class_weight="balanced", validation_fraction=0)
    assert out.train.weights is not None
    sums = [out.train.weights[y == c].sum() for c in "abc"]
    np.testing.assert_allclose(sums, 20)
    explicit = prepare_table(x, y, class_weight={"a": 2 / 3, "b": 1.0, "c": 2.0}, validation_fraction=0)
    np.testing.assert_allclose(out.train.weights, explicit.train.weights)


def test_class_weights_times_sample_weights() -> None:
    x, y = two_classes(40)
    out = prepare_table(x, y, class_weight={1: 3}, weights=np.arange(40.0), validation_fraction=0)
    np.testing.assert_array_equal(out.train.weights, (np.arange(40.0) * np.where(y == 1, 3, 1))[1:])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({2: 1.0}, "class_weight: got 2, which is not a class"),
        ({0: -1.0}, r"class_weight: got .*; needs numbers of 0 or more"),
        ({0: 0, 1: 0}, "not all 0"),
        ({0: float("inf")}, "class_weight: got "),
        ("equal", "class_weight: got 'equal'; needs 'balanced' or a dict from class to weight"),
        ([1, 2], r"class_weight: got \[1, 2\]; needs pairs of class and weight"),
        pytest.param({0: "heavy"}, "class_weight: "),
    ],
    ids=repr,
)
def test_invalid_class_weights(weights: Any, message: str) -> None:
    x, y = two_classes(40)
    with pytest.raises(cr.CrecheError, match=message):
        prepare_table(x, y, class_weight=weights)


@pytest.mark.parametrize(("labels", "words"), [([0, 1], ["0", "1"]), ([False, True], ["false", "True"])])
def test_class_weights_by_the_words_of_a_file_or_a_command_line(labels: list[Any], words: list[str]) -> None:
    x, y = two_classes()
    y = np.array(labels)[y]
    by_value = prepare_table(x, y, class_weight={labels[0]: 1.5, labels[1]: 2.5})
    by_word = prepare_table(x, y, class_weight={words[0]: 1.5, words[1]: 2.5})
    assert by_word.train.weights is not None
    np.testing.assert_array_equal(by_word.train.weights, by_value.train.weights)
    with pytest.raises(TableError, match=r"class_weight: got .* twice"):
        prepare_table(x, y, class_weight={labels[0]: 1.5, words[0]: 2.5})


def test_numbers_have_no_classes() -> None:
    with pytest.raises(TableError, match=r"classes: got .*, but the label 'y' is treated as a number"):
        prepare_table(np.zeros((4, 1)), np.array([0, 1, 0, 1]), classes=[0, 1], task="regression")


def test_numbers_have_no_class_weights() -> None:
    x, y = line(40)
    with pytest.raises(TableError, match="class_weight: label 'y' holds numbers, not classes; use sample_weight"):
        prepare_table(x, y, class_weight="balanced")


def test_counts_are_not_negative() -> None:
    x, y = line(40)
    counts = np.abs(y)
    counts[5] = -2
    with pytest.raises(TableError, match=r"label 'y': row 5 is -2; the poisson loss needs counts of 0 or more"):
        prepare_table(x, counts, loss=cr.Poisson(), validation_fraction=0)


def test_the_first_negative_count_is_named_with_its_own_value() -> None:
    x, y = line(40)
    counts = np.abs(y)
    counts[5], counts[9] = -2, -7
    with pytest.raises(TableError, match=r"row 5 is -2;"):
        prepare_table(x, counts, loss=cr.Poisson(), validation_fraction=0)


def test_negative_counts_to_validate_with() -> None:
    x, y = line(40)
    counts = np.abs(y)
    with pytest.raises(TableError, match="counts of 0 or more"):
        prepare_table(x, counts, loss=cr.Poisson(), validation_data=(x[:2], [-1.0, 3.0])).encode(
            cr.Poisson(), "float32"
        )


def test_a_validation_row_is_named_as_the_user_counts_it() -> None:
    train = pl.DataFrame({"x": np.arange(10.0), "y": ["a", "b"] * 5})
    other = pl.DataFrame({"x": [1.0, 2.0, 3.0], "y": [None, "b", "c"]})
    with pytest.warns(CrecheWarning, match="dropped 1"), pytest.raises(TableError, match="row 3 is 'c'"):
        prepare_table(train, label="y", validation_data=other, missing_label="drop")


def test_leakage_is_reported_and_remedied() -> None:
    """The table of a well-known public notebook, in which each row occurs several times."""
    birds = cr.datasets.penguins().drop_nulls()
    copied = pl.concat([birds] * 3)
    with pytest.warns(CrecheWarning, match=r"leakage: \d+ of 300 validation rows are also among the training rows"):
        prepare_table(copied, label="species")
    with pytest.warns(CrecheWarning, match="dropped 666 of 999 rows because they are copies of others"):
        out = prepare_table(copied, label="species", duplicates="drop")
    assert len(out.train) == 233
    together = prepare_table(copied, label="species", duplicates="together")
    assert together.validation is not None
    assert abs(len(together.validation) - 300) <= 3
    parts = (together.train, together.validation)
    kept, held_out = (set((part.observations.row_indices % 333).tolist()) for part in parts)
    assert not kept & held_out


@pytest.mark.parametrize("split", [{"validation_fraction": 0.3}, {"validation_fraction": 0.5, "test_fraction": 0.3}])
def test_a_class_with_one_row_is_trained_on_and_named(split: dict[str, float]) -> None:
    x, _ = two_classes(10)
    y = np.array(["a", "b"] * 4 + ["a", "c"])
    message = "label 'y': row 9 is the only one of class 'c', so it stays a training row.*; leave it out, or merge"
    with pytest.warns(CrecheWarning, match=message):
        out = prepare_table(x, y, **split)
    assert out.labels.classes == ("a", "b", "c")
    assert 9 in out.train.observations.row_indices
    assert prepare_table(x, y, validation_fraction=0).labels.classes == ("a", "b", "c")
    with pytest.warns(CrecheWarning, match=r"row 0 is the only one of class 'a' \(1 more class has only one row\), so"):
        prepare_table(x, np.array(["a", *"bbbbbbbb", "c"]), **split)


def test_groups_times_and_parts_by_column() -> None:
    frame = pl.DataFrame(
        {
            "x": np.arange(12.0),
            "patient": ["p", "q", "r", "s"] * 3,
            "day": pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 1, 12), eager=True),
            "part": ["train"] * 8 + ["test", "validation", "test", "train"],
            "y": ["a", "b", "b", "a"] * 3,
        }
    )
    by_group = prepare_table(frame, label="y", group="patient", schema={"part": "ignore", "day": "ignore"})
    assert by_group.validation is not None
    assert by_group.features.names == ("x",)
    parts = (by_group.train, by_group.validation)
    patients = [set(frame["patient"].to_numpy()[part.observations.row_indices]) for part in parts]
    assert not patients[0] & patients[1]
    by_time = prepare_table(
        frame, label="y", time="day", validation_fraction=0.25, test_fraction=0.25, schema={"part": "ignore"}
    )
    assert by_time.test is not None
    assert by_time.test.observations.row_indices.tolist() == [9, 10, 11]
    by_column = prepare(frame, None, Preparation("y", split=Split(column="part")), task=None, loss=None, seed=0)
    assert by_column.test is not None
    assert by_column.validation is not None
    assert by_column.test.observations.row_indices.tolist() == [8, 10]
    assert by_column.validation.observations.row_indices.tolist() == [9]
    wrong = frame.with_columns(part=pl.when(pl.col("x") == 3).then(pl.lit("tset")).otherwise(pl.col("part")))
    with pytest.raises(TableError, match="column 'part': row 4 is 'tset'; did you mean 'test'"):
        prepare(wrong, None, Preparation("y", split=Split(column="part")), task=None, loss=None, seed=0)


def test_several_labels_of_numbers() -> None:
    frame = pl.DataFrame({"x": np.arange(10.0), "u": np.arange(10) * 2, "v": np.linspace(5, 6, 10)})
    out = prepare_table(frame, label=["u", "v"], validation_fraction=0)
    assert (out.task, out.labels.names, out.labels.outputs(cr.SquaredError())) == ("regression", ("u", "v"), 2)
    rows, _ = out.encode(cr.SquaredError(), "float64")
    assert rows.targets is not None
    np.testing.assert_allclose(rows.targets.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(rows.targets.std(axis=0), 1)
    with pytest.raises(TableError, match="label 'v': holds words; several labels are either all numbers or"):
        prepare_table(frame.with_columns(v=pl.lit("a")), label=["u", "v"])
