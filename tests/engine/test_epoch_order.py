"""`epoch_order` gives the order in which training goes through its rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creche import _core
from tests.engine.small_plans import Job


def order_of(engine: Any, seed: int, epoch: int, rows: int) -> Any:
    return engine.epoch_order(engine.Plan().with_seed(seed), epoch, rows)


@given(
    rows=st.integers(1, 200), batch_size=st.integers(1, 64), seed=st.integers(0, 2**64 - 1), threads=st.integers(1, 2)
)
def test_it_is_the_order_of_training(rows: int, batch_size: int, seed: int, threads: int) -> None:
    engine = _core.load()
    trained: list[int] = []

    def record(outputs: Any, targets: Any) -> tuple[Any, Any]:
        trained.extend(targets[:, 0].astype(np.int64).tolist())
        return np.zeros(len(outputs)), np.zeros_like(outputs)

    job = Job(sizes=(1, 1), batch_size=batch_size, epochs=3, loss="squared_error", seed=seed, dtype=np.float64)
    numbers = np.arange(rows, dtype=np.float64).reshape(-1, 1)
    engine.Solo64(job.plan(engine), numbers, None, numbers, None, None, threads, record).run()
    for epoch in range(3):
        order = engine.epoch_order(job.plan(engine), epoch, rows)
        assert order.dtype == np.int64
        assert order.tolist() == trained[epoch * rows : (epoch + 1) * rows]


def test_each_level_gives_the_same_order() -> None:
    first, *others = [order_of(_core.load(level), 7, 3, 5000) for level in _core.levels()]
    assert sorted(first.tolist()) == list(range(5000))
    for other in others:
        assert other.tobytes() == first.tobytes()


def test_no_rows_have_an_empty_order() -> None:
    assert order_of(_core.load(), 0, 0, 0).shape == (0,)


@pytest.mark.parametrize("rows", [-1, 2**31])
def test_too_many_rows_are_refused(rows: int) -> None:
    with pytest.raises(ValueError, match=f"rows: got {rows}; needs 0 to 2147483647"):
        order_of(_core.load(), 0, 0, rows)
