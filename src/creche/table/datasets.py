"""Tables that come with Creche."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

__all__ = ["bundled_path", "penguins"]

BUNDLED = ("penguins",)


def penguins() -> pl.DataFrame:
    """344 penguins of three species, four measurements each, with their island and sex; 19 cells are missing.

    Gorman, Williams & Fraser 2014; the file beside the data, NOTICE.md, has the whole source.

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
    """Where the bundled table of that name lies, or None if there is none."""
    if name not in BUNDLED:
        return None
    with as_file(files("creche").joinpath("data", f"{name}.csv")) as path:
        return path
