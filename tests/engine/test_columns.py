"""Members given as columns are those given one by one, and their outcomes say what each member says itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.engine.small_plans import Job, digest

PENGUIN = Job(rows=120, epochs=5, validation=40, optimizer={"kind": "sgd", "learning_rate": 0.05})
STATUSES = ("running", "finished", "early_stopped", None, "diverged")


class Member:
    def __init__(self, colony: Any, number: int) -> None:
        self.colony, self.number = colony, number

    def state(self) -> Any:
        return self.colony.state(self.number)


def numbers(*values: float) -> Any:
    return np.array(values, dtype=np.float64)


def columns(engine: Any, jobs: list[Job], members: list[tuple[int, int]], **changed: Any) -> dict[str, Any]:
    """Arguments for members by the number of their job and their seed, all on the tables of the first job."""
    given = {
        "plans": [job.plan(engine) for job in jobs],
        "plan": np.array([job for job, _ in members], dtype=np.int32),
        "seed": np.array([seed for _, seed in members], dtype=np.uint64),
        "numbers": {},
        "train": np.zeros(len(members), dtype=np.int32),
        "validation": np.ones(len(members), dtype=np.int32),
        "tables": [jobs[0].table(), jobs[0].table(40, stream=1)],
    }
    return {**given, **changed}


def test_columns_are_members_one_by_one(engine: Any) -> None:
    jobs = [PENGUIN, replace(PENGUIN, epochs=3, early_stopping={"patience": 1, "restore_best": True})]
    members = [(n % 2, n // 2) for n in range(24)]
    rates = np.where(np.arange(24) % 3 == 0, np.nan, 10.0 ** -(np.arange(24) % 4))
    given = columns(engine, jobs, members, numbers={"learning_rate": rates, "momentum": np.full(24, np.nan)})
    colony = engine.Colony32.of_columns(**given, threads=2)
    specs = []
    for (job, seed), rate in zip(members, rates.tolist(), strict=True):
        optimizer = {**PENGUIN.optimizer, **({} if np.isnan(rate) else {"learning_rate": rate})}
        specs.append((replace(jobs[job], seed=seed, optimizer=optimizer).plan(engine), 0, 1))
    one_by_one = engine.Colony32(specs, given["tables"], 1)
    assert colony.run() == one_by_one.run() == "finished"
    for number in range(24):
        assert digest(Member(colony, number)) == digest(Member(one_by_one, number))


def test_outcomes_say_what_each_member_says(engine: Any) -> None:
    stopping = {"patience": 2, "restore_best": True}
    jobs = [PENGUIN, replace(PENGUIN, epochs=9, early_stopping=stopping)]
    rates = numbers(*[0.05] * 6, 1e30, 1e30, *[2.0] * 4)
    given = columns(engine, jobs, [(n % 2, n) for n in range(12)], numbers={"learning_rate": rates})
    colony = engine.Colony32.of_columns(**given)
    for epoch in (0, 2, -1):  # before the first step, in between and at the end
        colony.run(epoch=epoch)
        outcomes = colony.outcomes()
        for number in range(12):
            status, history = colony.status(number), colony.history(number)
            done = len(history["train_loss"])
            ended_well = status in ("finished", "early_stopped")
            kept = int(np.argmin(history["validation_loss"])) + 1 if number % 2 and ended_well else done
            assert STATUSES[outcomes["status"][number]] == status
            assert (outcomes["epoch"][number], outcomes["kept_epoch"][number]) == (done, kept)
            for name in ("train_loss", "train_metric", "validation_loss", "validation_metric"):
                expected = history[name][kept - 1] if kept else np.nan
                np.testing.assert_equal(outcomes[name][number], expected)
            expected = colony.divergence(number) or (np.nan,) * 3
            np.testing.assert_equal(outcomes["divergence"][number], expected)
    assert {colony.status(number) for number in range(12)} >= {"finished", "diverged"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seed": np.zeros(1, np.uint64)}, "seed: has 1 entries; there are 2 members"),
        ({"train": np.full(2, 7, np.int32)}, "training: got table 7; there are tables 0 to 1"),
        ({"plan": np.array([0, 3], np.int32)}, "plan: member 1 has plan 3; there are 1"),
        ({"numbers": {"epochs": np.zeros(2)}}, "numbers: got 'epochs'; an optimizer has no such number"),
        ({"plan": np.zeros(0, np.int32)}, "a colony needs at least one"),
    ],
)
def test_columns_that_do_not_fit_are_refused(engine: Any, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        engine.Colony32.of_columns(**columns(engine, [PENGUIN], [(0, 0), (0, 1)], **changed))
