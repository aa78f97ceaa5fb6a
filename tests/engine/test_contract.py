"""The engine gives, to the bit, what the contract says: whatever the shapes, the plan, the threads and the level."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.engine.drawn_embeddings import embeddings
from tests.engine.small_plans import (
    ACTIVATIONS,
    GROUP_FIELDS,
    GROUPS,
    LOSSES,
    NUMBER_SCHEDULES,
    OPTIMIZERS,
    PARTS,
    SCHEDULES,
    STARTS,
    Job,
    examples,
    spread_quantiles,
    weights_of,
)

widths = st.one_of(st.integers(1, 40), st.integers(1, 300))
parts = st.builds(lambda part, start: {**part, **start}, st.sampled_from(PARTS), st.sampled_from(STARTS))


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    loss = draw(st.sampled_from(LOSSES))
    hidden = draw(st.lists(widths, min_size=0, max_size=3))
    if draw(st.booleans()):
        hidden = hidden[:1] * len(hidden)  # for residual layers
    outputs = draw(st.one_of(st.integers(1, 5), st.integers(1, 40)))
    big = max([*hidden, outputs]) > 100
    rows = draw(st.one_of(st.just(1), st.integers(1, 40 if big else 120)))
    inputs = draw(widths)
    dtype = draw(st.sampled_from([np.float32, np.float32, np.float64]))
    return Job(
        sizes=(inputs, *hidden, outputs),
        embeddings=draw(st.one_of(st.just(()), embeddings(inputs))),
        rows=rows,
        batch_size=draw(st.one_of(st.integers(1, rows), st.integers(1, 200))),
        epochs=draw(st.integers(1, 2)),
        loss=loss,
        activation=draw(st.sampled_from(ACTIVATIONS)),
        dropout=draw(st.sampled_from([0.0, 0.0, 0.25, 0.5])),
        weighted=draw(st.booleans()),
        seed=draw(st.integers(0, 2**40)),
        dtype=dtype,
        initializer="lecun_normal",
        optimizer={
            "kind": draw(st.sampled_from(OPTIMIZERS)),
            "learning_rate": draw(st.sampled_from([1e-3, 1e-2])),
            "momentum": draw(st.sampled_from([0.0, 0.9])),
            "weight_decay": draw(st.sampled_from([0.0, 0.0, 1e-2])),
            "decoupled": draw(st.booleans()),
            "l1": draw(st.sampled_from([0.0, 0.0, 1e-3])),
            "regularize_bias": draw(st.booleans()),
            "clip_norm": draw(st.sampled_from([0.0, 0.0, 0.1])),
            "clip_value": draw(st.sampled_from([0.0, 0.0, 0.01])),
        },
        groups=tuple(draw(st.lists(st.sampled_from(GROUPS), max_size=len(GROUP_FIELDS) * (len(hidden) + 1)))),
        parts=draw(st.one_of(st.just(()), st.lists(parts, max_size=len(hidden) + 1).map(tuple))),
        residual=draw(st.booleans()),
        submodels=1 if big else draw(st.sampled_from([1, 1, 2, 3, 5])),
        sharing=draw(st.sampled_from(["mini", "full"])),
        submodel_start=draw(st.sampled_from(["signs", "normal"])),
        loss_numbers={
            "label_smoothing": draw(st.sampled_from([0.0, 0.1])),
            "quantiles": draw(st.sampled_from([[0.3], spread_quantiles(outputs)])),
        },
        schedule=draw(
            st.sampled_from(
                [
                    {},
                    {"kind": "cosine", "length": 10.0, "per_step": True},
                    {"kind": "exponential", "factor": 0.5},
                    {"kind": "cosine_log", "length": 7.0, "per_step": True},
                    {"kind": "flat_cosine", "length": 2.0},
                ]
            )
        ),
        shuffle=draw(st.booleans()),
        windows=draw(st.sampled_from([(0, 0), (0, 0), (7, 4), (1, 9)])),
        drop_last=draw(st.booleans()),
        own_batches=draw(st.booleans()),
        rounds_products=dtype == np.float32 and draw(st.booleans()),
        shards=draw(st.sampled_from([1, 1, 1, 2, 3, 8])),
        **{name: draw(st.sampled_from(SCHEDULES)) for name in NUMBER_SCHEDULES},
    )


@settings(deadline=None, max_examples=examples(120))
@given(job=jobs(), threads=st.integers(1, 3))
def test_engine_is_the_contract(engine: ModuleType, native: ModuleType, job: Job, threads: int) -> None:
    solo = job.solo(engine, threads)
    assume(solo.run() != "diverged")  # its own test: test_run.py
    assert weights_of(solo) == job.reference(engine, native)


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 64, 65, 129, 300])
@pytest.mark.parametrize("threads", [1, 2])
def test_batches_around_the_sizes_of_tiles_and_tasks(engine, native, rows: int, threads: int) -> None:
    job = Job(sizes=(5, 65, 49, 4), rows=rows, batch_size=rows, epochs=2, activation="tanh")
    solo = job.solo(engine, threads)
    assert solo.run() == "finished"
    assert weights_of(solo) == job.reference(engine, native)


def test_sums_long_enough_to_pause(engine, native) -> None:
    """Inputs and batches beyond the number of terms after which a product stores and loads its sums."""
    job = Job(sizes=(300, 300, 2), rows=520, batch_size=400, epochs=1)
    solo = job.solo(engine, threads=2)
    assert solo.run() == "finished"
    assert weights_of(solo) == job.reference(engine, native)
