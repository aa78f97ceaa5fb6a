"""The table of a session: where it comes from, what it is called, and its cells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from creche.errors import FileError, nearest
from creche.table.datasets import BUNDLED, bundled_path
from creche.table.reading.read import read_table
from creche.table.table import Table

__all__ = ["TableSource", "open_bundled", "open_file"]

# The label of a bundled table, so that the studio begins with a network.
BUNDLED_LABELS = dict.fromkeys(BUNDLED, ("species",))


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

    """

    name: str
    argument: str
    table: Table
    default_label: tuple[str, ...] = ()


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


def open_file(path: str | Path, name: str | None = None) -> TableSource:
    """Read a table from a file, or a bundled one by its name.

    Parameters
    ----------
    path : path
    name : str, optional
        What to call it, if its file has another name, as that of an upload has.

    Raises
    ------
    FileError, TableError
        If it cannot be read, or holds no table.

    """
    if str(path) in BUNDLED and not Path(path).exists():
        return open_bundled(str(path))
    called = Path(path).name if name is None else name
    return TableSource(called, str(path) if name is None else name, read_table(path))
