from __future__ import annotations

import numpy as np
import pytest

from creche.errors import TableError
from creche.table.checks import check_finite, check_matrix


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
        ([["a", "b"]], r"X: is no array of numbers \(.*\); needs rows of equally many numbers"),
        ([[1, 2], [3]], "X: is no array of numbers"),
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
