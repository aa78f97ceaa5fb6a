"""Tables that come with Creche."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creche.databases.address import find_database
from creche.table.dataset_cards import CARDS, DatasetCard

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "BUNDLED",
    "NOT_FILES",
    "bundled_path",
    "cards",
    "films",
    "grades",
    "houses",
    "locate_read_file",
    "machines",
    "penguins",
    "penguins_four",
    "resolve_bundled",
    "rides",
    "spirals",
    "subscribers",
    "waves",
]

BUNDLED = tuple(CARDS)

# The sources of tables that were read from no file that has a name.
NOT_FILES = ("X", "the table", "standard input", "the open file")


def cards() -> list[DatasetCard]:
    """Return a card for each table that comes with Creche: its source and licence, its label, and what to learn on it.

    Returns
    -------
    list of DatasetCard

    Examples
    --------
    >>> [card.name for card in cards() if card.task == "regression"]
    ['waves', 'houses', 'rides']

    """
    return list(CARDS.values())


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


def spirals() -> pl.DataFrame:
    """Return 400 points on two spirals, generated: two features, and a boundary that no straight line comes near.

    Returns
    -------
    polars.DataFrame
        Columns x, y, arm (first, second).

    Examples
    --------
    >>> spirals().shape
    (400, 3)

    """
    return _read("spirals")


def waves() -> pl.DataFrame:
    """Return 300 points of a wave, generated: one feature, one number to predict, and noise that grows with x.

    Returns
    -------
    polars.DataFrame
        Columns x, y.

    Examples
    --------
    >>> waves().shape
    (300, 2)

    """
    return _read("waves")


def houses() -> pl.DataFrame:
    """Return 400 houses and their prices, generated: numbers, a category and yes or no; some years are missing.

    Returns
    -------
    polars.DataFrame
        Columns area_m2, rooms, built, district, garden, distance_km, price.

    Examples
    --------
    >>> houses().shape
    (400, 7)

    """
    return _read("houses")


def subscribers() -> pl.DataFrame:
    """Return 500 subscribers, some cancelled, generated; the column exit_survey gives the label away.

    Returns
    -------
    polars.DataFrame
        Columns months, plan, fee, minutes_a_week, support_calls, idle_days, exit_survey, cancelled.

    Examples
    --------
    >>> subscribers().shape
    (500, 8)

    """
    return _read("subscribers")


def rides() -> pl.DataFrame:
    """Return 730 days of bicycle rides, generated: a count to predict from date and weather.

    Returns
    -------
    polars.DataFrame
        Columns date, temperature_c, rain_mm, rides.

    Examples
    --------
    >>> rides().shape
    (730, 4)

    """
    return _read("rides")


def grades() -> pl.DataFrame:
    """Return 360 students and their grades, generated: four classes in an order.

    Returns
    -------
    polars.DataFrame
        Columns hours_of_study, attendance, hours_of_sleep, previous_score, grade (poor, fair, good, excellent).

    Examples
    --------
    >>> grades().shape
    (360, 5)

    """
    return _read("grades")


def films() -> pl.DataFrame:
    """Return 400 films, generated: three labels of yes or no; any number of them may hold.

    Returns
    -------
    polars.DataFrame
        Columns minutes, cuts_per_minute, jokes, loudness_db, action, comedy, drama.

    Examples
    --------
    >>> films().shape
    (400, 7)

    """
    return _read("films")


def machines() -> pl.DataFrame:
    """Return 400 readings of 40 machines, generated: rows of one machine belong together.

    Returns
    -------
    polars.DataFrame
        Columns machine, load, temperature_c, vibration_mm_s, worn.

    Examples
    --------
    >>> machines().shape
    (400, 5)

    """
    return _read("machines")


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
        The name of the table, such as "penguins".

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
