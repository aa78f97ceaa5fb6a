"""Prediction as a stream: any file in, the same rows with their predictions out, however many there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from creche.errors import TableError, nearest
from creche.model.ensemble import Ensemble
from creche.model.predictor import Predictor
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import read_batches
from creche.table.table import Column, Table

__all__ = ["FilePrediction", "predict_file", "predict_table"]

ROWS_AT_A_TIME = 65_536


@dataclass(frozen=True, slots=True)
class FilePrediction:
    """What `predict_file` did.

    Attributes
    ----------
    rows : int
    ignored : tuple of str
        Columns the model does not know.

    """

    rows: int
    ignored: tuple[str, ...]


def predict_table(model: Predictor, table: Table, threshold: float | None = None) -> Table:
    """The predictions for a table's rows as columns.

    For classes: ``predicted_<label>``, and ``probability_<class>`` for each; for numbers ``predicted_<label>``. Of an
    ensemble also ``disagreement``, how far its networks are from saying the same (`Ensemble.disagreement`).

    Parameters
    ----------
    model : Model or Ensemble
    table : Table
    threshold : float, optional
        Of two classes, the second is predicted where its probability is at least this; 0.5 if not given.

    """
    labels = model.labels
    if labels.classes is None:
        numbers = model.predict(table).reshape(len(table), -1)
        columns = {f"predicted_{name}": Column("number", numbers[:, i]) for i, name in enumerate(labels.names)}
        return Table({**columns, **_doubt(model, table)}, table.source, table.first_row)
    probabilities = model.predict_proba(table)
    said = probabilities.argmax(axis=1) if threshold is None else (probabilities[:, 1] >= threshold).astype(np.int64)
    words = tuple(str(value) for value in labels.classes)
    columns = {f"predicted_{labels.name}": Column("words", said.astype(np.int32), words)}
    for i, word in enumerate(words):
        columns[f"probability_{word}"] = Column("number", probabilities[:, i].astype(np.float64))
    return Table({**columns, **_doubt(model, table)}, table.source, table.first_row)


def _doubt(model: Predictor, table: Table) -> dict[str, Column]:
    return {"disagreement": Column("number", model.disagreement(table))} if isinstance(model, Ensemble) else {}


def predict_file(
    model: Predictor,
    source: Any,
    target: str | Path,
    *,
    keep: Sequence[str] | None = None,
    format: str | None = None,
    read_options: ReadOptions | None = None,
    threshold: float | None = None,
    on_progress: Callable[[int], object] | None = None,
) -> FilePrediction:
    """Reads rows, predicts and writes, some at a time: memory does not grow with the number of rows.

    Parameters
    ----------
    model : Model or Ensemble
    source : file name, "-" or DataFrame
        Of any format `creche.train` takes; its columns in any order.
    target : file name or "-"
        CSV, Parquet, Arrow or JSON lines, by its name.
    keep : sequence of str, optional
        Which of the columns stand beside the predictions; all, if not given.
    format : str, optional
        Of the target, where its name does not say.
    read_options : ReadOptions, optional
        How the source is written.
    threshold : float, optional
        Of two classes, the second is predicted where its probability is at least this.
    on_progress : callable, optional
        Is called with the number of rows done.

    Returns
    -------
    Predicted

    Raises
    ------
    TableError
        If a column the model needs is missing, or holds what it cannot.
    FileError
        If a file cannot be read or written; nothing is left half written.

    """
    from creche.table.write import TableWriter

    _check_threshold(model, threshold)
    rows = 0
    ignored: tuple[str, ...] = ()
    with TableWriter(target, format) as writer:
        # What the model does not know goes from text to text as it is written, and is never a reason to stop.
        other_columns: Literal["words", "lenient"] = "words" if writer.format == "csv" else "lenient"
        batches = read_batches(
            source, read_options, ROWS_AT_A_TIME, expected=model.features.kinds, other_columns=other_columns
        )
        for batch in batches:
            if rows == 0:
                kept = _kept(batch, keep)
                ignored = tuple(n for n in batch.names if n not in (*model.features.names, *model.labels.names))
            writer.write(_beside(batch.select(kept), predict_table(model, batch, threshold)))
            rows += len(batch)
            if on_progress:
                on_progress(rows)
    return FilePrediction(rows, ignored)


def _check_threshold(model: Predictor, threshold: float | None) -> None:
    if threshold is None:
        return
    if model.classes is None or len(model.classes) != 2:
        raise TableError(f"threshold: got {threshold!r}; is for models of two classes only")
    if not 0 <= threshold <= 1:
        raise TableError(f"threshold: got {threshold!r}; needs a probability, from 0 to 1")


def _kept(batch: Table, keep: Sequence[str] | None) -> list[str]:
    for name in keep or ():
        if name not in batch.columns:
            raise TableError(f"keep: {batch.source} has no column {name!r}; {nearest(name, batch.names)}")
    return batch.names if keep is None else list(keep)


def _beside(kept: Table, predicted: Table) -> Table:
    """Both tables' columns; a column that would be there twice is the prediction."""
    return Table({**kept.columns, **predicted.columns}, kept.source, kept.first_row)
