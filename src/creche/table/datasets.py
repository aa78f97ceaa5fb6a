"""Tables that come with Creche."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

__all__ = ["BUNDLED", "bundled_path", "penguins"]

BUNDLED = ("penguins",)


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
