"""The checkpoint of a sweep: one file with the state of a colony, from which it continues to the same bytes."""

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

from creche._advice import advise
from creche._system.archive import BrokenArchiveError, read_archive, write_archive
from creche._system.atomic_files import file_name
from creche._system.strict_json import as_json_data
from creche.engine.colony import Crew
from creche.engine.crew_member import State, StoredMember
from creche.engine.job import Job, JobColumns
from creche.engine.outcomes import RUNNING, STATUSES
from creche.engine.state_arrays import join_states, split_states
from creche.errors import FileError, PlanError
from creche.model_selection.network_columns import Taken
from creche.scale.array_crew import ArrayCrew
from creche.scale.crew import MOST_STATES
from creche.table.digest import describe_table
from creche.table.prepare import Prepared
from creche.training.checkpoint import refuse_differences

if TYPE_CHECKING:
    from creche.model_selection.colony import Colony
    from creche.model_selection.successive_halving import Halving

__all__ = ["SweepCheckpoint"]

SECONDS_BETWEEN = 60.0
SHARE_OF_TIME = 0.02  # the largest share of the time that writing may take
MAX_VALUES = 8  # of an argument, in the header


class SweepCheckpoint:
    """Writes the state of a colony to a file, once a minute and whenever training ends.

    Parameters
    ----------
    path : file name
    colony : Colony
        A colony before its first step; with `resume`, it is restored from the file.
    halving : Halving, optional
        How the worst networks are stopped; a sweep with another halving is another sweep.
    resume : bool

    Raises
    ------
    FileError
        If the file cannot be read, belongs to another sweep (the message names what differs), or exists although
        `resume` is False.

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
        """Write the file if the last time was long enough ago."""
        start = time.monotonic()
        if start >= self._due:
            self.save()
            elapsed = time.monotonic() - start
            self._due = time.monotonic() + max(SECONDS_BETWEEN, elapsed / SHARE_OF_TIME)

    def save(self) -> None:
        """Write the file, completely or not at all."""
        crew = self._colony.crew
        header = {"seconds": self._colony.seconds, **self._identity}
        if isinstance(crew, ArrayCrew):
            write_archive(self.path, "sweep", header, crew.to_arrays())
            return
        members = range(len(crew))
        divergences = [crew.divergence(n) or (np.nan, np.nan, np.nan) for n in members]
        arrays: dict[str, NDArray[Any]] = {
            "status": np.array([STATUSES.index(crew.status(n)) for n in members], dtype=np.uint8),
            "divergence": np.array(divergences, dtype=np.float64),
            **join_states([crew.begun_state(n) for n in members]),
        }
        write_archive(self.path, "sweep", header, arrays)

    def _read(self, resume: bool) -> None:
        header, arrays = read_archive(self.path, "sweep")
        seconds = header.pop("seconds", None)
        if set(header) != set(self._identity) or not isinstance(seconds, int | float):
            raise BrokenArchiveError(f"{self.path}: holds a sweep with an inconsistent header; remove the file")
        refuse_differences(self.path, "sweep", header, self._identity)
        if not resume:
            raise FileError(
                f"{self.path}: holds this sweep already; continue it with {advise('resume', True)}, or give another "
                "file"
            )
        try:
            _restore(self._colony.crew, arrays)
        except (KeyError, ValueError, IndexError, TypeError) as error:
            raise BrokenArchiveError(
                f"{self.path}: does not hold the states of these networks ({error}); remove the file"
            ) from error
        self._colony.seconds = float(seconds)


def _restore(crew: Crew, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Restore the states of a crew from the arrays of a file."""
    if isinstance(crew, ArrayCrew):
        crew.restore_arrays(arrays)
        return
    status, divergence = arrays["status"], arrays["divergence"]
    if status.shape != (len(crew),) or divergence.shape != (len(crew), 3):
        raise PlanError(f"it has {len(status):,} of {len(crew):,} networks")
    running: dict[int, State] = {}
    ended: dict[int, StoredMember] = {}
    for number, state in enumerate(split_states(arrays, len(crew))):
        name = STATUSES[int(status[number])]
        epoch, batch, rate = divergence[number].tolist()
        if name == RUNNING and not state:
            continue  # it starts from the beginning
        if name == RUNNING:
            running[number] = state
        else:
            ended[number] = StoredMember(name, state, (int(epoch), int(batch), rate) if name == "diverged" else None)
    crew.restore(running, ended)


def _identity(colony: Colony, halving: Halving | None) -> dict[str, Any]:
    """Return everything that distinguishes a sweep from others, as plain data."""
    prepared = _distinct_tables(colony)
    preparations = [p.preparation.to_dict() for p in prepared]
    layout = colony.fold_layout
    folds = {} if layout is None else {"folds": layout.folds, "repeats": layout.repeats}
    return as_json_data(
        {
            "plan": _summarize_plans(colony.crew.jobs),
            "preparation": {**_summarize(preparations), **folds},
            "table": describe_table(prepared[0].training_table(), prepared[0].side_tables()),
            "halving": None if halving is None else asdict(halving),
            "networks": len(colony),
        }
    )


def _distinct_tables(colony: Colony) -> list[Prepared]:
    """Return the prepared tables of all networks, each once; of bootstrap samples only the first of many."""
    members: Sequence[Prepared] = list(colony.prepared) if len(colony) <= MOST_STATES else []
    if isinstance(colony.prepared, Taken) and not members:
        members = colony.prepared.values
    return list({id(prepared): prepared for prepared in members}.values())


def _summarize_plans(jobs: Sequence[Job]) -> dict[str, Any]:
    """Return the entries of all plans; of very many, those of their kinds and of the columns."""
    if not isinstance(jobs, JobColumns) or len(jobs) <= MOST_STATES:
        return _summarize([job.plan.to_dict() for job in jobs])
    plans = _summarize([job.plan.to_dict() for job in jobs.bases])
    columns = {"seed": jobs.seeds, **{f"optimizer.{name}": column for name, column in jobs.numbers.items()}}
    told = {
        name: {"values": np.unique(column)[:MAX_VALUES].tolist(), "digest": _digest(column)}
        for name, column in columns.items()
    }
    return {**plans, **told, "kinds": _digest(jobs.base)}


def _digest(column: NDArray[Any]) -> str:
    return hashlib.sha256(column.tobytes()).hexdigest()[:32]


def _summarize(plans: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the entries of all plans: the common value, or a few of several values and a digest of all."""
    flat = [_flatten(plan) for plan in plans]
    columns = {}
    for name in dict.fromkeys(name for plan in flat for name in plan):
        values = [plan.get(name) for plan in flat]
        distinct = list({json.dumps(value): value for value in values}.values())
        if len(distinct) == 1:
            columns[name] = distinct[0]
        else:
            digest = hashlib.sha256(json.dumps(values).encode()).hexdigest()[:32]
            columns[name] = {"values": distinct[:MAX_VALUES], "digest": digest}
    return columns


def _flatten(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in data.items():
        flat |= _flatten(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat
