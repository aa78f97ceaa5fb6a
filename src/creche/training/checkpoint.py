"""Checkpoints: a run's whole state on disk every few epochs, so that a killed run can be continued to the same bytes.

A folder holds the checkpoints of one run, such as ``epoch-000120.creche-checkpoint``. Each of them holds what
identifies the run: the plan, the preparation of the table, and the table's digest.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from creche._advice import advise
from creche._system.archive import BrokenArchiveError, Content, read_archive, write_archive
from creche._system.atomic_files import (
    check_folder,
    check_writable,
    clear_temporaries,
    file_name,
    open_replacement,
)
from creche._system.output_files import Folder, check_outputs
from creche._system.strict_json import as_json_data
from creche._version import __version__
from creche.databases.address import find_database, is_address
from creche.errors import FileError
from creche.plan.arguments import CHECKPOINT_FILES, arguments_in, check_whole_number
from creche.plan.plan import LOSS, with_kept_weights
from creche.table.checks import warn
from creche.table.datasets import resolve_bundled
from creche.table.digest import compare_tables, describe_table
from creche.training.run import Run

__all__ = [
    "CheckpointWriter",
    "check_inputs_kept",
    "check_same_run",
    "create_writer",
    "describe_run",
    "latest_checkpoint",
    "list_inputs",
    "read_checkpoint",
    "read_memory",
    "read_sources",
    "refuse_differences",
]

NAME = re.compile(r"epoch-([0-9]{6,18})\.creche-checkpoint")


IDENTITY = ("plan", "preparation", "table")
DIFFERENCE_LIMIT = 5
SOURCES = ("data", *arguments_in("held_out"))
# What each of them is, in messages.
INPUTS = {"data": "table", "validation_data": "validation table", "test_data": "test table"}
STANDARD_INPUT = "-"  # which has been read by the time a run is continued


class HasState(Protocol):
    """What checkpoints need of a run."""

    @property
    def epoch(self) -> int:
        """Completed epochs."""
        ...

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the whole state as named arrays."""
        ...


class CheckpointWriter:
    """Writes the state of one run to a folder.

    Parameters
    ----------
    folder : str or path
        Created if it does not exist.
    plan : dict
        `Plan.to_dict` of the run's plan.
    preparation : dict
        `Preparation.to_dict` of the run's preparation.
    table : dict
        `describe_table` of the table.
    every : int, default 10
        Epochs between two checkpoints.
    keep : int, default 2
        How many checkpoints to keep; older ones are removed when the next is safely on disk.

    Raises
    ------
    FileError
        If the folder cannot be written, or holds checkpoints of another run. Nothing is changed then.
    PlanError
        If `every` or `keep` is not a whole number of at least 1.

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
        self.every = check_whole_number("checkpoint_every", every, at_least=1)
        self.keep = check_whole_number("keep", keep, at_least=1)
        self.identity = as_json_data({"plan": plan, "preparation": preparation, "table": table})
        latest = latest_checkpoint(self.folder)
        if latest is not None:
            check_same_run(latest, read_checkpoint(latest)[0], **self.identity)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(
                f"{self.folder}: cannot be created: {error.strerror}; give a folder you may write to",
                argument="checkpoint",
            ) from error
        clear_temporaries(self.folder)

    def next_due(self, epoch: int) -> int:
        """Return the first epoch after this one at whose end a checkpoint is due."""
        return epoch // self.every * self.every + self.every

    def save(self, run: HasState) -> Path:
        """Write the current state, then remove all checkpoints older than the last `keep`.

        Returns
        -------
        Path
            The file that was written.

        Raises
        ------
        FileError
            If it cannot be written; the checkpoints before it stay.

        """
        epoch = run.epoch
        path = self.folder / f"epoch-{epoch:06d}.creche-checkpoint"
        header = {"epoch": epoch, "creche": __version__, **self.identity}
        write_archive(path, "checkpoint", header, run.state())
        for _, older in [item for item in _list_checkpoints(self.folder) if item[0] <= epoch][self.keep :]:
            older.unlink(missing_ok=True)
        return path


def latest_checkpoint(folder: str | os.PathLike[str]) -> Path | None:
    """Return the newest checkpoint in a folder that can be read; a damaged one is skipped with a warning.

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
        If all checkpoints are damaged, or the newest is from a newer Creche.

    """
    folder = Path(file_name(folder))
    if folder.exists() and not folder.is_dir():
        raise FileError(f"{folder}: is not a folder; give checkpoints a folder of their own", argument="checkpoint")
    found = _list_checkpoints(folder)
    for _, path in found:
        try:
            read_checkpoint(path)
        except BrokenArchiveError as error:
            warn(f"{error}. The checkpoint before it is used instead")
        else:
            return path
    if found:
        raise FileError(
            f"{folder}: all {len(found)} checkpoints are damaged; remove them to start again", argument="checkpoint"
        )
    return None


def read_checkpoint(path: str | os.PathLike[str]) -> Content:
    """Return the header and the state in a checkpoint.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    header : dict
        epoch (int), creche (the version that wrote it), plan, preparation and table (dicts).
    state : dict of str to array
        The state, for `Run.set_state`.

    Raises
    ------
    FileError
        If it cannot be read, or is not a checkpoint.

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
        raise BrokenArchiveError(f"{name}: is a checkpoint with an inconsistent header; remove it")
    return {**header, "plan": _as_written_now(header["plan"])}, state


