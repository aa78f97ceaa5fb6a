"""Shards of a batch: the order of their sums, and the same bits on any number of processes.

That one process gives what the contract says is in test_contract.py. Here, the processes are threads that exchange
through memory: what the engine expects of an exchange, without any transport.
"""

from __future__ import annotations

import threading
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.small_plans import EMBEDDED_COLUMNS, EMBEDDINGS, Job, digest, examples, weights_of

COMPLETE, NOT_FINITE, STOPPED = 0, 1, 2
WIDE = Job(sizes=(7, 33, 20, 4), rows=61, batch_size=20, epochs=3, dropout=0.3, weighted=True, validation=13, shards=4)


Result: TypeAlias = tuple[int, float, float]


class Meeting:
    """The exchange of processes that are threads: each waits for all, and each adds in the order of the shards."""

    def __init__(self, count: int) -> None:
        self._barrier = threading.Barrier(count, timeout=60)
        self._given: list[Any] = [None] * count

    def exchange(self, rank: int, end: int, gradients: list[Any], sums: list[Any], out: Any) -> Result:
        self._given[rank] = end, [gradient.copy() for gradient in gradients], sums
        self._barrier.wait()
        given = list(self._given)
        self._barrier.wait()
        worst = max(end for end, _, _ in given)
        if worst != COMPLETE:
            return worst, 0.0, 0.0
        shards = [shard for _, of_process, _ in given for shard in of_process]
        numbers = [of_shard for _, _, of_process in given for of_shard in of_process]
        out[:] = shards[0]
        total = np.array(numbers[0])
        for shard, of_shard in zip(shards[1:], numbers[1:], strict=True):
            out += shard
            total += of_shard
        return COMPLETE, float(total[0]), float(total[1])


def run_together(solos: list[Any], **limits: Any) -> list[str]:
    """Run each in a thread of its own, and return how each ended."""
    ends = [""] * len(solos)

    def run(rank: int) -> None:
        ends[rank] = solos[rank].run(**limits)

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(len(solos))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


def join(solos: list[Any]) -> None:
    meeting = Meeting(len(solos))
    for rank, solo in enumerate(solos):
        solo.join(rank, len(solos), lambda *given, rank=rank: meeting.exchange(rank, *given))


def processes_of(engine: ModuleType, job: Job, count: int, threads: int = 1) -> list[Any]:
    solos = [job.solo(engine, threads) for _ in range(count)]
    join(solos)
    return solos


