"""A colony begun, trained to its end, and several made one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from creche.colony.colony import Colony
from creche.colony.folded import Folded
from creche.colony.halving import Halving, halve
from creche.colony.jobs import Jobs
from creche.colony.keeping import Keeper
from creche.engine.colony import Crew, Job
from creche.engine.native import Rows
from creche.table.prepare import Prepared

__all__ = ["begun", "joined", "train_all"]


def begun(jobs: Jobs, choices: Sequence[Mapping[str, Any]], threads: int) -> Colony:
    """A colony that has not taken a step.

    Parameters
    ----------
    jobs : Jobs
    choices : sequence of dict
        Of each network: the arguments it is given, its seed last. On folds, there is one for each fold.
    threads : int

    Raises
    ------
    PlanError
        If one of the plans cannot be.

    """
    made: list[Job] = []
    members: list[dict[str, Any]] = []
    tables: list[Prepared] = []
    held_out: list[Rows | None] = []
    for split in range(jobs.splits):
        for choice, seeds in _by_choice(choices):  # the seeds of a plan stand together
            plan, _ = jobs.planned(choice, split)
            encoded = jobs.encoded(choice, split)
            for seed in seeds:
                own = jobs.of(seed, encoded)
                made.append(Job(plan.with_seed(seed), own.rows, own.validation))
                members.append({**choice, **encoded.place, "seed": seed})
                tables.append(own.prepared)
                held_out.append(encoded.held_out)
    folded = None
    if jobs.folds is not None:
        first = {name: value for name, value in choices[0].items() if name != "seed"}
        folded = Folded(jobs.folds, jobs.repeats, jobs.test_to_train(first), held_out)
    return Colony(Crew(made, threads), members, tables, folded)


def _by_choice(choices: Sequence[Mapping[str, Any]]) -> Iterator[tuple[dict[str, Any], list[int]]]:
    """Choices without their seed, and the seeds of those that follow each other and are else the same."""
    seeds: list[int] = []
    before: dict[str, Any] = {}
    for member in choices:
        choice = {name: value for name, value in member.items() if name != "seed"}
        # By identity: values may be arrays.
        if seeds and not (choice.keys() == before.keys() and all(choice[name] is before[name] for name in choice)):
            yield before, seeds
            seeds = []
        before = choice
        seeds.append(member["seed"])
    if seeds:
        yield before, seeds


def train_all(
    colony: Colony,
    halving: Halving | None = None,
    on_progress: Callable[[Colony], object] | None = None,
    keeper: Keeper | None = None,
) -> None:
    """Trains a colony to its end; on Ctrl-C it is the exception's `colony`."""
    crew, begin, before = colony.crew, time.monotonic(), colony.seconds

    def report() -> None:
        colony.seconds = before + time.monotonic() - begin
        if keeper is not None:
            keeper.save_if_due()
        if on_progress is not None:
            on_progress(colony)

    look = None if on_progress is None and keeper is None else report
    try:
        if halving is None:
            crew.run(-1, look)
        else:
            halve(crew, halving, _comparable(colony), look)
    except KeyboardInterrupt as interrupt:
        colony.interrupted = True
        interrupt.colony = colony  # type: ignore[attr-defined]
        raise
    finally:
        colony.seconds = before + time.monotonic() - begin
        colony.forget_results()
        if keeper is not None:
            keeper.save()


def joined(colonies: Sequence[Colony], fixed: Mapping[str, Any] = MappingProxyType({})) -> Colony:
    """The members of several colonies as one.

    Parameters
    ----------
    colonies : sequence of Colony
    fixed : dict
        The values of arguments that not all choices name.

    """
    members = [member for colony in colonies for member in colony]
    crew = Crew.joined([colony.crew for colony in colonies])
    names = [name for name in dict.fromkeys(name for member in members for name in member.choice) if name != "seed"]
    choices = [
        {name: member.choice.get(name, fixed.get(name)) for name in names} | {"seed": member.choice["seed"]}
        for member in members
    ]
    one = Colony(crew, choices, [member.prepared for member in members])
    one.seconds = sum(colony.seconds for colony in colonies)
    one.interrupted = any(colony.interrupted for colony in colonies)
    return one


def _comparable(colony: Colony) -> list[int]:
    """A number for each kind of loss."""
    kinds: dict[str, int] = {}
    return [kinds.setdefault(repr(choice.get("loss")), len(kinds)) for choice in colony.choices]
