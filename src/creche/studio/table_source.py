"""The table of a session: where it comes from, what it is called, and its cells."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from creche.databases.address import find_database
from creche.errors import FileError, TableError, nearest
from creche.table.checks import collect_warnings
from creche.table.dataset_cards import CARDS
from creche.table.datasets import BUNDLED, bundled_path
from creche.table.preparation import Preparation
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import is_table, read_table
from creche.table.table import Table

__all__ = ["LARGE_ROWS", "TableSource", "is_large", "open_bundled", "open_data", "open_file"]

# From these sizes on, a table takes longer to read and prepare than a person wants to wait for a page.
LARGE_FILE = 2 * 2**20
LARGE_ROWS = 50_000

# The label of a bundled table, so that the studio begins with a network.
BUNDLED_LABELS = {name: card.labels for name, card in CARDS.items()}


@dataclass(frozen=True, slots=True, eq=False)
class TableSource:
    """A table that was read, with what is needed to name it.

    Attributes
    ----------
    name : str
        What the page calls it: "penguins", or the name of its file.
    argument : str
        What `creche.train` and the command line take to read the same table.
    table : Table
    default_label : tuple of str
        The label of a bundled table; empty for others.
    read_options : ReadOptions
        How it was read.
    remarks : tuple of str
        What was guessed, changed or left out when it was read.

    """

    name: str
    argument: str
    table: Table
    default_label: tuple[str, ...] = ()
    read_options: ReadOptions = field(default_factory=ReadOptions)
    remarks: tuple[str, ...] = ()


def open_bundled(name: str) -> TableSource:
    """Read a table that comes with Creche.

    Raises
    ------
    FileError
        If there is none of that name.

    Examples
    --------
    >>> open_bundled("penguins").default_label
    ('species',)

    """
    path = bundled_path(name)
    if path is None:
        raise FileError(f"dataset: there is no bundled table {name!r}; {nearest(name, BUNDLED)}")
    return TableSource(name, name, read_table(path), BUNDLED_LABELS[name])


def open_file(path: str | Path, name: str | None = None, read_options: ReadOptions | None = None) -> TableSource:
    """Read a table from a file, or a bundled one by its name.

    Parameters
    ----------
    path : path
    name : str, optional
        What to call it, if its file has another name, as that of an upload has.
    read_options : ReadOptions, optional
        How it is written, if that is not to be detected.

    Raises
    ------
    FileError, TableError
        If it cannot be read, or holds no table.

    """
    options = read_options or ReadOptions()
    if str(path) in BUNDLED and not Path(path).exists():
        return open_bundled(str(path))
    called = Path(path).name if name is None else name
    with collect_warnings() as remarks:
        try:
            table = read_table(path, options)
        except (FileError, TableError) as error:  # where an upload lies is nothing that its owner knows
            raise type(error)(str(error).replace(str(path), called)) from error
    table = table if name is None else replace(table, source=name)
    argument = str(path) if name is None else name
    return TableSource(called, argument, table, read_options=options, remarks=tuple(remarks))


def open_data(data: Any, read_options: ReadOptions | Mapping[str, Any] | None = None) -> TableSource:
    """Read a table from a file, or take a DataFrame or another table, which code calls "data".

    Raises
    ------
    FileError, TableError
        If it cannot be read, or holds no table.

    """
    options = Preparation(read_options=read_options or ReadOptions()).read_options  # type: ignore[arg-type]
    database = find_database(data)
    if isinstance(data, str | Path) and database is None:
        return open_file(data, read_options=options)
    if not is_table(data):
        raise TableError(f"data: got {type(data).__name__}, which has no named columns; give a table")
    with collect_warnings() as remarks:
        table = read_table(data, options)
    called, argument = ("data", "data") if database is None else (database.source, database.address)
    return TableSource(called, argument, table, read_options=options, remarks=tuple(remarks))


def is_large(data: Any) -> bool:
    """Whether a file or a table takes long to be read and prepared.

    Examples
    --------
    >>> import polars as pl
    >>> is_large("penguins"), is_large(pl.DataFrame({"x": range(100_000)}))
    (False, True)

    """
    if find_database(data) is not None:
        return True
    if not isinstance(data, str | Path):
        shape: tuple[int, ...] = getattr(data, "shape", ())
        return len(shape) > 0 and shape[0] >= LARGE_ROWS
    with suppress(OSError):  # which reading will tell
        return Path(data).stat().st_size >= LARGE_FILE
    return False
