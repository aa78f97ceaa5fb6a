from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from rookery.errors import RookeryWarning, TableError
from rookery.table.encode import FeatureEncoder, class_numbers, classes_of, infer_task

ABC = ("a", "b", "c")


def test_features_get_mean_0_and_deviation_1() -> None:
    x = np.random.default_rng(0).normal([5, -300, 1e6], [2, 40, 1e-3], (500, 3))
    encoder = FeatureEncoder.fit(x, ABC, True)
    np.testing.assert_array_equal(encoder.mean, np.mean(x, axis=0))
    np.testing.assert_array_equal(encoder.scale, np.std(x, axis=0))
    z = encoder.transform(x, "float64")
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(z.std(axis=0), 1, rtol=1e-12)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_inputs_are_of_the_plans_precision_and_contiguous(precision: str) -> None:
    x = np.asfortranarray(np.random.default_rng(0).standard_normal((20, 3)))
    z = FeatureEncoder.fit(x, ABC, True).transform(x, precision)
    assert z.dtype == precision
    assert z.flags.c_contiguous
    expected = (x - x.mean(axis=0)) / x.std(axis=0)
    np.testing.assert_allclose(z, expected, rtol=1e-6 if precision == "float32" else 1e-12)


def test_without_standardize_values_stay() -> None:
    x = np.random.default_rng(0).standard_normal((20, 3)) * 1e4
    np.testing.assert_array_equal(FeatureEncoder.fit(x, ABC, False).transform(x, "float64"), x)


@pytest.mark.parametrize("value", [0.0, 7.0, 0.1, 1e150])
def test_a_constant_column_becomes_0_wherever_it_is_seen(value: float) -> None:
    x = np.column_stack([np.arange(30.0), np.full(30, value)])
    with pytest.warns(RookeryWarning, match=r"constant in the training rows, so nothing can be learnt from: b$"):
        encoder = FeatureEncoder.fit(x, ("a", "b"), True)
    seen = encoder.transform(np.array([[1.0, value], [2.0, value + 5]]), "float32")
    assert seen[:, 1].tolist() == [0, 0]
    assert np.isfinite(seen).all()


@given(
    arrays(
        np.float64, st.tuples(st.integers(2, 30), st.just(2)), elements=st.floats(-1e6, 1e6).map(lambda v: round(v, 3))
    )
)
def test_inputs_are_finite_whatever_the_table(x: NDArray[np.float64]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RookeryWarning)
        encoder = FeatureEncoder.fit(x, ("a", "b"), True)
    z = encoder.transform(x, "float64")
    # No value can lie further from the mean of n values than sqrt(n - 1) standard deviations.
    assert (np.abs(z) <= np.sqrt(len(x) - 1) * (1 + 1e-6)).all()


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_spreads_beyond_squares_of_floats(size: float) -> None:
    x = np.array([[1.0], [2.0], [3.0]])
    z = FeatureEncoder.fit(x * size, ("a",), True).transform(x * size, "float64")
    np.testing.assert_allclose(z, (x - 2) / np.std(x), rtol=1e-6)


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
    assert classes_of(labels, "y") == expected
    numbers = class_numbers(labels, expected, "y")
    assert numbers.dtype == np.int32
    assert [expected[n] for n in numbers] == labels.tolist()


@pytest.mark.parametrize(("labels", "shown"), [(["a", "a"], r" \('a'\)"), ([], "")])
def test_one_class_is_refused(labels: list[str], shown: str) -> None:
    with pytest.raises(TableError, match=rf"label 'kind': has one class only{shown}; there is nothing to tell apart"):
        classes_of(np.array(labels, dtype=object), "kind")


def test_a_label_outside_the_classes_is_refused_with_its_row() -> None:
    with pytest.raises(
        TableError, match=r"label 'kind': row 2 is 'd', none of the training rows' classes: 'a', 'b', 'c'"
    ):
        class_numbers(np.array(["a", "c", "d"]), ABC, "kind")


@pytest.mark.parametrize(
    ("labels", "task"),
    [
        (np.array(["a", "b"]), "classes"),
        (np.array(["a", "b"], dtype=object), "classes"),
        (np.array([True, False]), "classes"),
        (np.arange(50), "classes"),
        (np.arange(51), "numbers"),
        (np.arange(3, dtype=np.uint8), "classes"),
        (np.array([0.0, 1.0]), "numbers"),
        (np.array([0.5, 1.5], dtype=np.float32), "numbers"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_the_task_by_the_label(labels: Any, task: str) -> None:
    assert infer_task(labels) == task
