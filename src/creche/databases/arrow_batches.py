"""Arrow streams of a database driver as frames, some rows at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from creche.errors import CrecheError, TableError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ROWS_AT_A_TIME", "check_polars_version", "check_repeated_names", "iterate_batches"]

ROWS_AT_A_TIME = 65_536

# Years that a datetime of Python and NumPy can be printed with; databases write infinity as a number far beyond.
FIRST_DAY, LAST_DAY = -719_162, 2_932_896  # 0001-01-01 and 9999-12-31, counted from 1970-01-01
PER_DAY = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


def check_polars_version(what: str) -> None:
    """Check that Polars can read a stream of a driver.

    Raises
    ------
    CrecheError
        If it is too old.

    """
    import polars as pl

    if not hasattr(pl, "scan_arrow_c_stream"):
        raise CrecheError(f"{what}: needs Polars 2 or newer, and this is {pl.__version__}: pip install 'polars>=2'")


def check_repeated_names(names: Sequence[str], source: str) -> None:
    """Check that the columns of a query have different names.

    Raises
    ------
    TableError
        If two have the same.

    """
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise TableError(
            f"{source}: several columns are called {repeated[0]!r}; name each differently in the query: AS …"
        )


def iterate_batches(stream: Any, source: str, fail: Callable[[Exception, int], NoReturn]) -> Iterator[pl.DataFrame]:
    """Yield frames of a stream; one without rows, if there are none.

    Parameters
    ----------
    stream
        What has the Arrow C stream interface.
    source : str
        The name of the table in messages.
    fail : callable
        Called with an error of Polars, and the number of rows before it; raises one that tells the reason.

    Raises
    ------
    TableError
        If a date is infinite.

    """
    import polars as pl

    rows = 0
    try:
        lazy = pl.scan_arrow_c_stream(stream)
        schema = lazy.collect_schema()
        for frame in lazy.collect_batches(chunk_size=ROWS_AT_A_TIME, lazy=True):
            _check_dates(frame, source, rows + 1)
            yield frame
            rows += len(frame)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        fail(RuntimeError(str(error)), rows)
    if rows == 0:
        yield pl.DataFrame(schema=schema)


def _check_dates(frame: pl.DataFrame, source: str, first_row: int) -> None:
    import polars as pl

    for series in frame:
        dtype = series.dtype
        if not isinstance(dtype, pl.Date | pl.Datetime):
            continue
        days = 1 if isinstance(dtype, pl.Date) else PER_DAY[dtype.time_unit]
        inside = series.to_physical().is_between(FIRST_DAY * days, (LAST_DAY + 1) * days, closed="left")
        if inside.all():  # null where the date is missing
            continue
        row = first_row + int((~inside).fill_null(False).arg_true()[0])
        raise TableError(
            f"{source}: row {row:,}: column {series.name!r} holds a date that is infinite, or outside the years 1 to "
            f"9999; read it as missing by a query: NULLIF({series.name}, 'infinity')"
        )
