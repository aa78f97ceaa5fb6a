"""Tables that come with Creche."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

__all__ = ["BUNDLED", "bundled_path", "locate_read_file", "penguins", "resolve_bundled"]

BUNDLED = ("penguins",)

# The sources of tables that were read from no file that has a name.
NOT_FILES = ("X", "the table", "standard input", "the open file")


def penguins() -> pl.DataFrame:
    """Return 344 penguins of three species: four measurements each, their island and sex; 19 cells are missing.

    Gorman, Williams & Fraser 2014; NOTICE.md in the folder of the data has the full citation.

    Returns
    -------
    polars.DataFrame
        Columns species, island, bill_length_mm, bill_depth_mm, flipper_length_mm, body_mass_g, sex.

    Examples
    --------
    >>> penguins().shape
    (344, 7)

    """
    import polars as pl

    path = bundled_path("penguins")
    assert path is not None
    return pl.read_csv(path, infer_schema_length=None)


def bundled_path(name: str) -> Path | None:
    """Return the path of a bundled table.

    Parameters
    ----------
    name : str
        The name of the table: "penguins".

    Returns
    -------
    pathlib.Path or None
        None if there is no table of that name.

    Examples
    --------
    >>> bundled_path("penguins").name
    'penguins.csv'

    """
    if name not in BUNDLED:
        return None
    with as_file(files("creche").joinpath("data", f"{name}.csv")) as path:
        return path


def resolve_bundled(data: Any) -> Any:
    """Return the file of a bundled table for its name, unless a file has that name; anything else as it is.

    Examples
    --------
    >>> resolve_bundled("penguins").name, resolve_bundled("other.csv")
    ('penguins.csv', 'other.csv')

    """
    is_name = isinstance(data, str | Path) and str(data) in BUNDLED
    return bundled_path(str(data)) if is_name and not Path(data).exists() else data


def locate_read_file(source: str) -> Path | None:
    """Return the path of the file that a table was read from, by the table's `source`; None if it was no file.

    Examples
    --------
    >>> locate_read_file("standard input") is None
    True

    """
    if source in (*BUNDLED, *NOT_FILES):
        return None
    try:
        path = Path(source).expanduser().absolute()
        return path if path.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None
