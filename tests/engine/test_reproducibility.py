"""Equality of bytes: threads, instruction sets, stopping and resuming, doing it twice."""

from __future__ import annotations

import numpy as np
import pytest

from creche import _core
from tests.engine.small_plans import ALL_PARTS, ALL_PARTS_BY_BATCH, Job, digest

JOBS = {
    "penguin": Job(sizes=(4, 10, 10, 3), rows=957, batch_size=20, epochs=4, validation=100),
    "wide": Job(sizes=(64, 256, 256, 10), rows=600, batch_size=256, epochs=3, dropout=0.2, validation=90),
    "odd": Job(
        sizes=(7, 33, 50, 17, 5), rows=211, batch_size=37, epochs=4, activation="gelu", weighted=True,
        optimizer={"kind": "nadam", "weight_decay": 0.01, "l1": 0.001, "clip_norm": 0.5},
        schedule={"kind": "one_cycle", "length": 24.0, "per_step": True},
    ),
    "regression": Job(
        sizes=(9, 40, 2), rows=150, batch_size=16, epochs=5, loss="huber", activation="mish", validation=30,
        optimizer={"kind": "adadelta", "learning_rate": 1.0},
        schedule={"kind": "reduce_on_plateau", "patience": 0.0, "factor": 0.5},
        early_stopping={"patience": 2},
    ),
    "scheduled": Job(
        sizes=(6, 24, 24, 4), rows=130, batch_size=16, epochs=5, dropout=0.3, validation=30, drop_last=True,
        optimizer={"kind": "adamw", "weight_decay": 0.05, "beta2": 0.95}, loss_numbers={"label_smoothing": 0.1},
        schedule={"kind": "cosine_log", "length": 40.0, "per_step": True},
        weight_decay_schedule={"kind": "flat_cosine", "length": 40.0, "per_step": True},
        dropout_schedule={"kind": "flat_cosine", "length": 40.0, "per_step": True},
        label_smoothing_schedule={"kind": "cosine", "length": 5.0},
    ),
    "grouped": Job(
        sizes=(6, 40, 24, 4), rows=130, batch_size=16, epochs=3, validation=30,
        optimizer={"kind": "adamw", "weight_decay": 0.05, "learning_rate": 0.04},
        groups=({"learning_rate": 0.4, "epsilon": 2.5}, {"learning_rate": 0.1}, *8 * ({},), {"weight_decay": 3.0}),
    ),
    "all parts": Job(
        sizes=(6, 20, 20, 4), rows=130, batch_size=48, epochs=4, dropout=0.2, validation=30, activation="mish",
        optimizer={"kind": "adamw", "weight_decay": 0.05, "clip_norm": 0.5}, residual=True,
        parts=({**ALL_PARTS, "initializer": "unit_variance", "bias_initializer": "sampled"}, ALL_PARTS),
    ),
    "by batch": Job(  # the last batch of an epoch is one row
        sizes=(6, 20, 20, 40, 4), rows=130, batch_size=43, epochs=4, dropout=0.2, validation=30, activation="mish",
        optimizer={"kind": "adamw", "weight_decay": 0.05, "clip_norm": 0.5}, residual=True,
        early_stopping={"patience": 2},
        parts=(ALL_PARTS_BY_BATCH, ALL_PARTS, {**ALL_PARTS_BY_BATCH, "initializer": "unit_variance"}),
    ),
    "lbfgs": Job(
        sizes=(6, 40, 24, 4), rows=300, batch_size=300, epochs=30, validation=30, shuffle=False,
        optimizer={"kind": "lbfgs", "learning_rate": 4.0, "history": 4, "weight_decay": 0.01}, activation="tanh",
    ),
    "double": Job(sizes=(5, 20, 3), rows=90, batch_size=32, epochs=3, dtype=np.float64, activation="elu", dropout=0.1),
}  # fmt: skip


@pytest.fixture(scope="module", params=JOBS)
def job(request: pytest.FixtureRequest) -> Job:
    return JOBS[request.param]


@pytest.fixture(scope="module")
def expected(job: Job) -> str:
    """One thread, the lowest level, in one go."""
    solo = job.solo(_core.load(_core.levels()[-1]))
    solo.run()
    return digest(solo)


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_threads_and_levels_change_nothing(engine, job: Job, expected: str, threads: int) -> None:
    solo = job.solo(engine, threads)
    assert solo.run() in ("finished", "early_stopped")
    assert digest(solo) == expected


def test_twice_in_one_process(engine, job: Job, expected: str) -> None:
    for _ in range(2):
        solo = job.solo(engine)
        solo.run()
        assert digest(solo) == expected


@pytest.mark.parametrize("steps", [1, 7])
def test_stopped_and_resumed_every_few_steps(engine, job: Job, expected: str, steps: int) -> None:
    """Each stretch in a new run that knows only the state of the last."""
    solo = job.solo(engine)
    while solo.run(steps=steps) == "running":
        state = solo.state()
        solo = job.solo(engine, threads=2)
        solo.set_state(state)
    assert digest(solo) == expected


def test_stopped_and_resumed_at_each_epoch(engine, job: Job, expected: str) -> None:
    solo = job.solo(engine)
    while solo.run(epochs=1) == "running":
        state = solo.state()
        solo = job.solo(engine)
        solo.set_state(state)
    assert digest(solo) == expected


def test_stopped_by_the_clock(engine, job: Job, expected: str) -> None:
    solo = job.solo(engine)
    while solo.run(seconds=0.0005) == "running":
        pass
    assert digest(solo) == expected


def test_another_seed_gives_other_weights(engine) -> None:
    first, second = (Job(seed=seed) for seed in (0, 1))
    second.table = first.table  # type: ignore[method-assign]  # the same table
    digests = []
    for job in (first, second):
        solo = job.solo(engine)
        solo.run()
        digests.append(digest(solo))
    assert digests[0] != digests[1]
