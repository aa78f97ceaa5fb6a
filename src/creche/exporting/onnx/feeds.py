"""Rows as the inputs of a graph, and rows to check it with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.exporting.onnx.features import ARRAY_INPUT
from creche.model.predictor import Predictor
from creche.table.cell_types import ColumnContext, Rule
from creche.table.checks import check_finite, check_matrix
from creche.table.encoders.categorical import CategoricalEncoder
from creche.table.encoders.datetime import DatetimeEncoder
from creche.table.encoders.features import Encoder
from creche.table.encoders.numeric import NumericEncoder
from creche.table.reading.read import is_table, read_table
from creche.table.table import Column, Table
from creche.table.word_columns import coerce_column

__all__ = ["build_feeds", "make_sample_rows", "read_rows"]

SAMPLE_ROWS = 200
GAPS = 0.1  # the share of missing values in sample rows
YEAR = 31_556_952  # seconds


def read_rows(model: Predictor, data: Any) -> Table | NDArray[np.float64]:
    """Read rows as the model reads them when it predicts.

    Raises
    ------
    TableError
        If they cannot be predicted.

    """
    if is_table(data):
        return read_table(data, expected=model.features.expected)
    x = check_matrix(data, columns=len(model.features.names))
    check_finite(x)
    return x.astype(np.float64)


def build_feeds(model: Predictor, rows: Table | NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """Return rows as the inputs of the model's graph, by name.

    Parameters
    ----------
    model : Model or Ensemble
    rows : Table or (n, columns) array

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", epochs=2, threads=1).model
    >>> feeds = build_feeds(model, read_rows(model, cr.datasets.penguins().head(2)))
    >>> feeds["bill_length_mm"].tolist(), feeds["island"].tolist()
    ([[39.1], [39.5]], [['Torgersen'], ['Torgersen']])

    """
    features = model.features
    if not features.has_column_names:
        if isinstance(rows, Table):
            rows = np.column_stack([column.values.astype(np.float64) for column in rows.columns.values()])
        return {ARRAY_INPUT: rows}
    if not isinstance(rows, Table):
        rows = Table({name: Column("number", rows[:, i]) for i, name in enumerate(features.names)}, "X", first_row=0)
    return {encoder.name: _feed(encoder, rows)[:, np.newaxis] for encoder in features.columns}


def _feed(encoder: Encoder, rows: Table) -> NDArray[Any]:
    kind = "words" if isinstance(encoder, CategoricalEncoder) else encoder.kind
    context = ColumnContext(rows.source, encoder.name, rows.first_row)
    column = coerce_column(rows.column(encoder.name), Rule(kind, required=True), context)
    if kind == "words":
        return np.asarray(np.array([*column.words, ""], dtype=object)[column.values])
    values: NDArray[Any] = column.values
    if kind != "datetime":
        return values.astype(np.float64)
    return values.astype("datetime64[us]").astype(np.int64)


def make_sample_rows(model: Predictor) -> Table | NDArray[np.float64]:
    """Make rows like the training rows, column by column, with missing values and categories that are unknown.

    They follow what the model keeps of its training rows, or else its encoders, and are always the same.
    """
    random = np.random.default_rng(0)
    summary = model.training_summary
    columns: dict[str, Column] = {}
    for i, encoder in enumerate(model.features.columns):
        quantiles = None if summary is None else summary.quantiles[i]
        if quantiles is not None and not np.isfinite(quantiles).all():
            quantiles = None
        gaps = random.random(SAMPLE_ROWS) < GAPS if model.features.has_column_names else np.zeros(SAMPLE_ROWS, bool)
        columns[encoder.name] = _sample(encoder, quantiles, gaps, random)
    if model.features.has_column_names:
        return Table(columns, "the sample rows")
    return np.column_stack([column.values for column in columns.values()])


def _sample(
    encoder: Encoder, quantiles: NDArray[np.float64] | None, gaps: NDArray[np.bool_], random: np.random.Generator
) -> Column:
    count = len(gaps)
    if isinstance(encoder, CategoricalEncoder):
        words = [*encoder.categories, "a category that no training row has"]
        chosen = random.integers(0, len(words), count)
        return Column.from_words([None if gap else words[k] for gap, k in zip(gaps, chosen, strict=True)])
    if isinstance(encoder, NumericEncoder) and encoder.kind == "boolean":
        values = random.integers(0, 2, count).astype(np.float64)
    elif quantiles is not None:
        values = np.interp(random.random(count), np.linspace(0, 1, len(quantiles)), quantiles)
    elif isinstance(encoder, DatetimeEncoder):
        values = (encoder.year[0] - 1970 + encoder.year[1] * random.standard_normal(count)) * YEAR * 1e6
    elif encoder.references:
        values = random.choice(np.array(encoder.references), count)
    else:
        spread = 0.0 if encoder.is_constant else encoder.scale
        values = encoder.center + spread * random.standard_normal(count)
    if isinstance(encoder, DatetimeEncoder):
        moments = values.astype(np.int64).astype("datetime64[us]")
        moments[gaps] = np.datetime64("NaT")
        return Column("datetime", moments)
    values[gaps] = np.nan
    return Column(encoder.kind, values)
