"""Checkpointing: the state of a run kept in a folder while it trains."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from creche.errors import FileError
from creche.files.atomic import replacing
from creche.files.checkpoint import CheckpointWriter, latest_checkpoint, read_checkpoint
from creche.files.digest import description_of_table
from creche.run import Run

__all__ = ["checkpoints", "identity", "kept_sources"]

SOURCES = ("data", "validation_data", "test_data")
STANDARD_INPUT = "-"  # which has been read by the time a run is taken up


def checkpoints(run: Run, folder: str | Path, every: int, resume: bool, sources: dict[str, Any]) -> CheckpointWriter:
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
    writer = CheckpointWriter(folder, every=every, **identity(run))
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
    with replacing(Path(folder) / "run.json") as file:
        file.write(json.dumps({**bundled, **named}, indent=2).encode() + b"\n")
    if latest is None:
        writer.save(run)  # so that there is something to go on from, however early the run is killed
    return writer


def identity(run: Run) -> dict[str, Any]:
    """What makes a run this run: its plan, the preparation of its table, and the table, described by digests."""
    prepared = run.prepared
    return {
        "plan": run.plan.to_dict(),
        "preparation": prepared.preparation.to_dict(),
        "table": description_of_table(prepared.used_table(), prepared.beside()),
    }


def kept_sources(folder: Path) -> dict[str, str]:
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