VARIANTS: dict[str, dict[str, Any]] = {
    "dropout, weights of rows": {},
    "clipped by norm, L1": {"optimizer": {"kind": "adamw", "clip_norm": 0.1, "l1": 1e-3, "weight_decay": 0.01}},
    "L-BFGS": {"optimizer": {"kind": "lbfgs"}, "dropout": 0.0, "batch_size": 61, "shuffle": False},
    "submodels": {"submodels": 3, "sharing": "full"},
    "batches of each submodel": {
        "sizes": (EMBEDDED_COLUMNS, 12, 4),
        "embeddings": tuple(EMBEDDINGS),
        "submodels": 3,
        "own_batches": True,
    },
    "embeddings": {"sizes": (EMBEDDED_COLUMNS, 12, 4), "embeddings": tuple(EMBEDDINGS)},
    "parts of layers": {"parts": ({"scale_inputs": True, "parametric_activation": True, "normalization": "layer"},)},
    "more shards than rows": {"rows": 22, "batch_size": 20},
    "float64": {"dtype": np.float64},
}


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_processes_end_with_the_bits_of_one(engine: ModuleType, variant: str) -> None:
    job = Job(**{**vars(WIDE), **VARIANTS[variant]})
    alone = job.solo(engine)
    assert alone.run() == "finished"
    for count in (2, 4):
        together = processes_of(engine, job, count, threads=count // 2)
        assert run_together(together) == ["finished"] * count
        assert {digest(solo) for solo in together} == {digest(alone)}


@settings(deadline=None, max_examples=examples(25))
@given(
    rows=st.integers(1, 50), batch_size=st.integers(1, 40), shards=st.sampled_from([2, 6]), inputs=st.integers(1, 40)
)
def test_any_number_of_rows(engine: ModuleType, rows: int, batch_size: int, shards: int, inputs: int) -> None:
    """Batches that the shards do not divide, a short last one, shards and processes without rows."""
    job = Job(sizes=(5, 9, 3), rows=rows, batch_size=batch_size, epochs=2, shards=shards)
    alone = job.solo(engine)
    alone.run()
    together = processes_of(engine, job, 2)
    run_together(together)
    assert [digest(solo) for solo in together] == [digest(alone)] * 2


def test_gradients_are_the_sum_of_those_of_the_shards_in_their_order(engine: ModuleType) -> None:
    """Those that `gradients` gives of a table: of 10 rows in 4 shards, 3, 3, 3 and 1."""
    job = Job(sizes=(5, 17, 3), rows=10, shards=4)
    x, classes, _, _ = job.table()
    solo, alone = job.solo(engine), Job(sizes=(5, 17, 3), rows=10).solo(engine)
    loss, gradients = solo.gradients(x, classes, None, None)
    expected: dict[str, Any] = {}
    for begin, end in ((0, 3), (3, 6), (6, 9), (9, 10)):
        # A weight of 0 leaves a row out: the others have the weight that they have in the whole table.
        weights = np.zeros(10, np.float32)
        weights[begin:end] = 1
        _, of_shard = alone.gradients(x, classes, None, weights)
        for name, values in of_shard.items():
            part = values * np.float32((end - begin) / 10)
            expected[name] = part if begin == 0 else expected[name] + part
    assert loss == pytest.approx(alone.evaluate(x, classes, None, None)[0], rel=1e-6)
    for name, values in gradients.items():
        np.testing.assert_allclose(values, expected[name], rtol=2e-5, atol=1e-7)


def test_shards_change_the_last_bits_only(engine: ModuleType) -> None:
    one, four = Job(rows=80, epochs=1).solo(engine), Job(rows=80, epochs=1, shards=4).solo(engine)
    assert one.run() == four.run() == "finished"
    assert weights_of(one) != weights_of(four)
    for name, values in one.parameters().items():
        np.testing.assert_allclose(four.parameters()[name], values, atol=1e-5)


def test_runs_go_on_with_another_number_of_processes(engine: ModuleType) -> None:
    alone = WIDE.solo(engine)
    alone.run()
    first = processes_of(engine, WIDE, 4)
    run_together(first, steps=5)
    state = first[3].state()
    second = processes_of(engine, WIDE, 2)
    for solo in second:
        solo.set_state(state)
    run_together(second, steps=2)
    second[0].join(0, 1)
    second[0].run()
    assert digest(second[0]) == digest(alone)


def test_an_interrupted_process_stops_all_before_the_step(engine: ModuleType) -> None:
    """The others learn of it in the exchange; none has taken the step, and together they go on to the same bytes."""
    alone = WIDE.solo(engine)
    alone.run()
    together = processes_of(engine, WIDE, 2)
    meeting = Meeting(2)
    steps = 0

    def asks_to_stop(*given: Any) -> Result:
        nonlocal steps
        steps += 1
        return meeting.exchange(1, *((STOPPED, [], [], given[3]) if steps == 4 else given))

    together[0].join(0, 2, lambda *given: meeting.exchange(0, *given))
    together[1].join(1, 2, asks_to_stop)
    assert run_together(together) == ["interrupted"] * 2
    assert [solo.step for solo in together] == [3, 3]
    assert run_together(together) == ["finished"] * 2
    assert {digest(solo) for solo in together} == {digest(alone)}


def test_a_loss_that_is_not_finite_on_one_process_ends_all(engine: ModuleType) -> None:
    """At the same step and with the same last finite weights as alone."""
    job = Job(rows=64, batch_size=16, epochs=20, shards=4, loss="squared_error", optimizer={"kind": "sgd"})
    job.optimizer["learning_rate"] = 1e12
    alone = job.solo(engine)
    assert alone.run() == "diverged"
    together = processes_of(engine, job, 2)
    assert run_together(together) == ["diverged"] * 2
    assert [solo.divergence for solo in together] == [alone.divergence] * 2
    assert {weights_of(solo) for solo in together} == {weights_of(alone)}


def test_an_exchange_that_fails_is_an_error(engine: ModuleType) -> None:
    solo = WIDE.solo(engine)

    def fails(*given: Any) -> Result:
        raise ConnectionError("process 1 has ended")

    solo.join(0, 2, fails)
    with pytest.raises(ConnectionError, match="process 1 has ended"):
        solo.run()
    assert solo.step == 0


@pytest.mark.parametrize(
    ("rank", "count", "message"),
    [(0, 3, "count: got 3 processes; needs a divisor of the 4 shards"), (2, 2, "rank: got 2; needs 0 to 1")],
)
def test_processes_that_do_not_fit_are_refused(engine: ModuleType, rank: int, count: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        WIDE.solo(engine).join(rank, count, lambda *given: given)


def test_batch_normalization_is_refused(engine: ModuleType) -> None:
    plan = Job(sizes=(4, 5, 3), parts=({"normalization": "batch"},)).plan(engine)
    plan.shards = 2
    with pytest.raises(ValueError, match=r"^plan: has batch normalization and shards; it can have one of them$"):
        engine.Solo32(plan, *Job().table(), None, 1)


def test_members_of_a_colony_with_shards_have_their_bytes(engine: ModuleType) -> None:
    """Twenty that would fill a pack without shards."""
    jobs = [Job(seed=seed, shards=3) for seed in range(20)]
    table = jobs[0].table()
    colony = engine.Colony32([(job.plan(engine), 0, -1) for job in jobs], [table], 2)
    assert colony.run() == "finished"
    assert colony.packed == 0
    for m, job in enumerate(jobs):
        alone = engine.Solo32(job.plan(engine), *table, None, 1)
        alone.run()
        assert [a.tobytes() for a in colony.parameters(m).values()] == [
            a.tobytes() for a in alone.parameters().values()
        ]
