"""Predictions for a file of any size: rows are read, predicted and written a batch at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from creche._system.output_files import check_outputs
from creche.databases.address import FILES, Database, find_database
from creche.errors import PlanError, TableError, nearest
from creche.model.data_check import DataCheck, DataChecker
from creche.model.ensemble import Ensemble
from creche.model.predictor import Predictor
from creche.model.thresholds import GivenThreshold, check_threshold, class_threshold
from creche.plan.arguments import reject_unknown
from creche.plan.words import TABLE_EXISTS, TableExists, check_word
from creche.table.checks import warn
from creche.table.datasets import resolve_bundled
from creche.table.reading.options import OutputFormat, ReadOptions
from creche.table.reading.read import ReadBatch, read_batches
from creche.table.table import Column, Table

if TYPE_CHECKING:
    import polars as pl

    from creche.scale.cluster import ClusterChoice
    from creche.table.write import TableWriter
    from creche.table.write_database import DatabaseWriter
    from creche.table.write_object import ObjectWriter

__all__ = ["FilePrediction", "predict_file", "predict_table"]

ROWS_AT_A_TIME = 65_536


@dataclass(frozen=True, slots=True)
class FilePrediction:
    """The outcome of `predict_file`.

    Attributes
    ----------
    rows : int
        The number of rows predicted.
    ignored : tuple of str
        Columns that the model does not use.
    check : DataCheck
        How the rows differ from the training rows.

    """

    rows: int
    ignored: tuple[str, ...]
    check: DataCheck


def predict_table(model: Predictor, table: Table, threshold: GivenThreshold | None = None) -> Table:
    """Predict a table's rows, as columns.

    For classes ``predicted_<label>`` and one ``probability_<class>`` each, for several labels of yes or no
    ``predicted_<label>`` and ``probability_<label>`` each, for numbers ``predicted_<label>``, and for quantiles
    ``predicted_<label>_q0.05``; for an ensemble also ``disagreement`` (`Ensemble.disagreement`).

    Parameters
    ----------
    model : Model or Ensemble
    table : Table
    threshold : float, optional
        For two classes: predict the second at or above this probability; by default, the model's own.

    """
    from creche.evaluation.metrics import predict_classes

    labels = model.labels
    if labels.task == "regression":
        numbers = model.predict(table).reshape(len(table), -1)
        columns = {f"predicted_{name}": Column("number", numbers[:, i]) for i, name in enumerate(labels.outcomes)}
        return Table({**columns, **_disagreement(model, table)}, table.source, table.first_row)
    probabilities = model.predict_proba(table)
    if labels.classes is None:
        answers = model.answers(probabilities, threshold)
        columns = {f"predicted_{n}": Column("boolean", answers[:, i].astype(float)) for i, n in enumerate(labels.names)}
        columns |= {f"probability_{n}": Column("number", probabilities[:, i]) for i, n in enumerate(labels.names)}
        return Table({**columns, **_disagreement(model, table)}, table.source, table.first_row)
    chosen = model.threshold if threshold is None else check_threshold(threshold, labels)
    numbers = predict_classes(probabilities, class_threshold(chosen))
    names = tuple(str(value) for value in labels.classes)
    columns = {f"predicted_{labels.name}": Column("words", numbers.astype(np.int32), names)}
    for i, name in enumerate(names):
        columns[f"probability_{name}"] = Column("number", probabilities[:, i].astype(np.float64))
    return Table({**columns, **_disagreement(model, table)}, table.source, table.first_row)


def _disagreement(model: Predictor, table: Table) -> dict[str, Column]:
    return {"disagreement": Column("number", model.disagreement(table))} if isinstance(model, Ensemble) else {}


@reject_unknown
def predict_file(
    model: Predictor,
    data: Any,
    output: str | Path | Database,
    *,
    keep: Sequence[str] | None = None,
    format: OutputFormat | None = None,
    read_options: ReadOptions | None = None,
    threshold: GivenThreshold | None = None,
    strict: bool = False,
    if_table_exists: TableExists = "fail",
    cluster: ClusterChoice | None = None,
    on_progress: Callable[[int], object] | None = None,
) -> FilePrediction:
    """Read rows, predict and write them, a batch at a time, so that memory does not grow with the number of rows.

    A warning names each column with values far outside the training range, unseen categories, or another distribution.

    Parameters
    ----------
    model : Model or Ensemble
    data : file name, "-" or DataFrame
        Any format that `creche.train` reads, with columns in any order; "-" is standard input.
    output : file name, "-", Database or address of a table
        CSV, Parquet, Arrow or JSON lines, by its ending; "-" is standard output. A table of a database gets all rows in
        one transaction, so that others see all of them or none. An address such as ``s3://bucket/new.parquet`` is a
        file of an object store, in Parquet or Arrow.
    keep : sequence of str, optional
        Columns of the data to write before the predictions; all by default.
    format : {"csv", "parquet", "arrow", "jsonl"}, optional
        The format of the output, if not by its ending.
    read_options : ReadOptions, optional
        How to read the data.
    threshold : float, optional
        For two classes: predict the second at or above this probability; by default, the model's own.
    strict : bool, default False
        Whether rows that differ from the training rows are an error, and nothing is written, instead of a warning.
    if_table_exists : {"fail", "append", "replace"}, default "fail"
        For a table of a database that exists: an error, rows below those that it has, or a new table in its place.
    cluster : str, Cluster or executor, optional
        Other processes or machines that predict, as for `creche.sweep`; this one reads, hands out batches, and writes
        them in their order.
    on_progress : callable, optional
        Called after each batch with the number of rows done so far.

    Returns
    -------
    FilePrediction

    Raises
    ------
    TableError
        If a column that the model needs is missing, or holds values of another kind than in training; with `strict`,
        also if the rows differ from the training rows.
    FileError
        If a file cannot be read or written; no partly written file remains.
    PlanError
        If `output` is the file that is read.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", hidden=[5], epochs=2, threads=1).model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     predicted = cr.predict_file(model, "penguins", folder + "/new.csv", keep=["sex"])
    ...     header = Path(folder, "new.csv").read_text().splitlines()[0]
    >>> predicted.rows, header
    (344, 'sex,predicted_species,probability_Adelie,probability_Chinstrap,probability_Gentoo')

    """
    if threshold is not None:
        check_threshold(threshold, model.labels)
    check_word("if_table_exists", if_table_exists, TABLE_EXISTS)
    target = find_database(output)
    if target is None:
        check_outputs({"output": output}, {"table": resolve_bundled(data)})
    elif target.kind in FILES and target == find_database(data):
        raise PlanError(f"output: {target.source} is the table itself; give another name", argument="output")
    predict_each = _predict_each(model, threshold, cluster)
    rows = 0
    kept: list[str] = []
    ignored: tuple[str, ...] = ()
    checker = DataChecker(model)
    if strict:
        checker.result().refuse()  # if rows cannot be checked
    with _open_writer(output, format, strict, if_table_exists) as writer:
        # All columns are written as they came, so that those the model does not use never cause an error.
        def write(batch: ReadBatch, predicted: Table) -> None:
            nonlocal rows, ignored, kept
            if rows == 0:
                kept = _names_to_keep(batch.frame.columns, batch.table.source, keep)
                used = {*model.features.names, *model.labels.names}
                ignored = tuple(name for name in batch.frame.columns if name not in used)
            cells = [name for name in kept if name not in predicted.columns] if batch.has_cells else []
            writer.write_frame(_join(batch.frame.select(kept), predicted), cells)
            rows += len(batch.table)
            checker.add(batch.table)
            if on_progress:
                on_progress(rows)

        predict_each(read_batches(data, read_options, ROWS_AT_A_TIME, expected=model.features.expected), write)
        check = checker.result()
        if strict:
            check.refuse()
    for message in check.messages():
        warn(message)
    return FilePrediction(rows, ignored, check)


PredictEach: TypeAlias = Callable[[Iterable[ReadBatch], Callable[[ReadBatch, Table], object]], None]


def _predict_each(model: Predictor, threshold: GivenThreshold | None, cluster: ClusterChoice | None) -> PredictEach:
    """Return a function that predicts batches, here or by a cluster, and hands each over with its predictions."""
    if cluster is None:

        def predict_here(batches: Iterable[ReadBatch], take: Callable[[ReadBatch, Table], object]) -> None:
            for batch in batches:
                take(batch, predict_table(model, batch.table, threshold))

        return predict_here
    from creche.model.elsewhere import carry_out_blocks, predicting_hardware

    hardware = predicting_hardware(model, cluster)

    def predict_there(batches: Iterable[ReadBatch], take: Callable[[ReadBatch, Table], object]) -> None:
        on_their_way: deque[ReadBatch] = deque()

        def hand_out() -> Iterator[Table]:
            for batch in batches:
                on_their_way.append(batch)
                yield batch.table

        carry_out_blocks(
            hardware, model, partial(predict_table, threshold=threshold), hand_out(),
            lambda predicted: take(on_their_way.popleft(), predicted),
        )  # fmt: skip

    return predict_there


def _open_writer(
    output: Any, format: OutputFormat | None, hold: bool, if_table_exists: TableExists
) -> TableWriter | DatabaseWriter | ObjectWriter:
    from creche.table.write import TableWriter
    from creche.table.write_database import DatabaseWriter
    from creche.table.write_object import ObjectWriter

    database = find_database(output)
    if database is None:
        return TableWriter(output, format, hold=hold)
    if database.kind in FILES:
        if if_table_exists != "fail":
            message = f"if_table_exists: has no effect on {database.source}, a file; leave it out"
            raise PlanError(message, argument="if_table_exists")
        return ObjectWriter(database, format)
    if format is not None:
        raise PlanError(f"format: has no effect on {database.source}, a table of a database", argument="format")
    return DatabaseWriter(database, if_table_exists)


def _names_to_keep(names: Sequence[str], source: str, keep: Sequence[str] | None) -> list[str]:
    for name in keep or ():
        if name not in names:
            raise TableError(f"keep: {source} has no column {name!r}; {nearest(name, names)}")
    return list(names) if keep is None else list(keep)


def _join(kept: pl.DataFrame, predicted: Table) -> pl.DataFrame:
    """The columns of both; where both have one of a name, the prediction's."""
    from creche.table.write import frame_of_table

    out = frame_of_table(predicted)
    return kept.with_columns(out) if kept.columns else out
