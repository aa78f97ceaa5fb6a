"""Products of operands rounded to bfloat16 are, to the bit, the sums that the contract writes down."""

from __future__ import annotations

from fractions import Fraction
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.native.test_gemm import matrices, sizes

SMALLEST = np.float32(2.0**-126)


def rounded(x: np.ndarray) -> np.ndarray:
    """Round float32 to bfloat16, ties to even, by float64, in which every candidate and every middle is exact."""
    x = np.asarray(x, np.float32)
    exponents = np.frexp(x.astype(np.float64))[1]
    unit = np.exp2(exponents.astype(np.float64) - 8)
    out = (np.rint(x / unit) * unit).astype(np.float32)
    return np.where(np.abs(x) < SMALLEST, np.copysign(np.float32(0), x), out).astype(np.float32)


def add_exactly(a: np.float32, b: np.float32, total: np.float32) -> np.float32:
    """Return a b + total, rounded once as if exponents had no end, and a zero where that is below 2^-126."""
    if abs(total) < SMALLEST:
        total = np.copysign(np.float32(0), total)
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(total))
    if exact == 0:
        return np.float32(a * b + total)  # the sign of a zero is IEEE's
    scale = 0  # to a number of 24 bits before the point
    while abs(exact) * Fraction(2) ** scale < 2**23:
        scale += 1
    while abs(exact) * Fraction(2) ** scale >= 2**24:
        scale -= 1
    nearest = Fraction(round(exact * Fraction(2) ** scale)) / Fraction(2) ** scale
    if abs(nearest) < Fraction(2) ** -126:
        return np.float32(np.copysign(0.0, float(exact > 0) - 0.5))
    return np.float32(float(nearest))


def contract(left: np.ndarray, right: np.ndarray, begin: np.ndarray) -> np.ndarray:
    """Return begin + left right: in pairs, the second term of each first; without numbers near the smallest."""
    left, right = rounded(left), rounded(right)
    if left.shape[1] % 2:
        left = np.pad(left, ((0, 0), (0, 1)))
        right = np.pad(right, ((0, 1), (0, 0)))
    total = np.broadcast_to(begin, (len(left), right.shape[1])).astype(np.float32)
    for k in range(0, left.shape[1], 2):
        for term in (k + 1, k):
            # Products of two 8-bit significands are exact in float64, and so are these sums, but for what rounding
            # twice changes: `multiply_add` tells such numbers apart.
            total = multiply_add(left[:, term, None], right[None, term], total)
    return total


def multiply_add(a: np.ndarray, b: np.ndarray, total: np.ndarray) -> np.ndarray:
    exact = np.asarray(a, np.longdouble) * np.asarray(b, np.longdouble) + np.asarray(total, np.longdouble)
    return exact.astype(np.float32)


def spread(rng: np.random.Generator, shape: tuple[int, ...], spreads: float = 3) -> np.ndarray:
    return (rng.standard_normal(shape) * np.exp(spreads * rng.standard_normal(shape))).astype(np.float32)


@settings(deadline=None, max_examples=60)
@given(rows=sizes, terms=sizes, columns=sizes, seed=st.integers(0, 2**32 - 1), data=st.data())
def test_rounded_product_by_rows_is_the_contract(native: ModuleType, rows, terms, columns, seed, data) -> None:
    left, right, begin = matrices(np.random.default_rng(seed), rows, terms, columns, np.float32)
    first = data.draw(st.integers(0, rows - 1))
    last = data.draw(st.integers(first + 1, rows))
    out = np.zeros((rows, columns), np.float32)
    native.product_by_rows(left, right, begin, first, last, out, True)
    expected = contract(left, right, begin)
    np.testing.assert_array_equal(out[first:last].view(np.uint32), expected[first:last].view(np.uint32))


@settings(deadline=None, max_examples=60)
@given(rows=sizes, terms=sizes, columns=sizes, seed=st.integers(0, 2**32 - 1))
def test_rounded_product_by_columns_is_the_contract(native: ModuleType, rows, terms, columns, seed) -> None:
    rng = np.random.default_rng(seed)
    left, right = spread(rng, (terms, rows)), spread(rng, (terms, columns))
    out, totals = np.zeros((rows, columns), np.float32), np.zeros((1, columns), np.float32)
    native.product_by_columns(left, right, out, totals, True)
    expected = contract(np.ascontiguousarray(left.T), right, np.zeros((1, columns), np.float32))
    np.testing.assert_array_equal(out.view(np.uint32), expected.view(np.uint32))
    running = np.zeros(columns, np.float32)
    for row in right:
        running = running + row
    np.testing.assert_array_equal(totals[0], running)


def numbers_of_all_sizes(rng: np.random.Generator, count: int) -> list[np.ndarray]:
    """Operands and sums; half of the sums end near the smallest number, where they become zeros."""

    def number(exponents: np.ndarray, bits: int) -> np.ndarray:
        significand = 1 + rng.integers(0, 2**bits, count) / 2**bits
        return (rng.choice([-1.0, 1.0], count) * significand * np.exp2(exponents)).astype(np.float32)

    near = rng.integers(0, 2, count)
    a = rng.integers(-70, -40, count)
    b = np.where(near == 1, -126 - a + rng.integers(-30, 3, count), rng.integers(-70, 60, count))
    total = np.where(near == 1, rng.integers(-130, -120, count), rng.integers(-126, 100, count))
    return [number(a, 7), number(b, 7), number(total, 23)]


def test_one_term_near_the_smallest_number_is_exact(native: ModuleType) -> None:
    rng = np.random.default_rng(3)
    a, b, total = numbers_of_all_sizes(rng, 4000)
    # What rounds to the smallest number, although it is smaller.
    a[:8], b[:8] = np.float32(2.0**-100), np.float32(-(2.0**-51)) * np.float32([1, 1.5, 1, 1.5, 1, 1, -1, -1])
    total[:8] = SMALLEST
    out = total[None].copy()
    native.add_rounded_products(a[None], b[None], out)
    expected = np.array([add_exactly(*each) for each in zip(a, b, total, strict=True)], np.float32)
    np.testing.assert_array_equal(out[0].view(np.uint32), expected.view(np.uint32))
    assert np.count_nonzero(out == 0) > 500
    # The products themselves, which may use an instruction of the processor.
    product = np.zeros((1, 1), np.float32)
    for i in range(200):
        left, right = np.array([[a[i], a[i + 1]]]), np.array([[b[i]], [b[i + 1]]])
        native.product_by_rows(left, right, total[i].reshape(1, 1), 0, 1, product, True)
        assert product[0, 0] == add_exactly(a[i], b[i], add_exactly(a[i + 1], b[i + 1], total[i]))


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1 + 2.0**-8, 1.0),  # a tie, to even
        (1 + 3 * 2.0**-8, 1 + 2.0**-6),
        (1 + 2.0**-8 + 2.0**-20, 1 + 2.0**-7),
        (-3.4e38, -np.inf),
        (2.0**-127, 0.0),
        (-(2.0**-130), -0.0),
        (np.nan, np.nan),
        (np.inf, np.inf),
    ],
)
def test_operands_are_rounded_to_the_nearest(native: ModuleType, number: float, expected: float) -> None:
    out = np.zeros((1, 1), np.float32)
    one = np.ones((1, 1), np.float32)
    native.add_rounded_products(np.array([[number]], np.float32), one, out)
    assert np.array_equal(out, np.float32([[expected + 0.0]]), equal_nan=True)