def _as_written_now(plan: dict[str, Any]) -> dict[str, Any]:
    """Return a plan as this version writes it, so that it compares equal with the same plan of today."""
    plan = with_kept_weights(plan)
    stopping = plan.get("early_stopping")
    if not isinstance(stopping, dict):
        return plan
    return {**plan, "early_stopping": {"watch": LOSS, **stopping}}


def check_same_run(
    path: str | os.PathLike[str],
    header: Mapping[str, Any],
    plan: Mapping[str, Any],
    preparation: Mapping[str, Any],
    table: Mapping[str, Any],
) -> None:
    """Raise an error if a checkpoint belongs to another plan, preparation or table.

    Raises
    ------
    FileError
        With what differs.

    """
    here = as_json_data({"plan": plan, "preparation": preparation, "table": table})
    refuse_differences(path, "run", header, here)


def refuse_differences(
    path: str | os.PathLike[str], kind: str, there: Mapping[str, Any], here: Mapping[str, Any]
) -> None:
    """Raise an error if a file belongs to another run or sweep than this one.

    Parameters
    ----------
    path : str or path
        The file.
    kind : str
        "run" or "sweep".
    there, here : dict
        Descriptions of the run or sweep in the file, and of this one; of the table, a digest.

    Raises
    ------
    FileError
        With what differs.

    """
    if all(there[part] == here[part] for part in here):
        return
    different = [f"table: {change}" for change in compare_tables(there["table"], here["table"])]
    for part in here:
        if part != "table":
            different += _list_differences(part, there[part], here[part])
    if not different:
        return
    more = f"; and {len(different) - DIFFERENCE_LIMIT} more" if len(different) > DIFFERENCE_LIMIT else ""
    raise FileError(
        f"{os.fspath(path)}: belongs to another {kind}: {'; '.join(different[:DIFFERENCE_LIMIT])}{more}. "
        f"Train with the same arguments, or give another {'folder' if kind == 'run' else 'file'}",
        argument="checkpoint",
    )


def _list_checkpoints(folder: Path) -> list[tuple[int, Path]]:
    """Return epoch and path of the checkpoints in a folder, the newest first."""
    if not folder.is_dir():
        return []
    try:
        matches = [(NAME.fullmatch(path.name), path) for path in folder.iterdir()]
    except OSError as error:
        raise FileError(
            f"{folder}: cannot be read: {error.strerror}; ask its owner for permission", argument="checkpoint"
        ) from error
    return sorted(((int(match[1]), path) for match, path in matches if match), reverse=True)


