from __future__ import annotations

import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

from creche.errors import TableError
from creche.table.label_kinds import check_one_kind, integers_as_array, unify_labels


def objects(*values: Any) -> np.ndarray[Any, Any]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (objects("a", "None", "NA"), "O", ["a", "None", "NA"]),
        (objects("a", np.str_("b")), "O", ["a", "b"]),
        (objects(True, np.False_), "b", [True, False]),
        (objects(1, np.int8(2)), "i", [1, 2]),
        (objects(2**63, 1), "u", [2**63, 1]),
        (objects(2**53 + 1, -1), "i", [2**53 + 1, -1]),
        (objects(1, 2.5), "f", [1.0, 2.5]),
        (objects(Decimal("0"), Decimal("1")), "f", [0.0, 1.0]),
        (objects(Fraction(1, 2), 1), "f", [0.5, 1.0]),
        (objects(b"a", "é".encode()), "O", ["a", "é"]),
        (np.array([b"a", b"b"]), "O", ["a", "b"]),
        (np.array(["a", "b"]), "U", ["a", "b"]),
        (np.array(["a", "b"], dtype=np.dtypes.StringDType()), "O", ["a", "b"]),
        (np.array([2**63 + 1], dtype=np.uint64), "u", [2**63 + 1]),
        (objects(np.array(1), np.array(0)), "i", [1, 0]),
    ],
    ids=repr,
)
def test_labels_of_one_kind_keep_their_values(values: Any, kind: str, expected: list[Any]) -> None:
    labels = unify_labels(values)
    assert labels.dtype.kind == kind
    assert labels.tolist() == expected
    assert [type(value) for value in labels.tolist()] == [type(value) for value in expected]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((1, "1"), r"row 0 is 1, a whole number, but row 1 is '1', a word; needs labels of one kind"),
        (("a", 2.5, "b"), r"row 0 is 'a', a word, but row 1 is 2\.5, a number"),
        ((True, 1), r"row 0 is True, a boolean, but row 1 is 1, a whole number"),
        ((0, 0.5, True), r"row 0 is 0, a whole number, but row 2 is True, a boolean"),
        ((1.0, 2, b"a"), r"row 0 is 1\.0, a number, but row 2 is b'a', bytes"),
        ((1, "1", True, None), r"row 3 is None; leave out rows without a label"),
        (("a", None), r"row 1 is None; leave out rows without a label"),
        ((True, float("nan")), r"row 1 is nan; leave out rows without a label"),
        ((pd.NA, 1), r"row 0 is <NA>; leave out"),
        ((pd.NaT, "a"), r"row 0 is NaT; leave out"),
        ((1.0, float("nan")), r"row 1 is nan; needs finite numbers"),
        ((1.0, float("inf")), r"row 1 is inf; needs finite numbers"),
        ((datetime.date(2020, 1, 5),), r"row 0 is datetime.date\(2020, 1, 5\), a date; needs numbers or words"),
        (([1], [2]), r"row 0 is \[1\], a list; needs numbers or words"),
        ((b"\xff",), "row 0 is b'.xff', which is not UTF-8; decode"),
        ((2**64, 1), r"row 0 is 18446744073709551616, which does not fit into 64 bits"),
        ((0.5, 2**53 + 1), r"row 1 is 9007199254740993, which float64 cannot hold exactly, and other labels are dec"),
    ],
    ids=repr,
)
def test_other_labels_are_refused_with_row_and_value(values: tuple[Any, ...], message: str) -> None:
    with pytest.raises(TableError, match=f"y: {message}"):
        unify_labels(objects(*values))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([1j]), "y: holds complex128; needs numbers or words"),
        (
            np.array(["2020-01-05"], dtype="datetime64[D]"),
            r"y: holds datetime64\[D\]; needs classes or numbers, such as",
        ),
    ],
)
def test_arrays_of_other_types_are_refused(values: Any, message: str) -> None:
    with pytest.raises(TableError, match=message):
        unify_labels(values)


def test_missing_values_are_of_no_kind() -> None:
    check_one_kind([None, "a", float("nan"), "b", pd.NA], "y")
    check_one_kind([None, 1, 2.5, float("nan")], "y")
    with pytest.raises(TableError, match=r"label 'kind': row 2 is 'a', a word, but row 3 is 1, a whole number"):
        check_one_kind([None, "a", 1], "label 'kind'", first_row=1)


@pytest.mark.parametrize(("values", "row"), [([5, 2**64], 1), ([-1, 2**63], 1), ([-(2**63) - 1, 0], 0)], ids=repr)
def test_integers_beyond_64_bits_are_refused_with_their_row(values: list[int], row: int) -> None:
    with pytest.raises(TableError, match=f"y: row {row} is {values[row]}, which does not fit into 64 bits"):
        integers_as_array(values, "y")
