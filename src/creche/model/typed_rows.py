"""Observations typed as text, such as ``37.3,16.8,19.2,30.0``, as a table that a model predicts."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from creche._phrases import format_count, list_first
from creche.errors import TableError, nearest
from creche.table.cell_format import DEFAULT_MISSING, CellFormat, ExpectedColumn
from creche.table.reading.read import read_table
from creche.table.table import Column, Table

if TYPE_CHECKING:
    from creche.model.predictor import Predictor

__all__ = ["as_typed_column", "read_columns", "read_typed_rows"]

TYPED_SOURCE = "row"

COLUMNS_NAMED = 12


def read_typed_rows(model: Predictor, texts: Sequence[str]) -> Table:
    """Read observations that were typed, one text each.

    The values are separated by commas (write one that holds a comma between quotes), and each is read as a cell of the
    training table was. An empty value is a missing one.

    Parameters
    ----------
    model : Model or Ensemble
    texts : sequence of str
        Values in the order of the model's columns, or ``name=value`` for each column in any order.

    Returns
    -------
    Table
        The columns that the model reads, with a row for each text.

    Raises
    ------
    TableError
        If there are too few values or too many, a column is misspelt, named twice or not at all, or a value is not of
        its column's kind.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins-four", label="species", epochs=2, threads=1).model
    >>> named = "body_mass_hg=50, bill_length_mm=50, bill_depth_mm=15, flipper_length_cm="
    >>> rows = read_typed_rows(model, ["37.3,16.8,19.2,30.0", named])
    >>> rows.columns["flipper_length_cm"].values.tolist()
    [19.2, nan]

    """
    features = model.features
    if not texts:
        raise TableError("row: got none; needs the values of an observation, separated by commas")
    rows = [_split(text, features.names, number) for number, text in enumerate(texts, 1)]
    columns = {
        name: as_typed_column(model, name, [row[place] for row in rows]) for place, name in enumerate(features.names)
    }
    return read_columns(model, columns)


def as_typed_column(model: Predictor, name: str, cells: Sequence[str]) -> Column:
    """Return cells of a column of the model as a column of words, written as those of the training table were."""
    format = model.features.formats.get(name)
    missing = (DEFAULT_MISSING if format is None else format.missing) or ("",)
    stripped = [cell.strip() for cell in cells]
    column = Column.from_words([None if cell in missing or not cell else cell for cell in stripped])
    return Column(column.kind, column.values, column.words, format or CellFormat())


def read_columns(model: Predictor, columns: Mapping[str, Column]) -> Table:
    """Return a table of these columns, each read as the kind that the model expects.

    Raises
    ------
    TableError
        If a value is not of its column's kind.

    """
    return read_table(Table(dict(columns), TYPED_SOURCE), expected=_expected(model))


def _expected(model: Predictor) -> Mapping[str, str | ExpectedColumn]:
    """How each column is to be read; those of an array are numbers."""
    expected: Mapping[str, str | ExpectedColumn] = model.features.expected
    return expected or dict.fromkeys(model.features.names, "number")


def _split(text: str, names: Sequence[str], number: int) -> list[str]:
    """Return the cells of a typed row in the order of the model's columns."""
    cells = next(csv.reader([text], skipinitialspace=True), [])
    pairs = [cell.partition("=") for cell in cells]
    are_named = any(name.strip() in names for name, equals, _ in pairs if equals)
    if are_named or (cells and all(equals for _, equals, _ in pairs)):
        return _order(pairs, names, number)
    if len(cells) != len(names):
        such = f"; name them to be sure of their order: {names[0]}=…" if len(names) > 1 else ""
        raise TableError(
            f"row: row {number} has {format_count(len(cells), 'value')}, and the model reads "
            f"{format_count(len(names), 'column')}: {list_first(list(names), COLUMNS_NAMED)}. Separate values by "
            f"commas, leave a missing one empty{such}"
        )
    return cells


def _order(pairs: Sequence[tuple[str, str, str]], names: Sequence[str], number: int) -> list[str]:
    """Return the values of ``name=value`` in the order of the names."""
    found: dict[str, str] = {}
    for typed, equals, value in pairs:
        name = typed.strip()
        if not equals:
            raise TableError(
                f"row: row {number} has {typed!r} without a name; name all columns, such as {names[0]}=…, or none"
            )
        if name not in names:
            raise TableError(f"row: row {number} names {name!r}; {nearest(name, names)}")
        if name in found:
            raise TableError(f"row: row {number} names {name!r} twice; give each column once")
        found[name] = value
    missing = [name for name in names if name not in found]
    if missing:
        raise TableError(
            f"row: row {number} lacks {list_first(missing, COLUMNS_NAMED)}; add {missing[0]}=…, or {missing[0]}= with "
            "nothing after it for a missing value"
        )
    return [found[name] for name in names]
