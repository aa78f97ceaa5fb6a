from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse

from creche.errors import TableError
from creche.table.checks import check_array, check_finite, check_matrix


@pytest.mark.parametrize(
    "data", [[[1, 2], [3, 4]], np.eye(2, dtype=np.float32), ((1, 2), (3, 4)), np.eye(2) > 0], ids=repr
)
def test_matrices(data: object) -> None:
    out = check_matrix(data)
    assert out.dtype == (data.dtype if isinstance(data, np.ndarray) and data.dtype.kind == "f" else np.float64)
    np.testing.assert_array_equal(out, np.array(data, dtype=float))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([["1", "b"]], r"X: is not an array of numbers \(it holds 'b'\); needs rows of equal length"),
        ([[1, 2], [3]], "X: is not an array of numbers"),
        (5.0, r"X: has shape \(\); needs \(rows, columns\)"),
        ([1, 2, 3], r"X: has shape \(3,\); needs \(rows, columns\).*X.reshape\(-1, 1\)"),
        (np.zeros((2, 2, 2)), r"X: has shape \(2, 2, 2\)"),
        (np.zeros((0, 3)), r"X: is empty, with shape \(0, 3\)"),
        (np.zeros((3, 0)), r"X: is empty, with shape \(3, 0\)"),
        (None, "X: "),
        (np.eye(2) * 1j, r"X: holds complex numbers; needs real numbers, such as X\.real"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_matrix(data: object, message: str) -> None:
    with pytest.raises(TableError, match=message):
        check_matrix(data)


def test_finite_numbers_pass_and_are_left_alone() -> None:
    x = np.array([[0.0, -1e308], [1e-320, 5.0]])
    before = x.copy()
    check_finite(x)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize(("value", "shown"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")])
def test_the_first_wrong_number_is_named_and_the_others_counted(value: float, shown: str) -> None:
    x = np.zeros((5, 3))
    x[2, 1] = value
    with pytest.raises(TableError, match=rf"X: row 2, column 1 is {shown}; needs finite numbers"):
        check_finite(x)
    x[4] = np.nan
    with pytest.raises(TableError, match=rf"birds: row 2, column 'b' is {shown} \(and 3 more\)"):
        check_finite(x, ["a", "b", "c"], "birds")


@pytest.mark.parametrize(
    "form", ["csr_matrix", "csc_array", "coo_matrix", "lil_matrix", "dok_array", "bsr_matrix", "dia_array"]
)
def test_sparse_matrices_are_taken_with_their_zeros(form: str) -> None:
    x = np.array([[0.0, 1.5, 0.0], [2.0, 0.0, 0.0]])
    np.testing.assert_array_equal(check_matrix(getattr(scipy.sparse, form)(x)), x)


def test_a_sparse_matrix_that_does_not_fit_in_memory_is_refused() -> None:
    x = scipy.sparse.csr_matrix((10_000_000, 1_000_000))
    with pytest.raises(TableError, match=r"sparse matrix of shape \(10000000, 1000000\), which takes 80,000.0 GB with"):
        check_matrix(x)
    with pytest.raises(TableError, match=r"y: is a sparse matrix; needs one label per row: y\.toarray\(\)\.ravel\(\)"):
        check_array(x, "y")


@pytest.mark.parametrize(
    "data",
    [
        np.array([[1, 2.5], [3, 4]], dtype=object),
        [[Decimal("1"), Decimal("2.5")], [3, 4]],
        [pa.array([1.0, 2.5]), pa.array([3.0, 4.0])],
        pa.array([[1.0, 2.5], [3.0, 4.0]]),
        pa.chunked_array([[[1.0, 2.5]], [[3.0, 4.0]]]),
        pl.Series([[1.0, 2.5], [3.0, 4.0]]),
        np.array([["1", "2.5"], ["3", "4"]]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_numbers_in_other_forms(data: object) -> None:
    np.testing.assert_array_equal(check_matrix(data), [[1, 2.5], [3, 4]])


def test_missing_values_in_an_array_of_objects_are_named_as_such() -> None:
    x = check_matrix(np.array([[1, None], [pd.NA, 2]], dtype=object))
    with pytest.raises(
        TableError, match=r"row 0, column 1 is nan \(and 1 more\).*pass a DataFrame or a dict of columns"
    ):
        check_finite(x)


@pytest.mark.parametrize(
    ("data", "columns", "advice"),
    [
        ([1.0, 2.0, 3.0], 3, r"for one row, X\.reshape\(1, -1\)$"),
        ([1.0, 2.0, 3.0], 1, r"\): for one column, X\.reshape\(-1, 1\)$"),
        ([1.0, 2.0], 3, r"with 3 columns: for one row, X\.reshape\(1, -1\)$"),
        ([1.0, 2.0], None, r"for one row, X\.reshape\(1, -1\); for one column, X\.reshape\(-1, 1\)$"),
        (np.zeros((2, 2, 2)), 4, r"X\.reshape\(len\(X\), -1\)$"),
        (np.array(["2020-01-01"], dtype="M8[D]"), None, "holds datetime64.*pass a DataFrame"),
        (np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]), None, r"structured array.*pandas\.DataFrame\(X\)"),
        (pl.Series([{"a": 1}]), None, r"holds dicts; needs a list of dicts, or a DataFrame \(Polars: series\.struct"),
    ],
)
def test_advice_on_shapes_and_types(data: object, columns: int | None, advice: str) -> None:
    with pytest.raises(TableError, match=advice):
        check_matrix(data, columns=columns)