def _list_differences(place: str, there: Any, here: Any) -> list[str]:
    if isinstance(there, dict) and isinstance(here, dict):
        out = []
        for key in dict.fromkeys([*there, *here]):
            out += _list_differences(f"{place}.{key}", there.get(key), here.get(key))
        return out
    return [] if there == here else [f"{place} is {_shorten(there)} there and {_shorten(here)} here"]


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def create_writer(
    run: Run, folder: str | Path, every: int, resume: bool, sources: dict[str, Any], memory: int | None = None
) -> CheckpointWriter:
    """Return a writer of a run's checkpoints; with `resume`, the run takes over the latest state in the folder.

    Parameters
    ----------
    run : Run
        Before its first step.
    folder : path
    every : int
        Epochs between two checkpoints.
    resume : bool
        Whether to continue from the latest checkpoint, if there is one.
    sources : dict
        The arguments "data", "validation_data" and "test_data"; names of files are written to the folder, so that
        `creche.resume` can read them again.
    memory : int, optional
        The bytes that the table may take, if it is not held in memory.

    Raises
    ------
    FileError
        If the folder cannot be written, or holds checkpoints of another run, or of this one without `resume`.

    """
    writer = CheckpointWriter(folder, every=every, **describe_run(run))
    latest = latest_checkpoint(folder)
    if latest is not None:
        if not resume:
            raise FileError(
                f"{folder}: holds checkpoints of this run already; continue from them with {advise('resume', True)}, "
                "or "
                "give another folder",
                argument="checkpoint",
            )
        run.set_state(read_checkpoint(latest)[1])
    named = {name: str(Path(value).absolute()) for name, value in sources.items() if _is_file(value)}
    bundled = {name: value for name, value in sources.items() if isinstance(value, str) and value != STANDARD_INPUT}
    databases = {name: find_database(value) for name, value in sources.items()}
    named |= {name: database.address for name, database in databases.items() if database is not None}
    with open_replacement(Path(folder) / "run.json") as file:
        limit = {} if memory is None else {"memory": memory}
        file.write(json.dumps({**bundled, **named, **limit}, indent=2).encode() + b"\n")
    if latest is None:
        writer.save(run)  # so that the run can be continued, however early it is killed
    return writer


def describe_run(run: Run) -> dict[str, Any]:
    """Return what identifies a run: its plan, the preparation of its table, and a digest of the table."""
    prepared = run.prepared
    return {
        "plan": run.plan.to_dict(),
        "preparation": prepared.preparation.to_dict(),
        "table": describe_table(prepared.training_table(), prepared.side_tables()),
    }


def read_sources(folder: Path) -> dict[str, str]:
    """Return the names of the files that a run was started with, as far as they are known."""
    found = _read_run(folder)
    return {name: value for name, value in found.items() if name in SOURCES and isinstance(value, str)}


def read_memory(folder: Path) -> int | None:
    """Return how many bytes the table of a run may take; None if it is held in memory."""
    memory = _read_run(folder).get("memory")
    return memory if isinstance(memory, int) else None


def _read_run(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "run.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_file(value: Any) -> bool:
    return isinstance(value, str | Path) and not is_address(value) and Path(value).exists()


def check_inputs_kept(argument: str, target: Any, sources: Mapping[str, Any]) -> None:
    """Check that a checkpoint will not overwrite a table, before any table is read.

    Parameters
    ----------
    argument : str
        The argument that names the checkpoint.
    target : path or Folder
        The file of a sweep's checkpoint, or the folder of a run's.
    sources : mapping
        The arguments "data", "validation_data" and "test_data".

    Raises
    ------
    PlanError
        If it would.
    FileError
        If it is not a name of a file, or cannot be written.

    """
    file_name(target.path if isinstance(target, Folder) else target)
    check_outputs({argument: target}, {INPUTS[name]: resolve_bundled(value) for name, value in sources.items()})
    if isinstance(target, Folder):
        check_folder(target.path)
    else:
        check_writable(target)


def list_inputs(folder: str | Path) -> dict[str, Any]:
    """Return what is read when a run is continued: the folder's checkpoints, and the tables that it names."""
    named = {INPUTS[name]: resolve_bundled(value) for name, value in read_sources(Path(folder)).items()}
    return {"checkpoint": Folder(folder, CHECKPOINT_FILES), **named}
