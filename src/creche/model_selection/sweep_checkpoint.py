"""Keeping: the state of a whole colony in one file, from which a sweep that was stopped goes on to the same bytes."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche._system.archive import BrokenArchiveError, read_archive, write_archive
from creche._system.atomic_files import file_name
from creche._system.strict_json import as_json_data
from creche.engine.colony import RUNNING, STATUSES, Crew, EndedMember, State
from creche.errors import FileError, PlanError
from creche.table.digest import describe_table
from creche.training.checkpoint import refuse_differences

if TYPE_CHECKING:
    from creche.model_selection.colony import Colony
    from creche.model_selection.successive_halving import Halving

__all__ = ["SweepCheckpoint"]

SECONDS_BETWEEN = 60.0


SHARE_OF_TIME = 0.02  # that may go into writing


VALUES_SHOWN = 8


MOST_DIMENSIONS = 2


class SweepCheckpoint:
    """Keeps the state of a colony in a file, once a minute and when training ends in whichever way.

    Parameters
    ----------
    path : file name
    colony : Colony
        Not begun; takes up what the file holds, if `resume` says so.
    halving : Halving, optional
        How the worst are stopped, which is a part of what the sweep is.
    resume : bool

    Raises
    ------
    FileError
        If the file cannot be read, or is of another sweep (what differs), or is there and `resume` is False.

    """

    def __init__(self, path: str | os.PathLike[str], colony: Colony, halving: Halving | None, resume: bool) -> None:
        self.path = Path(file_name(path))
        self._colony = colony
        self._identity = _identity(colony, halving)
        self._due = time.monotonic() + SECONDS_BETWEEN
        if not self.path.absolute().parent.is_dir():
            raise FileError(f"{self.path}: there is no folder {self.path.absolute().parent}; make it first")
        if self.path.exists():
            self._read(resume)

    def save_if_due(self) -> None:
        """Writes the file where the last time is long enough ago."""
        begin = time.monotonic()
        if begin >= self._due:
            self.save()
            spent = time.monotonic() - begin
            self._due = time.monotonic() + max(SECONDS_BETWEEN, spent / SHARE_OF_TIME)

    def save(self) -> None:
        """Writes the file, whole or not at all."""
        crew = self._colony.crew
        members = range(len(crew))
        divergences = [crew.divergence(n) or (np.nan, np.nan, np.nan) for n in members]
        arrays: dict[str, NDArray[Any]] = {
            "status": np.array([STATUSES.index(crew.status(n)) for n in members], dtype=np.uint8),
            "divergence": np.array(divergences, dtype=np.float64),
            **_joined([crew.state(n) for n in members]),
        }
        write_archive(self.path, "sweep", {"seconds": self._colony.seconds, **self._identity}, arrays)

    def _read(self, resume: bool) -> None:
        header, arrays = read_archive(self.path, "sweep")
        seconds = header.pop("seconds", None)
        if set(header) != set(self._identity) or not isinstance(seconds, int | float):
            raise BrokenArchiveError(f"{self.path}: holds a sweep whose header contradicts itself; remove it")
        refuse_differences(self.path, "sweep", header, self._identity)
        if not resume:
            raise FileError(
                f"{self.path}: holds this sweep already; go on from it with resume=True (--resume), or give another "
                "file"
            )
        try:
            _take_up(self._colony.crew, arrays)
        except (KeyError, ValueError, IndexError, TypeError) as error:
            raise BrokenArchiveError(f"{self.path}: holds no states of such networks ({error}); remove it") from error
        self._colony.seconds = float(seconds)


def _take_up(crew: Crew, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Brings a crew to where the arrays of a file say it was."""
    status, divergence = arrays["status"], arrays["divergence"]
    if status.shape != (len(crew),) or divergence.shape != (len(crew), 3):
        raise PlanError(f"it has {len(status):,} of {len(crew):,} networks")
    running: dict[int, State] = {}
    ended: dict[int, EndedMember] = {}
    for number, state in enumerate(_apart(arrays, len(crew))):
        name = STATUSES[int(status[number])]
        epoch, batch, rate = divergence[number].tolist()
        if name == RUNNING:
            running[number] = state
        else:
            ended[number] = EndedMember(name, state, (int(epoch), int(batch), rate) if name == "diverged" else None)
    crew.restore(running, ended)


def _identity(colony: Colony, halving: Halving | None) -> dict[str, Any]:
    """What makes a sweep this sweep, as plain data."""
    prepared = list({id(member.prepared): member.prepared for member in colony}.values())
    preparations = [p.preparation.to_dict() for p in prepared]
    folded = colony.folded
    deals = {} if folded is None else {"folds": folded.folds, "repeats": folded.repeats}
    return as_json_data(
        {
            "plan": _columns([job.plan.to_dict() for job in colony.crew.jobs]),
            "preparation": {**_columns(preparations), **deals},
            "table": describe_table(prepared[0].training_table(), prepared[0].side_tables()),
            "halving": None if halving is None else asdict(halving),
            "networks": len(colony),
        }
    )


def _columns(plans: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """All plans in brief: of each entry the value, or, where not all have the same, some values and a digest of all."""
    flat = [_flat(plan) for plan in plans]
    columns = {}
    for name in dict.fromkeys(name for plan in flat for name in plan):
        values = [plan.get(name) for plan in flat]
        distinct = list({json.dumps(value): value for value in values}.values())
        if len(distinct) == 1:
            columns[name] = distinct[0]
        else:
            digest = hashlib.sha256(json.dumps(values).encode()).hexdigest()[:32]
            columns[name] = {"values": distinct[:VALUES_SHOWN], "digest": digest}
    return columns


def _flat(data: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in data.items():
        out |= _flat(value, f"{before}{name}.") if isinstance(value, Mapping) else {f"{before}{name}": value}
    return out


def _joined(states: Sequence[State]) -> dict[str, NDArray[Any]]:
    """The arrays of all states, those of one name behind each other, so that a file has few of them."""
    out: dict[str, NDArray[Any]] = {}
    for name in dict.fromkeys(name for state in states for name in state):
        shapes = np.full((len(states), MOST_DIMENSIONS), -1, dtype=np.int64)
        for i, state in enumerate(states):
            if name in state:
                shapes[i, : state[name].ndim] = state[name].shape
        out[f"shapes.{name}"] = shapes
        out[f"values.{name}"] = np.concatenate([state[name].reshape(-1) for state in states if name in state])
    return out


def _apart(arrays: Mapping[str, NDArray[Any]], count: int) -> list[State]:
    """The states that were `_joined`."""
    states: list[State] = [{} for _ in range(count)]
    for key, shapes in arrays.items():
        if not key.startswith("shapes."):
            continue
        name = key.removeprefix("shapes.")
        values, begin = arrays[f"values.{name}"], 0
        for state, lengths in zip(states, shapes.tolist(), strict=True):
            if lengths[0] < 0:
                continue
            shape = [length for length in lengths if length >= 0]
            end = begin + int(np.prod(shape, dtype=object))
            state[name] = values[begin:end].reshape(shape)
            begin = end
        if begin != len(values):
            raise PlanError(f"{name} has {len(values):,} numbers, not {begin:,}")
    return states
