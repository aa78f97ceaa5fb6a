"""Runs that outlive their process: their state is kept in a folder, and taken up again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from creche.again import in_order, prepare_again
from creche.callbacks import OnEpoch
from creche.checkpointing import identity, kept_sources
from creche.engine.machine import resolve_threads
from creche.errors import FileError
from creche.files.checkpoint import CheckpointWriter, check_same_run, latest_checkpoint, read_checkpoint
from creche.plan.custom_loss import LossFunction
from creche.plan.plan import Plan
from creche.recording.record import Record
from creche.recording.recorder import Recorder
from creche.run import Run
from creche.table.preparation import Preparation

__all__ = ["resume"]


def resume(
    folder: str | Path,
    data: Any = None,
    y: Any = None,
    *,
    validation_data: Any = None,
    test_data: Any = None,
    sample_weight: Any = None,
    loss: LossFunction | None = None,
    every: int = 10,
    threads: int | None = None,
    on_epoch: OnEpoch | Sequence[OnEpoch] | None = None,
    on_progress: Callable[[Run], object] | None = None,
    record: Record | Mapping[str, Any] | str | Sequence[str] | bool | None = None,
) -> Run:
    """Goes on with a run from its latest checkpoint; it ends with the same bytes as if it had never stopped.

    Parameters
    ----------
    folder : path
        That was given to `creche.train` as `checkpoint`.
    data, y, validation_data, test_data, sample_weight : optional
        What the run was begun with; files need not be given again where they lie where they lay.
    loss : function, optional
        The loss, if it was a function of your own: a checkpoint does not keep it.
    every : int, default 10
        After how many epochs the next checkpoints are written.
    threads, on_epoch, on_progress, record
        As for `creche.train`. A recording begins at the checkpoint: what an earlier process recorded is lost with it.

    Returns
    -------
    Run

    Raises
    ------
    FileError
        If there is no checkpoint, or the table is not the one the run was begun with.
    PlanError
        If the loss was a function that is not given, or another.

    Examples
    --------
    >>> import tempfile, creche as cr
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     whole = cr.train("penguins", label="species", epochs=9, threads=1)
    ...     _ = cr.train("penguins", label="species", epochs=9, threads=1, checkpoint=folder, every=4)
    ...     again = cr.resume(folder)  # from epoch 8
    >>> again.epoch, bool((again.model.weights[0][0] == whole.model.weights[0][0]).all())
    (9, True)

    """
    kept = Record.of(record)
    latest = latest_checkpoint(folder)
    if latest is None:
        raise FileError(f"{folder}: holds no checkpoint; give the folder that the run was given as checkpoint")
    header, state = read_checkpoint(latest)
    named = kept_sources(Path(folder))
    data = named.get("data") if data is None else data
    if data is None:
        raise FileError(f"{folder}: does not say where the table lies, for it was no file; give it again (--table)")
    plan, preparation = Plan.from_dict(header["plan"]), Preparation.from_dict(header["preparation"])
    plan = plan if loss is None else plan.with_function(loss)
    prepared = prepare_again(
        plan, preparation, in_order(data, preparation, header["table"].get("order", ()), others=True), y,
        validation_data=validation_data if validation_data is not None else named.get("validation_data"),
        test_data=test_data if test_data is not None else named.get("test_data"), sample_weight=sample_weight,
    )  # fmt: skip
    run = Run(plan, prepared, resolve_threads(threads))
    check_same_run(latest, header, **identity(run))
    run.set_state(state)
    if kept is not None:
        run.recorder = Recorder(kept, run)
    writer = CheckpointWriter(folder, every=every, **identity(run))
    return run.resume(on_epoch=on_epoch, on_progress=on_progress, checkpoints=writer)
