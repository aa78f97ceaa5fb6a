"""Encoding a table once, into a folder from which any number of networks are trained without reading it again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from creche._phrases import format_count
from creche._system.disk_space import explain_write_error, format_size
from creche._system.output_files import check_ending
from creche._system.owned_folders import OWNER, claim_folder
from creche.databases.address import is_address
from creche.errors import FileError, PlanError
from creche.plan.arguments import ARGUMENTS, OF_LABEL, arguments_in, reject_unknown
from creche.plan.memory_size import parse_memory
from creche.plan.row_order import Windows
from creche.plan.words import (
    ClassWeighting,
    Duplicates,
    LossName,
    MissingLabel,
    PreprocessingName,
    Role,
    Task,
)
from creche.table.block_encoding import EncodingProgress
from creche.table.disk_columns import DiskColumns
from creche.table.disk_encoding import encode_to_disk
from creche.table.encoders.preprocessing import Preprocessing
from creche.table.on_disk import is_on_disk, open_on_disk, read_to_disk, write_about
from creche.table.prepare import prepare
from creche.table.reading.options import ReadOptions
from creche.table.reading.reading_record import ReadingRecord
from creche.table.reading.table_parts import are_parts, find_parts
from creche.table.table import Table
from creche.training.arguments import TrainArguments, default_loss, resolve_loss, resolve_preparation
from creche.training.large_tables import left_out_columns

__all__ = ["EncodedTable", "encode"]

# At the end of the name of a folder that is not complete yet.
UNFINISHED = ".unfinished"

# The arguments that `creche.train` takes over from the table, as plain data.
REMEMBERED = dict.fromkeys((*arguments_in("preparation"), *OF_LABEL, "seed"))


@dataclass(frozen=True, slots=True)
class EncodedTable:
    """A table that `creche.encode` wrote.

    Attributes
    ----------
    path : Path
        The folder, which `creche.train` takes as its data.
    rows, columns : int
        Those of the table.
    training_rows, validation_rows : int
        Encoded rows.
    inputs : int
        Inputs of the network.
    size : int
        Bytes of the folder.
    seconds : float
        How long it took.

    """

    path: Path
    rows: int
    columns: int
    training_rows: int
    validation_rows: int
    inputs: int
    size: int
    seconds: float

    def __str__(self) -> str:
        rate = self.rows / self.seconds if self.seconds else 0.0
        return (
            f"{self.path}: {format_count(self.rows, 'row')} of {format_count(self.columns, 'column')}, encoded as "
            f"{self.training_rows:,} training rows and {self.validation_rows:,} validation rows with "
            f"{format_count(self.inputs, 'input')}; {format_size(self.size)}, in {self.seconds:.1f} s "
            f"({rate:,.0f} rows/s)"
        )


@reject_unknown
def encode(
    data: Any,
    to: str | Path,
    *,
    label: str | Sequence[str],
    task: Task | None = None,
    loss: LossName | None = None,
    seed: int = 0,
    shuffle: bool = True,
    schema: Mapping[str, Role] | None = None,
    preprocessing: Preprocessing | Mapping[str, Any] | PreprocessingName | None = None,
    validation_fraction: float = 0.3,
    test_fraction: float = 0.0,
    stratify: bool = True,
    group: str | None = None,
    time: str | None = None,
    split_column: str | None = None,
    split_seed: int | None = None,
    duplicates: Duplicates = "warn",
    missing_label: MissingLabel = "error",
    sample_weight: str | None = None,
    class_weight: Mapping[Any, float] | ClassWeighting | None = None,
    classes: Sequence[Any] | Mapping[Any, str] | None = None,
    read_options: ReadOptions | Mapping[str, Any] | None = None,
    memory: str | int | None = None,
    on_progress: Callable[[EncodingProgress], object] | None = None,
) -> EncodedTable:
    """Read a table of any size and encode its rows into a folder, for `creche.train` and all that trains.

    ``creche.train(folder)`` trains with the arguments given here, unless others are given to it: with another
    preprocessing, for example, it encodes the rows anew. An encoding that was stopped, or whose process was killed,
    goes on from there when it is called again.

    Parameters
    ----------
    data : file name, DataFrame or several files
        As for `creche.train`.
    to : path
        The folder, which must not exist yet.
    label : str or sequence of str
        The column to predict, or several.
    task, loss, seed, schema, preprocessing, validation_fraction, test_fraction, stratify, group, time : optional
        As for `creche.train`.
    split_column, split_seed, duplicates, missing_label, sample_weight, class_weight, classes, read_options : optional
        As for `creche.train`.
    shuffle : bool, default True
        Whether the training rows are put in a random order, once, by their hashes with the seed. Rows that are split by
        time stay in their order.
    memory : str or int, optional
        How much memory it may take, such as "8GB".
    on_progress : callable, optional
        Called with an `EncodingProgress` now and then.

    Returns
    -------
    EncodedTable

    Raises
    ------
    FileError
        If a file cannot be read or written, or the folder exists, or another process is writing it.
    TableError
        If the table cannot be trained on.
    PlanError
        If an argument is invalid, or the memory is too little.

    Examples
    --------
    >>> import tempfile, creche as cr
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     encoded = cr.encode("penguins", f"{folder}/penguins.rows", label="species")
    ...     run = cr.train(encoded.path, epochs=3, threads=1)
    >>> encoded.training_rows, run.plan.shuffle
    (241, Windows())

    """
    given = {name: value for name, value in locals().items() if name in ARGUMENTS and name != "data"}
    began = monotonic()
    target = Path(to).expanduser()
    check_ending(target, "folder of encoded rows", ".rows")
    if target.exists():
        raise FileError(f"{target}: exists already; remove it, or name another folder")
    arguments = TrainArguments.complete(data, {**given, "shuffle": Windows() if shuffle else False})
    preparation = resolve_preparation(arguments)
    unfinished = target.with_name(target.name + UNFINISHED)
    limit = None if memory is None else parse_memory(memory)
    record = _record_of(data, unfinished, arguments, preparation.read_options)
    with _claimed(unfinished):
        table = _read(data, unfinished, arguments, preparation.read_options, limit, on_progress, record)
        prepared = prepare(
            table, None, preparation, task=arguments.chosen_task, loss=resolve_loss(arguments), seed=arguments.seed
        )
        training, validation = encode_to_disk(
            prepared, resolve_loss(arguments) or default_loss(prepared.task), limit, on_progress
        )
        write_about(unfinished, {"library": table.library, "arguments": _remember(given, preparation.preprocessing)})
        with explain_write_error(unfinished):
            (unfinished / OWNER).unlink(missing_ok=True)
            os.replace(unfinished, target)
    size = sum(file.stat().st_size for file in target.iterdir())
    return EncodedTable(
        target, len(table), len(table.names), len(training), 0 if validation is None else len(validation),
        prepared.features.width, size, monotonic() - began,
    )  # fmt: skip


@contextmanager
def _claimed(unfinished: Path) -> Iterator[None]:
    """Make the unfinished folder, and keep other processes out of it."""
    with ExitStack() as claim:
        with explain_write_error(unfinished):
            unfinished.mkdir(parents=True, exist_ok=True)
            try:
                claim.enter_context(claim_folder(unfinished))
            except BlockingIOError as error:
                raise FileError(
                    f"{unfinished}: another process is writing it; wait for its end, or name another folder"
                ) from error
        yield


def _record_of(data: Any, unfinished: Path, arguments: TrainArguments, options: ReadOptions) -> ReadingRecord | None:
    """Return the record of reading the table; None if it is in no files."""
    if is_on_disk(data):
        raise FileError(f"{data}: is encoded already; name the file of the table")
    is_file = (isinstance(data, str | Path) and str(data) != "-" and not is_address(data)) or are_parts(data)
    if not is_file:
        return None
    return ReadingRecord(unfinished, find_parts(data), options, left_out_columns(arguments.schema))


def _read(
    data: Any,
    unfinished: Path,
    arguments: TrainArguments,
    options: ReadOptions,
    memory: int | None,
    on_progress: Callable[[EncodingProgress], object] | None,
    record: ReadingRecord | None,
) -> Table:
    """Read the table into the unfinished folder, from where an earlier call has come to."""
    if record is not None and record.is_complete():
        for left in unfinished.glob("buckets-*"):
            shutil.rmtree(left, ignore_errors=True)
        return open_on_disk(unfinished)
    began = monotonic()

    def report(rows: int, size: int) -> None:
        if on_progress is not None:
            on_progress(EncodingProgress("reading", rows, 0, monotonic() - began, size, 0.0))

    table = read_to_disk(
        data, options=options, memory=memory, left_out=left_out_columns(arguments.schema), to=unfinished,
        on_rows=report, record=record,
    )  # fmt: skip
    assert isinstance(table.columns, DiskColumns)
    write_about(unfinished, {"library": table.library})
    table.columns.save()  # last: the index tells that all columns are complete
    if record is not None:
        record.remove()
    return table


def _remember(given: Mapping[str, Any], preprocessing: Preprocessing) -> dict[str, Any]:
    """Return those of the arguments that `creche.train` is to take over, as plain data."""
    kept = {name: given[name] for name in REMEMBERED if given.get(name) is not None and name != "read_options"}
    if given.get("preprocessing") is not None:
        kept["preprocessing"] = preprocessing.to_dict()
    for name, value in kept.items():
        if isinstance(value, Mapping) and not all(isinstance(key, str) for key in value):
            raise PlanError(
                f"{name}: got {value!r}; a folder of encoded rows remembers words only: leave it out, and give it when "
                "training",
                argument=name,
            )
    if "schema" in kept:
        kept["schema"] = dict(kept["schema"])
    return {name: _as_plain(value) for name, value in kept.items()}


def _as_plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    return [_as_plain(each) for each in value] if isinstance(value, list | tuple) else value
