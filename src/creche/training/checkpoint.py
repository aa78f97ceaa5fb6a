"""Checkpoints: a run's whole state on disk every few epochs, so that a run that was killed goes on to the same bytes.

A folder holds the checkpoints of one run, ``epoch-000120.creche-checkpoint`` and the like. What makes it that run
stands in each of them: the plan, the preparation of the table, and the table's digest.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from creche._system.archive import BrokenArchiveError, Content, read_archive, write_archive
from creche._system.atomic_files import clear_temporaries, file_name, open_replacement
from creche._system.strict_json import as_json_data
from creche._version import __version__
from creche.errors import FileError, PlanError
from creche.table.checks import warn
from creche.table.digest import compare_tables, describe_table
from creche.training.run import Run

__all__ = [
    "CheckpointWriter",
    "check_same_run",
    "create_writer",
    "describe_run",
    "latest_checkpoint",
    "read_checkpoint",
    "read_sources",
    "refuse_differences",
]

NAME = re.compile(r"epoch-([0-9]{6,18})\.creche-checkpoint")


IDENTITY = ("plan", "preparation", "table")


MAX_DIFFERENCES = 5


class HasState(Protocol):
    """A run, as far as checkpoints need one."""

    @property
    def epoch(self) -> int: ...
    def state(self) -> dict[str, NDArray[Any]]: ...


class CheckpointWriter:
    """Keeps the state of one run in a folder.

    Parameters
    ----------
    folder : str or path
        Is made if it is not there.
    plan : dict
        `Plan.to_dict` of the run's plan.
    preparation : dict
        How the table was made into rows: plain data.
    table : dict
        `describe_table` of the table.
    every : int, default 10
        Epochs from one checkpoint to the next.
    keep : int, default 2
        How many to keep; older ones are removed when the next is safely on disk.

    Raises
    ------
    FileError
        If the folder cannot be written, or holds checkpoints of another run: what differs. Nothing is changed then.
    PlanError
        If `every` or `keep` is no whole number of at least 1.

    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        plan: Mapping[str, Any],
        preparation: Mapping[str, Any],
        table: Mapping[str, Any],
        every: int = 10,
        keep: int = 2,
    ) -> None:
        self.folder = Path(file_name(folder))
        self.every = _at_least_one("every", every)
        self.keep = _at_least_one("keep", keep)
        self.identity = as_json_data({"plan": plan, "preparation": preparation, "table": table})
        latest = latest_checkpoint(self.folder)
        if latest is not None:
            check_same_run(latest, read_checkpoint(latest)[0], **self.identity)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(
                f"{self.folder}: cannot be made: {error.strerror}; give a folder you may write to"
            ) from error
        clear_temporaries(self.folder)

    def next_due(self, epoch: int) -> int:
        """The first epoch after this one behind which a checkpoint belongs."""
        return epoch // self.every * self.every + self.every

    def save(self, run: HasState) -> Path:
        """Writes the state as it is now, then removes what is older than the last `keep`.

        Returns
        -------
        Path
            Of the file.

        Raises
        ------
        FileError
            If it cannot be written; the checkpoints that were there are.

        """
        epoch = run.epoch
        path = self.folder / f"epoch-{epoch:06d}.creche-checkpoint"
        header = {"epoch": epoch, "creche": __version__, **self.identity}
        write_archive(path, "checkpoint", header, run.state())
        for _, older in [item for item in _checkpoints(self.folder) if item[0] <= epoch][self.keep :]:
            older.unlink(missing_ok=True)
        return path


def latest_checkpoint(folder: str | os.PathLike[str]) -> Path | None:
    """The newest checkpoint in a folder that can be read whole; a damaged one is passed over with a warning.

    Parameters
    ----------
    folder : str or path

    Returns
    -------
    Path or None
        None if there is no checkpoint, or no folder.

    Raises
    ------
    FileError
        If there are checkpoints and all are damaged, or the newest is from a newer Creche.

    """
    place = Path(file_name(folder))
    if place.exists() and not place.is_dir():
        raise FileError(f"{place}: is no folder; checkpoints need a folder of their own")
    found = _checkpoints(place)
    for _, path in found:
        try:
            read_checkpoint(path)
        except BrokenArchiveError as error:
            warn(f"{error}. The checkpoint before it is taken instead")
        else:
            return path
    if found:
        raise FileError(f"{place}: all {len(found)} checkpoints are damaged; remove them to begin anew")
    return None


def read_checkpoint(path: str | os.PathLike[str]) -> Content:
    """The header and the state in a checkpoint.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    header : dict
        epoch (int), creche (the version that wrote it), plan, preparation and table (dicts).
    state : dict of str to array
        For `Run.set_state`.

    Raises
    ------
    FileError
        If it cannot be read, or is no checkpoint.

    """
    name = file_name(path)
    header, state = read_archive(name, "checkpoint")
    epoch = header.get("epoch")
    fits = (
        set(header) == {"epoch", "creche", *IDENTITY}
        and all(isinstance(header[part], dict) for part in IDENTITY)
        and isinstance(header["creche"], str)
        and isinstance(epoch, int)
        and not isinstance(epoch, bool)
        and 0 <= epoch < 2**31
    )
    if not fits:
        raise BrokenArchiveError(f"{name}: is a checkpoint whose header contradicts itself; remove it")
    return header, state


