"""Predicting one observation: the fields of a form, what is typed into them, and what is predicted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from creche.errors import TableError, nearest
from creche.model.model import Model
from creche.model.predictor import Predictor
from creche.model.typed_rows import as_typed_column, read_columns
from creche.plan.words import Role
from creche.studio.progress import NOTHING, send_row
from creche.studio.protocol.views import Field, PredictionView
from creche.studio.state import RefusedError, SessionState
from creche.table.column_summary import count_values
from creche.table.prepare import Prepared
from creche.table.schema import format_value
from creche.table.table import Column, Table

__all__ = ["describe_prediction", "fill_fields", "list_fields", "read_cells", "write_cells"]

MOST_CHOICES = 200
STEPS = 200
"""About how many steps a slider has from the lowest value to the highest."""

Cells = Mapping[str, str]


def list_fields(state: SessionState) -> tuple[Field, ...]:
    """Return the fields of a form for one observation, each with a typical value; none without a network."""
    if state.live is None:
        return ()
    prepared = state.prepared
    if state.form is None or state.form[0] is not prepared:
        state.form = prepared, _describe_fields(prepared)
    return state.form[1]


def _describe_fields(prepared: Prepared) -> tuple[Field, ...]:
    table = prepared.train.observations.x
    assert isinstance(table, Table)
    roles = {} if prepared.schema is None else prepared.schema.roles
    return tuple(
        _describe_field(encoder.name, roles.get(encoder.name, "numeric"), table.columns[encoder.name])  # type: ignore[arg-type]
        for encoder in prepared.features.columns
    )


def fill_fields(fields: tuple[Field, ...], cells: Cells) -> tuple[Field, ...]:
    """Return the fields with these values, and without one where there is none."""
    return tuple(replace(field, value=cells.get(field.column, "")) for field in fields)


def read_cells(model: Predictor, fields: tuple[Field, ...], cells: Cells) -> Table:
    """Return what was typed into the fields as a table of one row.

    Raises
    ------
    RefusedError
        If there is no such column, or a value is not of its column's kind.

    """
    names = [field.column for field in fields]
    for name in cells:
        if name not in names:
            raise RefusedError("bad_value", f"The network reads no column {name!r}; {nearest(name, names)}.")
    columns = {}
    for name in names:
        typed = cells.get(name, "").strip()
        expected = model.features.expected.get(name)
        if expected is not None and expected.kind in ("number", "whole"):
            columns[name] = Column("number", np.array([_read_number(name, typed)]))
        else:
            columns[name] = as_typed_column(model, name, [typed])
    try:
        return read_columns(model, columns)
    except TableError as error:
        raise RefusedError("bad_value", str(error)) from error


def write_cells(table: Table, row: int) -> dict[str, str]:
    """Return the cells of a row as they would be typed into the fields; the place is counted from 0."""
    return {name: _write(column.take(slice(row, row + 1)).to_objects()[0]) for name, column in table.columns.items()}


def describe_prediction(model: Predictor, row: Table, fields: tuple[Field, ...], edges_version: int) -> PredictionView:
    """Return what a model predicts for a table of one row, and what in it is unlike the training rows.

    Raises
    ------
    CrecheError
        If the model cannot predict it.

    """
    predicted = model.predict(row)[0]
    if model.labels.task == "regression":
        numbers, names = np.atleast_1d(predicted), model.labels.predicted_names
    else:
        numbers, names = model.predict_proba(row)[0], tuple(map(str, model.labels.outcomes))
    if model.labels.is_multilabel:
        predicted = ", ".join(name for name, answer in zip(names, predicted, strict=True) if answer) or "none"
    activations = send_row(model, model.encode_rows(row))[0] if isinstance(model, Model) else NOTHING
    return PredictionView(
        predicted=_write_predicted(predicted),
        names=names,
        numbers=np.asarray(numbers, dtype=np.float32),
        warnings=tuple(model.check_data(row).messages()),
        activations=activations,
        fields=fields,
        edges_version=edges_version,
    )


def _describe_field(name: str, role: Role, column: Column) -> Field:
    """Return a field with what is typical: the median of numbers, the most frequent of other values."""
    present = column.take(~column.missing)
    if column.kind in ("number", "whole") and role == "numeric":
        if not len(present):
            return Field(name, role, "", None, None, None, ())
        values = np.asarray(present.values, dtype=np.float64)
        low, high = float(values.min()), float(values.max())
        step = _choose_step(low, high, is_whole=column.kind == "whole")
        middle = float(np.sort(values)[len(values) // 2])  # a value that occurs, unlike the mean of two
        return Field(name, role, _write_number(middle), low, high, step, ())
    pairs = count_values(present)
    value = _write(pairs[0][0]) if pairs else ""
    if column.kind == "datetime":
        return Field(name, role, value, None, None, None, ())
    return Field(name, role, value, None, None, None, tuple(_write(choice) for choice, _ in pairs[:MOST_CHOICES]))


def _choose_step(low: float, high: float, is_whole: bool) -> float:
    """Return a power of ten that divides a range into a few hundred steps."""
    if not math.isfinite(high - low) or high == low:
        return 1.0
    step = 10.0 ** math.floor(math.log10((high - low) / STEPS))
    return max(1.0, step) if is_whole else step


def _read_number(name: str, typed: str) -> float:
    if not typed:
        return math.nan
    try:
        number = float(typed)
    except ValueError:
        number = math.inf
    if not math.isfinite(number):
        raise RefusedError("bad_value", f"{name}: got {typed[:80]!r}; needs a number, such as 37.3, or nothing.")
    return number


def _write(value: Any) -> str:
    """Write a cell as a field shows it."""
    if value is None:
        return ""
    return _write_number(value) if isinstance(value, float) else format_value(value)


def _write_number(number: float) -> str:
    return str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)


def _write_predicted(value: Any) -> str:
    """Write what is predicted: a class, a number, or the numbers of several labels."""
    if isinstance(value, np.ndarray):
        return ", ".join(_write_predicted(item) for item in value)
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)
