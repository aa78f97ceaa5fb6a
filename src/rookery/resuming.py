"""Runs that outlive their process: their state is kept in a folder, and taken up again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rookery.errors import FileError
from rookery.files.atomic import replacing
from rookery.files.checkpoint import CheckpointWriter, check_same_run, latest_checkpoint, read_checkpoint
from rookery.files.digest import digest_of_table
from rookery.plan.plan import Plan
from rookery.table.preparation import Preparation
from rookery.training import Run, carry_out

__all__ = ["checkpoints", "resume"]

SOURCES = ("data", "validation_data", "test_data")


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
    identity = _identity(run)
    writer = CheckpointWriter(folder, every=every, **identity)
    latest = latest_checkpoint(folder)
    if latest is not None:
        if not resume:
            raise FileError(
                f"{folder}: holds checkpoints of this run already; go on from them with resume=True (--resume), or give "
                "another folder"
            )
        run.set_state(read_checkpoint(latest)[1])
    named = {name: str(Path(value).absolute()) for name, value in sources.items() if _is_file(value)}
    named |= {name: str(value) for name, value in sources.items() if isinstance(value, str) and name not in named}
    with replacing(Path(folder) / "run.json") as file:
        file.write(json.dumps(named, indent=2).encode() + b"\n")
    return writer


def resume(
    folder: str | Path,
    data: Any = None,
    y: Any = None,
    *,
    validation_data: Any = None,
    test_data: Any = None,
    sample_weight: Any = None,
    every: int = 10,
    threads: int | None = None,
    on_epoch: Any = None,
    on_progress: Callable[[Run], object] | None = None,
) -> Run:
    """Goes on with a run from its latest checkpoint; it ends with the same bytes as if it had never stopped.

    Parameters
    ----------
    folder : path
        That was given to `rookery.train` as `checkpoint`.
    data, y, validation_data, test_data, sample_weight : optional
        What the run was begun with; files need not be given again where they lie where they lay.
    every : int, default 10
        After how many epochs the next checkpoints are written.
    threads, on_epoch, on_progress
        As for `rookery.train`.

    Returns
    -------
    Run

    Raises
    ------
    FileError
        If there is no checkpoint, or the table is not the one the run was begun with.

    Examples
    --------
    >>> import tempfile, rookery as rk
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     whole = rk.train("penguins", label="species", epochs=9, threads=1)
    ...     _ = rk.train("penguins", label="species", epochs=9, threads=1, checkpoint=folder, every=4)
    ...     again = rk.resume(folder)  # from epoch 8
    >>> again.epoch, bool((again.model.weights[0][0] == whole.model.weights[0][0]).all())
    (9, True)

    """
    latest = latest_checkpoint(folder)
    if latest is None:
        raise FileError(f"{folder}: holds no checkpoint; give the folder that the run was given as checkpoint")
    header, state = read_checkpoint(latest)
    named = _sources(Path(folder))
    data = named.get("data") if data is None else data
    if data is None:
        raise FileError(f"{folder}: does not say where the table lies, for it was no file; give it again")
    run = carry_out(
        Plan.from_dict(header["plan"]), Preparation.from_dict(header["preparation"]), data, y,
        validation_data=validation_data if validation_data is not None else named.get("validation_data"),
        test_data=test_data if test_data is not None else named.get("test_data"),
        sample_weight=sample_weight, threads=threads,
    )  # fmt: skip
    check_same_run(latest, header, **_identity(run))
    run.set_state(state)
    writer = CheckpointWriter(folder, every=every, **_identity(run))
    return run.resume(on_epoch=on_epoch, on_progress=on_progress, checkpoints=writer)


def _identity(run: Run) -> dict[str, Any]:
    prepared = run.prepared
    columns = None if prepared.schema is None else [*prepared.schema.features, *prepared.preparation.beside]
    return {
        "plan": run.plan.to_dict(),
        "preparation": prepared.preparation.to_dict(),
        "table": digest_of_table(prepared.everything.table(columns)),
    }


def _is_file(value: Any) -> bool:
    return isinstance(value, str | Path) and Path(value).is_file()


def _sources(folder: Path) -> dict[str, str]:
    """Where the run's files lie, as far as it is known."""
    try:
        found = json.loads((folder / "run.json").read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if name in SOURCES and isinstance(value, str)}
