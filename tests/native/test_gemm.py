"""Products by tiles are, to the bit, the sums the contract writes down."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sizes = st.one_of(st.integers(1, 70), st.sampled_from([127, 128, 129, 192, 193, 256, 300]))
dtypes = st.sampled_from([np.float32, np.float64])


def matrices(rng: np.random.Generator, rows: int, terms: int, columns: int, dtype: type) -> list[np.ndarray]:
    # Wide spread of magnitudes, so that another order of summation would show.
    def matrix(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) * np.exp(3 * rng.standard_normal(shape))).astype(dtype)

    return [matrix(rows, terms), matrix(terms, columns), matrix(1, columns)]


@settings(deadline=None, max_examples=80)
@given(rows=sizes, terms=sizes, columns=sizes, dtype=dtypes, seed=st.integers(0, 2**32 - 1), data=st.data())
def test_product_by_rows_is_the_contract(native: ModuleType, rows, terms, columns, dtype, seed, data) -> None:
    left, right, begin = matrices(np.random.default_rng(seed), rows, terms, columns, dtype)
    first = data.draw(st.integers(0, rows - 1))
    last = data.draw(st.integers(first + 1, rows))
    out, expected = np.zeros((rows, columns), dtype), np.zeros((rows, columns), dtype)
    native.product_by_rows(left, right, begin, first, last, out)
    native.product_by_contract(left, right, begin, expected)
    np.testing.assert_array_equal(out[first:last].view(np.uint8), expected[first:last].view(np.uint8))


@settings(deadline=None, max_examples=80)
@given(rows=sizes, terms=sizes, columns=sizes, dtype=dtypes, seed=st.integers(0, 2**32 - 1))
def test_product_by_columns_is_the_contract(native: ModuleType, rows, terms, columns, dtype, seed) -> None:
    left, right, _ = matrices(np.random.default_rng(seed), terms, terms, columns, dtype)
    left = np.ascontiguousarray(np.resize(left, (terms, rows)))
    zeros = np.zeros((1, columns), dtype)
    out, totals, expected = (
        np.zeros((rows, columns), dtype),
        np.zeros((1, columns), dtype),
        np.zeros((rows, columns), dtype),
    )
    native.product_by_columns(left, right, out, totals)
    native.product_by_contract(np.ascontiguousarray(left.T), right, zeros, expected)
    np.testing.assert_array_equal(out.view(np.uint8), expected.view(np.uint8))
    running = np.zeros(columns, dtype)
    for row in right:
        running = running + row
    np.testing.assert_array_equal(totals[0], running)


def test_the_contract_itself_agrees_with_exact_sums(native: ModuleType) -> None:
    left, right, begin = matrices(np.random.default_rng(1), 5, 40, 7, np.float64)
    out = np.zeros((5, 7))
    native.product_by_contract(left, right, begin, out)
    for i in range(5):
        for n in range(7):
            exact = math.fsum([begin[0, n], *(left[i] * right[:, n])])
            assert out[i, n] == pytest.approx(exact, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [0, 1, 5, 8, 15, 16])
def test_transposed_block_takes_missing_rows_as_zeros(native: ModuleType, dtype: type, rows: int) -> None:
    block = np.arange(1, 257, dtype=dtype).reshape(16, 16)
    out = np.zeros((16, 16), dtype)
    native.transposed_block(block, rows, out)
    expected = block.copy()
    expected[rows:] = 0
    np.testing.assert_array_equal(out, expected.T)
