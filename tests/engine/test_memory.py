"""What the engine asks of memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.engine.small_plans import ALL_PARTS, ALL_PARTS_BY_BATCH, EMBEDDINGS, Job


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("clip_norm", [0.0, 1.0])
@pytest.mark.parametrize(
    "more",
    [{}, {"parts": (ALL_PARTS, ALL_PARTS_BY_BATCH)}, {"embeddings": tuple(EMBEDDINGS)}],
    ids=["plain", "all parts", "embeddings"],
)
def test_no_allocation_after_the_first_step(
    engine, native, threads: int, clip_norm: float, more: dict[str, Any]
) -> None:
    """Within an epoch; the end of an epoch adds a record to the history, which may grow."""
    job = Job(
        sizes=(20, 50, 40, 3), rows=4000, batch_size=32, epochs=2, dropout=0.1, activation="gelu",
        optimizer={"clip_norm": clip_norm, "weight_decay": 0.01}, residual=True, **more,
    )  # fmt: skip
    x, classes, _, _ = job.table()
    for each in (job, replace(job, rows=1000, submodels=3, sharing="full")):
        first, later = native.allocations_while_training(
            each.plan(engine), x[: each.rows], classes[: each.rows], threads, 20
        )
        assert first > 10
        assert later == 0


def test_history_and_validation_take_no_more_than_a_growing_list(engine, native) -> None:
    job = Job(sizes=(4, 10, 3), rows=100, batch_size=20, epochs=1000)
    x, classes, _, _ = job.table()
    _, later = native.allocations_while_training(job.plan(engine), x, classes, 1, 5 * 900)
    assert later <= 12  # doublings


def test_the_promised_memory_is_that_of_the_arrays(engine) -> None:
    job = Job(sizes=(64, 1024, 1024, 10), rows=1000, batch_size=256)
    parameters = sum((a + 1) * b for a, b in zip(job.sizes, job.sizes[1:], strict=False))
    promised = engine.memory(job.plan(engine), 1000, 4)
    # Adam: weights and two planes, a snapshot of each, gradients, a transposed copy; then the batch.
    assert 8 * 4 * parameters < promised < 9 * 4 * parameters + 256 * 4 * 3 * 2300
    assert engine.memory(job.plan(engine), 1000, 8) == pytest.approx(2 * promised, rel=0.01)


def test_parts_of_layers_take_matrices_of_a_batch(engine) -> None:
    plain = Job(sizes=(512, 512, 512, 3), rows=4096, batch_size=4096)
    more = replace(plain, parts=(ALL_PARTS, ALL_PARTS_BY_BATCH), residual=True)
    found = engine.memory(more.plan(engine), 4096, 4) - engine.memory(plain.plan(engine), 4096, 4)
    # Of each of the two layers: scaled inputs and their terms, two of a normalization, slopes, and what is skipped.
    assert found == pytest.approx(2 * 6 * 512 * 4096 * 4, rel=0.02)


def test_submodels_each_take_rows_of_a_batch(engine) -> None:
    plain = Job(sizes=(512, 512, 512, 3), rows=4096, batch_size=4096)
    rows = engine.memory(plain.plan(engine), 4096, 4) - engine.memory(replace(plain, batch_size=16).plan(engine), 16, 4)
    found = engine.memory(replace(plain, submodels=4).plan(engine), 4096, 4) - engine.memory(
        plain.plan(engine), 4096, 4
    )
    # Three times the matrices of a batch again, and of the first layer the scaled inputs and their terms, four times.
    assert found == pytest.approx(3 * rows + 4 * 2 * 512 * 4096 * 4, rel=0.03)


def test_embeddings_of_own_batches_take_rows_for_each_submodel(engine) -> None:
    linear = {"kind": "linear", "columns": list(range(64)), "sizes": [1] * 64, "width": 512}
    job = Job(sizes=(64, 16, 3), rows=4096, batch_size=4096, submodels=4, embeddings=(linear,))
    found = engine.memory(replace(job, own_batches=True).plan(engine), 4096, 4) - engine.memory(
        job.plan(engine), 4096, 4
    )
    assert found == pytest.approx(3 * 64 * 512 * 4096 * 4, rel=0.02)
