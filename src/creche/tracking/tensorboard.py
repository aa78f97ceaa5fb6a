"""Losses and metrics of each epoch for TensorBoard, which draws them while a network trains."""

from __future__ import annotations

import os
import threading
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from creche._system.atomic_files import check_folder, file_name
from creche._system.output_files import EVENT_FILES
from creche.plan.arguments import check_whole_number, reject_unknown
from creche.table.checks import warn
from creche.tracking.event_file import EventFile, encode_histogram, encode_scalar, encode_session
from creche.tracking.hyperparameters import list_hyperparameters

if TYPE_CHECKING:
    from creche.training.callbacks import EpochRecord
    from creche.training.run import Run

__all__ = ["TensorBoard"]


class TensorBoard:
    """Writes losses, metrics and the learning rate of each epoch to an event file of TensorBoard.

    It is given to `creche.train`, `creche.cross_validate` or an estimator as `on_epoch`, and needs no other package;
    ``tensorboard --logdir runs`` shows all folders in `runs`, while they grow. The page "HParams" compares them by the
    arguments of their networks.

    Parameters
    ----------
    folder : str or path
        Where the event files are written. It is made if it is missing. If it holds events of another run, the run gets
        a folder of its own next to it: after ``runs/first``, ``runs/first-2``; so does each network of a
        cross-validation, and of a search over estimators. A run that is continued, also from a checkpoint, goes on
        where it was.
    histogram_every : int, optional
        After how many epochs the distributions of all weights are written; by default never.

    Attributes
    ----------
    folders : list of Path
        The folders written to so far, in the order of the runs.

    Notes
    -----
    The number of a step is that of the epoch, from 1. Each epoch is one record that is appended whole, so that the file
    of a run that is interrupted, or killed, is readable. If a record cannot be written, a warning tells, and training
    continues.

    Examples
    --------
    >>> import tempfile
    >>> import creche as cr
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tracker = cr.tracking.TensorBoard(f"{folder}/first")
    ...     for seed in range(2):
    ...         run = cr.train("penguins", label="species", epochs=5, seed=seed, on_epoch=tracker, threads=1)
    >>> [path.name for path in tracker.folders]
    ['first', 'first-2']

    """

    @reject_unknown
    def __init__(self, folder: str | os.PathLike[str], *, histogram_every: int | None = None) -> None:
        check_folder(folder)
        self._folder = Path(file_name(folder))
        if histogram_every is not None:
            check_whole_number("histogram_every", histogram_every, at_least=1)
        self._histogram_every = histogram_every
        self._start_afresh()

    def _start_afresh(self) -> None:
        self.folders: list[Path] = []
        self._files: WeakKeyDictionary[Run, EventFile] = WeakKeyDictionary()
        self._latest: EventFile | None = None
        self._has_failed = False
        self._lock = threading.Lock()

    def __call__(self, record: EpochRecord) -> None:
        """Write the results of an epoch.

        Parameters
        ----------
        record : EpochRecord

        """
        if self._has_failed:
            return
        try:
            with self._lock:
                file = self._files.get(record.run)
                if file is None:
                    file = self._files[record.run] = self._latest = self._open(record)
            if record.epoch <= file.last_step:
                file.restart(record.epoch)
            file.write(record.epoch, self._encode(record))
        except OSError as error:
            self._has_failed = True
            warn(
                f"{error.filename or self._folder}: cannot be written: {error.strerror}. Training continues; nothing "
                f"more is written for TensorBoard"
            )

    def _open(self, record: EpochRecord) -> EventFile:
        """Return the file for a run that was not seen before."""
        if record.epoch == 1:
            return self._begin(record.run)
        latest = self._latest
        if latest is not None and latest.last_step == record.epoch - 1:  # another object continues its training
            return latest
        folder = self.folders[-1] if self.folders else self._folder
        folder.mkdir(parents=True, exist_ok=True)
        file = _create_next(folder)
        file.restart(record.epoch)
        self._note(folder)
        return file

    def _begin(self, run: Run) -> EventFile:
        """Create the first file of a folder without events; of several processes that do so at once, each has one."""
        for number in count(2):
            folder = self._folder if number == 2 else self._folder.with_name(f"{self._folder.name}-{number - 1}")
            folder.mkdir(parents=True, exist_ok=True)
            if any(True for pattern in EVENT_FILES for _ in folder.glob(pattern)):
                continue
            try:
                file = EventFile.create(folder, 1)
            except FileExistsError:
                continue
            file.write(0, [encode_session(list_hyperparameters(run.plan, run.prepared.preparation))])
            self._note(folder)
            return file
        raise AssertionError

    def _note(self, folder: Path) -> None:
        if folder not in self.folders:
            self.folders.append(folder)

    def _encode(self, record: EpochRecord) -> list[bytes]:
        numbers = {"loss/train": record.train_loss, f"{record.metric}/train": record.train_metric}
        if record.run.validation is not None:
            numbers["loss/validation"] = record.validation_loss
            numbers[f"{record.metric}/validation"] = record.validation_metric
        numbers |= {"learning_rate": record.learning_rate, "seconds_per_epoch": record.seconds}
        values = [encode_scalar(tag, number) for tag, number in numbers.items()]
        every = self._histogram_every
        if every is not None and record.epoch % every == 0:
            parameters = record.run.parameters
            values += [encode_histogram(_name_parameter(name), parameters[name]) for name in parameters]
        return values

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self._folder, "histogram_every": self._histogram_every}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._folder, self._histogram_every = state["folder"], state["histogram_every"]
        self._start_afresh()

    def __repr__(self) -> str:
        every = "" if self._histogram_every is None else f", histogram_every={self._histogram_every}"
        return f"TensorBoard({str(self._folder)!r}{every})"


def _create_next(folder: Path) -> EventFile:
    """Create a file behind those of a folder."""
    for number in count(1):
        try:
            return EventFile.create(folder, number)
        except FileExistsError:
            continue
    raise AssertionError


def _name_parameter(name: str) -> str:
    """Return the tag of an array of parameters: "layer 1/weights" for 0.weights."""
    layer, _, rest = name.partition(".")
    return f"layer {int(layer) + 1}/{rest}" if layer.isdigit() else f"{layer}/{rest}"
