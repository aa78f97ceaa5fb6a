"""Columns that alone give the label away are found; chance, strong features and small tables raise no alarm."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.table.label_leakage import find_label_leaks
from creche.table.reading.read import read_table

ROWS = 1200
RANDOM = np.random.default_rng(2)
LABEL = RANDOM.integers(0, 3, ROWS)
PRICE = np.exp(RANDOM.normal(size=ROWS))


def leaks(column: Any, label: Any, is_regression: bool = False) -> list[str]:
    y = np.asarray(label)
    table = read_table({"it": column, "noise": RANDOM.normal(size=len(y))})
    classes = None if is_regression else np.unique(y, return_inverse=True)[1].astype(np.int32)
    return [leak.column for leak in find_label_leaks(table, table.names, "label", y, classes)]


def with_errors(values: Any, count: int) -> Any:
    values = np.array(values)
    rows = RANDOM.permutation(len(values))[:count]
    values[rows] = np.roll(values[rows], 1)
    return values


@pytest.mark.parametrize(
    "column",
    [
        LABEL, -LABEL, LABEL == 1, LABEL * 10 + RANDOM.integers(0, 5, ROWS), with_errors(LABEL, 5),
        [f"class {label}" for label in LABEL], [["b", "c", "a"][label] for label in LABEL],
        LABEL + RANDOM.random(ROWS), (-LABEL) ** 3 + 0.5 * RANDOM.random(ROWS),
        with_errors(LABEL + RANDOM.random(ROWS), 4),
        [None if label == 0 and i % 2 else f"{label}" for i, label in enumerate(LABEL)],
        np.array("2020-01-01", "datetime64[D]") + LABEL,
    ],
    ids=lambda column: str(column)[:30],
)  # fmt: skip
def test_a_copy_of_the_class_in_any_form(column: Any) -> None:
    label = LABEL == 1 if np.asarray(column).dtype == bool else LABEL
    assert leaks(column, label) == ["it"]


def test_whether_there_is_a_value() -> None:
    died = RANDOM.random(ROWS) < 0.2
    days = np.where(died, RANDOM.normal(size=ROWS), np.nan)
    table = read_table({"death": days, "noise": RANDOM.normal(size=ROWS)})
    (leak,) = find_label_leaks(table, table.names, "died", died, died.astype(np.int32))
    assert leak.by == "presence"
    assert str(leak).startswith(
        "whether column 'death' is empty gives the label 'died' away: in 1,200 rows it predicts 100"
    )
    assert leaks(days, RANDOM.permutation(died)) == []


@pytest.mark.parametrize(
    "column",
    [
        PRICE, 1.19 * PRICE, -PRICE, PRICE**2, np.log(PRICE), PRICE * (1 + 0.001 * RANDOM.normal(size=ROWS)),
        np.where(RANDOM.random(ROWS) < 0.2, np.nan, PRICE), np.where(PRICE > 1, PRICE, -PRICE),
    ],
    ids=lambda column: str(column)[:30],
)  # fmt: skip
def test_a_copy_of_a_number_in_any_unit(column: Any) -> None:
    assert leaks(column, PRICE, is_regression=True) == ["it"]


def test_one_number_for_each_category() -> None:
    codes = RANDOM.integers(0, 40, ROWS)
    assert leaks([f"tariff {code}" for code in codes], RANDOM.normal(size=40)[codes], is_regression=True) == ["it"]


def test_copies_in_the_order_of_the_rows() -> None:
    """Neighbors in time are alike; a count of the rows explains them, but gives nothing away."""
    walk = np.cumsum(RANDOM.normal(size=ROWS))
    assert leaks(np.arange(ROWS) + 0.5, walk, is_regression=True) == []
    assert leaks(np.arange(ROWS) + 0.5, np.sort(LABEL)) == []
    assert leaks(np.array("2020-01-01T00", "datetime64[h]") + np.arange(ROWS), walk, is_regression=True) == []
    assert leaks(np.sort(PRICE) / 3, np.sort(PRICE), is_regression=True) == ["it"]


@pytest.mark.parametrize(
    "column",
    [
        with_errors(LABEL, 60), LABEL + 1.5 * RANDOM.normal(size=ROWS), np.arange(ROWS) % 240, RANDOM.permutation(ROWS),
        [f"word {i // 4}" for i in range(ROWS)], np.zeros(ROWS), with_errors(LABEL + RANDOM.random(ROWS), 60),
        np.where(RANDOM.random(ROWS) < 0.1, np.nan, RANDOM.normal(size=ROWS)), np.full(ROWS, np.nan),
    ],
    ids=lambda column: str(column)[:30],
)  # fmt: skip
@pytest.mark.parametrize("order", ["any", "sorted by label"])
def test_no_alarm(column: Any, order: str) -> None:
    rows = np.arange(ROWS) if order == "any" else np.argsort(LABEL, kind="stable")
    column = [column[i] for i in rows] if isinstance(column, list) else column[rows]
    assert leaks(column, LABEL[rows]) == []
    if not isinstance(column, list):
        assert leaks(column, PRICE[rows], is_regression=True) == []


def test_strong_features_of_well_known_tables_raise_no_alarm() -> None:
    iris = pytest.importorskip("sklearn.datasets").load_iris()
    for kept in ([0, 1], [1, 2], [0, 1, 2]):
        rows = np.isin(iris.target, kept)
        for i in range(4):
            assert leaks(iris.data[rows, i], iris.target[rows]) == []
    penguins = cr.datasets.penguins()
    for name in penguins.columns[1:]:
        assert leaks(penguins[name], penguins["species"]) == []


def test_many_columns_of_chance_in_small_tables_raise_no_alarm() -> None:
    for rows in (20, 40, 80):
        y = RANDOM.integers(0, 2, rows)
        columns = {f"x{i}": RANDOM.integers(0, 5, rows) for i in range(500)} | {
            f"z{i}": RANDOM.normal(size=rows) for i in range(500)
        }
        table = read_table(columns)
        assert find_label_leaks(table, table.names, "y", y, y.astype(np.int32)) == []
        assert find_label_leaks(table, table.names, "y", RANDOM.normal(size=rows), None) == []


def test_a_rare_class_is_not_predicted_by_nothing() -> None:
    rare = RANDOM.random(ROWS) < 0.03
    assert leaks(np.zeros(ROWS), rare) == []
    assert leaks(rare, rare) == ["it"]


def test_the_share_is_that_of_the_rows() -> None:
    copy = with_errors(LABEL, 5)
    (leak,) = find_label_leaks(read_table({"copy": copy}), ["copy"], "y", LABEL, LABEL.astype(np.int32))
    assert leak.share == (copy == LABEL).mean()
    assert leak.baseline == np.bincount(LABEL).max() / ROWS
    assert leak.rows == ROWS


def test_a_large_table_is_sampled() -> None:
    y = RANDOM.integers(0, 2, 100_000)
    table = read_table(pl.DataFrame({"copy": y, "noise": RANDOM.normal(size=len(y))}))
    (leak,) = find_label_leaks(table, table.names, "y", y, y.astype(np.int32))
    assert (leak.column, leak.share, leak.rows) == ("copy", 1.0, 20_000)


def test_training_warns_in_one_line() -> None:
    table = {"flag": LABEL == 1, "x": RANDOM.normal(size=ROWS), "kind": [["no", "yes"][int(v)] for v in LABEL == 1]}
    with pytest.warns(cr.CrecheWarning) as caught:
        cr.train(table, label="kind", hidden=[2], epochs=1, threads=1)
    (line,) = {str(warning.message) for warning in caught}
    assert line.startswith(
        "column 'flag' alone gives the label 'kind' away: in 1,200 rows it predicts 100 %, the most "
    )
    assert line.endswith("leave it out: schema={'flag': 'ignore'}")
    small = {name: values[:500] for name, values in table.items()}
    threshold = {**table, "flag": np.where(LABEL == 1, 1, -1) * RANDOM.random(ROWS)}
    alone = {name: table[name] for name in ("flag", "kind")}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cr.train(small, label="kind", hidden=[2], epochs=1, threads=1, duplicates="drop")
        cr.train(table, label="kind", hidden=[2], epochs=1, threads=1, schema={"flag": "ignore"})
        cr.train(threshold, label="kind", hidden=[2], epochs=1, threads=1)
        cr.train(alone, label="kind", hidden=[2], epochs=1, threads=1, duplicates="together", validation_fraction=0)


def test_many_leaks_are_counted() -> None:
    table = {f"c{i}": i % 3 == LABEL for i in range(9)} | {f"copy {i}": LABEL for i in range(5)}
    with pytest.warns(cr.CrecheWarning) as caught:
        cr.train({**table, "y": LABEL}, label="y", hidden=[2], epochs=1, threads=1, validation_fraction=0)
    assert "2 more columns give the label 'y' away: 'copy 3', 'copy 4'" in str(caught[-1].message)
