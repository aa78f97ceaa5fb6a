"""A history that grows with its run is the one that the run gives as a whole."""

from __future__ import annotations

from typing import Any

import creche as cr
from creche.model.history import COLUMNS, History
from creche.studio.growing_history import ROOM, GrowingHistory
from tests.unit.small_runs import line

PLAN: dict[str, Any] = {
    "hidden": [3], "batch_size": 8, "epochs": 3 * ROOM, "early_stopping": False, "keep": "last", "threads": 1,
}  # fmt: skip


def numbers(history: History) -> dict[str, bytes]:
    return {name: getattr(history, name).tobytes() for name in COLUMNS}


def test_it_is_the_history_of_the_run_at_each_moment_and_stays_so() -> None:
    run = cr.train(*line(60), steps=3, **PLAN)
    growing = GrowingHistory(run)
    read, expected = [], []
    while run.epoch < 3 * ROOM:
        read.append(growing.read())
        expected.append(run.history)
        run.resume(steps=100)
    assert len(read[0]) == 0 < ROOM < len(read[-1])
    assert read[-1].metric == "rmse"
    for history, whole in zip(read, expected, strict=True):
        assert numbers(history) == numbers(whole)


def test_it_can_begin_late_and_reads_nothing_twice() -> None:
    run = cr.train(*line(60), steps=20, **PLAN)
    asked = []

    class Watched:
        epoch = property(lambda self: run.epoch)

        def history_from(self, epoch: int) -> History:
            asked.append(epoch)
            return run.history_from(epoch)

    growing = GrowingHistory(Watched())  # type: ignore[arg-type]
    begun = run.epoch
    growing.read()
    run.resume(epochs=2)
    growing.read()
    assert numbers(growing.read()) == numbers(run.history)
    assert asked == [0, begun]