def check_same_run(
    path: str | os.PathLike[str],
    header: Mapping[str, Any],
    plan: Mapping[str, Any],
    preparation: Mapping[str, Any],
    table: Mapping[str, Any],
) -> None:
    """Refuses a checkpoint of another plan, preparation or table.

    Raises
    ------
    FileError
        That says what differs.

    """
    here = as_json_data({"plan": plan, "preparation": preparation, "table": table})
    refuse_differences(path, "run", header, here)


def refuse_differences(
    path: str | os.PathLike[str], kind: str, there: Mapping[str, Any], here: Mapping[str, Any]
) -> None:
    """Refuses what was kept of another run or sweep than this one: two descriptions, the table's as a digest.

    Raises
    ------
    FileError
        That says what differs.

    """
    if all(there[part] == here[part] for part in here):
        return
    different = [f"table: {change}" for change in compare_tables(there["table"], here["table"])]
    for part in here:
        if part != "table":
            different += _differences(part, there[part], here[part])
    if not different:
        return
    more = f"; and {len(different) - MAX_DIFFERENCES} more" if len(different) > MAX_DIFFERENCES else ""
    raise FileError(
        f"{os.fspath(path)}: belongs to another {kind}: {'; '.join(different[:MAX_DIFFERENCES])}{more}. "
        f"Train with what it says, or give another {'folder' if kind == 'run' else 'file'}"
    )


def _checkpoints(folder: Path) -> list[tuple[int, Path]]:
    """Epoch and path of those in the folder, the newest first."""
    if not folder.is_dir():
        return []
    try:
        matches = [(NAME.fullmatch(path.name), path) for path in folder.iterdir()]
    except OSError as error:
        raise FileError(f"{folder}: cannot be read: {error.strerror}; ask for the right to") from error
    return sorted(((int(match[1]), path) for match, path in matches if match), reverse=True)


def _differences(where: str, there: Any, here: Any) -> list[str]:
    if isinstance(there, dict) and isinstance(here, dict):
        out = []
        for key in dict.fromkeys([*there, *here]):
            out += _differences(f"{where}.{key}", there.get(key), here.get(key))
        return out
    return [] if there == here else [f"{where} is {_brief(there)} there and {_brief(here)} here"]


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _at_least_one(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise PlanError(f"{name}: got {value!r}; needs a whole number of at least 1")
    return int(value)


SOURCES = ("data", "validation_data", "test_data")


STANDARD_INPUT = "-"  # which has been read by the time a run is taken up


def create_writer(run: Run, folder: str | Path, every: int, resume: bool, sources: dict[str, Any]) -> CheckpointWriter:
    """What keeps a run's state in a folder; the run takes up what is there already, if that is wanted.

    Parameters
    ----------
    run : Run
        Not begun.
    folder : path
    every : int
        Epochs between checkpoints.
    resume : bool
    sources : dict of "data", "validation_data", "test_data" to what they are
        File names are kept beside the checkpoints, for `resume`.

    Raises
    ------
    FileError
        If the folder cannot be written, or holds checkpoints, of another run or without `resume`.

    """
    writer = CheckpointWriter(folder, every=every, **describe_run(run))
    latest = latest_checkpoint(folder)
    if latest is not None:
        if not resume:
            raise FileError(
                f"{folder}: holds checkpoints of this run already; go on from them with resume=True (--resume), or "
                "give another folder"
            )
        run.set_state(read_checkpoint(latest)[1])
    named = {name: str(Path(value).absolute()) for name, value in sources.items() if _is_file(value)}
    bundled = {name: value for name, value in sources.items() if isinstance(value, str) and value != STANDARD_INPUT}
    with open_replacement(Path(folder) / "run.json") as file:
        file.write(json.dumps({**bundled, **named}, indent=2).encode() + b"\n")
    if latest is None:
        writer.save(run)  # so that there is something to go on from, however early the run is killed
    return writer


def describe_run(run: Run) -> dict[str, Any]:
    """What makes a run this run: its plan, the preparation of its table, and the table, described by digests."""
    prepared = run.prepared
    return {
        "plan": run.plan.to_dict(),
        "preparation": prepared.preparation.to_dict(),
        "table": describe_table(prepared.training_table(), prepared.side_tables()),
    }


def read_sources(folder: Path) -> dict[str, str]:
    """Where the run's files lie, as far as it is known."""
    try:
        found = json.loads((folder / "run.json").read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if name in SOURCES and isinstance(value, str)}


def _is_file(value: Any) -> bool:
    return isinstance(value, str | Path) and Path(value).is_file()
