"""The order of an epoch by windows is that of a scalar reference; other tests of the engine draw windows, too."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creche import _core
from tests.engine.small_plans import Job, weights_of

BLOCKS, WINDOWS = 4 << 24, 5 << 24  # the streams


def shuffle(native: Any, elements: list[int], seed: int, position: int, epoch: int, stream: int) -> list[int]:
    """Shuffle by Fisher and Yates, from the last element on, each swap by 64 random bits."""
    swaps = max(len(elements) - 1, 0)
    counter = np.array([0, position, epoch, stream], np.uint32)
    words = [int(word) for word in native.philox_span(seed, counter, 2 * swaps)]
    shuffled = list(elements)
    for k, last in enumerate(range(len(elements), 1, -1)):
        other = (words[2 * k] + (words[2 * k + 1] << 32)) * last >> 64
        shuffled[last - 1], shuffled[other] = shuffled[other], shuffled[last - 1]
    return shuffled


def reference_order(native: Any, seed: int, epoch: int, rows: int, block: int, window: int) -> list[int]:
    blocks = [list(range(first, min(first + block, rows))) for first in range(0, rows, block)]
    order: list[int] = []
    of_blocks = shuffle(native, list(range(len(blocks))), seed, 0, epoch, BLOCKS)
    for number, first in enumerate(range(0, len(blocks), window)):
        together = [row for b in of_blocks[first : first + window] for row in blocks[b]]
        order += shuffle(native, together, seed, number, epoch, WINDOWS)
    return order


def engine_order(engine: ModuleType, seed: int, epoch: int, rows: int, block: int, window: int) -> list[int]:
    plan = engine.Plan()
    plan.seed, plan.windows.block, plan.windows.window = seed, block, window
    order: list[int] = engine.epoch_order(plan, epoch, rows).tolist()
    return order


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**64 - 1), epoch=st.integers(0, 2**31), rows=st.integers(0, 700), block=st.integers(1, 90),
    window=st.integers(1, 90),
)  # fmt: skip
def test_it_is_the_order_of_the_reference(
    engine: ModuleType, native: Any, seed: int, epoch: int, rows: int, block: int, window: int
) -> None:
    order = engine_order(engine, seed, epoch, rows, block, window)
    assert sorted(order) == list(range(rows))
    assert order == reference_order(native, seed, epoch, rows, block, window)


@pytest.mark.parametrize(("block", "window"), [(2**31 - 1, 2**31 - 1), (1, 2**31 - 1), (2**31 - 1, 1)])
def test_one_window_has_all_rows(engine: ModuleType, block: int, window: int) -> None:
    assert sorted(engine_order(engine, 1, 0, 50, block, window)) == list(range(50))


def test_rows_stay_within_their_window(engine: ModuleType) -> None:
    order = engine_order(engine, 3, 5, 1000, block=10, window=5)
    for first in range(0, 1000, 50):
        assert len({row // 10 for row in order[first : first + 50]}) == 5


def test_each_level_gives_the_same_order() -> None:
    first, *others = [engine_order(_core.load(level), 7, 3, 3000, 13, 7) for level in _core.levels()]
    assert all(other == first for other in others)


WINDOWED = Job(rows=130, batch_size=16, epochs=3, dropout=0.2, weighted=True, validation=20, windows=(7, 4))


def test_a_run_stopped_within_a_window_goes_on_with_the_same_bits(engine: ModuleType) -> None:
    whole, first, second = (WINDOWED.solo(engine, 1) for _ in range(3))
    whole.run()
    first.run(steps=11)
    second.set_state(first.state())
    second.run()
    assert weights_of(second) == weights_of(whole)


def test_another_size_is_another_order(engine: ModuleType) -> None:
    orders = {tuple(engine_order(engine, 0, 0, 100, block, window)) for block, window in [(0, 0), (10, 3), (10, 4)]}
    assert len(orders) == 3


@pytest.mark.parametrize(("block", "window"), [(-1, 1), (5, 0)])
def test_windows_of_nothing_are_refused(engine: ModuleType, block: int, window: int) -> None:
    with pytest.raises(ValueError, match=f"windows of {window} blocks of {block} rows"):
        Job(windows=(block, window)).solo(engine, 1)
