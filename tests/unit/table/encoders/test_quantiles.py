from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creche.table.encoders.quantiles import normal_quantile, quantiles

SHARES = np.array([0.0, 0.125, 0.25, 0.5, 0.75, 1.0])  # their products with whole numbers are exact
NUMBERS = st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=40)


@given(NUMBERS)
def test_quantiles_are_numpys_of_definition_2(values: list[float]) -> None:
    expected = np.quantile(np.array(values) / 4, SHARES, method="averaged_inverted_cdf")
    # NumPy takes the mean of two values of unlike signs by their difference, whose last bits are the larger one's.
    atol = 4e-16 * max(abs(value) for value in values)
    np.testing.assert_allclose(quantiles(np.array(values) / 4, SHARES), expected, rtol=1e-15, atol=atol)


@given(
    st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 3)), min_size=1, max_size=30).filter(
        lambda v: any(c for _, c in v)
    )
)
def test_a_weight_is_as_many_rows(rows: list[tuple[int, int]]) -> None:
    values, counts = (np.array(column) for column in zip(*rows, strict=True))
    some = counts > 0
    weighted = quantiles(values[some].astype(np.float64), SHARES, counts[some].astype(np.float64))
    np.testing.assert_array_equal(weighted, quantiles(np.repeat(values, counts).astype(np.float64), SHARES))


@given(NUMBERS, st.randoms())
def test_the_order_of_rows_does_not_matter(values: list[float], random: object) -> None:
    shuffled = values.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert quantiles(np.array(values), SHARES).tobytes() == quantiles(np.array(shuffled), SHARES).tobytes()


def test_zeros_of_both_signs_are_one() -> None:
    for values in ([0.0, -0.0, 0.0], [-0.0, -0.0, 0.0], [-0.0]):
        assert not np.signbit(quantiles(np.array(values), SHARES)).any()


def test_between_the_largest_numbers_and_the_smallest() -> None:
    largest, smallest = np.finfo(np.float64).max, 5e-324
    assert quantiles(np.array([-largest, largest]), np.array([0.0, 0.5, 1.0])).tolist() == [-largest, 0.0, largest]
    assert quantiles(np.array([smallest, smallest]), np.array([0.5])).tolist() == [smallest]


@pytest.mark.parametrize(
    "share", [1e-300, 1e-20, 1e-9, 1e-4, 0.0749, 0.0751, 0.3, 0.499, 0.9, 0.925, 0.9999, 1 - 1e-12]
)
def test_normal_quantiles_are_those_of_the_standard_library(share: float) -> None:
    assert normal_quantile(share) == pytest.approx(NormalDist().inv_cdf(share), rel=1e-13)


@given(st.floats(1e-12, 0.5))
def test_normal_quantiles_go_back_to_their_shares(share: float) -> None:
    assert NormalDist().cdf(normal_quantile(share)) == pytest.approx(share, rel=1e-10)
    assert normal_quantile(share) <= 0
