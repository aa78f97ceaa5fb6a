from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rookery.errors import RookeryWarning, TableError
from rookery.table.check import check_finite, complete_rows, feature_names, matrix
from rookery.table.read import Table


def table(**columns: Any) -> Table:
    return Table({name: np.array(column) for name, column in columns.items()}, "houses.csv")


WORDS = np.array(["a", "b", None], dtype=object)


@pytest.mark.parametrize(
    "data", [[[1, 2], [3, 4]], np.eye(2, dtype=np.float32), ((1, 2), (3, 4)), np.eye(2) > 0], ids=repr
)
def test_matrices(data: object) -> None:
    out = matrix(data)
    assert out.dtype == (data.dtype if isinstance(data, np.ndarray) and data.dtype.kind == "f" else np.float64)
    np.testing.assert_array_equal(out, np.array(data, dtype=float))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([["a", "b"]], r"X: is no table of numbers \(.*\); needs rows of equally many numbers"),
        ([[1, 2], [3]], "X: is no table of numbers"),
        (5.0, r"X: has shape \(\); needs \(rows, columns\)"),
        ([1, 2, 3], r"X: has shape \(3,\); needs \(rows, columns\).*X.reshape\(-1, 1\)"),
        (np.zeros((2, 2, 2)), r"X: has shape \(2, 2, 2\)"),
        (np.zeros((0, 3)), r"X: is empty, with shape \(0, 3\)"),
        (np.zeros((3, 0)), r"X: is empty, with shape \(3, 0\)"),
        (None, "X: "),
        (np.eye(2) * 1j, r"X: holds complex numbers; needs real ones, such as X\.real"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_matrix(data: object, says: str) -> None:
    with pytest.raises(TableError, match=says):
        matrix(data)


def test_finite_numbers_pass() -> None:
    check_finite(np.array([[0.0, -1e308], [1e-320, 5.0]]))


@pytest.mark.parametrize(("value", "shown"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")])
def test_the_first_wrong_number_is_named_and_the_others_counted(value: float, shown: str) -> None:
    x = np.zeros((5, 3))
    x[2, 1] = value
    with pytest.raises(TableError, match=rf"X: row 2, column 1 is {shown}; needs finite numbers"):
        check_finite(x)
    x[4] = np.nan
    with pytest.raises(TableError, match=rf"birds: row 2, column 'b' is {shown} \(and 3 more\)"):
        check_finite(x, ["a", "b", "c"], "birds")


def test_features_are_the_numbers_beside_the_label() -> None:
    with pytest.warns(RookeryWarning, match=r"left out, for they hold no numbers: town, street$"):
        names = feature_names(table(town=WORDS, size=[1, 2, 3], price=[1.0, 2, 3], street=WORDS), "price")
    assert names == ["size"]
    assert feature_names(table(size=[1, 2, 3], kind=WORDS), "kind") == ["size"]


@pytest.mark.parametrize("others", [{}, {"town": WORDS}], ids=["none", "words"])
def test_nothing_to_learn_from(others: dict[str, Any]) -> None:
    with pytest.raises(TableError, match=r"houses\.csv: no column of numbers beside the label 'price'"):
        feature_names(table(price=[1, 2, 3], **others), "price")


def test_incomplete_rows_are_dropped_and_counted() -> None:
    rows = table(a=[1, np.nan, 3, 4], b=[1, 2, np.nan, np.nan], c=np.array(["x", "y", "z", None], dtype=object))
    with pytest.warns(RookeryWarning, match="dropped 3 of 4 rows, for values are missing in them"):
        assert complete_rows(rows, ["a", "b", "c"]).tolist() == [True, False, False, False]
    with pytest.warns(RookeryWarning, match="dropped 1 of 4 rows"):
        assert complete_rows(rows, ["c"]).tolist() == [True, True, True, False]


def test_complete_rows_are_kept_in_silence() -> None:
    assert complete_rows(table(a=[1, 2], b=[1.5, 2.5]), ["a", "b"]).all()


def test_infinity_is_refused_with_row_and_column() -> None:
    with pytest.raises(
        TableError, match=r"houses\.csv: row 3, column 'b' is -inf; needs a finite number \(rows are counted"
    ):
        complete_rows(table(a=[1, 2, 3], b=[1, 2, -np.inf]), ["a", "b"])


def test_no_complete_row() -> None:
    with pytest.raises(TableError, match=r"houses\.csv: each of the 2 rows misses a value"):
        complete_rows(table(a=[1, np.nan], b=[np.nan, 2]), ["a", "b"])


def test_no_row_at_all() -> None:
    with pytest.raises(TableError, match=r"houses\.csv: no rows"):
        complete_rows(table(a=np.zeros(0)), ["a"])
