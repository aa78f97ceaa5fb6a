"""Tables that come with Creche."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creche.databases.address import find_database

if TYPE_CHECKING:
    import polars as pl

__all__ = ["BUNDLED", "NOT_FILES", "bundled_path", "locate_read_file", "penguins", "penguins_four", "resolve_bundled"]

BUNDLED = ("penguins", "penguins-four")

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
    return _read("penguins")


def penguins_four() -> pl.DataFrame:
    """Return 342 penguins of three species with four measurements, none missing; the table is called "penguins-four".

    The penguins of `penguins`, in units that make the measurements of similar size.

    Returns
    -------
    polars.DataFrame
        Columns bill_length_mm, bill_depth_mm, flipper_length_cm, body_mass_hg (hectograms: 100 g), species.

    Examples
    --------
    >>> penguins_four().row(0)
    (39.1, 18.7, 18.1, 37.5, 'Adelie')

    """
    return _read("penguins-four")


def _read(name: str) -> pl.DataFrame:
    import polars as pl

    path = bundled_path(name)
    assert path is not None
    return pl.read_csv(path, infer_schema_length=None)


def bundled_path(name: str) -> Path | None:
    """Return the path of a bundled table.

    Parameters
    ----------
    name : str
        The name of the table: "penguins" or "penguins-four".

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

    Of a database that is a file, it is that file.

    Examples
    --------
    >>> resolve_bundled("penguins").name, resolve_bundled("other.csv")
    ('penguins.csv', 'other.csv')

    """
    database = find_database(data)
    if database is not None:
        return database.path
    is_name = isinstance(data, str | Path) and str(data) in BUNDLED
    return bundled_path(str(data)) if is_name and not Path(data).exists() else data


def locate_read_file(source: str) -> Path | None:
    """Return the path of the file that a table was read from, by the table's `source`; None if it was not a file.

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
