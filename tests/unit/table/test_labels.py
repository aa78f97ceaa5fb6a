from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from creche.errors import TableError
from creche.table.labels import as_class_labels, check_exact, class_array, encode_classes, find_classes


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.array(["b", "a", "b"]), ("a", "b")),
        (np.array(["b", "a", "b"], dtype=object), ("a", "b")),
        (np.array([3, 1, 2, 1]), (1, 2, 3)),
        (np.array([True, False]), (False, True)),
        (np.array([2.5, -1.0]), (-1.0, 2.5)),
        (np.array([10, 9, 100]), (9, 10, 100)),
    ],
    ids=repr,
)
def test_classes_are_sorted(labels: Any, expected: tuple[Any, ...]) -> None:
    assert find_classes(labels, "y") == expected
    numbers = encode_classes(labels, expected, "y")
    assert numbers.dtype == np.int32
    assert [expected[n] for n in numbers] == labels.tolist()


@pytest.mark.parametrize(("labels", "shown"), [(["a", "a"], r" \('a'\)"), ([], "")])
def test_one_class_is_refused(labels: list[str], shown: str) -> None:
    with pytest.raises(TableError, match=rf"label 'kind': has only one class{shown}; needs two or more"):
        find_classes(np.array(labels, dtype=object), "kind")


def test_a_label_outside_the_classes_is_refused_with_its_row() -> None:
    with pytest.raises(
        TableError, match=r"label 'kind': row 2 is 'd', which is not a class .*; needs one of 'a', 'b', 'c'"
    ):
        encode_classes(np.array(["a", "c", "d"]), ("a", "b", "c"), "kind")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([0.0, 1.0], [0, 1]),
        ([-0.0, 2.0**53], [0, 2**53]),
        ([0.5, 1.0], [0.5, 1.0]),
        ([2.0**60, 1.0], [2.0**60, 1.0]),
        ([True, False], [True, False]),
        (["1.0", "0.0"], ["1.0", "0.0"]),
    ],
    ids=repr,
)
def test_classes_that_are_whole_numbers_are_integers(labels: list[Any], expected: list[Any]) -> None:
    found = as_class_labels(np.array(labels)).tolist()
    assert [(type(value), value) for value in found] == [(type(value), value) for value in expected]


@pytest.mark.parametrize(
    ("classes", "kind"),
    [
        ((0, 1), "i"),
        ((5, 2**63 + 1), "u"),
        ((-1, 2**63), "O"),
        (("a", "b"), "U"),
        ((False, True), "b"),
        ((0.5, 2.0), "f"),
    ],
    ids=repr,
)
def test_arrays_of_classes_hold_each_exactly(classes: tuple[Any, ...], kind: str) -> None:
    array = class_array(classes)
    assert array.dtype.kind == kind
    assert tuple(array.tolist()) == classes


def test_integers_that_float64_rounds_are_refused() -> None:
    check_exact(np.array([2**53, -(2**53), 2**60]), "y")
    check_exact(np.array([2**53 + 1.0]), "y")
    for value, dtype in ((2**53 + 1, np.int64), (-(2**53) - 1, np.int64), (2**64 - 1, np.uint64)):
        with pytest.raises(TableError, match=f"label 'y': row 7 is {value}, which float64 cannot hold exactly"):
            check_exact(np.array([2**53, value], dtype=dtype), "label 'y'", np.array([3, 7]))
