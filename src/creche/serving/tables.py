"""Bodies of requests that are tables, in CSV or as an Arrow stream, and predictions as such."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO

from creche._advice import use_words, write_in_python
from creche.errors import FileError, TableError
from creche.model.predict_file import predict_table
from creche.serving.answers import check_count
from creche.serving.bodies import ARROW, CSV, Limits
from creche.serving.cells import SOURCE, CheckedRows
from creche.serving.problems import CellError, ProblemError
from creche.serving.served_model import ServedModel
from creche.table.cell_format import ExpectedColumn
from creche.table.checks import collect_warnings
from creche.table.reading.arrow_stream import check_arrow_stream
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import read_table
from creche.table.table import Table
from creche.table.write import frame_of_table

__all__ = ["ReadRows", "predict_as_table", "predict_rows", "read_rows"]

PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\0", b"PK\x03\x04")
"""How packed files begin, which `read_table` would unpack whatever their size."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadRows:
    """The rows of a table.

    Attributes
    ----------
    rows : CheckedRows
    notes : list of str
        What was decided while they were read, such as that a line of totals was left out.

    """

    rows: CheckedRows
    notes: list[str]


def read_rows(served: ServedModel, media_type: str, body: bytes, limits: Limits) -> ReadRows:
    """Return the rows of a table.

    Raises
    ------
    ProblemError
        If it cannot be read, has too many rows, lacks a column, or a cell is not of its column's kind.

    """
    if media_type == CSV and body.startswith(PACKED):
        raise ProblemError(415, "the body is packed; unpack it, or send it with 'Content-Encoding: gzip'")
    names = served.model.features.names
    try:
        if media_type == ARROW:
            check_count(check_arrow_stream(body, SOURCE, most_rows=limits.max_rows), limits)
        with collect_warnings() as notes:
            words = _read(body, media_type, dict.fromkeys(names, "words"))
    except (TableError, FileError) as error:
        raise ProblemError(400, str(error)) from error
    check_count(len(words), limits)
    if len(words) == 0:
        raise ProblemError(422, "the table has no rows; send at least one")
    missing = [name for name in names if name not in words.columns]
    if missing:
        raise ProblemError.of_cells([CellError(None, name, _explain_missing(name, words.names)) for name in missing])
    expected: dict[str, str | ExpectedColumn] = dict.fromkeys(names, "number") | served.model.features.expected
    try:
        with collect_warnings():
            table = _read(body, media_type, expected)
    except TableError as error:
        columns = {name: words.columns[name].to_objects().tolist() for name in names}
        raise served.checker.explain(columns, error) from error
    ignored = tuple(name for name in table.names if name not in names)
    table = replace(table.select(list(names)), source=SOURCE, first_row=0)
    return ReadRows(CheckedRows(table, len(table), ignored), notes)


def predict_rows(served: ServedModel, rows: CheckedRows) -> Table:
    """Return a table with the columns that `creche predict` writes.

    Raises
    ------
    ProblemError
        If a value is not one of its column.

    """
    data = rows.data
    table = data if isinstance(data, Table) else served.checker.make_table({name: [data[name]] for name in data})
    try:
        return predict_table(served.model, table)
    except TableError as error:
        raise served.checker.explain(table, error) from error


def predict_as_table(served: ServedModel, rows: CheckedRows, media_type: str) -> bytes:
    """Return predictions in the columns that `creche predict` writes.

    Raises
    ------
    ProblemError
        If a value is not one of its column.

    """
    frame = frame_of_table(predict_rows(served, rows))
    written = BytesIO()
    if media_type == CSV:
        frame.write_csv(written)
    else:
        frame.write_ipc_stream(written)
    return written.getvalue()


def _read(body: bytes, media_type: str, expected: Mapping[str, str | ExpectedColumn]) -> Table:
    options = ReadOptions(format="csv" if media_type == CSV else "arrow")
    with use_words(_write_for_clients):
        return read_table(_NamedBody(body), options, expected)


def _write_for_clients(argument: str, value: object) -> str:
    """Advise another format where a program that reads a file would be told an option: a request has none."""
    return "a body in JSON or Arrow" if argument.startswith("ReadOptions.") else write_in_python(argument, value)


def _explain_missing(name: str, names: list[str]) -> str:
    if f"{name} (1)" in names:  # as columns of one name are renamed
        return f"column {name!r} is there more than once; send it once"
    return f"column {name!r} is missing; add it, with empty cells if need be"


class _NamedBody(BytesIO):
    name = SOURCE  # in messages
