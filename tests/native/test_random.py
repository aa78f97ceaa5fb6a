"""Random numbers as pure functions of seed and purpose."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

# counter, key, words: the known answers that come with the authors' Random123 library (kat_vectors, philox4x32 10).
KNOWN_ANSWERS = [
    ([0x00000000] * 4, 0x0000000000000000, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, 0xFFFFFFFFFFFFFFFF, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        0x299F31D0A4093822,
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]

words_32 = st.integers(0, 2**32 - 1)
seeds = st.integers(0, 2**64 - 1)


def counter(*words: int) -> NDArray[np.uint32]:
    return np.array(words, np.uint32)


@pytest.mark.parametrize(("words", "key", "expected"), KNOWN_ANSWERS)
def test_philox_gives_the_known_answers(native: Any, words: list[int], key: int, expected: list[int]) -> None:
    assert native.philox(key, counter(*words)).tolist() == expected


@settings(deadline=None, max_examples=50)
@given(key=seeds, first=st.tuples(words_32, words_32, words_32, words_32), n=st.sampled_from([1, 3, 4, 8, 21]))
def test_words_of_a_block_are_those_of_its_counters(native: Any, key: int, first: tuple[int, ...], n: int) -> None:
    one_by_one = [native.philox(key, counter((first[0] + i) % 2**32, *first[1:])) for i in range(n)]
    np.testing.assert_array_equal(native.philox_block(key, counter(*first), n), one_by_one)


@pytest.mark.parametrize("words", [0, 1, 3, 4, 63, 64, 65, 200])
def test_a_span_ends_where_it_is_told(native: Any, words: int) -> None:
    expected = native.philox_block(3, counter(5, 6, 7, 8), 21).ravel()
    got = native.philox_span(3, counter(5, 6, 7, 8), words)
    assert got.shape == (words,)
    np.testing.assert_array_equal(got[:84], expected[: min(words, 84)])


@settings(deadline=None, max_examples=60)
@given(seed=seeds, epoch=words_32, n=st.integers(0, 3000))
def test_a_permutation_has_every_row_once(native: Any, seed: int, epoch: int, n: int) -> None:
    np.testing.assert_array_equal(np.sort(native.permutation(seed, epoch, n)), np.arange(n))


def test_a_permutation_is_fisher_yates_on_the_shuffle_stream(native: Any) -> None:
    n, seed, epoch = 1500, 11, 4
    words = native.philox_span(seed, counter(0, 0, epoch, 2 << 24), n - 1)
    expected = list(range(n))
    for last, word in zip(range(n - 1, 0, -1), words.tolist(), strict=True):
        other = word * (last + 1) >> 32
        expected[last], expected[other] = expected[other], expected[last]
    assert native.permutation(seed, epoch, n).tolist() == expected


def test_permutations_differ_by_seed_and_epoch(native: Any) -> None:
    orders = {tuple(native.permutation(seed, epoch, 50).tolist()) for seed in range(20) for epoch in range(20)}
    assert len(orders) == 400


def chi_square_limit(degrees: int) -> float:
    """The value that chi-square with these degrees exceeds once in a million times (Wilson & Hilferty 1931)."""
    return degrees * (1 - 2 / (9 * degrees) + 4.753 * math.sqrt(2 / (9 * degrees))) ** 3


def test_every_order_of_four_rows_is_equally_likely(native: Any) -> None:
    draws = 24_000
    orders = np.array([native.permutation(seed, 1, 4) for seed in range(draws)])
    _, counts = np.unique(orders @ np.array([1000, 100, 10, 1]), return_counts=True)
    assert counts.size == 24
    assert np.sum((counts - draws / 24) ** 2 / (draws / 24)) < chi_square_limit(23)


def test_every_place_of_every_row_is_equally_likely(native: Any) -> None:
    n, draws = 20, 10_000
    counts = np.zeros((n, n))
    for epoch in range(draws):
        counts[np.arange(n), native.permutation(99, epoch, n)] += 1
    # Row and column sums are fixed.
    assert np.sum((counts - draws / n) ** 2 / (draws / n)) < chi_square_limit((n - 1) ** 2)


def test_dropout_words_belong_to_a_neuron(native: Any) -> None:
    seed, epoch, position, layer = 2**63 + 5, 7, 123, 2
    for panel in (0, 3):
        words = native.dropout_words_of_two(seed, epoch, position, layer, panel)
        expected = [
            [
                native.philox(seed, counter(neuron // 4, row, epoch, (3 << 24) + layer))[neuron % 4]
                for neuron in range(16 * panel, 16 * panel + 16)
            ]
            for row in (position, position + 1)
        ]
        assert words.tolist() == expected


def test_dropout_words_are_the_same_with_a_network_per_lane(native: Any) -> None:
    rng = np.random.default_rng(1)
    seeds_of_lanes = rng.integers(0, 2**64, 16, np.uint64)
    for quad in range(8):
        by_lane = native.dropout_words_of_lanes(seeds_of_lanes, 3, 14, 1, quad)
        for lane, seed in enumerate(seeds_of_lanes.tolist()):
            panel = native.dropout_words_of_two(seed, 3, 14, 1, quad // 4)[0]
            np.testing.assert_array_equal(by_lane[:, lane], panel[4 * (quad % 4) : 4 * (quad % 4) + 4])


def test_uniform_numbers_cover_the_half_open_interval(native: Any) -> None:
    assert native.uniform24(0) == 0 == native.uniform53(0, 0)
    assert native.uniform24(2**32 - 1) == 1 - 2**-24
    assert native.uniform53(2**32 - 1, 2**32 - 1) == 1 - 2**-53
    assert native.uniform53(2**31, 0) == 0.5 == native.uniform24(2**31)


def test_normal_numbers_are_box_and_mullers(native: Any) -> None:
    seed, layer, first = 8, 5, 32
    words = native.philox_block(seed, counter(first // 2, 0, 0, (1 << 24) + layer), 8).astype(np.uint64)
    uniform = ((words[:, ::2] << np.uint64(32) | words[:, 1::2]) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    radius = np.sqrt(-2 * np.log1p(-uniform[:, 0]))
    expected = np.stack(
        [radius * np.cos(2 * np.pi * uniform[:, 1]), radius * np.sin(2 * np.pi * uniform[:, 1])], axis=1
    )
    np.testing.assert_allclose(native.initial_normals(seed, layer, first), expected.ravel(), rtol=1e-13, atol=1e-14)
