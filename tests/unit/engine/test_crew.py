"""A crew that goes on with fewer members: the others continue with the bytes they would have had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from creche.engine import colony, memory_checks
from creche.engine.choice import new_run
from creche.engine.colony import Crew
from creche.engine.crew_member import Seats
from creche.engine.hardware import Hardware
from creche.engine.job import Job
from creche.engine.memory_checks import check_tables
from creche.engine.native import Rows
from creche.engine.run_state import PROGRESS
from creche.engine.turns import RunsInTurn
from creche.errors import PlanError
from creche.plan.network import Network
from creche.plan.plan import EarlyStopping, Plan

RNG = np.random.default_rng(0)
ROWS = Rows(RNG.standard_normal((40, 5)).astype(np.float32), RNG.integers(0, 3, 40).astype(np.int32), None)
OTHERS = Rows(RNG.standard_normal((20, 5)).astype(np.float32), RNG.integers(0, 3, 20).astype(np.int32), None)


def job(seed: int, initializer: str, hidden: tuple[int, ...] = (6, 4), **arguments: Any) -> Job:
    plan = Plan(
        Network.of(5, hidden, 3, initializer=initializer, activation="silu", dropout=0.2), task="classification",
        loss="cross_entropy", epochs=6, batch_size=16, seed=seed, **arguments,
    )  # fmt: skip
    return Job(plan.resolved(40), ROWS, OTHERS)


def jobs() -> list[Job]:
    """Members of packs and members alone, of several kinds."""
    made = [job(seed, "he_normal") for seed in range(9)]
    made += [job(seed, "orthogonal", (8,), optimizer="adamw", schedule="cosine") for seed in range(5)]
    made += [job(3, "lecun_uniform", (7, 7), optimizer="radam", early_stopping=EarlyStopping(patience=2))]
    return made


def bytes_of(crew: Crew, number: int) -> dict[str, bytes]:
    """The state of a member but for the seconds it took."""
    state = dict(crew.state(number))
    progress = state["progress"].copy()
    progress[PROGRESS.index("seconds")] = 0
    del state["history.seconds"]
    return {name: array.tobytes() for name, array in {**state, "progress": progress}.items()}


@pytest.mark.parametrize("stopped", [[0], [1, 2, 3, 9, 10], [14], list(range(14))], ids=str)
def test_the_others_go_on_as_if_nobody_had_stopped(stopped: list[int]) -> None:
    crew, undisturbed = Crew(jobs(), Hardware(2)), Crew(jobs(), Hardware(2))
    for each in (crew, undisturbed):
        each.run(2)
    crew.stop(stopped)
    others = [number for number in range(len(crew)) if number not in stopped]
    for number in range(len(crew)):
        assert bytes_of(crew, number) == bytes_of(undisturbed, number)
    for each in (crew, undisturbed):
        each.run()
    for number in others:
        found, expected = bytes_of(crew, number), bytes_of(undisturbed, number)
        assert found == expected
    assert all(crew.status(number) == "stopped" for number in stopped)


def test_runs_that_take_turns_do_what_a_colony_does() -> None:
    """Also when stopped between epochs, and where early stopping ends one of them."""
    made = jobs()
    turns = RunsInTurn([new_run(job.plan, job.rows, job.validation, Hardware(1)) for job in made])
    crew = Crew(made, Hardware(1))
    assert turns.run(epoch=2) == "running"
    assert [turns.position(number) for number in range(len(made))] == [(2, 0)] * len(made)
    resumed = RunsInTurn([new_run(job.plan, job.rows, job.validation, Hardware(1)) for job in made])
    for number in range(len(made)):
        resumed.set_state(number, turns.state(number))
    assert resumed.run(seconds=0.0) == "running"
    assert resumed.run(poll=lambda: False) == "finished"
    crew.run()
    for number in range(len(made)):
        assert resumed.status(number) == crew.status(number)
        assert resumed.divergence(number) is None
        assert resumed.parameters(number).keys() == crew.parameters(number).keys()
        for name, array in crew.parameters(number).items():
            np.testing.assert_array_equal(resumed.parameters(number)[name], array)
        np.testing.assert_array_equal(resumed.history(number)["train_loss"], crew.history(number)["train_loss"])
    ended = RunsInTurn([new_run(made[-1].plan, ROWS, OTHERS, Hardware(1))])
    ended.set_state(0, resumed.state(len(made) - 1))
    assert ended.status(0) == resumed.status(len(made) - 1)


class Interrupted:
    """A run that is interrupted once, and then finishes."""

    epoch = batch_in_epoch = 0

    def __init__(self) -> None:
        self.statuses = ["interrupted", "finished"]

    def run(self, **limits: Any) -> str:
        return self.statuses.pop(0)

    def release_rows(self) -> None:
        pass


def test_runs_that_take_turns_go_on_after_an_interruption() -> None:
    first, second = Interrupted(), Interrupted()
    turns = RunsInTurn([first, second])
    assert turns.run(poll=lambda: True) == "interrupted"
    assert [turns.status(number) for number in range(2)] == ["running"] * 2
    assert len(second.statuses) == 2  # which has not begun
    assert turns.run() == "interrupted"
    assert [turns.status(number) for number in range(2)] == ["finished", "running"]
    assert turns.run() == "finished"


def test_no_weights_are_drawn_that_a_state_replaces(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[bool] = []
    translate = colony.translate

    def note(engine: Any, plan: Plan, *, draws_weights: bool = True) -> Any:
        drawn.append(draws_weights)
        return translate(engine, plan, draws_weights=draws_weights)

    monkeypatch.setattr(colony, "translate", note)
    crew = Crew([job(seed, "orthogonal") for seed in range(4)], Hardware(1))
    assert set(drawn) == {True}
    crew.run(1)
    drawn.clear()
    crew.stop([0, 1])
    assert set(drawn) == {False}


def test_networks_of_their_own_stay_in_the_engine_until_half_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    created: list[int] = []
    create = Crew._create

    def note(self: Crew, numbers: Sequence[int], **arguments: bool) -> Seats:
        created.append(len(numbers))
        return create(self, numbers, **arguments)

    monkeypatch.setattr(Crew, "_create", note)
    crew = Crew([job(seed, "orthogonal", (8 + seed,)) for seed in range(6)], Hardware(2))
    crew.run(1)
    assert not any(crew._members[number].colony.is_packed(number) for number in range(6))
    engine, place = crew._members[4].colony, crew._members[4].place
    crew.stop([4])
    crew.run(2)
    assert engine.position(place) == (1, 0)  # it learns no further
    crew.stop([0, 5])
    assert created == [6, 3]
    crew.run(3)
    crew.stop([1])
    assert created == [6, 3]
    crew.run()
    assert [crew.status(number) for number in range(6)] == [
        "stopped",
        "stopped",
        "finished",
        "finished",
        "stopped",
        "stopped",
    ]
    assert [crew.epoch(number) for number in range(6)] == [2, 3, 6, 6, 1, 2]


def test_tables_beyond_the_memory_are_refused_in_the_words_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_checks, "available_memory", lambda: 1000)
    with pytest.raises(PlanError, match=r"^folds, repeats: 4 folds need about .* give fewer repeats or folds$"):
        check_tables(ROWS, OTHERS, 4)
    with pytest.raises(PlanError, match=r"^data: 1 fold needs about .* available; fit to fewer rows$"):
        check_tables(ROWS, OTHERS, 1, "data", "fit to fewer rows")
