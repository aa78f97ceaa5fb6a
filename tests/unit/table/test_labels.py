from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from creche.errors import TableError
from creche.table.labels import encode_classes, find_classes, infer_task


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
        TableError, match=r"label 'kind': row 2 is 'd', which is no class .*; needs one of 'a', 'b', 'c'"
    ):
        encode_classes(np.array(["a", "c", "d"]), ("a", "b", "c"), "kind")


@pytest.mark.parametrize(
    ("labels", "task"),
    [
        (np.array(["a", "b"]), "classification"),
        (np.array(["a", "b"], dtype=object), "classification"),
        (np.array([True, False]), "classification"),
        (np.arange(50), "classification"),
        (np.arange(51), "regression"),
        (np.arange(3, dtype=np.uint8), "classification"),
        (np.array([0.0, 1.0]), "regression"),
        (np.array([0.5, 1.5], dtype=np.float32), "regression"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_the_task_by_the_label(labels: Any, task: str) -> None:
    assert infer_task(labels) == task
